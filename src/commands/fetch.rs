//! `fetch`: the folder of a run from its mirror.

use std::io::{self, Write};

use crate::exit::{Error, Exit};
use crate::mirror;
use crate::settings::cli::fetch::FetchArgs;

/// Brings the folder here, and says what it is of.
pub(super) fn run(args: &FetchArgs) -> Result<Exit, Error> {
    let fetched = mirror::fetch(&args.url, &args.output)?;
    let more = if fetched.whole {
        String::new()
    } else {
        format!(
            "  it is of a run that goes on, or was killed: resume it with --mirror {} --resume, and not from this copy\n",
            args.url
        )
    };
    let page = format!("fetched: {} is the run {}\n{more}", args.output.display(), fetched.run);
    // A closed stdout has read enough.
    let _ = io::stdout().write_all(page.as_bytes());
    Ok(Exit::Success)
}
