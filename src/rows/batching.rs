//! Which instructions may share a batch, and with whom. Pure.

use super::batch_terms::{BatchTerms, Sets};
use super::instruction::{Instruction, folded, lane};
use super::mapping::{Batching, Mapping, OnConflict};
use crate::catalog::{Contact, Operation, OperationKind, PATCH_FIELDS, Role};
use crate::change::{Action, Change, Subject, Value};

/// The lowest bit of a custom attribute.
const FIRST_ATTRIBUTE: u32 = 32;
const ATTRIBUTES: u64 = u64::MAX << FIRST_ATTRIBUTE;

/// How a row shares a batch; `None` where it goes by its own endpoint.
pub(super) fn terms(
    operation: &Operation,
    changes: &[Change],
    mapping: &Mapping,
) -> Option<BatchTerms> {
    if operation.kind != OperationKind::Update {
        // Nothing else goes with what makes a user or takes one away.
        let shares = is_batched(operation, mapping.batching);
        return shares.then_some(BatchTerms { sets: Sets::ALL, alone: false });
    }
    // The server is to merge users, which only the values' own endpoints are known to do.
    let merges = mapping.on_conflict == OnConflict::Merge && operation.fail_on_conflict;
    if merges || !is_batched(operation, mapping.batching) {
        return None;
    }
    if are_attributes_apart(operation, changes, mapping) {
        return None;
    }
    let mut sets = Sets::default();
    for change in changes {
        sets = sets.and(Sets(bits(&change.subject, mapping.batching)?));
    }
    Some(BatchTerms { sets, alone: false })
}

/// Whether the custom attributes of a row go one by one: unless it is said that a patch keeps
/// those that it does not name.
pub(super) fn are_attributes_apart(
    operation: &Operation,
    changes: &[Change],
    mapping: &Mapping,
) -> bool {
    let sets_one = || changes.iter().any(|change| matches!(change.subject, Subject::Attribute(_)));
    operation.sets_any_field() && mapping.batching != Batching::All && sets_one()
}

/// Whether rows of an operation are batched.
pub(super) fn is_batched(operation: &Operation, batching: Batching) -> bool {
    match batching {
        Batching::Off => false,
        _ if operation.kind != OperationKind::Update => true,
        Batching::Patches => operation.sets_any_field(),
        Batching::Values => operation.is_patch() && !operation.sets_one_attribute(),
        Batching::All => operation.is_patch(),
    }
}

/// Whether an operation sets what another user may have as login ID.
pub(super) fn sets_contacts(operation: &Operation) -> bool {
    operation.fields.iter().any(|field| match field.role {
        Role::Contact(contact) => contact.signs_in().is_some(),
        _ => false,
    })
}

/// The bits of a subject; `None` where a patch has no place for it.
fn bits(subject: &Subject, batching: Batching) -> Option<u64> {
    let field = |role: Role| {
        let index = PATCH_FIELDS.iter().position(|field| field.role == role)?;
        Some(1 << index)
    };
    match subject {
        // The SDKs take them for two ways of saying the same (API reference, 3.3).
        Subject::Roles(None) | Subject::Tenants => {
            Some(field(Role::Roles)? | field(Role::Tenants)?)
        }
        Subject::Attribute(name) if batching == Batching::All => Some(attribute_bit(name)),
        // Whether a patch keeps attributes that it does not name is not known.
        Subject::Attribute(_) | Subject::Attributes => Some(ATTRIBUTES),
        Subject::LoginIds => field(Role::LoginIds),
        Subject::Contact(contact) => field(Role::Contact(*contact)),
        Subject::Verified(contact) => field(Role::Verified(*contact)),
        Subject::Status => field(Role::Status),
        Subject::Apps => field(Role::Apps),
        Subject::Plain(key) => field(Role::Plain(key)),
        Subject::Roles(Some(_))
        | Subject::LoginId
        | Subject::Secret(_)
        | Subject::Unseen(_)
        | Subject::Fixed(_) => None,
    }
}

fn attribute_bit(key: &str) -> u64 {
    let hash = xxhash_rust::xxh3::xxh3_64(key.as_bytes());
    1 << (u64::from(FIRST_ATTRIBUTE) + hash % u64::from(u64::BITS - FIRST_ATTRIBUTE))
}

impl Instruction {
    /// Phone numbers and e-mail addresses that it sets and that must not be another user's login
    /// ID.
    pub fn guarded_contacts(&self) -> impl Iterator<Item = &str> {
        let guarded = self.on_conflict == OnConflict::Fail;
        self.contacts().filter(move |_| guarded)
    }

    /// Phone numbers and e-mail addresses that it sets. One that is the login ID of the user whom it
    /// makes is not among them: that is refused if somebody has it.
    fn contacts(&self) -> impl Iterator<Item = &str> {
        let own = (self.operation.kind != OperationKind::Update).then(|| lane(&self.login_id));
        self.changes.iter().filter_map(contact).filter(move |name| own != Some(lane(name)))
    }

    /// The same, in all spellings that the service may keep them in.
    pub fn guarded_names(&self) -> impl Iterator<Item = String> {
        self.guarded_contacts().flat_map(spellings)
    }

    /// All phone numbers and e-mail addresses that it sets, in the same spellings.
    pub fn contact_names(&self) -> impl Iterator<Item = String> {
        self.contacts().flat_map(spellings)
    }
}

impl Instruction {
    /// Whatever it gives its user that must not be another user's login ID: contacts, in all spellings
    /// that the service may keep them in, and login IDs.
    pub fn given_names(&self) -> impl Iterator<Item = String> {
        let further =
            self.changes.iter().filter_map(|change| match (&change.subject, &change.action) {
                (Subject::LoginIds, Action::Set(Value::List(names))) => Some(names),
                _ => None,
            });
        let rename = self.renames_to().map(str::to_owned);
        self.contact_names().chain(rename).chain(further.flatten().cloned())
    }
}

/// A contact to the letter, and without the separators of a phone number, or in lower case.
fn spellings(contact: &str) -> impl Iterator<Item = String> + use<> {
    let folded = folded(contact);
    let other = (folded != contact).then_some(folded);
    other.into_iter().chain([contact.to_owned()])
}

/// The contact that a change sets and that may be somebody's login ID.
pub(super) fn contact(change: &Change) -> Option<&str> {
    match change.subject {
        Subject::Contact(Contact::Phone | Contact::Email) => change.text(),
        _ => None,
    }
}
