//! What working on an inbox came to as a whole.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::ending::Fate;
use crate::exit::Exit;

/// The version of the JSON.
const VERSION: u32 = 1;

/// What became of one file.
#[derive(Clone, Debug)]
pub(crate) struct FileReport {
    /// Its name.
    pub(crate) name: String,
    /// What became of it.
    pub(crate) fate: Fate,
    /// The exit code of its run.
    pub(crate) exit: Exit,
    /// Where it is now.
    pub(crate) path: PathBuf,
    /// The folder of its run, if a run was begun.
    pub(crate) run: Option<PathBuf>,
}

/// What working on an inbox came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct InboxReport {
    /// Where the inbox is.
    pub(crate) inbox: PathBuf,
    /// Files that were worked on, in order.
    pub(crate) files: Vec<FileReport>,
    /// Files that could not be taken, and why.
    pub(crate) refused: Vec<(String, String)>,
    /// Files that are complete, or may be, and wait for the next time.
    pub(crate) waiting: usize,
    /// That no file came in time: what is said of it.
    pub(crate) missing: Option<String>,
    /// Why it ended early, and with which code.
    pub(crate) stopped: Option<(Exit, String)>,
}

impl Fate {
    /// A stable word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Held => "held",
        }
    }
}

impl InboxReport {
    /// The exit code: the worst of all.
    pub(crate) fn exit(&self) -> Exit {
        let files = self.files.iter().map(|file| file.exit);
        let refused = self.refused.iter().map(|_| Exit::Refused);
        let missing = self.missing.iter().map(|_| Exit::Missing);
        let stopped = self.stopped.iter().map(|(exit, _)| *exit);
        Exit::worst(files.chain(refused).chain(missing).chain(stopped))
    }

    /// How many files came to what.
    pub(crate) fn count(&self, fate: Fate) -> usize {
        self.files.iter().filter(|file| file.fate == fate).count()
    }

    /// On one line.
    pub(crate) fn line(&self) -> String {
        let mut parts: Vec<String> = Fate::ALL
            .into_iter()
            .map(|fate| (self.count(fate), fate.word()))
            .chain([(self.refused.len(), "refused"), (self.waiting, "waiting")])
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect();
        parts.extend(self.missing.clone());
        parts.extend(self.stopped.as_ref().map(|(_, why)| why.clone()));
        let parts = if parts.is_empty() { "no files".to_owned() } else { parts.join(", ") };
        format!("inbox {}: {parts}", self.inbox.display())
    }

    /// For people: a line, and one for each file.
    pub(crate) fn page(&self) -> String {
        let mut page = self.line() + "\n";
        for FileReport { name, fate, exit, path, run } in &self.files {
            let (word, code) = (fate.word(), exit.code());
            // Writing to a string cannot fail.
            let _ = writeln!(page, "  {word:<7} {name}: exit code {code}, {}", path.display());
            if let Some(run) = run {
                let _ = writeln!(page, "          run: {}", run.display());
            }
        }
        for (name, why) in &self.refused {
            let _ = writeln!(page, "  refused {name}: {why}");
        }
        page
    }

    /// For machines.
    pub(crate) fn json(&self) -> Value {
        let file = |file: &FileReport| {
            json!({
                "name": file.name,
                "outcome": file.fate.word(),
                "exitCode": file.exit.code(),
                "path": file.path.display().to_string(),
                "run": file.run.as_ref().map(|run| run.display().to_string()),
            })
        };
        let refused = |(name, why): &(String, String)| json!({"name": name, "why": why});
        json!({
            "version": VERSION,
            "inbox": self.inbox.display().to_string(),
            "exitCode": self.exit().code(),
            "files": self.files.iter().map(file).collect::<Vec<_>>(),
            "refused": self.refused.iter().map(refused).collect::<Vec<_>>(),
            "waiting": self.waiting,
            "missing": self.missing.is_some(),
            "stopped": self.stopped.as_ref().map(|(_, why)| why),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(fate: Fate, exit: Exit) -> FileReport {
        FileReport { name: "a.csv".to_owned(), fate, exit, path: PathBuf::new(), run: None }
    }

    #[test]
    fn the_exit_code_is_the_worst_one() {
        let whole = |files: &[(Fate, Exit)]| InboxReport {
            files: files.iter().map(|(fate, exit)| file(*fate, *exit)).collect(),
            ..InboxReport::default()
        };
        let done = (Fate::Done, Exit::Success);
        for (report, expected) in [
            (whole(&[]), Exit::Success),
            (whole(&[done, (Fate::Done, Exit::Failures), done]), Exit::Failures),
            (whole(&[(Fate::Failed, Exit::Refused), (Fate::Done, Exit::Failures)]), Exit::Refused),
            (whole(&[(Fate::Failed, Exit::Refused), (Fate::Held, Exit::Stopped)]), Exit::Stopped),
            (InboxReport { missing: Some(String::new()), ..whole(&[done]) }, Exit::Missing),
            (
                InboxReport {
                    stopped: Some((Exit::Interrupted, String::new())),
                    ..whole(&[(Fate::Held, Exit::Stopped)])
                },
                Exit::Interrupted,
            ),
        ] {
            assert_eq!(report.exit(), expected, "{report:?}");
        }
    }

    #[test]
    fn an_empty_inbox_says_so() {
        let report = InboxReport { inbox: PathBuf::from("/in"), ..InboxReport::default() };
        assert_eq!(report.line(), "inbox /in: no files");
    }
}
