//! Rows against users as they are read: is what the row wants there already?

use serde_json::{Value, json};

use crate::change::{User, compare};
use crate::rows::tests::instruction;

/// A case in words, the members of a row, a user, and whether the user shows them.
type Case = (&'static str, Value, Value, bool);

fn check(operation: &str, cases: impl IntoIterator<Item = Case>) {
    for (case, members, has, shown) in cases {
        let mut row = json!({"operation": operation, "loginId": "a"});
        row.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let row = instruction(&row.to_string());
        let user = User::from(has.as_object().unwrap().clone());
        let left = compare(&row.login_id, &row.changes, &user);
        assert_eq!(left.is_empty(), shown, "{operation}: {case}");
    }
}

#[test]
fn a_phone_number_is_its_digits_and_a_flag_that_is_not_there_is_false() {
    let with = |verified| json!({"phone": "+14155550123", "verified": verified});
    let removed = json!({"phone": "", "verified": false});
    check(
        "phone",
        [
            ("same", with(true), json!({"phone": "+14155550123", "verifiedPhone": true}), true),
            (
                "digits",
                with(true),
                json!({"phone": "+1 (415) 555-0123", "verifiedPhone": true}),
                true,
            ),
            ("another", with(true), json!({"phone": "+14155550124", "verifiedPhone": true}), false),
            ("flag", with(true), json!({"phone": "+14155550123", "verifiedPhone": false}), false),
            ("no flag", with(true), json!({"phone": "+14155550123"}), false),
            ("no flag is false", with(false), json!({"phone": "+14155550123"}), true),
            ("empty", removed.clone(), json!({"phone": "", "verifiedPhone": false}), true),
            ("null", removed.clone(), json!({"phone": null, "verifiedPhone": null}), true),
            ("missing", removed.clone(), json!({}), true),
            ("still there", removed, json!({"phone": "+14155550123"}), false),
        ],
    );
}

#[test]
fn texts_are_the_same_to_the_letter_but_for_addresses() {
    let address = json!({"email": "j@x.com", "verified": true});
    check(
        "email",
        [
            ("case", address.clone(), json!({"email": "J@X.com", "verifiedEmail": true}), true),
            ("another", address.clone(), json!({"email": "k@x.com", "verifiedEmail": true}), false),
            ("missing", address, json!({"verifiedEmail": true}), false),
        ],
    );
    let name = |name: &str| json!({"name": name});
    check(
        "name",
        [
            ("same", name("A"), json!({"name": "A", "givenName": "G"}), true),
            ("case", name("A"), json!({"name": "a"}), false),
            ("removed", name(""), json!({"name": null}), true),
            ("no text", name("A"), json!({"name": ["A"]}), false),
            ("one of two", json!({"name": "A", "givenName": "G"}), json!({"name": "A"}), false),
        ],
    );
    let disabled = json!({"status": "disabled"});
    check(
        "status",
        [
            ("same", disabled.clone(), disabled.clone(), true),
            ("another", disabled, json!({"status": "enabled"}), false),
        ],
    );
}

#[test]
fn lists_are_sets() {
    let roles = |roles: &[&str]| json!({"roleNames": roles});
    check(
        "role-set",
        [
            ("order", roles(&["R", "S"]), roles(&["S", "R"]), true),
            ("one more", roles(&["R"]), roles(&["S", "R"]), false),
            ("one less", roles(&["R", "S"]), roles(&["R"]), false),
            ("none", roles(&[]), json!({}), true),
            ("still there", roles(&[]), roles(&["R"]), false),
        ],
    );
    let tenant = |id: &str, roles: &[&str]| json!({"tenantId": id, "roleNames": roles});
    let tenants = |tenants: &[Value]| json!({"userTenants": tenants});
    let wanted = || tenants(&[tenant("T1", &["R", "S"]), tenant("T2", &[])]);
    let [first, second] = [tenant("T1", &["S", "R"]), json!({"tenantId": "T2", "tenantName": "N"})];
    check(
        "patch",
        [
            ("tenants", wanted(), tenants(&[second.clone(), first.clone()]), true),
            ("a role less", wanted(), tenants(&[tenant("T1", &["R"]), second.clone()]), false),
            ("a tenant less", wanted(), tenants(std::slice::from_ref(&first)), false),
            ("a tenant more", wanted(), tenants(&[first, second, tenant("T3", &[])]), false),
        ],
    );
}

#[test]
fn attributes_are_the_same_by_value_and_others_do_not_count() {
    let all = |all: Value| json!({"customAttributes": all});
    let both = || all(json!({"tier": "gold", "age": 7}));
    check(
        "patch",
        [
            ("more", both(), all(json!({"age": 7, "tier": "gold", "zip": "1"})), true),
            ("less", both(), all(json!({"tier": "gold"})), false),
            ("type", both(), all(json!({"tier": "gold", "age": "7"})), false),
        ],
    );
    let one = |value: Value| json!({"attributeKey": "tier", "attributeValue": value});
    check(
        "customAttribute",
        [
            ("same", one(json!("gold")), all(json!({"tier": "gold", "age": 7})), true),
            ("list", one(json!(["x"])), all(json!({"tier": ["x"]})), true),
            ("another", one(json!("gold")), all(json!({"tier": "silver"})), false),
            ("none", one(json!("gold")), all(Value::Null), false),
            ("removed", one(json!("")), all(json!({})), true),
            ("still there", one(json!("")), all(json!({"tier": "gold"})), false),
        ],
    );
}

#[test]
fn further_login_ids_are_never_shown() {
    let wanted = |names: &[&str]| json!({"additionalIdentifiers": names});
    check(
        "patch",
        [
            ("others", wanted(&["b"]), json!({"loginIds": ["a", "b", "c"]}), false),
            ("none", wanted(&[]), json!({"loginIds": ["a", "b"]}), false),
        ],
    );
}
