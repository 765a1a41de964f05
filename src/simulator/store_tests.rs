//! The store: names, conflicts, merges, tombstones, and what search sees.

use serde_json::{Value, json};

use super::super::fields::Fields;
use super::super::search::search;
use super::*;

const EARLY: Moment = Moment { seconds: 100, elapsed: Duration::ZERO };

fn at(seconds: u64) -> Moment {
    Moment { seconds: 100, elapsed: Duration::from_secs(seconds) }
}

fn rules<'a>(contacts: &'a [&'a str], on_conflict: OnConflict) -> Rules<'a> {
    Rules { contacts, on_conflict, old_phone: OldPhone::Keep }
}

const PLAIN: Rules<'static> = Rules::ALONE;

/// A store with some users, numbered from 0.
fn store(login_ids: &[&str]) -> Store {
    let mut store = Store::new(false, Duration::ZERO);
    for login_id in login_ids {
        store.create(User::named(login_id), EARLY).unwrap();
    }
    store
}

fn rename(store: &mut Store, number: u32, new: &str, moment: Moment) -> Result<(), Problem> {
    store.change(number, moment, PLAIN, |user| {
        user.login_ids = vec![new.into()];
        Ok(())
    })
}

fn found(store: &mut Store, query: Value, moment: Moment) -> (Vec<String>, u64) {
    let fields = Fields::from_value(query).unwrap();
    let body = search(&store.visible(moment), &fields, false).unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    let users = body["users"].as_array().unwrap().iter();
    let names = users.map(|user| user["loginIds"][0].as_str().unwrap().to_owned());
    (names.collect(), body["total"].as_u64().unwrap())
}

#[test]
fn a_user_is_found_by_any_of_its_names() {
    let mut store = store(&["a@example.com", "+1-555-555-0100"]);
    let made = store.user_id(1);
    assert_eq!(made.len(), 28);
    for (name, user_ids, number) in [
        ("a@example.com", false, Some(0)),
        ("+15555550100", false, Some(1)),
        ("+1 (555) 555-0100", false, Some(1)),
        (&*made, true, Some(1)),
        (&*made, false, None),
        ("A@example.com", true, None),
        ("U2simulated00000000000000009", true, None),
    ] {
        assert_eq!(store.find(name, user_ids, EARLY), number, "{name}");
    }
    let taken = store.create(User::named("+15555550100"), EARLY);
    assert_eq!(taken.unwrap_err().code, "E062107");
}

#[test]
fn a_rename_moves_the_name_and_never_onto_another_user() {
    let mut store = store(&["a", "b"]);
    assert_eq!(rename(&mut store, 0, "b", EARLY).unwrap_err().status, 409);
    rename(&mut store, 0, "c", EARLY).unwrap();
    assert_eq!(store.by_login_id("a"), None);
    assert_eq!(store.by_login_id("c"), Some(0));
    assert_eq!(store.by_login_id("b"), Some(1));
}

#[test]
fn a_contact_that_is_anothers_login_id_merges_or_is_refused_or_is_let_be() {
    let contacts = ["+1 555 555 0100"];
    let with = |on_conflict| {
        let mut store = store(&["a", "+15555550100"]);
        let result = store.change(0, EARLY, rules(&contacts, on_conflict), |user| {
            user.phone = "+15555550100".into();
            Ok(())
        });
        (store, result)
    };
    let (store, result) = with(OnConflict::Error);
    assert_eq!(result.unwrap_err().code, "E111127");
    assert_eq!(&*store.get(0).unwrap().phone, "");
    let (store, result) = with(OnConflict::Neither);
    assert!(result.is_ok());
    assert_eq!(store.by_login_id("+15555550100"), Some(1));
    let (store, result) = with(OnConflict::Merge);
    assert!(result.is_ok());
    assert!(store.get(1).is_none());
    assert_eq!(store.by_login_id("+15555550100"), Some(0));
    assert_eq!(store.get(0).unwrap().login_ids.len(), 2);
}

#[test]
fn an_old_phone_that_is_a_login_id_can_be_replaced() {
    let mut store = store(&["+15555550100"]);
    let mut change = |number: &str, old_phone| {
        let rules = Rules { old_phone, ..PLAIN };
        let set = |user: &mut User| {
            user.phone = number.into();
            Ok(())
        };
        store.change(0, EARLY, rules, set).unwrap();
        store.get(0).unwrap().login_ids[0].to_string()
    };
    assert_eq!(change("+15555550100", OldPhone::Keep), "+15555550100");
    assert_eq!(change("+15555550101", OldPhone::Replace), "+15555550101");
    assert_eq!(change("+15555550102", OldPhone::Keep), "+15555550101");
}

#[test]
fn a_failed_change_changes_nothing() {
    let mut store = store(&["a"]);
    let result = store.change(0, EARLY, PLAIN, |user| {
        user.name = "x".into();
        Err(Problem::missing("y"))
    });
    assert!(result.is_err());
    assert_eq!(&*store.get(0).unwrap().name, "");
}

#[test]
fn missing_users_are_created_once_and_not_after_they_are_gone() {
    let mut store = Store::new(true, Duration::ZERO);
    let number = store.find("a@example.com", true, EARLY).unwrap();
    assert_eq!(store.find("a@example.com", true, EARLY), Some(number));
    assert_eq!(store.get(number).unwrap().email(), "a@example.com");
    assert_eq!(store.get(number).unwrap().status, Status::Enabled);
    rename(&mut store, number, "b", EARLY).unwrap();
    assert_eq!(store.find("a@example.com", true, EARLY), None);
    rename(&mut store, number, "a@example.com", EARLY).unwrap();
    assert_eq!(store.find("a@example.com", true, EARLY), Some(number));
    let user_id = store.user_id(number);
    store.delete(number, EARLY).unwrap();
    assert_eq!(store.find("a@example.com", true, EARLY), None);
    assert_eq!(store.find(&user_id, true, EARLY), None);
    let foreign = "U2aAc4T2V93bddihGEx2Ryhc8e5Z";
    let number = store.find(foreign, true, EARLY).unwrap();
    assert_eq!(store.user_id(number), foreign);
}

#[test]
fn generated_users_are_the_same_every_time() {
    let mut store = Store::new(false, Duration::ZERO);
    store.generate(3).unwrap();
    assert_eq!(store.by_login_id("user3@example.com"), Some(2));
    assert_eq!(store.user_id(2), "U2simulated00000000000000003");
}

#[test]
fn pages_and_totals() {
    let names: Vec<String> = (0..250).map(|n| format!("u{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut store = store(&names);
    let all = json!({"limit": 0, "roleNames": []});
    let cases = [
        (all, "u0", 100),
        (json!({"limit": 7, "page": 3}), "u21", 7),
        (json!({"limit": 7, "page": 3, "offset": 2}), "u2", 7),
        (json!({"limit": 1000, "page": 2}), "u200", 50),
    ];
    // A test user, in the second round, bars the short way.
    for _ in 0..2 {
        for (query, first, count) in &cases {
            let (found, total) = found(&mut store, query.clone(), EARLY);
            assert_eq!((&*found[0], found.len()), (*first, *count), "{query}");
            assert_eq!(total, 250);
        }
        let mut test = User::named("test");
        test.test = true;
        let _ = store.create(test, EARLY);
    }
}

/// Four users with something to tell them apart, the last one for tests.
fn different_users() -> Store {
    let mut store = store(&["a@example.com", "b@example.com", "c", "+15555550100"]);
    let switches = super::super::switches::Switches::default();
    for (number, body) in [
        json!({"roleNames": ["editor"], "status": "enabled", "name": "Zoe"}),
        json!({"userTenants": [{"tenantId": "T1", "roleNames": ["x", "y"]}]}),
        json!({"customAttributes": {"tier": "gold"}, "phone": "+15555550199"}),
        json!({"test": true, "name": "Abe"}),
    ]
    .into_iter()
    .enumerate()
    {
        let change = super::super::effects::Change {
            named: "",
            fields: &Fields::from_value(body).unwrap(),
            switches: &switches,
            project: &super::super::project::Project::default(),
            seconds: 100,
        };
        let fill = |user: &mut User| super::super::fill::fill(user, &change, true);
        let number = u32::try_from(number).unwrap();
        store.change(number, EARLY, PLAIN, fill).unwrap();
    }
    store
}

/// Queries and whom they find, in order.
#[rustfmt::skip]
const QUERIES: &[(&str, &str)] = &[
    ("{}", "a@example.com b@example.com c"),
    (r#"{"withTestUser": true}"#, "a@example.com b@example.com c +15555550100"),
    (r#"{"testUsersOnly": true}"#, "+15555550100"),
    (r#"{"loginIds": ["c", "nobody", "a@example.com"]}"#, "a@example.com c"),
    (r#"{"loginIds": ["+1-555-555-0100"], "withTestUser": true}"#, "+15555550100"),
    (r#"{"loginId": "c"}"#, "c"),
    (r#"{"userIds": ["U2simulated00000000000000002", "U1"]}"#, "b@example.com"),
    (r#"{"emails": ["b@example.com"]}"#, "b@example.com"),
    (r#"{"phones": ["+1 555 555 0199"]}"#, "c"),
    (r#"{"roleNames": ["editor"]}"#, "a@example.com"),
    (r#"{"tenantIds": ["T1"]}"#, "b@example.com"),
    (r#"{"tenantRoleNames": {"T1": {"values": ["x", "z"], "and": true}}}"#, ""),
    (r#"{"tenantRoleNames": {"T1": {"values": ["x", "z"]}}}"#, "b@example.com"),
    (r#"{"statuses": ["enabled", "disabled"]}"#, "a@example.com"),
    (r#"{"customAttributes": {"tier": "gold"}}"#, "c"),
    (r#"{"customAttributes": {"tier": ["gold", "silver"]}}"#, "c"),
    (r#"{"customAttributes": {"tier": ["silver"]}}"#, ""),
    (r#"{"verifiedPhone": true}"#, "c"),
    (r#"{"text": "ZO"}"#, "a@example.com"),
    (r#"{"text": "@EXAMPLE"}"#, "a@example.com b@example.com"),
    (r#"{"fromCreatedTime": "100001"}"#, ""),
    (r#"{"toCreatedTime": 100000}"#, "a@example.com b@example.com c"),
    (r#"{"sort": [{"field": "email", "desc": true}]}"#, "b@example.com a@example.com c"),
    (r#"{"sort": [{"field": "name"}], "withTestUser": true}"#, "b@example.com c +15555550100 a@example.com"),
    (r#"{"scim": true}"#, ""),
    (r#"{"ssoOnly": true}"#, ""),
];

#[test]
fn filters_and_order() {
    let mut store = different_users();
    for (query, expected) in QUERIES {
        let value = serde_json::from_str(query).unwrap();
        let (found, _) = found(&mut store, value, EARLY);
        assert_eq!(found.join(" "), *expected, "{query}");
    }
    for query in [
        json!({"sort": [{"field": "colour"}]}),
        json!({"sort": [{}]}),
        json!({"limit": -1}),
        json!({"loginIds": "a"}),
    ] {
        let fields = Fields::from_value(query).unwrap();
        assert!(search(&store.visible(EARLY), &fields, false).is_err());
    }
}

#[test]
fn search_lags_behind_by_as_much_as_asked() {
    let mut store = Store::new(false, Duration::from_secs(5));
    store.create(User::named("a"), at(0)).unwrap();
    store.create(User::named("b"), at(1)).unwrap();
    assert_eq!(found(&mut store, json!({}), at(4)).0, [""; 0]);
    assert_eq!(found(&mut store, json!({}), at(5)).0, ["a"]);
    assert_eq!(found(&mut store, json!({}), at(6)).0, ["a", "b"]);
    rename(&mut store, 0, "c", at(10)).unwrap();
    rename(&mut store, 0, "d", at(12)).unwrap();
    store.delete(1, at(13)).unwrap();
    for (seconds, seen) in [(14, "a b"), (15, "c b"), (17, "d b"), (18, "d")] {
        assert_eq!(found(&mut store, json!({}), at(seconds)).0.join(" "), seen);
    }
    rename(&mut store, 0, "e", at(20)).unwrap();
    let by_name = |name: &str| json!({"loginIds": [name]});
    assert_eq!(found(&mut store, by_name("d"), at(24)).0, ["d"]);
    assert!(found(&mut store, by_name("e"), at(24)).0.is_empty());
    assert_eq!(found(&mut store, by_name("e"), at(25)).0, ["e"]);
    assert!(store.recent.is_empty());
}
