//! The documented behaviour of routes, credentials and errors.

use descope_bulk::internals::catalog::{
    Answers, Kind, Method, Need, OPERATIONS, Operation, OperationKind, Role,
};
use descope_bulk::simulator::Settings;
use serde_json::{Value, json};

use crate::support::{BEARER, Fixture, read, unlimited};

/// The operations that change a user who is there.
fn updates() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|operation| operation.kind == OperationKind::Update)
}

/// A body that the operation takes: every required field, and what shows that it took effect.
fn sample(operation: &Operation) -> Value {
    let mut body = json!({operation.fields[0].name: "jdoe@example.com"});
    for field in &operation.fields[1..] {
        if matches!(field.need, Need::Optional) && field.name == "tenantId" {
            continue;
        }
        body[field.name] = match field.kind {
            Kind::Phone => json!("+15555550123"),
            Kind::Email => json!("new@example.com"),
            Kind::Boolean => json!(true),
            Kind::List => json!(["x"]),
            Kind::JsonObject => json!({"tier": "gold"}),
            Kind::Tenants => json!([{"tenantId": "T1", "roleNames": ["admin"]}]),
            Kind::OneOf(words) => json!(words[1]),
            Kind::Text | Kind::Secret | Kind::Json => json!("sample"),
            Kind::Integer | Kind::Time => json!(42),
            Kind::Objects("") => json!([{"descope": {"credentialId": "C1", "publicKey": "AAEC"}}]),
            Kind::Objects(key) => json!([{ key: "F1" }]),
            Kind::PasswordHash => json!({"md5": {"hash": "0123456789abcdef0123456789abcdef"}}),
        };
    }
    body
}

#[tokio::test]
async fn every_operation_of_the_catalogue_succeeds_and_shows_its_effect() {
    let of_one = |own: &&Operation| matches!(own.kind, OperationKind::Update);
    for operation in OPERATIONS.iter().filter(of_one) {
        let fixture = Fixture::with_users(unlimited(), &["jdoe@example.com"]).await;
        let before = fixture.user("jdoe@example.com").await;
        let method = operation.method.as_str();
        let request = fixture.authorized(method, operation.path);
        let response = request.body(sample(operation).to_string()).send().await;
        let (status, answer) = read(response.unwrap()).await;
        assert_eq!(status, 200, "{}: {answer}", operation.name);
        if operation.answers == Answers::User {
            let by_id = format!("/v1/mgmt/user?userId={}", before["userId"].as_str().unwrap());
            assert_eq!(fixture.get(&by_id).await.1, answer, "{}", operation.name);
            // Taking away what is not there changes nothing, and not everything is shown.
            let unseen = operation.fields.iter().any(|own| matches!(own.role, Role::Unseen(_)));
            let changes = !operation.name.ends_with("-remove") && !unseen;
            assert_eq!(answer["user"] != before, changes, "{}", operation.name);
        } else {
            assert_eq!(answer, json!({}), "{}", operation.name);
        }
        let wrong = if operation.method == Method::Post { "PATCH" } else { "POST" };
        let response = fixture.authorized(wrong, operation.path).send().await;
        assert_eq!(response.unwrap().status(), 405, "{}", operation.name);
        fixture.stop().await;
    }
}

#[tokio::test]
async fn every_operation_refuses_an_unknown_user_and_a_body_without_one() {
    let fixture = Fixture::start(unlimited()).await;
    for operation in updates() {
        let path = operation.path;
        let (status, answer) = fixture.post(path, sample(operation)).await;
        assert_eq!((status, &answer["errorCode"]), (404, &json!("E112102")), "{path}");
        let (status, answer) = fixture.post(path, json!({"loginId": null})).await;
        assert_eq!((status, &answer["errorCode"]), (400, &json!("E011002")), "{path}");
        for key in ["errorDescription", "errorMessage", "message"] {
            assert!(answer[key].is_string(), "{path}: {key}");
        }
    }
    fixture.stop().await;
}

#[tokio::test]
async fn an_answer_holds_the_whole_user_with_empty_values_present() {
    let fixture = Fixture::with_users(unlimited(), &["jdoe@example.com"]).await;
    let user = fixture.user("jdoe@example.com").await;
    let empty = json!({
        "name": "", "phone": "", "picture": "", "givenName": "", "middleName": "",
        "familyName": "", "verifiedPhone": false, "roleNames": [], "userTenants": [],
        "customAttributes": {}, "ssoAppIds": [], "permissions": [], "TOTP": false, "SAML": false,
        "OAuth": {}, "webauthn": false, "password": false, "test": false, "recoveryEmail": "",
    });
    for (key, value) in empty.as_object().unwrap() {
        assert_eq!(user[key], *value, "{key}");
    }
    assert_eq!(user["status"], "invited");
    assert_eq!(user["email"], "jdoe@example.com");
    assert_eq!(user["verifiedEmail"], true);
    assert_eq!(user["externalIds"], user["loginIds"]);
    assert!(user["createdTime"].as_u64().unwrap() > 1_700_000_000);
    fixture.stop().await;
}

#[tokio::test]
async fn credentials_of_the_right_form_are_wanted() {
    let settings = Settings { credentials: Some(("P1".into(), "K1".into())), ..unlimited() };
    let strict = Fixture::start(settings).await;
    let lax = Fixture::start(unlimited()).await;
    for (authorization, strictly, laxly) in [
        (None, 401, 401),
        (Some("Bearer P1:K1"), 200, 200),
        (Some("Bearer P1:K2"), 401, 200),
        (Some("Bearer P2:K1"), 401, 200),
        (Some("Bearer P1"), 401, 401),
        (Some("Bearer X1:K1"), 401, 401),
        (Some("Bearer P1:X1"), 401, 401),
        (Some("Basic P1:K1"), 401, 401),
    ] {
        for (fixture, expected) in [(&strict, strictly), (&lax, laxly)] {
            let mut request = fixture.request("GET", "/v1/mgmt/license");
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            let (status, answer) = read(request.send().await.unwrap()).await;
            assert_eq!(status, expected, "{authorization:?}");
            assert_eq!(answer["errorCode"].is_string(), status == 401);
        }
    }
    strict.stop().await;
    lax.stop().await;
}

#[tokio::test]
async fn each_project_has_users_and_a_limit_of_its_own() {
    let limit = "1/60s".parse().unwrap();
    let fixture = Fixture::start(Settings { limit, ..Settings::default() }).await;
    for (project, expected) in [("P1", 200), ("P2", 200), ("P1", 429)] {
        let request = fixture.request("POST", "/v1/mgmt/user/create");
        let request = request.header("authorization", format!("Bearer {project}:K1"));
        let created = request.body(json!({"loginId": "ana"}).to_string());
        let (status, answer) = read(created.send().await.unwrap()).await;
        assert_eq!(status, expected, "{project}: {answer}");
    }
    fixture.stop().await;
}

#[tokio::test]
async fn the_handshake_tells_the_tier_and_every_answer_that_this_is_no_descope() {
    for (limit, label) in [("off", "off"), ("documented", "documented"), ("10/1m", "10/60s")] {
        let settings = Settings { limit: limit.parse().unwrap(), ..Settings::default() };
        let fixture = Fixture::start(settings).await;
        let response = fixture.authorized("GET", "/v1/mgmt/license").send().await.unwrap();
        assert_eq!(response.headers()["x-descope-simulator"], label);
        assert_eq!(response.headers()["server"], "descope-bulk-simulator");
        assert_eq!(read(response).await.1, json!({"rateLimitTier": "tier3"}));
        let response = fixture.request("GET", "/nowhere").send().await.unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["server"], "descope-bulk-simulator");
        fixture.stop().await;
    }
}

#[tokio::test]
async fn bodies_are_json_and_not_endless() {
    let fixture = Fixture::start(unlimited()).await;
    let path = "/v1/mgmt/user/update/phone";
    for (body, status, code) in [
        ("{".to_owned(), 400, json!("E011001")),
        ("[]".to_owned(), 400, json!("E011001")),
        (String::new(), 400, json!("E011002")),
        (r#"{"loginId":7}"#.to_owned(), 400, json!("E011001")),
        ("x".repeat(10 * 1024 * 1024 + 1), 413, Value::Null),
    ] {
        let response = fixture.authorized("POST", path).body(body).send().await.unwrap();
        let (got, answer) = read(response).await;
        assert_eq!((got, &answer["errorCode"]), (status, &code));
    }
    fixture.stop().await;
}

#[tokio::test]
async fn a_conflict_is_refused_or_merges() {
    let fixture = Fixture::with_users(unlimited(), &["a", "b@example.com", "+15555550100"]).await;
    let path = "/v1/mgmt/user/update/email";
    let mut body = json!({"loginId": "a", "email": "b@example.com", "failOnConflict": true});
    let (status, answer) = fixture.post(path, body.clone()).await;
    assert_eq!((status, &answer["errorCode"]), (409, &json!("E111127")));
    body["failOnConflict"] = json!(false);
    let answer = fixture.ok(path, body).await;
    assert_eq!(answer["user"]["loginIds"], json!(["a", "b@example.com"]));
    let merged = fixture.user("b@example.com").await;
    assert_eq!(merged["userId"], answer["user"]["userId"]);
    let rename = json!({"loginId": "a", "newLoginId": "+1 (555) 555-0100"});
    let (status, _) = fixture.post("/v1/mgmt/user/update/loginid", rename).await;
    assert_eq!(status, 409);
    fixture.stop().await;
}

#[tokio::test]
async fn a_batch_answers_200_and_names_what_failed() {
    let fixture = Fixture::with_users(unlimited(), &["a", "b"]).await;
    let body = json!({"users": [
        {"loginId": "a", "name": "A"},
        {"loginId": "nobody", "name": "N"},
        {"loginId": "b", "phone": "12"},
        {"name": "no login ID"},
    ]});
    let answer = fixture.ok("/v1/mgmt/user/patch/batch", body).await;
    assert_eq!(answer["patchedUsers"].as_array().unwrap().len(), 1);
    assert_eq!(answer["patchedUsers"][0]["name"], "A");
    let failed = answer["failedUsers"].as_array().unwrap();
    assert_eq!(failed.len(), 3);
    assert_eq!(failed[0]["user"]["loginIds"], json!(["nobody"]));
    assert!(failed[0]["failure"].is_string());
    assert_eq!(answer["additionalErrors"], json!({}));
    let body = json!({"users": [{"loginId": "c"}, {"loginId": "a"}]});
    let answer = fixture.ok("/v1/mgmt/user/create/batch", body).await;
    assert_eq!(answer["createdUsers"][0]["loginIds"], json!(["c"]));
    assert_eq!(answer["failedUsers"][0]["user"]["loginIds"], json!(["a"]));
    fixture.stop().await;
}

#[tokio::test]
async fn users_are_deleted_and_loaded_by_either_name() {
    let fixture = Fixture::with_users(unlimited(), &["a", "b", "c"]).await;
    let id = |user: &Value| user["userId"].as_str().unwrap().to_owned();
    let (b, c) = (id(&fixture.user("b").await), id(&fixture.user("c").await));
    fixture.ok("/v1/mgmt/user/delete", json!({"loginId": "a"})).await;
    assert_eq!(fixture.get("/v1/mgmt/user?loginId=a&userId=").await.0, 404);
    fixture.ok("/v1/mgmt/user/update/name", json!({"loginId": b, "name": "B"})).await;
    let answer = fixture.ok("/v1/mgmt/users/load", json!({"userIds": [b, "U1", c]})).await;
    assert_eq!(answer["users"].as_array().unwrap().len(), 2);
    assert_eq!(answer["users"][0]["name"], "B");
    fixture.ok("/v1/mgmt/user/delete/batch", json!({"userIds": [b, c]})).await;
    let answer = fixture.ok("/v2/mgmt/user/search", json!({})).await;
    assert_eq!(answer, json!({"users": [], "total": 0}));
    // A rename takes login IDs only.
    let (status, _) = fixture
        .post("/v1/mgmt/user/update/loginid", json!({"loginId": b, "newLoginId": "x"}))
        .await;
    assert_eq!(status, 404);
    fixture.stop().await;
}

#[tokio::test]
async fn test_users_are_left_out_of_search_unless_asked_for() {
    let fixture = Fixture::with_users(unlimited(), &["a"]).await;
    fixture.ok("/v1/mgmt/user/create/test", json!({"loginId": "t"})).await;
    for (path, body, total) in [
        ("/v2/mgmt/user/search", json!({}), 1),
        ("/v1/mgmt/user/search", json!({"withTestUser": true}), 2),
        ("/v2/mgmt/user/search/test", json!({}), 1),
    ] {
        assert_eq!(fixture.ok(path, body).await["total"], total, "{path}");
    }
    let request = fixture.authorized("DELETE", "/v1/mgmt/user/test/delete/all");
    assert_eq!(request.send().await.unwrap().status(), 200);
    let answer = fixture.ok("/v2/mgmt/user/search", json!({"withTestUser": true})).await;
    assert_eq!(answer["total"], 1);
    fixture.stop().await;
}

#[tokio::test]
async fn http_2_is_spoken_without_asking() {
    let fixture = Fixture::with_users(unlimited(), &["a"]).await;
    let request = fixture.authorized("GET", "/v1/mgmt/user?loginId=a").build().unwrap();
    let client = crate::support::local().http2_prior_knowledge();
    let request = client.build().unwrap().get(request.url().clone());
    let response = request.header("authorization", BEARER).send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.status(), 200);
    fixture.stop().await;
}
