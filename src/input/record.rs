//! A record: one data row as read, and where it came from.
//!
//! Input formats make records, everything behind them carries them along: the
//! instruction is built from a record, and the failures file writes it back in
//! the columns it came in. Nothing here knows what a record means.

use std::borrow::Cow;
use std::sync::Arc;

use csv::{ByteRecord, StringRecord};

use crate::issue::{Issue, Severity};

/// The format of an input file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// Cells separated by commas, semicolons or bars, with a header row.
    Csv,
    /// Cells separated by tabs, with a header row.
    Tsv,
    /// One JSON object a line.
    Jsonl,
    /// One JSON array of objects.
    Json,
    /// A sheet of an Excel workbook.
    Xlsx,
    /// A sheet of an `OpenDocument` spreadsheet.
    Ods,
}

impl Format {
    /// The file name extension, which is also the format's name on the command line.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
            Self::Ods => "ods",
        }
    }

    /// Whether rows are cells under a header; else they are JSON objects with keys.
    #[must_use]
    pub fn has_columns(self) -> bool {
        !matches!(self, Self::Jsonl | Self::Json)
    }

    /// Whether it is a workbook of sheets rather than text.
    #[must_use]
    pub fn is_spreadsheet(self) -> bool {
        matches!(self, Self::Xlsx | Self::Ods)
    }
}

/// What stands between the cells of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Delimiter {
    /// `,`
    #[value(name = "comma", alias = ",")]
    Comma,
    /// `;`
    #[value(name = "semicolon", alias = ";")]
    Semicolon,
    /// A tab character.
    #[value(name = "tab", alias = "\t", alias = "\\t")]
    Tab,
    /// `|`
    #[value(name = "bar", alias = "|", alias = "pipe")]
    Bar,
}

impl Delimiter {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Bar];

    /// The byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Bar => b'|',
        }
    }

    /// The delimiter that a byte is.
    #[must_use]
    pub fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|delimiter| delimiter.byte() == byte)
    }

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Bar => "bar",
        }
    }

    /// The format of files that have it.
    #[must_use]
    pub fn format(self) -> Format {
        if self == Self::Tab { Format::Tsv } else { Format::Csv }
    }
}

/// How a text file writes its characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Encoding {
    /// UTF-8, the default.
    #[default]
    #[value(name = "utf-8", alias = "utf8")]
    Utf8,
    /// UTF-16, little-endian: what Windows programs call Unicode.
    #[value(name = "utf-16le", alias = "utf16le")]
    Utf16Le,
    /// UTF-16, big-endian.
    #[value(name = "utf-16be", alias = "utf16be")]
    Utf16Be,
    /// Windows-1252, which Western European Windows programs write; Latin-1 is read with it, too.
    #[value(name = "windows-1252", alias = "cp1252", alias = "latin1", alias = "iso-8859-1")]
    Windows1252,
}

impl Encoding {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }
}

/// One input of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The name as the user gave it; `-` for standard input.
    pub name: String,
    /// The format of its rows.
    pub format: Format,
    /// How its text was written; workbooks are UTF-8.
    pub encoding: Encoding,
    /// What stands between its cells; nothing for formats that are no text of cells.
    pub delimiter: Option<Delimiter>,
    /// The header's names, as written; empty for JSON rows. A column may have none.
    pub columns: Vec<String>,
    /// The line of the header, from 1; 0 for JSON rows.
    pub header_line: u64,
}

/// Where a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its number from 1, counted over all files of the run, headers and blank lines not counted.
    pub row: u64,
    /// Its first line in its file's text, from 1, every line counted; the row's number in its
    /// sheet for a spreadsheet.
    pub line: u64,
    /// The offset of its first byte in its file's text, unpacked and as UTF-8, from 0; always 0
    /// for a spreadsheet, whose rows have no bytes of their own.
    pub byte: u64,
}

/// One data row as read.
#[derive(Clone, Debug)]
pub struct Record {
    /// The file it came from.
    pub source: Arc<Source>,
    /// Where in that file.
    pub position: Position,
    /// What it holds.
    pub content: Content,
}

impl Record {
    /// `file:line (row n)`, the form in which messages name a record.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{} (row {})", self.source.name, self.position.line, self.position.row)
    }
}

/// What a record holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// The cells of a row, exactly one a column.
    Cells(StringRecord),
    /// The text of one JSON object, as it stood in its file.
    Object(Box<str>),
    /// A row that could be told apart from its neighbours but not read.
    Broken {
        /// The row as it stood, as far as it is kept.
        raw: Raw,
        /// What is wrong with it and what to do.
        issue: Box<Issue>,
    },
}

impl Content {
    /// The bytes that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Cells(cells) => cells.as_slice().len(),
            Self::Object(text) => text.len(),
            Self::Broken { raw: Raw::Cells(cells), .. } => cells.as_slice().len(),
            Self::Broken { raw: Raw::Line(line), .. } => line.len(),
        }
    }
}

/// The bytes of a row that could not be read.
#[derive(Clone, Debug)]
pub enum Raw {
    /// Cells, of any number and any bytes.
    Cells(ByteRecord),
    /// A line of text, or a piece of JSON.
    Line(Box<[u8]>),
}

/// What was noticed about a row besides what makes it invalid, if anything does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Values that were repaired before they were sent.
    pub repairs: Vec<Repair>,
    /// What else is wrong with a row that is invalid, and what may be wrong with any row.
    pub issues: Vec<Issue>,
}

impl Notes {
    /// The issues of a severity.
    pub fn issues_of(&self, severity: Severity) -> impl Iterator<Item = &Issue> {
        self.issues.iter().filter(move |issue| issue.severity == severity)
    }
}

/// A value that was repaired because there is one thing only that it can have been.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Repair {
    /// A stable word for the kind of repair, such as `plus_restored`.
    pub kind: Cow<'static, str>,
    /// The column or key, as the file names it.
    pub column: String,
    /// What stood there.
    pub from: String,
    /// What is sent in its place.
    pub to: String,
}

/// The columns that a failures file adds to the input's own, by their exact names. `run`
/// ignores them, so that a failures file is an input again.
pub const ADDED_COLUMNS: [&str; 5] = ["_row", "_status", "_error", "_message", "_hint"];

/// The column of the results for spreadsheets that says when a row ended. No other file has it.
pub const FINISHED_COLUMN: &str = "_finishedAt";

/// What begins the columns of the results for spreadsheets that show the returned user.
pub const RETURNED_PREFIX: &str = "_user.";

/// The column of the results for spreadsheets that holds a row which was an object.
pub const INPUT_COLUMN: &str = "_input";

/// Whether a column was added by an earlier run.
#[must_use]
pub fn is_added(name: &str) -> bool {
    ADDED_COLUMNS.contains(&name) || is_of_results(name)
}

/// Whether a column is of the results for spreadsheets, which hold rows that were done, too.
#[must_use]
pub fn is_of_results(name: &str) -> bool {
    [FINISHED_COLUMN, INPUT_COLUMN].contains(&name) || name.starts_with(RETURNED_PREFIX)
}

/// Keys that plans and undos add to rows, besides [`ADDED_COLUMNS`]: they give no field.
pub const PLAN_KEYS: [&str; 6] = ["_file", "_line", "_class", "_changes", "_expect", "_undoOf"];

/// A name without regard to case, spaces, `_`, `-` and `/`.
#[must_use]
pub fn normalize(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-' | '/'))
        .flat_map(char::to_lowercase)
        .collect()
}
