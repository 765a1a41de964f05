//! Names of users that look like others: the same letters written differently, or letters of several
//! scripts.

use unicode_normalization::is_nfc;
use unicode_security::{MixedScript, RestrictionLevel, RestrictionLevelDetection};

use crate::catalog::Role;
use crate::change::Value;
use crate::issue::Issue;

/// The code of the warning that a name is not in the form of Unicode in which texts are compared.
pub const NOT_NORMALIZED: &str = "not_normalized";

/// The code of the warning that a name mixes scripts.
pub const MIXED_SCRIPTS: &str = "mixed_scripts";

/// What may be wrong with a value that names a user, or by which one signs in.
pub(super) fn suspicion(role: Role, value: &Value<'_>) -> Option<Box<Issue>> {
    let named = match role {
        Role::User | Role::NewLoginId | Role::LoginIds => true,
        Role::Contact(contact) => !contact.is_phone(),
        Role::Verified(_)
        | Role::Status
        | Role::Roles
        | Role::RoleTenant
        | Role::Tenant
        | Role::Tenants
        | Role::Apps
        | Role::Attributes
        | Role::AttributeKey
        | Role::AttributeValue
        | Role::Secret(_)
        | Role::Unseen(_)
        | Role::Fixed(_)
        | Role::Plain(_) => false,
    };
    match value {
        Value::Text(text) if named => of_text(text),
        Value::List(names) if named => names.iter().find_map(|name| of_text(name)),
        _ => None,
    }
}

fn of_text(text: &str) -> Option<Box<Issue>> {
    if text.is_ascii() {
        return None;
    }
    let (code, message) = if !is_nfc(text) {
        (
            NOT_NORMALIZED,
            "the name is not in Unicode's composed form (NFC), so it is not the one that looks the same",
        )
    } else if mixes_scripts(text) {
        (MIXED_SCRIPTS, "the name mixes letters of several scripts, so it may look like another")
    } else {
        return None;
    };
    let hint = format!(
        "compare it with the user's in the directory; to send it as it is, use --allow {code}"
    );
    Some(Box::new(Issue::warning(code, message).hint(hint)))
}

/// Whether letters of scripts are mixed that are not usually written together: Latin beside Japanese,
/// Chinese or Korean is (Unicode Technical Standard 39, moderately restrictive).
fn mixes_scripts(text: &str) -> bool {
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    !letters.is_single_script()
        && letters.detect_restriction_level() > RestrictionLevel::ModeratelyRestrictive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_like_others_are_told_and_names_of_any_language_are_not() {
        let code = |text: &str| of_text(text).map(|issue| issue.code);
        for (text, expected) in [
            ("jose\u{301}@example.com", Some(NOT_NORMALIZED)),
            ("p\u{430}ypal@example.com", Some(MIXED_SCRIPTS)),
            ("\u{3b1}dmin", Some(MIXED_SCRIPTS)),
            ("josé@example.com", None),
            ("иван", None),
            ("Иван Петров 2", None),
            ("иван@пример.рф", None),
            ("山田taro@example.com", None),
            ("ひらがなカタカナ漢字", None),
            ("김철수 kim", None),
            ("שלום", None),
            ("محمد", None),
            ("สมชาย", None),
            ("ö😀", None),
        ] {
            assert_eq!(code(text).as_deref(), expected, "{text}");
        }
    }
}
