//! How users come and go: create, invite, delete.

use std::path::Path;

use descope_bulk::simulator::Settings;
use serde_json::{Value, json};

use crate::support::{Fixture, like, unlimited};

const CREATE: &str = "/v1/mgmt/user/create";
const BATCH: &str = "/v1/mgmt/user/create/batch";

#[tokio::test]
async fn a_new_user_has_what_the_request_says_and_the_documented_rest() {
    let fixture = Fixture::start(unlimited()).await;
    for (given, shown) in [
        (json!({}), json!({"status": "invited", "test": false, "password": false, "TOTP": false})),
        // A login ID that looks like an e-mail address is one, unless another is given.
        (
            json!({"loginId": "a@example.com"}),
            json!({"email": "a@example.com", "verifiedEmail": true}),
        ),
        (
            json!({"loginId": "b@example.com", "email": "", "verifiedEmail": null}),
            json!({"email": "b@example.com", "verifiedEmail": true}),
        ),
        (
            json!({"loginId": "c@example.com", "verifiedEmail": false}),
            json!({"email": "c@example.com", "verifiedEmail": false}),
        ),
        (
            json!({"loginId": "d@example.com", "email": "e@example.com"}),
            json!({"email": "e@example.com", "verifiedEmail": false}),
        ),
        (json!({}), json!({"email": "", "verifiedEmail": false})),
        (
            json!({"phone": "+1 555 555 0100", "verifiedPhone": true}),
            json!({"phone": "+15555550100", "verifiedPhone": true}),
        ),
        (json!({"status": "enabled"}), json!({"status": "enabled"})),
        (json!({"status": ""}), json!({"status": "invited"})),
        (json!({"displayName": "N", "givenName": "G"}), json!({"name": "N", "givenName": "G"})),
        (json!({"test": true}), json!({"test": true})),
        (
            json!({"roleNames": ["r"], "userTenants": [{"tenantId": "T", "roleNames": ["a"]}]}),
            json!({"roleNames": ["r"], "userTenants": [
                {"tenantId": "T", "tenantName": "T", "roleNames": ["a"], "permissions": []},
            ]}),
        ),
        (json!({"customAttributes": {"n": 1}}), json!({"customAttributes": {"n": 1}})),
        (
            json!({"recoveryEmail": "r@example.com", "verifiedRecoveryEmail": true}),
            json!({"recoveryEmail": "r@example.com", "verifiedRecoveryEmail": true}),
        ),
        (json!({"password": "s3cret"}), json!({"password": true})),
        (json!({"password": ""}), json!({"password": false})),
        (json!({"hashedPassword": {"bcrypt": {"hash": "$2a$10$x"}}}), json!({"password": true})),
        // Only a batch takes these.
        (json!({"seed": "JBSWY3DP"}), json!({"TOTP": false})),
    ] {
        let mut body = json!({"loginId": "plain"});
        body.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let answer = fixture.ok(CREATE, body).await;
        assert_eq!(answer["created"], true);
        assert_eq!(like(&answer["user"], &shown), shown, "{given}");
        let login_id = &answer["user"]["loginIds"][0];
        fixture.ok("/v1/mgmt/user/delete", json!({"loginId": login_id})).await;
    }
    let body = json!({"loginId": "j", "additionalLoginIds": ["+1-555-555-0101", "j", "k"]});
    let ids = &fixture.ok(CREATE, body).await["user"]["loginIds"];
    assert_eq!(*ids, json!(["j", "+15555550101", "k"]));
    fixture.stop().await;
}

#[tokio::test]
async fn what_is_no_user_is_refused_and_leaves_nothing_behind() {
    let fixture = Fixture::with_users(unlimited(), &["there", "+15555550100"]).await;
    for (body, code) in [
        (json!({}), "E011002"),
        (json!({"loginId": ""}), "E011002"),
        (json!({"loginId": "there"}), "E062107"),
        (json!({"loginId": "+1 (555) 555-0100"}), "E062107"),
        (json!({"loginId": "x", "additionalIdentifiers": ["there"]}), "E062107"),
        (json!({"loginId": "x", "status": "gone"}), "E011003"),
        (json!({"loginId": "x", "phone": "12"}), "E011003"),
        (json!({"loginId": "x", "password": true}), "E011001"),
        (json!({"loginId": "x", "invite": "yes"}), "E011001"),
        (json!({"loginId": "x", "hashedPassword": {}}), "E011003"),
        (json!({"loginId": "x", "hashedPassword": "$2a$"}), "E011001"),
        (json!({"loginId": "x", "hashedPassword": {"pbkdf2": {"hash": "not base64"}}}), "E011003"),
    ] {
        for path in [CREATE, "/v1/mgmt/user/create/test"] {
            let refusal = fixture.refusal(path, body.clone()).await;
            assert_eq!(refusal, (400, code.to_owned()), "{body}");
        }
        let answer = fixture.ok(BATCH, json!({"users": [body]})).await;
        // A batch knows no invitation of its own users.
        assert_eq!(
            answer["failedUsers"].as_array().unwrap().len(),
            usize::from(body["invite"].is_null())
        );
        if !body["invite"].is_null() {
            fixture.ok("/v1/mgmt/user/delete", json!({"loginId": "x"})).await;
        }
        assert_eq!(fixture.found(json!({})).await, 2, "{body}");
    }
    fixture.stop().await;
}

#[tokio::test]
async fn a_batch_takes_seeds_and_times_and_says_which_users_failed() {
    let fixture = Fixture::with_users(unlimited(), &["there"]).await;
    let body = json!({"users": [
        {"loginId": "a", "seed": "JBSWY3DP", "createdTime": 1_500_000_000},
        {"loginId": "there"},
        {"loginId": "b", "password": "s3cret", "status": "disabled"},
        {"loginId": "a", "name": "again"},
        {"loginId": "c", "hashedPassword": {"md5": {"hash": 1}}},
        {"loginId": "d", "createdTime": -1},
    ]});
    let answer = fixture.ok(BATCH, body).await;
    let shown = json!({"loginIds": ["a"], "TOTP": true, "createdTime": 1_500_000_000, "name": ""});
    assert_eq!(like(&answer["createdUsers"][0], &shown), shown);
    let shown = json!({"loginIds": ["b"], "TOTP": false, "password": true, "status": "disabled"});
    assert_eq!(like(&answer["createdUsers"][1], &shown), shown);
    let failed = answer["failedUsers"].as_array().unwrap();
    let names: Vec<&Value> = failed.iter().map(|own| &own["user"]["loginIds"][0]).collect();
    assert_eq!(names, ["there", "a", "c", "d"]);
    assert!(failed.iter().all(|own| own["failure"].as_str().is_some_and(|why| !why.is_empty())));
    assert_eq!(fixture.found(json!({"totp": true})).await, 1);
    let body = json!({"loginId": "later", "createdTime": 1_500_000_000});
    let created = fixture.ok(CREATE, body).await["user"]["createdTime"].as_u64().unwrap();
    assert!(created > 1_500_000_000);
    fixture.stop().await;
}

/// The number of invited users in each line of a log that has one, by path.
fn invited(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["path"] != "/v1/mgmt/user/delete")
        .map(|line| line["invited"].clone())
        .collect()
}

#[tokio::test]
async fn the_log_tells_how_many_users_were_invited() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let settings = Settings { log: Some(log.clone()), ..unlimited() };
    let fixture = Fixture::start(settings).await;
    let mut expected = Vec::new();
    for (mail, phone, invitation, goes_out) in [
        (true, false, json!({}), false),
        (true, false, json!({"invite": false}), false),
        (true, false, json!({"sendMail": true, "sendSMS": true}), false),
        (true, false, json!({"invite": true}), true),
        (true, false, json!({"invite": true, "sendMail": null}), true),
        (true, false, json!({"invite": true, "sendMail": false}), false),
        (true, false, json!({"invite": true, "sendSMS": false}), true),
        (false, true, json!({"invite": true}), true),
        (false, true, json!({"invite": true, "sendSMS": false}), false),
        (true, true, json!({"invite": true, "sendSMS": false}), true),
        (true, true, json!({"invite": true, "sendMail": false, "sendSMS": false}), false),
        (false, false, json!({"invite": true}), false),
    ] {
        let mut body = invitation;
        body["loginId"] = if mail { "a@example.com".into() } else { "a".into() };
        if phone {
            body["phone"] = "+15555550100".into();
        }
        fixture.ok(CREATE, body.clone()).await;
        fixture.ok("/v1/mgmt/user/delete", json!({"loginId": body["loginId"]})).await;
        expected.push(if goes_out { json!(1) } else { Value::Null });
    }
    let users = json!([{"loginId": "b@example.com"}, {"loginId": "b@example.com"},
        {"loginId": "c", "phone": "+15555550100"}, {"loginId": "d"}]);
    fixture.ok(BATCH, json!({"users": users, "invite": true})).await;
    fixture.ok(BATCH, json!({"users": [{"loginId": "e@example.com"}]})).await;
    expected.extend([json!(2), Value::Null]);
    fixture.stop().await;
    assert_eq!(invited(&log), expected);
}

#[tokio::test]
async fn an_invitation_by_user_id_is_for_the_user_who_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let settings = Settings { log: Some(log.clone()), ..unlimited() };
    let fixture = Fixture::with_users(settings, &["a@example.com"]).await;
    let user = fixture.user("a@example.com").await;
    let body = json!({"loginId": user["userId"], "invite": true, "name": "not set"});
    assert_eq!(fixture.ok(CREATE, body).await, json!({"user": user, "created": false}));
    assert_eq!(fixture.found(json!({})).await, 1);
    fixture.stop().await;
    assert_eq!(invited(&log), [Value::Null, Value::Null, json!(1), Value::Null]);
}

#[tokio::test]
async fn users_go_by_either_name_in_batches_by_user_id_and_all_test_users_at_once() {
    let fixture = Fixture::with_users(unlimited(), &["a", "b", "c", "d"]).await;
    let a = fixture.user("a").await["userId"].clone();
    let delete = "/v1/mgmt/user/delete";
    fixture.ok(delete, json!({"userId": a})).await;
    for body in [json!({"userId": a}), json!({"loginId": "a"})] {
        assert_eq!(fixture.refusal(delete, body).await, (404, "E112102".into()));
    }
    assert_eq!(fixture.refusal(delete, json!({})).await, (400, "E011002".into()));
    let (b, c) = (fixture.user("b").await, fixture.user("c").await);
    let batch = "/v1/mgmt/user/delete/batch";
    // Neither a login ID nor an unknown user ID is an error or somebody.
    fixture.ok(batch, json!({"userIds": [b["userId"], "c", "U1", b["userId"]]})).await;
    assert_eq!(fixture.get("/v1/mgmt/user?loginId=b").await.0, 404);
    assert_eq!(fixture.user("c").await, c);
    assert_eq!(fixture.refusal(batch, json!({})).await, (400, "E011002".into()));
    fixture.ok("/v1/mgmt/user/create/test", json!({"loginId": "t"})).await;
    fixture.ok(BATCH, json!({"users": [{"loginId": "u", "test": true}]})).await;
    assert_eq!(fixture.found(json!({})).await, 4);
    let request = fixture.authorized("DELETE", "/v1/mgmt/user/test/delete/all");
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(fixture.found(json!({})).await, 2);
    // Who comes back is somebody else.
    let again = fixture.ok(CREATE, json!({"loginId": "a"})).await;
    assert_ne!(again["user"]["userId"], a);
    fixture.stop().await;
}

#[tokio::test]
async fn the_batch_maximum_holds_for_every_batch() {
    let switches =
        descope_bulk::simulator::Switches { batch_maximum: Some(1), ..Default::default() };
    let fixture = Fixture::start(Settings { switches, ..unlimited() }).await;
    for (path, body) in [
        (BATCH, json!({"users": [{"loginId": "a"}, {"loginId": "b"}]})),
        ("/v1/mgmt/user/delete/batch", json!({"userIds": ["U1", "U2"]})),
    ] {
        assert_eq!(fixture.refusal(path, body).await, (400, "E011003".into()), "{path}");
    }
    assert_eq!(fixture.found(json!({})).await, 0);
    fixture.stop().await;
}
