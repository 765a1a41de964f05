//! Remarks: JSON rows that say nothing to a run, since all of their keys begin with `_`.
//!
//! Plans have them, for what the plan is of and for rows that would change nothing.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::record::Content;

/// Whether a row is a remark.
#[must_use]
pub(super) fn is_remark(content: &Content) -> bool {
    match content {
        // Most rows are told by their first key.
        Content::Object(text) if first_key_is_of_a_remark(text) => keys(text)
            .is_some_and(|keys| !keys.is_empty() && keys.iter().all(|key| key.starts_with('_'))),
        Content::Object(_) | Content::Cells(_) | Content::Broken { .. } => false,
    }
}

/// Whether a remark stands for a row of another file, with the status that it has there.
#[must_use]
pub(super) fn is_of_a_row(content: &Content) -> bool {
    let Content::Object(text) = content else { return false };
    keys(text).is_some_and(|keys| keys.iter().any(|key| key == "_status"))
}

fn first_key_is_of_a_remark(text: &str) -> bool {
    let inner = text.trim_start_matches(['{', ' ', '\t', '\r', '\n']);
    inner.starts_with("\"_")
}

fn keys(text: &str) -> Option<Vec<String>> {
    let members: RemarkKeys<'_> = serde_json::from_str(text).ok()?;
    Some(members.into_keys().collect())
}

/// The keys of an object, whatever their values.
type RemarkKeys<'a> = BTreeMap<String, &'a RawValue>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_passed_over_only_if_all_of_its_keys_are_ours() {
        for (text, expected) in [
            (r#"{"_plan":{"version":1}}"#, (true, false)),
            (r#"{ "_row": 7, "_status": "unchanged" }"#, (true, true)),
            (r#"{"_row":7,"_status":"invalid","loginId":"a"}"#, (false, true)),
            (r#"{"loginId":"a","_row":7}"#, (false, false)),
            (r#"{"_":1,"a_":2}"#, (false, false)),
            ("{}", (false, false)),
        ] {
            let content = Content::Object(text.into());
            assert_eq!((is_remark(&content), is_of_a_row(&content)), expected, "{text}");
        }
    }
}
