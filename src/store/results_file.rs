//! The results file of a run that is read: as it is, or packed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::results;
use crate::input::Frames;
use crate::seal;

/// Opens the results in the folder of a run, unpacked. They end where a file that is being written,
/// or was when its process was killed, is whole.
///
/// # Errors
///
/// A file that is not there or cannot be read. The error names the file.
pub fn open_results(folder: &Path) -> io::Result<Box<dyn BufRead>> {
    let (name, file) = open(folder)?;
    if name == results::PACKED {
        Ok(Box::new(BufReader::with_capacity(1 << 16, UpToTear(Frames::new(file)))))
    } else {
        Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
    }
}

/// Opens the results in the folder of a run as a file in which lines are found again by their place.
/// Those that are packed are unpacked into a file without a name.
///
/// # Errors
///
/// A file that is not there or cannot be read. The error names the file.
pub(crate) fn seekable_results(folder: &Path) -> io::Result<File> {
    let (name, file) = open(folder)?;
    if name != results::PACKED {
        return Ok(file);
    }
    let unpack = || {
        let mut unpacked = tempfile::tempfile()?;
        io::copy(&mut UpToTear(Frames::new(file)), &mut unpacked)?;
        unpacked.seek(SeekFrom::Start(0))?;
        Ok(unpacked)
    };
    unpack().map_err(|error| named(name, &error))
}

/// Packed results come first: a plain file beside them is what somebody has unpacked.
fn open(folder: &Path) -> io::Result<(&'static str, File)> {
    let open = |name| match File::open(folder.join(name)) {
        Ok(file) => Ok((name, file)),
        Err(error) => Err(named(name, &error)),
    };
    let opened = match open(results::PACKED) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => open(results::NAME),
        opened => opened,
    };
    opened.map_err(|error| if is_encrypted(folder) { encrypted() } else { error })
}

/// Whether the files of a run about users are encrypted.
#[must_use]
pub fn is_encrypted(folder: &Path) -> bool {
    let sealed = results::all_names().filter(|name| name.ends_with(seal::EXTENSION));
    sealed.into_iter().any(|name| folder.join(name).exists())
}

/// What is said where they would have to be read.
pub(crate) fn encrypted() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the results are encrypted: make a readable copy with `descope-bulk decrypt RUN --identity KEY -o DIR`, \
         and name that",
    )
}

fn named(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name}: {error}"))
}

/// What is packed up to where it is torn.
struct UpToTear<R>(R);

impl<R: Read> Read for UpToTear<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            read => read,
        }
    }
}
