use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::catalog::{Contact, Operation, Role};
use crate::catalog::{OPERATIONS, PATCH_FIELDS};

fn user(json: &Json) -> User {
    User::from(json.as_object().unwrap().clone())
}

fn text(text: &str) -> Value<'static> {
    Value::Text(text.to_owned().into())
}

fn list(items: &[&str]) -> Value<'static> {
    Value::List(items.iter().map(ToString::to_string).collect())
}

fn change(subject: Subject, action: Action) -> Change {
    Change { subject, action }
}

fn set(subject: Subject, value: Value<'static>) -> Change {
    Change::set(subject, value)
}

fn bodies(operation: &str, changes: &[Change]) -> String {
    let operation = Operation::named(operation).unwrap();
    String::from_utf8(body(operation, "a", &changes.iter(), true)).unwrap()
}

#[test]
fn a_body_holds_the_changes_in_the_order_of_the_catalogue() {
    let phone = [
        set(Subject::Verified(Contact::Phone), Value::Boolean(true)),
        set(Subject::Contact(Contact::Phone), text("+14155550123")),
    ];
    let in_tenant = Subject::Roles(Some("T".into()));
    let tier = set(Subject::Attribute("tier".into()), Value::Json("1.50".into()));
    for (operation, changes, expected) in [
        (
            "phone",
            &phone[..],
            r#"{"loginId":"a","phone":"+14155550123","verified":true,"failOnConflict":true}"#,
        ),
        ("patch", &phone[..], r#"{"loginId":"a","phone":"+14155550123","verifiedPhone":true}"#),
        (
            "role-add",
            &[change(in_tenant, Action::Add(list(&["R"])))],
            r#"{"loginId":"a","tenantId":"T","roleNames":["R"]}"#,
        ),
        (
            "tenant-remove",
            &[change(Subject::Tenants, Action::Remove(text("T")))],
            r#"{"loginId":"a","tenantId":"T"}"#,
        ),
        ("role-set", &[set(Subject::Roles(None), list(&[]))], r#"{"loginId":"a","roleNames":[]}"#),
        (
            "customAttribute",
            std::slice::from_ref(&tier),
            r#"{"loginId":"a","attributeKey":"tier","attributeValue":1.50}"#,
        ),
        (
            "patch",
            &[tier.clone(), set(Subject::Attribute("a\"b".into()), text(""))],
            r#"{"loginId":"a","customAttributes":{"tier":1.50,"a\"b":""}}"#,
        ),
        (
            "patch",
            &[change(Subject::Attributes, Action::Clear)],
            r#"{"loginId":"a","customAttributes":{}}"#,
        ),
        ("loginid", &[set(Subject::LoginId, text(""))], r#"{"loginId":"a","newLoginId":""}"#),
        ("password-expire", &[], r#"{"loginId":"a"}"#),
    ] {
        assert_eq!(bodies(operation, changes), expected);
    }
}

#[test]
fn every_subject_that_a_field_can_have_is_in_its_body() {
    for operation in OPERATIONS {
        for (index, field) in operation.fields.iter().enumerate() {
            let Some(subject) = subject_of(field.role) else { continue };
            assert_eq!(subject.index_in(operation), Some(index), "{}", operation.name);
        }
    }
    assert!(
        PATCH_FIELDS
            .iter()
            .all(|field| field.role == Role::User || subject_of(field.role).is_some())
    );
}

/// A subject that a role stands for; `None` for those that say who or which.
fn subject_of(role: Role) -> Option<Subject> {
    match role {
        Role::User | Role::RoleTenant | Role::AttributeKey => None,
        Role::NewLoginId => Some(Subject::LoginId),
        Role::LoginIds => Some(Subject::LoginIds),
        Role::Contact(contact) => Some(Subject::Contact(contact)),
        Role::Verified(contact) => Some(Subject::Verified(contact)),
        Role::Status => Some(Subject::Status),
        Role::Roles => Some(Subject::Roles(None)),
        Role::Tenants | Role::Tenant => Some(Subject::Tenants),
        Role::Apps => Some(Subject::Apps),
        Role::Attributes | Role::AttributeValue => Some(Subject::Attribute("k".into())),
        Role::Secret(key) => Some(Subject::Secret(key)),
        Role::Unseen(key) => Some(Subject::Unseen(key)),
        Role::Fixed(key) => Some(Subject::Fixed(key)),
        Role::Plain(key) => Some(Subject::Plain(key)),
    }
}

#[test]
fn lists_that_are_added_to_or_taken_from_count_only_what_is_named() {
    let has = user(&json!({
        "roleNames": ["R", "S"],
        "userTenants": [{"tenantId": "T", "roleNames": ["X"]}],
        "ssoAppIds": [],
    }));
    let in_tenant = |id: &str| Subject::Roles(Some(id.into()));
    for (subject, action, nothing_to_do) in [
        (Subject::Roles(None), Action::Add(list(&["S"])), true),
        (Subject::Roles(None), Action::Add(list(&["S", "Z"])), false),
        (Subject::Roles(None), Action::Remove(list(&["Z"])), true),
        (Subject::Roles(None), Action::Remove(list(&["Z", "R"])), false),
        (in_tenant("T"), Action::Add(list(&["X"])), true),
        (in_tenant("U"), Action::Add(list(&["X"])), false),
        (in_tenant("U"), Action::Remove(list(&["X"])), true),
        (in_tenant("U"), Action::Clear, false),
        (Subject::Tenants, Action::Add(text("T")), true),
        (Subject::Tenants, Action::Add(text("U")), false),
        (Subject::Tenants, Action::Remove(text("U")), true),
        (Subject::Tenants, Action::Remove(text("T")), false),
        (Subject::Apps, Action::Clear, true),
        (Subject::Apps, Action::Add(list(&["A"])), false),
    ] {
        let change = change(subject, action);
        assert_eq!(compare("a", [&change], &has).is_empty(), nothing_to_do, "{change:?}");
    }
}

#[test]
fn a_rename_is_done_when_the_new_name_is_there_and_the_old_is_gone() {
    let rename = set(Subject::LoginId, text("b"));
    let removal = change(Subject::LoginId, Action::Clear);
    for (login_ids, renamed, removed) in [
        (&["a"][..], false, false),
        (&["a", "b"], false, false),
        (&["b"], true, true),
        (&["c"], false, true),
    ] {
        let user = user(&json!({ "loginIds": login_ids }));
        assert_eq!(compare("a", [&rename], &user).is_empty(), renamed, "{login_ids:?}");
        assert_eq!(compare("a", [&removal], &user).is_empty(), removed, "{login_ids:?}");
    }
}

#[test]
fn what_a_user_object_cannot_show_is_a_difference() {
    let password = set(Subject::Secret("password"), text("hush"));
    let further = set(Subject::LoginIds, list(&["b"]));
    let user = user(&json!({ "loginIds": ["a", "b"], "password": "hush" }));
    assert_eq!(compare("a", [&password, &further], &user).len(), 2);
}

#[test]
fn taking_back_names_what_cannot_come_back() {
    let expired = user(&json!({ "status": "expired", "loginIds": ["a"] }));
    let changes = [
        set(Subject::Secret("password"), text("hush")),
        set(Subject::Status, text("enabled")),
        change(Subject::LoginId, Action::Clear),
    ];
    let inverse = invert("a", &changes, &expired);
    let subjects: Vec<_> = inverse.irreversible.iter().map(|one| one.subject.clone()).collect();
    assert_eq!(subjects, [Subject::Secret("password"), Subject::Status, Subject::LoginId]);
    assert!(inverse.changes.is_empty());
}

#[test]
fn what_was_there_before_it_was_added_stays() {
    let before = user(&json!({
        "roleNames": ["R"],
        "userTenants": [{"tenantId": "T", "roleNames": []}],
    }));
    let roles = |tenant: &str| Subject::Roles(Some(tenant.into()));
    for (change, expected) in [
        (
            change(Subject::Roles(None), Action::Add(list(&["R", "S"]))),
            vec![change(Subject::Roles(None), Action::Remove(list(&["S"])))],
        ),
        (change(Subject::Roles(None), Action::Add(list(&["R"]))), vec![]),
        (change(Subject::Tenants, Action::Add(text("T"))), vec![]),
        (
            change(roles("T"), Action::Add(list(&["X"]))),
            vec![change(roles("T"), Action::Remove(list(&["X"])))],
        ),
        (
            // The membership came with the roles.
            change(roles("U"), Action::Add(list(&["X"]))),
            vec![change(Subject::Tenants, Action::Remove(text("U")))],
        ),
    ] {
        assert_eq!(invert("a", [&change], &before).changes.to_vec(), expected, "{change:?}");
    }
}

/// A user in the model: what the service keeps, as [`apply`] changes it.
fn apply(login_id: &str, change: &Change, user: &mut Map<String, Json>) {
    let json = |value: &Value<'_>| {
        let mut out = Vec::new();
        value.write_json(&mut out);
        serde_json::from_slice::<Json>(&out).unwrap()
    };
    let key = change.subject.word();
    match &change.subject {
        Subject::LoginId => {
            let ids = user["loginIds"].as_array_mut().unwrap();
            ids.retain(|id| id != login_id);
            ids.extend(change.text().map(Json::from));
        }
        Subject::Roles(Some(tenant)) => {
            apply_membership(user, tenant, true);
            let tenants = user["userTenants"].as_array_mut().unwrap();
            let tenant = tenants.iter_mut().find(|own| own["tenantId"] == **tenant).unwrap();
            apply_list(&mut tenant["roleNames"], &change.action, &json);
        }
        Subject::Tenants => match &change.action {
            Action::Add(Value::Text(id)) => apply_membership(user, id, true),
            Action::Remove(Value::Text(id)) => apply_membership(user, id, false),
            Action::Set(value) => user["userTenants"] = json(value),
            _ => user["userTenants"] = json!([]),
        },
        Subject::Roles(None) | Subject::Apps => apply_list(&mut user[key], &change.action, &json),
        Subject::Attribute(name) => match &change.action {
            Action::Set(value) => user["customAttributes"][&**name] = json(value),
            _ => {
                user["customAttributes"].as_object_mut().unwrap().remove(&**name);
            }
        },
        Subject::Attributes => user["customAttributes"] = json!({}),
        Subject::Contact(_) | Subject::Verified(_) | Subject::Status | Subject::Plain(_) => {
            user.insert(
                key.into(),
                match &change.action {
                    Action::Set(value) => json(value),
                    _ => "".into(),
                },
            );
        }
        Subject::LoginIds | Subject::Secret(_) | Subject::Unseen(_) | Subject::Fixed(_) => {
            unreachable!("not in the model")
        }
    }
}

fn apply_membership(user: &mut Map<String, Json>, id: &str, member: bool) {
    let tenants = user["userTenants"].as_array_mut().unwrap();
    let there = tenants.iter().any(|own| own["tenantId"] == *id);
    if member && !there {
        tenants.push(json!({"tenantId": id, "roleNames": []}));
    } else if !member {
        tenants.retain(|own| own["tenantId"] != *id);
    }
}

fn apply_list(list: &mut Json, action: &Action, json: &dyn Fn(&Value<'_>) -> Json) {
    let of = |value: &Value<'_>| json(value).as_array().unwrap().clone();
    let items = list.as_array_mut().unwrap();
    match action {
        Action::Set(value) => *items = of(value),
        Action::Clear => items.clear(),
        Action::Add(value) => {
            for item in of(value) {
                if !items.contains(&item) {
                    items.push(item);
                }
            }
        }
        Action::Remove(value) => items.retain(|item| !of(value).contains(item)),
    }
}

fn some_list() -> impl Strategy<Value = Value<'static>> {
    prop::sample::subsequence(vec!["R", "S", "T"], 1..3).prop_map(|items| list(&items))
}

fn some_list_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        some_list().prop_map(Action::Set),
        some_list().prop_map(Action::Add),
        some_list().prop_map(Action::Remove),
        Just(Action::Clear),
    ]
}

fn some_change() -> impl Strategy<Value = Vec<Change>> {
    let tenant = prop::sample::select(vec!["T1", "T2"]);
    let flag = any::<bool>();
    let phone = prop::sample::select(vec!["+14155550123", "+14155550124"]);
    prop_oneof![
        (phone, flag).prop_map(|(phone, verified)| vec![
            set(Subject::Contact(Contact::Phone), text(phone)),
            set(Subject::Verified(Contact::Phone), Value::Boolean(verified)),
        ]),
        Just(vec![
            change(Subject::Contact(Contact::Phone), Action::Clear),
            set(Subject::Verified(Contact::Phone), Value::Boolean(false)),
        ]),
        prop::sample::select(vec!["enabled", "disabled"])
            .prop_map(|status| vec![set(Subject::Status, text(status))]),
        prop::sample::select(vec!["", "A", "B"])
            .prop_map(|name| vec![set(Subject::Plain("name"), text(name))]),
        some_list_action().prop_map(|action| vec![change(Subject::Roles(None), action)]),
        some_list_action().prop_map(|action| vec![change(Subject::Apps, action)]),
        (tenant.clone(), some_list()).prop_map(|(id, roles)| vec![change(
            Subject::Roles(Some(id.into())),
            Action::Add(roles)
        )]),
        (tenant, any::<bool>()).prop_map(|(id, add)| {
            let action = if add { Action::Add(text(id)) } else { Action::Remove(text(id)) };
            vec![change(Subject::Tenants, action)]
        }),
        (prop::sample::select(vec!["k", "l"]), prop::sample::select(vec!["1", "\"x\"", "[]"]))
            .prop_map(|(key, json)| vec![set(
                Subject::Attribute(key.into()),
                Value::Json(json.into())
            )]),
        Just(vec![change(Subject::Attributes, Action::Clear)]),
        Just(vec![set(Subject::LoginId, text("b"))]),
    ]
}

fn some_user() -> impl Strategy<Value = Map<String, Json>> {
    let roles = || prop::sample::subsequence(vec!["R", "S", "T"], 0..3);
    let tenants =
        prop::collection::btree_map(prop::sample::select(vec!["T1", "T2"]), roles(), 0..2);
    (roles(), tenants, any::<bool>(), prop::option::of(0..9), roles()).prop_map(
        |(roles, tenants, has_phone, attribute, apps)| {
            let tenants: Vec<Json> = tenants
                .into_iter()
                .map(|(id, roles)| json!({"tenantId": id, "roleNames": roles}))
                .collect();
            let phone = if has_phone { "+14155550123" } else { "" };
            let user = json!({
                "loginIds": ["a"], "phone": phone, "verifiedPhone": has_phone, "status": "enabled",
                "name": "N", "roleNames": roles, "userTenants": tenants, "ssoAppIds": apps,
                "customAttributes": attribute.map_or(json!({}), |value| json!({"k": value})),
            });
            user.as_object().unwrap().clone()
        },
    )
}

/// A user in a form in which the order of lists does not count.
fn normal(user: &Map<String, Json>) -> Map<String, Json> {
    let mut user = user.clone();
    let sorted = |list: &mut Json| {
        if let Some(items) = list.as_array_mut() {
            items.sort_by_key(ToString::to_string);
        }
    };
    for tenant in user["userTenants"].as_array_mut().unwrap() {
        sorted(&mut tenant["roleNames"]);
    }
    for key in ["roleNames", "userTenants", "ssoAppIds"] {
        sorted(&mut user[key]);
    }
    user
}

proptest! {
    /// Whatever is done, the user then shows it, and what takes it back gives the user as before.
    #[test]
    fn what_is_taken_back_is_as_it_was(before in some_user(), changes in some_change()) {
        let mut after = before.clone();
        for change in &changes {
            apply("a", change, &mut after);
        }
        prop_assert_eq!(compare("a", &changes, &User::from(after.clone())), Vec::<&Change>::new());
        let inverse = invert("a", &changes, &User::from(before.clone()));
        prop_assert!(inverse.irreversible.is_empty());
        for change in &inverse.changes {
            apply(&inverse.login_id, change, &mut after);
        }
        prop_assert_eq!(normal(&after), normal(&before));
    }

    /// Members come back as they are written, whatever their names.
    #[test]
    fn members_are_found_in_their_order(names in prop::collection::vec("\\PC{0,5}", 0..5)) {
        let member = |name: &String| format!("{}: 1.50", Json::from(name.as_str()));
        let text = format!("{{{}}}", names.iter().map(member).collect::<Vec<_>>().join(" , "));
        let found = members(&text).unwrap();
        let found: Vec<_> = found.iter().map(|(name, value)| (name.clone(), value.get())).collect();
        let expected: Vec<_> = names.iter().map(|name| (name.clone(), "1.50")).collect();
        prop_assert_eq!(found, expected);
    }
}
