//! Our requests against those that the official SDKs send, field by field.
//!
//! Each recorded write becomes a row that says the same; the body made from it is compared
//! with the recorded one. Every difference that is meant has a name and a reason below, and
//! each of them must occur.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use descope_bulk::internals::catalog::{OPERATIONS, Operation};
use descope_bulk::internals::input::record::{Content, Encoding, Format, Position, Record, Source};
use descope_bulk::internals::rows::{Batching, Builder, Mapping, OnConflict};
use serde_json::{Map, Value, json};

const RECORDED: [&str; 2] =
    [include_str!("../sdk-requests/python.jsonl"), include_str!("../sdk-requests/node.jsonl")];

/// A difference that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Meant {
    /// An SDK sends `null` for what is not given; we leave the key out, since `null` removes
    /// the value on some endpoints.
    NullIsLeftOut,
    /// The SDKs say `displayName`; the OpenAPI document says `name`, which works on every
    /// endpoint, `patch` included.
    NameNotDisplayName,
    /// Without the flag the server merges another user who holds the value into this one and
    /// deletes it; we always state it.
    ConflictIsStated,
    /// Whether a value is verified must be stated with the value: refused without.
    VerifiedMustBeStated,
    /// Nothing is removed by leaving a value out: refused, with the way to say it.
    RemovalMustBeExplicit,
    /// Adding or removing no roles does nothing: refused.
    EmptyListDoesNothing,
    /// A name change that sets no name: refused.
    NothingToSet,
    /// A removed value needs no flag from the row; we state `false`.
    RemovedIsNotVerified,
}

const ALL: [Meant; 8] = [
    Meant::NullIsLeftOut,
    Meant::NameNotDisplayName,
    Meant::ConflictIsStated,
    Meant::VerifiedMustBeStated,
    Meant::RemovalMustBeExplicit,
    Meant::EmptyListDoesNothing,
    Meant::NothingToSet,
    Meant::RemovedIsNotVerified,
];

fn operation_of(request: &Value) -> Option<&'static Operation> {
    let is = |operation: &&Operation| {
        request["method"] == operation.method.as_str() && request["path"] == operation.path
    };
    OPERATIONS.iter().find(is)
}

/// The body that we send for a row that says the same, or the code of why not.
fn ours(
    operation: &'static Operation,
    body: &Map<String, Value>,
) -> Result<Map<String, Value>, Cow<'static, str>> {
    let mut row = body.clone();
    let merge = row.remove("failOnConflict") == Some(json!(false));
    let rules = Mapping {
        operation: Some(operation),
        on_conflict: if merge { OnConflict::Merge } else { OnConflict::Fail },
        // Custom attributes in one patch, as the SDKs have it.
        batching: Batching::All,
        ..Mapping::default()
    };
    let source = Arc::new(Source {
        name: "sdk".into(),
        format: Format::Jsonl,
        encoding: Encoding::Utf8,
        delimiter: None,
        columns: vec![],
        header_line: 1,
    });
    let record = Record {
        source: Arc::clone(&source),
        position: Position { row: 1, line: 1, byte: 0 },
        content: Content::Object(Value::from(row).to_string().into()),
    };
    let mut builder = Builder::new(rules, &[source]).unwrap();
    match builder.build(record) {
        Ok(instruction) => {
            let calls: Vec<_> = instruction.calls().map(|call| call.body()).collect();
            assert_eq!(calls.len(), 1);
            Ok(serde_json::from_slice(&calls[0]).unwrap())
        }
        Err(invalid) => Err(invalid.issue.code),
    }
}

/// The differences between a recorded body and ours; panics on one that is not meant.
fn compare(operation: &'static Operation, recorded: &Map<String, Value>) -> Vec<Meant> {
    let sent = match ours(operation, recorded) {
        Ok(sent) => sent,
        Err(code) => {
            return vec![match &*code {
                "verified_not_stated" => Meant::VerifiedMustBeStated,
                "missing_value" => Meant::RemovalMustBeExplicit,
                "empty_value" => Meant::EmptyListDoesNothing,
                "nothing_to_set" => Meant::NothingToSet,
                code => panic!("{recorded:?} is refused: {code}"),
            }];
        }
    };
    let mut differences = Vec::new();
    let mut expected = recorded.clone();
    for (key, value) in recorded {
        if value.is_null() {
            expected.remove(key);
            differences.push(Meant::NullIsLeftOut);
        }
    }
    if let Some(name) = expected.remove("displayName") {
        expected.insert("name".into(), name);
        differences.push(Meant::NameNotDisplayName);
    }
    if operation.fail_on_conflict && !expected.contains_key("failOnConflict") {
        expected.insert("failOnConflict".into(), json!(true));
        differences.push(Meant::ConflictIsStated);
    }
    if sent.get("verified") == Some(&json!(false)) && !expected.contains_key("verified") {
        expected.insert("verified".into(), json!(false));
        differences.push(Meant::RemovedIsNotVerified);
    }
    assert_eq!(sent, expected, "{}", operation.name);
    differences
}

#[test]
fn our_bodies_are_those_of_the_sdks_but_for_named_differences() {
    let mut met = BTreeSet::new();
    let mut compared = 0;
    for request in RECORDED.iter().flat_map(|file| file.lines()) {
        let request: Value = serde_json::from_str(request).unwrap();
        let Some(operation) = operation_of(&request) else {
            assert_eq!(request["path"], "/v1/mgmt/license", "a recorded write has no operation");
            continue;
        };
        met.extend(compare(operation, request["body"].as_object().unwrap()));
        compared += 1;
    }
    assert!(compared > 60, "only {compared} requests were compared");
    assert_eq!(met, BTreeSet::from(ALL), "a difference that is meant did not occur");
}
