//! What `undo` and `verify` tell.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::format::{brief, count, paint, quoted, thousands};
use super::summary::Look;
use crate::history::History;
use crate::outcome::Status;
use crate::store::results::ResultLine;
use crate::undo::Undone;
use crate::verify::Verified;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Examples that are shown of each kind.
const EXAMPLES: usize = 10;

/// What undoing a run comes to.
pub(crate) struct UndoScreen {
    look: Look,
    rows: u64,
    restored: u64,
    anew: u64,
    /// Rows that delete users whom the run created.
    deletions: u64,
    nothing: u64,
    written: u64,
    changed_since: u64,
    /// Rows that cannot be restored, by why.
    cannot: BTreeMap<String, u64>,
    examples: Vec<String>,
    unknown: u64,
    in_flight: u64,
}

impl UndoScreen {
    /// Of a run of which nothing is taken back yet.
    #[must_use]
    pub(crate) fn new(history: &History, look: Look) -> Self {
        Self {
            look,
            rows: 0,
            restored: 0,
            anew: 0,
            deletions: 0,
            nothing: 0,
            written: 0,
            changed_since: 0,
            cannot: BTreeMap::new(),
            examples: Vec::new(),
            unknown: history.unknown,
            in_flight: history.in_flight,
        }
    }

    /// Counts a row.
    pub(crate) fn count(&mut self, line: &ResultLine<'_>, undone: &Undone) {
        let user = line.login_id.as_deref().unwrap_or_default();
        self.rows += 1;
        match undone {
            Undone::Nothing => self.nothing += 1,
            Undone::Restored(rows) => {
                self.restored += 1;
                self.deletions += u64::from(line.status == Status::Created);
                self.written += rows.len() as u64;
            }
            Undone::Anew(rows) => {
                self.anew += 1;
                self.written += rows.len() as u64;
            }
            Undone::ChangedSince(fields) => {
                self.changed_since += 1;
                if self.examples.len() < EXAMPLES {
                    self.examples.push(format!("{}: {}", brief(user), fields.join(", ")));
                }
            }
            Undone::Cannot(why, rows) => {
                *self.cannot.entry(why.clone()).or_default() += 1;
                self.written += rows.len() as u64;
            }
        }
    }

    /// Rows that delete users whom the run created.
    #[must_use]
    pub(crate) fn deletions(&self) -> u64 {
        self.deletions
    }

    /// Rows that were written.
    #[must_use]
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Whether everything can be restored.
    #[must_use]
    pub(crate) fn is_whole(&self) -> bool {
        let left = self.anew + self.changed_since + self.unknown + self.in_flight;
        left == 0 && self.cannot.is_empty()
    }

    /// Prints it for people.
    pub(crate) fn print(
        &self,
        out: &mut impl Write,
        file: &Path,
        next: Option<&str>,
    ) -> io::Result<()> {
        let changed = self.rows - self.nothing;
        writeln!(out, "{} of the run changed a user", count(changed, "row"))?;
        let mut line = |rows: u64, style: Style, what: &str, more: &str| {
            let what = paint(self.look.color, style, &format!("{what:<30}"));
            if rows > 0 { writeln!(out, "{:>12}  {what}  {more}", thousands(rows)) } else { Ok(()) }
        };
        let written = format!("{} in {}", count(self.written, "row"), file.display());
        line(self.restored, GOOD, "can be restored", &written)?;
        let lost = "with another user ID, and without passwords, passkeys, TOTP and sessions";
        line(self.anew, BAD, "can only be created anew", lost)?;
        let left = "left alone (--force restores them, too)";
        line(self.changed_since, BAD, "changed by somebody else since", left)?;
        for (why, rows) in &self.cannot {
            line(*rows, BAD, "cannot be restored", &brief(why))?;
        }
        let look = "look at these users: nobody can tell whether they were changed";
        line(self.unknown, BAD, "unknown", look)?;
        let resume = "resume the run first: these may have been changed";
        line(self.in_flight, BAD, "in flight when the run ended", resume)?;
        for example in &self.examples {
            writeln!(out, "              {example}")?;
        }
        next.map_or(Ok(()), |next| writeln!(out, "next: {next}"))
    }

    /// The same for machines.
    #[must_use]
    pub(crate) fn json(&self, file: &Path) -> Value {
        json!({
            "version": 1,
            "restored": self.restored,
            "anew": self.anew,
            "changedSince": self.changed_since,
            "cannotRestore": self.cannot,
            "unknown": self.unknown,
            "inFlight": self.in_flight,
            "unchanged": self.nothing,
            "rowsWritten": self.written,
            "file": quoted(&file.to_string_lossy()),
        })
    }
}

/// What verifying a run comes to.
pub(crate) struct VerifyScreen {
    look: Look,
    /// Users whom the run wrote to.
    users: u64,
    keeps_all: bool,
    read: u64,
    as_written: u64,
    /// Users that differ, by how.
    differing: BTreeMap<&'static str, (u64, Vec<String>)>,
}

impl VerifyScreen {
    /// Of a run that wrote to so many users.
    #[must_use]
    pub(crate) fn new(users: usize, keeps_all: bool, look: Look) -> Self {
        let differing = BTreeMap::new();
        Self { look, users: users as u64, keeps_all, read: 0, as_written: 0, differing }
    }

    /// Counts a user.
    pub(crate) fn count(&mut self, user: &str, verified: &Verified) {
        self.read += 1;
        let (kind, what) = match verified {
            Verified::AsWritten => {
                self.as_written += 1;
                return;
            }
            Verified::ChangedSince(fields) => ("changed since", fields.join(", ")),
            Verified::NeverTook(fields) => ("never took", fields.join(", ")),
            Verified::Gone => ("gone", "there is no such user any more".to_owned()),
            Verified::StillThere => {
                ("still there", "the user was deleted, and is there".to_owned())
            }
            Verified::Unreadable(why) => ("not read", why.clone()),
        };
        let (users, examples) = self.differing.entry(kind).or_default();
        *users += 1;
        if self.keeps_all || examples.len() < EXAMPLES {
            examples.push(format!("{}: {}", brief(user), brief(&what)));
        }
    }

    /// Whether all users that were read show what the run wrote.
    #[must_use]
    pub(crate) fn is_as_written(&self) -> bool {
        self.differing.is_empty()
    }

    /// Prints it for people.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let users = count(self.users, "user");
        if self.read < self.users {
            let read = thousands(self.read);
            writeln!(out, "a sample: {read} of {users} that the run wrote to")?;
        } else {
            writeln!(out, "{users} that the run wrote to")?;
        }
        let word = |style: Style, word: &str| paint(self.look.color, style, &format!("{word:<14}"));
        let good = word(GOOD, "as written");
        writeln!(
            out,
            "{:>12}  {good}  the user shows what the run wrote",
            thousands(self.as_written)
        )?;
        for (kind, (users, _)) in &self.differing {
            let meaning = match *kind {
                "changed since" => "the user showed it, and shows something else now",
                "never took" => "the server's answer to the run showed something else already",
                "gone" => "there is no such user any more",
                _ => "the user could not be read",
            };
            writeln!(out, "{:>12}  {}  {meaning}", thousands(*users), word(BAD, kind))?;
        }
        for (kind, (users, examples)) in &self.differing {
            let of = if (examples.len() as u64) < *users {
                format!("{} of {}; --all for every one", examples.len(), thousands(*users))
            } else {
                format!("all {}", thousands(*users))
            };
            writeln!(out, "\n{kind} ({of})")?;
            for example in examples {
                writeln!(out, "  {example}")?;
            }
        }
        Ok(())
    }

    /// The same for machines.
    #[must_use]
    pub(crate) fn json(&self) -> Value {
        let of = |kind: &str| self.differing.get(kind).map_or(0, |(users, _)| *users);
        json!({
            "version": 1,
            "users": self.users,
            "read": self.read,
            "asWritten": self.as_written,
            "changedSince": of("changed since"),
            "neverTook": of("never took"),
            "gone": of("gone"),
            "notRead": of("not read"),
        })
    }
}
