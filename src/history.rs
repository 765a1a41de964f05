//! What a run did, read back from its folder: row by row, with the user before and after.
//!
//! Only places in the files are held: 32 bytes a row. Lines are read when they are asked for.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::catalog::Operation;
use crate::change::{ChangeRecord, Changes, User, all_changes};
use crate::exit::Error;
use crate::outcome::Status;
use crate::store::before::{self, BeforeImage};
use crate::store::bitmap::RowSet;
use crate::store::results::ResultLine;
use crate::store::{self, KeepUsers, RESULTS};

/// A row that may have changed a user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The user, by the hash of its user ID.
    pub(crate) user: u64,
    /// The place of its line in the results.
    place: u64,
    /// The step of the same user before it.
    earlier: Option<u32>,
    /// Whether there is no step of the same user after it.
    pub(crate) is_last: bool,
    /// Whether it is known who the user is; it is not where the server did not show the user, such
    /// as after a password was set.
    pub(crate) shows_user: bool,
}

impl Step {
    /// Whether a row before it may have changed the same user.
    #[must_use]
    pub(crate) fn has_earlier(self) -> bool {
        self.earlier.is_some()
    }

    /// The row before it that may have changed the same user.
    #[must_use]
    pub(crate) fn earlier_index(self) -> Option<usize> {
        self.earlier.map(|index| index as usize)
    }
}

/// What a run did.
pub(crate) struct History {
    folder: PathBuf,
    results: BufReader<File>,
    before: Option<BufReader<File>>,
    /// The places of the first before-image of each user, by the hash of its user ID.
    images: HashMap<u64, u64>,
    /// Rows that may have changed a user, in the order in which they ended.
    steps: Vec<Step>,
    /// Rows that were sent, and of which nobody can tell what became of them.
    pub(crate) unknown: u64,
    /// Rows that changed a user whom nobody can name, since the run was to keep no users.
    pub(crate) nameless: u64,
    /// Rows that were about to be sent when the run ended, and have no outcome.
    pub(crate) in_flight: u64,
    /// The project, and the base URL of its API; nothing for a rehearsal.
    pub(crate) project: Option<(String, String)>,
}

/// The user before and after a row.
pub(crate) struct StepUsers {
    /// As it was; `None` where that was not kept.
    pub(crate) before: Option<User>,
    /// As the server showed it after the row; where the run kept IDs only, as the row wants it.
    /// `None` where that cannot be told, since it is not known how the user was before.
    pub(crate) after: Option<User>,
}

impl History {
    /// Reads what there is of a run in a folder.
    ///
    /// # Errors
    ///
    /// A folder without a run, and files that cannot be read.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let refuse = |why: String| Error::refused(format!("{}: {why}", folder.display()));
        store::marks::refuse_redacted(folder).map_err(Error::refused)?;
        let glance = store::glance_at_run(folder)?;
        let text = |key: &str| {
            glance.identity.settings.get(key).and_then(Value::as_str).map(str::to_owned)
        };
        let results = store::seekable_results(folder).map_err(|error| refuse(error.to_string()))?;
        let mut history = Self {
            folder: folder.to_owned(),
            results: BufReader::new(results),
            before: File::open(folder.join(before::NAME)).map(BufReader::new).ok(),
            images: HashMap::new(),
            steps: Vec::new(),
            unknown: 0,
            nameless: 0,
            in_flight: 0,
            project: text("projectId").zip(text("baseUrl")),
        };
        let seen = history.read_results().map_err(|error| refuse(format!("{RESULTS}: {error}")))?;
        history.read_images(&seen).map_err(|error| refuse(format!("{}: {error}", before::NAME)))?;
        Ok(history)
    }

    /// Where the run is.
    #[must_use]
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many rows may have changed a user.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// How many users it may have changed.
    #[must_use]
    pub(crate) fn users_written(&self) -> usize {
        self.steps.iter().filter(|step| step.is_last).count()
    }

    /// A row that may have changed a user, in the order in which they ended.
    #[must_use]
    pub(crate) fn step(&self, index: usize) -> Step {
        self.steps[index]
    }

    /// Finds the rows that may have changed a user; gives back all rows with an outcome.
    fn read_results(&mut self) -> io::Result<RowSet> {
        let mut last_of: HashMap<u64, u32> = HashMap::new();
        let mut seen = RowSet::default();
        let (mut place, mut text) = (0, Vec::new());
        loop {
            text.clear();
            let read = self.results.read_until(b'\n', &mut text)?;
            if read == 0 || !text.ends_with(b"\n") {
                return Ok(seen);
            }
            let line = parse(&text)?;
            seen.insert_range(line.row, line.row);
            self.unknown += u64::from(line.status == Status::Unknown);
            let is_nameless = line.status.is_change() && line.user_kept == KeepUsers::None;
            self.nameless += u64::from(is_nameless);
            let user = line.user.as_ref().and_then(|user| User::read(user));
            match user {
                Some(user) if may_have_changed(line.status) => {
                    let user = key(&user);
                    let index = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
                    let earlier = last_of.insert(user, index);
                    if let Some(earlier) = earlier {
                        self.steps[earlier as usize].is_last = false;
                    }
                    let (is_last, shows_user) = (true, true);
                    self.steps.push(Step { user, place, earlier, is_last, shows_user });
                }
                None if line.status.is_change() => {
                    let (user, earlier, is_last, shows_user) = (0, None, false, false);
                    self.steps.push(Step { user, place, earlier, is_last, shows_user });
                }
                Some(_) | None => {}
            }
            place += read as u64;
        }
    }

    fn read_images(&mut self, seen: &RowSet) -> io::Result<()> {
        let Some(file) = &mut self.before else { return Ok(()) };
        let (mut place, mut text) = (0, Vec::new());
        loop {
            text.clear();
            let read = file.read_until(b'\n', &mut text)?;
            if read == 0 || !text.ends_with(b"\n") {
                return Ok(());
            }
            let image: BeforeImage<'_> = serde_json::from_slice(&text)?;
            let user = User::read(&image.user).unwrap_or_default();
            self.images.entry(key(&user)).or_insert(place);
            self.in_flight += u64::from(!seen.contains(image.row));
            place += read as u64;
        }
    }

    /// The line of a step.
    pub(crate) fn line(&mut self, step: Step) -> Result<ResultLine<'static>, Error> {
        self.line_at(step.place).map_err(|error| self.unreadable(&error))
    }

    /// The user before and after a step, whose line this is.
    ///
    /// Rows that shared one request have one reply: before each of them the user was as before the
    /// first.
    pub(crate) fn users(&mut self, step: Step, line: &ResultLine<'_>) -> Result<StepUsers, Error> {
        let users = match line.shown_user() {
            Some(after) => self.before(step, line).map(|before| (before, Some(after))),
            None => self.expected_before(step).map(|before| {
                let after = expected_after(before.as_ref(), line);
                (before, after)
            }),
        };
        let (before, after) = users.map_err(|error| self.unreadable(&error))?;
        Ok(StepUsers { before, after })
    }

    /// The user before a step whose line shows the user after it.
    fn before(&mut self, step: Step, line: &ResultLine<'_>) -> io::Result<Option<User>> {
        let mut first = step;
        loop {
            let Some(earlier) = first.earlier else { return self.image(step.user) };
            let earlier = self.steps[earlier as usize];
            let line_before = self.line_at(earlier.place)?;
            let together = line_before.finished_at == line.finished_at
                && line_before.user.as_ref().map(|user| user.get())
                    == line.user.as_ref().map(|user| user.get());
            if !together {
                return match line_before.shown_user() {
                    Some(user) => Ok(Some(user)),
                    // The run was resumed, and kept more since.
                    None => self.expected_before(first),
                };
            }
            first = earlier;
        }
    }

    /// The user before a step where the steps before it kept IDs only: as these want it.
    fn expected_before(&mut self, step: Step) -> io::Result<Option<User>> {
        let (mut lines, mut earlier) = (Vec::new(), step.earlier);
        let mut user = loop {
            let Some(index) = earlier else { break self.image(step.user)? };
            let before = self.steps[index as usize];
            let line = self.line_at(before.place)?;
            if let Some(shown) = line.shown_user() {
                break Some(shown);
            }
            if lines.len() == MOST_EXPECTED {
                return Ok(None);
            }
            lines.push(line);
            earlier = before.earlier;
        };
        for line in lines.iter().rev() {
            user = expected_after(user.as_ref(), line);
        }
        Ok(user)
    }

    fn line_at(&mut self, place: u64) -> io::Result<ResultLine<'static>> {
        self.results.seek(SeekFrom::Start(place))?;
        let mut text = Vec::new();
        self.results.read_until(b'\n', &mut text)?;
        parse(&text)
    }

    fn image(&mut self, user: u64) -> io::Result<Option<User>> {
        let (Some(&place), Some(file)) = (self.images.get(&user), &mut self.before) else {
            return Ok(None);
        };
        file.seek(SeekFrom::Start(place))?;
        let mut text = Vec::new();
        file.read_until(b'\n', &mut text)?;
        let image: BeforeImage<'_> = serde_json::from_slice(&text)?;
        Ok(User::read(&image.user))
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        Error::Stopped(format!("{}: cannot be read: {error}", self.folder.display()))
    }
}

/// Rows of one user that are worked out one after the other, where users were not kept in full.
const MOST_EXPECTED: usize = 256;

/// The user after a row as the row wants it; nothing where it is not known how the user was before.
/// Nobody was there before a creation.
fn expected_after(before: Option<&User>, line: &ResultLine<'_>) -> Option<User> {
    let kept = user_of(line);
    let before = match line.status {
        Status::Created => &kept,
        _ => before?,
    };
    let changes: Changes = line.changes.iter().filter_map(ChangeRecord::change).collect();
    let operation = line.operation.as_deref().and_then(Operation::named);
    let changes = operation.map_or(changes.clone(), |own| all_changes(own, &changes));
    Some(before.after(line.login_id.as_deref().unwrap_or_default(), &changes))
}

/// A row that was found to be done already may have been done by an earlier part of the run.
fn may_have_changed(status: Status) -> bool {
    match status {
        Status::Updated | Status::Created | Status::Deleted | Status::Unchanged => true,
        Status::Invalid | Status::Drifted | Status::Rejected | Status::GaveUp | Status::Unknown => {
            false
        }
    }
}

fn key(user: &User) -> u64 {
    xxh3_64(user.user_id().as_bytes())
}

fn user_of(line: &ResultLine<'_>) -> User {
    line.user.as_ref().and_then(|user| User::read(user)).unwrap_or_default()
}

fn parse(text: &[u8]) -> io::Result<ResultLine<'static>> {
    let text = std::str::from_utf8(text)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    ResultLine::parse(text)
}
