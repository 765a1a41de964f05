//! Instructions: a record understood, or why it is not.
//!
//! Pure. What the columns mean is settled once for a header (or for a set of JSON keys) in
//! a layout; a row then only fills it. What cannot be told is refused with the candidates
//! named, and nothing is ever cleared because a cell happened to be blank.

mod attributes;
mod cell;
mod layout;
mod settings;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::catalog::{self, Empty, Field, Need, Operation};
use crate::clean::{self, Reading, Stated, Value};
use crate::exit::Error;
use crate::record::{Content, Notes, Problem, Record, Source};
use cell::{Cell, note};
use layout::{Layout, Means};

pub use crate::clean::{Phones, Region};
pub use settings::is_field;

/// What a blank cell, or a JSON `null`, means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Blank {
    /// Nothing is sent for it.
    #[default]
    Skip,
    /// The value is removed.
    Clear,
    /// The row is invalid.
    Error,
}

/// What happens when the new phone number or e-mail address belongs to another user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OnConflict {
    /// The row is rejected and nothing changes.
    #[default]
    Fail,
    /// The server merges the other user into this one and deletes it, without a way back.
    Merge,
}

/// How rows are understood.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The operation of rows that do not name one.
    pub operation: Option<&'static Operation>,
    /// Column names and the field each stands for.
    pub map: Vec<(String, String)>,
    /// Columns that are left out.
    pub ignore: Vec<String>,
    /// Fields and the value that they have where a row has none.
    pub set: Vec<(String, String)>,
    /// What a blank cell means.
    pub blank: Blank,
    /// What a blank cell of some fields means, where that differs.
    pub blank_of: Vec<(String, Blank)>,
    /// What is done about phone numbers.
    pub phones: Phones,
    /// The region of phone numbers without `+`, where the row states none.
    pub region: Option<Region>,
    /// What happens on a conflict.
    pub on_conflict: OnConflict,
    /// Whether operations and values that take things away wholesale are allowed.
    pub allow_destructive: bool,
}

impl Rules {
    /// Refuses rules that name what no operation has, before there is anything to read.
    pub fn check(&self) -> Result<(), Error> {
        settings::check_settings(self)
    }

    /// The column or key of a record that gives an operation's field.
    #[must_use]
    pub fn column_of(&self, record: &Record, operation: &Operation, field: &str) -> Option<String> {
        let index = operation.field_index(field)?;
        let gives = |name: &String| operation.field_index(self.field_of(name)) == Some(index);
        match &record.content {
            Content::Object(text) => {
                members(text).ok()?.into_iter().map(|(key, _)| key).find(gives)
            }
            _ => record.source.columns.iter().find(|name| gives(name)).cloned(),
        }
    }

    /// The name of the field that a column stands for.
    fn field_of<'a>(&'a self, column: &'a str) -> &'a str {
        let wanted = catalog::normalize(column);
        let mapped = self.map.iter().find(|(own, _)| catalog::normalize(own) == wanted);
        mapped.map_or(column, |(_, field)| field)
    }

    /// Whether a column holds what nobody should see.
    #[must_use]
    pub fn is_secret(&self, column: &str) -> bool {
        let name = self.field_of(column);
        let secret = |operation: &Operation| {
            operation
                .field_index(name)
                .is_some_and(|i| operation.fields[i].kind == catalog::Kind::Secret)
        };
        catalog::OPERATIONS.iter().any(secret)
    }

    /// What a blank cell of an operation's field means.
    fn blank_for(&self, operation: &Operation, index: usize) -> Blank {
        let own = |(name, blank): &(String, Blank)| {
            (operation.field_index(name) == Some(index)).then_some(*blank)
        };
        self.blank_of.iter().find_map(own).unwrap_or(self.blank)
    }

    /// What a blank cell of a custom attribute's own column means: what is said of it, else of
    /// all of them.
    fn blank_for_attribute(&self, attribute: &str) -> Blank {
        let of = |wanted: &dyn Fn(&str) -> bool| {
            self.blank_of.iter().find(|(name, _)| wanted(name)).map(|(_, blank)| *blank)
        };
        of(&|name| attributes::of_column(name) == Some(attribute))
            .or_else(|| of(&|name| catalog::normalize(name) == catalog::normalize(attributes::ALL)))
            .unwrap_or(self.blank)
    }

    /// How phone numbers are read where the row states no region.
    fn reading(&self) -> Reading {
        let region = self.region.map_or(Stated::Nowhere, Stated::As);
        Reading { phones: self.phones, region }
    }
}

/// A record understood: an operation, the user it names, the body to send.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// The row that it was made from.
    pub record: Record,
    /// What to do.
    pub operation: &'static Operation,
    /// The user, as the row names it.
    pub login_id: String,
    /// The login ID that takes the place of `login_id`; `None` where nothing is renamed, and
    /// where a login ID is removed.
    pub renames_to: Option<String>,
    /// Whether an earlier process may have sent it and its answer is not known.
    pub maybe_sent: bool,
    /// The lanes that it must keep to: one for every name of a user that it touches.
    pub lanes: Vec<u64>,
    /// The request's body, JSON.
    pub body: Bytes,
    /// What was mended, and what may be wrong.
    pub notes: Option<Box<Notes>>,
}

impl Instruction {
    /// What the body holds, in its order.
    #[must_use]
    pub fn members(&self) -> Vec<(&'static str, &RawValue)> {
        let body = std::str::from_utf8(&self.body).unwrap_or_default();
        let named = |(key, value): (String, _)| {
            let known = self.operation.fields.iter().find(|field| field.name == key)?;
            Some((known.name, value))
        };
        members(body).unwrap_or_default().into_iter().filter_map(named).collect()
    }
}

/// A record that makes no instruction.
#[derive(Debug)]
pub struct Invalid {
    /// The row.
    pub record: Record,
    /// The operation, if the row got as far as naming it.
    pub operation: Option<&'static Operation>,
    /// The user, if the row names one.
    pub login_id: Option<String>,
    /// What is wrong.
    pub problem: Problem,
    /// What was noticed before that.
    pub notes: Option<Box<Notes>>,
}

/// Makes instructions from records.
#[derive(Clone, Debug)]
pub struct Builder {
    rules: Rules,
    headers: Vec<(Arc<Source>, Layout)>,
    /// Layouts of JSON rows by their keys; files repeat a few shapes over and over.
    shapes: HashMap<Vec<String>, Result<Layout, Problem>>,
}

/// How many shapes of JSON rows are remembered.
const MAX_SHAPES: usize = 256;

/// The most fields that an operation has, with room to grow; a test keeps it.
const MAX_FIELDS: usize = 32;

type Values<'a> = [Option<Value<'a>>; MAX_FIELDS];

impl Builder {
    /// Settles what the headers mean.
    ///
    /// Refused are columns and settings that no operation knows, columns that leave the
    /// operation open, and files that can make no valid row: before anything is sent.
    pub fn new(rules: Rules, sources: &[Arc<Source>]) -> Result<Self, Error> {
        settings::check_settings(&rules)?;
        let mut headers = Vec::new();
        for source in sources.iter().filter(|source| source.format.has_columns()) {
            let layout = Layout::resolve(&source.columns, &rules)
                .and_then(|layout| layout.check_header(&rules).map(|()| layout))
                .map_err(|problem| layout::refusal(&source.name, &problem))?;
            headers.push((Arc::clone(source), layout));
        }
        settings::check_map(&rules, sources)?;
        Ok(Self { rules, headers, shapes: HashMap::new() })
    }

    /// The rules that it goes by.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The instruction of a record, or why there is none.
    pub fn build(&mut self, record: Record) -> Result<Instruction, Box<Invalid>> {
        let mut seen = Seen::default();
        match self.understand(&record, &mut seen) {
            Ok(parts) => Ok(parts.of(record, seen.notes)),
            Err(problem) => {
                let Seen { operation, login_id, mut notes, problems } = seen;
                if !problems.is_empty() {
                    notes.get_or_insert_default().problems = problems;
                }
                Err(Box::new(Invalid { record, operation, login_id, problem, notes }))
            }
        }
    }

    fn understand(&mut self, record: &Record, seen: &mut Seen) -> Result<Parts, Problem> {
        match &record.content {
            Content::Broken { problem, .. } => Err(problem.clone()),
            Content::Cells(cells) => {
                let source = &record.source;
                let (_, layout) = self
                    .headers
                    .iter_mut()
                    .find(|(known, _)| Arc::ptr_eq(known, source))
                    .ok_or_else(|| Problem::new("unreadable", "the row has no header"))?;
                let cells: Vec<Cell<'_>> = cells.iter().map(Cell::Text).collect();
                fill(layout, &self.rules, &source.columns, &cells, seen)
            }
            Content::Object(text) => {
                let (keys, cells): (Vec<_>, Vec<_>) =
                    members(text)?.into_iter().map(|(key, value)| (key, Cell::Json(value))).unzip();
                if self.shapes.len() >= MAX_SHAPES && !self.shapes.contains_key(&keys) {
                    self.shapes.clear();
                }
                // The keys are copied once for each shape, not for each row.
                if !self.shapes.contains_key(&keys) {
                    self.shapes.insert(keys.clone(), Layout::resolve(&keys, &self.rules));
                }
                match self.shapes.get_mut(&keys) {
                    Some(Ok(layout)) => fill(layout, &self.rules, &keys, &cells, seen),
                    Some(Err(problem)) => Err(problem.clone()),
                    None => Err(Problem::new("unreadable", "the row has no keys")),
                }
            }
        }
    }
}

/// An instruction without its record.
struct Parts {
    operation: &'static Operation,
    login_id: String,
    renames_to: Option<String>,
    lanes: Vec<u64>,
    body: Bytes,
}

impl Parts {
    fn of(self, record: Record, notes: Option<Box<Notes>>) -> Instruction {
        let Self { operation, login_id, renames_to, lanes, body } = self;
        let maybe_sent = false;
        Instruction { record, operation, login_id, renames_to, maybe_sent, lanes, body, notes }
    }
}

/// What was learned of a row on the way, whether it turns out to be valid or not.
#[derive(Default)]
struct Seen {
    notes: Option<Box<Notes>>,
    operation: Option<&'static Operation>,
    login_id: Option<String>,
    /// What is wrong with its cells.
    problems: Vec<Problem>,
}

/// The keys and values of a JSON object, in their order.
pub fn members(text: &str) -> Result<Vec<(String, &RawValue)>, Problem> {
    struct Members<'a>(Vec<(String, &'a RawValue)>);

    struct Visitor;

    impl<'de> serde::de::Visitor<'de> for Visitor {
        type Value = Members<'de>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            let mut members = Vec::with_capacity(8);
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(Members(members))
        }
    }

    impl<'de> serde::Deserialize<'de> for Members<'de> {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Visitor)
        }
    }

    serde_json::from_str::<Members<'_>>(text)
        .map(|members| members.0)
        .map_err(|error| Problem::new("invalid_json", error.to_string()))
}

fn fill(
    layout: &mut Layout,
    rules: &Rules,
    names: &[String],
    cells: &[Cell<'_>],
    seen: &mut Seen,
) -> Result<Parts, Problem> {
    let parts = parts(layout, rules, names, cells, seen);
    if parts.is_err() {
        seen.login_id = login_id(layout, names, cells);
    }
    parts
}

fn parts(
    layout: &mut Layout,
    rules: &Rules,
    names: &[String],
    cells: &[Cell<'_>],
    seen: &mut Seen,
) -> Result<Parts, Problem> {
    let operation = operation_of(layout, rules, names, cells)?;
    seen.operation = Some(operation);
    if let (Some(why), false) = (operation.destructive, rules.allow_destructive) {
        return Err(layout::destructive(operation, why));
    }
    let bound = layout.bind(operation, rules);
    let reading = reading(layout, rules, cells);
    let mut values: Values<'_> = [const { None }; MAX_FIELDS];
    let mut given = Vec::new();
    let mut unset = Unset::default();
    for ((cell, means), name) in cells.iter().zip(&bound.means).zip(names) {
        let (field, blank) = match means {
            Means::Nothing => continue,
            Means::OtherField if cell.is_blank() => continue,
            Means::OtherField => {
                seen.problems.push(layout::not_a_field(operation, name));
                continue;
            }
            Means::Field(index, blank) => (&operation.fields[*index], *blank),
            Means::Attribute(_, blank) => (&ATTRIBUTE, *blank),
        };
        let value = cell.value(field, blank, reading, &mut seen.notes);
        if let Ok(Some(cleaned)) = &value {
            note(cleaned, *cell, || name.clone(), &mut seen.notes);
        }
        match (means, value) {
            (Means::Field(index, _), Ok(Some(_))) if values[*index].is_some() => {
                seen.problems.push(twice(field, name));
            }
            (Means::Field(index, _), Ok(Some(cleaned))) => values[*index] = Some(cleaned.value),
            (Means::Field(index, _), Ok(None)) => unset.blank |= 1 << index,
            (Means::Attribute(attribute, _), Ok(Some(cleaned))) => {
                given.push((&**attribute, cleaned.value));
            }
            (_, Ok(_)) => {}
            (means, Err(problem)) => {
                if let Means::Field(index, _) = means {
                    unset.faulty |= 1 << index;
                }
                seen.problems.push(problem.at(name));
            }
        }
    }
    if let Some(takes) = bound.takes {
        attributes::place(takes, given, &mut values)?;
    }
    set_missing(operation, rules, reading, (&bound.sets, &mut values), seen)?;
    complete(operation, rules, unset, &mut values, &mut seen.problems);
    if seen.problems.is_empty() {
        Ok(assemble(operation, rules, &values))
    } else {
        Err(seen.problems.remove(0))
    }
}

/// Fields that a row has no value for, a bit for each.
#[derive(Clone, Copy, Debug, Default)]
struct Unset {
    /// Its cell is blank.
    blank: u32,
    /// Its cell holds what cannot be sent.
    faulty: u32,
}

impl Unset {
    fn is_blank(self, index: usize) -> bool {
        self.blank & (1 << index) != 0
    }

    fn is_faulty(self, index: usize) -> bool {
        self.faulty & (1 << index) != 0
    }
}

/// A custom attribute in a column of its own.
const ATTRIBUTE: Field = Field {
    name: attributes::ALL,
    aliases: &[],
    kind: catalog::Kind::Json,
    need: Need::Optional,
    empty: Empty::Clears,
    about: "",
};

fn twice(field: &Field, name: &str) -> Problem {
    Problem::new("duplicate_field", format!("the row gives {} twice", field.name))
        .at(name)
        .hint("leave one of the columns out with --ignore")
}

/// How a row's phone numbers are read: its own region wins over the one for all rows.
fn reading(layout: &Layout, rules: &Rules, cells: &[Cell<'_>]) -> Reading {
    let reading = rules.reading();
    let cell = layout.region_column().and_then(|column| cells.get(column));
    match cell {
        Some(cell) if !cell.is_blank() => {
            let region = match cell {
                Cell::Text(text) => text.parse(),
                Cell::Json(_) => cell.shown().parse(),
            };
            Reading { region: region.map_or(Stated::Wrongly, Stated::As), ..reading }
        }
        _ => reading,
    }
}

/// The user that a row names, as far as that can be told before its operation is known.
fn login_id(layout: &Layout, names: &[String], cells: &[Cell<'_>]) -> Option<String> {
    let column = layout.user_column()?;
    let field = catalog::USER;
    let value = cells.get(column)?.value(&field, Blank::Skip, Reading::default(), &mut None);
    match value.ok()??.value {
        Value::Text(text) if names.len() == cells.len() => Some(text.into_owned()),
        _ => None,
    }
}

fn operation_of(
    layout: &Layout,
    rules: &Rules,
    names: &[String],
    cells: &[Cell<'_>],
) -> Result<&'static Operation, Problem> {
    if let Some(operation) = layout.operation() {
        return Ok(operation);
    }
    let column = layout.operation_column();
    let Some((name, cell)) = column.and_then(|i| Some((names.get(i)?, *cells.get(i)?))) else {
        return Err(layout::no_operation());
    };
    let text = match cell {
        Cell::Text(text) => Cow::Borrowed(text.trim()),
        Cell::Json(raw) if raw.get() == "null" => "".into(),
        Cell::Json(raw) => serde_json::from_str::<String>(raw.get())
            .map_err(|_| Problem::new("unknown_operation", "it is no text").at(name))?
            .into(),
    };
    if text.is_empty() {
        return rules.operation.ok_or_else(|| layout::no_operation().at(name));
    }
    Operation::named(&text).ok_or_else(|| layout::unknown_operation(&text).at(name))
}

/// Fills in what is set for all rows; a flag goes with a value, never alone.
fn set_missing<'a>(
    operation: &Operation,
    rules: &'a Rules,
    reading: Reading,
    (sets, values): (&[layout::Set], &mut Values<'a>),
    seen: &mut Seen,
) -> Result<(), Problem> {
    for set in sets {
        let (name, text) = &rules.set[set.rule];
        let alone = set.goes_with.is_some_and(|value| values[value].is_none());
        if values[set.field].is_none() && !alone {
            let (column, cell) = (|| format!("--set {name}"), Cell::Text(text));
            let value = cell
                .value(&operation.fields[set.field], Blank::Skip, reading, &mut seen.notes)
                .map_err(|problem| problem.at(column()))?;
            if let Some(cleaned) = value {
                note(&cleaned, cell, column, &mut seen.notes);
                values[set.field] = Some(cleaned.value);
            }
        }
    }
    Ok(())
}

/// Checks that the row has what the operation needs and nothing that does harm unasked.
fn complete(
    operation: &Operation,
    rules: &Rules,
    unset: Unset,
    values: &mut Values<'_>,
    problems: &mut Vec<Problem>,
) {
    drop_flags_of_blanks(operation, unset, values);
    for (index, field) in operation.fields.iter().enumerate() {
        let given = match &values[index] {
            Some(value) if value.is_empty() => {
                problems.extend(check_empty(field, rules).err());
                true
            }
            Some(_) => true,
            // What is wrong with it has been said.
            None => unset.is_faulty(index),
        };
        match field.need {
            Need::Required if !given => problems.push(missing(field, unset.is_blank(index))),
            Need::With(other) if !given => {
                let other_index = operation.index_of(other);
                match other_index.and_then(|index| values[index].as_ref()) {
                    // What is removed cannot be signed in with, verified or not.
                    Some(value) if value.is_empty() => values[index] = Some(Value::Boolean(false)),
                    Some(_) => problems.push(layout::unstated(field, other)),
                    None => {}
                }
            }
            _ => {}
        }
    }
    let sets_something = operation.fields.len() == 1 || values.iter().skip(1).any(Option::is_some);
    if problems.is_empty() && !sets_something {
        let what = format!("the row sets no field of {}", operation.name);
        let hint = "fill in a value, or leave the row out";
        problems.push(Problem::new("nothing_to_set", what).hint(hint));
    }
}

/// A blank value sends nothing, and so does the flag beside it: it would change whether the
/// user may sign in with the value that stays.
fn drop_flags_of_blanks(operation: &Operation, unset: Unset, values: &mut Values<'_>) {
    for (index, field) in operation.fields.iter().enumerate() {
        if let Need::With(other) = field.need
            && let Some(value) = operation.index_of(other)
            && values[value].is_none()
            && unset.is_blank(value)
        {
            values[index] = None;
        }
    }
}

fn check_empty(field: &Field, rules: &Rules) -> Result<(), Problem> {
    match field.empty {
        Empty::Clears => Ok(()),
        Empty::Opens(_) if rules.allow_destructive => Ok(()),
        Empty::Opens(why) => Err(Problem::new("destructive", why)
            .at(field.name)
            .hint("say --allow-destructive if that is meant")),
        Empty::Refused => {
            Err(Problem::new("empty_value", format!("{} cannot be empty", field.name))
                .at(field.name)
                .hint("write a value, or leave the row out"))
        }
    }
}

fn missing(field: &Field, blank: bool) -> Problem {
    let what = if blank { "is blank" } else { "is missing" };
    let problem = Problem::new("missing_value", format!("{} {what}", field.name)).at(field.name);
    match field.empty {
        Empty::Refused => problem.hint("fill it in"),
        _ => problem
            .hint("fill it in; to remove the value, say so: --blank clear, or \"\" in a JSON row"),
    }
}

fn assemble(operation: &'static Operation, rules: &Rules, values: &Values<'_>) -> Parts {
    let mut body = Vec::with_capacity(128);
    body.push(b'{');
    for (field, value) in operation.fields.iter().zip(values) {
        if let Some(value) = value {
            key(field.name, &mut body);
            value.write_json(&mut body);
        }
    }
    let conflict = operation
        .fail_on_conflict
        .then_some(("failOnConflict", rules.on_conflict == OnConflict::Fail));
    for (name, value) in operation.constants.iter().copied().chain(conflict) {
        key(name, &mut body);
        Value::Boolean(value).write_json(&mut body);
    }
    body.push(b'}');
    let text = |index: usize| match &values[index] {
        Some(Value::Text(text)) if !text.is_empty() => Some(text.clone().into_owned()),
        _ => None,
    };
    Parts {
        operation,
        login_id: text(0).unwrap_or_default(),
        renames_to: operation.index_of("newLoginId").and_then(text),
        lanes: lanes(operation, values),
        body: body.into(),
    }
}

fn key(name: &str, body: &mut Vec<u8>) {
    if body.len() > 1 {
        body.push(b',');
    }
    clean::write_text(name, body);
    body.push(b':');
}

/// One lane for every name of a user that the row touches: its login ID, the one that takes
/// its place, those that are added.
fn lanes(operation: &Operation, values: &Values<'_>) -> Vec<u64> {
    let mut lanes = Vec::with_capacity(1);
    for (field, value) in operation.fields.iter().zip(values) {
        match (field.name, value) {
            ("loginId" | "newLoginId", Some(Value::Text(text))) if !text.is_empty() => {
                lanes.push(lane(text));
            }
            ("additionalIdentifiers", Some(Value::List(names))) => {
                lanes.extend(names.iter().map(|name| lane(name)));
            }
            _ => {}
        }
    }
    lanes.sort_unstable();
    lanes.dedup();
    lanes
}

/// The lane of a login ID.
///
/// Names that the server may take for one user share a lane: letter case and the separators
/// of a phone number do not count. Two users in one lane only wait for each other.
#[must_use]
pub fn lane(login_id: &str) -> u64 {
    let folded: String = if login_id.starts_with('+') {
        let separates = |c: &char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}');
        login_id.chars().filter(|c| !separates(c)).collect()
    } else {
        login_id.to_lowercase()
    };
    xxhash_rust::xxh3::xxh3_64(folded.as_bytes())
}

#[cfg(test)]
mod tests;
