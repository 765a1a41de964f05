//! What each route does: fields in, an answer or a problem out.

use serde_json::{Value, json};

use super::effects::Change;
use super::faults::Meddled;
use super::fields::Fields;
use super::fill::fill;
use super::operations::Effect;
use super::problem::Problem;
use super::routes::Action;
use super::search::search;
use super::store::{Moment, OnConflict, Rules, Store};
use super::switches::{BatchReply, Switches};
use super::users::{Status, User};
use crate::catalog::{Answers, Contact, Operation, Role};

/// An answer with status 200.
#[derive(Debug)]
pub(super) struct Answer {
    /// JSON.
    pub(super) body: String,
    /// Whether anything was changed.
    pub(super) applied: bool,
}

impl Answer {
    fn read(body: String) -> Self {
        Self { body, applied: false }
    }

    fn changed(body: String) -> Self {
        Self { body, applied: true }
    }
}

/// Everything that an action works with.
pub(super) struct Desk<'a> {
    pub(super) store: &'a mut Store,
    pub(super) switches: &'a Switches,
    pub(super) moment: Moment,
}

impl Desk<'_> {
    /// Does what a request asks for.
    pub(super) fn perform(&mut self, action: Action, fields: &Fields) -> Result<Answer, Problem> {
        match action {
            Action::Update(operation, effect) => self.update(operation, effect, fields),
            Action::PatchBatch(patch, effect) => self.patch_batch(patch, effect, fields),
            Action::License => Ok(Answer::read(r#"{"rateLimitTier":"tier3"}"#.into())),
            Action::Load => self.load(fields),
            Action::LoadMany => self.load_many(fields),
            Action::Search { tests } => {
                search(&self.store.visible(self.moment), fields, tests).map(Answer::read)
            }
            Action::Create { test } => self.create(fields, test),
            Action::CreateBatch => self.create_batch(fields),
            Action::Delete => self.delete(fields),
            Action::DeleteBatch => self.delete_batch(fields),
            Action::DeleteTests => Ok(self.delete_tests()),
            Action::Attributes => Ok(self.attributes()),
            Action::CreateAttributes => self.create_attributes(fields),
            Action::DeleteAttributes => self.delete_attributes(fields),
            Action::Roles => self.roles(),
            Action::Tenants => self.tenants(),
            Action::Fixed(body) => Ok(Answer::read(body.into())),
        }
    }

    /// Somebody else changes users, as far as they are there.
    pub(super) fn meddle(&mut self, what: Meddled, names: &[impl AsRef<str>]) {
        let (on_conflict, old_phone) = (OnConflict::Neither, self.switches.old_phone);
        let rules = Rules { contacts: &[], on_conflict, old_phone };
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

    fn show(&self, number: u32) -> String {
        let user = self.store.get(number);
        user.map_or("{}".into(), |user| Store::show(number, user))
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
        let change = Change { named, fields, switches: self.switches };
        self.store.change(number, self.moment, rules, |user| effect(user, &change))?;
        Ok(number)
    }

    fn batch<'a>(&self, fields: &'a Fields) -> Result<&'a Vec<Value>, Problem> {
        let users = fields.array("users")?.ok_or_else(|| Problem::missing("users"))?;
        match self.switches.batch_maximum {
            Some(most) if users.len() > most => {
                Err(Problem::invalid(format!("At most {most} users in one call")))
            }
            _ => Ok(users),
        }
    }

    /// Answers 200 even when users failed (API reference, 3.3).
    fn patch_batch(
        &mut self,
        patch: &Operation,
        effect: Effect,
        fields: &Fields,
    ) -> Result<Answer, Problem> {
        let users = self.batch(fields)?;
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

    /// What a batch says of a user that failed: the reason as text, and its login ID as named.
    fn failure(&self, problem: &Problem, user: &Value) -> String {
        let failure = problem.message();
        if self.switches.batch_reply == BatchReply::Anonymous {
            return json!({"failure": failure, "user": null}).to_string();
        }
        let login_ids: Vec<&Value> = user.get("loginId").into_iter().collect();
        json!({"failure": failure, "user": {"loginIds": login_ids}}).to_string()
    }

    fn batch_answer(&self, done_key: &str, done: &[String], failed: &[String]) -> Answer {
        let (told_done, told_failed) = match self.switches.batch_reply {
            BatchReply::Full | BatchReply::Anonymous => (done, failed),
            BatchReply::Silent => (done, &[][..]),
            BatchReply::Empty => (&[][..], &[][..]),
        };
        let body = format!(
            "{{\"{done_key}\":[{}],\"failedUsers\":[{}],\"additionalErrors\":{{}}}}",
            told_done.join(","),
            told_failed.join(","),
        );
        Answer { body, applied: !done.is_empty() }
    }

    fn load(&mut self, fields: &Fields) -> Result<Answer, Problem> {
        let text = |name| Ok(fields.text(name)?.filter(|text| !text.is_empty()));
        let number = match (text("loginId")?, text("userId")?) {
            (Some(name), _) | (None, Some(name)) => self.store.find_to_read(name, self.moment),
            (None, None) => return Err(Problem::missing("loginId")),
        };
        let number = number.ok_or_else(|| Problem::user_not_found(404))?;
        Ok(Answer::read(format!("{{\"user\":{}}}", self.show(number))))
    }

    fn load_many(&mut self, fields: &Fields) -> Result<Answer, Problem> {
        let ids = fields.list("userIds")?.unwrap_or_default();
        let users: Vec<String> = ids
            .into_iter()
            .filter_map(|id| self.store.by_user_id(id))
            .map(|number| self.show(number))
            .collect();
        Ok(Answer::read(format!("{{\"users\":[{}]}}", users.join(","))))
    }

    fn create(&mut self, fields: &Fields, test: bool) -> Result<Answer, Problem> {
        let mut user = new_user(fields, self.switches)?;
        user.test |= test;
        let number = self.store.create(user, self.moment)?;
        let user = self.show(number);
        Ok(Answer::changed(format!("{{\"user\":{user},\"created\":true}}")))
    }

    /// Answers 200 even when users failed (API reference, 3.5).
    fn create_batch(&mut self, fields: &Fields) -> Result<Answer, Problem> {
        let users = self.batch(fields)?;
        let mut done = Vec::new();
        let mut failed = Vec::new();
        for user in users {
            let created = Fields::from_value(user.clone())
                .and_then(|fields| new_user(&fields, self.switches))
                .and_then(|user| self.store.create(user, self.moment));
            match created {
                Ok(number) => done.push(self.show(number)),
                Err(problem) => failed.push(self.failure(&problem, user)),
            }
        }
        Ok(self.batch_answer("createdUsers", &done, &failed))
    }

    fn delete(&mut self, fields: &Fields) -> Result<Answer, Problem> {
        let number = match (fields.text("loginId")?, fields.text("userId")?) {
            (Some(login_id), _) if !login_id.is_empty() => {
                let by_id = || self.store.by_user_id(login_id);
                self.store.by_login_id(login_id).or_else(by_id)
            }
            (_, Some(user_id)) if !user_id.is_empty() => self.store.by_user_id(user_id),
            _ => return Err(Problem::missing("loginId")),
        };
        number
            .and_then(|number| self.store.delete(number, self.moment))
            .ok_or_else(|| Problem::user_not_found(self.switches.user_not_found.status()))?;
        Ok(Answer::changed("{}".into()))
    }

    /// Unknown users are passed over, which is our choice.
    fn delete_batch(&mut self, fields: &Fields) -> Result<Answer, Problem> {
        for id in fields.list("userIds")?.unwrap_or_default() {
            if let Some(number) = self.store.by_user_id(id) {
                self.store.delete(number, self.moment);
            }
        }
        Ok(Answer::changed("{}".into()))
    }

    fn delete_tests(&mut self) -> Answer {
        for number in self.store.test_users() {
            self.store.delete(number, self.moment);
        }
        Answer::changed("{}".into())
    }

    fn attributes(&mut self) -> Answer {
        let data: Vec<Value> = self
            .store
            .attributes()
            .iter()
            .map(|(name, kind)| json!({"name": name, "type": kind, "options": [], "displayName": name}))
            .collect();
        Answer::read(json!({"total": data.len(), "data": data}).to_string())
    }

    fn create_attributes(&mut self, fields: &Fields) -> Result<Answer, Problem> {
        for attribute in fields.array("attributes")?.into_iter().flatten() {
            let name = attribute.get("name").and_then(Value::as_str);
            let name = name.ok_or_else(|| Problem::missing("attributes.name"))?;
            let kind = attribute.get("type").map_or(1, attribute_type);
            self.store.attributes().insert(name.to_owned(), kind);
        }
        let mut answer = self.attributes();
        answer.applied = true;
        Ok(answer)
    }

    /// Where every role is known there is no list of them.
    fn roles(&self) -> Result<Answer, Problem> {
        let roles = self.switches.known_roles.iter();
        let roles: Vec<Value> = roles.map(|name| json!({"name": name, "tenantId": ""})).collect();
        if roles.is_empty() {
            return Err(Problem::fault(404));
        }
        Ok(Answer::read(json!({"roles": roles}).to_string()))
    }

    /// The tenants that users are in; no list, where every role is known.
    fn tenants(&self) -> Result<Answer, Problem> {
        self.roles()?;
        let users = (0..self.store.end()).filter_map(|number| self.store.get(number));
        let ids = users.flat_map(|user| &user.details().tenants).map(|tenant| &*tenant.id);
        let ids: std::collections::BTreeSet<&str> = ids.collect();
        let tenants: Vec<Value> = ids.into_iter().map(|id| json!({"id": id, "name": id})).collect();
        Ok(Answer::read(json!({"tenants": tenants}).to_string()))
    }

    fn delete_attributes(&mut self, fields: &Fields) -> Result<Answer, Problem> {
        for name in fields.list("names")?.unwrap_or_default() {
            self.store.attributes().remove(name);
        }
        let mut answer = self.attributes();
        answer.applied = true;
        Ok(answer)
    }
}

/// Whether an operation takes user IDs where it takes login IDs; the catalogue knows.
fn takes_user_ids(operation: &Operation) -> bool {
    let user = operation.fields.first();
    user.is_some_and(|field| field.aliases.contains(&"userId"))
}

/// The user that a create asks for: `invited` unless it says otherwise.
pub(super) fn new_user(fields: &Fields, switches: &Switches) -> Result<User, Problem> {
    let login_id = fields.required("loginId")?;
    let mut user = User::named(login_id);
    let change = Change { named: login_id, fields, switches };
    let shaped = user.email.clone();
    fill(&mut user, &change, false)?;
    if let (None, Some(email)) = (&user.email, shaped) {
        user.set_email(&email);
    }
    let password = fields.get("password").is_some_and(Value::is_string);
    user.password = password || fields.has("hashedPassword");
    Ok(user)
}

fn attribute_type(kind: &Value) -> u8 {
    let words = ["string", "number", "boolean", "singleselect", "multiselect", "date", "monthday"];
    match (kind.as_u64(), kind.as_str()) {
        (Some(number), _) => u8::try_from(number).unwrap_or(1),
        (None, Some(word)) => {
            let index = words.iter().position(|w| w.eq_ignore_ascii_case(word));
            u8::try_from(index.unwrap_or(0) + 1).unwrap_or(1)
        }
        (None, None) => 1,
    }
}
