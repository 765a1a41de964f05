//! What `plan` tells: a screen, a table for a spreadsheet, and a summary for a ticket.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::forecast::forecast_in_words;
use super::format::{brief, count, paint, tame, thousands, types_from};
use super::summary::Look;
use crate::catalog::{Operation, OperationKind};
use crate::check::Calls;
use crate::exit::Error;
use crate::input::guard;
use crate::plan::{ChangeClass, Example, PlanOutcome, PlanTotals, PlannedRow, shown};
use crate::rows::TypesFrom;
use crate::store::NewFile;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OLD: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();
const NOTE: Style = AnsiColor::Yellow.on_default().bold();

/// How far reading users is, on a terminal.
pub(crate) struct ReadingProgress(ProgressBar);

impl ReadingProgress {
    /// Of so many rows.
    #[must_use]
    pub(crate) fn new(rows: u64) -> Self {
        let style = ProgressStyle::with_template(
            "reading users [{bar:24}] {human_pos} of {human_len}, {eta} left",
        );
        let style = style.expect("the template is well formed").progress_chars("=> ");
        Self(ProgressBar::new(rows).with_style(style))
    }

    /// A row is done.
    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }

    /// So many are done, of so many.
    pub(crate) fn at(&self, done: u64, of: Option<u64>) {
        self.0.set_length(of.unwrap_or(done).max(done));
        self.0.set_position(done);
    }
}

impl Drop for ReadingProgress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What a plan comes to, to be shown.
pub(crate) struct PlanScreen<'a> {
    /// The project, for people.
    pub(crate) project: &'a str,
    /// The files.
    pub(crate) files: &'a [String],
    /// What it comes to.
    pub(crate) totals: &'a PlanTotals,
    /// Where the types of custom attributes come from, where rows set any.
    pub(crate) types_from: &'a [TypesFrom],
    /// What rows name and could not be looked at, and why.
    pub(crate) unchecked: &'a [(&'static str, String)],
    /// What `check` finds in the files, by kind.
    pub(crate) problems: Vec<(&'a str, u64)>,
    /// Calls and times, row by row and in batches.
    pub(crate) forecasts: &'a [Vec<Calls>; 2],
    /// Calls that read the users again.
    pub(crate) reads: u64,
    /// Where the plan is.
    pub(crate) plan_file: Option<&'a Path>,
    /// The command to go on with.
    pub(crate) next: Option<&'a str>,
    /// How it looks.
    pub(crate) look: Look,
}

/// Rows that would not change anything, and why.
fn meaning(status: &str) -> &'static str {
    match status {
        "unchanged" => "already as the file wants it",
        "not_found" => "no such user",
        "exists" => "there is such a user already",
        "conflict" => "the value is another user's login ID",
        "invalid" => "the row is wrong",
        "drifted" => "somebody else has changed the user since the row was made",
        "unknown_role" => "the project has no such role",
        "unknown_tenant" => "the project has no such tenant",
        "secret" => "what it changes cannot be shown: run it from its own file",
        _ => "",
    }
}

/// What is to become of the users of an operation's rows.
fn to_be(operation: &str) -> &'static str {
    match Operation::named(operation).map(|operation| operation.kind) {
        Some(OperationKind::Create | OperationKind::Upsert) => "to be created",
        Some(OperationKind::Delete) => "to be deleted",
        Some(OperationKind::Read | OperationKind::Update) | None => "to be changed",
    }
}

/// What is, beside what would be; or why nothing would happen.
fn what(Example { why, changes, .. }: &Example, color: bool) -> String {
    let side = |(part, was, is): &(String, String, String)| {
        let (was, is) = (paint(color, OLD, &brief(was)), paint(color, NEW, &brief(is)));
        format!("{part}: {was} → {is}")
    };
    if changes.is_empty() {
        return brief(why);
    }
    changes.iter().map(side).collect::<Vec<_>>().join(", ")
}

impl PlanScreen<'_> {
    /// Prints it for people.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let rows = count(self.totals.rows, "row");
        writeln!(
            out,
            "project {}, {rows} of {}",
            tame(self.project),
            tame(&self.files.join(", "))
        )?;
        if let Some(types) = types_from(self.types_from) {
            writeln!(out, "{types}")?;
        }
        for (what, why) in self.unchecked {
            writeln!(out, "{what} are not checked: they cannot be read: {}", brief(why))?;
        }
        writeln!(out)?;
        self.print_counts(out)?;
        self.print_examples(out)?;
        self.print_problems(out)?;
        writeln!(out, "\nto send: {}", self.forecast())?;
        if self.reads > 0 {
            writeln!(
                out,
                "         {} before, to read the users again",
                count(self.reads, "call")
            )?;
        }
        if let Some(path) = self.plan_file {
            let changes = count(self.totals.changes, "change");
            writeln!(out, "plan:    {} ({changes})", path.display())?;
        }
        if let Some(next) = self.next {
            writeln!(out, "\nnext: {next}")?;
        }
        Ok(())
    }

    fn print_counts(&self, out: &mut impl Write) -> io::Result<()> {
        for (status, rows) in &self.totals.others {
            let style = if status == "unchanged" { GOOD } else { BAD };
            let word = self.paint(style, &format!("{:<12}", status.replace('_', " ")));
            writeln!(out, "{:>12}  {word}  {}", thousands(*rows), meaning(status))?;
        }
        for (operation, changes) in &self.totals.operations {
            let what = to_be(operation);
            writeln!(out, "{:>12}  {operation:<12}  {what}", thousands(*changes))?;
        }
        if self.totals.changes == 0 {
            writeln!(out, "{:>12}  changes", 0)?;
            return Ok(());
        }
        writeln!(out)?;
        for class in ChangeClass::ALL {
            let Some(changes) = self.totals.classes.get(class.word()) else { continue };
            let style = if class.needs_leave() { NOTE } else { GOOD };
            let word = self.paint(style, &format!("{:<12}", class.word()));
            writeln!(out, "{:>12}  {word}  {}", thousands(*changes), class.meaning())?;
        }
        Ok(())
    }

    fn print_examples(&self, out: &mut impl Write) -> io::Result<()> {
        for (kind, total) in self.kinds() {
            let Some(examples) = self.totals.examples.get(kind) else { continue };
            let shown = examples.len() as u64;
            let of = if shown < total {
                format!("{} of {}; --all for every one", thousands(shown), thousands(total))
            } else {
                format!("all {}", thousands(total))
            };
            writeln!(out, "\n{} ({of})", self.paint(NOTE, &kind.replace('_', " ")))?;
            for example in examples {
                writeln!(
                    out,
                    "  {:<30}  {}",
                    brief(&example.user),
                    what(example, self.look.color)
                )?;
            }
        }
        if !self.totals.most_changed.is_empty() {
            writeln!(out, "\nusers with most changes")?;
            for (user, changes) in &self.totals.most_changed {
                writeln!(out, "  {:<30}  {}", brief(user), count(*changes, "change"))?;
            }
        }
        Ok(())
    }

    /// Kinds of rows of which there are examples, with their numbers: first those that need most
    /// care.
    fn kinds(&self) -> Vec<(&str, u64)> {
        let classes = ChangeClass::ALL
            .into_iter()
            .rev()
            .filter_map(|class| Some((class.word(), *self.totals.classes.get(class.word())?)));
        let others = self.totals.others.iter().filter(|(status, _)| *status != "unchanged");
        others.map(|(status, rows)| (status.as_str(), *rows)).chain(classes).collect()
    }

    fn print_problems(&self, out: &mut impl Write) -> io::Result<()> {
        if self.problems.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n`descope-bulk check` finds in the files:")?;
        for (code, number) in &self.problems {
            writeln!(out, "{:>12}  {code}", thousands(*number))?;
        }
        Ok(())
    }

    fn forecast(&self) -> String {
        let [single, batched] = self.forecasts;
        forecast_in_words(single, batched)
    }

    fn paint(&self, style: Style, text: &str) -> String {
        paint(self.look.color, style, text)
    }

    /// The same for machines.
    #[must_use]
    pub(crate) fn json(&self) -> Value {
        let calls = |forecast: &[Calls]| forecast.first().map_or(0, |calls| calls.calls);
        json!({
            "version": 1,
            "files": self.files,
            "rows": self.totals.rows,
            "changes": self.totals.changes,
            "others": self.totals.others,
            "operations": self.totals.operations,
            "classes": self.totals.classes,
            "calls": calls(&self.forecasts[0]),
            "callsInBatches": calls(&self.forecasts[1]),
            "reads": self.reads,
            "attributeTypesFrom": self.types_from.iter().map(|own| own.word()).collect::<Vec<_>>(),
            "unchecked": self.unchecked.iter().map(|(what, _)| what).collect::<Vec<_>>(),
            "plan": self.plan_file.map(|path| path.display().to_string()),
            "next": self.next,
        })
    }

    /// Writes a summary for a ticket: at most 60,000 characters, without values unless they are asked
    /// for.
    pub(crate) fn write_markdown(&self, path: &Path, with_values: bool) -> Result<(), Error> {
        const MOST: usize = 60_000;
        let mut text = self.markdown(with_values);
        if let Some((end, _)) = text.char_indices().nth(MOST) {
            text.truncate(end);
        }
        let mut file = NewFile::create(path)?;
        file.line(text.trim_end().as_bytes())?;
        file.finish()
    }

    fn markdown(&self, with_values: bool) -> String {
        let mut text = format!(
            "# Plan\n\nProject {}, {} of {}.\n\n| rows | what |\n| ---: | --- |\n",
            self.project,
            count(self.totals.rows, "row"),
            self.files.join(", "),
        );
        for (status, rows) in &self.totals.others {
            let _ = writeln!(text, "| {} | {status}: {} |", thousands(*rows), meaning(status));
        }
        for (operation, changes) in &self.totals.operations {
            let _ =
                writeln!(text, "| {} | `{operation}` {} |", thousands(*changes), to_be(operation));
        }
        text.push_str("\n| changes | class |\n| ---: | --- |\n");
        for class in ChangeClass::ALL {
            if let Some(changes) = self.totals.classes.get(class.word()) {
                let (word, meaning) = (class.word(), class.meaning());
                let _ = writeln!(text, "| {} | {word}: {meaning} |", thousands(*changes));
            }
        }
        let _ = writeln!(text, "\nTo send: {}.", self.forecast());
        if with_values {
            for (kind, _) in self.kinds() {
                let Some(examples) = self.totals.examples.get(kind) else { continue };
                let _ = writeln!(text, "\n## {kind}\n");
                for example in examples.iter().take(10) {
                    let cell = |text: &str| text.replace('|', "\\|").replace('`', "'");
                    let (user, what) = (cell(&brief(&example.user)), cell(&what(example, false)));
                    let _ = writeln!(text, "- `{user}`: `{what}`");
                }
            }
        }
        text
    }
}

/// The changes as a table for a spreadsheet.
pub(crate) struct ChangeTable(csv::Writer<NewFile>);

impl ChangeTable {
    /// Begins a file, which only its owner can read. One that exists is refused.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let mut table = Self(csv::Writer::from_writer(NewFile::create(path)?));
        table.record(&[
            "row",
            "file",
            "user",
            "operation",
            "status",
            "class",
            "field",
            "before",
            "after",
        ])?;
        Ok(table)
    }

    /// Writes a line for each field that would change, or one for a row that would not be sent.
    pub(crate) fn row(&mut self, planned: &PlannedRow) -> Result<(), Error> {
        let (record, user, operation) = match &planned.row {
            Ok(own) => (&own.record, Some(&own.login_id), Some(own.operation)),
            Err(own) => (&own.record, own.login_id.as_ref(), own.operation),
        };
        let row = record.position.row.to_string();
        let user = user.map_or("", String::as_str);
        let operation = operation.map_or("", |operation| operation.name);
        let first = [row.as_str(), record.source.name.as_str(), user, operation];
        match &planned.verdict {
            PlanOutcome::Unchanged => Ok(()),
            PlanOutcome::Refused { status, why } => self.line(&first, &[status, "", "", "", why]),
            PlanOutcome::Changes(change) => {
                let classes: Vec<_> =
                    change.classes.iter().copied().map(ChangeClass::word).collect();
                for (field, before, after) in &change.differences {
                    let (before, after) = (shown(before), shown(after));
                    self.line(&first, &["planned", &classes.join(" "), field, &before, &after])?;
                }
                Ok(())
            }
        }
    }

    fn line(&mut self, first: &[&str; 4], rest: &[&str; 5]) -> Result<(), Error> {
        let cells = first.iter().chain(rest).map(|cell| guard::put_on(cell.as_bytes()));
        self.record(&cells.collect::<Vec<_>>())
    }

    fn record(&mut self, cells: &[impl AsRef<[u8]>]) -> Result<(), Error> {
        let written = self.0.write_record(cells.iter().map(AsRef::as_ref));
        written.map_err(|error| Error::Stopped(format!("cannot write the table: {error}")))
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let file = self.0.into_inner();
        file.map_err(|error| Error::Stopped(format!("cannot write the table: {error}")))?.finish()
    }
}
