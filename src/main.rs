//! The program: everything but the process itself is in the library.

use std::panic;
use std::process::ExitCode;

use descope_bulk::Exit;

fn main() -> ExitCode {
    // A defect is one line and an exit code of its own, not a page and 101.
    panic::set_hook(Box::new(|panic| {
        anstream::eprintln!("descope-bulk: this is a bug, please report it: {panic}");
    }));
    let environment =
        |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    panic::catch_unwind(|| descope_bulk::main(std::env::args_os(), &environment))
        .unwrap_or(Exit::Broken)
        .into()
}
