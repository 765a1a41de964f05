//! What a part of a hashed password takes.
//!
//! A complaint is made of fixed texts only, so that no part of a value can get into a message.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;

/// Why a value is refused, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    /// What is wrong.
    pub(super) message: &'static str,
    /// What to do about it.
    pub(super) hint: &'static str,
}

const fn unfit(message: &'static str, hint: &'static str) -> Unfit {
    Unfit { message, hint }
}

/// What a part takes: the types of the schema `PasswordImport`, and what the comments of the
/// official SDKs (go, node, java) say of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A bcrypt hash.
    Bcrypt,
    /// A PBKDF2 hash of Django: no other is documented.
    Django,
    /// A hash of buddy-hashers: only bcrypt over SHA-512 is documented.
    Buddyauth,
    /// MD5 in hexadecimal.
    Md5,
    /// SHA-1, SHA-256 or SHA-512 in hexadecimal.
    Sha,
    /// The name of one of these.
    ShaType,
    /// A hash in the alphabet of phpass.
    PhpassHash,
    /// A salt in the alphabet of phpass.
    PhpassSalt,
    /// How often phpass hashes: a power of two.
    PhpassIterations,
    /// What phpass hashes with.
    PhpassType,
    /// Bytes, in standard base64.
    Bytes,
    /// A count: an integer of 32 bits, and no zero.
    Count,
    /// Any text, to the letter.
    Text,
}

impl Shape {
    /// Whether the schema has an integer there.
    pub(super) fn is_integer(self) -> bool {
        matches!(self, Self::Count | Self::PhpassIterations)
    }

    /// What is sent for a text.
    ///
    /// Blanks around it belong to none of these but a plain text, and are dropped.
    pub(super) fn read(self, text: &str) -> Result<Value, Unfit> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(EMPTY);
        }
        let as_is = |fits: bool, complaint| if fits { Ok(trimmed.into()) } else { Err(complaint) };
        match self {
            Self::Bcrypt => bcrypt(trimmed).map(Value::from),
            Self::Django => django(trimmed).map(Value::from),
            Self::Buddyauth => as_is(is_buddyauth(trimmed), BUDDYAUTH),
            Self::Md5 => hex(trimmed, &[32], MD5),
            Self::Sha => hex(trimmed, &[40, 64, 128], SHA),
            Self::ShaType => word(&["sha1", "sha256", "sha512"], trimmed, SHA_TYPE),
            Self::PhpassType => word(&["md5", "sha512"], trimmed, PHPASS_TYPE),
            Self::PhpassHash => {
                as_is(is_phpass(trimmed) && [22, 43, 86].contains(&trimmed.len()), PHPASS_HASH)
            }
            Self::PhpassSalt => as_is(is_phpass(trimmed) && trimmed.len() == 8, PHPASS_SALT),
            Self::PhpassIterations => match count(trimmed) {
                Some(count) if count.is_power_of_two() && (1 << 7..=1 << 30).contains(&count) => {
                    Ok(count.into())
                }
                _ => Err(PHPASS_ITERATIONS),
            },
            Self::Bytes => base64(trimmed).map(Value::from),
            Self::Count => count(trimmed).map(Value::from).ok_or(COUNT),
            Self::Text => Ok(text.into()),
        }
    }
}

const EMPTY: Unfit =
    unfit("there is only white space", "leave all columns of the hash blank to give none");
const BCRYPT: Unfit = unfit(
    "expected a bcrypt hash such as $2b$10$…, 60 characters, with a cost from 04 to 31",
    "export the hash again as text; it may have been cut off, or made by something else than bcrypt",
);
const OF_WORDPRESS: Unfit = unfit(
    "a hash of WordPress 6.8 or later is not plain bcrypt, and the API has no form for it",
    "leave it blank, and let the user set a new password",
);
const DJANGO: Unfit = unfit(
    "expected a Django hash such as pbkdf2_sha256$600000$salt$hash",
    "for Django's bcrypt and argon2 hashers use hashedPassword.bcrypt and hashedPassword.argon2",
);
const UNUSABLE: Unfit = unfit(
    "this marks a user of Django without a password",
    "leave it blank, and let the user set a password",
);
const BUDDYAUTH: Unfit =
    unfit("expected a buddy-hashers hash that begins with bcrypt+sha512$", "export it as text");
const MD5: Unfit = unfit(
    "expected an MD5 hash: 32 hexadecimal digits, without a salt",
    "convert it from base64 to hexadecimal if it is in base64",
);
const SHA: Unfit = unfit(
    "expected 40 (SHA-1), 64 (SHA-256) or 128 (SHA-512) hexadecimal digits",
    "convert it from base64 to hexadecimal if it is in base64",
);
const SHA_TYPE: Unfit = unfit("expected one of sha1, sha256, sha512", "write one of these words");
const PHPASS_TYPE: Unfit = unfit("expected one of md5, sha512", "write one of these words");
const PHPASS_HASH: Unfit = unfit(
    "expected the last part of a phpass hash: 22 characters of ./0-9A-Za-z for md5, 43 or 86 for sha512",
    "put a whole hash such as $P$… into the column hashedPassword.phpass instead",
);
const PHPASS_SALT: Unfit = unfit(
    "expected a phpass salt: 8 characters of ./0-9A-Za-z",
    "put a whole hash such as $P$… into the column hashedPassword.phpass instead",
);
const PHPASS_ITERATIONS: Unfit = unfit(
    "expected a power of two from 128 to 1073741824",
    "write how often it is hashed, such as 8192, not its logarithm",
);
const COUNT: Unfit = unfit("expected a whole number from 1 to 4294967295", "write digits only");
const HEXADECIMAL: Unfit = unfit(
    "expected standard base64, and this looks like hexadecimal",
    "convert it from hexadecimal to base64",
);
const URL_SAFE: Unfit = unfit(
    "expected standard base64, and this is URL-safe base64",
    "write + for - and / for _, and = at the end up to a multiple of 4 characters",
);
const BASE64: Unfit = unfit(
    "expected standard base64, with = at the end up to a multiple of 4 characters",
    "convert it to standard base64; if it is that already, it may have been cut off",
);

/// A bcrypt hash: `$2a$`, `$2b$` or `$2y$`, the cost in two digits, `$`, and 53 characters of
/// bcrypt's base64.
fn bcrypt(text: &str) -> Result<&str, Unfit> {
    if text.starts_with("$wp$") {
        return Err(OF_WORDPRESS);
    }
    let fields: Vec<&str> = text.split('$').collect();
    match fields[..] {
        ["", "2a" | "2b" | "2y", cost, rest]
            if cost.len() == 2
                && count(cost).is_some_and(|cost| (4..=31).contains(&cost))
                && rest.len() == 53
                && is_phpass(rest) =>
        {
            Ok(text)
        }
        _ => Err(BCRYPT),
    }
}

/// `pbkdf2_sha256$iterations$salt$hash`, of which Django hashes 32 bytes.
fn django(text: &str) -> Result<&str, Unfit> {
    if text.starts_with('!') {
        return Err(UNUSABLE);
    }
    let fields: Vec<&str> = text.split('$').collect();
    match fields[..] {
        ["pbkdf2_sha256", iterations, salt, hash]
            if count(iterations).is_some()
                && is_visible(salt)
                && BASE64_STANDARD.decode(hash).is_ok_and(|hash| hash.len() == 32) =>
        {
            Ok(text)
        }
        _ => Err(DJANGO),
    }
}

fn is_buddyauth(text: &str) -> bool {
    text.strip_prefix("bcrypt+sha512$").is_some_and(is_visible)
}

/// Whether a text holds something, and nothing but visible ASCII characters.
fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a text is in the alphabet of phpass, which is that of bcrypt in another order.
pub(super) fn is_phpass(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))
}

/// Hexadecimal digits, in small letters.
fn hex(text: &str, lengths: &[usize], complaint: Unfit) -> Result<Value, Unfit> {
    let fits = text.bytes().all(|byte| byte.is_ascii_hexdigit()) && lengths.contains(&text.len());
    if fits { Ok(text.to_ascii_lowercase().into()) } else { Err(complaint) }
}

/// One of these words, as others write them too: `SHA-256`, `pbkdf2-sha256`.
fn word(words: &[&'static str], text: &str, complaint: Unfit) -> Result<Value, Unfit> {
    let mut plain: String = text.chars().filter(|c| !matches!(c, '-' | '_')).collect();
    plain.make_ascii_lowercase();
    let plain = plain.strip_prefix("pbkdf2").unwrap_or(&plain);
    words.iter().find(|word| **word == plain).map(|word| (*word).into()).ok_or(complaint)
}

/// A count in digits. JSON's other ways to write a number are refused with it.
pub(super) fn count(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|count| digits && *count > 0)
}

/// Standard base64 with its padding, which tells most values that were cut off.
fn base64(text: &str) -> Result<&str, Unfit> {
    // No 16 characters of base64 are all of these by chance.
    const LEAST: usize = 16;
    let all = |is: fn(&u8) -> bool| text.len() >= LEAST && text.as_bytes().iter().all(is);
    let lower = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    let upper = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'A'..=b'F');
    if all(lower) || all(upper) {
        return Err(HEXADECIMAL);
    }
    match BASE64_STANDARD.decode(text) {
        Ok(_) => Ok(text),
        Err(_) if is_url_safe(text) => Err(URL_SAFE),
        Err(_) => Err(BASE64),
    }
}

fn is_url_safe(text: &str) -> bool {
    let text = text.trim_end_matches('=');
    text.contains(['-', '_'])
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
