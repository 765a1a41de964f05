//! One row: from its cells to an operation's values, or everything that is wrong with them.

use std::borrow::Cow;

use super::assemble::{Assembled, MAX_FIELDS, Values, assemble};
use super::attribute_types;
use super::attributes;
use super::cell::{Cell, note};
use super::column_map::{self, ColumnMap, Means};
use super::hashed_passwords::HashCells;
use super::mapping::{Blank, Mapping};
use super::refusals;
use super::survey::Survey;
use crate::catalog::{self, Answers, Empty, Field, Kind, Need, Operation, OperationKind, Role};
use crate::change::Value;
use crate::input::record::Notes;
use crate::issue::Issue;
use crate::rows::values::{CellReading, Cleaned, PhoneReading, StatedRegion, UNKNOWN_REGION};

/// A row, and what it is read by.
#[derive(Clone, Copy)]
pub(super) struct RowCells<'a> {
    pub(super) mapping: &'a Mapping,
    /// The name of the row's file.
    pub(super) file: &'a str,
    /// The names of its columns or keys.
    pub(super) names: &'a [String],
    pub(super) cells: &'a [Cell<'a>],
    /// What its columns show.
    pub(super) survey: &'a Survey,
    /// Whether its custom attributes have the types that are stated or declared.
    pub(super) typed: bool,
}

impl<'a> RowCells<'a> {
    /// How a cell is read, by what its column shows.
    fn reading_of(
        &self,
        name: &str,
        (means, field): (&Means, &Field),
        cell: Cell<'_>,
        reading: CellReading,
    ) -> CellReading {
        let column = (self.file, name);
        match means {
            Means::Attribute(attribute, _) => {
                let known = self.mapping.attribute_type(attribute).filter(|_| self.typed);
                let attribute = known.unwrap_or_else(|| self.survey.attribute(column));
                CellReading { attribute, ..reading }
            }
            _ if field.kind == Kind::Phone => self.survey.phone(column, cell, reading),
            _ => reading,
        }
    }

    /// The name of the custom attribute whose value stands beside it, if there is one.
    fn attribute_key(&self, operation: &Operation, means: &[Means]) -> Option<String> {
        let key = operation.index_of(Role::AttributeKey).filter(|_| self.typed)?;
        let is_key = |means: &Means| matches!(means, Means::Field(index, _) if *index == key);
        let cell = means.iter().position(is_key).and_then(|column| self.cells.get(column));
        let set =
            self.mapping.set.iter().find(|(name, _)| operation.field_index(name) == Some(key));
        let name = match (cell.filter(|cell| !cell.is_blank()), set) {
            (Some(cell), _) => cell.shown(),
            (None, Some((_, name))) => name.clone(),
            (None, None) => return None,
        };
        Some(name.trim().to_owned())
    }

    /// The value of a cell, if it is one that the project takes.
    fn value(
        &self,
        (means, field, blank): (&Means, &Field, Blank),
        key: Option<&str>,
        cell: Cell<'a>,
        reading: CellReading,
    ) -> Result<Option<Cleaned<'a>>, Issue> {
        let value = match means {
            Means::LoginIds(_, one_user) => cell.first_login_id(*one_user, reading),
            _ => cell.value(field, blank, reading),
        };
        match value? {
            Some(cleaned) if self.typed => {
                attribute_types::settled(self.mapping, (means, field), key, cleaned).map(Some)
            }
            value => Ok(value),
        }
    }
}

/// What was learned of a row on the way, whether it turns out to be valid or not.
#[derive(Default)]
pub(super) struct RowDraft {
    pub(super) notes: Option<Box<Notes>>,
    pub(super) operation: Option<&'static Operation>,
    pub(super) login_id: Option<String>,
    /// What is wrong with its cells.
    pub(super) errors: Vec<Issue>,
}

/// The parts of a row's instruction, or what is wrong with it.
pub(super) fn fill(
    column_map: &mut ColumnMap,
    row: RowCells<'_>,
    draft: &mut RowDraft,
) -> Result<Assembled, Issue> {
    let parts = parts(column_map, row, draft);
    if parts.is_err() {
        draft.login_id = login_id(column_map, row.names, row.cells);
    }
    parts
}

/// Counts the values of a row among those of their columns, where these show more than each.
pub(super) fn survey(column_map: &mut ColumnMap, row: RowCells<'_>, survey: &mut Survey) {
    let RowCells { mapping, file, names, cells, .. } = row;
    let Ok(operation) = operation_of(column_map, mapping, names, cells) else { return };
    let bound = column_map.bind(operation, mapping);
    let reading = reading(column_map, mapping, cells);
    for ((cell, means), name) in cells.iter().zip(&bound.means).zip(names) {
        match means {
            Means::Field(index, _) if operation.fields[*index].kind == Kind::Phone => {
                survey.count_phone((file, name), *cell, reading.phone);
            }
            Means::Attribute(..) => survey.count_attribute((file, name), *cell),
            _ => {}
        }
    }
}

fn parts(
    column_map: &mut ColumnMap,
    row: RowCells<'_>,
    draft: &mut RowDraft,
) -> Result<Assembled, Issue> {
    let RowCells { mapping, names, cells, .. } = row;
    let operation = operation_of(column_map, mapping, names, cells)?;
    draft.operation = Some(operation);
    refusals::check_destructive(operation, mapping)?;
    let bound = column_map.bind(operation, mapping);
    let key = row.attribute_key(operation, &bound.means);
    let reading = reading(column_map, mapping, cells);
    let attribute = key.as_deref().and_then(|key| mapping.attribute_type(key));
    let reading = CellReading { attribute: attribute.unwrap_or_default(), ..reading };
    let mut values: Values<'_> = [const { None }; MAX_FIELDS];
    let (mut given, mut hash_cells) = (Vec::new(), HashCells::default());
    let mut unset = Unset::default();
    for (column, ((cell, means), name)) in cells.iter().zip(&bound.means).zip(names).enumerate() {
        let Some((field, blank)) = of_column(operation, means) else {
            if let Means::Hash(column) = means {
                hash_cells.add(*column, *cell, name);
            }
            draft.errors.extend(out_of_place(operation, means, *cell, (column, name)));
            continue;
        };
        let reading = row.reading_of(name, (means, field), *cell, reading);
        let value = row.value((means, field, blank), key.as_deref(), *cell, reading);
        if let Ok(Some(cleaned)) = &value {
            note(cleaned, *cell, || name.clone(), &mut draft.notes);
        }
        match (means, value) {
            (Means::Field(index, _), Ok(Some(_))) if values[*index].is_some() => {
                draft.errors.push(twice(field, name));
            }
            (Means::Field(index, _) | Means::LoginIds(index, _), Ok(Some(cleaned))) => {
                values[*index] = Some(cleaned.value);
            }
            (Means::Field(index, _), Ok(None)) => unset.blank |= 1 << index,
            (Means::Attribute(attribute, _), Ok(Some(cleaned))) => {
                given.push((&**attribute, cleaned.value));
            }
            (_, Ok(_)) => {}
            (means, Err(problem)) => {
                if let Means::Field(index, _) | Means::LoginIds(index, _) = means {
                    unset.faulty |= 1 << index;
                }
                let region = column_map.region_column().filter(|_| problem.code == UNKNOWN_REGION);
                draft.errors.push(problem.at(&names[region.unwrap_or(column)]));
            }
        }
    }
    let attributes = match bound.takes {
        Some(takes) => attributes::place(takes, given, &mut values)?,
        None => Vec::new(),
    };
    set_missing(operation, mapping, reading, (&bound.sets, &mut values), draft)?;
    set_hash(bound.hashes, hash_cells.value(mapping), &mut values, draft);
    let unset = Unset { attributes: !attributes.is_empty(), ..unset };
    complete(operation, mapping, unset, &mut values, &mut draft.errors);
    if draft.errors.is_empty() {
        Ok(assemble(operation, mapping, values, attributes))
    } else {
        Err(draft.errors.remove(0))
    }
}

/// The field that a column's cells are read for, and what a blank one means.
fn of_column<'a>(operation: &'a Operation, means: &Means) -> Option<(&'a Field, Blank)> {
    match means {
        Means::Field(index, blank) => Some((&operation.fields[*index], *blank)),
        Means::LoginIds(index, _) => Some((&operation.fields[*index], Blank::Skip)),
        Means::Attribute(_, blank) => Some((&ATTRIBUTE, *blank)),
        Means::Nothing | Means::Hash(_) | Means::OtherField | Means::Unnamed => None,
    }
}

/// What is wrong with a cell of a column that rows of an operation have nothing in.
fn out_of_place(
    operation: &Operation,
    means: &Means,
    cell: Cell<'_>,
    (column, name): (usize, &str),
) -> Option<Issue> {
    match means {
        Means::Nothing | Means::Hash(_) => None,
        _ if cell.is_blank() => None,
        Means::Unnamed => Some(refusals::unnamed(column)),
        _ => Some(refusals::not_a_field(operation, name)),
    }
}

/// Fields that a row has no value for, a bit for each.
#[derive(Clone, Copy, Debug, Default)]
struct Unset {
    /// Its cell is blank.
    blank: u32,
    /// Its cell holds what cannot be sent.
    faulty: u32,
    /// Whether there are custom attributes beside the fields.
    attributes: bool,
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
    role: catalog::Role::AttributeValue,
    need: Need::Optional,
    empty: Empty::Clears,
    in_batches_only: false,
    about: "",
};

fn twice(field: &Field, name: &str) -> Issue {
    Issue::error("duplicate_field", format!("the row sets {} twice", field.name))
        .at(name)
        .hint("omit one of the columns with --ignore")
}

/// How a row's phone numbers are read: its own region wins over the one for all rows.
fn reading(column_map: &ColumnMap, mapping: &Mapping, cells: &[Cell<'_>]) -> CellReading {
    let reading = mapping.reading();
    let cell = column_map.region_column().and_then(|column| cells.get(column));
    match cell {
        Some(cell) if !cell.is_blank() => {
            let region = match cell {
                Cell::Text(text) => text.parse(),
                Cell::Json(_) => cell.shown().parse(),
            };
            let region = region.map_or(StatedRegion::Wrongly, StatedRegion::As);
            CellReading { phone: PhoneReading { region, ..reading.phone }, ..reading }
        }
        _ => reading,
    }
}

/// The user that a row names, as far as that can be told before its operation is known.
fn login_id(column_map: &ColumnMap, names: &[String], cells: &[Cell<'_>]) -> Option<String> {
    let (column, all) = column_map.user_column()?;
    let (cell, reading) = (cells.get(column)?, CellReading::default());
    let value = if all {
        cell.first_login_id(true, reading)
    } else {
        cell.value(&catalog::USER, Blank::Skip, reading)
    };
    match value.ok()??.value {
        Value::Text(text) if names.len() == cells.len() => Some(text.into_owned()),
        _ => None,
    }
}

fn operation_of(
    column_map: &ColumnMap,
    mapping: &Mapping,
    names: &[String],
    cells: &[Cell<'_>],
) -> Result<&'static Operation, Issue> {
    if let Some(operation) = column_map.operation() {
        return Ok(operation);
    }
    let column = column_map.operation_column();
    let Some((name, cell)) = column.and_then(|i| Some((names.get(i)?, *cells.get(i)?))) else {
        return Err(refusals::no_operation());
    };
    let text = match cell {
        Cell::Text(text) => Cow::Borrowed(text.trim()),
        Cell::Json(raw) if raw.get() == "null" => "".into(),
        Cell::Json(raw) => serde_json::from_str::<String>(raw.get())
            .map_err(|_| Issue::error("unknown_operation", "expected text").at(name))?
            .into(),
    };
    if text.is_empty() {
        return mapping.operation.ok_or_else(|| refusals::no_operation().at(name));
    }
    Operation::named(&text).ok_or_else(|| refusals::unknown_operation(&text).at(name))
}

/// Fills in what is set for all rows; a flag goes with a value, never alone.
fn set_missing<'a>(
    operation: &Operation,
    mapping: &'a Mapping,
    reading: CellReading,
    (sets, values): (&[column_map::Set], &mut Values<'a>),
    draft: &mut RowDraft,
) -> Result<(), Issue> {
    for set in sets {
        let (name, text) = &mapping.set[set.rule];
        let alone = set.goes_with.is_some_and(|value| values[value].is_none());
        if values[set.field].is_none() && !alone {
            let (column, cell) = (|| format!("--set {name}"), Cell::Text(text));
            let value = cell
                .value(&operation.fields[set.field], Blank::Skip, reading)
                .map_err(|problem| problem.at(column()))?;
            if let Some(cleaned) = value {
                note(&cleaned, cell, column, &mut draft.notes);
                values[set.field] = Some(cleaned.value);
            }
        }
    }
    Ok(())
}

/// Puts in place the hashed password of columns of its own.
fn set_hash<'a>(
    index: Option<usize>,
    hash: Result<Option<Value<'a>>, Issue>,
    values: &mut Values<'a>,
    draft: &mut RowDraft,
) {
    match (index, hash) {
        (Some(index), Ok(Some(_))) if values[index].is_some() => {
            let issue = Issue::error("duplicate_field", "the hashed password is given twice");
            draft.errors.push(issue.hint("give it in a column of its own, or whole"));
        }
        (Some(index), Ok(Some(hash))) => values[index] = Some(hash),
        (_, Ok(_)) => {}
        (_, Err(issue)) => draft.errors.push(issue),
    }
}

/// Checks that the row has what the operation needs and nothing that does harm unasked.
fn complete(
    operation: &Operation,
    mapping: &Mapping,
    unset: Unset,
    values: &mut Values<'_>,
    errors: &mut Vec<Issue>,
) {
    drop_flags_of_blanks(operation, unset, values);
    for (index, field) in operation.fields.iter().enumerate() {
        let given = match &values[index] {
            Some(value) if value.is_empty() => {
                errors.extend(check_empty(field, mapping).err());
                true
            }
            Some(_) => true,
            // What is wrong with it has been said.
            None => unset.is_faulty(index),
        };
        match field.need {
            Need::Required if !given => errors.push(missing(field, unset.is_blank(index))),
            Need::Required | Need::Optional => {}
        }
        let contact = operation.contact_of_flag(field).filter(|_| !given);
        match contact.map(|contact| (contact, &values[contact])) {
            // What is removed cannot be signed in with, verified or not.
            Some((_, Some(value))) if value.is_empty() => {
                values[index] = Some(Value::Boolean(false));
            }
            Some((contact, Some(_))) => {
                errors.push(refusals::unstated(field, operation.fields[contact].name, None));
            }
            Some((_, None)) | None => {}
        }
    }
    errors.extend(refusals::of_new_user(operation, mapping, values));
    // A new user, and what is done to credentials, needs nothing but the name.
    let is_whole = operation.kind != OperationKind::Update || operation.answers == Answers::Nothing;
    let sets_something = unset.attributes
        || is_whole
        || operation.fields.len() == 1
        || values.iter().skip(1).any(Option::is_some);
    if errors.is_empty() && !sets_something {
        let what = format!("the row sets no field of {}", operation.name);
        let hint = "fill in a value, or remove the row";
        errors.push(Issue::error("nothing_to_set", what).hint(hint));
    }
}

/// A blank value sends nothing, and so does the flag beside it: it would change whether the
/// user may sign in with the value that stays.
fn drop_flags_of_blanks(operation: &Operation, unset: Unset, values: &mut Values<'_>) {
    for (index, field) in operation.fields.iter().enumerate() {
        if let Some(contact) = operation.contact_of_flag(field)
            && values[contact].is_none()
            && unset.is_blank(contact)
        {
            values[index] = None;
        }
    }
}

fn check_empty(field: &Field, mapping: &Mapping) -> Result<(), Issue> {
    match field.empty {
        Empty::Clears => Ok(()),
        Empty::Opens(_) if mapping.allow_destructive => Ok(()),
        Empty::Opens(why) => Err(Issue::error("destructive", why)
            .at(field.name)
            .hint("use --allow-destructive to allow it")),
        Empty::Refused => {
            Err(Issue::error("empty_value", format!("{} cannot be empty", field.name))
                .at(field.name)
                .hint("write a value, or leave the row out"))
        }
    }
}

fn missing(field: &Field, blank: bool) -> Issue {
    let what = if blank { "is blank" } else { "is missing" };
    let problem = Issue::error("missing_value", format!("{} {what}", field.name)).at(field.name);
    match field.empty {
        Empty::Refused => problem.hint("fill it in"),
        _ => problem
            .hint("fill it in; to remove the value, use --blank clear, or \"\" in a JSON row"),
    }
}
