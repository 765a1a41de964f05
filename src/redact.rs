//! Redaction: a copy of a run folder that may be handed on.
//!
//! Structure, statuses, codes, times and counts stay; users' values become pseudonyms, the same for the
//! same value within one copy. Everything is read typed and written anew, so that a text that nobody has
//! decided about is not in the copy.

mod line;
mod pseudonyms;
pub(crate) mod summary;
mod user;
pub(crate) mod words;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use jiff::Timestamp;

use crate::exit::Error;
use crate::store::before::{self, BeforeImage};
use crate::store::journal::Recovered;
use crate::store::results::ResultLine;
use crate::store::{self, RESULTS, RunFolder, marks};
use pseudonyms::Pseudonyms;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Redacted {
    /// Rows of the results.
    pub(crate) rows: u64,
    /// Users as they were before.
    pub(crate) images: u64,
    /// Lines that could not be read and are not in the copy.
    pub(crate) unreadable: u64,
    /// Files that are not in the copy.
    pub(crate) files_left_out: u64,
}

/// Makes the copy. The folder must not exist, or be empty.
///
/// # Errors
///
/// A folder without a run, one whose run was purged, and files that cannot be read or written: then there
/// is no copy.
pub(crate) fn redact(run: &Path, to: &Path, at: Timestamp) -> Result<Redacted, Error> {
    let recovered = store::journal_of_run(run)?;
    let names = Pseudonyms::new().map_err(Error::refused)?;
    store::make_whole(to, |folder| copy(run, folder, recovered, &names, at).map_err(Error::refused))
}

fn copy(
    run: &Path,
    folder: &RunFolder,
    recovered: Recovered,
    names: &Pseudonyms,
    at: Timestamp,
) -> io::Result<Redacted> {
    marks::mark_redacted(folder.path(), at)?;
    let mut done = Redacted::default();
    let result = |text: &str| {
        let line = ResultLine::parse(text).ok()?;
        serde_json::to_string(&line::redacted(names, &line)).ok()
    };
    let results = found(store::open_results(run))?;
    (done.rows, done.unreadable) = copy_lines(results, folder, RESULTS, result)?;
    let image = |text: &str| {
        let image: BeforeImage<'_> = serde_json::from_str(text).ok()?;
        let user = Cow::Owned(user::redacted(names, &image.user));
        let BeforeImage { row, read_at, source, user: _ } = image;
        serde_json::to_string(&BeforeImage { row, read_at, source, user }).ok()
    };
    let images = found(File::open(run.join(before::NAME)))?.map(BufReader::new);
    let (images, unreadable) = copy_lines(images, folder, before::NAME, image)?;
    (done.images, done.unreadable) = (images, done.unreadable + unreadable);
    if let Some(own) = store::summary_if_any(run)? {
        store::write_summary(folder, &summary::redacted(names, &own))?;
    }
    let identity = summary::redacted_identity(names, recovered.identity);
    folder.begin_journal(&Recovered { identity, ..recovered })?;
    done.files_left_out = left_out(run, folder)?;
    Ok(done)
}

/// A file, or nothing where there is none.
fn found<T>(opened: io::Result<T>) -> io::Result<Option<T>> {
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Copies a file line by line, if there is one: how many lines, and how many could not be read. A torn
/// last line is none.
fn copy_lines(
    lines: Option<impl BufRead>,
    folder: &RunFolder,
    name: &str,
    redacted: impl Fn(&str) -> Option<String>,
) -> io::Result<(u64, u64)> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
    let Some(mut lines) = lines else { return Ok((0, 0)) };
    let mut text = Vec::new();
    let mut copy = BufWriter::new(folder.begin_file(name)?);
    let (mut copied, mut unreadable) = (0, 0);
    while lines.read_until(b'\n', &mut text).map_err(named)? > 0 {
        if let Some(whole) = text.strip_suffix(b"\n") {
            match std::str::from_utf8(whole).ok().and_then(&redacted) {
                Some(line) => {
                    writeln!(copy, "{line}").map_err(named)?;
                    copied += 1;
                }
                None => unreadable += 1,
            }
        }
        text.clear();
    }
    let file = copy.into_inner().map_err(|error| named(error.into_error()))?;
    file.sync_all().map_err(named)?;
    Ok((copied, unreadable))
}

/// Files of the run that are not in the copy.
fn left_out(run: &Path, folder: &RunFolder) -> io::Result<u64> {
    let entries = store::contents(run)?;
    let is_there =
        |path: &Path| path.file_name().is_some_and(|own| folder.path().join(own).exists());
    Ok(entries.iter().filter(|own| !is_there(&own.path)).map(|own| own.files).sum())
}
