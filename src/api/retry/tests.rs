use super::*;
use crate::api::response::ErrorBody;
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
        Verdict::Stop(reason) => format!("stop: {}", reason.code()),
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
        ("200 with something else", answer(200, Body::Unreadable(String::new())), broken, settled),
        ("307", answer(307, Body::Object), "stop: redirected", "stop: redirected"),
        ("400", answer(400, error("E011003")), "rejected", "rejected"),
        (
            "401",
            answer(401, error("E062909")),
            "stop: credentials_refused",
            "stop: credentials_refused",
        ),
        (
            "403",
            answer(403, error("E011001")),
            "stop: credentials_refused",
            "stop: credentials_refused",
        ),
        (
            "401 or 403, not the API's",
            answer(403, Body::Unreadable(String::new())),
            "rejected",
            "rejected",
        ),
        ("404 E112102", answer(404, error("E112102")), "rejected", "rejected"),
        ("408", answer(408, Body::Unreadable(String::new())), server, server),
        ("409 E111127", answer(409, error("E111127")), "rejected", "rejected"),
        ("429", answer(429, Body::Unreadable(String::new())), "cool down 60 s", "cool down 60 s"),
        ("400 E130429", answer(400, error("E130429")), "cool down 60 s", "cool down 60 s"),
        ("500 E112102 or E111127", answer(500, error("E112102")), "rejected", "rejected"),
        ("500", answer(500, error("E000000")), server, settled),
        ("502", answer(502, Body::Unreadable(String::new())), server, settled),
        ("503", answer(503, Body::Unreadable(String::new())), server, server),
        ("503 E130429", answer(503, error("E130429")), "cool down 60 s", "cool down 60 s"),
        ("504", answer(504, Body::Unreadable(String::new())), server, settled),
        ("520", answer(520, Body::Unreadable(String::new())), server, settled),
        ("521", answer(521, Body::Unreadable(String::new())), server, server),
        ("522", answer(522, Body::Unreadable(String::new())), server, settled),
        ("524", answer(524, Body::Unreadable(String::new())), server, settled),
        ("530", answer(530, Body::Unreadable(String::new())), server, server),
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
    assert_eq!(
        word(&judge(expire, &answer(200, Body::Unreadable(String::new())))),
        "again, then unknown"
    );
}

#[test]
fn the_server_says_how_long_to_wait() {
    let wait = Some(Duration::from_secs(7));
    let limited = Reply::Response(Response {
        status: 429,
        retry_after: wait,
        body: Body::Unreadable(String::new()),
    });
    assert_eq!(judge(operation("phone"), &limited), Verdict::CoolDown(Duration::from_secs(7)));
    let busy = Reply::Response(Response {
        status: 503,
        retry_after: wait,
        body: Body::Unreadable(String::new()),
    });
    let again = Verdict::Again { then: Status::GaveUp, after: wait };
    assert_eq!(judge(operation("phone"), &busy), again);
    let failing = Reply::Response(Response {
        status: 502,
        retry_after: wait,
        body: Body::Unreadable(String::new()),
    });
    assert_eq!(judge(operation("loginid"), &failing), Verdict::Reconcile { after: wait });
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
