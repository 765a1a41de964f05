//! Failures files of several shards as one each, shard after shard, with one header.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::shard_run::ShardRun;
use crate::exit::Error;
use crate::input::record::Format;
use crate::store::{self, RunFolder, is_failures_file};

/// Writes the failures files of all shards. Shards of one job have the same files, since they have the
/// same inputs.
///
/// # Errors
///
/// Files that cannot be read or written, and headers that differ.
pub(super) fn concatenate(shards: &[ShardRun], to: &RunFolder) -> Result<Vec<PathBuf>, Error> {
    let mut names = BTreeSet::new();
    for own in shards {
        names.extend(names_in(&own.folder).map_err(Error::refused)?);
    }
    let mut written = Vec::new();
    for name in names {
        let cannot = |error: io::Error| Error::Stopped(format!("cannot write {name}: {error}"));
        let mut file = BufWriter::new(to.begin_file(&name).map_err(cannot)?);
        let mut header = None;
        for own in shards {
            append(own, &name, &mut header, &mut file).map_err(|error| {
                Error::refused(format!("{}/{name}: {error}", own.folder.display()))
            })?;
        }
        let file = file.into_inner().map_err(|error| cannot(error.into_error()))?;
        file.sync_all().map_err(cannot)?;
        written.push(to.path().join(name));
    }
    Ok(written)
}

/// The failures files in the folder of a run.
fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let names = store::contents(folder)?.into_iter().filter_map(|entry| {
        let name = entry.path.file_name()?.to_str()?.to_owned();
        is_failures_file(&name).then_some(name)
    });
    Ok(names.collect())
}

/// Appends what a shard has committed of a failures file; its header only if it is the first.
fn append(
    own: &ShardRun,
    name: &str,
    header: &mut Option<Vec<u8>>,
    to: &mut impl Write,
) -> io::Result<()> {
    let committed = own.recovered.lengths.of(name);
    if committed == 0 {
        return Ok(());
    }
    let mut rows = BufReader::new(File::open(own.folder.join(name))?).take(committed);
    if has_header(name) {
        let own = first_row(&mut rows)?;
        match header {
            Some(header) if *header == own => {}
            Some(_) => return Err(io::Error::other("its header is not that of other shards")),
            none => to.write_all(none.insert(own))?,
        }
    }
    io::copy(&mut rows, to)?;
    Ok(())
}

/// Whether a failures file begins with a header: those of objects do not.
fn has_header(name: &str) -> bool {
    Path::new(name).extension().is_none_or(|own| own != Format::Jsonl.extension())
}

/// The first row of a text with cells, which may span lines within quotes.
fn first_row(rows: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut row = Vec::new();
    // Quotes within a cell are doubled, which changes nothing here.
    let is_open = |row: &[u8]| row.split(|byte| *byte == b'"').count() % 2 == 0;
    while rows.read_until(b'\n', &mut row)? > 0 && is_open(&row) {}
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_ends_where_its_row_does() {
        for (text, expected) in [
            ("a,b\nx,y\n", "a,b\n"),
            ("\"a\nb\",c\nx,y\n", "\"a\nb\",c\n"),
            ("\"a \"\"\nb\"\"\",c\nx,y\n", "\"a \"\"\nb\"\"\",c\n"),
            ("a,b", "a,b"),
            ("", ""),
        ] {
            let mut rows = text.as_bytes();
            assert_eq!(first_row(&mut rows).unwrap(), expected.as_bytes());
            assert_eq!(rows, &text.as_bytes()[expected.len()..]);
        }
    }
}
