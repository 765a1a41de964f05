//! What a run changed: fields and classes of changes, from users before and after.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::places::{PlaceTable, UserPlaces, UserShownAt};
use super::privacy::visible;
use crate::catalog::Operation;
use crate::change::{ChangeRecord, Changes, User, UserNames, all_changes, touched};
use crate::outcome::Status;
use crate::plan::{ChangeClass, classes};
use crate::store;
use crate::store::before::{self, BeforeImage};
use crate::store::results::ResultLine;

/// Different fields kept apart.
const FIELDS: usize = 200;

/// What became of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldCounts {
    /// Another value took the place of one.
    pub(super) set: u64,
    /// There is something that was not there: a value, or an item of a list.
    pub(super) added: u64,
    /// Something is gone: the value, or an item of the list.
    pub(super) removed: u64,
}

/// What a run changed.
#[derive(Debug, Default)]
pub(super) struct ChangedFields {
    with_values: bool,
    /// By field; those of tenants are one, since which tenant it is would be a value.
    pub(super) fields: BTreeMap<String, FieldCounts>,
    /// Rows by class; one may be of several.
    pub(super) classes: BTreeMap<ChangeClass, u64>,
    /// Rows that the server has done.
    pub(super) rows: u64,
    /// Those of them whose user is known before and after.
    pub(super) compared: u64,
}

impl ChangedFields {
    pub(super) fn new(with_values: bool) -> Self {
        Self { with_values, ..Self::default() }
    }

    /// Counts a row that the server has done. `before` is how its user was, where that is known;
    /// `invites` says that users who are created are invited.
    pub(super) fn count(&mut self, line: &ResultLine<'_>, before: Option<&User>, invites: bool) {
        self.rows += 1;
        let changes: Changes = line.changes.iter().filter_map(ChangeRecord::change).collect();
        let after = line.shown_user();
        match (line.status, before, after) {
            (Status::Deleted, ..) => {
                self.compared += 1;
                self.class(ChangeClass::Deletion);
            }
            (Status::Created, None, after) => {
                self.compared += 1;
                self.class(ChangeClass::Creation);
                if invites {
                    self.class(ChangeClass::Invitation);
                }
                match after {
                    Some(after) => self.compare(&User::default(), &after, &changes),
                    None => self.count_as_sent(&line.changes),
                }
            }
            (_, Some(before), Some(after)) => {
                self.compared += 1;
                let operation = line.operation.as_deref().and_then(Operation::named);
                let changes = operation.map_or(changes.clone(), |own| all_changes(own, &changes));
                self.compare(before, &after, &changes);
                let mut told = classes(before, &after, &touched(&changes));
                if line.merged.is_some() {
                    told.remove(&ChangeClass::Plain);
                    told.insert(ChangeClass::Merge);
                }
                for class in told {
                    self.class(class);
                }
            }
            _ => self.count_as_sent(&line.changes),
        }
    }

    fn class(&mut self, class: ChangeClass) {
        *self.classes.entry(class).or_default() += 1;
    }

    fn compare(&mut self, before: &User, after: &User, changes: &Changes) {
        for part in touched(changes) {
            let difference = difference(&before.part(&part), &after.part(&part));
            if difference != FieldCounts::default() {
                self.field(&part, difference);
            }
        }
        self.unseen(changes.iter().filter(|change| change.part().is_none()).map(|change| {
            let key = change.subject.word();
            key.to_owned()
        }));
    }

    /// What no user shows, such as a password, counts as it was sent.
    fn unseen(&mut self, fields: impl Iterator<Item = String>) {
        let set = FieldCounts { set: 1, ..FieldCounts::default() };
        fields.for_each(|field| self.field(&field, set));
    }

    /// What was sent, where nobody knows how the user was.
    fn count_as_sent(&mut self, changes: &[ChangeRecord]) {
        for record in changes {
            let within = record.attribute.as_ref().map(|name| format!("{}.{name}", record.field));
            let within =
                record.tenant.as_ref().map(|tenant| format!("userTenants.{tenant}")).or(within);
            let counts = FieldCounts {
                added: u64::from(record.add.is_some()),
                removed: u64::from(record.remove.is_some() || record.clear),
                set: u64::from(record.add.is_none() && record.remove.is_none() && !record.clear),
            };
            self.field(within.as_ref().unwrap_or(&record.field), counts);
        }
    }

    fn field(&mut self, part: &str, counts: FieldCounts) {
        let mut name = match part.split_once('.') {
            Some(("userTenants", _)) if !self.with_values => "userTenants".to_owned(),
            _ => visible(part),
        };
        if self.fields.len() >= FIELDS && !self.fields.contains_key(&name) {
            "(other fields)".clone_into(&mut name);
        }
        let own = self.fields.entry(name).or_default();
        own.set += counts.set;
        own.added += counts.added;
        own.removed += counts.removed;
    }
}

/// What became of a part.
fn difference(was: &Value, is: &Value) -> FieldCounts {
    let lists = |value: &Value| value.is_array() || value.is_object();
    let (mut set, mut added, mut removed) = (false, false, false);
    match (was, is) {
        (was, is) if was == is => {}
        (Value::Null, _) => added = true,
        (_, Value::Null) => removed = true,
        (was, is) if lists(was) && lists(is) => {
            added = items(is).any(|item| !items(was).any(|own| own == item));
            removed = items(was).any(|item| !items(is).any(|own| own == item));
        }
        _ => set = true,
    }
    FieldCounts { set: set.into(), added: added.into(), removed: removed.into() }
}

/// The items of a list, and the members of an object, in a form that can be compared.
fn items(value: &Value) -> impl Iterator<Item = (Option<&String>, &Value)> {
    let list = value.as_array().into_iter().flatten().map(|item| (None, item));
    let members = value.as_object().into_iter().flatten();
    list.chain(members.map(|(key, value)| (Some(key), value)))
}

/// Users as they were before each row, from the files of a run. Only places are kept, on the disk.
pub(super) struct UsersBefore {
    images: Option<LinesAt>,
    results: LinesAt,
    places: PlaceTable,
}

impl UsersBefore {
    /// Reads where the before-images of a run are.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let mut places = PlaceTable::new()?;
        let images = match File::open(folder.join(before::NAME)) {
            Ok(file) => Some(LinesAt::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(named(before::NAME, &error)),
        };
        let results = LinesAt::new(store::seekable_results(folder)?);
        let mut users = Self { images: None, results, places: PlaceTable::new()? };
        if let Some(mut images) = images {
            index(&mut images, &mut places)?;
            users.images = Some(images);
        }
        users.places = places;
        Ok(users)
    }

    /// The user of a row as it was before it, where that is known; and keeps where it is after it.
    pub(super) fn before(&mut self, line: &ResultLine<'_>, place: u64) -> io::Result<Option<User>> {
        let Some(user) = &line.user else { return Ok(None) };
        let names = UserNames::read(user);
        if names.user_id.is_empty() {
            return Ok(None);
        }
        let key = key_of(&names.user_id);
        let mut known = self.places.find(key)?;
        let reply = xxh3_64(format!("{}{}", line.finished_at, user.get()).as_bytes());
        // Rows that shared one request have one reply: before each the user was as before the first.
        if known.reply != reply || known.reply == 0 {
            known.before = known.last;
        }
        known.last = UserShownAt::Result(place);
        known.reply = reply;
        self.places.keep(known)?;
        self.user_at(known.before)
    }

    fn user_at(&mut self, place: UserShownAt) -> io::Result<Option<User>> {
        match (place, &mut self.images) {
            (UserShownAt::Image(place), Some(images)) => {
                let image: BeforeImage<'_> = serde_json::from_slice(images.at(place)?)?;
                Ok(User::read(&image.user))
            }
            (UserShownAt::Result(place), _) => {
                let line: ResultLine<'_> = serde_json::from_slice(self.results.at(place)?)?;
                Ok(line.shown_user())
            }
            _ => Ok(None),
        }
    }
}

/// Notes where the first image of each user is. A torn last line is nothing.
fn index(images: &mut LinesAt, places: &mut PlaceTable) -> io::Result<()> {
    let mut number = 0;
    while let Some(place) = images.next()? {
        number += 1;
        let image: BeforeImage<'_> = serde_json::from_slice(&images.text).map_err(|error| {
            io::Error::other(format!("{}: line {number}: {error}", before::NAME))
        })?;
        let names = UserNames::read(&image.user);
        let key = key_of(&names.user_id);
        if places.find(key)?.last == UserShownAt::Nowhere {
            let last = UserShownAt::Image(place);
            places.keep(UserPlaces { key, last, ..UserPlaces::default() })?;
        }
    }
    Ok(())
}

fn named(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name}: {error}"))
}

/// Nobody has the key 0.
fn key_of(user_id: &str) -> u64 {
    xxh3_64(user_id.as_bytes()).max(1)
}

/// The lines of a file, one after the other or at a place.
struct LinesAt {
    file: BufReader<File>,
    position: u64,
    text: Vec<u8>,
}

impl LinesAt {
    fn new(file: File) -> Self {
        Self { file: BufReader::with_capacity(1 << 16, file), position: 0, text: Vec::new() }
    }

    /// Reads the next line, and says where it begins; `None` at the end or at a torn line.
    fn next(&mut self) -> io::Result<Option<u64>> {
        let place = self.position;
        self.text.clear();
        let read = self.file.read_until(b'\n', &mut self.text)?;
        self.position += read as u64;
        Ok(self.text.ends_with(b"\n").then_some(place))
    }

    /// The line at a place.
    fn at(&mut self, place: u64) -> io::Result<&[u8]> {
        let away = i64::try_from(i128::from(place) - i128::from(self.position));
        self.file.seek_relative(away.map_err(io::Error::other)?)?;
        self.position = place;
        self.next()?;
        Ok(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_set_added_to_or_taken_from() {
        for (was, is, expected) in [
            (json!("a"), json!("b"), (1, 0, 0)),
            (json!(null), json!("b"), (0, 1, 0)),
            (json!("a"), json!(null), (0, 0, 1)),
            (json!("a"), json!("a"), (0, 0, 0)),
            (json!(true), json!(false), (1, 0, 0)),
            (json!(["a", "b"]), json!(["b", "c"]), (0, 1, 1)),
            (json!(["a"]), json!(["a", "b"]), (0, 1, 0)),
            (json!({"T1": []}), json!({"T1": ["x"]}), (0, 1, 1)),
        ] {
            let FieldCounts { set, added, removed } = difference(&was, &is);
            assert_eq!((set, added, removed), expected, "{was} → {is}");
        }
    }

    #[test]
    fn fields_are_bounded_and_tenants_are_no_values() {
        let mut changed = ChangedFields::new(false);
        for n in 0..1_000 {
            changed.field(&format!("userTenants.T{n}"), FieldCounts::default());
            changed.field(&format!("customAttributes.a{n}"), FieldCounts::default());
        }
        assert!(changed.fields.len() <= FIELDS + 1);
        assert!(changed.fields.keys().all(|field| !field.contains('T') || field == "userTenants"));
    }
}
