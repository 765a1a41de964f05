//! `man`: writes the pages of the manual.

use std::io::{self, Write as _};

use crate::exit::{Error, Exit};
use crate::manual;
use crate::report::count;
use crate::settings::cli::{self, man::ManArgs};

/// Writes all pages into a folder, or the first to stdout.
pub(super) fn run(args: &ManArgs) -> Result<Exit, Error> {
    let Some(folder) = &args.out else {
        let page = manual::main_page(cli::command()).map_err(Error::refused)?;
        // A closed stdout has read enough.
        let _ = io::stdout().write_all(&page);
        return Ok(Exit::Success);
    };
    let pages = manual::write_pages(cli::command(), folder).map_err(|error| {
        Error::Stopped(format!("cannot write the pages into {}: {error}", folder.display()))
    })?;
    super::printing::print(&format!("{} in {}\n", count(pages as u64, "page"), folder.display()));
    Ok(Exit::Success)
}
