//! What the official SDKs send, as recorded, must be understood.

use descope_bulk::simulator::{Seed, Settings};
use serde_json::Value;

use crate::support::{Fixture, read, unlimited};

/// The status for users that have one login ID each: it cannot be removed, and the number that
/// the recorded updates set is another user's.
fn expected(record: &Value) -> u16 {
    let body = &record["body"];
    let removes = body["newLoginId"].as_str().unwrap_or_default().is_empty();
    let conflicts = body["failOnConflict"] == true && body["phone"] == "+15555550123";
    match record["path"].as_str().unwrap() {
        "/v1/mgmt/user/update/loginid" if removes => 400,
        "/v1/mgmt/user/update/phone" if conflicts => 409,
        _ => 200,
    }
}

#[tokio::test]
async fn every_recorded_request_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.jsonl");
    std::fs::write(
        &users,
        r#"{"loginIds":["jdoe@example.com"],"userId":"U2aAc4T2V93bddihGEx2Ryhc8e5Z"}
{"loginIds":["+15555550123"],"userId":"U1"}
{"loginIds":["jane+tag@example.com"],"userId":"U2"}
"#,
    )
    .unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir("tests/sdk-requests").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            let settings = Settings { users: Seed::File(users.clone()), ..unlimited() };
            let fixture = Fixture::start(settings).await;
            let (status, answer) = read(replay(&fixture, &record).await).await;
            assert_eq!(status, expected(&record), "{line}\n{answer}");
            fixture.stop().await;
            count += 1;
        }
    }
    assert!(count > 80, "{count}");
}

async fn replay(fixture: &Fixture, record: &Value) -> reqwest::Response {
    let mut path = record["path"].as_str().unwrap().to_owned();
    for (key, value) in record["query"].as_object().unwrap() {
        let joint = if path.contains('?') { '&' } else { '?' };
        let pair = url::form_urlencoded::Serializer::new(String::new())
            .append_pair(key, value.as_str().unwrap())
            .finish();
        path = format!("{path}{joint}{pair}");
    }
    let mut request = fixture.request(record["method"].as_str().unwrap(), &path);
    for (key, value) in record["headers"].as_object().unwrap() {
        request = request.header(key, value.as_str().unwrap());
    }
    if !record["body"].is_null() {
        request = request.body(record["body"].to_string());
    }
    request.send().await.unwrap()
}
