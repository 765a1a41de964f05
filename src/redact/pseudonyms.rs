//! Pseudonyms: the same for the same value, and of no use to find it.
//!
//! They are keyed with a random key that is never written. A pseudonym has the shape of its value, an
//! address, a phone number or a name, so that the copy reads, and compares, as the original does.

use std::io;
use std::path::Path;

use ring::hmac::{HMAC_SHA256, Key, sign};
use ring::rand::SystemRandom;

/// The endings of input files, which say what they are.
const ENDINGS: [&str; 9] = ["csv", "tsv", "txt", "jsonl", "json", "xlsx", "ods", "gz", "zst"];

/// The key of one redaction.
pub(super) struct Pseudonyms {
    key: Key,
}

impl Pseudonyms {
    /// With a new key.
    pub(super) fn new() -> io::Result<Self> {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new());
        let key = key.map_err(|_| io::Error::other("the system gives no random numbers"))?;
        Ok(Self { key })
    }

    fn number(&self, value: &str) -> u64 {
        let tag = sign(&self.key, value.as_bytes());
        tag.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// That of any text, with a word for what it is; of nothing, nothing.
    #[must_use]
    pub(super) fn named(&self, word: &str, value: &str) -> String {
        if value.is_empty() {
            return String::new();
        }
        format!("{word}-{:016x}", self.number(value))
    }

    /// That of a login ID, a user ID, a contact or another text of a user, by its shape. Letter case does
    /// not tell addresses apart, nor do separators phone numbers.
    #[must_use]
    pub(super) fn value(&self, word: &str, value: &str) -> String {
        if value.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.')) {
            let number = self.number(&value.to_lowercase());
            return format!("user-{number:016x}@redacted.invalid");
        }
        let digits: String = value.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        let phone = value.chars().all(|c| c.is_ascii_digit() || "+-. ()/".contains(c));
        if phone && digits.len() > 6 {
            // No country has a code that begins with a zero.
            let plus = if digits.starts_with('+') { "+" } else { "" };
            return format!("{plus}000{:015}", self.number(&digits) % 1_000_000_000_000_000);
        }
        self.named(word, value)
    }

    /// That of a file's path, which keeps its ending; standard input has no name to hide.
    #[must_use]
    pub(super) fn file(&self, path: &str) -> String {
        if path == "-" || path.is_empty() {
            return path.to_owned();
        }
        let ending = Path::new(path).extension().and_then(|ending| ending.to_str());
        let ending = ending.filter(|ending| ENDINGS.contains(ending));
        let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
        self.named("file", path) + &ending
    }

    /// The name of a column, if it is one of ours; else its pseudonym.
    #[must_use]
    pub(super) fn column(&self, name: &str) -> String {
        if super::words::is_known_column(name) {
            return name.to_owned();
        }
        match name.split_once('.') {
            Some((table, attribute)) if table.eq_ignore_ascii_case("customAttributes") => {
                format!("customAttributes.{}", self.attribute(attribute))
            }
            _ => self.named("column", name),
        }
    }

    /// That of the name of a custom attribute.
    #[must_use]
    pub(super) fn attribute(&self, name: &str) -> String {
        self.named("attribute", name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_pseudonym_of_its_shape_and_another_key_gives_another() {
        let (names, others) = (Pseudonyms::new().unwrap(), Pseudonyms::new().unwrap());
        for (value, same, begins, ends) in [
            ("Ada@Example.com", "ada@example.com", "user-", "@redacted.invalid"),
            ("+44 7911 123456", "+447911123456", "+000", ""),
            ("07911123456", "07911-123456", "000", ""),
            // What chance cannot put into sixteen hexadecimal digits.
            ("zoe", "zoe", "id-", ""),
            ("4-2", "4-2", "id-", ""),
        ] {
            let pseudonym = names.value("id", value);
            assert_eq!(pseudonym, names.value("id", same), "{value}");
            assert_ne!(pseudonym, others.value("id", value), "{value}");
            assert_ne!(pseudonym, names.value("id", "another"), "{value}");
            assert!(pseudonym.starts_with(begins) && pseudonym.ends_with(ends), "{pseudonym}");
            assert!(!pseudonym.contains(value), "{pseudonym}");
        }
        assert_eq!(names.value("id", ""), "");
    }

    #[test]
    fn files_and_columns_keep_what_says_what_they_are() {
        let names = Pseudonyms::new().unwrap();
        let ending = names.file("/home/ada/acme.csv").rsplit('.').next().map(str::to_owned);
        assert_eq!(ending.as_deref(), Some("csv"));
        assert!(!names.file("/home/ada/acme.ada").contains("ada"));
        assert_eq!(
            (names.file("-"), names.column("Phone number")),
            ("-".into(), "Phone number".into())
        );
        let attribute = names.column("customAttributes.tier");
        assert!(attribute.starts_with("customAttributes.attribute-"), "{attribute}");
        assert!(names.column("Ada").starts_with("column-"));
    }
}
