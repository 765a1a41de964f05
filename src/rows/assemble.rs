//! What a row comes to: changes, the lanes that it must keep to, and how it shares a batch.

use super::batch_terms::BatchTerms;
use super::batching;
use super::instruction::{AsPatch, InLanes, Instruction, lane};
use super::mapping::{Mapping, OnConflict};
use crate::catalog::{Effect, Operation, OperationKind, Role};
use crate::change::{Action, Change, Changes, Subject, Value, members};
use crate::input::record::{Notes, Record};

/// The most fields that an operation has, with room to grow; a test keeps it.
pub(super) const MAX_FIELDS: usize = 32;

pub(super) type Values<'a> = [Option<Value<'a>>; MAX_FIELDS];

/// An instruction without its record.
pub(super) struct Assembled {
    operation: &'static Operation,
    login_id: String,
    changes: Changes,
    on_conflict: OnConflict,
    lanes: InLanes,
    batch: Option<BatchTerms>,
    looked_up: bool,
    attributes_apart: bool,
    invites: bool,
    patched: Option<Box<AsPatch>>,
}

impl Assembled {
    pub(super) fn of(self, record: Record, notes: Option<Box<Notes>>) -> Instruction {
        Instruction {
            record,
            operation: self.operation,
            login_id: self.login_id,
            changes: self.changes,
            on_conflict: self.on_conflict,
            ambiguous: false,
            lanes: self.lanes,
            batch: self.batch,
            looked_up: self.looked_up,
            attributes_apart: self.attributes_apart,
            invites: self.invites,
            user_id: None,
            patched: self.patched,
            expect: None,
            notes,
        }
    }
}

/// Puts together what the fields of a row hold, and the custom attributes of columns of their own.
pub(super) fn assemble(
    operation: &'static Operation,
    mapping: &Mapping,
    values: Values<'_>,
    attributes: Vec<(&str, Value<'_>)>,
) -> Assembled {
    let text = |role: Role| match operation.index_of(role).map(|index| &values[index]) {
        Some(Some(Value::Text(text))) => Some(text.to_string()),
        _ => None,
    };
    let login_id = text(Role::User).unwrap_or_default();
    let within = text(Role::RoleTenant).or_else(|| text(Role::AttributeKey));
    let mut changes = Changes::new();
    for (field, value) in operation.fields.iter().zip(values) {
        if let Some(value) = value {
            add(&mut changes, field.role, operation.effect, value.into_owned(), within.as_deref());
        }
    }
    for (name, value) in attributes {
        changes.push(Change::set(Subject::Attribute(name.into()), value.into_owned()));
    }
    let batch = batching::terms(operation, &changes, mapping);
    let on_conflict = mapping.on_conflict;
    let looked_up = is_looked_up(operation, mapping);
    let guarded = (batch.is_some() || looked_up) && on_conflict == OnConflict::Fail;
    let lanes = lanes(&login_id, &changes, guarded);
    let attributes_apart = batching::are_attributes_apart(operation, &changes, mapping);
    let patched = (operation.kind == OperationKind::Upsert).then(|| as_patch(&changes, mapping));
    Assembled {
        operation,
        login_id,
        changes,
        on_conflict,
        lanes,
        batch,
        looked_up,
        attributes_apart,
        invites: mapping.invites,
        patched: patched.map(Box::new),
    }
}

/// Whether contacts are looked up by themselves: a patch cannot ask the server to refuse; and who is
/// merged away is worth knowing.
fn is_looked_up(operation: &Operation, mapping: &Mapping) -> bool {
    match mapping.on_conflict {
        OnConflict::Merge => operation.fail_on_conflict,
        // What the server makes of it for a new user is not documented.
        OnConflict::Fail => {
            let is_batched = batching::is_batched(operation, mapping.batching);
            (is_batched || operation.kind != OperationKind::Update) && !operation.fail_on_conflict
        }
    }
}

/// How changes are sent to a user who is there.
fn as_patch(changes: &[Change], mapping: &Mapping) -> AsPatch {
    let patch = Operation::of_patch();
    let of_patch: Changes =
        changes.iter().filter(|own| own.subject.index_in(patch).is_some()).cloned().collect();
    AsPatch {
        batch: batching::terms(patch, &of_patch, mapping),
        looked_up: is_looked_up(patch, mapping),
        attributes_apart: batching::are_attributes_apart(patch, &of_patch, mapping),
    }
}

/// Adds the changes that a field's value comes to; `within` is the tenant or the attribute that
/// stands beside it.
fn add(
    changes: &mut Changes,
    role: Role,
    effect: Effect,
    value: Value<'static>,
    within: Option<&str>,
) {
    let subject = match role {
        // They say who, where and which.
        Role::User | Role::RoleTenant | Role::AttributeKey => return,
        Role::Attributes => return add_attributes(changes, &value),
        Role::AttributeValue => Subject::Attribute(within.unwrap_or_default().into()),
        Role::Roles => Subject::Roles(within.map(Into::into)),
        Role::NewLoginId => Subject::LoginId,
        Role::LoginIds => Subject::LoginIds,
        Role::Contact(contact) => Subject::Contact(contact),
        Role::Verified(contact) => Subject::Verified(contact),
        Role::Status => Subject::Status,
        Role::Tenants | Role::Tenant => Subject::Tenants,
        Role::Apps => Subject::Apps,
        Role::Secret(key) => Subject::Secret(key),
        Role::Unseen(key) => Subject::Unseen(key),
        Role::Fixed(key) => Subject::Fixed(key),
        Role::Plain(key) => Subject::Plain(key),
    };
    changes.push(match effect {
        Effect::Sets | Effect::Replaces => Change::set(subject, value),
        Effect::Adds => Change { subject, action: Action::Add(value) },
        Effect::Removes => Change { subject, action: Action::Remove(value) },
    });
}

/// A change for each attribute of an object, whose values stay as they are written.
fn add_attributes(changes: &mut Changes, object: &Value<'_>) {
    let Value::Json(object) = object else { return };
    let members = members(object).unwrap_or_default();
    if members.is_empty() {
        changes.push(Change { subject: Subject::Attributes, action: Action::Clear });
    }
    for (name, value) in members {
        let value = Value::Json(value.get().to_owned().into());
        changes.push(Change::set(Subject::Attribute(name.into()), value));
    }
}

/// One lane for every name of a user that the row touches: its login ID, the one that takes
/// its place, those that are added; and the contacts that the server does not guard in a patch.
fn lanes(login_id: &str, changes: &[Change], guards: bool) -> InLanes {
    let mut lanes = InLanes::new();
    if !login_id.is_empty() {
        lanes.push(lane(login_id));
    }
    for change in changes {
        match (&change.subject, &change.action) {
            (Subject::LoginId, Action::Set(Value::Text(name))) => lanes.push(lane(name)),
            (Subject::LoginIds, Action::Set(Value::List(names))) => {
                lanes.extend(names.iter().map(|name| lane(name)));
            }
            _ if guards => lanes.extend(batching::contact(change).map(lane)),
            _ => {}
        }
    }
    lanes.sort_unstable();
    lanes.dedup();
    lanes
}
