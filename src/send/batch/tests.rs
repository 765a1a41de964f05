use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::*;
use crate::api::response::{ErrorBody, Response, Sent, TransportCause, TransportError};
use crate::rows::{Batching, Instruction, Mapping};
use crate::send::tests::{client, instruction_by, simulator};
use response::item_results;

fn instruction(row: &Value) -> Instruction {
    instruction_by(Mapping { batching: Batching::All, ..Mapping::default() }, &row.to_string())
}

fn user_rows(rows: &[Value]) -> UserRows {
    let mut rows = rows.iter().map(instruction);
    let first = rows.next().unwrap();
    UserRows { more: rows.collect(), ..UserRows::single(Box::new(first)) }
}

fn naming(user: &str) -> UserRows {
    user_rows(&[json!({"operation": "name", "loginId": user, "name": "A"})])
}

fn email(user: &str, email: &str) -> UserRows {
    user_rows(&[json!({"operation": "email", "loginId": user, "email": email, "verified": true})])
}

fn phone(user: &str, phone: &str) -> UserRows {
    user_rows(&[json!({"operation": "phone", "loginId": user, "phone": phone, "verified": true})])
}

fn whole(body: &Value) -> Body {
    Body::Whole(RawValue::from_string(body.to_string()).unwrap())
}

mod bodies {
    use super::*;

    fn sent(users: &[UserRows]) -> Value {
        serde_json::from_slice(&body::of_batch(users)).unwrap()
    }

    #[test]
    fn a_patch_sets_what_its_rows_set() {
        let users = [
            user_rows(&[
                json!({"operation": "phone", "loginId": "a \"q\" é", "phone": "+14155550123", "verified": false}),
                json!({"operation": "recovery-phone", "loginId": "a \"q\" é", "recoveryPhone": "", "verified": true}),
                json!({"operation": "role-set", "loginId": "a \"q\" é", "roleNames": []}),
            ]),
            user_rows(&[
                json!({"operation": "customAttribute", "loginId": "b", "attributeKey": "t\"1", "attributeValue": {"x": [1]}}),
                json!({"operation": "email", "loginId": "b", "email": "b@x.com", "verified": true}),
                json!({"operation": "patch", "loginId": "b", "customAttributes": {"u": false, "v": "ü"}, "ssoAppIds": ["S"]}),
                json!({"operation": "customAttribute", "loginId": "b", "attributeKey": "age", "attributeValue": 7}),
            ]),
            naming("c"),
        ];
        assert_eq!(
            sent(&users),
            json!({"users": [
                {
                    "loginId": "a \"q\" é", "phone": "+14155550123", "verifiedPhone": false,
                    "recoveryPhone": "", "verifiedRecoveryPhone": true, "roleNames": [],
                },
                {
                    "loginId": "b", "email": "b@x.com", "verifiedEmail": true, "ssoAppIds": ["S"],
                    "customAttributes": {"t\"1": {"x": [1]}, "u": false, "v": "ü", "age": 7},
                },
                {"loginId": "c", "name": "A"},
            ]})
        );
    }

    #[test]
    fn a_search_asks_for_all_users_who_may_have_a_name() {
        let body: Value =
            serde_json::from_slice(&read::of_names(&["\"".into(), "é".into()])).unwrap();
        assert_eq!(
            body,
            json!({"loginIds": ["\"", "é"], "limit": 100, "page": 0, "withTestUser": true})
        );
    }

    proptest! {
        /// Whatever the values, a patch holds what its rows' own bodies hold.
        #[test]
        fn a_patch_is_json_whatever_the_values(
            drawn in prop::collection::vec(
                ("x\\PC{0,9}", "x\\PC{0,9}", any::<String>(), any::<String>()), 1..4,
            ),
        ) {
            let mut users = Vec::new();
            let mut expected = Vec::new();
            for (user, name, key, value) in drawn {
                let rows = [
                    json!({"operation": "name", "loginId": user, "name": name}),
                    json!({"operation": "patch", "loginId": user, "customAttributes": {key: value}}),
                ];
                let user_rows = user_rows(&rows);
                let mut patch = Map::new();
                for instruction in user_rows.instructions() {
                    patch.extend(serde_json::from_slice::<Map<String, Value>>(&instruction.calls().next().unwrap().body()).unwrap());
                }
                expected.push(Value::Object(patch));
                users.push(user_rows);
            }
            prop_assert_eq!(sent(&users), json!({"users": expected}));
        }
    }
}

mod searches {
    use super::*;

    #[test]
    fn contacts_are_searched_for_as_the_service_may_keep_them() {
        let users = [
            email("a", "J@X.com"),
            naming("b"),
            email("c", "c@x.com"),
            user_rows(&[
                json!({"operation": "name", "loginId": "d", "name": "D"}),
                json!({"operation": "phone", "loginId": "d", "phone": "+14155550123", "verified": true}),
            ]),
        ];
        assert_eq!(
            contact_owners::names(&users),
            ["j@x.com", "J@X.com", "c@x.com", "+14155550123"]
        );
        assert!(contact_owners::names(&[naming("a")]).is_empty());
    }

    #[test]
    fn only_what_nobody_else_has_may_be_patched() {
        let users =
            [email("a", "A@x.com"), phone("b", "+14155550123"), naming("c"), email("d", "d@x.com")];
        let names = contact_owners::names(&users);
        let [all, none] = [&[0, 1, 3][..], &[]];
        for (case, found, concerned) in [
            ("nobody", json!({"users": [], "total": 0}), none),
            ("no total", json!({"users": []}), none),
            ("another", json!({"users": [{"loginIds": ["z", "a@x.com"]}], "total": 1}), &[0]),
            ("itself", json!({"users": [{"loginIds": ["a", "a@x.com"]}], "total": 1}), none),
            (
                "itself, by user ID",
                json!({"users": [{"loginIds": ["d@x.com"], "userId": "d"}]}),
                none,
            ),
            ("one of another's", json!({"users": [{"loginIds": ["+1 415-555-0123", "z"]}]}), &[1]),
            (
                "two users",
                json!({"users": [{"loginIds": ["a", "a@x.com"]}, {"loginIds": ["A@x.com", "z"]}]}),
                &[0],
            ),
            (
                "several",
                json!({"users": [{"loginIds": ["d@x.com"]}, {"loginIds": ["a@x.com"]}]}),
                &[0, 3],
            ),
            ("not all of them", json!({"users": [], "total": 1}), all),
            ("somebody whom nobody asked for", json!({"users": [{"loginIds": ["z"]}]}), all),
            ("somebody without a name", json!({"users": [{}]}), all),
            ("no users", json!({"total": 0}), all),
            ("users that are none", json!({"users": ["a"]}), all),
            ("an error", json!({"errorCode": "E011003"}), all),
        ] {
            let mut holders = ContactOwners::default();
            holders.add(&names, &whole(&found));
            let is_concerned = |index: &usize| holders.concern(&users[*index]);
            let told: Vec<usize> = (0..users.len()).filter(is_concerned).collect();
            assert_eq!(told, concerned, "{case}");
        }
    }

    #[test]
    fn a_search_that_fails_leaves_only_its_own_names_unsure() {
        let users = [email("a", "a@x.com"), email("b", "b@x.com"), naming("c")];
        for failed in [Body::Object, Body::BrokenOff, Body::Unreadable(String::new())] {
            let mut holders = ContactOwners::default();
            holders.add(&["a@x.com".to_owned()], &whole(&json!({"users": []})));
            holders.add(&["b@x.com".to_owned()], &failed);
            let told = users.each_ref().map(|user_rows| holders.concern(user_rows));
            assert_eq!(told, [false, true, false], "{failed:?}");
        }
    }
}

mod answers {
    use super::*;

    /// What an answer says of the users a, b and c, in a word each.
    fn said(answer: &Body) -> String {
        let users = ["a", "b", "c"].map(naming);
        let word = |fate: ItemResult| match fate {
            ItemResult::Updated(user) => {
                let user: Value = serde_json::from_str(user.get()).unwrap();
                format!("updated {}", user["userId"].as_str().unwrap())
            }
            ItemResult::Failed(why) => format!("{}: {}", why.code, why.message),
            ItemResult::Ambiguous => "ambiguous".to_owned(),
        };
        item_results(&users, answer).into_iter().map(word).collect::<Vec<_>>().join(", ")
    }

    fn user(id: &str, login_ids: &[&str]) -> Value {
        json!({"userId": id, "loginIds": login_ids})
    }

    fn failed(failure: &str, user: &Value) -> Value {
        json!({"failure": failure, "user": user})
    }

    /// A user whose only login ID is given.
    fn plain(name: &str) -> Value {
        user(&format!("U{name}"), &[name])
    }

    /// A case in words, an answer, and what it says.
    type Case = (&'static str, Value, &'static str);

    fn check(cases: impl IntoIterator<Item = Case>) {
        for (case, answer, expected) in cases {
            assert_eq!(said(&whole(&answer)), expected, "{case}");
        }
    }

    #[test]
    fn a_user_is_known_by_its_names() {
        let [a, b, c] = ["a", "b", "c"].map(plain);
        let one = user("U1", &["a", "b"]);
        check([
            ("all", json!({"patchedUsers": [c, a, b]}), "updated Ua, updated Ub, updated Uc"),
            (
                "by any name",
                json!({"patchedUsers": [
                    user("U1", &["z", "A"]), {"userId": "b"}, {"userId": "U3", "externalIds": ["c"]},
                ]}),
                "updated U1, updated b, updated U3",
            ),
            ("silence", json!({"patchedUsers": [b]}), "ambiguous, updated Ub, ambiguous"),
            ("two are one", json!({"patchedUsers": [one, c]}), "ambiguous, ambiguous, updated Uc"),
            ("twice", json!({"patchedUsers": [a, a, b, c]}), "ambiguous, updated Ub, updated Uc"),
        ]);
    }

    #[test]
    fn a_failure_is_that_of_the_user_whom_it_names() {
        let [a, b, c] = ["a", "b", "c"].map(plain);
        let answer = |user: &Value, failure: &str| json!({"patchedUsers": [a, c], "failedUsers": [failed(failure, user)]});
        check([
            ("by name", answer(&b, "no"), "updated Ua, refused: no, updated Uc"),
            (
                "as it was asked for",
                answer(&json!({"loginId": "b"}), "E112102"),
                "updated Ua, user_not_found: E112102, updated Uc",
            ),
            (
                "no reason",
                json!({"patchedUsers": [a, c], "failedUsers": [{"user": b}]}),
                "updated Ua, refused: the server does not say why, updated Uc",
            ),
            ("the limit", answer(&b, "E130429: slow down"), "updated Ua, ambiguous, updated Uc"),
            ("done and failed", answer(&a, "no"), "ambiguous, ambiguous, updated Uc"),
            (
                "several names",
                json!({"patchedUsers": [c], "failedUsers": [failed("no", &user("U1", &["a", "b"]))]}),
                "refused: no, refused: no, updated Uc",
            ),
            (
                "an error by name",
                json!({"patchedUsers": [a, c], "additionalErrors": {"B": "no", "z": "not"}}),
                "updated Ua, refused: no, updated Uc",
            ),
            (
                "an error that is no text",
                json!({"patchedUsers": [a, c], "additionalErrors": {"b": {"code": 7}}}),
                r#"updated Ua, refused: {"code":7}, updated Uc"#,
            ),
            (
                "done with an error",
                json!({"patchedUsers": [a, b, c], "additionalErrors": {"b": "no"}}),
                "updated Ua, ambiguous, updated Uc",
            ),
        ]);
    }

    #[test]
    fn a_failure_that_names_nobody_is_theirs_of_whom_nothing_else_is_said() {
        let [a, b, c, z] = ["a", "b", "c", "z"].map(plain);
        let nobody = Value::Null;
        let [no, not] = ["no", "not"].map(|failure| failed(failure, &nobody));
        let answer = |patched: &[&Value], failed: &[&Value]| json!({"patchedUsers": patched, "failedUsers": failed});
        check([
            ("one and one", answer(&[&a, &c], &[&no]), "updated Ua, refused: no, updated Uc"),
            ("two and two", answer(&[&c], &[&no, &no]), "refused: no, refused: no, updated Uc"),
            ("two reasons", answer(&[&c], &[&no, &not]), "ambiguous, ambiguous, updated Uc"),
            ("fewer", answer(&[&c], &[&no]), "ambiguous, ambiguous, updated Uc"),
            ("more", answer(&[&b, &c], &[&no, &no]), "ambiguous, updated Ub, updated Uc"),
            (
                "a stranger's",
                answer(&[&b, &c], &[&failed("no", &z)]),
                "refused: no, updated Ub, updated Uc",
            ),
            (
                "a stranger was patched",
                answer(&[&z, &c], &[&no, &no]),
                "ambiguous, ambiguous, updated Uc",
            ),
            (
                "somebody was patched",
                answer(&[&json!(7), &c], &[&no, &no]),
                "ambiguous, ambiguous, updated Uc",
            ),
        ]);
    }

    #[test]
    fn what_is_not_there_or_not_as_it_should_be_says_nothing() {
        let [a, b, c] = ["a", "b", "c"].map(plain);
        check([
            ("nothing", json!({}), "ambiguous, ambiguous, ambiguous"),
            (
                "nulls",
                json!({"patchedUsers": null, "failedUsers": null, "additionalErrors": null}),
                "ambiguous, ambiguous, ambiguous",
            ),
            (
                "users that are none",
                json!({"patchedUsers": [7, "a", null, [], c]}),
                "ambiguous, ambiguous, updated Uc",
            ),
            (
                "a list that is none",
                json!({"patchedUsers": [a, b, c], "failedUsers": 7}),
                "ambiguous, ambiguous, ambiguous",
            ),
        ]);
    }

    #[test]
    fn what_is_no_answer_tells_nothing() {
        for body in [Body::Object, Body::BrokenOff, Body::Unreadable(String::new())] {
            assert_eq!(said(&body), "ambiguous, ambiguous, ambiguous", "{body:?}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            prop_oneof![Just("a"), Just("b"), Just("C"), Just("z"), Just("no")]
                .prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        let key = prop::sample::select(vec![
            "a",
            "b",
            "loginIds",
            "externalIds",
            "userId",
            "loginId",
            "failure",
            "user",
            "patchedUsers",
            "failedUsers",
            "additionalErrors",
        ]);
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(key.clone(), inner, 0..6).prop_map(|members| {
                    Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
                }),
            ]
        })
    }

    /// A user in an answer, or what may stand in its place.
    fn any_user() -> impl Strategy<Value = Value> {
        let names = prop::collection::vec(prop::sample::select(vec!["a", "b", "C", "z"]), 0..3);
        prop_oneof![
            4 => names.prop_map(|names| json!({"loginIds": names})),
            1 => any_json(),
        ]
    }

    fn any_answer() -> impl Strategy<Value = Value> {
        let failed = (any_json(), any_user()).prop_map(|(failure, user)| match failure {
            Value::String(_) | Value::Null => json!({"failure": failure, "user": user}),
            _ => json!({"failure": "no", "user": user}),
        });
        let several = (
            prop::collection::vec(any_user(), 0..5),
            prop::collection::vec(failed, 0..4),
            any_json(),
        );
        prop_oneof![
            several.prop_map(|(patched, failed, errors)| {
                let errors = if errors.is_object() { errors } else { json!({}) };
                json!({"patchedUsers": patched, "failedUsers": failed, "additionalErrors": errors})
            }),
            any_json(),
        ]
    }

    proptest! {
        /// Whatever the answer: each part has its word, a success is the very user that the
        /// answer says was patched, and no user stands for two parts.
        #[test]
        fn no_answer_is_taken_for_more_than_it_says(answer in any_answer()) {
            let users = ["a", "b", "c"].map(naming);
            let fates = item_results(&users, &whole(&answer));
            prop_assert_eq!(fates.len(), users.len());
            let mut names = BTreeMap::new();
            for (user_rows, fate) in users.iter().zip(&fates) {
                let ItemResult::Updated(user) = fate else { continue };
                let user: Value = serde_json::from_str(user.get()).unwrap();
                let name = &user_rows.first.login_id;
                let text = user.to_string().to_lowercase();
                prop_assert!(text.contains(&format!("\"{name}\"")), "{name} is not {user}");
                prop_assert!(answer["patchedUsers"].as_array().unwrap().contains(&user));
                prop_assert!(names.insert(text, name).is_none(), "two are one: {user}");
            }
        }
    }
}

fn answer(status: u16, body: Body) -> Reply {
    Reply::Response(Response { status, retry_after: None, body })
}

fn error(message: &str) -> Body {
    Body::Error(ErrorBody {
        error_code: "E011003".into(),
        error_description: "Request failed validation".into(),
        error_message: message.into(),
    })
}

#[test]
fn a_call_that_failed_goes_on_by_what_it_came_to() {
    use Status::{GaveUp, Rejected, Unknown};
    let lost = |sent, cause| Reply::Failed(TransportError { sent, cause, detail: String::new() });
    for (case, status, reply, expected) in [
        ("no such path", Rejected, answer(404, Body::Unreadable(String::new())), Next::Never),
        ("no such method", Rejected, answer(405, Body::Unreadable(String::new())), Next::Never),
        ("no such thing", GaveUp, answer(501, Body::Unreadable(String::new())), Next::Never),
        ("nobody", Rejected, answer(404, error("Cannot find the user")), Next::Halves),
        ("too large", Rejected, answer(413, Body::Unreadable(String::new())), Next::Smaller),
        ("too large, says the API", Rejected, answer(413, error("no")), Next::Smaller),
        ("too many", Rejected, answer(400, error("At most 50 users in one call")), Next::Smaller),
        ("a wrong row", Rejected, answer(400, error("no such role")), Next::Halves),
        ("a conflict", Rejected, answer(409, Body::Unreadable(String::new())), Next::Halves),
        ("it stumbles", GaveUp, answer(500, error("")), Next::Halves),
        ("it stumbled before", Unknown, answer(500, error("")), Next::Halves),
        (
            "no answer of the API",
            Unknown,
            answer(200, Body::Unreadable(String::new())),
            Next::Halves,
        ),
        ("it breaks off", Unknown, answer(200, Body::BrokenOff), Next::Fail),
        ("a gateway", GaveUp, answer(502, Body::Unreadable(String::new())), Next::Fail),
        ("busy", GaveUp, answer(503, Body::Unreadable(String::new())), Next::Fail),
        ("no connection", GaveUp, lost(Sent::No, TransportCause::Unreachable), Next::Fail),
        ("no answer in time", Unknown, lost(Sent::Maybe, TransportCause::Timeout), Next::Fail),
        ("stopped at once", Unknown, lost(Sent::Maybe, TransportCause::Aborted), Next::Fail),
    ] {
        assert_eq!(next(status, &reply), expected, "{case}");
    }
}

#[test]
fn calls_are_cut_down_to_rows_by_themselves() {
    for (most, expected) in [(5, &[5][..]), (3, &[3, 2]), (2, &[2, 2, 1]), (1, &[0; 5])] {
        let users = ["a", "b", "c", "d", "e"].map(naming).into();
        let sizes: Vec<usize> = in_batches_of(most, users, true)
            .iter()
            .map(|call| match call {
                WorkItem::Batch { users, .. } => users.len(),
                WorkItem::User(_) | WorkItem::Read(_) => 0,
            })
            .collect();
        assert_eq!(sizes, expected, "at most {most}");
    }
}

#[tokio::test]
async fn what_may_have_been_done_stays_in_doubt_in_later_calls() {
    let client = client(&simulator(&[]).await);
    for (ambiguous, maybe_applied, expected) in
        [(false, false, false), (true, false, true), (false, true, true)]
    {
        let users =
            ["a", "b", "c", "d"].map(|name| UserRows { ambiguous, attempts: 1, ..naming(name) });
        let tries =
            Tries { attempts: 2, maybe_applied, http_status: Some(500), ..Tries::default() };
        let end = (&End::Failed(Status::GaveUp), &answer(500, Body::Unreadable(String::new())));
        let mut completed = Completed::default();
        let sending = Sending { started: Instant::now(), tries: &tries };
        client.finish_all(users.into(), sending, end, &mut completed);
        assert_eq!(completed.further.len(), 2, "two halves");
        for call in completed.further {
            let WorkItem::Batch { users, searched: true } = call else { panic!("{call:?}") };
            assert_eq!((users[0].ambiguous, users[0].attempts), (expected, 3));
        }
    }
}
