//! Which texts in the files of a run are words of ours, and hold nothing of a user. Pure.

use serde_json::Value;

use crate::api::explain::lost_in_words;
use crate::api::response::TransportCause;
use crate::catalog::{OPERATIONS, Operation, REQUESTS};
use crate::input::record::{ADDED_COLUMNS, PLAN_KEYS};

/// What stands in place of a message, whose words may hold any value.
pub(super) const LEFT_OUT: &str = "(left out)";

/// Whether a text is like our stable words: `bad_value`, `max_failures`.
#[must_use]
pub(crate) fn is_word(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_lowercase() || c == '_';
    (1..=40).contains(&text.len()) && text.chars().all(fine)
}

/// The text if it is like one of our stable words.
#[must_use]
pub(crate) fn word_or_none(text: &str) -> Option<&str> {
    Some(text).filter(|text| is_word(text))
}

/// Whether a text is like the server's codes: `E112102`.
#[must_use]
pub(crate) fn is_server_code(text: &str) -> bool {
    let digits = text.strip_prefix('E').unwrap_or_default();
    (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Settings whose texts are words, codes, numbers or what names the project.
const HARMLESS_SETTINGS: [&str; 30] = [
    "allow",
    "attributeTypes",
    "baseUrl",
    "batch",
    "between",
    "blank",
    "budgetLost",
    "delimiter",
    "encoding",
    "format",
    "hidden",
    "keepUsers",
    "listSeparator",
    "maxDeletes",
    "maxFailures",
    "maxInvalid",
    "maxShare",
    "onConflict",
    "onDrift",
    "operation",
    "outside",
    "phones",
    "projectId",
    "rate",
    "region",
    "results",
    "shard",
    "shortRows",
    "simulate",
    "tz",
];

/// Settings that name files.
pub(crate) const FILE_SETTINGS: [&str; 3] = ["job", "report", "protect"];

/// Whether a setting may stay as it is: numbers and switches always, texts of those settings only that
/// take no value of a user, no name of a file and no column.
#[must_use]
pub(crate) fn is_harmless_setting(name: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(_) => HARMLESS_SETTINGS.contains(&name),
        Value::Array(items) => {
            HARMLESS_SETTINGS.contains(&name) && items.iter().all(Value::is_string)
        }
        Value::Object(_) => false,
    }
}

/// The name of an operation, if a text is one.
#[must_use]
pub(super) fn operation(text: &str) -> Option<&'static str> {
    Operation::named(text).map(|operation| operation.name).filter(|name| *name == text)
}

/// The path of a request that we send, if a text is one.
#[must_use]
pub(super) fn request_path(text: &str) -> Option<&'static str> {
    let known = OPERATIONS.iter().chain(REQUESTS).map(|operation| operation.path);
    known.into_iter().find(|path| *path == text)
}

/// How an answer was lost, in words of ours; of others, that it was.
#[must_use]
pub(super) fn lost(words: &str) -> &'static str {
    let known = TransportCause::ALL.into_iter().map(lost_in_words);
    known.into_iter().find(|known| *known == words).unwrap_or("the answer was lost")
}

/// Whether a column's name is one that the program gives, and not the file's own.
#[must_use]
pub(super) fn is_known_column(name: &str) -> bool {
    let added = ADDED_COLUMNS.iter().chain(&PLAN_KEYS).any(|known| *known == name);
    let stated = ["operation", "region"].iter().any(|known| known.eq_ignore_ascii_case(name));
    added || stated || OPERATIONS.iter().any(|own| own.field_index(name).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_codes_and_columns_of_ours_are_told_from_others() {
        for (text, word, code) in [
            ("bad_value", true, false),
            ("Ada", false, false),
            ("ada@example.com", false, false),
            ("", false, false),
            ("E112102", false, true),
            ("E", false, false),
            ("E1121021234", false, false),
        ] {
            assert_eq!((is_word(text), is_server_code(text)), (word, code), "{text}");
        }
        assert!(is_known_column("Phone Number") && is_known_column("_row"));
        assert!(!is_known_column("Ada") && !is_known_column("customAttributes.ada"));
        assert_eq!((operation("phone"), operation("Ada")), (Some("phone"), None));
        assert_eq!(request_path("/v1/mgmt/user/ada"), None);
    }

    #[test]
    fn texts_of_settings_stay_only_where_that_was_decided() {
        for (name, value, stays) in [
            ("concurrency", json!(8), true),
            ("anything", json!(true), true),
            ("operation", json!("phone"), true),
            ("allow", json!(["zero_restored"]), true),
            ("between", json!(["22:00-06:00"]), true),
            ("tz", json!("Europe/Berlin"), true),
            ("set", json!({"name": "Ada"}), false),
            ("where", json!(["loginId=ada"]), false),
            ("anything", json!("Ada"), false),
            ("operation", json!({"Ada": 1}), false),
        ] {
            assert_eq!(is_harmless_setting(name, &value), stays, "{name}");
        }
    }
}
