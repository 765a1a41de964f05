//! `redact`: a copy of a run folder that may be handed on.

use std::io::{self, Write};

use jiff::Timestamp;

use crate::exit::{Error, Exit};
use crate::redact;
use crate::report::count;
use crate::settings::cli::past::RedactArgs;

/// Makes the copy, and says what is in it.
pub(super) fn run(args: &RedactArgs) -> Result<Exit, Error> {
    let done = redact::redact(&args.run, &args.output, Timestamp::now())?;
    let damaged = match done.unreadable {
        0 => String::new(),
        lines => format!("  {} could not be read: the run is damaged\n", count(lines, "line")),
    };
    let page = format!(
        "redacted: {}\n  {} and {} with pseudonyms; {} left out\n{damaged}",
        args.output.display(),
        count(done.rows, "row"),
        count(done.images, "before-image"),
        count(done.files_left_out, "file")
    );
    // A closed stdout has read enough.
    let _ = io::stdout().write_all(page.as_bytes());
    Ok(Exit::Success)
}
