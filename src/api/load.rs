//! What reading a user showed. Pure.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::explain;
use super::response::{Body, Reply};
use crate::issue::Issue;
use crate::outcome::Status;

/// What reading a user by a name showed, once there is something to say.
#[derive(Clone, Debug)]
pub enum Load {
    /// Somebody has the name.
    Found(Found),
    /// Nobody has it.
    Missing,
    /// The read failed for good.
    Failed(Box<Issue>),
}

/// A user as it was read.
#[derive(Clone, Debug)]
pub struct Found {
    /// The status of the answer that holds it.
    pub http_status: u16,
    /// Its user ID, if the answer has one.
    pub user_id: Option<String>,
    /// The user as the server sent it.
    pub user: Box<RawValue>,
}

impl Load {
    /// What the last reply to a read shows.
    #[must_use]
    pub fn of(reply: Reply) -> Self {
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

fn user_id(user: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct User {
        user_id: String,
    }
    serde_json::from_str::<User>(user.get()).ok().map(|user| user.user_id)
}

#[cfg(test)]
mod tests {
    use super::super::response::{ErrorBody, Response, Sent, TransportCause, TransportError};
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
            (answer(404, Body::Unreadable), "failed: not_found"),
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
}
