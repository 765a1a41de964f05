//! Users come from another provider (API reference, 3.5).
//!
//! What the files of each source hold is not documented by the API. Read here is what exports
//! commonly have in common: a JSON list, an object with `users`, or an object a line, and of each
//! user the contacts, the names and whether there is a hash of a password. The rest is passed
//! over.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::base64::decode;
use super::create::new_user;
use super::desk::{Answer, Desk};
use super::fields::Fields;
use super::problem::Problem;

/// A field of ours, and the names that sources have for it.
const NAMES: [(&str, &[&str]); 8] = [
    ("email", &["email"]),
    ("phone", &["phone", "phone_number", "phoneNumber"]),
    ("verifiedEmail", &["email_verified", "emailVerified", "verifiedEmail"]),
    ("verifiedPhone", &["phone_verified", "phoneVerified", "verifiedPhone"]),
    ("name", &["name", "displayName"]),
    ("givenName", &["given_name", "givenName"]),
    ("familyName", &["family_name", "familyName"]),
    ("picture", &["picture", "photoUrl"]),
];

/// The keys that may name a user, the first that is there.
const LOGIN_IDS: [&str; 3] = ["email", "phone", "username"];

/// Creates users, or says of a dry run what would fail. Any source will do, our choice.
pub(super) fn import(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    fields.required("source")?;
    let users = records(fields, "users")?;
    let hashes = records(fields, "hashes")?;
    let hashed: HashSet<&str> =
        hashes.iter().filter(|own| has_hash(own)).filter_map(email).collect();
    let dry = fields.flag("dryrun")? == Some(true);
    let (mut done, mut failures, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (user, place) in users.iter().zip(1..) {
        let hash = has_hash(user) || email(user).is_some_and(|email| hashed.contains(email));
        match import_one(desk, user, hash, dry, &mut seen) {
            Ok(None) => {}
            Ok(Some(number)) => done.push(desk.show(number)),
            Err(problem) => {
                let user = email(user).map_or_else(|| format!("user {place}"), str::to_owned);
                failures.push(json!({"user": user, "reason": problem.message()}));
            }
        }
    }
    let (users, failures) = (done.join(","), json!(failures));
    let body = format!("{{\"users\":[{users}],\"failures\":{failures}}}");
    Ok(Answer { applied: !done.is_empty(), ..Answer::read(body) })
}

/// The objects of a field that holds the base64 of a file.
fn records(fields: &Fields, name: &str) -> Result<Vec<Map<String, Value>>, Problem> {
    let malformed = |why: &str| Problem::malformed(format!("{name}: {why}"));
    let Some(text) = fields.text(name)? else { return Ok(Vec::new()) };
    let bytes = decode(text).ok_or_else(|| malformed("base64 is wanted"))?;
    let values: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_slice(&bytes).into_iter().collect();
    let mut values = values.map_err(|error| malformed(&format!("not JSON: {error}")))?;
    if let [only] = &mut values[..] {
        let list = match only {
            Value::Array(list) => Some(std::mem::take(list)),
            Value::Object(map) => match map.get_mut("users") {
                Some(Value::Array(list)) => Some(std::mem::take(list)),
                _ => None,
            },
            _ => None,
        };
        values = list.unwrap_or(values);
    }
    let object = |value| match value {
        Value::Object(map) => Ok(map),
        _ => Err(malformed("objects are wanted")),
    };
    values.into_iter().map(object).collect()
}

fn text<'a>(user: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    user.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn email(user: &Map<String, Value>) -> Option<&str> {
    text(user, "email")
}

fn has_hash(record: &Map<String, Value>) -> bool {
    text(record, "passwordHash").is_some()
}

/// Creates a user, but for a dry run, which only looks whether it could.
fn import_one(
    desk: &mut Desk<'_>,
    given: &Map<String, Value>,
    hash: bool,
    dry: bool,
    seen: &mut HashSet<String>,
) -> Result<Option<u32>, Problem> {
    let mut own = Map::new();
    for (name, spellings) in NAMES {
        if let Some(value) = spellings.iter().find_map(|spelling| given.get(*spelling)) {
            own.insert(name.into(), value.clone());
        }
    }
    let username = given.get("username").cloned();
    let login_id = LOGIN_IDS.iter().find_map(|key| text(&own, key));
    let login_id = login_id.or_else(|| username.as_ref()?.as_str());
    let login_id = login_id.ok_or_else(|| Problem::missing("email, phone or username"))?.to_owned();
    own.insert("loginId".into(), login_id.into());
    let fields = Fields::from_value(Value::Object(own))?;
    let mut user = new_user(&fields, desk.switches, &desk.store.project())?;
    user.password = hash;
    if !dry {
        return desk.store.create(user, desk.moment).map(Some);
    }
    let taken = |login_id: &str| desk.store.by_login_id(login_id).is_some();
    for login_id in &user.login_ids {
        if taken(login_id) || !seen.insert(login_id.to_string()) {
            return Err(Problem::user_exists());
        }
    }
    Ok(None)
}
