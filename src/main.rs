//! The program: everything is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request allocates some hundred times; the system's allocator, musl's above all, is slower.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    descope_bulk::main(std::env::args_os()).into()
}
