//! Users from another provider.

use serde_json::{Value, json};

use crate::support::{Fixture, like, unlimited};

const IMPORT: &str = "/v1/mgmt/user/import";

/// Standard base64, as the Python SDK sends it.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |bytes: &[u8]| {
        let mut four = [0; 4];
        four[1..=bytes.len()].copy_from_slice(bytes);
        let bits = u32::from_be_bytes(four);
        let digit = |place: usize| {
            let digit = char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]);
            if place <= bytes.len() { digit } else { '=' }
        };
        (0..4).map(digit).collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

fn body(users: &str) -> Value {
    json!({"source": "auth0", "users": base64(users), "dryrun": false})
}

#[tokio::test]
async fn lists_lines_and_objects_of_users_become_users() {
    let ann = r#"{"user_id":"auth0|1","email":"ann@example.com","email_verified":true,"name":"Ann",
        "given_name":"A","phone_number":"+1 555 555 0100","passwordHash":"$2b$10$x"}"#;
    let ben = r#"{"phone":"+15555550101","displayName":"Ben"}"#;
    for text in [
        format!("[{ann},{ben}]"),
        format!("{}\n{ben}\n", ann.replace('\n', " ")),
        format!(r#"{{"users":[{ann},{ben}]}}"#),
    ] {
        let fixture = Fixture::start(unlimited()).await;
        let answer = fixture.ok(IMPORT, body(&text)).await;
        assert_eq!(answer["failures"], json!([]), "{text}");
        let shown = json!({"loginIds": ["ann@example.com"], "email": "ann@example.com",
            "verifiedEmail": true, "name": "Ann", "givenName": "A", "phone": "+15555550100",
            "password": true, "status": "invited"});
        assert_eq!(like(&answer["users"][0], &shown), shown, "{text}");
        let shown = json!({"loginIds": ["+15555550101"], "name": "Ben", "password": false});
        assert_eq!(like(&fixture.user("%2B15555550101").await, &shown), shown);
        fixture.stop().await;
    }
}

#[tokio::test]
async fn failures_are_told_and_a_dry_run_creates_nobody() {
    let fixture = Fixture::with_users(unlimited(), &["there@example.com"]).await;
    let text = r#"[{"email":"there@example.com"},{"email":"new@example.com"},
        {"email":"new@example.com"},{"name":"nameless"},{"username":"u"}]"#;
    for dry in [true, false] {
        let mut body = body(text);
        body["dryrun"] = dry.into();
        let answer = fixture.ok(IMPORT, body).await;
        let failures = answer["failures"].as_array().unwrap();
        let users: Vec<&Value> = failures.iter().map(|own| &own["user"]).collect();
        assert_eq!(users, ["there@example.com", "new@example.com", "user 4"], "{dry}");
        assert!(failures.iter().all(|own| own["reason"].is_string()));
        assert_eq!(answer["users"].as_array().unwrap().len(), if dry { 0 } else { 2 });
        assert_eq!(fixture.found(json!({})).await, if dry { 1 } else { 3 });
    }
    fixture.stop().await;
}

#[tokio::test]
async fn hashes_come_with_the_users_or_in_a_file_of_their_own() {
    let fixture = Fixture::start(unlimited()).await;
    let mut body = body(r#"[{"email":"a@example.com"},{"email":"b@example.com"}]"#);
    let hashes = r#"{"email":"b@example.com","passwordHash":"$2b$10$x"}"#;
    body["hashes"] = base64(hashes).into();
    fixture.ok(IMPORT, body).await;
    assert_eq!(fixture.user("a@example.com").await["password"], false);
    assert_eq!(fixture.user("b@example.com").await["password"], true);
    fixture.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let fixture = Fixture::start(unlimited()).await;
    for (body, code) in [
        (json!({"users": base64("[]")}), "E011002"),
        (json!({"source": "auth0", "users": r#"[{"email":"a@example.com"}]"#}), "E011001"),
        (body("[{"), "E011001"),
        (body("[7]"), "E011001"),
    ] {
        assert_eq!(fixture.refusal(IMPORT, body.clone()).await, (400, code.into()), "{body}");
    }
    fixture.stop().await;
}
