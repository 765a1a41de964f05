//! The program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    descope_bulk::main(std::env::args_os()).into()
}
