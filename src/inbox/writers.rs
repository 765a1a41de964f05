//! Whether somebody has a file open to write to it, as far as the system tells.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether a process has a file open for writing. Linux tells it of this user's processes, or of all
/// to root; elsewhere nobody tells, and the answer is no.
pub(crate) fn is_open_for_writing(path: &Path) -> bool {
    let Ok(file) = fs::metadata(path) else { return false };
    let is_number =
        |entry: &fs::DirEntry| entry.file_name().to_string_lossy().parse::<u32>().is_ok();
    let processes = entries(Path::new("/proc")).filter(is_number);
    processes.map(|process| process.path()).any(|process| {
        entries(&process.join("fd")).any(|open| {
            let same = fs::metadata(open.path())
                .is_ok_and(|other| (other.dev(), other.ino()) == (file.dev(), file.ino()));
            let told = || fs::read_to_string(process.join("fdinfo").join(open.file_name()));
            same && told().is_ok_and(|told| writes(&told))
        })
    })
}

fn entries(folder: &Path) -> impl Iterator<Item = fs::DirEntry> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

/// Whether what is told of an open file says that it is open for writing: flags in octal, whose last
/// two bits are 0 for reading, 1 for writing, 2 for both.
fn writes(told: &str) -> bool {
    let flags = told.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u64::from_str_radix(flags.trim(), 8).ok()).is_some_and(|f| f & 3 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn flags_are_read_as_they_are_told() {
        for (told, expected) in [
            ("pos:\t0\nflags:\t0100001\nmnt_id:\t27\n", true),
            ("pos:\t0\nflags:\t02100002\n", true),
            ("pos:\t0\nflags:\t0100000\n", false),
            ("", false),
        ] {
            assert_eq!(writes(told), expected, "{told:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_is_open_until_its_writer_closes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let writer = File::create(&path).unwrap();
        assert!(is_open_for_writing(&path));
        drop(writer);
        let _reader = File::open(&path).unwrap();
        assert!(!is_open_for_writing(&path));
        assert!(!is_open_for_writing(&folder.path().join("none")));
    }
}
