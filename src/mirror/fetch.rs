//! The folder of a mirrored run, brought from its parts.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use bytes::Bytes;

use super::found::read_manifest;
use super::manifest::Manifest;
use super::part::{self, FileStretch};
use super::trouble::MirrorTrouble;
use crate::exit::Error;
use crate::objects::{ObjectFolder, ObjectUrl, StorageFault};
use crate::store::{self, digest_of_first, lay_down, settle};

/// How many parts are on their way at a time.
const TOGETHER: usize = 8;

/// What was brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// The name of the run's folder.
    pub(crate) run: String,
    /// Whether the run is over, and all of its folder was there.
    pub(crate) whole: bool,
}

/// Brings the folder of a mirrored run to a new place, as it is in the mirror by now. Nothing is written
/// to the mirror.
///
/// # Errors
///
/// A place that is taken, a mirror that is not there or damaged, and a storage that does not answer: then
/// there is no folder.
pub(crate) fn fetch(url: &ObjectUrl, to: &Path) -> Result<Fetched, Error> {
    let refuse = |trouble: MirrorTrouble| Error::refused(format!("{url}: {trouble}"));
    let bucket = ObjectFolder::open(url).map_err(|fault| refuse(fault.into()))?;
    let Some(found) = read_manifest(&bucket).map_err(refuse)? else {
        return Err(Error::refused(format!("{url}: there is no mirror of a run")));
    };
    let manifest = found.manifest;
    store::make_whole(to, |folder| {
        bring(&bucket, &manifest, folder.path(), &|| false).map_err(refuse)
    })?;
    Ok(Fetched { run: manifest.run, whole: manifest.whole })
}

/// Puts the files together in a folder, and makes sure that they are what the manifest says; nothing
/// more of it once it is stopped.
pub(super) fn bring(
    bucket: &ObjectFolder,
    manifest: &Manifest,
    folder: &Path,
    is_stopped: &dyn Fn() -> bool,
) -> Result<(), MirrorTrouble> {
    let names: Vec<String> = manifest.part_names().collect();
    for names in names.chunks(TOGETHER) {
        if is_stopped() {
            return Err(MirrorTrouble::Stopped);
        }
        for (name, part) in names.iter().zip(get_all(bucket, names)) {
            lay_part(folder, name, part?)?;
        }
    }
    settle(folder, |name| manifest.files.contains_key(name))?;
    check(manifest, folder)
}

/// Lays the stretches of a part down in a folder.
fn lay_part(folder: &Path, name: &str, part: Option<Bytes>) -> Result<(), MirrorTrouble> {
    let damaged = |why: &str| MirrorTrouble::Damaged(format!("{name}: {why}"));
    let part = part.ok_or_else(|| damaged("it is gone"))?;
    for FileStretch { file, from, bytes } in part::unpack(&part).map_err(damaged)? {
        if !store::is_plain_name(&file) {
            return Err(damaged("it names what is no file of a run"));
        }
        lay_down(folder, &file, from, &bytes).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => damaged("what comes before it is missing"),
            _ => error.into(),
        })?;
    }
    Ok(())
}

fn check(manifest: &Manifest, folder: &Path) -> Result<(), MirrorTrouble> {
    for (name, file) in &manifest.files {
        let digester = digest_of_first(folder, name, file.bytes)?;
        let is_it = digester.is_some_and(|digester| digester.finish() == file.sha256);
        if !is_it || fs::metadata(folder.join(name))?.len() != file.bytes {
            let why = format!("{name} is not what the manifest says");
            return Err(MirrorTrouble::Damaged(why));
        }
    }
    Ok(())
}

/// Several objects at a time, in their order.
fn get_all(bucket: &ObjectFolder, names: &[String]) -> Vec<Result<Option<Bytes>, StorageFault>> {
    thread::scope(|scope| {
        let gets: Vec<_> = names.iter().map(|name| scope.spawn(|| bucket.get(name))).collect();
        let got = gets.into_iter().map(|get| match get.join() {
            Ok(got) => got.map(|found| found.map(|(bytes, _)| bytes)),
            Err(panic) => std::panic::resume_unwind(panic),
        });
        got.collect()
    })
}
