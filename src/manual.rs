//! What the program says of itself beyond `--help`: the first screen and the pages for `man`.
//!
//! The pages are made from the definitions of the command line, so that they cannot be out of date. What no
//! definition holds, such as variables and files, is listed here once.

mod facts;
mod page;

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use clap::Command;

use facts::{EXAMPLES, FIRST};

/// What is shown where nothing is asked for: the three commands that one needs, and where to read on.
#[must_use]
pub(crate) fn welcome() -> String {
    let mut text = format!(
        "descope-bulk {}: bulk updates of users against the Descope management API\n",
        env!("CARGO_PKG_VERSION")
    );
    for (title, command, about) in FIRST {
        let _ = write!(text, "\n{title}\n  {command}\n      {about}\n");
    }
    text.push_str(
        "\nRead on\n  \
         descope-bulk init users.csv   look at a file, and write a commented job file for it\n  \
         descope-bulk --help           all commands\n  \
         descope-bulk run --help       all options of a command\n  \
         man descope-bulk              exit codes, variables, files, examples\n",
    );
    text
}

/// The page of the program itself.
pub(crate) fn main_page(root: Command) -> io::Result<Vec<u8>> {
    page::of_program(prepared(root))
}

/// Writes a page for the program and one for each subcommand into a folder, and says how many.
pub(crate) fn write_pages(root: Command, folder: &Path) -> io::Result<usize> {
    let root = prepared(root);
    fs::create_dir_all(folder)?;
    let mut pages = vec![(page::name(&root), page::of_program(root.clone())?)];
    add_subcommands(&root, &mut pages)?;
    for (name, page) in &pages {
        fs::write(folder.join(name), page)?;
    }
    Ok(pages.len())
}

fn prepared(root: Command) -> Command {
    let mut root = root.disable_help_subcommand(true);
    root.build();
    root
}

fn add_subcommands(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    for subcommand in command.get_subcommands() {
        pages.push((page::name(subcommand), page::of_subcommand(subcommand.clone())?));
        add_subcommands(subcommand, pages)?;
    }
    Ok(())
}
