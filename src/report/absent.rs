//! What `absent` tells.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::format::{brief, count, paint, thousands};
use super::summary::Look;
use crate::absent::{AbsentAction, Presence};
use crate::change::User;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default().bold();

/// Examples that are shown.
const EXAMPLES: usize = 10;

/// What users are to the input of a run.
pub(crate) struct AbsentScreen {
    look: Look,
    rows: u64,
    looked_at: u64,
    named: u64,
    absent: u64,
    too_new: u64,
    protected: u64,
    disabled: u64,
    examples: Vec<String>,
}

impl AbsentScreen {
    /// Of a run of so many rows.
    #[must_use]
    pub(crate) fn new(rows: u64, look: Look) -> Self {
        let (looked_at, named, absent, too_new, protected, disabled) = Default::default();
        let examples = Vec::new();
        Self { look, rows, looked_at, named, absent, too_new, protected, disabled, examples }
    }

    /// Counts a user.
    pub(crate) fn count(&mut self, user: &User, presence: Presence) {
        self.looked_at += 1;
        match presence {
            Presence::Named => self.named += 1,
            Presence::TooNew => self.too_new += 1,
            Presence::Protected => self.protected += 1,
            Presence::Disabled => self.disabled += 1,
            Presence::Absent => {
                self.absent += 1;
                if self.examples.len() < EXAMPLES {
                    let first = user.list("loginIds").first().copied().unwrap_or_default();
                    self.examples.push(format!("{:<30}  {}", brief(first), user.text("status")));
                }
            }
        }
    }

    /// Users who were looked at, and those who are absent.
    #[must_use]
    pub(crate) fn absent_of(&self) -> (u64, u64) {
        (self.absent, self.looked_at)
    }

    /// Prints it for people.
    pub(crate) fn print(
        &self,
        out: &mut impl Write,
        action: AbsentAction,
        file: Option<&Path>,
        next: Option<&str>,
    ) -> io::Result<()> {
        let (users, rows) = (count(self.looked_at, "user"), count(self.rows, "row"));
        writeln!(out, "{users}, held against {rows} of the run")?;
        let mut line = |users: u64, style: Style, word: &str, what: &str| {
            let word = paint(self.look.color, style, &format!("{word:<12}"));
            if users > 0 {
                writeln!(out, "{:>12}  {word}  {what}", thousands(users))
            } else {
                Ok(())
            }
        };
        line(self.named, GOOD, "named", "a row names the user")?;
        let what = match action {
            AbsentAction::Report => "no row names the user",
            AbsentAction::Disable => "no row names the user, who is to be disabled",
            AbsentAction::Delete => "no row names the user, who is to be deleted",
        };
        line(self.absent, NOTE, "absent", what)?;
        line(
            self.too_new,
            GOOD,
            "new",
            "created within a day before the run, or later: left alone",
        )?;
        line(self.protected, GOOD, "protected", "left alone (--protect)")?;
        line(self.disabled, GOOD, "disabled", "already")?;
        if !self.examples.is_empty() {
            let (shown, all) = (self.examples.len() as u64, self.absent);
            writeln!(out, "\nabsent ({} of {})", thousands(shown), thousands(all))?;
            for example in &self.examples {
                writeln!(out, "  {example}")?;
            }
        }
        if let Some(file) = file {
            writeln!(out, "\nfile: {} ({})", file.display(), count(self.absent, "row"))?;
        }
        next.map_or(Ok(()), |next| writeln!(out, "next: {next}"))
    }

    /// The same for machines.
    #[must_use]
    pub(crate) fn json(&self, file: Option<&Path>) -> Value {
        json!({
            "version": 1,
            "users": self.looked_at,
            "named": self.named,
            "absent": self.absent,
            "new": self.too_new,
            "protected": self.protected,
            "disabled": self.disabled,
            "file": file.map(|file| file.display().to_string()),
        })
    }
}
