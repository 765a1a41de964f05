//! `merge`: one run folder of the shards of a job.

use std::io::{self, Write};

use super::caller::Caller;
use crate::exit::{Error, Exit};
use crate::settings::cli::merge::MergeArgs;
use crate::{merge, report};

/// Merges the shards, and shows what they came to.
pub(super) fn run(args: &MergeArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let summary = merge::merge(&args.runs, &args.out, args.unfinished)?;
    let mut page = Vec::new();
    let shown = if args.json {
        serde_json::to_writer(&mut page, &summary).map(|()| page.push(b'\n')).map_err(Into::into)
    } else {
        report::print_summary(&mut page, &summary, caller.look())
    };
    // A closed stdout has read enough: the same is in the folder.
    let _: io::Result<()> = shown.and_then(|()| io::stdout().write_all(&page));
    Ok(match summary.complete {
        _ if !summary.balanced => Exit::Broken,
        true => summary.tally.exit(),
        false => Exit::Stopped,
    })
}
