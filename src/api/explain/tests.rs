use super::*;
use crate::api::response::{ErrorBody, Sent};

fn lost(sent: Sent, cause: TransportCause) -> Reply {
    Reply::Failed(TransportError { sent, cause, detail: String::new() })
}

fn answer(status: u16, body: Body) -> Reply {
    Reply::Response(Response { status, retry_after: None, body })
}

fn error(code: &str) -> Body {
    Body::Error(ErrorBody { error_code: code.into(), ..ErrorBody::default() })
}

#[test]
fn failures_say_what_the_server_said() {
    for (reply, kind, code, message) in [
        (answer(404, error("E112102")), "user_not_found", Some("E112102"), "HTTP 404"),
        (answer(400, error("E062108")), "user_not_found", Some("E062108"), "HTTP 400"),
        (
            answer(409, Body::Unreadable(String::new())),
            "conflict",
            None,
            "HTTP 409 with a body that is not the API's",
        ),
        (answer(400, error("E062125")), "conflict", Some("E062125"), "HTTP 400"),
        (
            answer(404, Body::Unreadable(String::new())),
            "not_found",
            None,
            "HTTP 404 with a body that is not the API's",
        ),
        (answer(400, error("E011003")), "refused", Some("E011003"), "HTTP 400"),
        (answer(200, Body::Object), "bad_answer", None, "HTTP 200 without the user"),
        (
            answer(503, Body::Unreadable(String::new())),
            "server_error",
            None,
            "HTTP 503 with a body that is not the API's",
        ),
        (
            lost(Sent::No, TransportCause::Unreachable),
            "unreachable",
            None,
            "no connection to the server",
        ),
    ] {
        let failure = super::failure(&reply, Status::Rejected);
        assert_eq!((&*failure.code, failure.server_code.as_deref()), (kind, code));
        assert_eq!(failure.message, message);
        assert!(failure.hint.is_some());
    }
    let detailed = Body::Error(ErrorBody {
        error_code: "E011002".into(),
        error_description: "missing arguments".into(),
        error_message: "phone".into(),
    });
    assert_eq!(failure(&answer(400, detailed), Status::Rejected).message, "phone");
}

#[test]
fn a_user_of_a_batch_fails_by_what_the_free_text_says() {
    for (text, kind, code) in [
        ("E112102", "user_not_found", Some("E112102")),
        ("[E062108] no", "user_not_found", Some("E062108")),
        ("failed: E111127: in use", "conflict", Some("E111127")),
        ("E062125", "conflict", Some("E062125")),
        ("Request failed validation (E011003)", "refused", Some("E011003")),
        ("Cannot find the user", "user_not_found", None),
        ("User not found", "user_not_found", None),
        ("no such user: jane", "user_not_found", None),
        ("the role was not found", "refused", None),
        ("E1121020", "refused", None),
        ("XE112102", "refused", None),
        ("e112102", "refused", None),
        ("E11210é", "refused", None),
    ] {
        let failure = batch_failure(text);
        assert_eq!((&*failure.code, failure.server_code.as_deref()), (kind, code), "{text}");
        assert_eq!(failure.message, text);
        assert!(failure.hint.is_some());
    }
    for text in ["", " \n"] {
        assert_eq!(batch_failure(text).message, "the server does not say why");
    }
}

#[test]
fn only_what_is_unknown_may_have_been_applied() {
    let timeout = lost(Sent::Maybe, TransportCause::Timeout);
    let gave_up = failure(&timeout, Status::GaveUp);
    assert_eq!(gave_up.message, "no answer in time");
    let unknown = failure(&timeout, Status::Unknown);
    assert_eq!(unknown.message, "no answer in time; it may have been applied");
    assert_ne!(gave_up.hint, unknown.hint);
}
