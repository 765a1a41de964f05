//! Which rows may share a call, and which may share one patch.

use proptest::prelude::*;

use super::*;

const MODES: [(Batching, &str); 4] = [
    (Batching::Off, "off"),
    (Batching::Patches, "patches"),
    (Batching::Values, "values"),
    (Batching::All, "all"),
];

fn built(mapping: Mapping, row: &str) -> Instruction {
    let source = Arc::new(Source {
        name: "in.jsonl".into(),
        format: Format::Jsonl,
        encoding: Encoding::Utf8,
        delimiter: None,
        columns: vec![],
        header_line: 1,
    });
    let mut builder = Builder::new(mapping, &[Arc::clone(&source)]).unwrap();
    let built = builder.build(record(&source, Content::Object(row.into())));
    built.unwrap_or_else(|invalid| panic!("{row}: {}", invalid.issue.message))
}

fn terms(batching: Batching, row: &str) -> Option<BatchTerms> {
    let mapping = Mapping { batching, allow_destructive: true, ..Mapping::default() };
    built(mapping, row).batch
}

const PHONE: &str = r#"{"operation":"phone","loginId":"a","phone":"+14155550123","verified":true}"#;
const EMAIL: &str = r#"{"operation":"email","loginId":"a","email":"a@b.c","verified":true}"#;
const NAME: &str = r#"{"operation":"name","loginId":"a","name":"A"}"#;
const ROLES: &str = r#"{"operation":"role-set","loginId":"a","roleNames":["R"]}"#;
const ATTRIBUTE: &str =
    r#"{"operation":"customAttribute","loginId":"a","attributeKey":"tier","attributeValue":1}"#;
const PATCH: &str = r#"{"operation":"patch","loginId":"a","name":"A","email":"a@b.c","verifiedEmail":true,"customAttributes":{"tier":1}}"#;

#[test]
fn rows_are_batched_as_they_are_asked_to_be() {
    for (row, modes) in [
        (PHONE, "values all"),
        (EMAIL, "values all"),
        (NAME, "values all"),
        (r#"{"operation":"picture","loginId":"a","picture":""}"#, "values all"),
        (r#"{"operation":"status","loginId":"a","status":"enabled"}"#, "values all"),
        (
            r#"{"operation":"recovery-email","loginId":"a","recoveryEmail":"a@b.c","verified":true}"#,
            "values all",
        ),
        (
            r#"{"operation":"recovery-phone","loginId":"a","recoveryPhone":"","verified":false}"#,
            "values all",
        ),
        (ROLES, "values all"),
        (r#"{"operation":"role-set","loginId":"a","roleNames":["R"],"tenantId":"T"}"#, ""),
        (r#"{"operation":"ssoapp-set","loginId":"a","ssoAppIds":["S"]}"#, "values all"),
        (ATTRIBUTE, "all"),
        (PATCH, "all"),
        (r#"{"operation":"patch","loginId":"a","name":"A"}"#, "patches values all"),
        (r#"{"operation":"patch","loginId":"a","customAttributes":{}}"#, "patches values all"),
        (r#"{"operation":"update","loginId":"a","name":"A"}"#, ""),
        (r#"{"operation":"loginid","loginId":"a","newLoginId":"b"}"#, ""),
        (r#"{"operation":"role-add","loginId":"a","roleNames":["R"]}"#, ""),
        (r#"{"operation":"role-remove","loginId":"a","roleNames":["R"]}"#, ""),
        (r#"{"operation":"ssoapp-add","loginId":"a","ssoAppIds":["S"]}"#, ""),
        (r#"{"operation":"tenant-add","loginId":"a","tenantId":"T"}"#, ""),
        (r#"{"operation":"password-set-active","loginId":"a","password":"p"}"#, ""),
        (r#"{"operation":"password-expire","loginId":"a"}"#, ""),
    ] {
        let batched = MODES.iter().filter(|(batching, _)| terms(*batching, row).is_some());
        let batched: Vec<_> = batched.map(|(_, name)| *name).collect();
        assert_eq!(batched.join(" "), modes, "{row}");
    }
}

#[test]
fn what_is_to_merge_users_goes_by_the_endpoints_that_merge() {
    for (row, contacts) in [(PHONE, None), (EMAIL, None), (NAME, Some(0)), (PATCH, Some(0))] {
        let mapping = Mapping {
            batching: Batching::All,
            on_conflict: OnConflict::Merge,
            ..Mapping::default()
        };
        let built = built(mapping, row);
        let guarded = built.batch.map(|_| built.guarded_contacts().count());
        assert_eq!(guarded, contacts, "{row}");
    }
}

#[test]
fn contacts_are_what_another_user_may_have_as_login_id() {
    for (row, contacts) in [
        (PHONE, &["+14155550123"][..]),
        (EMAIL, &["a@b.c"]),
        (PATCH, &["a@b.c"]),
        (NAME, &[]),
        (r#"{"operation":"phone","loginId":"a","phone":"","verified":false}"#, &[]),
        (
            r#"{"operation":"recovery-email","loginId":"a","recoveryEmail":"a@b.c","verified":true}"#,
            &[],
        ),
    ] {
        let built = built(Mapping { batching: Batching::All, ..Mapping::default() }, row);
        assert_eq!(built.guarded_contacts().collect::<Vec<_>>(), contacts, "{row}");
        assert!(!built.batch.unwrap().alone, "{row}");
        let of_all = ["a"].iter().chain(contacts).map(|name| lane(name));
        let mut lanes: Vec<u64> = of_all.collect();
        lanes.sort_unstable();
        assert_eq!(built.lanes[..], lanes[..], "other rows that touch the contact wait, {row}");
    }
}

#[test]
fn rows_go_with_each_other_unless_one_would_undo_the_other() {
    let tenants =
        r#"{"operation":"patch","loginId":"a","userTenants":[{"tenantId":"T","roleNames":[]}]}"#;
    let flag = r#"{"operation":"patch","loginId":"a","verifiedPhone":false}"#;
    let attributes = r#"{"operation":"patch","loginId":"a","customAttributes":{"tier":1,"age":2}}"#;
    let age =
        r#"{"operation":"customAttribute","loginId":"a","attributeKey":"age","attributeValue":1}"#;
    let zip = r#"{"operation":"patch","loginId":"a","customAttributes":{"zip":"1"}}"#;
    for (batching, one, other, go) in [
        (Batching::Values, PHONE, EMAIL, true),
        (Batching::Values, PHONE, PHONE, false),
        (Batching::Values, PHONE, flag, false),
        (Batching::Values, EMAIL, flag, true),
        (Batching::All, NAME, PATCH, false),
        (Batching::Values, ROLES, NAME, true),
        (Batching::Values, ROLES, ROLES, false),
        (Batching::Values, ROLES, tenants, false),
        (Batching::Values, tenants, tenants, false),
        (Batching::All, NAME, zip, true),
        (Batching::All, attributes, zip, true),
        (Batching::All, attributes, age, false),
        (Batching::All, attributes, ATTRIBUTE, false),
        (Batching::All, ATTRIBUTE, age, true),
        (Batching::All, ATTRIBUTE, ATTRIBUTE, false),
        (Batching::All, ATTRIBUTE, NAME, true),
    ] {
        let [sets, others] = [one, other].map(|row| terms(batching, row).unwrap().sets);
        assert_eq!(sets.goes_with(others), go, "{batching:?}: {one} and {other}");
        assert_eq!(others.goes_with(sets), go, "{batching:?}: {other} and {one}");
    }
}

/// Members of a patch that set nothing in common.
const MEMBERS: [&str; 14] = [
    r#""name":"A""#,
    r#""givenName":"A""#,
    r#""middleName":"A""#,
    r#""familyName":"A""#,
    r#""picture":"http://x/a""#,
    r#""status":"enabled""#,
    r#""roleNames":["R"]"#,
    r#""customAttributes":{"tier":1}"#,
    r#""additionalIdentifiers":["b"]"#,
    r#""ssoAppIds":["S"]"#,
    r#""phone":"+14155550123","verifiedPhone":true"#,
    r#""email":"a@b.c","verifiedEmail":true"#,
    r#""recoveryEmail":"a@b.c","verifiedRecoveryEmail":true"#,
    r#""recoveryPhone":"","verifiedRecoveryPhone":false"#,
];

proptest! {
    /// Patches go together exactly if no field is in both, and what has joined counts.
    #[test]
    fn patches_go_together_if_no_field_is_in_both(
        fields in prop::array::uniform3(prop::collection::btree_set(0..MEMBERS.len(), 1..5)),
    ) {
        let [a, b, c] = fields.each_ref().map(|fields| {
            let members: Vec<_> = fields.iter().map(|index| MEMBERS[*index]).collect();
            let row = format!(r#"{{"operation":"patch","loginId":"a",{}}}"#, members.join(","));
            terms(Batching::All, &row).unwrap().sets
        });
        let [of_a, of_b, of_c] = &fields;
        prop_assert_eq!(a.goes_with(b), of_a.is_disjoint(of_b));
        prop_assert_eq!(a.and(b).goes_with(c), of_a.is_disjoint(of_c) && of_b.is_disjoint(of_c));
    }
}

/// Which rows are to go alone, after each other.
fn alone(rows: &[&str]) -> Vec<bool> {
    let mut assigned = AssignedContacts::default();
    let alone = |row: &&str| {
        let mut instruction = built(Mapping { batching: Batching::All, ..Mapping::default() }, row);
        assigned.take(&mut instruction);
        instruction.batch.is_some_and(|batch| batch.alone)
    };
    rows.iter().map(alone).collect()
}

fn email(user: &str, email: &str) -> String {
    format!(r#"{{"operation":"email","loginId":"{user}","email":"{email}","verified":true}}"#)
}

#[test]
fn what_an_earlier_row_has_given_away_goes_alone() {
    let rename = r#"{"operation":"loginid","loginId":"h","newLoginId":"new@x.com"}"#;
    let added = r#"{"operation":"patch","loginId":"h","additionalIdentifiers":["new@x.com"]}"#;
    let of_b = email("b", "new@x.com");
    for (earlier, row, expected) in [
        (email("a", "new@x.com"), of_b.clone(), true),
        (email("a", "NEW@x.com"), of_b.clone(), true),
        (email("b", "new@x.com"), of_b.clone(), true),
        (email("a", "old@x.com"), of_b.clone(), false),
        (rename.to_owned(), of_b.clone(), true),
        (added.to_owned(), of_b.clone(), true),
        // The search before the call sees whose login ID it is.
        (email("new@x.com", "old@x.com"), of_b.clone(), false),
        (email("new@x.com", "new@x.com"), email("new@x.com", "new@x.com"), false),
        // Only contacts are not guarded.
        (of_b.clone(), added.to_owned(), false),
        (of_b.clone(), NAME.to_owned(), false),
    ] {
        assert_eq!(alone(&[&earlier, &row]), [false, expected], "{earlier}, then {row}");
    }
    assert_eq!(alone(&[&of_b, NAME, rename, &of_b, &of_b]), [false, false, false, true, true]);
}
