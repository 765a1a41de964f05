//! Nothing of a user is found where it must not be: everything that a run writes is searched for known values.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::support::{Desk, KEY};
use crate::telling::listener;

/// Values of users that stand nowhere but in the input, in the project, and in the run folder.
const VALUES: [&str; 14] = [
    "adelheid.zwick@wundertal.example",
    "bartholomew@wundertal.example",
    "nikodemus@wundertal.example",
    "ludovika-renamed@wundertal.example",
    "ludovika",
    "+442079460123",
    "+442079460777",
    "Äneas \"Zacharias\" O'Neill",
    "Wilhelmine",
    "platinum-qx7",
    "quartermaster-role",
    "tenant-zephyr",
    "hunter2-Geheimnis!",
    KEY,
];

/// The forms in which a value could be hidden, in lower case.
fn forms(value: &str) -> Vec<String> {
    let percent = |keep: fn(u8) -> bool| {
        value.bytes().fold(String::new(), |mut text, byte| {
            if keep(byte) {
                text.push(char::from(byte));
            } else {
                write!(text, "%{byte:02x}").unwrap();
            }
            text
        })
    };
    let escaped = value.chars().fold(String::new(), |mut text, c| {
        match c {
            c if c.is_ascii() => text.push(c),
            c => write!(text, "\\u{:04x}", u32::from(c)).unwrap(),
        }
        text
    });
    let json = serde_json::to_string(value).unwrap();
    // Wherever it begins within what is encoded, these characters are its own.
    let base64 = (0..3).map(|before| {
        let text = BASE64_STANDARD.encode([&vec![b'x'; before][..], value.as_bytes()].concat());
        let (first, last) = ((before * 8).div_ceil(6), text.trim_end_matches('=').len() - 1);
        text[first..last].to_owned()
    });
    let plain = [
        value.to_owned(),
        percent(|byte| byte.is_ascii_alphanumeric()),
        percent(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)),
        percent(|byte| byte.is_ascii_alphanumeric() || b"-_.~!'()*@+\"".contains(&byte)),
        json[1..json.len() - 1].to_owned(),
        escaped,
        value.replace('"', "&#34;").replace('\'', "&#39;"),
        value.trim_start_matches('+').to_owned(),
    ];
    plain.into_iter().chain(base64).map(|form| form.to_lowercase()).collect()
}

/// The values that are found in some bytes, in whatever form.
fn found(bytes: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    VALUES.into_iter().filter(|value| forms(value).iter().any(|form| text.contains(form))).collect()
}

#[test]
fn a_value_is_found_in_every_form() {
    let value = VALUES[7];
    for text in [
        "x Äneas \"Zacharias\" O'Neill y".to_owned(),
        "%C3%84neas%20%22Zacharias%22%20O%27Neill".to_owned(),
        r#"{"a":"Äneas \"Zacharias\" O'Neill"}"#.to_owned(),
        "\\u00c4neas \"Zacharias\" O'Neill".to_owned(),
        BASE64_STANDARD.encode(format!("a{value}b")),
        BASE64_STANDARD.encode(format!("ab{value}")),
        BASE64_STANDARD.encode(value),
    ] {
        assert_eq!(found(text.as_bytes()), [value], "{text}");
    }
    assert!(found(b"platinum").is_empty());
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[track_caller]
fn nothing_in(folder: &Path) {
    for path in files(folder) {
        let bytes = fs::read(&path).unwrap();
        let values = found(&bytes);
        let shown = String::from_utf8_lossy(&bytes);
        assert!(values.is_empty(), "{values:?} in {}:\n{shown}", path.display());
        assert!(found(path.to_string_lossy().as_bytes()).is_empty(), "{}", path.display());
    }
}

/// A project with users, and rows that are done, fail, are wrong, are sent again, and are repaired.
fn desk() -> Desk {
    let user = |name: &str, phone: &str| {
        json!({
            "loginIds": [name], "phone": phone, "verifiedPhone": true, "givenName": VALUES[8],
            "customAttributes": {"tier": VALUES[9]}, "roleNames": [VALUES[10]],
            "userTenants": [{"tenantId": VALUES[11], "roleNames": [VALUES[10]]}],
        })
    };
    let users = [
        user(VALUES[0], VALUES[5]),
        user(VALUES[1], "+442079460124"),
        user(VALUES[4], "+442079460125"),
    ];
    let faults = ["--fault", "503:path=update/name,first=2", "--fault", "drop:path=phone,first=1"];
    let faults = [&faults[..], &["--rate-limit", "1000/10s"]].concat();
    let desk = Desk::new(&users, &faults);
    let (ada, ben, nick, new, old) = (VALUES[0], VALUES[1], VALUES[2], VALUES[3], VALUES[4]);
    let (phone, name, tier, secret) = (VALUES[6], VALUES[7], VALUES[9], VALUES[12]);
    let rows = [
        json!({"operation": "phone", "loginId": ada, "phone": format!("tel:{phone}"), "verified": true}),
        json!({"operation": "name", "loginId": ada, "name": name}),
        json!({"operation": "name", "loginId": nick, "name": name}),
        json!({"operation": "password", "loginId": ben, "password": secret}),
        json!({"operation": "phone", "loginId": ben, "phone": format!("{phone}{phone}"), "verified": true}),
        json!({"operation": "phone", "loginId": ben, "phone": VALUES[5], "verified": true}),
        json!({"operation": "patch", "loginId": ben, "customAttributes": {"tier": tier}}),
        json!({"operation": "role-add", "loginId": ben, "roleNames": [VALUES[10]], "tenantId": VALUES[11]}),
        json!({"operation": "loginid", "loginId": old, "newLoginId": new}),
        json!({"operation": name, "loginId": ada}),
        json!({"operation": "status", "loginId": ada, "status": name}),
    ];
    let text: String = rows.iter().map(|row| row.to_string() + "\n").collect();
    desk.write("in.jsonl", &(text + &format!("{{\"loginId\": \"{ada}\n")));
    desk
}

/// Runs the rows with everything that can be written, and gives back the bodies of notifications.
fn run(desk: &Desk, log: &str) -> Vec<u8> {
    let (url, told) = listener(&[]);
    let (check, hook, slack) =
        (format!("{url}/ping"), format!("{url}/hook"), format!("{url}/slack"));
    desk.write("key", KEY);
    fs::create_dir_all(desk.path("elsewhere/tmp")).unwrap();
    let words = [
        "run",
        "in.jsonl",
        "--out",
        "out",
        "-vv",
        "--log-format",
        log,
        "--max-invalid",
        "100%",
        "--key-file",
        "key",
        "--report",
        "elsewhere/report.html",
        "--metrics-file",
        "elsewhere/run.prom",
        "--notify",
        &check,
        "--notify-webhook",
        &hook,
        "--notify-slack",
        &slack,
        "--notify-when",
        "always",
        "--notify-command",
        "cat > elsewhere/told.json; ps -ww -e -o args > elsewhere/processes",
    ];
    let mut command = desk.command(&words);
    command.env_remove("DESCOPE_MANAGEMENT_KEY");
    command.env("TMPDIR", desk.path("elsewhere/tmp"));
    command.env("XDG_STATE_HOME", desk.path("elsewhere/state"));
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("503") || stderr.contains("again"), "retries are logged: {stderr}");
    fs::write(desk.path("elsewhere/stdout"), &output.stdout).unwrap();
    fs::write(desk.path("elsewhere/stderr"), &output.stderr).unwrap();
    let bodies =
        (0..4).map(|_| told.recv().unwrap()).map(|(path, head, body)| path + &head + &body);
    bodies.collect::<String>().into_bytes()
}

#[test]
fn no_value_of_a_user_and_no_key_leaves_the_run_folder() {
    for log in ["text", "json"] {
        let desk = desk();
        let bodies = run(&desk, log);
        assert!(found(&bodies).is_empty(), "{:?}", String::from_utf8_lossy(&bodies));
        assert!(
            desk.path("elsewhere/processes").exists() && desk.path("elsewhere/told.json").exists()
        );
        assert!(files(&desk.path("elsewhere/state")).len() == 1, "the shared budget");
        nothing_in(&desk.path("elsewhere"));
        // The folder of the run holds all of them, but what must be shown nowhere.
        let all: Vec<u8> =
            files(&desk.path("out")).iter().flat_map(|path| fs::read(path).unwrap()).collect();
        let there = found(&all);
        for value in VALUES {
            assert_eq!(there.contains(&value), value != KEY, "{value}");
        }
        let results = fs::read(desk.path("out/results.jsonl")).unwrap();
        assert!(!found(&results).contains(&VALUES[12]), "a password is in no result");
        private(&desk.path("out"));
    }
}

#[cfg(unix)]
#[track_caller]
fn private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700);
    for path in files(folder) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[cfg(not(unix))]
fn private(_: &Path) {}

#[test]
fn a_run_that_is_refused_says_no_value_either() {
    let desk = desk();
    for words in [&["--max-invalid", "0"][..], &["--strict"], &["--limit", "0"]] {
        let output = desk.command(&[&["run", "in.jsonl", "-vv"], words].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        // What --strict shows is the check, which points at what is wrong.
        let shown = if words == ["--strict"] { vec![] } else { output.stdout };
        for text in [shown, output.stderr] {
            assert!(found(&text).is_empty(), "{}", String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn no_value_of_a_user_is_in_a_purged_folder_or_in_a_redacted_copy() {
    let desk = desk();
    run(&desk, "text");
    desk.go(&["redact", "out", "-o", "copy"], 0);
    nothing_in(&desk.path("copy"));
    private(&desk.path("copy"));
    for row in ["1", "2", "3", "6", "9"] {
        let (story, _) = desk.go(&["explain", "copy", row], 0);
        assert!(found(story.as_bytes()).is_empty(), "{story}");
    }
    fs::create_dir(desk.path("page")).unwrap();
    desk.go(&["report", "copy", "-o", "page/report.html", "--with-values"], 0);
    nothing_in(&desk.path("page"));
    for words in [&["--keep-summary"][..], &[]] {
        desk.go(&[&["purge", "out", "--yes"], words].concat(), 0);
        nothing_in(&desk.path("out"));
        private(&desk.path("out"));
    }
    let (listed, _) = desk.go(&["runs", "--runs-dir", ".", "--json"], 0);
    assert!(found(listed.as_bytes()).is_empty(), "{listed}");
}
