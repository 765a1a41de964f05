//! The text of a first job file, from what was found. Pure.

use std::fmt::Write as _;

use clap::Command;

use super::look::{ColumnLook, FileLook, FilesLook};
use super::masked;
use super::settle::JobChoices;
use crate::catalog::{Operation, normalize};
use crate::report::{count, thousands};
use crate::rows::{ColumnUse, Region};
use crate::settings::job::{self, WrittenKey};

/// What goes into a job file.
pub(super) struct FirstJobPage<'a> {
    /// What was found.
    pub(super) look: &'a FilesLook,
    /// What is settled, and what is not.
    pub(super) settled: &'a JobChoices,
    /// The files, as the job file names them.
    pub(super) files: &'a [String],
    /// The keys that were typed.
    pub(super) typed: &'a [WrittenKey],
    /// The name of the job file, for the commands above it.
    pub(super) name: &'a str,
    /// Whether values are shown as they are.
    pub(super) with_values: bool,
    /// The command that has a flag for every key.
    pub(super) run: &'a Command,
}

/// Keys that one needs most often, with a value where there is no default, by their tables.
const OFFERED: [(&str, &str); 12] = [
    ("rules.blank", ""),
    ("rules.batch", "\"values\""),
    ("rules.skip-unchanged", "true"),
    ("limits.max-share", ""),
    ("limits.max-failures", "\"5%\""),
    ("limits.max-duration", "\"4h\""),
    ("project.project-id", "\"P2XXXXXXXXXXXXXXXXXXXXXXXXXX\""),
    ("project.key-file", "\"management.key\""),
    ("output.runs-dir", "\"/var/lib/descope-bulk/runs\""),
    ("output.resume", "true"),
    ("output.report", "\"report.html\""),
    ("output.retention", "\"30d\""),
];

/// The tables of a job file, in their order.
const TABLES: [&str; 8] =
    ["input", "input.where", "mapping", "rules", "limits", "project", "output", "rules.set"];

impl FirstJobPage<'_> {
    /// The text.
    pub(super) fn text(&self) -> String {
        let mut text = self.head();
        for table in TABLES {
            let mut lines = self.lines_of(table);
            lines.extend(self.typed_in(table));
            let offered = self.offered(table);
            if lines.is_empty() && offered.is_empty() {
                continue;
            }
            let _ = write!(text, "\n[{table}]\n");
            for line in lines.into_iter().chain(offered) {
                text.push_str(&line);
                text.push('\n');
            }
        }
        // Tables that only what was typed needs.
        let others = self.typed.iter().filter(|key| !TABLES.contains(&key.table));
        let mut last = "";
        for key in others {
            if key.table != last {
                let _ = write!(text, "\n[{}]\n", key.table);
                last = key.table;
            }
            let _ = writeln!(text, "{}", key.line);
        }
        text
    }

    fn head(&self) -> String {
        let name = self.name;
        let mut text = format!(
            "# A job for descope-bulk, from a look at its files.\n#\n\
             #   descope-bulk check --job {name}            look at every row; sends nothing\n\
             #   descope-bulk run --job {name} --simulate   rehearse; no account is needed\n\
             #   descope-bulk run --job {name}              send\n#\n\
             # Paths are seen from the folder of this file. A key is the flag of the same name:\n\
             # `descope-bulk run --help` says more about each.\n"
        );
        for file in &self.look.files {
            text.push_str(&self.columns(file));
        }
        if !self.settled.open.is_empty() {
            text.push_str("\n# TO SETTLE, before it can run:\n");
            for item in &self.settled.open {
                let _ = writeln!(text, "#\n{}", comment(item, "  "));
            }
        }
        text
    }

    /// A file's columns, with what each is taken for.
    fn columns(&self, file: &FileLook) -> String {
        let mut text = format!(
            "\n# {}: {}, {}\n#\n\
             # Columns, what each is taken for, how many rows have a value, and {}:\n#\n",
            plain(&file.name),
            file.format.extension(),
            count(file.rows, "row"),
            if self.with_values { "the first values" } else { "their form (9 digit, x letter)" },
        );
        let width = |most: usize, text: &dyn Fn(&ColumnLook) -> String| {
            let widths = file.columns.iter().map(|column| text(column).chars().count());
            widths.max().unwrap_or(0).min(most)
        };
        let names = width(32, &|column| plain(&column.name));
        let uses = width(48, &|column| use_in_words(column));
        for column in &file.columns {
            let mut samples: Vec<String> =
                column.samples.iter().map(|own| self.sample(column, own)).collect();
            // Values that differ may have one form.
            samples.dedup();
            let line = format!(
                "#   {:names$}  {:uses$}  {:>7}  {}",
                plain(&column.name),
                use_in_words(column),
                thousands(column.filled),
                samples.join("  ")
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    fn sample(&self, column: &ColumnLook, value: &str) -> String {
        match (self.with_values, column.is_secret) {
            (_, true) => "(secret)".to_owned(),
            (true, false) => masked::shown(value),
            (false, false) => masked::form(value),
        }
    }

    /// The keys of a table that follow from what was found.
    fn lines_of(&self, table: &str) -> Vec<String> {
        match table {
            "input" => vec![format!("files = {}", job::list(self.files))],
            "mapping" => self.settled.map.iter().map(|line| format!("# {line}")).collect(),
            "rules" => self.rules(),
            "rules.set" => self.settled.set.iter().map(|line| format!("# {line}")).collect(),
            _ => Vec::new(),
        }
    }

    fn rules(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let is_typed = self.is_typed("rules", "operation");
        match (&self.settled.operation, self.settled.decides) {
            _ if is_typed => {}
            (None, Some(decides)) => lines.push(format!("# Of the operation: {decides}.")),
            (Some(operation), _) => {
                lines.push(format!("# What the columns fit: {}", in_a_line(operation.about)));
                lines.push(format!("operation = {}", job::text(operation.name)));
            }
            (None, None) => lines.extend(self.candidates()),
        }
        if !self.settled.ignore.is_empty() && !self.is_typed("rules", "ignore-unknown") {
            let own = job::list(&self.settled.ignore);
            // A list cannot be there twice.
            let key =
                if self.is_typed("rules", "ignore") { "add to ignore: " } else { "ignore = " };
            lines.push(format!("# {key}{own}"));
        }
        lines.extend(self.region());
        lines
    }

    fn candidates(&self) -> Vec<String> {
        let candidates = self.settled.candidates.iter();
        let line = |own: &&'static Operation| {
            format!("# operation = {:<24} # {}", job::text(own.name), in_a_line(own.about))
        };
        candidates.map(line).collect()
    }

    /// What is said of the region of phone numbers without `+`.
    fn region(&self) -> Vec<String> {
        const NAMED: usize = 8;
        let numbers = &self.look.numbers;
        if numbers.count == 0 || self.is_typed("rules", "region") {
            return Vec::new();
        }
        let regions: Vec<String> = numbers.regions.iter().map(Region::to_string).collect();
        let fits = match regions.len() {
            0 => "no region has all of those looked at".to_owned(),
            more if more > NAMED => format!("{more} regions have all of those looked at"),
            _ => format!("all of those looked at are in use in {}", regions.join(", ")),
        };
        let own = count(numbers.count, "phone number");
        vec![
            format!("# {own} without +: {fits}. State the region, if it is one:"),
            format!(
                "# region = {}",
                job::text(if let [only] = &regions[..] { only } else { "GB" })
            ),
        ]
    }

    /// The keys of a table that were typed.
    fn typed_in(&self, table: &str) -> impl Iterator<Item = String> {
        self.typed.iter().filter(move |key| key.table == table).map(|key| key.line.clone())
    }

    fn is_typed(&self, table: &str, name: &str) -> bool {
        let begins = |line: &str| line.split(" = ").next() == Some(name);
        self.typed.iter().any(|key| key.table == table && begins(&key.line))
    }

    /// The keys of a table that one may need, as comments.
    fn offered(&self, table: &str) -> Vec<String> {
        let own = OFFERED.iter().filter_map(|(path, example)| {
            let (of, name) = path.rsplit_once('.')?;
            if of != table || self.is_typed(table, name) {
                return None;
            }
            let (about, default) = job::about(path, self.run)?;
            let value = Some((*example).to_owned()).filter(|own| !own.is_empty()).or(default)?;
            Some(format!("{}\n# {name} = {value}", comment(&format!("{about}:"), "")))
        });
        own.collect()
    }
}

/// What a column is taken for, and why.
fn use_in_words(column: &ColumnLook) -> String {
    match &column.used {
        ColumnUse::Field(field) if normalize(field) == normalize(&column.name) => {
            (*field).to_owned()
        }
        ColumnUse::Field(field) => format!("{field}, by another name"),
        ColumnUse::Attribute(name) => format!("custom attribute {}", plain(name)),
        ColumnUse::PasswordHash => "a hashed password".to_owned(),
        ColumnUse::Operation => "the operation of each row".to_owned(),
        ColumnUse::Region => "the region of phone numbers".to_owned(),
        ColumnUse::LeftOut => "left out".to_owned(),
        ColumnUse::Unknown(Some(near)) => format!("TO SETTLE: unknown; perhaps {near}"),
        ColumnUse::Unknown(None) => "TO SETTLE: unknown".to_owned(),
        ColumnUse::Unnamed => "without a name: must be blank".to_owned(),
    }
}

fn in_a_line(about: &str) -> &str {
    about.trim_end_matches('.')
}

/// A text that may stand in a comment.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// A text as lines of a comment.
fn comment(text: &str, indent: &str) -> String {
    const WIDTH: usize = 96;
    let begin = format!("# {indent}");
    let wrap = textwrap::Options::new(WIDTH)
        .initial_indent(&begin)
        .subsequent_indent(&begin)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let lines = text.lines().map(|line| textwrap::fill(&plain(line), &wrap));
    lines.collect::<Vec<_>>().join("\n")
}
