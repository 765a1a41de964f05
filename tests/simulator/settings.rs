//! Seeds, limits, missing users, switches, and refusals at the start.

use descope_bulk::simulator::{self, Seed, Settings, Switches, UserNotFound};
use serde_json::json;

use crate::support::{Fixture, unlimited};

#[tokio::test]
async fn generated_users_can_be_searched_page_by_page() {
    let settings = Settings { users: Seed::Generate(250), ..unlimited() };
    let fixture = Fixture::start(settings).await;
    let page = json!({"limit": 100, "page": 2});
    let answer = fixture.ok("/v2/mgmt/user/search", page).await;
    assert_eq!(answer["total"], 250);
    assert_eq!(answer["users"].as_array().unwrap().len(), 50);
    assert_eq!(answer["users"][49]["loginIds"], json!(["user250@example.com"]));
    fixture.stop().await;
}

#[tokio::test]
async fn users_come_from_a_file_as_the_api_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.jsonl");
    let user = json!({
        "loginIds": ["jdoe", "+1-555-555-0100"], "userId": "U2aAc4T2V93bddihGEx2Ryhc8e5Z",
        "name": "Jane", "email": "j@example.com", "verifiedEmail": true, "password": true,
        "roleNames": ["editor"], "status": "expired", "createdTime": 1_700_000_000,
    });
    std::fs::write(&file, format!("{user}\n\n{}\n", json!({"loginId": "b@example.com"}))).unwrap();
    let settings = Settings { users: Seed::File(file.clone()), ..unlimited() };
    let fixture = Fixture::start(settings.clone()).await;
    let shown = fixture.user("%2B15555550100").await;
    for (key, value) in user.as_object().unwrap() {
        let expected = match key.as_str() {
            "loginIds" => json!(["jdoe", "+15555550100"]),
            _ => value.clone(),
        };
        assert_eq!(shown[key], expected, "{key}");
    }
    assert_eq!(fixture.user("b@example.com").await["status"], "enabled");
    fixture.stop().await;
    for (line, reason) in [
        ("{}", ":2: "),
        ("nonsense", ":2: not JSON"),
        (r#"{"loginId":"jdoe"}"#, ":2: A user with this login ID already exists"),
    ] {
        std::fs::write(&file, format!("{user}\n{line}\n")).unwrap();
        let error = simulator::start(settings.clone()).await.err().unwrap().to_string();
        let expected = format!("{}{reason}", file.display());
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn the_limit_answers_429_with_the_seconds_to_wait() {
    let settings = Settings { limit: "2/1h".parse().unwrap(), ..Settings::default() };
    let fixture = Fixture::start(settings).await;
    for expected in [404, 404, 429, 429] {
        let request = fixture.authorized("GET", "/v1/mgmt/user?loginId=a");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), expected);
        if expected == 429 {
            let seconds: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=3600).contains(&seconds));
        }
    }
    // The handshake counts against no limit.
    assert_eq!(fixture.get("/v1/mgmt/license").await.0, 200);
    fixture.stop().await;
}

#[tokio::test]
async fn missing_users_are_created_by_updates_and_loads() {
    let settings = Settings { create_missing: true, ..unlimited() };
    let fixture = Fixture::start(settings).await;
    let rename = json!({"loginId": "a@example.com", "newLoginId": "b@example.com"});
    let path = "/v1/mgmt/user/update/loginid";
    let answer = fixture.ok(path, rename.clone()).await;
    assert_eq!(answer["user"]["status"], "enabled");
    assert_eq!(answer["user"]["email"], "a@example.com");
    assert_eq!(fixture.post(path, rename).await.0, 404);
    assert_eq!(fixture.user("c").await["loginIds"], json!(["c"]));
    fixture.stop().await;
}

#[tokio::test]
async fn who_was_only_looked_for_can_still_be_created_and_who_was_updated_cannot() {
    let settings = Settings { create_missing: true, ..unlimited() };
    let fixture = Fixture::start(settings).await;
    let create = "/v1/mgmt/user/create";
    let looked_for = fixture.user("a").await["userId"].clone();
    let created = fixture.ok(create, json!({"loginId": "a", "name": "A"})).await;
    assert_eq!(created["user"]["status"], "invited");
    assert_ne!(created["user"]["userId"], looked_for);
    assert_eq!(fixture.user("a").await["name"], "A");
    let exists = (400, "E062107".to_owned());
    assert_eq!(fixture.refusal(create, json!({"loginId": "a"})).await, exists);
    fixture.user("b").await;
    fixture.ok("/v1/mgmt/user/update/name", json!({"loginId": "b", "name": "B"})).await;
    assert_eq!(fixture.refusal(create, json!({"loginId": "b"})).await, exists);
    assert_eq!(fixture.found(json!({})).await, 2);
    fixture.stop().await;
}

#[tokio::test]
async fn switches_reach_the_routes() {
    let switches = Switches {
        user_not_found: UserNotFound::BadRequest,
        batch_maximum: Some(1),
        search_lag: std::time::Duration::from_hours(1),
        ..Switches::default()
    };
    let settings = Settings { users: Seed::Generate(1), switches, ..unlimited() };
    let fixture = Fixture::start(settings).await;
    let name = "/v1/mgmt/user/update/name";
    let (status, answer) = fixture.post(name, json!({"loginId": "x"})).await;
    assert_eq!((status, &answer["errorCode"]), (400, &json!("E112102")));
    assert_eq!(fixture.get("/v1/mgmt/user?loginId=x").await.0, 404);
    let batch = json!({"users": [{"loginId": "a"}, {"loginId": "b"}]});
    assert_eq!(fixture.post("/v1/mgmt/user/patch/batch", batch).await.0, 400);
    let rename = json!({"loginId": "user1@example.com", "name": "New"});
    fixture.ok(name, rename).await;
    let answer = fixture.ok("/v2/mgmt/user/search", json!({})).await;
    assert_eq!(answer["users"][0]["name"], "");
    assert_eq!(fixture.user("user1@example.com").await["name"], "New");
    fixture.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_a_refusal() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = Settings { listen: taken.local_addr().unwrap(), ..Settings::default() };
    let error = simulator::start(settings).await.err().unwrap();
    assert_eq!(error.exit(), descope_bulk::Exit::Refused);
    assert!(error.to_string().contains(&taken.local_addr().unwrap().to_string()));
}

#[tokio::test]
async fn an_answer_takes_its_time_and_a_stop_does_not_wait_for_it() {
    let settings = Settings { latency: "1h..2h".parse().unwrap(), ..unlimited() };
    let fixture = Fixture::start(settings).await;
    let slow = tokio::spawn(fixture.authorized("GET", "/v1/mgmt/license").send());
    fixture.stop().await;
    // Cut short, not cut off, unless it had not arrived yet.
    if let Ok(response) = slow.await.unwrap() {
        assert_eq!(response.status(), 200);
    }
}
