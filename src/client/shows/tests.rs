use serde_json::json;

use super::*;
use crate::client::tests::instruction_by;
use crate::instruction::{Pack, Rules};

fn user(json: &Value) -> Box<RawValue> {
    RawValue::from_string(json.to_string()).unwrap()
}

#[test]
fn a_user_shows_what_it_has_as_the_service_keeps_it() {
    let set = |operation: &str, members: Value| {
        let mut row = json!({"operation": operation, "loginId": "a"});
        row.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        row
    };
    let phone = |flag: bool| set("phone", json!({"phone": "+14155550123", "verified": flag}));
    let no_phone = || set("phone", json!({"phone": "", "verified": false}));
    let email = || set("email", json!({"email": "j@x.com", "verified": true}));
    let name = |name: &str| set("name", json!({"name": name}));
    let roles = |roles: &[&str]| set("role-set", json!({"roleNames": roles}));
    let tenants = || {
        set(
            "patch",
            json!({"userTenants": [
                {"tenantId": "T1", "roleNames": ["R", "S"]}, {"tenantId": "T2", "roleNames": []},
            ]}),
        )
    };
    let attributes = || set("patch", json!({"customAttributes": {"tier": "gold", "age": 7}}));
    let attribute = |value: Value| {
        set("customAttribute", json!({"attributeKey": "tier", "attributeValue": value}))
    };
    for (case, row, has, shown) in [
        ("phone", phone(true), json!({"phone": "+14155550123", "verifiedPhone": true}), true),
        ("digits", phone(true), json!({"phone": "+1 (415) 555-0123", "verifiedPhone": true}), true),
        ("another", phone(true), json!({"phone": "+14155550124", "verifiedPhone": true}), false),
        (
            "unverified",
            phone(true),
            json!({"phone": "+14155550123", "verifiedPhone": false}),
            false,
        ),
        ("no flag", phone(true), json!({"phone": "+14155550123"}), false),
        ("no flag is false", phone(false), json!({"phone": "+14155550123"}), true),
        ("removed", no_phone(), json!({"phone": "", "verifiedPhone": false}), true),
        ("removed, null", no_phone(), json!({"phone": null, "verifiedPhone": null}), true),
        ("removed, missing", no_phone(), json!({}), true),
        ("still there", no_phone(), json!({"phone": "+14155550123"}), false),
        ("letter case", email(), json!({"email": "J@X.com", "verifiedEmail": true}), true),
        ("another address", email(), json!({"email": "k@x.com", "verifiedEmail": true}), false),
        ("no address", email(), json!({"verifiedEmail": true}), false),
        ("name", name("A"), json!({"name": "A", "givenName": "G"}), true),
        ("letter case of a name", name("A"), json!({"name": "a"}), false),
        ("no name", name(""), json!({"name": null}), true),
        ("a name that is none", name("A"), json!({"name": ["A"]}), false),
        (
            "status",
            set("status", json!({"status": "disabled"})),
            json!({"status": "disabled"}),
            true,
        ),
        (
            "status",
            set("status", json!({"status": "disabled"})),
            json!({"status": "enabled"}),
            false,
        ),
        ("roles", roles(&["R", "S"]), json!({"roleNames": ["S", "R"]}), true),
        ("one more", roles(&["R"]), json!({"roleNames": ["S", "R"]}), false),
        ("one less", roles(&["R", "S"]), json!({"roleNames": ["R"]}), false),
        ("no roles", roles(&[]), json!({}), true),
        ("roles that stayed", roles(&[]), json!({"roleNames": ["R"]}), false),
        (
            "tenants",
            tenants(),
            json!({"userTenants": [{"tenantId": "T2"}, {"tenantId": "T1", "tenantName": "N", "roleNames": ["S", "R"]}]}),
            true,
        ),
        (
            "a role less there",
            tenants(),
            json!({"userTenants": [{"tenantId": "T2"}, {"tenantId": "T1", "roleNames": ["S"]}]}),
            false,
        ),
        (
            "a tenant more",
            tenants(),
            json!({"userTenants": [{"tenantId": "T1", "roleNames": ["R", "S"]}, {"tenantId": "T2"}, {"tenantId": "T3"}]}),
            false,
        ),
        (
            "attributes",
            attributes(),
            json!({"customAttributes": {"age": 7, "tier": "gold", "zip": "1"}}),
            true,
        ),
        ("an attribute less", attributes(), json!({"customAttributes": {"tier": "gold"}}), false),
        (
            "an attribute of another type",
            attributes(),
            json!({"customAttributes": {"tier": "gold", "age": "7"}}),
            false,
        ),
        (
            "attribute",
            attribute(json!("gold")),
            json!({"customAttributes": {"tier": "gold"}}),
            true,
        ),
        ("a list", attribute(json!(["x"])), json!({"customAttributes": {"tier": ["x"]}}), true),
        ("no attributes", attribute(json!("gold")), json!({"customAttributes": null}), false),
        ("an attribute removed", attribute(json!("")), json!({"customAttributes": {}}), false),
        (
            "several fields, one of them missing",
            set("patch", json!({"name": "A", "picture": "http://x/a"})),
            json!({"name": "A"}),
            false,
        ),
        // Whether others stay is not known, so the row goes once more.
        (
            "further login IDs",
            set("patch", json!({"additionalIdentifiers": ["b"]})),
            json!({"loginIds": ["a", "b", "c"]}),
            false,
        ),
        (
            "no further login IDs",
            set("patch", json!({"additionalIdentifiers": []})),
            json!({"loginIds": ["a", "b"]}),
            false,
        ),
        ("no object", name(""), json!(["A"]), false),
    ] {
        let rules = Rules { pack: Pack::All, ..Rules::default() };
        let row = instruction_by(rules, &row.to_string());
        assert_eq!(shows(&user(&has), &row), shown, "{case}");
    }
}

#[test]
fn a_user_has_the_names_that_its_object_holds() {
    for (has, name, expected) in [
        (json!({"loginIds": ["x", "J@x.com"]}), "j@X.com", true),
        (json!({"loginIds": ["+14155550123"]}), "+1 (415) 555-0123", true),
        (json!({"externalIds": ["j"]}), "j", true),
        (json!({"userId": "U1", "loginIds": ["x"]}), "U1", true),
        (json!({"loginId": "j"}), "j", true),
        (json!({"email": "j@x.com", "name": "j@x.com"}), "j@x.com", false),
        (json!({"loginIds": "j"}), "j", false),
        (json!({"loginIds": [null, 7, {}], "userId": null}), "7", false),
        (json!({"loginIds": [""]}), "", false),
        (json!("j"), "j", false),
    ] {
        assert_eq!(is_named(&user(&has), name), expected, "{name} of {has}");
    }
}
