//! `explain`: what became of a row, and how, from the folder of its run alone.

use std::fs::File;
use std::io::{self, BufReader, Write};

use crate::exit::{Error, Exit};
use crate::report;
use crate::settings::cli::explain::ExplainArgs;
use crate::store::before::{self, BeforeImage};
use crate::store::results::{ResultLine, read_results};
use crate::store::{self, RESULTS};

/// Prints the story of a row.
pub(super) fn run(args: &ExplainArgs) -> Result<Exit, Error> {
    let refuse = |why: String| Error::refused(format!("{}: {why}", args.run.display()));
    store::glance_at_run(&args.run)?;
    let results = store::open_results(&args.run).map_err(|error| refuse(error.to_string()))?;
    for line in read_results(results) {
        let line = line.map_err(|error| refuse(format!("{RESULTS}: {error}")))?;
        if line.row == args.row {
            let before = before_of(args, &line).map_err(|error| refuse(error.to_string()))?;
            let mut page = Vec::new();
            let printed = report::print_story(&mut page, &line, before.as_ref());
            // A closed stdout has read enough.
            let _ = printed.and_then(|()| io::stdout().write_all(&page));
            return Ok(Exit::Success);
        }
    }
    Err(refuse(format!(
        "row {} has no outcome: it was left out, or not reached before the run stopped",
        args.row
    )))
}

/// How the user of a row was before the run wrote to it, where that was kept.
fn before_of(
    args: &ExplainArgs,
    line: &ResultLine<'_>,
) -> io::Result<Option<BeforeImage<'static>>> {
    let Ok(file) = File::open(args.run.join(before::NAME)) else { return Ok(None) };
    let (user_id, login_id) = (line.user.as_ref(), line.login_id.as_deref());
    before::find(BufReader::new(file), user_id.map(|user| &**user), login_id)
}
