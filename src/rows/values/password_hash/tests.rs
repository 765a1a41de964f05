//! Hashed passwords: a table of what is taken and what is refused for each form, and properties of
//! any text.

use proptest::prelude::*;

use super::*;

const BCRYPT: &str = "$2b$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234";
const DJANGO: &str = "pbkdf2_sha256$600000$aSalt$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const PHPASS: &str = "$P$B12345678abcdefghijklmnopqrst..";
const MD5: &str = "00112233445566778899aabbccddeeff";
/// 32 bytes and 16 bytes, in standard base64 with padding and without.
const HASH: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SALT: &str = "AAECAwQFBgcICQoLDA0ODw==";
const HASH_UNPADDED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const SALT_UNPADDED: &str = "AAECAwQFBgcICQoLDA0ODw";

/// All that an issue says.
fn said(issue: &Issue) -> String {
    let place = issue.place.as_deref().unwrap_or_default();
    format!("{place}: {}; {}", issue.message, issue.hint.as_deref().unwrap_or_default())
}

#[track_caller]
fn gives(result: Result<String, Issue>, expected: &str) {
    match result {
        Ok(json) => assert_eq!(json, expected),
        Err(issue) => panic!("{expected}: {}", said(&issue)),
    }
}

#[track_caller]
fn refuses(result: Result<String, Issue>, why: &str) {
    match result {
        Ok(json) => panic!("{why}: {json}"),
        Err(issue) => {
            assert!(said(&issue).contains(why), "{why}: {}", said(&issue));
            assert!(issue.hint.is_some(), "{why}");
            assert!(issue.candidates.is_empty(), "{why}");
        }
    }
}

#[track_caller]
fn refuses_texts(form: HashForm, why: &str, texts: &[&str]) {
    for text in texts {
        refuses(of_text(form, text), why);
    }
}

fn hash_of(form: HashForm, hash: &str) -> String {
    serde_json::json!({ form.name(): { "hash": hash } }).to_string()
}

#[test]
fn columns_are_read_like_all_columns() {
    let column = |form, part| Some(Ok(HashColumn { form, part }));
    for (name, expected) in [
        ("hashedPassword.bcrypt", column(HashForm::Bcrypt, None)),
        ("Hashed Password.BCRYPT", column(HashForm::Bcrypt, None)),
        (
            "hashed_password.firebase.salt-separator",
            column(HashForm::Firebase, Some("saltSeparator")),
        ),
        ("hashedPassword . PBKDF2 . Iterations", column(HashForm::Pbkdf2, Some("iterations"))),
        ("hashedPassword", None),
        ("password.bcrypt", None),
        ("customAttributes.hashedPassword", None),
        ("", None),
    ] {
        assert_eq!(of_column(name), expected, "{name}");
    }
    for (name, known) in [
        (
            "hashedPassword.scrypt",
            "bcrypt, django, firebase, pbkdf2, phpass, md5, sha, argon2, bach",
        ),
        ("hashedPassword.", "bcrypt, django"),
        ("hashedPassword..hash", "bcrypt, django"),
        ("hashedPassword.argon2.time", "hash, salt, iterations, memory, threads, type"),
        ("hashedPassword.bcrypt.", "use one of hash"),
        ("hashedPassword.bcrypt.hash.hash", "use one of hash"),
    ] {
        let issue = of_column(name).unwrap().unwrap_err();
        assert!(said(&issue).contains(known), "{}", said(&issue));
        assert_eq!(issue.place.as_deref(), Some(name));
    }
}

#[test]
fn every_part_has_a_column() {
    for form in HashForm::ALL {
        for part in form.parts() {
            let name = format!("hashedPassword.{}.{}", form.name(), part.name);
            let expected = HashColumn { form, part: Some(part.name) };
            assert_eq!(of_column(&name), Some(Ok(expected)), "{name}");
        }
    }
}

#[test]
fn bcrypt_is_taken_whole() {
    for text in [BCRYPT, &BCRYPT.replace("2b", "2a"), &BCRYPT.replace("2b", "2y")] {
        gives(of_text(HashForm::Bcrypt, text), &hash_of(HashForm::Bcrypt, text));
        gives(of_parts(HashForm::Bcrypt, &[("hash", text)]), &hash_of(HashForm::Bcrypt, text));
    }
    for cost in ["$04$", "$31$"] {
        let text = BCRYPT.replace("$10$", cost);
        gives(of_text(HashForm::Bcrypt, &text), &hash_of(HashForm::Bcrypt, &text));
    }
    for around in [format!(" {BCRYPT}\n"), format!("bcrypt${BCRYPT}")] {
        gives(of_text(HashForm::Bcrypt, &around), &hash_of(HashForm::Bcrypt, BCRYPT));
    }
    let expected = "expected a bcrypt hash such as $2b$10$…, 60 characters";
    refuses_texts(
        HashForm::Bcrypt,
        expected,
        &[
            &BCRYPT[..59],
            &format!("{BCRYPT}5"),
            &BCRYPT.replace("$10$", "$32$"),
            &BCRYPT.replace("$10$", "$03$"),
            &BCRYPT.replace("$10$", "$+9$"),
            &BCRYPT.replace("2b", "2x"),
            &BCRYPT.replace("$2b", "$2"),
            &BCRYPT.replace('a', "+"),
            &BCRYPT.replace("ab", "é"),
            &format!("bcrypt_sha256${BCRYPT}"),
            DJANGO,
            MD5,
        ],
    );
    refuses(of_text(HashForm::Bcrypt, &format!("$wp{BCRYPT}")), "WordPress 6.8");
    refuses(of_text(HashForm::Bcrypt, " "), "white space");
}

#[test]
fn django_is_taken_whole() {
    gives(of_text(HashForm::Django, DJANGO), &hash_of(HashForm::Django, DJANGO));
    refuses_texts(
        HashForm::Django,
        "expected a Django hash such as pbkdf2_sha256$",
        &[
            &DJANGO.replace("sha256", "sha1"),
            &DJANGO.replace("600000", "many"),
            &DJANGO.replace("600000", "0"),
            &DJANGO.replace("aSalt", ""),
            &DJANGO.replace("aSalt", "a salt"),
            &DJANGO.replace("$aSalt", ""),
            &DJANGO[..DJANGO.len() - 1],
            &DJANGO[..DJANGO.len() - 4],
            &DJANGO.replace("AAEC", "-AEC"),
            &format!("${DJANGO}"),
            BCRYPT,
        ],
    );
    refuses(of_text(HashForm::Django, "!abcdefgh"), "without a password");
}

#[test]
fn md5_and_sha_are_hexadecimal() {
    for text in [MD5, &MD5.to_uppercase()] {
        gives(of_text(HashForm::Md5, text), &hash_of(HashForm::Md5, MD5));
    }
    let bad = [&MD5[..31], &format!("{MD5}0"), &MD5.replace('a', "g"), &MD5.repeat(2), SALT];
    refuses_texts(HashForm::Md5, "32 hexadecimal digits", &bad);
    for (digits, kind) in [(40, "sha1"), (64, "sha256"), (128, "sha512")] {
        let hash = &MD5.repeat(4)[..digits];
        let expected = format!(r#"{{"sha":{{"hash":"{hash}","type":"{kind}"}}}}"#);
        gives(of_text(HashForm::Sha, &hash.to_uppercase()), &expected);
        gives(of_parts(HashForm::Sha, &[("type", kind), ("hash", hash)]), &expected);
        let salted = format!(r#"{{"sha":{{"hash":"{hash}","salt":" s ","type":"{kind}"}}}}"#);
        gives(of_parts(HashForm::Sha, &[("salt", " s "), ("hash", hash)]), &salted);
        let other = if digits == 40 { "sha256" } else { "SHA-1" };
        let mixed = of_parts(HashForm::Sha, &[("hash", hash), ("type", other)]);
        refuses(mixed, "hashedPassword.sha.type: sha.type: the length of the hash");
    }
    // SHA-224 and SHA-384 are no types of the API.
    let bad =
        [&MD5.repeat(4)[..56], &MD5.repeat(3), MD5, &MD5.repeat(2)[..63], "{SHA}qvTGHdzF6KLa"];
    refuses_texts(HashForm::Sha, "40 (SHA-1), 64 (SHA-256) or 128 (SHA-512)", &bad);
    let sha = MD5.repeat(2);
    refuses(of_parts(HashForm::Sha, &[("hash", &sha), ("type", "sha384")]), "sha1, sha256, sha512");
    refuses(of_parts(HashForm::Sha, &[("type", "sha1")]), "hash is missing");
}

#[test]
fn argon2_is_taken_apart() {
    let phc = format!("$argon2id$v=19$m=65536,t=3,p=4${SALT_UNPADDED}${HASH_UNPADDED}");
    let expected = format!(
        r#"{{"argon2":{{"hash":"{HASH}","salt":"{SALT}","iterations":3,"memory":65536,"threads":4,"type":"argon2id"}}}}"#
    );
    gives(of_text(HashForm::Argon2, &phc), &expected);
    gives(of_text(HashForm::Argon2, &format!("argon2{phc}")), &expected);
    let independent = phc.replace("argon2id", "argon2i");
    gives(of_text(HashForm::Argon2, &independent), &expected.replace("argon2id", "argon2i"));
    refuses_texts(
        HashForm::Argon2,
        "expected an Argon2 hash such as $argon2id$v=19$",
        &[
            &phc.replace("argon2id", "argon2d"),
            &phc.replace("v=19", "v=16"),
            &phc.replace("$v=19", ""),
            &phc.replace("m=65536,t=3", "t=3,m=65536"),
            &phc.replace(",p=4", ""),
            &phc.replace(",p=4", ",p=4,data=AAAA"),
            &phc.replace("t=3", "t=0"),
            &phc.replace("m=65536", "m=4294967296"),
            &phc.replace(SALT_UNPADDED, ""),
            &phc.replace(SALT_UNPADDED, SALT),
            &phc.replace("AAEC", "_AEC"),
            &phc[..phc.len() - 2],
            &phc[1..],
            BCRYPT,
        ],
    );
    let parts = [
        ("hash", HASH),
        ("salt", SALT),
        ("iterations", "3"),
        ("memory", "65536"),
        ("threads", "4"),
        ("type", "argon2id"),
    ];
    gives(of_parts(HashForm::Argon2, &parts), &expected);
    for (index, (part, _)) in parts.iter().enumerate() {
        let mut fewer = parts.to_vec();
        fewer.remove(index);
        refuses(of_parts(HashForm::Argon2, &fewer), &format!("argon2: {part} is missing"));
    }
}

fn pbkdf2(kind: &str, iterations: u32, salt: &str, hash: &str) -> String {
    format!(
        r#"{{"pbkdf2":{{"hash":"{hash}","salt":"{salt}","iterations":{iterations},"type":"{kind}"}}}}"#
    )
}

#[test]
fn pbkdf2_is_taken_apart() {
    for costs in ["i=600000", "i=600000,l=32"] {
        for kind in ["sha1", "sha256", "sha512"] {
            let text = format!("$pbkdf2-{kind}${costs}${SALT_UNPADDED}${HASH_UNPADDED}");
            gives(of_text(HashForm::Pbkdf2, &text), &pbkdf2(kind, 600_000, SALT, HASH));
        }
    }
    // passlib writes `.` for `+`, and its plain `pbkdf2` is SHA-1.
    let passlib = format!("$pbkdf2-sha256$29000$....${}", HASH_UNPADDED.replace("AAEC", "./EC"));
    let hash = HASH.replace("AAEC", "+/EC");
    gives(of_text(HashForm::Pbkdf2, &passlib), &pbkdf2("sha256", 29000, "++++", &hash));
    let sha1 = "AAECAwQFBgcICQoLDA0ODxAREhM";
    let text = format!("$pbkdf2$131000${SALT_UNPADDED}${sha1}");
    let expected = pbkdf2("sha1", 131_000, SALT, &format!("{sha1}="));
    gives(of_text(HashForm::Pbkdf2, &text), &expected);
    let phc = format!("$pbkdf2-sha256$i=600000${SALT_UNPADDED}${HASH_UNPADDED}");
    refuses_texts(
        HashForm::Pbkdf2,
        "expected a PBKDF2 hash such as $pbkdf2-sha256$i=",
        &[
            &phc.replace("sha256", "sha384"),
            &phc.replace("-sha256", ""),
            &phc.replace("i=600000", "i=0"),
            &phc.replace("$i=600000", ""),
            &phc.replace("i=600000", "i=600000,l=31"),
            &phc.replace("AAEC", "..EC"),
            &phc.replace(HASH_UNPADDED, HASH),
            &passlib.replace("./EC", "+/EC"),
            &passlib.replace("sha256", "sha512"),
            &passlib[..passlib.len() - 2],
            DJANGO,
        ],
    );
}

#[test]
fn bytes_in_columns_are_standard_base64() {
    let of = |hash, salt| {
        let parts =
            [("hash", hash), ("salt", salt), ("iterations", "27500"), ("type", "pbkdf2-sha256")];
        of_parts(HashForm::Pbkdf2, &parts)
    };
    gives(of(HASH, SALT), &pbkdf2("sha256", 27500, SALT, HASH));
    gives(of(HASH, " AA== "), &pbkdf2("sha256", 27500, "AA==", HASH));
    let at_salt = "hashedPassword.pbkdf2.salt: pbkdf2.salt: expected standard base64";
    for bad in [SALT_UNPADDED, "AA=", "AB==", "AA==AA==", "AA!=", "A A=", "aé==", "....", "$2b$"] {
        refuses(of(HASH, bad), at_salt);
    }
    refuses(of(HASH, ""), "hashedPassword.pbkdf2.salt: pbkdf2.salt: there is only white space");
    for url_safe in ["-_-_", "_w==", "AB-"] {
        refuses(of(HASH, url_safe), "URL-safe");
    }
    for hex in [MD5, &MD5.to_uppercase(), &MD5.repeat(2), &MD5[..16], &MD5[..30]] {
        refuses(of(hex, SALT), "convert it from hexadecimal to base64");
    }
}

#[test]
fn counts_and_types_are_checked() {
    let of = |iterations, kind| {
        let parts = [("hash", HASH), ("salt", SALT), ("iterations", iterations), ("type", kind)];
        of_parts(HashForm::Pbkdf2, &parts)
    };
    gives(of("4294967295", "SHA-512"), &pbkdf2("sha512", u32::MAX, SALT, HASH));
    for bad in ["0", "-1", "+5", "1.0", "1e3", "600,000", "4294967296", "٣", "x"] {
        refuses(of(bad, "sha1"), "pbkdf2.iterations: expected a whole number");
    }
    for bad in ["sha", "sha224", "md5", "pbkdf2", "HmacSHA256"] {
        refuses(of("1", bad), "pbkdf2.type: expected one of sha1, sha256, sha512");
    }
    let parts = [("hash", HASH), ("salt", SALT), ("type", "sha1")];
    refuses(of_parts(HashForm::Pbkdf2, &parts), "add hashedPassword.pbkdf2.iterations as columns");
    let twice = [("hash", HASH), ("hash", HASH)];
    refuses(of_parts(HashForm::Pbkdf2, &twice), "pbkdf2.hash: it is given twice");
    let unknown = of_parts(HashForm::Pbkdf2, &[("rounds", "1")]);
    refuses(unknown, "use one of hash, salt, iterations, type");
}

#[test]
fn phpass_is_taken_apart() {
    let expected = r#"{"phpass":{"hash":"abcdefghijklmnopqrst..","salt":"12345678","iterations":8192,"type":"md5"}}"#;
    gives(of_text(HashForm::Phpass, PHPASS), expected);
    gives(of_text(HashForm::Phpass, &PHPASS.replace("$P$", "$H$")), expected);
    let long = "a".repeat(43);
    let of_drupal = format!(
        r#"{{"phpass":{{"hash":"{long}","salt":"12345678","iterations":32768,"type":"sha512"}}}}"#
    );
    gives(of_text(HashForm::Phpass, &format!("$S$D12345678{long}")), &of_drupal);
    refuses_texts(
        HashForm::Phpass,
        "expected a phpass hash such as $P$B…, 34 characters",
        &[
            &PHPASS[..33],
            &format!("{PHPASS}."),
            &PHPASS.replace("$P$B", "$P$4"),
            &PHPASS.replace("$P$B", "$P$T"),
            &PHPASS.replace("$P$", "$Q$"),
            &PHPASS.replace("$P$", "$S$"),
            &PHPASS.replace("abc", "a+c"),
            &PHPASS.replace("ab", "é"),
            &format!("U$S$D12345678{long}"),
            &format!("$wp{BCRYPT}"),
            MD5,
        ],
    );
    let hash = "abcdefghijklmnopqrst..";
    let of = |hash, salt, iterations, kind| {
        let parts = [("hash", hash), ("salt", salt), ("iterations", iterations), ("type", kind)];
        of_parts(HashForm::Phpass, &parts)
    };
    gives(of(hash, "12345678", "8192", "MD5"), expected);
    refuses(of(PHPASS, "12345678", "8192", "md5"), "into the column hashedPassword.phpass");
    refuses(of(hash, "1234567", "8192", "md5"), "8 characters");
    for bad in ["13", "8191", "64", "2147483648"] {
        refuses(of(hash, "12345678", bad, "md5"), "expected a power of two");
    }
    refuses(of(hash, "12345678", "8192", "sha512"), "the length of the hash is not that");
    refuses(of(hash, "12345678", "8192", "sha1"), "expected one of md5, sha512");
}

#[test]
fn firebase_and_bach_need_columns() {
    let parts = [
        ("hash", HASH),
        ("salt", SALT),
        ("saltSeparator", "Bw=="),
        ("signerKey", HASH),
        ("memory", "14"),
        ("rounds", "8"),
    ];
    let expected = format!(
        r#"{{"firebase":{{"hash":"{HASH}","salt":"{SALT}","saltSeparator":"Bw==","signerKey":"{HASH}","memory":14,"rounds":8}}}}"#
    );
    gives(of_parts(HashForm::Firebase, &parts), &expected);
    refuses(of_parts(HashForm::Firebase, &parts[..4]), "firebase: memory, rounds are missing");
    refuses(of_text(HashForm::Firebase, HASH), "hashedPassword.firebase.signerKey");
    let expected = r#"{"bach":{"hash":"h","key":"k"}}"#;
    gives(of_parts(HashForm::Bach, &[("key", "k"), ("hash", "h")]), expected);
    refuses(
        of_text(HashForm::Bach, "some hash"),
        "hashedPassword.bach.hash, hashedPassword.bach.key",
    );
    refuses(of_parts(HashForm::Bach, &[("hash", "h")]), "bach: key is missing");
}

#[test]
fn buddyauth_is_taken_whole() {
    let text = "bcrypt+sha512$00ff$12$aabbcc";
    gives(of_text(HashForm::Buddyauth, text), &hash_of(HashForm::Buddyauth, text));
    let bad = ["bcrypt+sha512$", "bcrypt+sha384$00$12$aa", "bcrypt+sha512$a b", BCRYPT, "$"];
    refuses_texts(HashForm::Buddyauth, "bcrypt+sha512$", &bad);
}

#[test]
fn json_holds_one_form_with_its_parts() {
    let whole = pbkdf2("sha256", 600_000, SALT, HASH);
    for json in [whole.clone(), whole.replace(',', " ,\n ")] {
        gives(of_json(&json), &whole);
    }
    let moved = format!(
        r#" {{"pbkdf2":{{"type":"sha256","iterations":600000,"salt":"{SALT}","hash":"{HASH}"}}}} "#
    );
    gives(of_json(&moved), &whole);
    gives(of_json(&whole.replace("AAEC", r"\u0041AEC")), &whole);
    for (json, why) in [
        ("", "expected a JSON object"),
        ("[]", "expected a JSON object"),
        ("null", "expected a JSON object"),
        (BCRYPT, "expected a JSON object"),
        ("{}", "expected one form"),
        (r#"{"md5":{"hash":"a"},"sha":{"hash":"b"}}"#, "expected one form"),
        (r#"{"md5":{"hash":"a"},"md5":{"hash":"b"}}"#, "expected one form"),
        (r#"{"scrypt":{"hash":"a"}}"#, "use one of bcrypt, django"),
        (r#"{"BCRYPT":{"hash":"a"}}"#, "use one of bcrypt, django"),
        (r#"{"bcrypt":"a"}"#, "bcrypt: expected a JSON object"),
        (r#"{"bcrypt":null}"#, "bcrypt: expected a JSON object"),
        (r#"{"bcrypt":{}}"#, "bcrypt: hash is missing"),
        (r#"{"bcrypt":{"hash":1}}"#, "bcrypt.hash: expected a JSON string"),
        (r#"{"bcrypt":{"hash":null}}"#, "bcrypt.hash: expected a JSON string"),
        (r#"{"bcrypt":{"hash":"\ud800"}}"#, "bcrypt.hash: expected text"),
        (r#"{"bcrypt":{"hash":"a","salt":"b"}}"#, "bcrypt has no such part"),
        (r#"{"md5":{"hash":"a","hash":"b"}}"#, "md5.hash: it is given twice"),
    ] {
        refuses(of_json(json), why);
    }
    let iterations = |text: &str| of_json(&whole.replace("600000", text));
    refuses(iterations(r#""600000""#), "pbkdf2.iterations: expected a JSON number");
    refuses(iterations("-1"), "pbkdf2.iterations: expected a JSON number");
    refuses(iterations("1e3"), "pbkdf2.iterations: expected a whole number");
    refuses(iterations("1.5"), "pbkdf2.iterations: expected a whole number");
    refuses(of_json(&whole.replace(r#","iterations":600000"#, "")), "iterations is missing");
}

#[test]
fn what_is_sent_is_taken_again() {
    for form in HashForm::ALL {
        for text in [BCRYPT, DJANGO, PHPASS, MD5, &MD5.repeat(2)] {
            if let Ok(json) = of_text(form, text) {
                gives(of_json(&json), &json);
            }
        }
    }
}

/// Texts, many of which are nearly hashes.
fn texts() -> impl Strategy<Value = String> {
    let nearly = "(\\$(2[aby]|argon2id?|pbkdf2(-sha256)?|P|S|wp)|bcrypt|pbkdf2_sha256|!)?\
        (\\$(v=19|10|m=1,t=1,p=1|i=9))?(\\$[a-zA-Z0-9./+=_-]{0,60}){0,3}";
    prop_oneof![any::<String>(), "[0-9a-fA-F]{9,130}", "[a-zA-Z0-9+/]{9,60}={0,2}", nearly]
}

/// Whether an issue does not say a value; short ones may be in our own words by chance, and so may what
/// the words about a value of another kind show as a hash's beginning.
fn is_silent(issue: &Issue, value: &str) -> bool {
    let own = || HashForm::ALL.map(|form| of_text(form, "?").err().map(|own| said(&own)));
    let is_ours = || own().into_iter().flatten().any(|words| words.contains(value.trim()));
    value.chars().count() <= 8 || !said(issue).contains(value.trim()) || is_ours()
}

proptest! {
    #[test]
    fn no_issue_shows_a_value(text in texts(), index in 0..HashForm::ALL.len()) {
        let form = HashForm::ALL[index];
        let mut results = vec![of_json(&text), of_text(form, &text)];
        for part in form.parts() {
            results.push(of_parts(form, &[(part.name, &text)]));
            results.push(of_json(&serde_json::json!({ form.name(): { part.name: text } }).to_string()));
        }
        results.push(of_json(&serde_json::json!({ text.clone(): { "hash": "h" } }).to_string()));
        results.push(of_json(&serde_json::json!({ form.name(): { text.clone(): "h" } }).to_string()));
        for issue in results.iter().filter_map(|result| result.as_ref().err()) {
            prop_assert!(is_silent(issue, &text), "{text:?}: {}", said(issue));
        }
        for json in results.iter().flatten() {
            prop_assert_eq!(&of_json(json).unwrap(), json);
        }
    }

    #[test]
    fn any_column_name_is_read(name in "(hashedPassword)?\\PC{0,20}") {
        let _ = of_column(&name);
    }
}
