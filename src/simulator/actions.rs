//! What each route does: fields in, an answer or a problem out.

use super::desk::{Answer, Desk};
use super::effects::Change;
use super::faults::Meddled;
use super::fields::Fields;
use super::operations::Effect;
use super::problem::Problem;
use super::routes::Action;
use super::store::{OnConflict, Rules};
use super::users::{Status, User};
use crate::catalog::{Answers, Contact, Operation, Role};

impl Desk<'_> {
    /// Does what a request asks for.
    pub(super) fn perform(&mut self, action: Action, fields: &Fields) -> Result<Answer, Problem> {
        match action {
            Action::Update(operation, effect) => self.update(operation, effect, fields),
            Action::PatchBatch(patch, effect) => self.patch_batch(patch, effect, fields),
            Action::License => Ok(Answer::read(r#"{"rateLimitTier":"tier3"}"#.into())),
            Action::Other(handler) => handler(self, fields),
        }
    }

    /// Somebody else changes users, as far as they are there.
    pub(super) fn meddle(&mut self, what: Meddled, names: &[impl AsRef<str>]) {
        let rules = Rules { old_phone: self.switches.old_phone, ..Rules::ALONE };
        for name in names {
            let name = name.as_ref();
            let number = self.store.by_login_id(name).or_else(|| self.store.by_user_id(name));
            let Some(number) = number else { continue };
            let change = |user: &mut User| {
                match what {
                    Meddled::Name => user.name = "Somebody Else".into(),
                    Meddled::Phone => user.phone = "+15005550006".into(),
                    Meddled::Status => user.status = Status::Disabled,
                }
                Ok(())
            };
            // It cannot conflict with anybody.
            let _ = self.store.change(number, self.moment, rules, change);
        }
    }

    fn update(
        &mut self,
        operation: &Operation,
        effect: Effect,
        fields: &Fields,
    ) -> Result<Answer, Problem> {
        let number = self.apply(operation, effect, fields)?;
        Ok(Answer::changed(if operation.answers == Answers::User {
            format!("{{\"user\":{}}}", self.show(number))
        } else {
            "{}".into()
        }))
    }

    /// Applies an operation to the user that the fields name, and gives the user's number.
    fn apply(
        &mut self,
        operation: &Operation,
        effect: Effect,
        fields: &Fields,
    ) -> Result<u32, Problem> {
        let by_id = || fields.text("userId").ok()?.filter(|_| operation.user_id_apart);
        let named = by_id().map_or_else(|| fields.required("loginId"), Ok)?;
        let user_ids = takes_user_ids(operation);
        let number = self
            .store
            .find(named, user_ids, self.moment)
            .ok_or_else(|| Problem::user_not_found(self.switches.user_not_found.status()))?;
        let mut contacts = Vec::new();
        for contact in [Contact::Email, Contact::Phone] {
            if operation.index_of(Role::Contact(contact)).is_some() {
                contacts.extend(fields.text(contact.key())?.filter(|value| !value.is_empty()));
            }
        }
        let on_conflict = if !operation.fail_on_conflict {
            self.switches.patch_conflict.into()
        } else if fields.flag("failOnConflict")? == Some(true) {
            OnConflict::Error
        } else {
            OnConflict::Merge
        };
        let rules = Rules { contacts: &contacts, on_conflict, old_phone: self.switches.old_phone };
        let (switches, project) = (self.switches, &*self.store.project());
        let seconds = self.moment.seconds;
        let change = Change { named, fields, switches, project, seconds };
        self.store.change(number, self.moment, rules, |user| effect(user, &change))?;
        Ok(number)
    }

    /// Answers 200 even when users failed (API reference, 3.3).
    fn patch_batch(
        &mut self,
        patch: &Operation,
        effect: Effect,
        fields: &Fields,
    ) -> Result<Answer, Problem> {
        let users = self.batch(fields, "users")?;
        let mut done = Vec::new();
        let mut failed = Vec::new();
        for user in users {
            let applied = Fields::from_value(user.clone())
                .and_then(|fields| self.apply(patch, effect, &fields));
            match applied {
                Ok(number) => done.push(self.show(number)),
                Err(problem) => failed.push(self.failure(&problem, user)),
            }
        }
        Ok(self.batch_answer("patchedUsers", &done, &failed))
    }
}

/// Whether an operation takes user IDs where it takes login IDs; the catalogue knows.
fn takes_user_ids(operation: &Operation) -> bool {
    let user = operation.fields.first();
    user.is_some_and(|field| field.aliases.contains(&"userId"))
}
