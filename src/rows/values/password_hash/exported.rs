//! Hashes as other systems write them into one cell, taken apart.

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, Engine};

use super::shape::{Unfit, count, is_phpass};

/// The parts of a hash, by their names in the API.
pub(super) type Taken = Vec<(&'static str, String)>;

const ARGON2: Unfit = Unfit {
    message: "expected an Argon2 hash such as $argon2id$v=19$m=65536,t=3,p=4$salt$hash, argon2i or argon2id, of version 19",
    hint: "export the hash again as text, or give its parts in columns such as hashedPassword.argon2.salt",
};
const PBKDF2: Unfit = Unfit {
    message: "expected a PBKDF2 hash such as $pbkdf2-sha256$i=600000$salt$hash or $pbkdf2-sha256$29000$salt$hash",
    hint: "give the parts in columns such as hashedPassword.pbkdf2.salt; for a hash of Django use hashedPassword.django",
};
const PHPASS: Unfit = Unfit {
    message: "expected a phpass hash such as $P$B…, 34 characters, or $S$D…, 55 characters",
    hint: "export the hash again as text; hashes of newer versions of WordPress and phpBB have other forms",
};

/// bcrypt, without what Django's plain bcrypt hasher puts before it.
pub(super) fn bcrypt(text: &str) -> &str {
    text.strip_prefix("bcrypt$").unwrap_or(text)
}

/// A PHC string of Argon2, also with what Django puts before it. The API has no part for the
/// version (section 3.5), so only the current one is taken.
pub(super) fn argon2(text: &str) -> Result<Taken, Unfit> {
    let text = text.strip_prefix("argon2").unwrap_or(text);
    let fields: Vec<&str> = text.split('$').collect();
    let ["", kind @ ("argon2i" | "argon2id"), "v=19", costs, salt, hash] = fields[..] else {
        return Err(ARGON2);
    };
    let costs: Vec<&str> = costs.split(',').collect();
    let [memory, iterations, threads] = costs[..] else { return Err(ARGON2) };
    let cost = |text: &str, name: &str| {
        text.strip_prefix(name).and_then(count).map(|count| count.to_string()).ok_or(ARGON2)
    };
    Ok(vec![
        ("hash", padded(hash).ok_or(ARGON2)?.1),
        ("salt", padded(salt).ok_or(ARGON2)?.1),
        ("iterations", cost(iterations, "t=")?),
        ("memory", cost(memory, "m=")?),
        ("threads", cost(threads, "p=")?),
        ("type", kind.to_owned()),
    ])
}

/// PBKDF2: a PHC string, or what passlib writes, with `.` for `+`.
pub(super) fn pbkdf2(text: &str) -> Result<Taken, Unfit> {
    let fields: Vec<&str> = text.split('$').collect();
    let ["", name, costs, salt, hash] = fields[..] else { return Err(PBKDF2) };
    let taken = match count(costs) {
        Some(iterations) => of_passlib(name, iterations, salt, hash),
        None => of_phc(name, costs, salt, hash),
    };
    taken.ok_or(PBKDF2)
}

fn of_phc(name: &str, costs: &str, salt: &str, hash: &str) -> Option<Taken> {
    let kind = match name {
        "pbkdf2-sha1" => "sha1",
        "pbkdf2-sha256" => "sha256",
        "pbkdf2-sha512" => "sha512",
        _ => return None,
    };
    let (iterations, length) = match costs.split_once(',') {
        Some((iterations, length)) => (iterations, Some(count(length.strip_prefix("l=")?)?)),
        None => (costs, None),
    };
    let iterations = count(iterations.strip_prefix("i=")?)?;
    let (own_length, hash) = padded(hash)?;
    let fits = length.is_none_or(|length| u32::try_from(own_length) == Ok(length));
    let (_, salt) = padded(salt)?;
    fits.then(|| parts_of_pbkdf2(kind, iterations, salt, hash))
}

fn of_passlib(name: &str, iterations: u32, salt: &str, hash: &str) -> Option<Taken> {
    let (kind, length) = match name {
        "pbkdf2" => ("sha1", 20),
        "pbkdf2-sha256" => ("sha256", 32),
        "pbkdf2-sha512" => ("sha512", 64),
        _ => return None,
    };
    let adapted =
        |text: &str| if text.contains('+') { None } else { padded(&text.replace('.', "+")) };
    let (own_length, hash) = adapted(hash)?;
    let (_, salt) = adapted(salt)?;
    (own_length == length).then(|| parts_of_pbkdf2(kind, iterations, salt, hash))
}

fn parts_of_pbkdf2(kind: &str, iterations: u32, salt: String, hash: String) -> Taken {
    vec![
        ("hash", hash),
        ("salt", salt),
        ("iterations", iterations.to_string()),
        ("type", kind.to_owned()),
    ]
}

/// `$P$` and `$H$` (MD5), `$S$` (SHA-512, cut off to 55 characters, of Drupal): the logarithm of the
/// iterations in one character, 8 of salt, and the hash.
///
/// The API takes the salt and the hash in the alphabet that they stand in, and the iterations
/// themselves (the SDKs' comments: "with . and / characters", "usually in the tens of thousands").
pub(super) fn phpass(text: &str) -> Result<Taken, Unfit> {
    const ALPHABET: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let fields: Vec<&str> = text.split('$').collect();
    let ["", mark, rest] = fields[..] else { return Err(PHPASS) };
    let (kind, length) = match mark {
        "P" | "H" => ("md5", 31),
        "S" => ("sha512", 52),
        _ => return Err(PHPASS),
    };
    if rest.len() != length || !is_phpass(rest) {
        return Err(PHPASS);
    }
    let logarithm = rest.chars().next().and_then(|c| ALPHABET.find(c)).unwrap_or_default();
    if !(7..=30).contains(&logarithm) {
        return Err(PHPASS);
    }
    Ok(vec![
        ("hash", rest[9..].to_owned()),
        ("salt", rest[1..9].to_owned()),
        ("iterations", (1_u32 << logarithm).to_string()),
        ("type", kind.to_owned()),
    ])
}

/// Base64 without padding as base64 with it, and of how many bytes.
fn padded(text: &str) -> Option<(usize, String)> {
    let bytes = BASE64_STANDARD_NO_PAD.decode(text).ok().filter(|bytes| !bytes.is_empty())?;
    Some((bytes.len(), BASE64_STANDARD.encode(bytes)))
}
