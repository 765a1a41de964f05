//! Instructions: a record understood, or why it is not.
//!
//! Pure. What the columns mean is settled once for a header (or for a set of JSON keys) in
//! a layout; a row then only fills it. What cannot be told is refused with the candidates
//! named, and nothing is ever cleared because a cell happened to be blank.

mod layout;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::catalog::{self, Empty, Field, Kind, Need, Operation};
use crate::clean::{self, Value};
use crate::exit::Error;
use crate::record::{Content, Notes, Problem, Record, Source};
use layout::{Layout, Means};

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
    /// What happens on a conflict.
    pub on_conflict: OnConflict,
    /// Whether operations and values that take things away wholesale are allowed.
    pub allow_destructive: bool,
}

impl Rules {
    /// What a blank cell of an operation's field means.
    fn blank_for(&self, operation: &Operation, index: usize) -> Blank {
        let own = |(name, blank): &(String, Blank)| {
            (operation.field_index(name) == Some(index)).then_some(*blank)
        };
        self.blank_of.iter().find_map(own).unwrap_or(self.blank)
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
#[derive(Debug)]
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

/// A value as a row holds it.
#[derive(Clone, Copy, Debug)]
enum Cell<'a> {
    Text(&'a str),
    Json(&'a RawValue),
}

impl Builder {
    /// Settles what the headers mean.
    ///
    /// Refused are columns and settings that no operation knows, columns that leave the
    /// operation open, and files that can make no valid row: before anything is sent.
    pub fn new(rules: Rules, sources: &[Arc<Source>]) -> Result<Self, Error> {
        layout::check_settings(&rules)?;
        let mut headers = Vec::new();
        for source in sources.iter().filter(|source| source.format.has_columns()) {
            let layout = Layout::resolve(&source.columns, &rules)
                .and_then(|layout| layout.check_header(&rules).map(|()| layout))
                .map_err(|problem| layout::refusal(&source.name, &problem))?;
            headers.push((Arc::clone(source), layout));
        }
        layout::check_map(&rules, sources)?;
        Ok(Self { rules, headers, shapes: HashMap::new() })
    }

    /// The instruction of a record, or why there is none.
    pub fn build(&mut self, record: Record) -> Result<Instruction, Box<Invalid>> {
        let mut seen = Seen::default();
        match self.understand(&record, &mut seen) {
            Ok(parts) => Ok(parts.of(record, seen.notes)),
            Err(problem) => Err(Box::new(Invalid {
                record,
                operation: seen.operation,
                login_id: seen.login_id,
                problem,
                notes: seen.notes,
            })),
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
                let (keys, cells) = entries(text)?;
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
}

/// The keys and values of a JSON object.
fn entries(text: &str) -> Result<(Vec<String>, Vec<Cell<'_>>), Problem> {
    struct Entries<'a>(Vec<String>, Vec<Cell<'a>>);

    struct Visitor;

    impl<'de> serde::de::Visitor<'de> for Visitor {
        type Value = Entries<'de>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            let mut entries = Entries(Vec::new(), Vec::new());
            while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                entries.0.push(key);
                entries.1.push(Cell::Json(value));
            }
            Ok(entries)
        }
    }

    impl<'de> serde::Deserialize<'de> for Entries<'de> {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Visitor)
        }
    }

    serde_json::from_str::<Entries<'_>>(text)
        .map(|entries| (entries.0, entries.1))
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
    let mut values: Values<'_> = [const { None }; MAX_FIELDS];
    let mut blanks = 0;
    for ((cell, means), name) in cells.iter().zip(&bound.means).zip(names) {
        let stray = match means {
            Means::Nothing => continue,
            Means::Field(index) => {
                let field = &operation.fields[*index];
                match value_of(field, *cell, rules.blank_for(operation, *index))
                    .map_err(|problem| problem.at(name))?
                {
                    Some(value) if values[*index].is_none() => values[*index] = Some(value),
                    Some(_) => {
                        return Err(Problem::new(
                            "duplicate_field",
                            format!("the row gives {} twice", field.name),
                        )
                        .at(name)
                        .hint("leave one of the columns out with --ignore"));
                    }
                    None => blanks |= 1u32 << index,
                }
                continue;
            }
            Means::OtherField => !is_blank(*cell),
        };
        if stray {
            return Err(layout::not_a_field(operation, name));
        }
    }
    set_missing(operation, rules, &bound.sets, &mut values)?;
    complete(operation, rules, blanks, &mut values)?;
    Ok(assemble(operation, rules, &values))
}

/// The user that a row names, as far as that can be told before its operation is known.
fn login_id(layout: &Layout, names: &[String], cells: &[Cell<'_>]) -> Option<String> {
    let column = layout.user_column()?;
    let field = catalog::USER;
    match value_of(&field, *cells.get(column)?, Blank::Skip).ok()?? {
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

fn is_blank(cell: Cell<'_>) -> bool {
    match cell {
        Cell::Text(text) => text.trim().is_empty(),
        Cell::Json(raw) => raw.get() == "null",
    }
}

/// The value that a cell gives a field; `None` where it gives none.
fn value_of<'a>(field: &Field, cell: Cell<'a>, blank: Blank) -> Result<Option<Value<'a>>, Problem> {
    if is_blank(cell) {
        return match (blank, field.empty) {
            (Blank::Skip, _) | (Blank::Clear, Empty::Refused) => Ok(None),
            (Blank::Clear, _) => Ok(Some(nothing(field.kind))),
            (Blank::Error, _) => Err(Problem::new("blank_value", "the value is blank")
                .hint("fill it in; blanks are errors because of --blank error")),
        };
    }
    let value = match cell {
        Cell::Text(text) => clean::from_cell(field.kind, text),
        Cell::Json(raw) => clean::from_json(field.kind, raw),
    };
    value
        .map(Some)
        .map_err(|complaint| Problem::new("bad_value", complaint.message).hint(complaint.hint))
}

/// The explicit "nothing" of a kind.
fn nothing(kind: Kind) -> Value<'static> {
    match kind {
        Kind::List => Value::List(Vec::new()),
        Kind::JsonObject => Value::Json("{}".into()),
        Kind::JsonObjects => Value::Json("[]".into()),
        _ => Value::Text("".into()),
    }
}

/// Fills in what is set for all rows; a flag goes with a value, never alone.
fn set_missing<'a>(
    operation: &Operation,
    rules: &'a Rules,
    sets: &[layout::Set],
    values: &mut Values<'a>,
) -> Result<(), Problem> {
    for set in sets {
        let (name, text) = &rules.set[set.rule];
        let alone = set.goes_with.is_some_and(|value| values[value].is_none());
        if values[set.field].is_none() && !alone {
            values[set.field] =
                value_of(&operation.fields[set.field], Cell::Text(text), Blank::Skip)
                    .map_err(|problem| problem.at(format!("--set {name}")))?;
        }
    }
    Ok(())
}

/// Checks that the row has what the operation needs and nothing that does harm unasked.
fn complete(
    operation: &Operation,
    rules: &Rules,
    blanks: u32,
    values: &mut Values<'_>,
) -> Result<(), Problem> {
    drop_flags_of_blanks(operation, blanks, values);
    for (index, field) in operation.fields.iter().enumerate() {
        let given = match &values[index] {
            Some(value) if value.is_empty() => {
                check_empty(field, rules)?;
                true
            }
            Some(_) => true,
            None => false,
        };
        match field.need {
            Need::Required if !given => return Err(missing(field, blanks & (1 << index) != 0)),
            Need::With(other) if !given => {
                let other_index = operation.index_of(other);
                match other_index.and_then(|index| values[index].as_ref()) {
                    // What is removed cannot be signed in with, verified or not.
                    Some(value) if value.is_empty() => values[index] = Some(Value::Boolean(false)),
                    Some(_) => return Err(layout::unstated(field, other)),
                    None => {}
                }
            }
            _ => {}
        }
    }
    let sets_something = operation.fields.len() == 1 || values.iter().skip(1).any(Option::is_some);
    if sets_something {
        return Ok(());
    }
    Err(Problem::new("nothing_to_set", format!("the row sets no field of {}", operation.name))
        .hint("fill in a value, or leave the row out"))
}

/// A blank value sends nothing, and so does the flag beside it: it would change whether the
/// user may sign in with the value that stays.
fn drop_flags_of_blanks(operation: &Operation, blanks: u32, values: &mut Values<'_>) {
    for (index, field) in operation.fields.iter().enumerate() {
        if let Need::With(other) = field.need
            && let Some(value) = operation.index_of(other)
            && values[value].is_none()
            && blanks & (1 << value) != 0
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
fn lane(login_id: &str) -> u64 {
    let folded: String = if login_id.starts_with('+') {
        login_id.chars().filter(|c| !clean::is_phone_separator(*c)).collect()
    } else {
        login_id.to_lowercase()
    };
    xxhash_rust::xxh3::xxh3_64(folded.as_bytes())
}

#[cfg(test)]
mod tests;
