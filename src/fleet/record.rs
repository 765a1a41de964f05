//! The record of a fleet: which job has which run, and how it ended, a line for each.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::exit::Error;
use crate::outcome::rfc3339;
use crate::store::disk::{at, replace};

/// The version of the record's format.
const VERSION: u32 = 1;

/// The file's name.
const NAME: &str = "record.jsonl";

/// Which fleet it is: what is resumed has the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FleetIdentity {
    /// Where its jobs are named: absolute.
    pub(crate) jobs: PathBuf,
    /// Which part of them it is, if it is not all of them.
    pub(crate) shard: Option<String>,
    /// Whether it is a rehearsal.
    pub(crate) simulated: bool,
}

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum RecordLine {
    /// The program was started.
    Began {
        version: u32,
        #[serde(flatten)]
        fleet: FleetIdentity,
        #[serde(serialize_with = "rfc3339")]
        at: Timestamp,
    },
    /// A job has this run.
    Run {
        job: String,
        run: PathBuf,
        #[serde(serialize_with = "rfc3339")]
        at: Timestamp,
    },
    /// The run of a job has ended, or was not to begin.
    Ended {
        job: String,
        exit_code: u8,
        /// Whether every row has its outcome.
        complete: bool,
        #[serde(serialize_with = "rfc3339")]
        at: Timestamp,
    },
    /// Nothing more is to be done: every job is complete.
    Complete {
        #[serde(serialize_with = "rfc3339")]
        at: Timestamp,
    },
}

/// What is known of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecordedJob {
    /// The folder of its run, if it has begun.
    pub(crate) run: Option<PathBuf>,
    /// Whether every row of it has its outcome.
    pub(crate) is_complete: bool,
}

/// The record, to be written.
#[derive(Debug)]
pub(crate) struct FleetRecord {
    file: File,
    path: PathBuf,
    jobs: BTreeMap<String, RecordedJob>,
}

impl FleetRecord {
    /// Begins a record in the folder of a fleet, or goes on with the one that is there, if it is to be
    /// resumed and something of it is unfinished.
    ///
    /// # Errors
    ///
    /// A record that cannot be read or written, and one of another fleet.
    pub(crate) fn open(folder: &Path, fleet: FleetIdentity, resume: bool) -> Result<Self, Error> {
        let path = folder.join(NAME);
        let text = text(&path)?;
        let earlier = read(&text, &fleet);
        let earlier =
            earlier.map_err(|why| Error::refused(format!("{}: {why}", path.display())))?;
        let began = RecordLine::Began { version: VERSION, fleet, at: Timestamp::now() };
        let began = serde_json::to_string(&began).map_err(Error::unready)?;
        let (jobs, text) = match earlier.filter(|_| resume) {
            // What a crash has torn stays on a line of its own.
            Some(jobs) => (jobs, format!("{}\n{began}", text.trim_end_matches('\n'))),
            None => (BTreeMap::new(), began),
        };
        replace(folder, NAME, text.as_bytes()).map_err(Error::unready)?;
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(|error| Error::unready(at("open", &path, &error)))?;
        Ok(Self { file, path, jobs })
    }

    /// What is known of a job.
    pub(crate) fn job(&self, name: &str) -> RecordedJob {
        self.jobs.get(name).cloned().unwrap_or_default()
    }

    /// A job has its run.
    pub(crate) fn has_run(&mut self, job: &str, run: &Path) -> io::Result<()> {
        let known = self.jobs.entry(job.to_owned()).or_default();
        known.run = Some(run.to_owned());
        let (job, run) = (job.to_owned(), run.to_owned());
        self.write(&RecordLine::Run { job, run, at: Timestamp::now() })
    }

    /// The run of a job has ended.
    pub(crate) fn ended(&mut self, job: &str, exit_code: u8, complete: bool) -> io::Result<()> {
        let job = job.to_owned();
        self.write(&RecordLine::Ended { job, exit_code, complete, at: Timestamp::now() })
    }

    /// Every job is complete.
    pub(crate) fn complete(&mut self) -> io::Result<()> {
        self.write(&RecordLine::Complete { at: Timestamp::now() })
    }

    fn write(&mut self, line: &RecordLine) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(|error| at("write", &self.path, &error))
    }
}

/// The text of a record; nothing where there is none.
fn text(path: &Path) -> Result<String, Error> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Error::unready(at("read", path, &error))),
        Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
    }
}

/// What the last start has left, from the text of its record; nothing where there was none, or nothing
/// is left to be done. A line that is not one was torn by a crash: what it was about is known by the
/// folder of the run.
fn read(
    text: &str,
    fleet: &FleetIdentity,
) -> Result<Option<BTreeMap<String, RecordedJob>>, String> {
    let mut jobs: Option<BTreeMap<String, RecordedJob>> = None;
    for line in text.lines().filter_map(|line| serde_json::from_str::<RecordLine>(line).ok()) {
        match line {
            RecordLine::Began { version, .. } if version > VERSION => {
                return Err(
                    "a newer version of this program has written it: use that one".to_owned()
                );
            }
            RecordLine::Began { fleet: own, .. } if own != *fleet => {
                return Err(format!(
                    "it is the record of another fleet ({}): name another folder with --out",
                    own.in_words()
                ));
            }
            RecordLine::Began { .. } => drop(jobs.get_or_insert_default()),
            RecordLine::Run { job, run, .. } => {
                jobs.get_or_insert_default()
                    .insert(job, RecordedJob { run: Some(run), is_complete: false });
            }
            RecordLine::Ended { job, complete, .. } => {
                jobs.get_or_insert_default().entry(job).or_default().is_complete = complete;
            }
            RecordLine::Complete { .. } => jobs = None,
        }
    }
    Ok(jobs)
}

impl FleetIdentity {
    fn in_words(&self) -> String {
        let shard = self.shard.as_ref().map(|shard| format!(", shard {shard}"));
        let simulated = if self.simulated { ", simulated" } else { "" };
        format!("{}{}{simulated}", self.jobs.display(), shard.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(shard: Option<&str>) -> FleetIdentity {
        let shard = shard.map(str::to_owned);
        FleetIdentity { jobs: PathBuf::from("/jobs"), shard, simulated: false }
    }

    /// A record of a start with two jobs, the first of which is complete.
    fn written(folder: &Path) -> FleetRecord {
        let mut record = FleetRecord::open(folder, fleet(None), false).unwrap();
        record.has_run("a.toml", Path::new("/runs/a")).unwrap();
        record.has_run("b.toml", Path::new("/runs/b")).unwrap();
        record.ended("a.toml", 1, true).unwrap();
        record.ended("b.toml", 3, false).unwrap();
        record
    }

    #[test]
    fn what_is_unfinished_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        drop(written(folder.path()));
        let again = FleetRecord::open(folder.path(), fleet(None), true).unwrap();
        let run = |path: &str| Some(PathBuf::from(path));
        assert_eq!(again.job("a.toml"), RecordedJob { run: run("/runs/a"), is_complete: true });
        assert_eq!(again.job("b.toml"), RecordedJob { run: run("/runs/b"), is_complete: false });
        assert_eq!(again.job("c.toml"), RecordedJob::default());
        let fresh = FleetRecord::open(folder.path(), fleet(None), false).unwrap();
        assert_eq!(fresh.job("a.toml"), RecordedJob::default());
    }

    #[test]
    fn a_complete_fleet_leaves_nothing_to_go_on_with() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path()).complete().unwrap();
        let again = FleetRecord::open(folder.path(), fleet(None), true).unwrap();
        assert_eq!(again.job("a.toml"), RecordedJob::default());
    }

    #[test]
    fn a_torn_line_is_passed_over_and_does_not_spoil_the_next() {
        let folder = tempfile::tempdir().unwrap();
        drop(written(folder.path()));
        let path = folder.path().join(NAME);
        let mut text = fs::read(&path).unwrap();
        text.extend(b"{\"event\":\"ended\",\"job\":\"b.to");
        fs::write(&path, &text).unwrap();
        drop(FleetRecord::open(folder.path(), fleet(None), true).unwrap());
        let again = FleetRecord::open(folder.path(), fleet(None), true).unwrap();
        assert!(again.job("a.toml").is_complete && !again.job("b.toml").is_complete);
    }

    #[test]
    fn the_record_of_another_fleet_or_a_newer_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(written(folder.path()));
        let other = FleetRecord::open(folder.path(), fleet(Some("0/2")), false).unwrap_err();
        assert!(other.to_string().contains("another fleet (/jobs)"), "{other}");
        let path = folder.path().join(NAME);
        let newer = fs::read_to_string(&path).unwrap().replace("\"version\":1", "\"version\":2");
        fs::write(&path, newer).unwrap();
        let newer = FleetRecord::open(folder.path(), fleet(None), true).unwrap_err();
        assert!(newer.to_string().contains("newer version"), "{newer}");
    }
}
