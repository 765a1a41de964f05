//! Hashed passwords: which forms there are, and what each consists of (API reference, 3.5).

use serde_json::{Map, Value};

use super::base64::decode;
use super::problem::Problem;

/// What a part of a hash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Text,
    /// Bytes, as standard base64.
    Bytes,
    /// A whole number that is not negative and fits 32 bits.
    Number,
}

use Part::{Bytes, Number, Text};

/// A form's name and its parts.
type Form = (&'static str, &'static [(&'static str, Part)]);

const FORMS: [Form; 10] = [
    ("bcrypt", &[("hash", Text)]),
    ("django", &[("hash", Text)]),
    ("md5", &[("hash", Text)]),
    ("buddyauth", &[("hash", Text)]),
    ("bach", &[("hash", Text), ("key", Text)]),
    ("sha", &[("hash", Text), ("type", Text), ("salt", Text)]),
    ("phpass", &[("hash", Text), ("salt", Text), ("iterations", Number), ("type", Text)]),
    ("pbkdf2", &[("hash", Bytes), ("salt", Bytes), ("iterations", Number), ("type", Text)]),
    (
        "argon2",
        &[
            ("hash", Bytes),
            ("salt", Bytes),
            ("iterations", Number),
            ("memory", Number),
            ("threads", Number),
            ("type", Text),
        ],
    ),
    (
        "firebase",
        &[
            ("hash", Bytes),
            ("salt", Bytes),
            ("saltSeparator", Bytes),
            ("signerKey", Bytes),
            ("memory", Number),
            ("rounds", Number),
        ],
    ),
];

/// Refuses what is not exactly one form with parts of the right kind. That the hash itself must
/// be there while the other parts may be left out, and that parts of other names are refused,
/// is our choice.
pub(super) fn check(hashed: &Map<String, Value>) -> Result<(), Problem> {
    let refuse = |why: String| Err(Problem::invalid(format!("hashedPassword: {why}")));
    let mut given = hashed.iter().filter(|(_, value)| !value.is_null());
    let (Some((name, form)), None) = (given.next(), given.next()) else {
        return refuse("exactly one form of hash is wanted".into());
    };
    let Some((_, parts)) = FORMS.iter().find(|(known, _)| known == name) else {
        return refuse(format!("{name} is no form of hash"));
    };
    let Some(form) = form.as_object() else {
        return refuse(format!("{name}: an object is wanted"));
    };
    for (key, value) in form.iter().filter(|(_, value)| !value.is_null()) {
        let Some((_, part)) = parts.iter().find(|(known, _)| known == key) else {
            return refuse(format!("{name} has no part {key}"));
        };
        let fits = match part {
            Text => value.is_string(),
            Bytes => value.as_str().is_some_and(|text| decode(text).is_some()),
            Number => value.as_u64().is_some_and(|number| u32::try_from(number).is_ok()),
        };
        if !fits {
            let wanted = match part {
                Text => "text",
                Bytes => "base64",
                Number => "a whole number",
            };
            return refuse(format!("{name}.{key}: {wanted} is wanted"));
        }
    }
    match form.get("hash").and_then(Value::as_str) {
        None | Some("") => refuse(format!("{name}.hash is missing")),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(hashed: &Value) -> Option<String> {
        check(hashed.as_object().unwrap()).err().map(|problem| {
            assert_eq!((problem.status, problem.code), (400, "E011003"));
            problem.message().to_owned()
        })
    }

    #[test]
    fn every_form_is_taken_whole_and_refused_with_any_part_of_another_kind() {
        for (name, parts) in FORMS {
            let whole: Map<String, Value> = parts
                .iter()
                .map(|(key, part)| {
                    let value = match part {
                        Text => json!("$2y$10$any"),
                        Bytes => json!("AAEC"),
                        Number => json!(8),
                    };
                    ((*key).to_owned(), value)
                })
                .collect();
            assert_eq!(refusal(&json!({name: whole.clone()})), None, "{name}");
            for (key, part) in parts {
                for wrong in [json!(true), json!(-1), json!("%"), json!([])] {
                    let mut spoiled = whole.clone();
                    spoiled.insert((*key).to_owned(), wrong.clone());
                    let refused = refusal(&json!({name: spoiled})).is_some();
                    assert_eq!(
                        refused,
                        *part != Text || !wrong.is_string(),
                        "{name}.{key} {wrong}"
                    );
                }
            }
            let mut hashless = whole;
            hashless.shift_remove("hash");
            assert!(refusal(&json!({name: hashless})).unwrap().contains("hash is missing"));
        }
    }

    #[test]
    fn exactly_one_known_form_is_wanted() {
        let bcrypt = json!({"hash": "$2a$10$any"});
        for (hashed, refused) in [
            (json!({}), true),
            (json!({"bcrypt": bcrypt, "md5": null}), false),
            (json!({"bcrypt": bcrypt, "md5": {"hash": "x"}}), true),
            (json!({"rot13": {"hash": "x"}}), true),
            (json!({"bcrypt": "$2a$10$any"}), true),
            (json!({"bcrypt": {"hash": "x", "salt": "y"}}), true),
            (json!({"bcrypt": {"hash": ""}}), true),
        ] {
            assert_eq!(refusal(&hashed).is_some(), refused, "{hashed}");
        }
    }
}
