//! Effects as a table: a user before, an operation with its body, and what has changed after.

use serde_json::{Value, json};

use super::super::operations::{EFFECTS, effect_of};
use super::super::switches::PatchAttributes;
use super::*;
use crate::catalog::{OPERATIONS, Operation, OperationKind};

/// A user that has something of everything.
fn jane() -> User {
    let fields = json!({
        "loginId": "jane@example.com", "additionalIdentifiers": ["jane", "+15555550100"],
        "email": "jane@example.com", "verifiedEmail": true,
        "phone": "+15555550100", "verifiedPhone": false,
        "name": "Jane Doe", "givenName": "Jane", "middleName": "Q", "familyName": "Doe",
        "picture": "p.png", "status": "enabled",
        "roleNames": ["editor"], "ssoAppIds": ["A1"],
        "userTenants": [{"tenantId": "T1", "roleNames": ["admin"]}],
        "customAttributes": {"tier": "gold", "seats": 4},
        "recoveryEmail": "r@example.com", "verifiedRecoveryEmail": true,
    });
    let fields = Fields::from_value(fields).unwrap();
    super::super::create::new_user(&fields, &Switches::default(), &Project::default()).unwrap()
}

fn show(user: &User) -> Value {
    serde_json::from_str(&user.to_json("U1", &Project::default())).unwrap()
}

/// Applies an operation to Jane; the values that are different after it, or the error's code.
fn changed(operation: &str, mut body: Value, switches: &Switches) -> Value {
    if body.get("loginId").is_none() {
        body["loginId"] = json!("jane@example.com");
    }
    let mut user = jane();
    let before = show(&user);
    let fields = Fields::from_value(body).unwrap();
    let named = fields.required("loginId").unwrap();
    let change =
        Change { named, fields: &fields, switches, project: &Project::default(), seconds: 7 };
    let effect = effect_of(Operation::named(operation).unwrap()).unwrap();
    if let Err(problem) = effect(&mut user, &change) {
        return json!(problem.code);
    }
    let after = show(&user);
    let different = after.as_object().unwrap().iter();
    different
        .filter(|(key, value)| before[*key] != **value && *key != "externalIds")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[track_caller]
fn table(cases: &[(&str, Value, Value)]) {
    for (operation, body, expected) in cases {
        let changed = changed(operation, body.clone(), &Switches::default());
        assert_eq!(changed, *expected, "{operation} {body}");
    }
}

#[test]
fn every_operation_has_an_effect_and_every_effect_an_operation() {
    let mut updates: Vec<&str> = OPERATIONS
        .iter()
        .filter(|operation| operation.kind == OperationKind::Update)
        .map(|operation| operation.name)
        .collect();
    let mut effects: Vec<&str> = EFFECTS.iter().map(|(name, _)| *name).collect();
    updates.sort_unstable();
    effects.sort_unstable();
    assert_eq!(effects, updates);
}

#[test]
fn contacts() {
    let no_phone = json!({"phone": ""});
    table(&[
        (
            "phone",
            json!({"phone": "+1 (555) 555-0123", "verified": false}),
            json!({"phone": "+15555550123"}),
        ),
        (
            "phone",
            json!({"phone": "+15555550123", "verified": null}),
            json!({"phone": "+15555550123", "verifiedPhone": true}),
        ),
        ("phone", json!({"phone": "", "verified": true}), no_phone.clone()),
        ("phone", json!({"phone": null}), no_phone.clone()),
        ("phone", json!({}), no_phone),
        ("phone", json!({"phone": "5550123"}), json!("E011003")),
        ("phone", json!({"phone": 15_555_550_123_u64}), json!("E011001")),
        (
            "email",
            json!({"email": "Jane@New.example", "verified": false}),
            json!({"email": "Jane@New.example", "verifiedEmail": false}),
        ),
        ("email", json!({"email": ""}), json!({"email": "", "verifiedEmail": false})),
        (
            "recovery-email",
            json!({"recoveryEmail": "s@example.com"}),
            json!({"recoveryEmail": "s@example.com", "verifiedRecoveryEmail": false}),
        ),
        (
            "recovery-phone",
            json!({"recoveryPhone": "+1-555-555-0199", "verified": true}),
            json!({"recoveryPhone": "+15555550199", "verifiedRecoveryPhone": true}),
        ),
        ("recovery-phone", json!({"recoveryPhone": "x"}), json!("E011003")),
    ]);
}

#[test]
fn login_ids() {
    let ids = |ids: &[&str]| json!({"loginIds": ids});
    table(&[
        ("loginid", json!({"newLoginId": "jd"}), ids(&["jd", "jane", "+15555550100"])),
        ("loginid", json!({"newLoginId": ""}), ids(&["jane", "+15555550100"])),
        ("loginid", json!({}), ids(&["jane", "+15555550100"])),
        ("loginid", json!({"newLoginId": "jane"}), ids(&["jane", "+15555550100"])),
        ("loginid", json!({"newLoginId": "jane@example.com"}), json!({})),
        (
            "loginid",
            json!({"loginId": "+1-555-555-0100", "newLoginId": "+1 555 555 0101"}),
            ids(&["jane@example.com", "jane", "+15555550101"]),
        ),
        ("patch", json!({"additionalLoginIds": []}), ids(&["jane@example.com"])),
        (
            "patch",
            json!({"loginId": "jane", "additionalIdentifiers": ["jd"]}),
            ids(&["jane", "jd"]),
        ),
    ]);
}

#[test]
fn the_last_login_id_stays() {
    let mut user = User::named("a");
    let fields = Fields::default();
    let switches = Switches::default();
    let project = Project::default();
    let change =
        Change { named: "a", fields: &fields, switches: &switches, project: &project, seconds: 7 };
    assert_eq!(rename(&mut user, &change).unwrap_err().status, 400);
}

#[test]
fn names_pictures_and_attributes() {
    table(&[
        ("name", json!({"displayName": "J"}), json!({"name": "J"})),
        ("name", json!({"givenName": "J"}), json!({"givenName": "J"})),
        (
            "name",
            json!({"name": null, "middleName": "", "familyName": "Roe"}),
            json!({"middleName": "", "familyName": "Roe"}),
        ),
        ("name", json!({}), json!({})),
        ("picture", json!({"picture": ""}), json!({"picture": ""})),
        ("picture", json!({"picture": null}), json!({"picture": ""})),
        (
            "customAttribute",
            json!({"attributeKey": "tags", "attributeValue": ["a"]}),
            json!({"customAttributes": {"tier": "gold", "seats": 4, "tags": ["a"]}}),
        ),
        (
            "customAttribute",
            json!({"attributeKey": "tier", "attributeValue": ""}),
            json!({"customAttributes": {"seats": 4}}),
        ),
        (
            "customAttribute",
            json!({"attributeKey": "tier", "attributeValue": null}),
            json!({"customAttributes": {"seats": 4}}),
        ),
        ("customAttribute", json!({"attributeValue": 1}), json!("E011002")),
        ("status", json!({"status": "disabled"}), json!({"status": "disabled"})),
        ("status", json!({"status": "expired"}), json!("E011003")),
        ("status", json!({}), json!("E011002")),
    ]);
}

/// Operations on lists, their bodies, and what has changed. Jane is an editor, an admin in T1,
/// and has A1.
#[rustfmt::skip]
const LISTS: &[(&str, &str, &str)] = &[
    ("role-add", r#"{"roleNames":["editor","viewer"]}"#, r#"{"roleNames":["editor","viewer"]}"#),
    ("role-add", r#"{"roleNames":["x"],"tenantId":""}"#, r#"{"roleNames":["editor","x"]}"#),
    ("role-set", r#"{"roleNames":["x"]}"#, r#"{"roleNames":["x"]}"#),
    ("role-set", r#"{"roleNames":[]}"#, r#"{"roleNames":[]}"#),
    ("role-remove", r#"{"roleNames":["editor","x"]}"#, r#"{"roleNames":[]}"#),
    ("role-remove", r#"{"roleNames":["admin"],"tenantId":"T2"}"#, "{}"),
    ("tenant-add", r#"{"tenantId":"T1"}"#, "{}"),
    ("tenant-add", "{}", r#""E011002""#),
    ("tenant-remove", r#"{"tenantId":"T1"}"#, r#"{"userTenants":[]}"#),
    ("ssoapp-add", r#"{"ssoAppIds":["A2"]}"#, r#"{"ssoAppIds":["A1","A2"]}"#),
    ("ssoapp-set", r#"{"ssoAppIDs":["A2"]}"#, r#"{"ssoAppIds":["A2"]}"#),
    ("ssoapp-remove", r#"{"ssoAppIds":["A1"]}"#, r#"{"ssoAppIds":[]}"#),
    ("password-set-active", r#"{"password":"s3cret"}"#, r#"{"password":true}"#),
    ("password-set-temporary", "{}", r#""E011002""#),
    ("password-expire", "{}", "{}"),
];

#[test]
fn lists_and_passwords() {
    let read = |text| serde_json::from_str::<Value>(text).unwrap();
    for (operation, body, expected) in LISTS {
        table(&[(operation, read(body), read(expected))]);
    }
}

#[test]
fn roles_in_tenants() {
    for (operation, tenant, roles, index, expected) in [
        ("role-add", "T1", json!(["x"]), 0, json!(["admin", "x"])),
        ("role-add", "T2", json!(["x"]), 1, json!(["x"])),
        ("role-set", "T1", json!([]), 0, json!([])),
        ("role-set", "T2", json!(["x"]), 1, json!(["x"])),
        ("role-remove", "T1", json!(["admin"]), 0, json!([])),
    ] {
        let body = json!({"tenantId": tenant, "roleNames": roles});
        let changed = changed(operation, body, &Switches::default());
        let after = &changed["userTenants"][index];
        assert_eq!(after["tenantId"], tenant, "{operation}");
        assert_eq!(after["roleNames"], expected, "{operation}");
    }
}

#[test]
fn a_patch_keeps_what_it_does_not_name() {
    table(&[
        ("patch", json!({}), json!({})),
        ("patch", json!({"name": "J", "phone": null}), json!({"name": "J"})),
        ("patch", json!({"roleNames": []}), json!({"roleNames": []})),
        (
            "patch",
            json!({"phone": "+15555550123"}),
            json!({"phone": "+15555550123", "verifiedPhone": true}),
        ),
        (
            "patch",
            json!({"phone": "+15555550123", "verifiedPhone": false}),
            json!({"phone": "+15555550123"}),
        ),
        ("patch", json!({"email": ""}), json!({"email": "", "verifiedEmail": false})),
        ("patch", json!({"userTenants": []}), json!({"userTenants": []})),
        ("patch", json!({"userTenants": [{}]}), json!("E011002")),
        ("patch", json!({"status": "gone"}), json!("E011003")),
    ]);
}

#[test]
fn a_full_replace_clears_what_it_does_not_name() {
    let after = changed("update", json!({"name": "J"}), &Switches::default());
    let expected = json!({
        "loginIds": ["jane@example.com"], "name": "J", "email": "", "phone": "",
        "verifiedEmail": false, "roleNames": [], "userTenants": [], "picture": "",
        "customAttributes": {}, "ssoAppIds": [], "givenName": "", "middleName": "",
        "familyName": "", "recoveryEmail": "", "verifiedRecoveryEmail": false,
    });
    assert_eq!(after, expected);
}

#[test]
fn open_questions_are_answered_by_switches() {
    let mut switches = Switches {
        verified_default: VerifiedDefault::False,
        patch_attributes: PatchAttributes::Merge,
        known_roles: ["editor".to_owned()].into(),
        ..Switches::default()
    };
    let phone = json!({"email": "new@example.com"});
    assert_eq!(changed("email", phone.clone(), &switches)["verifiedEmail"], false);
    switches.verified_default = VerifiedDefault::Keep;
    assert_eq!(changed("email", phone, &switches), json!({"email": "new@example.com"}));
    let attributes = json!({"customAttributes": {"tier": null, "new": true}});
    let merged = json!({"customAttributes": {"seats": 4, "new": true}});
    assert_eq!(changed("patch", attributes.clone(), &switches), merged);
    // What does most harm is what rehearsals show.
    let replaced = json!({"customAttributes": {"new": true}});
    assert_eq!(changed("patch", attributes, &Switches::default()), replaced);
    let roles = json!({"roleNames": ["editor", "unheard"]});
    assert_eq!(changed("role-add", roles.clone(), &switches), "E111403");
    switches.unknown_role = UnknownRole::Ignore;
    assert_eq!(changed("role-add", roles, &switches), json!({}));
}
