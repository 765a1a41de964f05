//! The file of an export.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use rust_xlsxwriter::{Workbook, XlsxError};
use xxhash_rust::xxh3::xxh3_64;

use super::rules::{ExportFormat, ExportRules};
use super::spool::Spool;
use crate::change::{User, cells};
use crate::exit::Error;
use crate::input::guard;
use crate::store::NewFile;

/// The column that says to whoever reads the file again that cells have their guard on.
const NUMBER: &str = "_row";

/// Writes the users of a spool, each once; gives back how many there are.
pub(super) fn write(path: &Path, rules: &ExportRules, spool: &mut Spool) -> Result<u64, Error> {
    let columns = columns(rules, spool)?;
    match rules.format {
        ExportFormat::Jsonl => {
            let mut file = NewFile::create(path)?;
            let users = each(spool, &mut |_, user| {
                file.line(cells::row(user, &columns).to_string().as_bytes())
            })?;
            file.finish()?;
            Ok(users)
        }
        ExportFormat::Csv => {
            let failed =
                |error: csv::Error| Error::Stopped(format!("cannot write the file: {error}"));
            let mut table = csv::Writer::from_writer(NewFile::create(path)?);
            let header: Vec<&str> =
                [NUMBER].into_iter().chain(columns.iter().map(String::as_str)).collect();
            table
                .write_record(header.iter().map(|name| guard::put_on(name.as_bytes())))
                .map_err(failed)?;
            let users = each(spool, &mut |number, user| {
                let row = row(number, user, &columns);
                table
                    .write_record(row.iter().map(|cell| guard::put_on(cell.as_bytes())))
                    .map_err(failed)
            })?;
            let file = table.into_inner();
            file.map_err(|error| Error::Stopped(format!("cannot write the file: {error}")))?
                .finish()?;
            Ok(users)
        }
        ExportFormat::Xlsx => workbook(path, &columns, spool),
    }
}

/// A workbook whose cells are all texts, so that Excel leaves them as they are.
fn workbook(path: &Path, columns: &[String], spool: &mut Spool) -> Result<u64, Error> {
    let failed = |error: XlsxError| Error::Stopped(format!("cannot write the workbook: {error}"));
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0..).zip(columns) {
        sheet.write_string(0, column, name).map_err(failed)?;
    }
    let users = each(spool, &mut |number, user| {
        let line = u32::try_from(number).unwrap_or(u32::MAX);
        for (column, name) in (0..).zip(columns) {
            if let Some(value) = cells::value(user, name) {
                sheet.write_string(line, column, cells::cell(name, &value)).map_err(failed)?;
            }
        }
        Ok(())
    })?;
    let bytes = book.save_to_buffer().map_err(failed)?;
    let mut file = NewFile::create(path)?;
    std::io::Write::write_all(&mut file, &bytes)
        .map_err(|error| Error::Stopped(format!("cannot write {}: {error}", path.display())))?;
    file.finish()?;
    Ok(users)
}

/// A user as the cells of a row.
fn row(number: u64, user: &User, columns: &[String]) -> Vec<String> {
    let cell = |column: &String| {
        cells::value(user, column).map_or_else(String::new, |value| cells::cell(column, &value))
    };
    std::iter::once(number.to_string()).chain(columns.iter().map(cell)).collect()
}

/// The columns of the file: those that are wanted, else all that can be set, with the custom attributes
/// that any user has.
fn columns(rules: &ExportRules, spool: &mut Spool) -> Result<Vec<String>, Error> {
    if !rules.columns.is_empty() {
        return Ok(rules.columns.clone());
    }
    let mut attributes = BTreeSet::new();
    each(spool, &mut |_, user| {
        attributes.extend(cells::attributes(user));
        Ok(())
    })?;
    Ok(cells::columns().into_iter().map(str::to_owned).chain(attributes).collect())
}

/// Hands over each user once, with a number from 1: pages shift when users come and go meanwhile.
fn each(
    spool: &mut Spool,
    take: &mut dyn FnMut(u64, &User) -> Result<(), Error>,
) -> Result<u64, Error> {
    let (mut seen, mut number) = (HashSet::new(), 0);
    spool.read(&mut |user| {
        let user = User::from(user);
        if !seen.insert(xxh3_64(user.user_id().as_bytes())) {
            return Ok(());
        }
        number += 1;
        take(number, &user)
    })?;
    Ok(number)
}
