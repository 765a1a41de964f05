//! Reading users and what belongs to them (API reference, section 4 and 3.6).

use serde_json::{Value, json};

use super::desk::{Answer, Desk};
use super::fields::Fields;
use super::problem::Problem;

pub(super) fn load(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let text = |name| Ok(fields.text(name)?.filter(|text| !text.is_empty()));
    let number = match (text("loginId")?, text("userId")?) {
        (Some(name), _) | (None, Some(name)) => desk.store.find_to_read(name, desk.moment),
        (None, None) => return Err(Problem::missing("loginId")),
    };
    let number = number.ok_or_else(|| Problem::user_not_found(404))?;
    Ok(Answer::read(format!("{{\"user\":{}}}", desk.show(number))))
}

pub(super) fn load_many(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let ids = fields.list("userIds")?.unwrap_or_default();
    let users: Vec<String> = ids
        .into_iter()
        .filter_map(|id| desk.store.by_user_id(id))
        .map(|number| desk.show(number))
        .collect();
    Ok(Answer::read(format!("{{\"users\":[{}]}}", users.join(","))))
}

pub(super) fn search(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let visible = desk.store.visible(desk.moment);
    super::search::search(&visible, fields, false).map(Answer::read)
}

pub(super) fn search_tests(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let visible = desk.store.visible(desk.moment);
    super::search::search(&visible, fields, true).map(Answer::read)
}

pub(super) fn passkeys(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let number = desk.store.by_login_id(fields.required("loginId")?);
    let user = number.and_then(|number| desk.store.get(number));
    let user = user.ok_or_else(|| Problem::user_not_found(404))?;
    Ok(Answer::read(json!({"passkeys": user.credentials().passkeys}).to_string()))
}

/// The trusted devices of users named by login ID or user ID; unknown users have none, which is
/// our choice. Times are texts, as 64-bit integers are in the service's JSON.
pub(super) fn devices(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let names = fields.list("identifiers")?.ok_or_else(|| Problem::missing("identifiers"))?;
    let mut devices: Vec<Value> = Vec::new();
    for name in names {
        let store = &desk.store;
        let Some(number) = store.by_login_id(name).or_else(|| store.by_user_id(name)) else {
            continue;
        };
        let user_id = store.user_id(number);
        let own = store.get(number).map(|user| &*user.credentials().devices).unwrap_or_default();
        devices.extend(own.iter().map(|device| {
            json!({
                "id": device.id, "name": device.name, "deviceType": device.kind,
                "userId": user_id, "lastLoginTime": device.last_login.to_string(),
                "expirationTime": device.expiration.to_string(),
                "lastLocation": device.location, "isCurrentDevice": false,
            })
        }));
    }
    Ok(Answer::read(json!({"devices": devices}).to_string()))
}

/// Nobody has signed in, so there is no history; the answer is a bare list.
pub(super) fn history_v1(_: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    fields.list("userIds")?;
    Ok(Answer::read("[]".into()))
}

/// The same in an object.
pub(super) fn history(_: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    fields.list("userIds")?;
    Ok(Answer::read(r#"{"usersAuthHistory":[]}"#.into()))
}
