//! A look at files: what their columns are taken for, and what is in them.

use std::sync::Arc;

use crate::catalog::{Kind, OPERATIONS};
use crate::change::members;
use crate::check::{self, Options, Report};
use crate::exit::Error;
use crate::input::record::{Content, Format, Record, Source};
use crate::input::{self, InputRequest};
use crate::rows::values::is_blank;
use crate::rows::{ColumnUse, Fits, HeaderReading, Mapping, Region};

/// How many values of a column are shown.
const SAMPLES: usize = 2;

/// How many keys of JSON rows are told apart.
const MOST_KEYS: usize = 200;

/// How many phone numbers without `+` are held against every region.
const MOST_NUMBERS: usize = 50;

/// What was found in files.
#[derive(Debug)]
pub(super) struct FilesLook {
    /// Each file.
    pub(super) files: Vec<FileLook>,
    /// What a check of all rows says, or why there can be none.
    pub(super) checked: Result<Report, Error>,
    /// The phone numbers without `+`.
    pub(super) numbers: NationalNumbers,
}

/// What was found in a file.
#[derive(Debug)]
pub(super) struct FileLook {
    /// Its name.
    pub(super) name: String,
    /// Its format.
    pub(super) format: Format,
    /// Its rows.
    pub(super) rows: u64,
    /// Whether all rows have the same columns, or keys.
    pub(super) is_uniform: bool,
    /// Its columns, or the keys of its rows.
    pub(super) columns: Vec<ColumnLook>,
    /// What they stand for, together.
    pub(super) reading: HeaderReading,
}

/// What was found in a column.
#[derive(Debug)]
pub(super) struct ColumnLook {
    /// Its name.
    pub(super) name: String,
    /// What it is taken for.
    pub(super) used: ColumnUse,
    /// How many rows have a value in it.
    pub(super) filled: u64,
    /// The first values that differ.
    pub(super) samples: Vec<String>,
    /// Whether they must be shown nowhere.
    pub(super) is_secret: bool,
}

/// Phone numbers without `+`.
#[derive(Debug, Default)]
pub(super) struct NationalNumbers {
    /// How many there are.
    pub(super) count: u64,
    /// The regions of which all that were looked at are numbers in use.
    pub(super) regions: Vec<Region>,
    looked_at: Vec<String>,
}

/// Looks at files, which must be such that can be read more than once.
pub(super) fn look(requests: &[InputRequest], mapping: &Mapping) -> Result<FilesLook, Error> {
    let input = input::open(requests)?;
    let mut seen: Vec<(Arc<Source>, SeenFile)> =
        input.sources().iter().map(|source| (Arc::clone(source), SeenFile::of(source))).collect();
    // Where reading ends early, the check says why.
    for record in input.map_while(Result::ok) {
        let own = seen.iter_mut().find(|(source, _)| Arc::ptr_eq(source, &record.source));
        if let Some((_, seen)) = own {
            seen.add(&record);
        }
    }
    let mut numbers = NationalNumbers::default();
    let files: Vec<FileLook> =
        seen.into_iter().map(|(source, seen)| seen.file(&source, mapping, &mut numbers)).collect();
    numbers.find_regions();
    let options = Options { examples: 1, batch_size: 1, ..Options::default() };
    let checked = check::check_files(requests, mapping.clone(), &options, &mut |_| {});
    Ok(FilesLook { files, checked, numbers })
}

/// What was seen of a file so far.
#[derive(Default)]
struct SeenFile {
    rows: u64,
    /// How many keys the rows have together.
    keys: u64,
    columns: Vec<SeenColumn>,
}

#[derive(Default)]
struct SeenColumn {
    name: String,
    filled: u64,
    samples: Vec<String>,
    /// Values without `+`, if it turns out to be a column of phone numbers.
    national: u64,
    numbers: Vec<String>,
}

impl SeenFile {
    fn of(source: &Source) -> Self {
        let column = |name: &String| SeenColumn { name: name.clone(), ..SeenColumn::default() };
        Self { rows: 0, keys: 0, columns: source.columns.iter().map(column).collect() }
    }

    fn add(&mut self, record: &Record) {
        self.rows += 1;
        match &record.content {
            Content::Cells(cells) => {
                for (column, value) in self.columns.iter_mut().zip(cells) {
                    column.add(value);
                }
            }
            Content::Object(text) => {
                for (key, value) in members(text).unwrap_or_default() {
                    self.keys += 1;
                    let value = value.get();
                    let text: Option<String> = serde_json::from_str(value).ok();
                    if let Some(column) = self.column(&key) {
                        column.add(text.as_deref().unwrap_or(value));
                    }
                }
            }
            Content::Broken { .. } => {}
        }
    }

    fn column(&mut self, key: &str) -> Option<&mut SeenColumn> {
        let place = self.columns.iter().position(|column| column.name == key);
        if place.is_none() && self.columns.len() < MOST_KEYS {
            self.columns.push(SeenColumn { name: key.to_owned(), ..SeenColumn::default() });
        }
        let place = place.or_else(|| self.columns.len().checked_sub(1));
        self.columns.get_mut(place?).filter(|column| column.name == key)
    }

    fn file(self, source: &Source, mapping: &Mapping, numbers: &mut NationalNumbers) -> FileLook {
        let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        let reading = HeaderReading::of(&names, mapping);
        let uses = reading.columns.iter().map(|(_, used)| used.clone());
        let columns = self.columns.into_iter().zip(uses).map(|(column, used)| {
            if holds_phones(&used) {
                numbers.count += column.national;
                numbers.looked_at.extend(column.numbers);
            }
            let is_secret = mapping.is_secret(&column.name);
            let SeenColumn { name, filled, samples, .. } = column;
            ColumnLook { name, used, filled, samples, is_secret }
        });
        let (name, format) = (source.name.clone(), source.format);
        let columns: Vec<ColumnLook> = columns.collect();
        let is_uniform = format.has_columns() || self.keys == self.rows * columns.len() as u64;
        FileLook { name, format, rows: self.rows, is_uniform, columns, reading }
    }
}

impl SeenColumn {
    fn add(&mut self, value: &str) {
        if is_blank(value) || value == "null" {
            return;
        }
        self.filled += 1;
        if self.samples.len() < SAMPLES && !self.samples.iter().any(|sample| sample == value) {
            self.samples.push(value.to_owned());
        }
        if !value.trim_start().starts_with('+') {
            self.national += 1;
            if self.numbers.len() < MOST_NUMBERS && value.bytes().any(|byte| byte.is_ascii_digit())
            {
                self.numbers.push(value.to_owned());
            }
        }
    }
}

impl NationalNumbers {
    fn find_regions(&mut self) {
        if self.looked_at.is_empty() {
            return;
        }
        self.looked_at.truncate(MOST_NUMBERS);
        let fits = |region: &Region| {
            let mut fits = Fits::default();
            self.looked_at.iter().for_each(|number| fits.count(number, *region));
            fits.all_whole()
        };
        self.regions = Region::all().filter(fits).collect();
    }
}

/// Whether a column is one of phone numbers.
fn holds_phones(used: &ColumnUse) -> bool {
    let ColumnUse::Field(name) = used else { return false };
    let fields = OPERATIONS.iter().flat_map(|operation| operation.fields);
    fields.into_iter().any(|field| field.name == *name && field.kind == Kind::Phone)
}
