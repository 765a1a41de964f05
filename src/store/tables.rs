//! The results for spreadsheets: all rows in their input's own columns, with what became of each
//! behind them, as CSV, as a workbook, or as both.
//!
//! The workbook is made when the run ends, from the CSV. Where it alone is wanted, its rows are kept
//! in files of another name until then, and these go once it is there and the run is complete: a run
//! that is killed has lost nothing.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use super::added::Added;
use super::digest::{Digest, Digester};
use super::disk::Disk;
use super::file::AppendFile;
use super::journal::Lengths;
use super::layout::{LayoutRules, Layouts};
use super::names::{TABLE, WAITING, WORKBOOK, is_table, is_waiting};
use super::output::Output;
use super::rules::{OutputRules, TableForm};
use super::workbook;
use crate::change::{User, cells};
use crate::input::record::{ADDED_COLUMNS, FINISHED_COLUMN, RETURNED_PREFIX, Source};
use crate::outcome::Finished;

/// The results of a run for spreadsheets.
#[derive(Debug)]
pub(super) struct Tables {
    layouts: Layouts,
    /// The fields of the returned user that are shown.
    fields: Vec<String>,
    forms: Vec<TableForm>,
}

impl Tables {
    /// Prepares the files of a run, or opens those begun at the lengths that were committed. `None`
    /// where none are wanted.
    ///
    /// A run that was begun with other tables is refused: rows would be missing from them.
    pub(super) fn open(
        disk: &dyn Disk,
        sources: &[Arc<Source>],
        rules: &OutputRules,
        committed: Option<&Lengths>,
    ) -> io::Result<Option<Self>> {
        let forms = rules.tables.clone();
        let stem = if forms.contains(&TableForm::Csv) { TABLE } else { WAITING };
        if let Some(committed) = committed {
            same_as_begun(committed, (!forms.is_empty()).then_some(stem))?;
        }
        if forms.is_empty() {
            return Ok(None);
        }
        let returned = rules.fields.iter().map(|field| format!("{RETURNED_PREFIX}{field}"));
        let added = ADDED_COLUMNS.into_iter().chain([FINISHED_COLUMN]).map(str::to_owned);
        let added = added.chain(returned).collect();
        let layout = LayoutRules { stem, added, is_for_spreadsheets: true };
        let layouts = Layouts::open(disk, sources, committed, layout)?;
        if let Some(committed) = committed {
            same_columns(disk, &layouts, committed)?;
        }
        Ok(Some(Self { layouts, fields: rules.fields.clone(), forms }))
    }

    /// What the user of a row has in the fields that are shown.
    fn returned(&self, finished: &Finished) -> Vec<String> {
        let user = finished.outcome.user.as_deref().and_then(User::read).unwrap_or_default();
        let cell = |field: &String| {
            let value = cells::value(&user, field);
            value.map_or_else(String::new, |value| cells::cell(field, &value))
        };
        self.fields.iter().map(cell).collect()
    }
}

/// Refuses tables in which the rows so far are missing, and tables that would end here.
fn same_as_begun(committed: &Lengths, wanted: Option<&str>) -> io::Result<()> {
    let has = |is_one: fn(&str) -> bool| committed.names().any(is_one);
    let begun = if has(is_table) { Some(TABLE) } else { has(is_waiting).then_some(WAITING) };
    // Without a row there is nothing that could be missing.
    if begun == wanted || committed.is_empty() {
        return Ok(());
    }
    let how = match begun {
        Some(WAITING) => "with --results xlsx",
        Some(_) => "with --results csv",
        None => "without --results",
    };
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "the run was begun {how}, and other files would lack the rows so far: resume it in the same way"
        ),
    ))
}

/// Refuses files that were begun with other columns.
fn same_columns(disk: &dyn Disk, layouts: &Layouts, committed: &Lengths) -> io::Result<()> {
    for (name, expected) in layouts.beginnings().filter(|(name, _)| committed.of(name) > 0) {
        let mut begun = vec![0; expected.len()];
        io::Read::read_exact(&mut disk.open(&name)?, &mut begun)?;
        if begun != expected {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{} was begun with other columns: resume the run with the same --result-fields and --keep-users",
                    disk.path(&name).display()
                ),
            ));
        }
    }
    Ok(())
}

impl Output for Tables {
    fn write(&mut self, finished: &Finished, disk: &dyn Disk) -> io::Result<()> {
        let record = &finished.record;
        let added = Added::new(finished);
        let at = format!("{:.3}", finished.outcome.finished_at);
        let returned = self.returned(finished);
        let mut cells: Vec<Cow<'_, str>> = added.cells().to_vec();
        cells.push(at.into());
        cells.extend(returned.iter().map(|cell| Cow::Borrowed(&**cell)));
        let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
        self.layouts.row(&record.source, disk)?.write(&record.content, &cells);
        Ok(())
    }

    fn files(&self) -> Box<dyn Iterator<Item = &AppendFile> + '_> {
        Box::new(self.layouts.begun().map(|(file, _)| file))
    }

    fn files_mut(&mut self) -> Box<dyn Iterator<Item = &mut AppendFile> + '_> {
        Box::new(self.layouts.files_mut())
    }

    fn derive(&self, disk: &dyn Disk) -> io::Result<Option<(String, Digest)>> {
        if !self.forms.contains(&TableForm::Xlsx) {
            return Ok(None);
        }
        let tables: Vec<_> = self.layouts.begun().collect();
        let tables = tables.iter().map(|(file, delimiter)| (file.path(), *delimiter));
        let path = disk.path(WORKBOOK);
        workbook::write(&path, &tables.collect::<Vec<_>>())?;
        let digest = Digester::of(disk.open(WORKBOOK)?)?;
        Ok(Some((WORKBOOK.to_owned(), digest)))
    }

    fn clear(&mut self, disk: &dyn Disk) {
        for (file, _) in self.layouts.begun().filter(|(file, _)| is_waiting(file.name())) {
            // What stays behind does no harm.
            let _ = disk.remove(file.name());
        }
    }
}
