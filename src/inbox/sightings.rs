//! What was seen of the files of an inbox, and which is to be taken next. Pure: the clock is told.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// A file to work on. Those that are taken come first, then those that wait, each in order of name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum InboxFile {
    /// It is taken: the name of its folder.
    Taken(String),
    /// It waits in the inbox: its name.
    Waiting(String),
}

/// What a file that is written to does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileState {
    /// Which file it is, whatever it is called.
    pub(crate) inode: u64,
    /// Its size.
    pub(crate) bytes: u64,
    /// When it was written to: seconds and nanoseconds.
    pub(crate) modified: (i64, i64),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NextMove {
    /// Work on this file, or take it.
    Take(InboxFile),
    /// Look again after this time: there are files, and none has been as it is for long enough.
    Wait(Duration),
    /// There is no file.
    Nothing,
}

/// What was seen of files, and since when each is as it is.
#[derive(Debug, Default)]
pub(crate) struct Sightings(BTreeMap<InboxFile, (FileState, Instant)>);

impl Sightings {
    /// Takes in what is there now. Files that are gone are forgotten.
    pub(crate) fn update(&mut self, there: Vec<(InboxFile, FileState)>, now: Instant) {
        let mut seen = BTreeMap::new();
        for (file, state) in there {
            let since = match self.0.get(&file) {
                Some((before, since)) if *before == state => *since,
                _ => now,
            };
            seen.insert(file, (state, since));
        }
        self.0 = seen;
    }

    /// Takes in that a file is still being written to, whatever it looks like.
    pub(crate) fn is_changing(&mut self, file: &InboxFile, now: Instant) {
        if let Some((_, since)) = self.0.get_mut(file) {
            *since = now;
        }
    }

    /// Takes in that a file was taken. If it still is what it was, it need not be watched anew.
    pub(crate) fn is_taken(&mut self, name: &str, folder: &str) {
        if let Some(seen) = self.0.remove(&InboxFile::Waiting(name.to_owned())) {
            self.0.insert(InboxFile::Taken(folder.to_owned()), seen);
        }
    }

    /// What to do next, where a file is complete once it has been as it is for `settle`. One that is
    /// still being written does not hold up those behind it, unless it is taken already.
    pub(crate) fn next(&self, now: Instant, settle: Duration) -> NextMove {
        let mut wait = None;
        for (file, (_, since)) in &self.0 {
            let age = now.saturating_duration_since(*since);
            if age >= settle {
                return NextMove::Take(file.clone());
            }
            let left = settle.saturating_sub(age);
            wait = Some(wait.map_or(left, |least: Duration| least.min(left)));
            if matches!(file, InboxFile::Taken(_)) {
                break;
            }
        }
        wait.map_or(NextMove::Nothing, NextMove::Wait)
    }

    /// The files that wait in the inbox.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|file| match file {
            InboxFile::Waiting(name) => Some(name.as_str()),
            InboxFile::Taken(_) => None,
        })
    }
}

/// Endings of the names of files that are still being written, in lower case.
const UNFINISHED: &[&str] = &[
    "~",
    ".part",
    ".partial",
    ".tmp",
    ".temp",
    ".crdownload",
    ".download",
    ".filepart",
    ".uploading",
    ".inprogress",
    ".swp",
    ".lock",
];

/// Whether the name of a file says that it is not complete, or that it is nobody's input.
pub(crate) fn is_unfinished(name: &str) -> bool {
    let lower = name.to_lowercase();
    name.starts_with(['.', '~']) || UNFINISHED.iter().any(|ending| lower.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(10);

    fn waiting(name: &str, bytes: u64) -> (InboxFile, FileState) {
        let state = FileState { inode: 1, bytes, modified: (0, 0) };
        (InboxFile::Waiting(name.to_owned()), state)
    }

    #[test]
    fn a_name_tells_whether_a_file_is_being_written() {
        for (name, expected) in [
            ("users.csv", false),
            ("part.csv", false),
            (".users.csv.Xa3f", true),
            ("users.csv.part", true),
            ("users.csv.PART", true),
            ("users.csv.filepart", true),
            ("users.csv.crdownload", true),
            ("users.tmp", true),
            ("users.csv~", true),
            ("~$users.xlsx", true),
        ] {
            assert_eq!(is_unfinished(name), expected, "{name}");
        }
    }

    #[test]
    fn a_file_is_taken_once_it_stays_as_it_is() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut seen = Sightings::default();
        assert_eq!(seen.next(start, SETTLE), NextMove::Nothing);
        for (second, bytes, expected) in [
            (0, 5, NextMove::Wait(SETTLE)),
            (9, 5, NextMove::Wait(Duration::from_secs(1))),
            // It has grown.
            (10, 6, NextMove::Wait(SETTLE)),
            (19, 6, NextMove::Wait(Duration::from_secs(1))),
            (20, 6, NextMove::Take(waiting("a", 6).0)),
        ] {
            seen.update(vec![waiting("a", bytes)], at(second));
            assert_eq!(seen.next(at(second), SETTLE), expected, "{second}");
        }
        seen.is_changing(&waiting("a", 6).0, at(20));
        assert_eq!(seen.next(at(29), SETTLE), NextMove::Wait(Duration::from_secs(1)));
        seen.update(vec![], at(30));
        assert_eq!(seen.next(at(30), SETTLE), NextMove::Nothing);
    }

    #[test]
    fn files_go_in_order_of_name_and_those_taken_first() {
        let start = Instant::now();
        let later = start + SETTLE;
        let mut seen = Sightings::default();
        seen.update(vec![waiting("b", 1), waiting("c", 1)], start);
        // The first by name is still being written, and holds nobody up.
        seen.update(vec![waiting("a", 1), waiting("b", 1), waiting("c", 1)], later);
        assert_eq!(seen.next(later, SETTLE), NextMove::Take(waiting("b", 1).0));
        seen.is_taken("b", "b-1");
        let taken = InboxFile::Taken("b-1".to_owned());
        let (_, state) = waiting("b", 1);
        seen.update(vec![waiting("c", 1), (taken.clone(), state)], later);
        assert_eq!(seen.next(later, SETTLE), NextMove::Take(taken.clone()));
        // It was not what it seemed: it is watched anew, and nothing overtakes it.
        let (_, other) = waiting("b", 2);
        seen.update(vec![waiting("c", 1), (taken, other)], later);
        assert_eq!(seen.next(later, SETTLE), NextMove::Wait(SETTLE));
        assert_eq!(seen.waiting().collect::<Vec<_>>(), ["c"]);
    }

    #[test]
    fn without_a_time_to_settle_a_file_is_taken_at_once() {
        let now = Instant::now();
        let mut seen = Sightings::default();
        seen.update(vec![waiting("a", 0)], now);
        assert_eq!(seen.next(now, Duration::ZERO), NextMove::Take(waiting("a", 0).0));
    }
}
