//! Which jobs a fleet has: the job files of a folder, or those that a list names.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::exit::Error;

/// The extension of job files.
const JOB: &str = "toml";

/// The most bytes that a list may have.
const LARGEST_LIST: u64 = 1 << 20;

/// A job of a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedJob {
    /// What it is called: the name of its file, or its line in the list.
    pub(crate) name: String,
    /// Its file.
    pub(crate) path: PathBuf,
}

impl ListedJob {
    /// What the folder of its runs is called: the same at every start, whatever other jobs there are.
    pub(crate) fn folder(&self) -> String {
        let stem = self.name.strip_suffix(".toml").unwrap_or(&self.name);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !stem.is_empty() && !stem.starts_with('.') && stem.chars().all(is_plain) {
            return stem.to_owned();
        }
        let tame: String =
            stem.chars().take(50).map(|c| if is_plain(c) { c } else { '-' }).collect();
        let short = xxh3_64(self.name.as_bytes()) >> 32;
        format!("{}-{short:08x}", tame.trim_matches(['.', '-']))
    }
}

/// The jobs of a folder, in order of name, or those of a list, in its order.
///
/// # Errors
///
/// What cannot be read, a list that names a file twice, and what holds no job at all.
pub(crate) fn listed(jobs: &Path) -> Result<Vec<ListedJob>, Error> {
    let failed =
        |error: io::Error| Error::refused(format!("{}: cannot be read: {error}", jobs.display()));
    if fs::metadata(jobs).map_err(failed)?.is_dir() {
        return in_folder(jobs, failed);
    }
    if jobs.extension().is_some_and(|own| own == JOB) {
        let path = jobs.display();
        return Err(Error::refused(format!(
            "{path} is one job file: use `run --job {path}`, or name its folder or a list of job files"
        )));
    }
    let mut text = String::new();
    File::open(jobs)
        .and_then(|file| file.take(LARGEST_LIST + 1).read_to_string(&mut text))
        .map_err(failed)?;
    if text.len() as u64 > LARGEST_LIST {
        let path = jobs.display();
        return Err(Error::refused(format!(
            "{path} is not a list of job files: it holds more than {LARGEST_LIST} bytes"
        )));
    }
    in_list(jobs, &text)
}

fn in_folder(folder: &Path, failed: impl Fn(io::Error) -> Error) -> Result<Vec<ListedJob>, Error> {
    let mut jobs = Vec::new();
    for entry in fs::read_dir(folder).map_err(&failed)? {
        let path = entry.map_err(&failed)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.extension().is_some_and(|own| own == JOB) && !name.starts_with('.') {
            jobs.push(ListedJob { name: name.to_owned(), path: path.clone() });
        }
    }
    if jobs.is_empty() {
        return Err(Error::refused(format!(
            "there is no job file (*.toml) in {}",
            folder.display()
        )));
    }
    jobs.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(jobs)
}

/// The jobs that the text of a list names.
fn in_list(list: &Path, text: &str) -> Result<Vec<ListedJob>, Error> {
    let (mut jobs, mut seen) = (Vec::new(), HashSet::new());
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let name = line.trim();
        if name.is_empty() || name.starts_with('#') {
            continue;
        }
        let place = || format!("{}:{number}", list.display());
        if name.chars().any(char::is_control) {
            return Err(Error::refused(format!(
                "{}: a path cannot contain control characters",
                place()
            )));
        }
        if !seen.insert(name.to_owned()) {
            return Err(Error::refused(format!(
                "{}: {name} is named twice: its rows would be sent twice",
                place()
            )));
        }
        let path = list.parent().unwrap_or(Path::new("")).join(name);
        jobs.push(ListedJob { name: name.to_owned(), path });
    }
    if jobs.is_empty() {
        return Err(Error::refused(format!(
            "{} names no job file: write the path of one on each line",
            list.display()
        )));
    }
    Ok(jobs)
}

/// What the fleet of a folder or a list is called.
pub(crate) fn fleet_name(jobs: &Path) -> String {
    let whole = fs::canonicalize(jobs).unwrap_or_else(|_| jobs.to_owned());
    let name = if whole.is_dir() { whole.file_name() } else { whole.file_stem() };
    name.map_or_else(|| "fleet".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, String> {
        let jobs = in_list(Path::new("lists/all.txt"), text).map_err(|error| error.to_string())?;
        Ok(jobs.into_iter().map(|job| job.path.display().to_string()).collect())
    }

    #[test]
    fn a_list_names_files_from_its_own_folder() {
        let text = "\u{feff}# ours\nacme/job.toml\r\n\n  /etc/beta.toml  \n";
        assert_eq!(names(text).unwrap(), ["lists/acme/job.toml", "/etc/beta.toml"]);
        for (text, why) in [
            ("a.toml\nb.toml\na.toml", "lists/all.txt:3: a.toml is named twice"),
            ("# nothing\n", "names no job file"),
            ("a\u{7}.toml", "lists/all.txt:1: a path cannot contain control characters"),
        ] {
            assert!(names(text).unwrap_err().contains(why), "{text:?}");
        }
    }

    #[test]
    fn folders_are_told_apart_whatever_the_names_are() {
        let folder =
            |name: &str| ListedJob { name: name.to_owned(), path: PathBuf::new() }.folder();
        assert_eq!(folder("acme.toml"), "acme");
        assert_eq!(folder("acme.eu.toml"), "acme.eu");
        let folders = [
            "a/job.toml",
            "b/job.toml",
            "a-job.toml",
            "../job.toml",
            "..toml",
            "ä.toml",
            "a b.toml",
            ".toml",
        ]
        .map(folder);
        let different: HashSet<_> = folders.iter().collect();
        assert_eq!(different.len(), folders.len(), "{folders:?}");
        for folder in &folders {
            assert!(!folder.contains('/') && !folder.starts_with('.'), "{folder}");
        }
    }
}
