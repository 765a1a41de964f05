//! What reading a user showed. Pure.

use memchr::{memchr, memmem};
use serde_json::value::RawValue;

use super::explain;
use super::response::{Body, Reply};
use crate::change::{Change, Subject, User, UserNames};
use crate::issue::Issue;
use crate::outcome::Status;
use crate::rows::{Instruction, lane};

/// What reading a user by a name showed, once there is something to say.
#[derive(Clone, Debug)]
pub(crate) enum Load {
    /// Somebody has the name.
    Found(Found),
    /// Nobody has it.
    Missing,
    /// The read failed for good.
    Failed(Box<Issue>),
}

/// A user as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The status of the answer that holds it.
    pub http_status: u16,
    /// Its user ID, if the answer has one.
    pub user_id: Option<String>,
    /// The user as the server sent it.
    pub user: Box<RawValue>,
}

impl Found {
    /// Whether the user has a name, as login ID or user ID.
    #[must_use]
    pub(crate) fn is_named(&self, name: &str) -> bool {
        let user = User::read(&self.user);
        user.is_some_and(|user| user.names().into_iter().any(|own| lane(own) == lane(name)))
    }
}

impl Load {
    /// What the last reply to a read shows.
    #[must_use]
    pub(crate) fn of(reply: Reply) -> Self {
        if matches!(&reply, Reply::Response(response) if response.says_not_found()) {
            return Self::Missing;
        }
        // A read that failed changed nothing, whatever became of it.
        let failure = explain::failure(&reply, Status::GaveUp);
        match reply {
            Reply::Response(answer) => match answer.body {
                Body::User(user) => {
                    let user_id = user_id(&user);
                    Self::Found(Found { http_status: answer.status, user_id, user })
                }
                _ => Self::Failed(Box::new(failure)),
            },
            Reply::Failed(_) => Self::Failed(Box::new(failure)),
        }
    }
}

/// Whether the answer to an update shows somebody else than the user that an instruction is about.
/// One without login IDs shows nobody.
#[must_use]
pub(crate) fn is_of_another(user: &RawValue, instruction: &Instruction) -> bool {
    let removes_name = |change: &Change| {
        change.subject == Subject::LoginId && change.text().is_none_or(str::is_empty)
    };
    if instruction.changes.iter().any(removes_name) {
        // It no longer has the name by which the row knows it.
        return false;
    }
    let names = [Some(&*instruction.login_id), instruction.renames_to()];
    let names = || names.into_iter().flatten();
    // Nearly always the name is there to the letter, and found without reading the whole.
    if names().any(|name| lists_login_id(user.get(), name)) {
        return false;
    }
    let shown = User::read(user).unwrap_or_default();
    let is_named = |own: &&str| names().any(|name| lane(own) == lane(name));
    !shown.list("loginIds").is_empty() && !shown.names().iter().any(is_named)
}

/// Whether a name is in the list of login IDs of a user's JSON, to the letter.
fn lists_login_id(user: &str, name: &str) -> bool {
    const LIST: &[u8] = b"\"loginIds\":[";
    let Some(start) = memmem::find(user.as_bytes(), LIST) else { return false };
    let list = &user.as_bytes()[start + LIST.len()..];
    let list = &list[..memchr(b']', list).unwrap_or(list.len())];
    memmem::find_iter(list, name).any(|at| {
        let before = at.checked_sub(1).map(|before| list[before]);
        before == Some(b'"') && list.get(at + name.len()) == Some(&b'"')
    })
}

fn user_id(user: &RawValue) -> Option<String> {
    let id = UserNames::read(user).user_id;
    (!id.is_empty()).then(|| id.into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::response::{ErrorBody, Response, Sent, TransportCause, TransportError};
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: Body) -> Reply {
        Reply::Response(Response { status, retry_after: None, body })
    }

    fn error(code: &str) -> Body {
        Body::Error(ErrorBody { error_code: code.into(), ..ErrorBody::default() })
    }

    fn user(json: &str) -> Body {
        Body::User(RawValue::from_string(json.into()).unwrap())
    }

    #[test]
    fn only_the_api_itself_can_say_that_nobody_has_a_name() {
        let lost = TransportError {
            sent: Sent::Maybe,
            cause: TransportCause::Timeout,
            detail: String::new(),
        };
        for (reply, expected) in [
            (answer(200, user(r#"{"userId":"U1"}"#)), "found U1"),
            (answer(200, user(r#"{"name":"A"}"#)), "found"),
            (answer(404, error("E112102")), "missing"),
            (answer(400, error("E062108")), "missing"),
            (answer(404, error("E000000")), "missing"),
            (answer(404, Body::Unreadable(String::new())), "failed: not_found"),
            (answer(400, error("E011003")), "failed: refused"),
            (answer(200, Body::BrokenOff), "failed: bad_answer"),
            (answer(500, error("E000000")), "failed: server_error"),
            (Reply::Failed(lost), "failed: timeout"),
        ] {
            let shown = match Load::of(reply.clone()) {
                Load::Found(found) => format!("found {}", found.user_id.unwrap_or_default()),
                Load::Missing => "missing".to_owned(),
                Load::Failed(failure) => format!("failed: {}", failure.code),
            };
            assert_eq!(shown.trim_end(), expected, "{reply:?}");
        }
    }

    fn found(json: &serde_json::Value) -> Found {
        let user = RawValue::from_string(json.to_string()).unwrap();
        Found { http_status: 200, user_id: None, user }
    }

    #[test]
    fn a_user_has_the_names_that_its_object_holds() {
        for (has, name, expected) in [
            (json!({"loginIds": ["x", "J@x.com"]}), "j@X.com", true),
            (json!({"loginIds": ["+14155550123"]}), "+1 (415) 555-0123", true),
            (json!({"externalIds": ["j"]}), "j", true),
            (json!({"userId": "U1", "loginIds": ["x"]}), "U1", true),
            (json!({"loginId": "j"}), "j", true),
            (json!({"email": "j@x.com", "name": "j@x.com"}), "j@x.com", false),
            (json!({"loginIds": "j"}), "j", false),
            (json!({"loginIds": [null, 7, {}], "userId": null}), "7", false),
            (json!({"loginIds": [""]}), "", false),
            (json!("j"), "j", false),
        ] {
            assert_eq!(found(&has).is_named(name), expected, "{name} of {has}");
        }
    }
}
