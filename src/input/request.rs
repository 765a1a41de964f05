//! What is to be read, and why it cannot be.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::header_row::HeaderRow;
use super::promise::Promise;
use super::selection::Selection;
use crate::exit;
use crate::input::bitmap::RowSet;
use crate::input::record::{Delimiter, Encoding, Format};
use crate::objects::{is_object_url, without_query};

/// One input as the user named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRequest {
    /// Its path; `-` is standard input.
    pub path: PathBuf,
    /// What the user says about it; the rest is told from its content and its name.
    pub stated: Stated,
    /// The name that people know it by, where that is not its path.
    pub known_as: Option<String>,
    /// What it held when it was first looked at, if it must not change meanwhile.
    pub promise: Option<Arc<Promise>>,
}

/// What the user says about inputs, where it is not to be found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// The format; csv is text with cells, whatever separates them.
    pub format: Option<Format>,
    /// The encoding of text.
    pub encoding: Option<Encoding>,
    /// What separates cells.
    pub delimiter: Option<Delimiter>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// What becomes of rows with fewer cells than the header.
    pub short_rows: ShortRows,
    /// What becomes of rows of a sheet that are hidden or filtered out; where nothing is said, a
    /// sheet that has some is refused.
    pub hidden_rows: Option<HiddenRows>,
    /// Which rows are taken, over all inputs.
    pub selection: Selection,
    /// Where the header of a table is.
    pub header: HeaderRow,
    /// Whether it may be empty.
    pub may_be_empty: bool,
}

/// What becomes of rows of a sheet that nobody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum HiddenRows {
    /// They are rows like others.
    Send,
    /// They are left out, and counted.
    Skip,
}

/// What becomes of a row of text with fewer cells than the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ShortRows {
    /// The row is invalid: a cell may be missing anywhere in it.
    #[default]
    Refuse,
    /// The cells that are missing at its end are blank.
    Blank,
}

impl InputRequest {
    /// Whether it is standard input itself.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// Whether it is an object of a storage.
    #[must_use]
    pub fn is_object(&self) -> bool {
        is_object_url(&self.path)
    }

    /// Whether it can be read only once: standard input, a pipe.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        use std::os::unix::fs::FileTypeExt;

        if self.is_object() {
            return false;
        }
        let pipe = |metadata: fs::Metadata| {
            metadata.file_type().is_fifo() || metadata.file_type().is_socket()
        };
        self.is_stdin() || fs::metadata(&self.path).is_ok_and(pipe)
    }

    /// The path, or the URL without what names a version.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        match self.path.to_str() {
            Some(url) if self.is_object() => without_query(url).into(),
            _ => self.path.clone(),
        }
    }

    /// The bytes of an input that can be read only once.
    pub fn stream(&self) -> io::Result<Box<dyn Read>> {
        if self.is_stdin() {
            return Ok(Box::new(io::stdin()));
        }
        Ok(Box::new(File::open(&self.path)?))
    }

    /// The same input from a file that holds a copy of it.
    #[must_use]
    pub fn kept_in(&self, path: PathBuf) -> Self {
        Self { path, stated: self.stated.clone(), known_as: Some(self.name()), promise: None }
    }

    /// The same input, of which all rows are taken.
    #[must_use]
    pub fn with_all_rows(mut self) -> Self {
        self.stated.selection = Selection::default();
        self
    }

    /// The same input, of which only these rows are taken, of those that are chosen.
    #[must_use]
    pub fn with_only(mut self, rows: Option<Arc<RowSet>>) -> Self {
        self.stated.selection.rows = rows;
        self
    }

    /// The same input, which must not change any more.
    #[must_use]
    pub fn promised(self, promise: Promise) -> Self {
        Self { promise: Some(Arc::new(promise)), ..self }
    }

    /// The name in messages and results.
    #[must_use]
    pub fn name(&self) -> String {
        self.known_as.clone().unwrap_or_else(|| self.key().display().to_string())
    }
}

/// Reading cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// What is wrong, where, and what to do.
    #[error("{0}")]
    Fault(String),
    /// The input is no longer what it was.
    #[error("{name}: the file has changed since the run began: {difference}")]
    Changed {
        /// Its name.
        name: String,
        /// How it differs.
        difference: &'static str,
    },
}

impl From<Unreadable> for exit::Error {
    fn from(error: Unreadable) -> Self {
        Self::Stopped(error.to_string())
    }
}
