//! `undo`: the rows that take a run back.

use std::io::{self, Write};

use serde_json::json;

use super::caller::Caller;
use super::reading::{begin_rows, is_of_project, with_project};
use crate::exit::{Error, Exit};
use crate::history::History;
use crate::report::{self, UndoScreen};
use crate::settings::cli::history::UndoArgs;
use crate::store::NewFile;
use crate::store::results::ResultLine;
use crate::store::summary::Tool;
use crate::undo::{self, UndoRules, Undone};

/// Writes the rows that take a run back, and shows what they come to.
pub(super) fn run(args: &UndoArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let mut history = History::open(&args.run)?;
    refuse_rehearsal(&history)?;
    let rules = UndoRules {
        force: args.force,
        rows: args.rows.clone(),
        operations: args.operation.clone(),
        statuses: args.status.clone(),
    };
    let mut screen = UndoScreen::new(&history, caller.look());
    with_project(&args.project, &args.pace, caller, async |project, stop| {
        is_of_project(history.folder(), history.project.as_ref(), project)?;
        let mut file = begin_rows(&args.output, "_undo", (&args.run, project))?;
        let mut each = |line: &ResultLine<'_>, undone: &Undone| {
            screen.count(line, undone);
            write(&mut file, line, undone)
        };
        undo::undo(&mut history, &rules, &project.requester, stop, &mut each).await?;
        file.finish()
    })?;
    let path = report::quoted(&args.output.to_string_lossy());
    let options = caller.options(&["--project-id", "--base-url", "--key-file", "--key-command"]);
    let destructive = if screen.deletions() > 0 { " --allow-destructive" } else { "" };
    let next = (screen.written() > 0)
        .then(|| format!("{} plan {path}{destructive}{options}, or run it", Tool::THIS.name));
    let next = next.map(|next| match screen.deletions() {
        0 => next,
        users => format!("{next}, with --max-deletes {users}"),
    });
    let mut page = Vec::new();
    let printed = if args.json {
        writeln!(page, "{}", screen.json(&args.output))
    } else {
        screen.print(&mut page, &args.output, next.as_deref())
    };
    // A closed stdout has read enough.
    let _ = printed.and_then(|()| io::stdout().write_all(&page));
    Ok(if screen.is_whole() { Exit::Success } else { Exit::Failures })
}

fn write(file: &mut NewFile, line: &ResultLine<'_>, undone: &Undone) -> Result<(), Error> {
    let (rows, left) = match undone {
        Undone::Nothing => return Ok(()),
        Undone::Restored(rows) | Undone::Anew(rows) => (&rows[..], None),
        Undone::Cannot(why, rows) => (&rows[..], Some(("cannot_restore", why.clone()))),
        Undone::ChangedSince(fields) => {
            (&[][..], Some(("changed_since", format!("changed since: {}", fields.join(", ")))))
        }
    };
    for row in rows {
        file.line(row)?;
    }
    let Some((status, message)) = left else { return Ok(()) };
    let remark = json!({
        "_undoOf": line.row,
        "_status": status,
        "_loginId": line.login_id,
        "_message": message,
    });
    file.line(remark.to_string().as_bytes())
}

/// Refuses a rehearsal, which changed nobody.
pub(super) fn refuse_rehearsal(history: &History) -> Result<(), Error> {
    match history.project {
        Some(_) => Ok(()),
        None => Err(Error::refused(format!(
            "{}: the run was a rehearsal, and no user was changed",
            history.folder().display()
        ))),
    }
}
