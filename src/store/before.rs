//! `before.jsonl`: users as they were before a run wrote to them, written and read.
//!
//! A line is on the disk before the first update of its user is sent, whatever becomes of the row:
//! the file is never cut back to what was committed, only a torn last line goes.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::disk::{Disk, at};
use super::file::AppendFile;
use super::object;
use crate::change::User;
use crate::outcome::rfc3339;
use crate::seal;

/// The name of the file.
pub const NAME: &str = "before.jsonl";

/// A user as it was before a run wrote to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BeforeImage<'a> {
    /// The first row that was about to change the user.
    pub row: u64,
    /// When the user was read.
    #[serde(serialize_with = "rfc3339")]
    pub read_at: Timestamp,
    /// How the user was read.
    pub source: ReadBy,
    /// The user as the server sent it.
    pub user: Cow<'a, RawValue>,
}

/// How a user was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadBy {
    /// By a search, with others.
    Search,
    /// By itself.
    Load,
}

/// The first image of a user among those of a file: the one of a user as the server showed it, or of
/// who has a login ID.
///
/// # Errors
///
/// A file that cannot be read.
pub fn find(
    images: impl BufRead,
    user: Option<&RawValue>,
    login_id: Option<&str>,
) -> io::Result<Option<BeforeImage<'static>>> {
    let user = user.and_then(User::read);
    for line in images.lines() {
        let Ok(image) = serde_json::from_str::<BeforeImage<'static>>(&line?) else { continue };
        let own = User::read(&image.user).unwrap_or_default();
        let is_it = match &user {
            Some(user) => own.user_id() == user.user_id(),
            None => login_id.is_some_and(|name| own.names().contains(&name)),
        };
        if is_it {
            return Ok(Some(image));
        }
    }
    Ok(None)
}

/// The file with the before-images of a run; it is begun with the first of them.
#[derive(Debug, Default)]
pub(super) struct BeforeImages(Option<AppendFile>);

impl BeforeImages {
    /// Opens the file of a run that is resumed, without a torn last line.
    pub(super) fn reopen(disk: &dyn Disk) -> io::Result<Self> {
        let name = disk.named(NAME);
        let Some(&length) = disk.lengths()?.get(&name) else { return Ok(Self::default()) };
        let whole = whole_part(&disk.path(&name), length)?;
        Ok(Self(Some(AppendFile::reopen(disk, &name, whole)?)))
    }

    /// The file, if it is begun.
    pub(super) fn file_mut(&mut self) -> Option<&mut AppendFile> {
        self.0.as_mut()
    }

    /// Writes images, and waits until they are on the disk.
    pub(super) fn keep(&mut self, disk: &dyn Disk, images: &[BeforeImage<'_>]) -> io::Result<()> {
        let file = match &mut self.0 {
            Some(file) => file,
            none => {
                let file = none.insert(AppendFile::create(disk, &disk.named(NAME))?);
                disk.sync()?;
                file
            }
        };
        for image in images {
            let user = object::one_line(&image.user)?;
            let to = file.row()?;
            serde_json::to_writer(&mut *to, &BeforeImage { user, ..image.clone() })?;
            to.push(b'\n');
        }
        file.flush()?;
        file.sync()
    }
}

/// Whether a file of a run folder holds users as they were before.
pub(super) fn is_images_file(name: &str) -> bool {
    name.strip_suffix(seal::EXTENSION).unwrap_or(name) == NAME
}

/// The bytes of a file up to the end of its last whole line, or its last whole frame.
fn whole_part(path: &Path, length: u64) -> io::Result<u64> {
    match whole_part_behind(path, 0) {
        // A disk in memory has no file to look at, and never tears a line.
        Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(length),
        read => read,
    }
}

/// The same of a file that is known to be whole up to a place.
pub(super) fn whole_part_behind(path: &Path, from: u64) -> io::Result<u64> {
    let read = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(from))?;
        let rest = BufReader::new(file);
        let is_sealed = path.to_string_lossy().ends_with(seal::EXTENSION);
        let whole = if is_sealed { seal::whole_frames(rest) } else { whole_lines(rest) };
        whole.map(|whole| from + whole)
    };
    read().map_err(|error| at("read", path, &error))
}

fn whole_lines(mut lines: impl BufRead) -> io::Result<u64> {
    let (mut whole, mut line) = (0, Vec::new());
    while lines.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        whole += line.len() as u64;
        line.clear();
    }
    Ok(whole)
}
