//! What programs need besides musl, where rustup's own objects for it are missing.

use super::command::output;
use crate::failure::Failure;
use crate::repo;
use crate::tools::{Tool, debian};
use std::process::Command;

pub const GCC: &str = "musl-gcc";

pub const TOOLS: &[Tool] = &[
    debian!(GCC, [GCC, "--version"], "musl-tools"),
    // GCC's own unwinder asks glibc for the tables of a program.
    debian!(
        "libunwind.a",
        ["test", "-e", "/usr/lib/llvm-14/lib/libunwind.a"],
        "libunwind-14-dev"
    ),
];

/// Debian builds its `libunwind.a` for glibc, whose headers turn `fprintf` into this function.
const FROM_GLIBC: &str = "\
#include <stdarg.h>
#include <stdio.h>
int __fprintf_chk(FILE *file, int flag, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vfprintf(file, format, arguments);
    va_end(arguments);
    return length;
}
";

/// Prepares to link. Returns the compiler's flags.
pub fn flags() -> Result<Vec<String>, Failure> {
    let dir = repo::target().join("cross/musl");
    let (source, object) = (dir.join("glibc.c"), dir.join("glibc.o"));
    repo::write(&source, FROM_GLIBC)?;
    let mut gcc = Command::new(GCC);
    output(gcc.arg("-c").arg(&source).arg("-o").arg(&object))?;
    let object = format!("-Clink-arg={}", object.display());
    let flags = [
        // musl-gcc links no position-independent program statically.
        "-Crelocation-model=static",
        "-Clink-self-contained=no",
        "-Lnative=/usr/lib/llvm-14/lib",
        &object,
    ];
    Ok(flags.map(String::from).into())
}
