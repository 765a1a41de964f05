//! Tokens and links with which an application signs users in (API reference, 3.6).
//!
//! They have the documented shape and work nowhere: the simulator signs nobody in.

use serde_json::json;

use super::desk::{Answer, Desk};
use super::fields::Fields;
use super::problem::Problem;
use super::users::User;

const TOKEN: &str = "simulated-token";

fn user<'a>(desk: &'a Desk<'_>, fields: &Fields) -> Result<(u32, &'a User), Problem> {
    let number = desk.store.by_login_id(fields.required("loginId")?);
    let found = number.and_then(|number| Some((number, desk.store.get(number)?)));
    found.ok_or_else(|| Problem::user_not_found(404))
}

/// A token of the provider that is named, whichever that is. The service knows only those that
/// the user signed in with.
pub(super) fn provider_token(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let provider = fields.required("provider")?;
    let (number, _) = user(desk, fields)?;
    let refresh = fields.text("withRefreshToken")?.is_some_and(|flag| flag == "true");
    let body = json!({
        "provider": provider, "providerUserId": desk.store.user_id(number),
        "accessToken": TOKEN, "expiration": desk.moment.seconds.saturating_add(3600),
        "scopes": [], "refreshToken": if refresh { TOKEN } else { "" },
    });
    Ok(Answer::read(body.to_string()))
}

pub(super) fn sign_in(desk: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    let (_, user) = user(desk, fields)?;
    let body = json!({
        "token": TOKEN, "maskedEmail": masked(user.email()), "maskedPhone": masked(&user.phone),
    });
    Ok(Answer::read(body.to_string()))
}

/// The user need not be there, and is created when the link is followed: never, here.
pub(super) fn sign_up(_: &mut Desk<'_>, fields: &Fields) -> Result<Answer, Problem> {
    fields.required("loginId")?;
    let body = json!({"token": TOKEN, "maskedEmail": "", "maskedPhone": ""});
    Ok(Answer::read(body.to_string()))
}

/// All but the first and the last two characters; how the service does it is not documented.
fn masked(text: &str) -> String {
    let length = text.chars().count();
    let shown = |index: usize| length > 4 && (index < 1 || index + 2 >= length);
    text.chars().enumerate().map(|(index, c)| if shown(index) { c } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_left_of_what_is_masked() {
        for (text, hidden) in [
            ("", ""),
            ("+155", "****"),
            ("+15555550123", "+*********23"),
            ("jörg@example.com", "j*************om"),
        ] {
            assert_eq!(masked(text), hidden);
        }
    }
}
