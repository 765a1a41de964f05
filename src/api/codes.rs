//! What the server's codes and words mean. Pure.
//!
//! The one place that decides by them. Codes are documented (API reference, 7.2). The words of a
//! batch response are not: a failed user comes with free text (3.3), and no maximum of a batch is
//! published, nor the error for it. So each phrase here names its source, only moves a decision
//! towards the safer side, and is logged where it decides.

/// Too many requests (API reference, 7.2 and 7.4).
pub(crate) const RATE_LIMITED: &str = "E130429";

/// Nobody has the name: of management endpoints, and of those for sign-in (API reference, 7.2).
const USER_NOT_FOUND: [&str; 2] = ["E112102", "E062108"];

/// The value is another user's: of management endpoints, and of those for sign-in (API reference,
/// 3.1.1 and 7.2).
const CONFLICT: [&str; 2] = ["E111127", "E062125"];

/// There is such a user already (API reference, 7.2).
const USER_EXISTS: &str = "E062107";

/// What the server says, as far as it decides anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nobody has the name.
    UserNotFound,
    /// The value is another user's login ID.
    Conflict,
    /// The user who is to be created is there.
    UserExists,
    /// It may work another time.
    Temporary,
    /// The call holds more than the server takes at once.
    TooLarge,
}

/// What an error code means, where it decides anything.
pub(crate) fn meaning(code: &str) -> Option<Meaning> {
    match code {
        RATE_LIMITED => Some(Meaning::Temporary),
        _ if USER_NOT_FOUND.contains(&code) => Some(Meaning::UserNotFound),
        _ if CONFLICT.contains(&code) => Some(Meaning::Conflict),
        USER_EXISTS => Some(Meaning::UserExists),
        _ => None,
    }
}

/// Phrases in lower case, what they mean, and where they are known from.
const PHRASES: &[(&str, Meaning, &str)] = &[
    ("user not found", Meaning::UserNotFound, "the description of E112102 in the SDKs"),
    ("cannot find the user", Meaning::UserNotFound, "supposed"),
    ("user does not exist", Meaning::UserNotFound, "supposed"),
    ("no such user", Meaning::UserNotFound, "supposed"),
    ("already exists", Meaning::UserExists, "the description of E062107 in the SDKs"),
    ("internal", Meaning::Temporary, "gRPC status INTERNAL, which protobuf services pass on"),
    ("timeout", Meaning::Temporary, "supposed"),
    ("timed out", Meaning::Temporary, "supposed"),
    ("deadline", Meaning::Temporary, "gRPC status DEADLINE_EXCEEDED"),
    ("unavailable", Meaning::Temporary, "gRPC status UNAVAILABLE"),
    ("try again", Meaning::Temporary, "supposed"),
    ("temporar", Meaning::Temporary, "supposed"),
    ("rate limit", Meaning::Temporary, "the description of E130429"),
    ("too large", Meaning::TooLarge, "HTTP 413"),
    ("too many", Meaning::TooLarge, "supposed"),
    ("too big", Meaning::TooLarge, "supposed"),
    ("at most", Meaning::TooLarge, "supposed"),
    ("maximum", Meaning::TooLarge, "supposed"),
    ("exceed", Meaning::TooLarge, "supposed"),
];

/// Whether a text says something, by its phrases.
pub(crate) fn says(text: &str, meaning: Meaning) -> bool {
    let text = text.to_lowercase();
    let of_meaning = |(_, known, _): &&(&str, Meaning, &str)| *known == meaning;
    let found = PHRASES.iter().filter(of_meaning).find(|(phrase, ..)| text.contains(phrase));
    if let Some((phrase, _, source)) = found {
        tracing::debug!(phrase, ?meaning, source, "the server's words decide");
    }
    found.is_some()
}

/// The error code in a free text, such as `E112102`.
pub(crate) fn code_in(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| {
        let digits = word.strip_prefix('E').unwrap_or_default();
        digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_lower_case_and_each_has_one_meaning() {
        for (index, (phrase, ..)) in PHRASES.iter().enumerate() {
            assert_eq!(*phrase, phrase.to_lowercase());
            assert!(PHRASES[..index].iter().all(|(earlier, ..)| earlier != phrase), "{phrase}");
        }
    }

    #[test]
    fn words_decide_only_for_their_own_meaning() {
        for (text, meaning, expected) in [
            ("User Not Found", Meaning::UserNotFound, true),
            ("user not found", Meaning::Temporary, false),
            ("Internal error", Meaning::Temporary, true),
            ("a batch holds at most 50 users", Meaning::TooLarge, true),
            ("the role is unknown", Meaning::TooLarge, false),
        ] {
            assert_eq!(says(text, meaning), expected, "{text}");
        }
    }

    #[test]
    fn a_code_is_found_as_a_word_of_its_own() {
        assert_eq!(code_in("[E112102] user not found"), Some("E112102"));
        assert_eq!(code_in("XE112102, E11210"), None);
        assert_eq!(code_in(""), None);
    }
}
