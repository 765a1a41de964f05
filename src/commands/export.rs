//! `export`: the users of a project as a file that can be edited and fed back.

use std::io::{self, Write};

use serde_json::json;

use super::caller::Caller;
use super::reading::with_project;
use crate::change::cells;
use crate::exit::{Error, Exit};
use crate::export::{self, ExportFormat, ExportRules};
use crate::report::{self, ReadingProgress};
use crate::settings::cli::export::ExportArgs;

/// Exports users, and says how many.
pub(super) fn run(args: &ExportArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let format = args.format.or_else(|| ExportFormat::of(&args.output)).ok_or_else(|| {
        Error::refused("the file's name does not say its format: end it in .csv, .jsonl or .xlsx, or use --format")
    })?;
    args.columns.iter().try_for_each(|column| cells::check(column)).map_err(Error::refused)?;
    let rules = ExportRules {
        filter: args.filter.members(),
        format,
        columns: args.columns.clone(),
        resume: args.resume,
    };
    let exported = with_project(&args.project, &args.pace, caller, async |project, stop| {
        let progress = ReadingProgress::new(0);
        let mut each = |read, of| progress.at(read, of);
        export::export(&args.output, &rules, &project.requester, stop, &mut each).await
    })?;
    let file = args.output.display();
    let users = report::count(exported.users, "user");
    let mut page = Vec::new();
    let mut printed = if args.json {
        let summary = json!({
            "version": 1,
            "users": exported.users,
            "counted": exported.counted,
            "file": file.to_string(),
        });
        writeln!(page, "{summary}")
    } else {
        writeln!(page, "{users} in {file}")
    };
    let differs = exported.counted.filter(|counted| *counted != exported.users);
    if let (Some(counted), false) = (differs, args.json) {
        let counted = report::thousands(counted);
        printed = printed.and_then(|()| {
            writeln!(page, "the server counts {counted}: users have come or gone meanwhile; export again when it is quiet, if each one matters")
        });
    }
    // A closed stdout has read enough.
    let _ = printed.and_then(|()| io::stdout().write_all(&page));
    Ok(Exit::Success)
}
