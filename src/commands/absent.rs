//! `absent`: users whom the input of a run does not name.

use std::io::{self, Write};
use std::path::Path;

use super::caller::Caller;
use super::reading::{begin_rows, is_of_project, with_project};
use crate::absent::{self, AbsentAction, AbsentRules, NamedUsers, Presence};
use crate::change::User;
use crate::exit::{Error, Exit};
use crate::report::{self, AbsentScreen};
use crate::settings::cli::absent::AbsentArgs;
use crate::settings::config;
use crate::store::summary::{Summary, Tool};
use crate::store::{self, NewFile, RESULTS};

/// Finds the users whom no row of the run names, and writes what is to become of them.
pub(super) fn run(args: &AbsentArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let summary = finished(&args.run)?;
    let named = named(&args.run)?;
    let rules = AbsentRules {
        filter: args.filter.members(),
        action: args.action,
        protected: config::protected(&args.protect)?,
        begun: summary.started_at,
    };
    if args.action != AbsentAction::Report && args.output.is_none() {
        return Err(Error::refused("say where the rows are to go: -o FILE"));
    }
    let mut screen = AbsentScreen::new(named.rows, caller.look());
    with_project(&args.project, &args.pace, caller, async |project, stop| {
        is_of_project(&args.run, project_of(&summary).as_ref(), project)?;
        let output = args.output.as_ref();
        let mut file =
            output.map(|path| begin_rows(path, "_absent", (&args.run, project))).transpose()?;
        let mut each = |user: &User, presence: Presence| {
            screen.count(user, presence);
            match &mut file {
                Some(file) if presence == Presence::Absent => {
                    file.line(&absent::line_of(user, args.action))
                }
                _ => Ok(()),
            }
        };
        absent::absent(&rules, &named, &project.requester, stop, &mut each).await?;
        // A file that is not finished leaves nothing behind.
        check_number(args, screen.absent_of())?;
        file.map_or(Ok(()), NewFile::finish)
    })?;
    show(args, caller, &screen);
    Ok(Exit::Success)
}

/// The summary of a run whose rows all had their turn.
fn finished(folder: &Path) -> Result<Summary, Error> {
    let refuse = |why: &str| Error::refused(format!("{}: {why}", folder.display()));
    store::marks::refuse_redacted(folder).map_err(Error::refused)?;
    if !store::glance_at_run(folder)?.complete {
        return Err(refuse(
            "the run is not finished, so users would be taken for absent whose rows were not reached: resume it first",
        ));
    }
    let summary = store::read_summary(folder)
        .map_err(|error| refuse(&format!("its summary cannot be read: {error}")))?;
    if project_of(&summary).is_none() {
        return Err(refuse("the run was a rehearsal, whose users are nobody's"));
    }
    if summary.tally.unknown > 0 {
        let rows = report::count(summary.tally.unknown, "row");
        return Err(refuse(&format!(
            "of {rows} nobody can tell what became of them (unknown): look at these users first, and run the rows again"
        )));
    }
    if summary.tally.left_out > 0 {
        let rows = report::count(summary.tally.left_out, "row");
        return Err(refuse(&format!(
            "{rows} were left out (by --where, --skip, --limit, --shard or a plan), whose users would be taken for absent: run the whole file, or merge its shards"
        )));
    }
    Ok(summary)
}

/// The project that a run was for, by its ID and its base URL; nothing for a rehearsal.
fn project_of(summary: &Summary) -> Option<(String, String)> {
    let text = |key: &str| summary.settings.get(key)?.as_str().map(str::to_owned);
    text("projectId").zip(text("baseUrl"))
}

/// The users whom the rows of a run name.
fn named(folder: &Path) -> Result<NamedUsers, Error> {
    let cannot = |error: &io::Error| {
        Error::refused(format!("{}: cannot be read: {error}", folder.join(RESULTS).display()))
    };
    let results = store::open_results(folder).map_err(|error| cannot(&error))?;
    let mut named = NamedUsers::default();
    for line in store::results::read_results(results) {
        named.take(&line.map_err(|error| cannot(&error))?);
    }
    if named.not_kept > 0 {
        return Err(Error::refused(format!(
            "{}: the run was to keep no users (--keep-users none), so those who have got other login IDs since would be taken for absent: --keep-users ids is enough for absent",
            folder.display()
        )));
    }
    if named.nameless > 0 {
        let rows = report::count(named.nameless, "row");
        return Err(Error::refused(format!(
            "{}: the run has {rows} without a user's name, which may be of users who would be taken for absent: correct the file, and run it first",
            folder.display()
        )));
    }
    Ok(named)
}

/// Refuses more absent users than are allowed: the file may be the wrong one.
fn check_number(args: &AbsentArgs, (absent, users): (u64, u64)) -> Result<(), Error> {
    let most = args.max_deletes;
    if args.action == AbsentAction::Report || most.allows(absent, Some(users)) != Some(false) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "{} of {} are absent, more than --max-deletes {most} allows; no file was written\n  if the run's file is whole and that is meant, allow it: --max-deletes {absent}",
        report::thousands(absent),
        report::count(users, "user")
    )))
}

fn show(args: &AbsentArgs, caller: &Caller<'_>, screen: &AbsentScreen) {
    let file = args.output.as_deref();
    let is_written = args.action != AbsentAction::Report && screen.absent_of().0 > 0;
    let next = file.filter(|_| is_written).map(|file| {
        let path = report::quoted(&file.to_string_lossy());
        let options =
            caller.options(&["--project-id", "--base-url", "--key-file", "--key-command"]);
        let destructive = match args.action {
            AbsentAction::Delete => " --allow-destructive",
            AbsentAction::Disable | AbsentAction::Report => "",
        };
        format!("{} plan {path}{destructive}{options}, or run it", Tool::THIS.name)
    });
    let mut page = Vec::new();
    let printed = if args.json {
        writeln!(page, "{}", screen.json(file))
    } else {
        screen.print(&mut page, args.action, file, next.as_deref())
    };
    // A closed stdout has read enough.
    let _ = printed.and_then(|()| io::stdout().write_all(&page));
}
