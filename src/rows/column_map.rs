//! Layouts: what the columns of a file, or the keys of a JSON row, stand for.
//!
//! Reconciled once for each set of names. The operation is the row's own, the one that was
//! asked for, or the only one that the columns fit.

use std::collections::HashSet;
use std::sync::Arc;

use crate::catalog::{Field, Kind, Need, OPERATIONS, Operation, Role, USER_ID, normalize};
use crate::input::record::{PLAN_KEYS, is_added};
use crate::issue::Issue;

use super::attributes::{self, Takes};
use super::hashed_passwords;
use super::inference::infer;
use super::mapping::{Blank, FLAG, Mapping};
use super::refusals::{
    LISTED, check_destructive, nearest, not_a_field, not_fields, options, settling, unknown_column,
    unstated,
};
use super::user_names::{holds_login_ids, names_user};
use super::values::password_hash::{self, HashColumn};

/// What a column stands for in rows of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// It is left out, or names the operation or the region.
    Nothing,
    /// The operation's field of this index, and what a blank cell means there.
    Field(usize, Blank),
    /// The operation's field of this index, by all login IDs of the user; whether the row has the
    /// user's ID, too, so that they can only be one user's.
    LoginIds(usize, bool),
    /// A custom attribute of this name, and what a blank cell means there.
    Attribute(Box<str>, Blank),
    /// A hashed password, or a part of one.
    Hash(HashColumn),
    /// A field that only other operations have: it must be blank.
    OtherField,
    /// The header has no name for it: it must be blank.
    Unnamed,
}

/// What a column name stands for, whatever the operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Ignored,
    Operation,
    Region,
    Attribute(Box<str>),
    Hash(HashColumn),
    Named(String),
    Unnamed,
}

impl Column {
    /// The name of the field that it stands for.
    fn field(&self) -> Option<&str> {
        match self {
            Self::Named(field) => Some(field),
            _ => None,
        }
    }
}

/// What the columns stand for.
#[derive(Clone, Debug)]
pub(super) struct ColumnMap {
    columns: Vec<Column>,
    operation: Option<&'static Operation>,
    /// The user's ID stands beside all its login IDs, as the API shows users.
    one_user: bool,
    bound: Vec<(&'static str, Arc<Bound>)>,
}

impl ColumnMap {
    /// Resolves what column names stand for.
    pub(super) fn resolve(names: &[String], mapping: &Mapping) -> Result<Self, Issue> {
        let columns: Result<Vec<Column>, Issue> =
            names.iter().map(|name| column(name, mapping)).collect();
        let mut columns = columns?;
        check_known(&mut columns, names, mapping)?;
        check_names_twice(&columns, names)?;
        check_attributes_twice(&columns, names)?;
        let one_user = leave_out_user_id(&mut columns, names);
        let operation = if columns.contains(&Column::Operation) {
            None
        } else if mapping.operation.is_some() {
            mapping.operation
        } else {
            Some(infer_with_flag(&mut columns, mapping)?)
        };
        if let Some(operation) = operation {
            name_flag(&mut columns, operation);
            let fields = || fields(&columns, names);
            let is_stranger = |field: &str| operation.field_index(field).is_none();
            let strangers = fields().filter(|(field, _)| is_stranger(field));
            let strangers: Vec<&String> = strangers.map(|(_, name)| name).collect();
            check_of_operation(operation, &strangers)?;
            check_twice(operation, fields())?;
            let attribute = |column: &Column| matches!(column, Column::Attribute(_));
            if let Some(index) = columns.iter().position(attribute)
                && Takes::of(operation).is_none()
            {
                return Err(not_a_field(operation, &names[index]));
            }
            let hash = |column: &Column| matches!(column, Column::Hash(_));
            if let Some(index) = columns.iter().position(hash)
                && hashed_passwords::field(operation).is_none()
            {
                return Err(not_a_field(operation, &names[index]));
            }
        }
        let phones = may_hold(operation, &columns, Kind::Phone);
        if mapping.ignore_unknown && !phones {
            // Then it is the region of something else.
            let regions = columns.iter_mut().filter(|column| **column == Column::Region);
            regions.for_each(|column| *column = Column::Ignored);
        }
        check_region(phones, &columns, names)?;
        Ok(Self { columns, operation, one_user, bound: Vec::new() })
    }

    /// Refuses a header whose rows could never be valid.
    pub(super) fn check_header(&self, names: &[String], mapping: &Mapping) -> Result<(), Issue> {
        let Some(operation) = self.operation else {
            return Ok(());
        };
        check_destructive(operation, mapping)?;
        let has = |wanted: &str| {
            let stands_for = |name: &str| {
                operation.field_index(name).is_some_and(|i| operation.fields[i].name == wanted)
            };
            self.columns.iter().any(|c| matches!(c, Column::Named(name) if stands_for(name)))
                || mapping.set.iter().any(|(name, _)| stands_for(name))
        };
        let attribute = self.columns.iter().any(|column| matches!(column, Column::Attribute(_)));
        let of_attribute = |field: &Field| {
            attribute && matches!(field.role, Role::AttributeKey | Role::AttributeValue)
        };
        for field in operation.fields {
            match field.need {
                Need::Required if !has(field.name) && !of_attribute(field) => {
                    return Err(Issue::error(
                        "missing_column",
                        format!("no column gives {}, which {} needs", field.name, operation.name),
                    )
                    .hint(format!(
                        "add a column {}, or name the column that holds it: --map COLUMN={}",
                        field.name, field.name
                    )));
                }
                Need::Required | Need::Optional => {}
            }
            let contact = operation.contact_of_flag(field).map(|i| operation.fields[i].name);
            if let Some(contact) = contact
                && has(contact)
                && !has(field.name)
            {
                return Err(unstated(field, contact, self.flag_left_out(names)));
            }
        }
        Ok(())
    }

    /// A column that is left out and sounds like the flag that is missing.
    fn flag_left_out<'a>(&self, names: &'a [String]) -> Option<&'a str> {
        let sounds = |(column, name): &(&Column, &String)| {
            **column == Column::Ignored && normalize(name).contains("verified")
        };
        let mut left_out = self.columns.iter().zip(names).filter(sounds);
        left_out.next().map(|(_, name)| name.as_str())
    }

    /// The operation of every row, unless rows name their own.
    pub(super) fn operation(&self) -> Option<&'static Operation> {
        self.operation
    }

    /// The column that names a row's operation.
    pub(super) fn operation_column(&self) -> Option<usize> {
        self.columns.iter().position(|column| *column == Column::Operation)
    }

    /// The column that states the region of a row's phone numbers.
    pub(super) fn region_column(&self) -> Option<usize> {
        self.columns.iter().position(|column| *column == Column::Region)
    }

    /// The custom attributes that have columns of their own.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter_map(|column| match column {
            Column::Attribute(name) => Some(&**name),
            _ => None,
        })
    }

    /// The columns that are fields, by their places.
    pub(super) fn named(&self) -> impl Iterator<Item = (usize, &str)> {
        let columns = self.columns.iter().enumerate();
        columns.filter_map(|(index, column)| Some((index, column.field()?)))
    }

    /// Whether custom attributes have columns of their own.
    pub(super) fn has_attributes(&self) -> bool {
        self.columns.iter().any(|column| matches!(column, Column::Attribute(_)))
    }

    /// Whether a column may hold values of a kind, whatever the rows' operations.
    pub(super) fn may_hold(&self, kind: Kind) -> bool {
        may_hold(self.operation, &self.columns, kind)
    }

    /// The column that names the user, and whether it does so by all login IDs.
    pub(super) fn user_column(&self) -> Option<(usize, bool)> {
        let mut columns = self.columns.iter().enumerate();
        columns.find_map(|(index, column)| {
            let name = column.field().filter(|name| names_user(name))?;
            Some((index, holds_login_ids(name)))
        })
    }

    /// What columns and settings stand for in rows of an operation; resolved once for each.
    pub(super) fn bind(&mut self, operation: &'static Operation, mapping: &Mapping) -> Arc<Bound> {
        if let Some((_, bound)) = self.bound.iter().find(|(name, _)| *name == operation.name) {
            return Arc::clone(bound);
        }
        let (takes, hashes) = (Takes::of(operation), hashed_passwords::field(operation));
        let means = self.columns.iter().map(|column| match column {
            Column::Ignored | Column::Operation | Column::Region => Means::Nothing,
            Column::Unnamed => Means::Unnamed,
            Column::Hash(column) if hashes.is_some() => Means::Hash(*column),
            Column::Hash(_) => Means::OtherField,
            Column::Attribute(_) if takes.is_none() => Means::OtherField,
            Column::Attribute(name) => {
                Means::Attribute(name.clone(), mapping.blank_for_attribute(name))
            }
            Column::Named(name) => match operation.field_index(name) {
                Some(index) if holds_login_ids(name) => Means::LoginIds(index, self.one_user),
                Some(index) => Means::Field(index, mapping.blank_for(operation, index)),
                None => Means::OtherField,
            },
        });
        let bound = Arc::new(Bound {
            means: means.collect(),
            sets: sets(operation, mapping),
            takes,
            hashes,
        });
        self.bound.push((operation.name, Arc::clone(&bound)));
        bound
    }
}

/// What columns and settings stand for in rows of one operation.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    /// For each column.
    pub(super) means: Vec<Means>,
    /// For each `--set` that the operation has a field for; values before the flags that go with
    /// them.
    pub(super) sets: Vec<Set>,
    /// How the operation takes custom attributes that have columns of their own.
    pub(super) takes: Option<Takes>,
    /// The field that takes hashed passwords.
    pub(super) hashes: Option<usize>,
}

/// A `--set` for a field of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set {
    /// Its index among the mapping.
    pub(super) rule: usize,
    /// The index of the field.
    pub(super) field: usize,
    /// The index of the value that it is a flag of.
    pub(super) goes_with: Option<usize>,
}

fn sets(operation: &Operation, mapping: &Mapping) -> Vec<Set> {
    let set = |(rule, (name, _)): (usize, &(String, String))| {
        let field = operation.field_index(name)?;
        let goes_with = operation.contact_of_flag(&operation.fields[field]);
        Some(Set { rule, field, goes_with })
    };
    let mut sets: Vec<Set> = mapping.set.iter().enumerate().filter_map(set).collect();
    sets.sort_by_key(|set| set.goes_with.is_some());
    sets
}

pub(super) fn column(name: &str, mapping: &Mapping) -> Result<Column, Issue> {
    let same = |other: &str| normalize(other) == normalize(name);
    let only = || mapping.only.is_empty() || mapping.only.iter().any(|only| same(only));
    let ignored = || mapping.ignore.iter().any(|ignored| same(ignored));
    if is_added(name) || PLAN_KEYS.contains(&name) || ignored() || !only() {
        return Ok(Column::Ignored);
    }
    if name.trim().is_empty() {
        return Ok(Column::Unnamed);
    }
    let mapped =
        mapping.map.iter().find(|(column, _)| same(column)).map(|(_, field)| field.as_str());
    let field = mapped.unwrap_or(name);
    if let Some(column) = password_hash::of_column(field) {
        return column.map(Column::Hash).map_err(|issue| issue.at(name));
    }
    Ok(match (normalize(field).as_str(), attributes::of_column(field)) {
        ("operation", _) => Column::Operation,
        ("region", _) => Column::Region,
        (_, Some(attribute)) => Column::Attribute(attribute.into()),
        _ => Column::Named(field.to_owned()),
    })
}

/// Leaves out the user's ID beside all its login IDs, which name the same user wherever the API
/// takes a name. Returns whether it is there.
fn leave_out_user_id(columns: &mut [Column], names: &[String]) -> bool {
    let is_id = |name: &str| normalize(name) == normalize(USER_ID);
    if columns.iter().filter_map(Column::field).any(holds_login_ids) {
        for column in columns.iter_mut().filter(|column| column.field().is_some_and(is_id)) {
            *column = Column::Ignored;
        }
    }
    names.iter().any(|name| is_id(name))
}

pub(super) fn is_known(name: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.field_index(name).is_some())
}

/// The columns that are fields, with their names in the file.
fn fields<'a>(
    columns: &'a [Column],
    names: &'a [String],
) -> impl Iterator<Item = (&'a str, &'a String)> {
    columns.iter().zip(names).filter_map(|(column, name)| Some((column.field()?, name)))
}

/// Refuses names that the header has more than once, unless those columns are left out.
fn check_names_twice(columns: &[Column], names: &[String]) -> Result<(), Issue> {
    let taken = |column: &Column| !matches!(column, Column::Ignored | Column::Unnamed);
    let mut sorted: Vec<&String> =
        columns.iter().zip(names).filter(|(column, _)| taken(column)).map(|(_, n)| n).collect();
    sorted.sort_unstable();
    let mut twice: Vec<&String> =
        sorted.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    twice.dedup();
    let Some(first) = twice.first() else { return Ok(()) };
    let list: Vec<String> = twice.iter().take(LISTED).map(|name| format!("{name:?}")).collect();
    Err(Issue::error(
        "duplicate_field",
        format!("columns more than once in the header: {}", list.join(", ")),
    )
    .at(first.as_str())
    .hint(format!("keep one of each, or omit all of them: {}", options("--ignore", &twice))))
}

/// Refuses columns that are no field of any operation, all of them at once; or leaves them out.
fn check_known(columns: &mut [Column], names: &[String], mapping: &Mapping) -> Result<(), Issue> {
    let unknown = |column: &Column| matches!(column, Column::Named(field) if !is_known(field));
    if mapping.ignore_unknown {
        let nameless = |column: &Column| *column == Column::Unnamed;
        let left_out = columns.iter_mut().filter(|column| unknown(column) || nameless(column));
        left_out.for_each(|column| *column = Column::Ignored);
        return Ok(());
    }
    let mut seen = HashSet::new();
    let strangers = columns.iter().zip(names).filter(|(column, _)| unknown(column));
    let strangers: Vec<&String> =
        strangers.map(|(_, name)| name).filter(|name| seen.insert(*name)).collect();
    match strangers[..] {
        [] => Ok(()),
        [name] => Err(unknown_column(name)),
        _ => {
            let told = |name: &&String| format!("{name:?}{}", nearest(name).replace("; ", " ("));
            let close = |told: String| if told.ends_with('?') { told + ")" } else { told };
            let list: Vec<String> = strangers.iter().take(LISTED).map(told).map(close).collect();
            Err(Issue::error(
                "unknown_field",
                format!("no operation has these fields: {}", list.join(", ")),
            )
            .hint(settling(&strangers)))
        }
    }
}

/// Refuses columns that are no field of the operation, all of them at once.
fn check_of_operation(operation: &Operation, strangers: &[&String]) -> Result<(), Issue> {
    match strangers {
        [] => Ok(()),
        [name] => Err(not_a_field(operation, name)),
        _ => Err(not_fields(operation, strangers)),
    }
}

/// Names the flag of the only contact in operations that have several, where its column is just
/// called `verified`: it can be no other's.
fn name_flag(columns: &mut [Column], operation: &Operation) {
    if operation.field_index(FLAG).is_some() {
        return;
    }
    let is = |column: &Column, field: &Field| match column {
        Column::Named(name) => operation
            .field_index(name)
            .is_some_and(|index| operation.fields[index].name == field.name),
        _ => false,
    };
    let stated = |field: &Field| columns.iter().any(|column| is(column, field));
    let mut flags = operation.fields.iter().filter(|flag| {
        let contact = operation.contact_of_flag(flag).map(|index| &operation.fields[index]);
        contact.is_some_and(stated)
    });
    let (Some(flag), None) = (flags.next(), flags.next()) else { return };
    let bare =
        |column: &&mut Column| matches!(column, Column::Named(name) if normalize(name) == FLAG);
    if !stated(flag)
        && let Some(column) = columns.iter_mut().find(bare)
    {
        *column = Column::Named(flag.name.to_owned());
    }
}

/// The one operation that columns fit, with the flag of a contact taken for what it can only be.
fn infer_with_flag(
    columns: &mut Vec<Column>,
    mapping: &Mapping,
) -> Result<&'static Operation, Issue> {
    let infer = |columns: &[Column]| {
        let named: Vec<&str> = columns.iter().filter_map(Column::field).collect();
        let attributes = columns.iter().filter(|c| matches!(c, Column::Attribute(_))).count();
        infer(&named, attributes, mapping)
    };
    let first = infer(columns);
    if first.is_ok() {
        return first;
    }
    let mut flagged = columns.clone();
    if let Some(patch) = OPERATIONS.iter().find(|operation| operation.sets_any_field()) {
        name_flag(&mut flagged, patch);
    }
    let second = infer(&flagged).or(first)?;
    *columns = flagged;
    Ok(second)
}

/// Refuses two columns for one custom attribute.
fn check_attributes_twice(columns: &[Column], names: &[String]) -> Result<(), Issue> {
    for (index, (column, name)) in columns.iter().zip(names).enumerate() {
        if let Column::Attribute(attribute) = column
            && columns[..index].contains(column)
        {
            return Err(attributes::twice(attribute).at(name));
        }
    }
    Ok(())
}

/// Whether a column may hold values of a kind in rows of an operation, or of any.
fn may_hold(operation: Option<&Operation>, columns: &[Column], kind: Kind) -> bool {
    let holds = |operation: &Operation, field: &str| {
        operation.field_index(field).is_some_and(|index| operation.fields[index].kind == kind)
    };
    columns.iter().filter_map(Column::field).any(|field| match operation {
        Some(operation) => holds(operation, field),
        None => OPERATIONS.iter().any(|operation| holds(operation, field)),
    })
}

/// Refuses a second region, and one where there is no phone number that it could be for: then it
/// is a column of the user's own that nobody would miss until it is too late.
fn check_region(phones: bool, columns: &[Column], names: &[String]) -> Result<(), Issue> {
    let mut regions = columns.iter().zip(names).filter(|(column, _)| **column == Column::Region);
    let Some((_, name)) = regions.next() else { return Ok(()) };
    if let Some((_, second)) = regions.next() {
        return Err(Issue::error(
            "duplicate_field",
            format!("the columns {name} and {second} both set the region"),
        )
        .at(second)
        .hint(format!("omit one of them: --ignore {second:?}")));
    }
    if phones {
        return Ok(());
    }
    Err(Issue::error("unknown_field", "--region applies to phone numbers, and no column has any")
        .at(name)
        .hint(format!("omit it with --ignore {name:?}")))
}

fn check_twice<'a>(
    operation: &Operation,
    fields: impl Iterator<Item = (&'a str, &'a String)>,
) -> Result<(), Issue> {
    let mut taken: Vec<(usize, &str)> = Vec::new();
    for (field, name) in fields {
        let Some(index) = operation.field_index(field) else {
            continue;
        };
        if let Some((_, first)) = taken.iter().find(|(other, _)| *other == index) {
            return Err(Issue::error(
                "duplicate_field",
                format!("the columns {first} and {name} both set {}", operation.fields[index].name),
            )
            .at(name)
            .hint(format!("omit one of them: --ignore {name:?}")));
        }
        taken.push((index, name));
    }
    Ok(())
}
