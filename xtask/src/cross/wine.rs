//! Wine, in a directory of its own, so that the user's settings stay as they are.

use super::command;
use crate::failure::Failure;
use crate::repo;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Debian's `wine64` has no program in the path.
pub const PROGRAM: &str = "/usr/lib/wine/wine64";

const SERVER: &str = "/usr/lib/wine/wineserver64";

pub const GCC: &str = "x86_64-w64-mingw32-gcc";

/// Rust's std takes its random numbers from this library, which Wine 8 does not have.
const RANDOM: &str = "\
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
    return RtlGenRandom(data, (ULONG)size);
}
";

pub fn prepare(dir: &Path) -> Result<(), Failure> {
    let source = dir.join("random.c");
    repo::write(&source, RANDOM)?;
    let mut gcc = Command::new(GCC);
    gcc.args(["-shared", "-o"]);
    // Windows looks for libraries beside the program.
    gcc.arg(dir.join("bcryptprimitives.dll"));
    command::output(gcc.arg(&source).arg("-ladvapi32"))?;
    // The first start makes the directory, with a registry and its own copy of Windows, which takes a while.
    let mut first = wine(PROGRAM);
    command::output(first.args(["cmd", "/c", "exit"])).map(drop)
}

pub fn command(program: &Path) -> Command {
    let mut wine = wine(PROGRAM);
    wine.arg(program);
    wine
}

/// Stops the server, which outlives the programs for some seconds.
pub fn finish() {
    let server = &mut wine(SERVER);
    let server = server.arg("-k").stdout(Stdio::null()).stderr(Stdio::null());
    // There may be none.
    let _ = server.status();
}

fn wine(program: &str) -> Command {
    let mut wine = Command::new(program);
    wine.env("WINEPREFIX", prefix())
        // Wine prints its own complaints among the output of the tests.
        .env("WINEDEBUG", "-all")
        // Otherwise the first start asks to download them.
        .env("WINEDLLOVERRIDES", "mscoree,mshtml=");
    wine
}

fn prefix() -> PathBuf {
    repo::target().join("cross/wine")
}
