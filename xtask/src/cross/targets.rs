//! The targets whose tests run here, and what each needs.

use super::runner::Runner;
use super::{musl, wine};
use crate::failure::Failure;
use crate::tools::{Tool, debian};

/// A target whose tests run on this machine.
pub struct Target {
    pub triple: &'static str,
    /// What is needed besides cargo.
    pub tools: &'static [Tool],
    pub linker: &'static str,
    /// Prepares to link, and returns the compiler's flags for that.
    pub flags: fn() -> Result<Vec<String>, Failure>,
    pub runner: Runner,
    /// How locks get the heavy barrier there, if they do.
    pub barrier: &'static str,
}

const MEMBARRIER: &str = "membarrier";

fn none() -> Result<Vec<String>, Failure> {
    Ok(Vec::new())
}

/// So that the system finds the C library of a 32-bit program if it can run such programs itself.
fn own_library() -> Result<Vec<String>, Failure> {
    let flags = [
        "-Clink-arg=-Wl,--dynamic-linker=/usr/i686-linux-gnu/lib/ld-linux.so.2",
        "-Clink-arg=-Wl,-rpath,/usr/i686-linux-gnu/lib",
    ];
    Ok(flags.map(String::from).into())
}

/// The packages for a Linux of Debian's on another CPU.
macro_rules! linux {
    ($gnu:literal, $gcc:literal, $libc:literal, $qemu:literal) => {
        &[
            debian!($gcc, [concat!($gnu, "-gcc"), "--version"], $gcc),
            debian!(
                $libc,
                ["test", "-e", concat!("/usr/", $gnu, "/lib/crt1.o")],
                $libc
            ),
            debian!($qemu, [$qemu, "--version"], "qemu-user"),
        ]
    };
}

/// Big endian comes first, and Windows.
pub const TARGETS: &[Target] = &[
    Target {
        triple: "s390x-unknown-linux-gnu",
        tools: linux!(
            "s390x-linux-gnu",
            "gcc-s390x-linux-gnu",
            "libc6-dev-s390x-cross",
            "qemu-s390x"
        ),
        linker: "s390x-linux-gnu-gcc",
        flags: none,
        runner: Runner::Qemu {
            program: "qemu-s390x",
            root: "/usr/s390x-linux-gnu",
        },
        barrier: MEMBARRIER,
    },
    Target {
        triple: "x86_64-pc-windows-gnu",
        tools: &[
            debian!(
                "gcc-mingw-w64",
                ["x86_64-w64-mingw32-gcc", "--version"],
                "gcc-mingw-w64-x86-64"
            ),
            // The package `wine`, which has `wine` in the path, also wants the 32-bit half.
            debian!("wine", ["test", "-e", wine::PROGRAM], "wine64"),
        ],
        linker: wine::GCC,
        flags: none,
        runner: Runner::Wine,
        barrier: "FlushProcessWriteBuffers",
    },
    Target {
        triple: "i686-unknown-linux-gnu",
        tools: linux!(
            "i686-linux-gnu",
            "gcc-i686-linux-gnu",
            "libc6-dev-i386-cross",
            "qemu-i386"
        ),
        linker: "i686-linux-gnu-gcc",
        flags: own_library,
        runner: Runner::Qemu {
            program: "qemu-i386",
            root: "/",
        },
        barrier: MEMBARRIER,
    },
    Target {
        triple: "armv7-unknown-linux-gnueabihf",
        tools: linux!(
            "arm-linux-gnueabihf",
            "gcc-arm-linux-gnueabihf",
            "libc6-dev-armhf-cross",
            "qemu-arm"
        ),
        linker: "arm-linux-gnueabihf-gcc",
        flags: none,
        runner: Runner::Qemu {
            program: "qemu-arm",
            root: "/usr/arm-linux-gnueabihf",
        },
        barrier: MEMBARRIER,
    },
    Target {
        triple: "aarch64-unknown-linux-gnu",
        tools: linux!(
            "aarch64-linux-gnu",
            "gcc-aarch64-linux-gnu",
            "libc6-dev-arm64-cross",
            "qemu-aarch64"
        ),
        linker: "aarch64-linux-gnu-gcc",
        flags: none,
        runner: Runner::Qemu {
            program: "qemu-aarch64",
            root: "/usr/aarch64-linux-gnu",
        },
        barrier: MEMBARRIER,
    },
    Target {
        triple: "riscv64gc-unknown-linux-gnu",
        tools: linux!(
            "riscv64-linux-gnu",
            "gcc-riscv64-linux-gnu",
            "libc6-dev-riscv64-cross",
            "qemu-riscv64"
        ),
        linker: "riscv64-linux-gnu-gcc",
        flags: none,
        runner: Runner::Qemu {
            program: "qemu-riscv64",
            root: "/usr/riscv64-linux-gnu",
        },
        barrier: MEMBARRIER,
    },
    Target {
        triple: "x86_64-unknown-linux-musl",
        tools: musl::TOOLS,
        linker: musl::GCC,
        flags: musl::flags,
        runner: Runner::Native,
        barrier: MEMBARRIER,
    },
];
