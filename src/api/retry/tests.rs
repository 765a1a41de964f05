use super::*;
use crate::api::response::{ErrorBody, parse_retry_after};
use crate::catalog::LOAD;
use serde_json::value::RawValue;

fn operation(name: &str) -> &'static Operation {
    Operation::named(name).unwrap()
}

fn answer(status: u16, body: Body) -> Reply {
    Reply::Response(Response { status, retry_after: None, body })
}

fn error(code: &str) -> Body {
    Body::Error(ErrorBody { error_code: code.into(), ..ErrorBody::default() })
}

fn user() -> Body {
    Body::User(RawValue::from_string("{}".into()).unwrap())
}

fn lost(sent: Sent, cause: TransportCause) -> Reply {
    Reply::Failed(TransportError { sent, cause, detail: String::new() })
}

/// A verdict in a word, as the table in `docs/retries.md` has it.
fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Done => "updated".into(),
        Verdict::CoolDown(wait) => format!("cool down {} s", wait.as_secs()),
        Verdict::Again { then, .. } => format!("again, then {}", then.word()),
        Verdict::Reconcile { .. } => "read the user".into(),
        Verdict::Final(status) => status.word().into(),
        Verdict::Halt(reason) => format!("halt: {}", reason.code()),
    }
}

/// Name of the case, reply, verdict for an idempotent operation, verdict for a rename.
fn table() -> Vec<(&'static str, Reply, &'static str, &'static str)> {
    let broken = "again, then unknown";
    let server = "again, then gave_up";
    let settled = "read the user";
    vec![
        ("200 with the user", answer(200, user()), "updated", "updated"),
        ("200, the body breaks off", answer(200, Body::BrokenOff), "updated", "updated"),
        ("200 without the user", answer(200, Body::Object), broken, settled),
        ("200 with something else", answer(200, Body::Unreadable), broken, settled),
        ("307", answer(307, Body::Object), "halt: redirected", "halt: redirected"),
        ("400", answer(400, error("E011003")), "rejected", "rejected"),
        (
            "401",
            answer(401, error("E062909")),
            "halt: credentials_refused",
            "halt: credentials_refused",
        ),
        (
            "403",
            answer(403, Body::Unreadable),
            "halt: credentials_refused",
            "halt: credentials_refused",
        ),
        ("404 E112102", answer(404, error("E112102")), "rejected", "rejected"),
        ("408", answer(408, Body::Unreadable), server, server),
        ("409 E111127", answer(409, error("E111127")), "rejected", "rejected"),
        ("429", answer(429, Body::Unreadable), "cool down 60 s", "cool down 60 s"),
        ("400 E130429", answer(400, error("E130429")), "cool down 60 s", "cool down 60 s"),
        ("500 E112102 or E111127", answer(500, error("E112102")), "rejected", "rejected"),
        ("500", answer(500, error("E000000")), server, settled),
        ("502", answer(502, Body::Unreadable), server, settled),
        ("503", answer(503, Body::Unreadable), server, server),
        ("503 E130429", answer(503, error("E130429")), "cool down 60 s", "cool down 60 s"),
        ("504", answer(504, Body::Unreadable), server, settled),
        ("520", answer(520, Body::Unreadable), server, settled),
        ("521", answer(521, Body::Unreadable), server, server),
        ("522", answer(522, Body::Unreadable), server, settled),
        ("524", answer(524, Body::Unreadable), server, settled),
        ("530", answer(530, Body::Unreadable), server, server),
        ("101 or 600", answer(101, Body::Object), broken, settled),
        ("no connection", lost(Sent::No, TransportCause::Unreachable), server, server),
        ("no answer in time", lost(Sent::Maybe, TransportCause::Timeout), broken, settled),
        ("connection lost", lost(Sent::Maybe, TransportCause::Broken), broken, settled),
        ("stopped at once", lost(Sent::Maybe, TransportCause::Aborted), "unknown", "unknown"),
    ]
}

#[test]
fn replies_are_judged_by_the_table() {
    for (case, reply, idempotent, rename) in table() {
        assert_eq!(word(&judge(operation("phone"), &reply)), idempotent, "{case}");
        assert_eq!(word(&judge(operation("loginid"), &reply)), rename, "{case}, rename");
    }
}

#[test]
fn the_table_is_the_one_in_the_documents() {
    let row = |(case, _, idempotent, rename)| format!("| {case} | {idempotent} | {rename} |\n");
    let rows = table().into_iter().map(row).collect::<String>();
    let rows = format!("| reply | idempotent | rename |\n| --- | --- | --- |\n{rows}");
    let document = include_str!("../../../docs/retries.md");
    assert!(document.contains(&rows), "docs/retries.md must hold this table:\n{rows}");
}

#[test]
fn a_read_is_judged_as_what_is_repeatable_but_for_a_body_that_breaks_off() {
    for (case, reply, idempotent, _) in table() {
        let whole =
            !matches!(&reply, Reply::Response(answer) if matches!(answer.body, Body::BrokenOff));
        let expected = if whole { idempotent } else { "again, then unknown" };
        assert_eq!(word(&judge(&LOAD, &reply)), expected, "{case}");
    }
    let broken = answer(404, Body::BrokenOff);
    assert_eq!(word(&judge(&LOAD, &broken)), "again, then gave_up");
    assert_eq!(word(&judge(operation("phone"), &broken)), "rejected");
}

#[test]
fn an_answer_without_a_user_is_enough_where_none_is_documented() {
    let expire = operation("password-expire");
    assert_eq!(judge(expire, &answer(200, Body::Object)), Verdict::Done);
    assert_eq!(word(&judge(expire, &answer(200, Body::Unreadable))), "again, then unknown");
}

#[test]
fn the_server_says_how_long_to_wait() {
    let wait = Some(Duration::from_secs(7));
    let limited =
        Reply::Response(Response { status: 429, retry_after: wait, body: Body::Unreadable });
    assert_eq!(judge(operation("phone"), &limited), Verdict::CoolDown(Duration::from_secs(7)));
    let busy = Reply::Response(Response { status: 503, retry_after: wait, body: Body::Unreadable });
    let again = Verdict::Again { then: Status::GaveUp, after: wait };
    assert_eq!(judge(operation("phone"), &busy), again);
    let failing =
        Reply::Response(Response { status: 502, retry_after: wait, body: Body::Unreadable });
    assert_eq!(judge(operation("loginid"), &failing), Verdict::Reconcile { after: wait });
}

#[test]
fn failures_say_what_the_server_said() {
    for (reply, kind, code, message) in [
        (answer(404, error("E112102")), "user_not_found", Some("E112102"), "HTTP 404"),
        (answer(400, error("E062108")), "user_not_found", Some("E062108"), "HTTP 400"),
        (
            answer(409, Body::Unreadable),
            "conflict",
            None,
            "HTTP 409 with a body that is not the API's",
        ),
        (answer(400, error("E062125")), "conflict", Some("E062125"), "HTTP 400"),
        (
            answer(404, Body::Unreadable),
            "not_found",
            None,
            "HTTP 404 with a body that is not the API's",
        ),
        (answer(400, error("E011003")), "refused", Some("E011003"), "HTTP 400"),
        (answer(200, Body::Object), "bad_answer", None, "HTTP 200 without the user"),
        (
            answer(503, Body::Unreadable),
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
        let failure = describe(&reply, Status::Rejected);
        assert_eq!((failure.kind, failure.code.as_deref()), (kind, code));
        assert_eq!(failure.message, message);
        assert!(failure.hint.is_some());
    }
    let detailed = Body::Error(ErrorBody {
        error_code: "E011002".into(),
        error_description: "missing arguments".into(),
        error_message: "phone".into(),
    });
    assert_eq!(describe(&answer(400, detailed), Status::Rejected).message, "phone");
}

#[test]
fn a_user_of_a_packed_call_fails_by_what_the_free_text_says() {
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
        let failure = describe_text(text);
        assert_eq!((failure.kind, failure.code.as_deref()), (kind, code), "{text}");
        assert_eq!(failure.message, text);
        assert!(failure.hint.is_some());
    }
    for text in ["", " \n"] {
        assert_eq!(describe_text(text).message, "the server does not say why");
    }
}

#[test]
fn only_what_is_unknown_may_have_been_applied() {
    let timeout = lost(Sent::Maybe, TransportCause::Timeout);
    let gave_up = describe(&timeout, Status::GaveUp);
    assert_eq!(gave_up.message, "no answer in time");
    let unknown = describe(&timeout, Status::Unknown);
    assert_eq!(unknown.message, "no answer in time; it may have been applied");
    assert_ne!(gave_up.hint, unknown.hint);
}

#[test]
fn back_off_doubles_to_its_ceiling_and_ends() {
    let backoff =
        Backoff { max_attempts: 4, base: Duration::from_secs(1), cap: Duration::from_secs(3) };
    for (attempt, jitter, expected) in
        [(1, 1.0, 1.0), (2, 1.0, 2.0), (3, 1.0, 3.0), (4, 1.0, 3.0), (1, 0.0, 0.0), (2, 0.25, 0.5)]
    {
        let expected = Duration::from_secs_f64(expected);
        assert_eq!(backoff.delay(attempt, jitter), expected, "attempt {attempt}");
    }
    let endless = Backoff { max_attempts: u32::MAX, ..backoff };
    assert_eq!(endless.delay(100, 1.0), Duration::from_secs(3));
    assert!(!endless.ends_with(100));
    assert!(!backoff.ends_with(3) && backoff.ends_with(4));
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = httpdate::parse_http_date("Tue, 24 Nov 2026 03:00:00 GMT").unwrap();
    for (value, expected) in [
        ("60", Some(60)),
        (" 0 ", Some(0)),
        ("Tue, 24 Nov 2026 03:00:42 GMT", Some(42)),
        ("Tue, 24 Nov 2026 02:59:00 GMT", Some(0)),
        ("99999999999", Some(24 * 60 * 60)),
        ("soon", None),
        ("-1", None),
        ("", None),
    ] {
        assert_eq!(parse_retry_after(value, now), expected.map(Duration::from_secs), "{value}");
    }
}
