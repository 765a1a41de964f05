//! Credentials, devices and families: what is there, what a user object shows of it, and what
//! takes it away.

use serde_json::{Value, json};

use crate::support::{Fixture, like, read, seeded, unlimited};

/// A user who has one of everything, and one who has nothing.
async fn start() -> Fixture {
    let jane = json!({
        "loginIds": ["jane", "j@example.com"], "userId": "U2aAc4T2V93bddihGEx2Ryhc8e5Z",
        "TOTP": true, "webauthn": true, "password": true, "recoveryCodes": true,
        "passkeys": [
            {"id": "P1", "rpId": "example.com", "kind": "passkey", "displayName": "Phone",
             "createdTime": 1_700_000_000},
            {"id": "P2"},
        ],
        "trustedDevices": [
            {"id": "D1", "name": "Laptop", "deviceType": "Desktop", "lastLoginTime": "1700000000",
             "expirationTime": 1_900_000_000, "lastLocation": "Oslo"},
            {"id": "D2"},
        ],
        "familyAssociations": [{"familyId": "F1", "roleNames": ["parent"]}],
    });
    seeded(&[jane, json!({"loginId": "ben"})], unlimited()).await
}

async fn passkeys(fixture: &Fixture) -> Vec<Value> {
    let answer = fixture.ok("/v1/mgmt/user/passkeys/list", json!({"loginId": "jane"})).await;
    answer["passkeys"].as_array().unwrap().clone()
}

async fn devices(fixture: &Fixture, identifiers: Value) -> Vec<Value> {
    let body = json!({"identifiers": identifiers});
    let answer = fixture.ok("/v1/mgmt/user/trusteddevices/list", body).await;
    answer["devices"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_file_of_users_states_them_and_lists_show_them() {
    let fixture = start().await;
    let flags = json!({"TOTP": true, "webauthn": true, "password": true});
    assert_eq!(like(&fixture.user("jane").await, &flags), flags);
    let passkey = json!({"id": "P1", "rpId": "example.com", "kind": "passkey",
        "displayName": "Phone", "createdTime": 1_700_000_000});
    assert_eq!(passkeys(&fixture).await[0], passkey);
    let device = json!({"id": "D1", "name": "Laptop", "deviceType": "Desktop",
        "userId": "U2aAc4T2V93bddihGEx2Ryhc8e5Z", "lastLoginTime": "1700000000",
        "expirationTime": "1900000000", "lastLocation": "Oslo", "isCurrentDevice": false});
    for name in ["jane", "U2aAc4T2V93bddihGEx2Ryhc8e5Z"] {
        let listed = devices(&fixture, json!([name, "ben", "nobody"])).await;
        assert_eq!((listed.len(), &listed[0]), (2, &device));
    }
    for (filter, expected) in [
        (json!({"totp": true}), 1),
        (json!({"totp": false}), 1),
        (json!({"webauthn": true}), 1),
        (json!({"familyIds": ["F1", "F9"]}), 1),
        (json!({"familyIds": ["F9"]}), 0),
    ] {
        assert_eq!(fixture.found(filter.clone()).await, expected, "{filter}");
    }
    let unknown = json!({"loginId": "nobody"});
    let refusal = fixture.refusal("/v1/mgmt/user/passkeys/list", unknown).await;
    assert_eq!(refusal, (404, "E112102".into()));
    fixture.stop().await;
}

#[tokio::test]
async fn flags_follow_what_is_taken_away_and_a_second_time_is_no_error() {
    let fixture = start().await;
    for (path, body, flags) in [
        ("passkey/delete", json!({"credentialId": "P9"}), json!({"webauthn": true})),
        ("passkey/delete", json!({"credentialId": "P1"}), json!({"webauthn": true})),
        ("passkey/delete", json!({"credentialId": "P2"}), json!({"webauthn": false})),
        ("passkeys/delete", json!({}), json!({"webauthn": false, "TOTP": true})),
        ("totp/delete", json!({}), json!({"TOTP": false, "password": true})),
        ("recovery-codes/delete", json!({}), json!({"TOTP": false})),
        ("logout", json!({"sessionTypes": ["web"]}), json!({"status": "enabled"})),
    ] {
        for login_id in ["jane", "jane", "ben"] {
            let mut body = body.clone();
            body["loginId"] = login_id.into();
            fixture.ok(&format!("/v1/mgmt/user/{path}"), body).await;
        }
        assert_eq!(like(&fixture.user("jane").await, &flags), flags, "{path} {body}");
    }
    let remove = "/v1/mgmt/user/trusteddevices/remove";
    fixture.ok(remove, json!({"identifier": "jane", "deviceIds": ["D1", "D9"]})).await;
    assert_eq!(devices(&fixture, json!(["jane"])).await[0]["id"], "D2");
    fixture.ok(remove, json!({"loginId": "jane", "deviceIds": ["D2"]})).await;
    assert!(devices(&fixture, json!(["jane"])).await.is_empty());
    fixture.stop().await;
}

#[tokio::test]
async fn passkeys_are_taken_over_in_either_form_and_none_if_one_is_wrong() {
    let fixture = start().await;
    let import = "/v1/mgmt/user/passkeys/import";
    let descope =
        json!({"descope": {"credentialId": "N1", "rpId": "example.com", "publicKey": "AAEC"}});
    let auth0 = json!({"auth0": {"keyId": "P1", "rpId": "new.example", "publicKey": "AAEC"}});
    for (wrong, code) in [
        (json!({}), "E011003"),
        (json!({"descope": descope["descope"], "auth0": auth0["auth0"]}), "E011003"),
        (json!({"descope": {"rpId": "example.com"}}), "E011002"),
        (json!({"auth0": {"keyId": "K", "publicKey": "no"}}), "E011003"),
    ] {
        let body = json!({"loginId": "jane", "devices": [descope, wrong]});
        assert_eq!(fixture.refusal(import, body).await, (400, code.to_owned()), "{wrong}");
        assert_eq!(passkeys(&fixture).await.len(), 2);
    }
    fixture.ok(import, json!({"loginId": "jane", "devices": [descope, auth0]})).await;
    let listed = passkeys(&fixture).await;
    let ids: Vec<&Value> = listed.iter().map(|passkey| &passkey["id"]).collect();
    assert_eq!(ids, ["P2", "N1", "P1"]);
    assert_eq!(listed[2]["rpId"], "new.example");
    fixture.ok(import, json!({"loginId": "ben", "devices": [descope]})).await;
    assert_eq!(fixture.user("ben").await["webauthn"], true);
    fixture.stop().await;
}

#[tokio::test]
async fn families_are_seen_by_search_alone() {
    let fixture = start().await;
    let before = fixture.user("jane").await;
    let (add, remove) = ("/v1/mgmt/user/update/family/add", "/v1/mgmt/user/update/family/remove");
    let jane = |key: &str, value: Value| json!({"loginId": "jane", key: value});
    for (path, body, in_f1, in_f2) in [
        (add, jane("familyAssociations", json!([{"familyId": "F2"}])), 1, 1),
        (remove, jane("familyIds", json!(["F1", "F9"])), 0, 1),
        // A full replace that does not name families takes the user out of them.
        ("/v1/mgmt/user/patch", jane("name", json!("J")), 0, 1),
        ("/v1/mgmt/user/patch", jane("familyAssociations", json!([{"familyId": "F1"}])), 1, 0),
        ("/v1/mgmt/user/update", jane("name", json!("J")), 0, 0),
    ] {
        let answer = fixture.ok(path, body.clone()).await;
        let keys = |user: &Value| user.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&answer["user"]), keys(&before));
        assert_eq!(fixture.found(json!({"familyIds": ["F1"]})).await, in_f1, "{path} {body}");
        assert_eq!(fixture.found(json!({"familyIds": ["F2"]})).await, in_f2, "{path} {body}");
    }
    // Credentials are no fields: they have survived the replace.
    let flags = json!({"TOTP": true, "webauthn": true, "password": true});
    assert_eq!(like(&fixture.user("jane").await, &flags), flags);
    for (path, body, code) in [
        (add, json!({"familyAssociations": [{"roleNames": ["parent"]}]}), "E011002"),
        (
            add,
            json!({"familyAssociations": [{"familyId": "F1", "roleNames": "parent"}]}),
            "E011001",
        ),
        (remove, json!({}), "E011002"),
        ("/v1/mgmt/user/logout", json!({"sessionTypes": "web"}), "E011001"),
        ("/v1/mgmt/user/update/impersonationConsent", json!({}), "E011002"),
    ] {
        let mut body = body;
        body["loginId"] = "jane".into();
        assert_eq!(fixture.refusal(path, body).await, (400, code.into()), "{path}");
    }
    fixture.stop().await;
}

#[tokio::test]
async fn histories_tokens_and_links_have_the_documented_shape() {
    let fixture = start().await;
    let ids = json!(["U2aAc4T2V93bddihGEx2Ryhc8e5Z"]);
    assert_eq!(fixture.ok("/v1/mgmt/user/history", ids.clone()).await, json!([]));
    let answer = fixture.ok("/v2/mgmt/user/history", json!({"userIds": ids})).await;
    assert_eq!(answer, json!({"usersAuthHistory": []}));
    for body in [json!({"userIds": ids}), json!([7])] {
        let refusal = fixture.refusal("/v1/mgmt/user/history", body).await;
        assert_eq!(refusal, (400, "E011001".into()));
    }
    let token = "/v1/mgmt/user/provider/token?loginId=jane";
    let (status, answer) = fixture.get(&format!("{token}&provider=google")).await;
    assert_eq!((status, &answer["provider"]), (200, &json!("google")));
    assert!(answer["accessToken"].is_string() && answer["scopes"].is_array());
    assert!(answer["expiration"].is_u64() && answer["providerUserId"].is_string());
    assert_eq!(answer["refreshToken"], "");
    assert_eq!(fixture.get(token).await.0, 400);
    let unknown = "/v1/mgmt/user/provider/token?loginId=nobody&provider=google";
    assert_eq!(fixture.get(unknown).await.0, 404);
    for (path, login_id, status) in [
        ("/v1/mgmt/user/signin/embeddedlink", "jane", 200),
        ("/v1/mgmt/user/signin/embeddedlink", "nobody", 404),
        ("/v1/mgmt/user/signup/embeddedlink", "nobody", 200),
        ("/v1/mgmt/user/signup/embeddedlink", "", 400),
    ] {
        let response = fixture.send(path, json!({"loginId": login_id})).await.unwrap();
        let (got, answer) = read(response).await;
        assert_eq!(got, status, "{path} {login_id}");
        assert_eq!(answer["token"].is_string(), status == 200);
    }
    assert_eq!(fixture.get("/v1/mgmt/user?loginId=nobody").await.0, 404);
    fixture.stop().await;
}
