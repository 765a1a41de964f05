//! Faults on the wire, and what the log says of them.

use std::path::Path;

use descope_bulk::simulator::Settings;
use serde_json::{Value, json};

use crate::support::{Fixture, read, unlimited};

fn faulty(faults: &[&str], log: &Path) -> Settings {
    Settings {
        faults: faults.iter().map(|spec| spec.parse().unwrap()).collect(),
        log: Some(log.to_owned()),
        ..unlimited()
    }
}

fn lines(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    lines.sort_by_key(|line| line["seq"].as_u64());
    lines
}

const PATH: &str = "/v1/mgmt/user/update/name";

/// What a client gets of one request under a fault: a status and a whole body, or nothing.
async fn outcome(fixture: &Fixture) -> Option<(u16, String)> {
    let body = json!({"loginId": "a", "name": "changed"});
    let response = fixture.send(PATH, body).await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.text().await.ok()?))
}

#[tokio::test]
async fn faults_do_what_they_say_and_apply_as_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    for (fault, status, applied) in [
        ("503", Some(503), false),
        ("500:apply=true", Some(500), true),
        ("429:retry-after=7", Some(429), false),
        ("drop", None, false),
        ("apply-drop", None, true),
        ("half", None, true),
        ("garbage", Some(200), true),
        ("empty", Some(200), true),
        ("huge", Some(200), true),
        ("html=502", Some(502), false),
        ("redirect", Some(307), false),
    ] {
        // A log that holds something is refused.
        let _ = std::fs::remove_file(&log);
        let spec = format!("{fault}{}path=name", if fault.contains(':') { "," } else { ":" });
        let fixture = Fixture::with_users(faulty(&[&spec], &log), &["a"]).await;
        let outcome = outcome(&fixture).await;
        assert_eq!(outcome.as_ref().map(|(status, _)| *status), status, "{fault}");
        let name = fixture.user("a").await["name"] == "changed";
        assert_eq!(name, applied, "{fault}");
        match (fault, outcome) {
            ("huge", Some((_, body))) => assert!(body.len() > 10_000_000),
            ("empty", Some((_, body))) => assert_eq!(body, ""),
            ("garbage", Some((_, body))) => assert!(serde_json::from_str::<Value>(&body).is_err()),
            ("html=502", Some((_, body))) => assert!(body.starts_with("<!DOCTYPE html>")),
            _ => {}
        }
        fixture.stop().await;
        let line = &lines(&log)[1];
        assert_eq!(line["path"], PATH);
        assert_eq!(line["fault"], spec.as_str());
        assert_eq!(line["applied"], applied, "{fault}");
        let logged = if fault == "half" { Some(200) } else { status };
        assert_eq!(line["status"], json!(logged), "{fault}");
    }
}

#[tokio::test]
async fn half_an_answer_is_half_and_says_so_by_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let settings = faulty(&["half:path=name"], &folder.path().join("log"));
    let fixture = Fixture::with_users(settings, &["a"]).await;
    let body = json!({"loginId": "a", "name": "changed"});
    let mut response = fixture.send(PATH, body).await.unwrap();
    let promised = response.content_length().unwrap();
    let mut got = 0;
    let error = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => got += chunk.len() as u64,
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(error);
    assert_eq!(got, promised / 2);
    fixture.stop().await;
}

#[tokio::test]
async fn a_request_that_hangs_ends_with_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let settings = faulty(&["hang:path=name,apply=true"], &log);
    let fixture = Fixture::with_users(settings, &["a"]).await;
    let body = json!({"loginId": "a", "name": "changed"});
    let request = fixture.authorized("POST", PATH).body(body.to_string());
    let hanging = tokio::spawn(request.send());
    // That it has arrived is seen by what it did.
    while fixture.user("a").await["name"] != "changed" {}
    assert!(!hanging.is_finished());
    fixture.stop().await;
    assert!(hanging.await.unwrap().is_err());
    let lines = lines(&log);
    let line = lines.iter().find(|line| line["path"] == PATH).unwrap();
    assert_eq!((&line["status"], &line["applied"]), (&Value::Null, &json!(true)));
}

#[tokio::test]
async fn retry_after_is_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let settings = faulty(&["429:retry-after=7,first=1"], &folder.path().join("log"));
    let fixture = Fixture::start(settings).await;
    let response = fixture.authorized("GET", "/v1/mgmt/license").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let response = fixture.authorized("GET", "/v1/mgmt/user?loginId=a").send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(read(response).await.1["errorCode"], "E130429");
    fixture.stop().await;
}

#[tokio::test]
async fn the_log_names_users_and_never_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let settings = Settings { log_bodies: true, ..faulty(&[], &log) };
    let fixture = Fixture::with_users(settings, &["a", "b"]).await;
    let rename = json!({"loginId": "a", "newLoginId": "c"});
    fixture.ok("/v1/mgmt/user/update/loginid", rename.clone()).await;
    let batch = json!({"users": [{"loginId": "b"}, {"loginId": "c"}]});
    fixture.ok("/v1/mgmt/user/patch/batch", batch).await;
    fixture.get("/v1/mgmt/user?loginId=c").await;
    fixture.stop().await;
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(!text.contains("K2test"));
    let lines = lines(&log);
    assert_eq!(lines.len(), 5);
    assert_eq!((&lines[2]["loginId"], &lines[2]["newLoginId"]), (&json!("a"), &json!("c")));
    assert_eq!(lines[2]["body"], rename);
    assert_eq!(lines[3]["loginIds"], json!(["b", "c"]));
    assert_eq!(lines[4]["loginId"], "c");
    assert_eq!(lines[4]["project"], "P2test");
    for (line, seq) in lines.iter().zip(1..) {
        assert_eq!(line["seq"], seq);
        assert!(line["at"].as_f64().unwrap() <= line["endAt"].as_f64().unwrap());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&log).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
