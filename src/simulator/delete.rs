//! Users go (API reference, 3.6).

use super::desk::{Answer, Desk};
use super::fields::Fields;
use super::problem::Problem;

pub(super) fn delete(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let number = match (fields.text("loginId")?, fields.text("userId")?) {
        (Some(login_id), _) if !login_id.is_empty() => {
            let by_id = || desk.store.by_user_id(login_id);
            desk.store.by_login_id(login_id).or_else(by_id)
        }
        (_, Some(user_id)) if !user_id.is_empty() => desk.store.by_user_id(user_id),
        _ => return Err(Problem::missing("loginId")),
    };
    number
        .and_then(|number| desk.store.delete(number, desk.moment))
        .ok_or_else(|| Problem::user_not_found(desk.switches.user_not_found.status()))?;
    Ok(Answer::changed("{}".into()))
}

/// By user ID alone. Unknown ones are passed over, which is our choice.
pub(super) fn delete_batch(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    desk.batch(fields, "userIds")?;
    let ids = fields.list("userIds")?.unwrap_or_default();
    let numbers = ids.into_iter().filter_map(|id| desk.store.by_user_id(id)).collect();
    Ok(without(desk, numbers))
}

#[expect(clippy::unnecessary_wraps, reason = "as all handlers are")]
pub(super) fn delete_tests(desk: &mut Desk<'_>, _: &Fields) -> Result<Answer, Problem> {
    let numbers = desk.store.numbers(|user| user.test);
    Ok(without(desk, numbers))
}

fn without(desk: &mut Desk<'_>, numbers: Vec<u32>) -> Answer {
    let mut applied = false;
    for number in numbers {
        applied |= desk.store.delete(number, desk.moment).is_some();
    }
    Answer { applied, ..Answer::read("{}".into()) }
}
