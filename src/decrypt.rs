//! Decryption: a copy of the folder of an encrypted run that everything else can read.

use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::path::Path;

use crate::exit::Error;
use crate::seal::{self, Identities};
use crate::store::journal::Recovered;
use crate::store::{self, RunFolder};

/// Makes the copy, and gives the names of the files that were decrypted. The folder must not exist, or
/// be empty.
///
/// # Errors
///
/// A folder without an encrypted run, identities that do not open it, and files that cannot be read or
/// written: then there is no copy.
pub(crate) fn decrypt(
    run: &Path,
    to: &Path,
    identities: &Identities,
) -> Result<Vec<String>, Error> {
    let recovered = store::journal_of_run(run)?;
    if !store::is_encrypted(run) {
        return Err(Error::refused(format!(
            "{}: the run is not encrypted: its files can be read as they are",
            run.display()
        )));
    }
    store::make_whole(to, |folder| {
        copy(run, folder, &recovered, identities).map_err(Error::refused)
    })
}

fn copy(
    run: &Path,
    folder: &RunFolder,
    recovered: &Recovered,
    identities: &Identities,
) -> io::Result<Vec<String>> {
    let decrypted = files(run, folder, identities)?;
    if let Some(summary) = store::summary_if_any(run)? {
        store::write_summary(folder, &summary)?;
    }
    folder.begin_journal(recovered)?;
    Ok(decrypted)
}

fn files(run: &Path, folder: &RunFolder, identities: &Identities) -> io::Result<Vec<String>> {
    let mut decrypted = Vec::new();
    for entry in store::contents(run)? {
        let sealed = entry.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(name) = sealed.strip_suffix(seal::EXTENSION) else { continue };
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{sealed}: {error}"));
        let from = BufReader::new(File::open(&entry.path).map_err(named)?);
        let mut copy = BufWriter::new(folder.begin_file(name)?);
        seal::unseal(identities, from, &mut copy).map_err(named)?;
        copy.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        decrypted.push(name.to_owned());
    }
    Ok(decrypted)
}
