//! Decryption: a copy of the folder of an encrypted run that everything else can read.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

use crate::exit::Error;
use crate::seal::{self, Identities};
use crate::store::{self, JOURNAL, Place, RunFolder, journal};

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
    let refuse = |why: &str| Error::refused(format!("{}: {why}", run.display()));
    let recovered = store::read_journal(run).map_err(Error::refused)?;
    let recovered =
        recovered.ok_or_else(|| refuse("there is no run here: name the folder of a run"))?;
    if !store::is_encrypted(run) {
        return Err(refuse("the run is not encrypted: its files can be read as they are"));
    }
    let folder = RunFolder::create(&Place::Exactly(to.to_owned()))?;
    let copy = || {
        let decrypted = files(run, &folder, identities)?;
        match store::read_summary(run) {
            Ok(summary) => store::write_summary(&folder, &summary)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // Without it, the folder holds no run; so it comes last.
        let mut file = folder.begin_file(JOURNAL)?;
        file.write_all(&journal::retell(&recovered)?)?;
        file.sync_all()?;
        Ok(decrypted)
    };
    copy().map_err(|error: io::Error| {
        // It was made by us just now, and half a copy is of no use.
        let _ = std::fs::remove_dir_all(to);
        Error::refused(error)
    })
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
