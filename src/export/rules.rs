//! What is exported, and how.

use std::path::Path;

use serde_json::{Map, Value};

/// What is exported, and how.
#[derive(Clone, Debug)]
pub(crate) struct ExportRules {
    /// Which users, as the members of a search's body; all where there are none.
    pub(crate) filter: Map<String, Value>,
    /// The format of the file.
    pub(crate) format: ExportFormat,
    /// The columns that are wanted; all where there are none.
    pub(crate) columns: Vec<String>,
    /// Whether an export that stopped goes on.
    pub(crate) resume: bool,
}

/// The format of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExportFormat {
    /// CSV, with a comma.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// An Excel workbook.
    Xlsx,
}

impl ExportFormat {
    /// The format that a file's name says.
    #[must_use]
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::Jsonl),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }
}
