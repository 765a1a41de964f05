//! `purge`: users' data is removed from run folders.

use std::io::{self, Write};

use jiff::Timestamp;

use super::asking::{is_interactive, says_yes};
use super::printing::print;
use crate::exit::{Error, Exit};
use crate::purge::{self, PurgeRules, Unpurged};
use crate::report::{count, size};
use crate::runs::{PastRun, past_runs};
use crate::settings::cli::past::PurgeArgs;
use crate::store::FolderEntry;

/// Purges the runs that are named, or those that are old enough.
pub(super) fn run(args: &PurgeArgs) -> Result<Exit, Error> {
    let now = Timestamp::now();
    let rules = PurgeRules { keep_summary: args.keep_summary, unfinished: args.unfinished };
    let chosen = choose(args, rules, now)?;
    if chosen.is_empty() {
        print("nothing to purge\n");
        return Ok(Exit::Success);
    }
    if args.dry_run {
        return dry_run(&chosen);
    }
    if !args.yes && is_interactive() && !agrees(&chosen, rules)? {
        return Err(Error::refused("not confirmed: nothing was removed"));
    }
    let (mut total, mut failed) = (Removed::default(), None);
    for run in &chosen {
        match purge::purge(run, rules, now) {
            Ok(entries) => {
                let own = Removed::of(&entries);
                total.add(own);
                print(&format!("purged {}: {}\n", run.folder.display(), own.words()));
            }
            // The others are purged all the same.
            Err(error) => {
                anstream::eprintln!("descope-bulk: {error}");
                failed = failed.or(Some(error.exit()));
            }
        }
    }
    print(&format!("removed {}\n", total.words()));
    Ok(failed.unwrap_or(Exit::Success))
}

/// The runs that are to be purged. One that was named and must not be is an error, so that nothing is
/// removed; of those found by their age it is passed over, and said.
fn choose(args: &PurgeArgs, rules: PurgeRules, now: Timestamp) -> Result<Vec<PastRun>, Error> {
    let named = !args.runs.is_empty();
    let mut found = if named {
        args.runs.iter().map(|folder| PastRun::look(folder)).collect()
    } else {
        past_runs(&args.runs_dir)?
    };
    if let Some(least) = args.older_than {
        found.retain(|run| purge::ended_before(run, now, least));
    }
    let mut chosen = Vec::new();
    for run in found {
        let say = |what: &str| print(&format!("{}: {what}\n", run.folder.display()));
        match purge::may_be_purged(&run, rules) {
            Ok(()) => chosen.push(run),
            Err(why @ Unpurged::Already(_)) if named => say(&why.to_string()),
            Err(Unpurged::InProgress) if named => {
                let why = format!("{}: {}", run.folder.display(), Unpurged::InProgress);
                return Err(Error::Busy(why));
            }
            Err(why) if named => {
                return Err(Error::refused(format!("{}: {why}", run.folder.display())));
            }
            Err(Unpurged::Unfinished) => {
                say("not finished, left as it is (--unfinished purges it)");
            }
            Err(Unpurged::Damaged(_)) => say("damaged, left as it is (--unfinished purges it)"),
            Err(Unpurged::InProgress) => say("in progress, left as it is"),
            Err(Unpurged::Already(_) | Unpurged::NoRun(_)) => {}
        }
    }
    Ok(chosen)
}

/// What is removed.
#[derive(Clone, Copy, Default)]
struct Removed {
    files: u64,
    bytes: u64,
}

impl Removed {
    fn of(entries: &[FolderEntry]) -> Self {
        let files = entries.iter().map(|entry| entry.files).sum();
        Self { files, bytes: entries.iter().map(|entry| entry.bytes).sum() }
    }

    fn add(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
    }

    fn words(self) -> String {
        format!("{}, {}", count(self.files, "file"), size(self.bytes))
    }
}

fn dry_run(chosen: &[PastRun]) -> Result<Exit, Error> {
    let mut total = Removed::default();
    for run in chosen {
        let entries = purge::doomed(run)?;
        let own = Removed::of(&entries);
        total.add(own);
        print(&format!("would purge {}: {}\n", run.folder.display(), own.words()));
        for entry in &entries {
            print(&format!("  {}, {}\n", entry.path.display(), size(entry.bytes)));
        }
    }
    print(&format!("would remove {}; nothing was removed\n", total.words()));
    Ok(Exit::Success)
}

/// Says what is about to be removed, and asks.
fn agrees(chosen: &[PastRun], rules: PurgeRules) -> Result<bool, Error> {
    let mut total = Removed::default();
    for run in chosen {
        total.add(Removed::of(&purge::doomed(run)?));
    }
    let what = if rules.keep_summary { "totals, settings and causes stay" } else { "totals stay" };
    let mut screen = io::stderr();
    let asked = write!(
        screen,
        "the users' data of {} will be removed for good: {}. Their {what}; they cannot be undone any more.\nType yes to go on: ",
        count(chosen.len() as u64, "run"),
        total.words()
    );
    Ok(asked.and_then(|()| screen.flush()).is_ok() && says_yes())
}
