//! What a project declares beside its users: custom attributes, tenants and roles.

use descope_bulk::simulator::{Limit, Settings, Switches, UnknownRole};
use serde_json::{Value, json};

use crate::support::{Fixture, like, seeded, unlimited};

const CREATE: &str = "/v1/mgmt/user/create";
const ATTRIBUTE: &str = "/v1/mgmt/user/update/customAttribute";
const ROLE_ADD: &str = "/v2/mgmt/user/update/role/add";
const TENANT_ADD: &str = "/v1/mgmt/user/update/tenant/add";

async fn attributes(fixture: &Fixture) -> Value {
    fixture.get("/v1/mgmt/user/customattributes").await.1["data"].take()
}

#[tokio::test]
async fn without_declarations_every_attribute_is_taken_and_listed_by_its_values() {
    let fixture = Fixture::with_users(unlimited(), &["a"]).await;
    for (key, value) in
        [("s", json!("x")), ("n", json!(1)), ("b", json!(true)), ("m", json!(["x"]))]
    {
        let body = json!({"loginId": "a", "attributeKey": key, "attributeValue": value});
        fixture.ok(ATTRIBUTE, body).await;
    }
    let listed = attributes(&fixture).await;
    let of =
        |name: &str| listed.as_array().unwrap().iter().find(|own| own["name"] == name).unwrap();
    for (name, kind) in [("s", 1), ("n", 2), ("b", 3), ("m", 5)] {
        let shown = json!({"name": name, "type": kind, "options": [], "displayName": name});
        assert_eq!(*of(name), shown);
    }
    fixture.stop().await;
}

#[tokio::test]
async fn declared_attributes_are_listed_and_kept_to() {
    let fixture = Fixture::with_users(unlimited(), &["a"]).await;
    let guess = json!({"loginId": "a", "attributeKey": "guess", "attributeValue": 1});
    fixture.ok(ATTRIBUTE, guess).await;
    let create = "/v1/mgmt/user/customattribute/create";
    let tier = json!({"name": "tier", "type": 4, "displayName": "Tier",
        "options": [{"value": "gold", "label": "Gold"}]});
    let seats = json!({"name": "seats", "type": "number"});
    let answer = fixture.ok(create, json!({"attributes": [tier, seats]})).await;
    assert_eq!(answer["total"], 2);
    assert_eq!(answer["data"][0], tier);
    let shown = json!({"name": "seats", "type": 2, "displayName": "seats", "options": []});
    assert_eq!(answer["data"][1], shown);
    assert_eq!(attributes(&fixture).await, answer["data"]);
    // All of them or none.
    let twice = json!({"attributes": [{"name": "new", "type": 1}, {"name": "tier", "type": 1}]});
    assert_eq!(fixture.refusal(create, twice).await, (400, "E016002".into()));
    assert_eq!(attributes(&fixture).await, answer["data"]);
    for (key, value, taken) in [
        ("tier", json!("gold"), true),
        ("tier", json!("silver"), false),
        ("tier", json!(1), false),
        ("seats", json!(7), true),
        ("seats", json!("7"), false),
        ("guess", json!(2), false),
        // Taking away is always possible.
        ("guess", Value::Null, true),
    ] {
        let only = json!({"customAttributes": {key: value}});
        let one = json!({"attributeKey": key, "attributeValue": value});
        for (path, body) in [
            (CREATE, &only),
            ("/v1/mgmt/user/update", &only),
            ("/v1/mgmt/user/patch", &only),
            (ATTRIBUTE, &one),
        ] {
            let mut body = body.clone();
            body["loginId"] = if path == CREATE { "new".into() } else { "a".into() };
            let expected = if taken { (200, "") } else { (400, "E011003") };
            let (status, code) = fixture.refusal(path, body).await;
            assert_eq!((status, &*code), expected, "{path} {key} {value}");
            if path == CREATE && taken {
                fixture.ok("/v1/mgmt/user/delete", json!({"loginId": "new"})).await;
            }
        }
    }
    fixture.stop().await;
}

#[tokio::test]
async fn a_deleted_attribute_is_gone_from_users_and_the_last_one_ends_the_checks() {
    let fixture = Fixture::start(unlimited()).await;
    let create = "/v1/mgmt/user/customattribute/create";
    fixture
        .ok(create, json!({"attributes": [{"name": "x", "type": 1}, {"name": "y", "type": 1}]}))
        .await;
    let user = json!({"loginId": "a", "customAttributes": {"x": "1", "y": "2"}});
    fixture.ok(CREATE, user).await;
    let delete = "/v1/mgmt/user/customattribute/delete";
    let answer = fixture.ok(delete, json!({"names": ["x", "unknown"]})).await;
    assert_eq!((&answer["total"], &answer["data"][0]["name"]), (&json!(1), &json!("y")));
    assert_eq!(fixture.user("a").await["customAttributes"], json!({"y": "2"}));
    let free = json!({"loginId": "a", "attributeKey": "free", "attributeValue": true});
    assert_eq!(fixture.refusal(ATTRIBUTE, free.clone()).await.0, 400);
    fixture.ok(delete, json!({"names": ["y"]})).await;
    fixture.ok(ATTRIBUTE, free).await;
    assert_eq!(attributes(&fixture).await[0]["name"], "free");
    fixture.stop().await;
}

#[tokio::test]
async fn tenants_are_created_found_and_deleted_with_their_memberships() {
    // The calls are about the project, so no limit of user management counts them.
    let limit: Limit = "7/1h".parse().unwrap();
    let fixture = Fixture::start(Settings { limit, ..Settings::default() }).await;
    let create = "/v1/mgmt/tenant/create";
    let acme = json!({"id": "T1", "name": "Acme", "selfProvisioningDomains": ["acme.example"],
        "customAttributes": {"size": 3}, "enforceSSO": false, "disabled": false});
    assert_eq!(fixture.ok(create, acme.clone()).await, json!({"id": "T1"}));
    let made = fixture.ok(create, json!({"name": "Blue", "id": null})).await["id"].clone();
    let made = made.as_str().unwrap();
    for (body, code) in [
        (json!({"name": "Acme"}), "E073307"),
        (json!({"name": "Other", "id": "T1"}), "E073307"),
        (json!({"id": "T3"}), "E011002"),
    ] {
        assert_eq!(fixture.refusal(create, body).await, (400, code.into()));
    }
    assert_eq!(like(&fixture.get("/v1/mgmt/tenant?id=T1").await.1, &acme), acme);
    assert_eq!(fixture.get("/v1/mgmt/tenant?id=T9").await.0, 404);
    let (_, all) = fixture.get("/v1/mgmt/tenant/all").await;
    assert_eq!(all["tenants"].as_array().unwrap().len(), 2);
    for (body, ids) in [
        (json!({}), json!(["T1", made])),
        (json!({"tenantIds": ["T1", "T9"]}), json!(["T1"])),
        (json!({"tenantIds": [], "tenantNames": ["Blue"]}), json!([made])),
        (json!({"tenantSelfProvisioningDomains": ["acme.example"]}), json!(["T1"])),
        (json!({"customAttributes": {"size": 4}}), json!([])),
    ] {
        let found = fixture.ok("/v1/mgmt/tenant/search", body.clone()).await;
        let tenants = found["tenants"].as_array().unwrap().iter();
        let found: Vec<&Value> = tenants.map(|tenant| &tenant["id"]).collect();
        assert_eq!(json!(found), ids, "{body}");
    }
    let both = json!([{"tenantId": "T1"}, {"tenantId": made}]);
    let answer = fixture.ok(CREATE, json!({"loginId": "a", "userTenants": both})).await;
    assert_eq!(answer["user"]["userTenants"][0]["tenantName"], "Acme");
    let one = json!({"loginId": "b", "userTenants": [{"tenantId": "T1"}]});
    fixture.ok(CREATE, one).await;
    let delete = "/v1/mgmt/tenant/delete";
    assert_eq!(fixture.refusal(delete, json!({"id": "T9"})).await, (400, "E111102".into()));
    fixture.ok(delete, json!({"id": made, "cascade": false})).await;
    assert_eq!(fixture.user("a").await["userTenants"].as_array().unwrap().len(), 1);
    fixture.ok(TENANT_ADD, json!({"loginId": "b", "tenantId": "T1"})).await;
    let another = json!({"id": "T4", "name": "Four"});
    fixture.ok(create, another).await;
    fixture.ok(TENANT_ADD, json!({"loginId": "a", "tenantId": "T4"})).await;
    // Only who is in no other tenant goes with it.
    fixture.ok(delete, json!({"id": "T1", "cascade": true})).await;
    let (_, users) = fixture.post("/v2/mgmt/user/search", json!({})).await;
    assert_eq!((&users["total"], &users["users"][0]["loginIds"]), (&json!(1), &json!(["a"])));
    fixture.stop().await;
}

#[tokio::test]
async fn roles_are_created_found_and_deleted_from_users_too() {
    let fixture = Fixture::start(unlimited()).await;
    fixture.ok("/v1/mgmt/tenant/create", json!({"id": "T1", "name": "Acme"})).await;
    let create = "/v1/mgmt/role/create";
    let editor = json!({"name": "editor", "description": "Edits", "permissionNames": ["edit"],
        "tenantId": "", "default": false, "private": false});
    let answer = fixture.ok(create, editor.clone()).await;
    assert_eq!(like(&answer["role"], &editor), editor);
    let id = answer["role"]["id"].clone();
    assert!(id.as_str().unwrap().starts_with("ROL"));
    let in_tenant = json!({"name": "editor", "tenantId": "T1"});
    fixture.ok(create, in_tenant.clone()).await;
    let batch = json!({"roles": [{"name": "viewer"}, {"name": "auditor"}]});
    let answer = fixture.ok("/v1/mgmt/role/create/batch", batch).await;
    assert_eq!(answer["roles"].as_array().unwrap().len(), 2);
    for (body, code) in [
        (json!({"name": "editor"}), "E024209"),
        (in_tenant, "E024209"),
        (json!({"name": "x", "tenantId": "T9"}), "E111102"),
        (json!({}), "E011002"),
    ] {
        assert_eq!(fixture.refusal(create, body).await, (400, code.into()));
    }
    let half = json!({"roles": [{"name": "new"}, {"name": "viewer"}]});
    assert_eq!(fixture.refusal("/v1/mgmt/role/create/batch", half).await.0, 400);
    let (_, all) = fixture.get("/v1/mgmt/role/all").await;
    assert_eq!(all["roles"].as_array().unwrap().len(), 4);
    for (body, count) in [
        (json!({}), 4),
        (json!({"roleNames": ["editor"]}), 2),
        (json!({"tenantIds": ["T1"]}), 1),
        (json!({"tenantIds": ["T1"], "includeProjectRoles": true}), 4),
        (json!({"roleNameLike": "ITO"}), 3),
        (json!({"permissionNames": ["edit"]}), 1),
        (json!({"roleIds": [id]}), 1),
    ] {
        let found = fixture.ok("/v1/mgmt/role/search", body.clone()).await;
        assert_eq!(found["roles"].as_array().unwrap().len(), count, "{body}");
    }
    let roles = json!(["editor", "viewer"]);
    let user = json!({"loginId": "a", "roleNames": roles,
        "userTenants": [{"tenantId": "T1", "roleNames": roles}]});
    fixture.ok(CREATE, user).await;
    // The tenant has an editor of its own, and the project's viewer holds there too.
    for (body, project, tenant) in [
        (json!({"id": id}), json!(["viewer"]), json!(["editor", "viewer"])),
        (json!({"name": "viewer", "tenantId": null}), json!([]), json!(["editor"])),
        (json!({"name": "editor", "tenantId": "T1"}), json!([]), json!([])),
    ] {
        let delete = "/v1/mgmt/role/delete";
        fixture.ok(delete, body.clone()).await;
        let user = fixture.user("a").await;
        assert_eq!(user["roleNames"], project, "{body}");
        assert_eq!(user["userTenants"][0]["roleNames"], tenant, "{body}");
        assert_eq!(fixture.refusal(delete, body).await, (400, "E111403".into()));
    }
    let gone = json!({"roleNames": ["auditor", "gone"]});
    assert_eq!(fixture.refusal("/v1/mgmt/role/delete/batch", gone).await.0, 400);
    fixture.ok("/v1/mgmt/role/delete/batch", json!({"roleNames": ["auditor"]})).await;
    assert_eq!(fixture.get("/v1/mgmt/role/all").await.1, json!({"roles": []}));
    fixture.stop().await;
}

/// Writes that name roles and tenants, and what becomes of a user without either: the code of the
/// refusal, and the roles and tenants where what is unknown is left out.
fn unknown_names() -> Vec<(&'static str, Value, &'static str, Value)> {
    let none = json!([[], []]);
    vec![
        (ROLE_ADD, json!({"roleNames": ["editor"]}), "", json!([["editor"], []])),
        (ROLE_ADD, json!({"roleNames": ["editor", "x"]}), "E111403", json!([["editor"], []])),
        (ROLE_ADD, json!({"roleNames": ["inner"]}), "E111403", none.clone()),
        (
            ROLE_ADD,
            json!({"roleNames": ["inner", "editor"], "tenantId": "T1"}),
            "",
            json!([[], [["T1", ["inner", "editor"]]]]),
        ),
        (ROLE_ADD, json!({"roleNames": ["editor"], "tenantId": "T9"}), "E111102", none.clone()),
        ("/v1/mgmt/user/update/role/set", json!({"roleNames": ["x"]}), "E111403", none.clone()),
        // Taking away what is not there does no harm.
        ("/v1/mgmt/user/update/role/remove", json!({"roleNames": ["x"]}), "", none.clone()),
        (TENANT_ADD, json!({"tenantId": "T9"}), "E111102", none.clone()),
        ("/v1/mgmt/user/patch", json!({"roleNames": ["x"]}), "E111403", none.clone()),
        (
            "/v1/mgmt/user/patch",
            json!({"userTenants": [{"tenantId": "T1", "roleNames": ["x"]}, {"tenantId": "T9"}]}),
            "E111403",
            json!([[], [["T1", []]]]),
        ),
        ("/v1/mgmt/user/update", json!({"userTenants": [{"tenantId": "T9"}]}), "E111102", none),
    ]
}

#[tokio::test]
async fn what_a_project_has_not_declared_is_refused_or_left_out_as_the_switch_says() {
    let declared = [
        json!({"tenant": {"id": "T1", "name": "Acme"}}),
        json!({"role": {"name": "editor"}}),
        json!({"role": {"name": "inner", "tenantId": "T1"}}),
        json!({"attribute": {"name": "seats", "type": "number"}}),
        // What a file of users states is not asked about.
        json!({"loginId": "a", "customAttributes": {"old": 1}, "roleNames": ["older"]}),
    ];
    for unknown_role in [UnknownRole::Fail, UnknownRole::Ignore] {
        let switches = Switches { unknown_role, ..Switches::default() };
        let fixture = seeded(&declared, Settings { switches, ..unlimited() }).await;
        let user = fixture.user("a").await;
        assert_eq!(user["roleNames"], json!(["older"]));
        assert_eq!(user["customAttributes"], json!({"old": 1}));
        assert_eq!(attributes(&fixture).await[0]["name"], "seats");
        for (path, body, code, left) in unknown_names() {
            fixture.ok("/v1/mgmt/user/update", json!({"loginId": "a"})).await;
            let mut body = body;
            body["loginId"] = "a".into();
            let (status, got) = fixture.refusal(path, body.clone()).await;
            let fails = unknown_role == UnknownRole::Fail && !code.is_empty();
            let expected = if fails { (400, code) } else { (200, "") };
            assert_eq!((status, &*got), expected, "{path} {body}");
            let user = fixture.user("a").await;
            let tenants = user["userTenants"].as_array().unwrap().iter();
            let tenants: Vec<Value> =
                tenants.map(|own| json!([own["tenantId"], own["roleNames"]])).collect();
            let after = json!([user["roleNames"], tenants]);
            assert_eq!(after, if fails { json!([[], []]) } else { left }, "{path} {body}");
        }
        fixture.stop().await;
    }
}

#[tokio::test]
async fn a_project_that_declares_nothing_takes_every_role_and_tenant() {
    let fixture = Fixture::with_users(unlimited(), &["a"]).await;
    let body = json!({"loginId": "a", "roleNames": ["any"], "tenantId": "anywhere"});
    fixture.ok(ROLE_ADD, body).await;
    // Declared tenants say nothing of roles.
    fixture.ok("/v1/mgmt/tenant/create", json!({"id": "T1", "name": "Acme"})).await;
    let body = json!({"loginId": "a", "roleNames": ["any"], "tenantId": "T1"});
    fixture.ok(ROLE_ADD, body).await;
    fixture.stop().await;
}
