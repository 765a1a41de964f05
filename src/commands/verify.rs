//! `verify`: do users still show what a run wrote?

use std::io::{self, Write};

use super::caller::Caller;
use super::reading::{is_of_project, with_project};
use super::undo::refuse_rehearsal;
use crate::exit::{Error, Exit};
use crate::history::History;
use crate::report::VerifyScreen;
use crate::settings::cli::history::VerifyArgs;
use crate::verify::{self, Verified};

/// Reads the users of a run again, and shows what became of what it wrote.
pub(super) fn run(args: &VerifyArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let mut history = History::open(&args.run)?;
    refuse_rehearsal(&history)?;
    let users = history.users_written();
    let sample = args.sample.map(|sample| sample.of(users));
    let mut screen = VerifyScreen::new(users, args.all, caller.look());
    with_project(&args.project, &args.pace, caller, async |project, stop| {
        is_of_project(history.folder(), history.project.as_ref(), project)?;
        let mut each = |user: &str, verified: &Verified| screen.count(user, verified);
        verify::verify(&mut history, sample, &project.requester, stop, &mut each).await
    })?;
    let mut page = Vec::new();
    let printed =
        if args.json { writeln!(page, "{}", screen.json()) } else { screen.print(&mut page) };
    // A closed stdout has read enough.
    let _ = printed.and_then(|()| io::stdout().write_all(&page));
    Ok(if screen.is_as_written() { Exit::Success } else { Exit::Failures })
}
