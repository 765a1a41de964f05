//! The summary for people: on one screen, what happened and what to do next.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use textwrap::WordSplitter::NoHyphenation;

use super::format::{self, brief, count, quoted, span_ms, tame, thousands};
use super::link::linked;
use crate::outcome::{Status, Tally};
use crate::store::summary::{Files, Summary};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default().bold();

/// What is said of rows that were not attempted, and of those that were left out.
pub(super) const NOT_ATTEMPTED: &str =
    "not finished when the run stopped; resuming sends them (again)";
pub(super) const LEFT_OUT: &str =
    "not chosen: by --where, --skip and --limit, by the plan, or of another shard";

/// Reasons shown.
const REASONS: usize = 5;

/// How the summary looks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// In colours.
    pub(crate) color: bool,
    /// Sentences are wrapped at so many columns, if at any. Commands and paths stay whole.
    pub(crate) columns: Option<usize>,
    /// Paths are links for terminals that know them.
    pub(crate) links: bool,
}

/// Prints the summary.
pub(crate) fn print_summary(out: &mut impl Write, summary: &Summary, look: Look) -> io::Result<()> {
    let mut page = Page { out, look };
    page.headline(summary)?;
    page.counts(summary.tally)?;
    page.totals(summary)?;
    page.reasons(summary)?;
    page.noted(summary)?;
    page.effort(summary)?;
    page.files(summary)?;
    page.back(summary)?;
    page.next(summary)
}

struct Page<'a, W> {
    out: &'a mut W,
    look: Look,
}

impl<W: Write> Page<'_, W> {
    fn paint(&self, style: Style, text: &str) -> String {
        format::paint(self.look.color, style, text)
    }

    /// A line of words, whose further lines are indented by so much.
    fn line(&mut self, indent: usize, text: &str) -> io::Result<()> {
        let Some(columns) = self.look.columns else { return writeln!(self.out, "{text}") };
        let margin = " ".repeat(indent);
        let wrap = textwrap::Options::new(columns)
            .subsequent_indent(&margin)
            .break_words(false)
            .word_splitter(NoHyphenation);
        textwrap::wrap(text, wrap).iter().try_for_each(|line| writeln!(self.out, "{line}"))
    }

    fn headline(&mut self, summary: &Summary) -> io::Result<()> {
        if summary.simulated {
            let label = self.paint(NOTE, "SIMULATED: no real user was touched");
            writeln!(self.out, "{label}")?;
        }
        let failed = summary.tally.failed();
        let (style, text) = match &summary.stopped {
            Some(stopped) => (BAD, format!("stopped early: {}", tame(&stopped.message))),
            None if summary.tally.clean() => (GOOD, "done: nothing failed".to_owned()),
            None => (NOTE, format!("finished: {} failed", count(failed, "row"))),
        };
        let text = self.paint(style, &text);
        self.line(0, &text)?;
        writeln!(self.out)
    }

    fn counts(&mut self, tally: Tally) -> io::Result<()> {
        for status in Status::ALL {
            let (word, rows) = (spoken(status), tally.of(status));
            let nothing_done = status == Status::Updated && tally.changed() == 0;
            if rows > 0 || nothing_done {
                self.row(rows, word, meaning(status), status.is_failure())?;
            }
        }
        if tally.not_attempted > 0 {
            self.row(tally.not_attempted, "not attempted", NOT_ATTEMPTED, true)?;
        }
        if tally.left_out > 0 {
            self.row(tally.left_out, "left out", LEFT_OUT, false)?;
        }
        writeln!(self.out)
    }

    fn row(&mut self, rows: u64, word: &str, meaning: &str, bad: bool) -> io::Result<()> {
        let style = if bad { BAD } else { GOOD };
        let word = self.paint(style, &format!("{word:<13}"));
        self.line(29, &format!("{:>12}  {word}  {meaning}", thousands(rows)))
    }

    fn totals(&mut self, summary: &Summary) -> io::Result<()> {
        let tally = summary.tally;
        let mut terms: Vec<_> = Status::ALL
            .into_iter()
            .map(|status| (tally.of(status), spoken(status)))
            .chain([(tally.not_attempted, "not attempted"), (tally.left_out, "left out")])
            .filter(|(rows, _)| *rows > 0)
            .map(|(rows, word)| format!("{} {word}", thousands(rows)))
            .collect();
        if terms.is_empty() {
            terms.push("0".to_owned());
        }
        let (terms, read) = (terms.join(" + "), count(tally.read, "row"));
        if summary.balanced {
            let mark = self.paint(GOOD, "✓");
            let rest = if summary.complete { "" } else { "; the run is not complete" };
            self.line(7, &format!("total: {read} read = {terms} {mark}{rest}"))
        } else {
            let mark = self.paint(BAD, "✗");
            writeln!(
                self.out,
                "total: {read} read ≠ {terms} {mark}\n       \
                 this is a fault of {}: keep the run folder and report it",
                summary.tool.name
            )
        }
    }

    fn reasons(&mut self, summary: &Summary) -> io::Result<()> {
        let reasons = &summary.reasons;
        if reasons.is_empty() {
            return Ok(());
        }
        let since = if summary.done_before > 0 { ", since it was resumed" } else { "" };
        writeln!(self.out, "\nwhy rows failed{since}:")?;
        for reason in reasons.iter().take(REASONS) {
            let code = reason.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
            let message = reason.message.as_ref().map(|text| format!(": {text}"));
            let text = format!(
                "{:>12}  {}{}; first at {}",
                thousands(reason.count),
                self.paint(BAD, &brief(&format!("{}{code}", reason.kind))),
                brief(&message.unwrap_or_default()),
                brief(&reason.first)
            );
            self.line(14, &text)?;
            if let Some(hint) = &reason.hint {
                self.line(14, &format!("{:14}{}", "", brief(hint)))?;
            }
        }
        match reasons.len().saturating_sub(REASONS) {
            0 => Ok(()),
            more => writeln!(self.out, "{:14}and {}", "", count(more as u64, "other reason")),
        }
    }

    /// What was repaired and what may be wrong, a line for each kind.
    fn noted(&mut self, summary: &Summary) -> io::Result<()> {
        let since = if summary.done_before > 0 { ", since it was resumed" } else { "" };
        for (kinds, what) in
            [(&summary.repairs, "values repaired"), (&summary.warnings, "values that may be wrong")]
        {
            if !kinds.is_empty() {
                writeln!(self.out, "\n{what}{since}:")?;
            }
            for (kind, values) in kinds {
                writeln!(self.out, "{:>12}  {}", thousands(*values), self.paint(NOTE, kind))?;
            }
        }
        Ok(())
    }

    fn effort(&mut self, summary: &Summary) -> io::Result<()> {
        let mut calls = count(summary.calls, "call");
        let notes: Vec<_> = [
            (summary.calls_saved, "saved by batching"),
            (summary.retries, "sent again"),
            (summary.rate_limited, "refused by the rate limit"),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", thousands(number)))
        .collect();
        if !notes.is_empty() {
            calls = format!("{calls} ({})", notes.join(", "));
        }
        writeln!(self.out)?;
        self.line(6, &format!("time: {}, {calls}", span_ms(summary.elapsed_ms)))?;
        if let Some(skipped) = summary.skipped.in_words() {
            self.line(9, &format!("skipped: {skipped}"))?;
        }
        let waits = waits(summary);
        if !waits.is_empty() {
            self.line(8, &format!("waited: {}", waits.join(", ")))?;
        }
        if summary.invited > 0 {
            let users = count(summary.invited, "user");
            let note = format!("{users} invited: a mail or an SMS went out to each");
            let note = self.paint(NOTE, &note);
            self.line(0, &note)?;
        }
        if summary.merge_allowed > 0 {
            let rows = count(summary.merge_allowed, "row");
            let merged = thousands(summary.merged.unwrap_or_default());
            let note = format!(
                "{rows} sent with permission to merge users (--on-conflict merge); {merged} merged another user"
            );
            let note = self.paint(NOTE, &note);
            self.line(0, &note)?;
        }
        Ok(())
    }

    fn files(&mut self, summary: &Summary) -> io::Result<()> {
        let Files { results, tables, failures } = &summary.files;
        let results = Some(results).filter(|path| !path.as_os_str().is_empty());
        let labelled = results.into_iter().map(|path| ("results: ", path));
        let labelled = labelled.chain(tables.iter().map(|path| ("table:   ", path)));
        for (label, path) in labelled.chain(failures.iter().map(|path| ("failures:", path))) {
            writeln!(self.out, "{label} {}", linked(self.look.links, path))?;
        }
        Ok(())
    }

    /// How to look whether it stands, and how to take it back.
    fn back(&mut self, summary: &Summary) -> io::Result<()> {
        let WayBack { verify, undo } = WayBack::of(summary);
        if let Some(verify) = verify {
            writeln!(self.out, "verify:   {}", tame(&verify))?;
        }
        let Some(undo) = undo else { return Ok(()) };
        writeln!(self.out, "undo:     {}", tame(&undo))?;
        if summary.not_kept > 0 {
            let users = count(summary.not_kept, "user");
            let note = format!("{users} could not be read before, and cannot be taken back");
            let note = self.paint(NOTE, &note);
            self.line(0, &note)?;
        }
        Ok(())
    }

    fn next(&mut self, summary: &Summary) -> io::Result<()> {
        if let Some(stopped) = &summary.stopped {
            if let Some(hint) = &stopped.hint {
                writeln!(self.out)?;
                self.line(7, &format!("first: {}", tame(hint)))?;
            }
            let Some(resume) = &stopped.resume else { return Ok(()) };
            return writeln!(self.out, "\nto resume:\n  {}", tame(resume));
        }
        if summary.files.failures.is_empty() {
            return Ok(());
        }
        if let Some(next) = &summary.next {
            writeln!(self.out)?;
            self.line(6, &format!("next: {}:", advice(summary.tally)))?;
            return writeln!(self.out, "  {}", tame(next));
        }
        writeln!(
            self.out,
            "\nnext: {}, with the same options as before:\n  {}",
            advice(summary.tally),
            rerun(summary)
        )
    }
}

/// What a run has waited for, and how long.
pub(super) fn waits(summary: &Summary) -> Vec<String> {
    let waited = &summary.waited;
    [
        (waited.limit_ms, "for the limit"),
        (waited.cool_down_ms, "for pauses that the server asked for"),
        (waited.back_off_ms, "before sending again, added up over rows"),
        (waited.held_ms, "while it was paused, or outside its hours"),
    ]
    .into_iter()
    .filter(|(time, _)| *time > 0)
    .map(|(time, what)| format!("{} {what}", span_ms(time)))
    .collect()
}

/// The commands that look whether a run still stands, and that take it back, where they can.
#[derive(Debug, Default)]
pub(super) struct WayBack {
    pub(super) verify: Option<String>,
    pub(super) undo: Option<String>,
}

impl WayBack {
    /// Those of a run.
    pub(super) fn of(summary: &Summary) -> Self {
        let says = |key: &str| summary.settings.get(key);
        let changed =
            summary.tally.changed() > 0 && says("projectId").is_some_and(Value::is_string);
        let Some(folder) = summary.files.results.parent().filter(|_| changed) else {
            return Self::default();
        };
        let (tool, folder) = (&summary.tool.name, quoted(&folder.to_string_lossy()));
        let kept = says("keepBefore").and_then(Value::as_bool) == Some(true);
        Self {
            verify: Some(format!("{tool} verify {folder}")),
            undo: kept.then(|| format!("{tool} undo {folder} -o undo.jsonl")),
        }
    }
}

/// The command that runs the failures files, without the options of the run.
pub(super) fn rerun(summary: &Summary) -> String {
    let paths = &summary.files.failures;
    let words: Vec<_> = paths.iter().map(|path| quoted(&path.to_string_lossy())).collect();
    // A simulator outside is named by the base URL, which stays in the environment.
    let inside = summary.simulated && summary.settings.get("baseUrl").is_none_or(Value::is_null);
    let simulate = if inside { " --simulate" } else { "" };
    format!("{} run {}{simulate}", summary.tool.name, words.join(" "))
}

/// What to do with the rows that failed.
pub(super) fn advice(tally: Tally) -> &'static str {
    if tally.unknown > 0 {
        "look at the unknown rows' users, correct the failed rows and run them again"
    } else if tally.gave_up == tally.failed() {
        "run the failed rows again as they are"
    } else {
        "correct the failed rows and run them again"
    }
}

/// The status in a sentence.
pub(super) fn spoken(status: Status) -> &'static str {
    match status {
        Status::GaveUp => "gave up",
        other => other.word(),
    }
}

pub(super) fn meaning(status: Status) -> &'static str {
    match status {
        Status::Updated => "the server changed the user",
        Status::Created => "the server created the user",
        Status::Deleted => "the server deleted the user",
        Status::Unchanged => "there was nothing to do",
        Status::Invalid => "the row is wrong; nothing was sent",
        Status::Drifted => "set aside: somebody else changed the user in the meantime",
        Status::Rejected => "the server said no; sending it again will not help",
        Status::GaveUp => "retries are used up; it could work another time",
        Status::Unknown => "sent, but without a trustworthy answer: it may have been applied",
    }
}
