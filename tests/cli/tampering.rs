//! Whether it is noticed that somebody changed the files of a run, and who has signed them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::support::{Desk, new_names, wait_until};

fn desk(users: usize, arguments: &[&str]) -> Desk {
    let user =
        |n: usize| json!({"userId": format!("U2{n:0>26}"), "loginIds": [format!("u{n}@x.com")]});
    Desk::new(&(0..users).map(user).collect::<Vec<_>>(), arguments)
}

/// A run with all kinds of files.
fn run(flags: &[&str]) -> Desk {
    // Rows are committed one by one.
    let desk = desk(4, &["--latency", "20ms"]);
    desk.write("in.csv", &(new_names(4) + "nobody@x.com,New\n"));
    let words = ["run", "in.csv", "--out", "out", "--concurrency", "1", "--batch=off"];
    desk.go(&[&words[..], &["--results", "csv,xlsx"], flags].concat(), 1);
    let audit = desk.json(&["verify-files", "out"], 0);
    assert_eq!((&audit["intact"], &audit["complete"]), (&json!(true), &json!(true)), "{audit}");
    assert_eq!((&audit["rows"], &audit["notes"]), (&json!(5), &json!([])), "{audit}");
    desk
}

/// Writes a line of a journal anew, with its checksum.
fn with_sum(line: &str) -> String {
    let (json, _) = line.split_once('\t').unwrap();
    format!("{json}\t{:016x}\n", xxh3_64(json.as_bytes()))
}

/// What is changed, and what is found: the file and the kind.
type Damage = (&'static str, fn(&Path), &'static [(&'static str, &'static str)]);

fn edit(folder: &Path, name: &str, change: impl FnOnce(String) -> String) {
    let path = folder.join(name);
    fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
}

const DAMAGES: &[Damage] = &[
    (
        "a status in the results",
        |out| edit(out, "results.jsonl", |text| text.replacen("\"rejected\"", "\"updated!\"", 1)),
        &[("results.jsonl", "changed")],
    ),
    (
        "results that are cut",
        |out| edit(out, "results.jsonl", |text| text[..text.len() - 1].to_owned()),
        &[("results.jsonl", "truncated")],
    ),
    (
        "results that are appended to",
        |out| edit(out, "results.jsonl", |text| text + "{}\n"),
        &[("results.jsonl", "appended")],
    ),
    (
        "how a user was before",
        |out| edit(out, "before.jsonl", |text| text.replacen("u1@x.com", "u7@x.com", 1)),
        &[("before.jsonl", "changed")],
    ),
    (
        "the failures",
        |out| edit(out, "failures.csv", |text| text.replace("nobody", "anyone")),
        &[("failures.csv", "changed")],
    ),
    (
        "files that change places",
        |out| {
            fs::rename(out.join("results.jsonl"), out.join("x")).unwrap();
            fs::rename(out.join("before.jsonl"), out.join("results.jsonl")).unwrap();
            fs::rename(out.join("x"), out.join("before.jsonl")).unwrap();
        },
        &[("before.jsonl", "changed")],
    ),
    (
        "no failures",
        |out| fs::remove_file(out.join("failures.csv")).unwrap(),
        &[("failures.csv", "missing")],
    ),
    (
        "more failures",
        |out| fs::write(out.join("failures-2.csv"), "loginId\nx\n").unwrap(),
        &[("failures-2.csv", "foreign")],
    ),
    (
        "the table",
        |out| edit(out, "results.csv", |text| text.replacen("updated", "invalid", 1)),
        &[("results.csv", "changed")],
    ),
    (
        "the workbook",
        |out| {
            let mut bytes = fs::read(out.join("results.xlsx")).unwrap();
            bytes[100] ^= 1;
            fs::write(out.join("results.xlsx"), bytes).unwrap();
        },
        &[("results.xlsx", "changed")],
    ),
    (
        "a total of the summary",
        |out| {
            edit(out, "summary.json", |text| {
                text.replacen("\"updated\": 4", "\"updated\": 5", 1).replacen(
                    "\"rejected\": 1",
                    "\"rejected\": 0",
                    1,
                )
            });
        },
        &[("summary.json", "totals")],
    ),
    (
        "no summary",
        |out| fs::remove_file(out.join("summary.json")).unwrap(),
        &[("summary.json", "missing")],
    ),
    (
        "no JSON",
        |out| fs::write(out.join("summary.json"), [0xff, b'{']).unwrap(),
        &[("summary.json", "damaged")],
    ),
    (
        "a byte of the journal",
        |out| edit(out, "journal", |text| text.replacen("\"synced\"", "\"synces\"", 1)),
        &[("journal", "damaged")],
    ),
    (
        "the first line of the journal",
        |out| edit(out, "journal", |text| text.replacen("\"blank\":\"skip\"", "\"blank\":\"\"", 1)),
        &[("journal", "damaged")],
    ),
    (
        "a first line of the journal that is torn",
        |out| edit(out, "journal", |text| text[..40].to_owned()),
        &[("journal", "damaged")],
    ),
    ("no journal", |out| fs::remove_file(out.join("journal")).unwrap(), &[("journal", "missing")]),
    (
        "the rows of a commit, with a checksum that fits",
        |out| {
            edit(out, "journal", |text| {
                let fit =
                    |line: &str| with_sum(&line.replacen("\"rejected\":1", "\"rejected\":0", 1));
                text.lines().map(fit).collect()
            });
        },
        &[("journal", "changed"), ("summary.json", "totals")],
    ),
    (
        "the order of commits",
        |out| {
            edit(out, "journal", |text| {
                let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
                let commits: Vec<usize> =
                    (0..lines.len()).filter(|at| lines[*at].starts_with("{\"commit\"")).collect();
                lines.swap(commits[0], commits[1]);
                lines.concat()
            });
        },
        &[("journal", "changed")],
    ),
    (
        "the settings of the run",
        |out| {
            edit(out, "journal", |text| {
                let (first, rest) = text.split_once('\n').unwrap();
                with_sum(&first.replacen("\"blank\":\"skip\"", "\"blank\":\"clear\"", 1)) + rest
            });
        },
        &[("journal", "changed")],
    ),
    (
        "the end of the journal",
        |out| {
            edit(out, "journal", |text| {
                let last = text.rfind("{\"commit\"").unwrap();
                text[..last].to_owned()
            });
        },
        &[("results.jsonl", "appended"), ("summary.json", "changed")],
    ),
];

#[test]
fn whatever_is_changed_is_found() {
    for (what, damage, expected) in DAMAGES {
        let desk = run(&[]);
        damage(&desk.path("out"));
        let audit = desk.json(&["verify-files", "out"], 1);
        let found = |(file, kind): &(&str, &str)| {
            let mut findings = audit["findings"].as_array().unwrap().iter();
            findings.any(|finding| finding["file"] == *file && finding["kind"] == *kind)
        };
        assert!(expected.iter().all(found), "{what}: {audit:#}");
        assert_eq!(audit["intact"], false, "{what}");
        let (shown, _) = desk.go(&["verify-files", "out"], 1);
        assert!(shown.starts_with("changed: "), "{what}: {shown}");
    }
}

#[test]
fn the_place_is_told_at_the_earliest() {
    let desk = run(&["--compress-results"]);
    let path = desk.path("out/before.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut results = fs::read(desk.path("out/results.jsonl.zst")).unwrap();
    let middle = results.len() / 2;
    results[middle] ^= 1;
    fs::write(desk.path("out/results.jsonl.zst"), &results).unwrap();
    fs::write(&path, text.replace("\"status\"", "\"STATUS\"")).unwrap();
    let audit = desk.json(&["verify-files", "out"], 1);
    let findings = audit["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "each file once: {audit:#}");
    let of = |name: &str| findings.iter().find(|own| own["file"] == name).unwrap();
    let bytes = of("results.jsonl.zst")["bytes"].as_array().unwrap();
    let at = |index: usize| bytes[index].as_u64().unwrap();
    assert!((at(0)..at(1)).contains(&(middle as u64)), "{audit:#}");
    assert!(of("results.jsonl.zst")["rows"].is_string(), "{audit:#}");
    assert_eq!(of("before.jsonl")["bytes"][0], 0, "{audit:#}");
}

/// The SHA-256 of parts that follow each other.
fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, &parts.concat()).as_ref().to_vec()
}

/// A text with its length before it.
fn with_length(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_be_bytes()[..], text.as_bytes()].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn the_chain_is_the_one_that_is_documented() {
    let desk = run(&[]);
    let journal = desk.read("out/journal");
    let mut lines = journal.lines().map(|line| line.split_once('\t').unwrap().0);
    let mut last = sha256(&[b"descope-bulk chain 1\n", &with_length(lines.next().unwrap())]);
    let mut ends = std::collections::BTreeMap::new();
    let commits = lines
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap().get("commit").cloned());
    for commit in commits {
        let mut parts = vec![last.clone(), with_length(commit["rows"].as_str().unwrap())];
        parts.push(with_length(&commit["tally"].to_string()));
        for (name, appended) in commit["chain"]["files"].as_object().unwrap() {
            let to = appended["to"].as_u64().unwrap();
            let from = ends.insert(name.clone(), to).unwrap_or(0);
            let file = fs::read(desk.path("out").join(name)).unwrap();
            let range = usize::try_from(from).unwrap()..usize::try_from(to).unwrap();
            let digest = sha256(&[&file[range]]);
            assert_eq!(appended["sha256"], hex(&digest), "{name}");
            parts.extend([with_length(name), to.to_be_bytes().to_vec(), digest]);
        }
        last = sha256(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert_eq!(commit["chain"]["link"], hex(&last));
    }
    assert_eq!(desk.json(&["verify-files", "out"], 0)["last"], hex(&last));
    let names: Vec<_> = ends.keys().collect();
    assert_eq!(names, ["before.jsonl", "failures.csv", "results.csv", "results.jsonl"]);
}

#[test]
fn a_run_that_is_killed_and_resumed_goes_on_with_its_chain() {
    let desk = desk(40, &["--latency", "20ms"]);
    desk.write("in.csv", &new_names(40));
    let words = ["run", "in.csv", "--out", "out", "--concurrency", "1", "--resume", "--quiet"];
    let words = [&words[..], &["--batch=off", "--rate", "off"]].concat();
    let mut child = desk.command(&words).spawn().unwrap();
    wait_until("some rows are recorded", || desk.results("out").len() > 3);
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = desk.json(&["verify-files", "out"], 0);
    assert_eq!(killed["complete"], false);
    assert!(killed["notes"].to_string().contains("the run goes on, or was killed"), "{killed}");
    desk.go(&words, 0);
    let audit = desk.json(&["verify-files", "out"], 0);
    assert_eq!((&audit["rows"], &audit["complete"]), (&json!(40), &json!(true)), "{audit}");
    assert!(audit["links"].as_u64() > killed["links"].as_u64());
    let summary: Value = serde_json::from_str(&desk.read("out/summary.json")).unwrap();
    assert_eq!(
        (&summary["chain"]["last"], &summary["chain"]["links"]),
        (&audit["last"], &audit["links"])
    );
}

#[test]
fn a_run_that_stopped_is_checked_with_the_users_whose_rows_were_not_sent() {
    let desk = desk(6, &["--fault", "401:after=3,times=1"]);
    desk.write("in.csv", &new_names(6));
    let words = ["run", "in.csv", "--out", "out", "--concurrency", "1", "--resume", "--batch=off"];
    desk.go(&words, 3);
    assert_eq!(desk.json(&["verify-files", "out"], 0)["rows"], 2);
    let before = desk.read("out/before.jsonl");
    fs::write(desk.path("out/before.jsonl"), before.replace("u5@x.com", "u6@x.com")).unwrap();
    let audit = desk.json(&["verify-files", "out"], 1);
    assert_eq!(audit["findings"][0]["file"], "before.jsonl", "{audit}");
    fs::write(desk.path("out/before.jsonl"), before).unwrap();
    desk.go(&words, 0);
    assert_eq!(desk.json(&["verify-files", "out"], 0)["rows"], 6);
}

#[test]
fn where_there_is_no_chain_it_is_said() {
    let desk = desk(1, &[]);
    let (_, said) = desk.go(&["verify-files", "."], 2);
    assert!(said.contains("there is no run here"), "{said}");
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version-1");
    let (_, said) = desk.go(&["verify-files", old.to_str().unwrap()], 2);
    assert!(said.contains("the run has no chain"), "{said}");
}

/// Makes a key; `None` where there is no ssh-keygen, which is said.
fn key(desk: &Desk, name: &str, passphrase: &str) -> Option<String> {
    let path = desk.path(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-C", name, "-N", passphrase, "-f"])
        .arg(&path)
        .stdin(Stdio::null())
        .status();
    if made.is_err() {
        eprintln!("skipped: there is no ssh-keygen");
        return None;
    }
    Some(fs::read_to_string(path.with_extension("pub")).unwrap())
}

#[test]
fn a_run_is_signed_and_the_signature_is_checked() {
    let desk = desk(2, &["--fault", "401:after=2,times=1"]);
    let Some(public) = key(&desk, "ops", "") else { return };
    let Some(other) = key(&desk, "other", "") else { return };
    desk.write("allowed", &format!("ops@x.com {public}"));
    desk.write("others", &format!("other@x.com {other}"));
    desk.write("in.csv", &new_names(2));
    let words = ["run", "in.csv", "--out", "out", "--concurrency", "1", "--sign-with", "ops"];
    let words = [&words[..], &["--resume", "--batch=off"]].concat();
    // A run that stops is signed, too, and anew when it is resumed.
    desk.go(&words, 3);
    let check = ["verify-files", "out", "--allowed-signers", "allowed"];
    let first = desk.json(&check, 0);
    assert_eq!((&first["signedBy"], &first["complete"]), (&json!("ops@x.com"), &json!(false)));
    let (_, said) = desk.go(&words, 0);
    assert!(said.contains("signature: out/summary.json.sig"), "{said}");
    let (shown, _) = desk.go(&check, 0);
    assert!(shown.contains("signed by ops@x.com"), "{shown}");
    desk.go(&[&check[..], &["--signer", "ops@x.com"]].concat(), 0);
    for (words, why) in [
        (&["--allowed-signers", "allowed", "--signer", "boss@x.com"][..], "ssh-keygen"),
        (&["--allowed-signers", "others"], "none of those who are allowed"),
    ] {
        let (shown, _) = desk.go(&[&["verify-files", "out"], words].concat(), 1);
        assert!(shown.contains("signature") && shown.contains(why), "{shown}");
    }
    // The chain does not cover when the run began; the signature does.
    edit(&desk.path("out"), "summary.json", |text| {
        text.replacen("\"startedAt\": \"2", "\"startedAt\": \"1", 1)
    });
    desk.go(&["verify-files", "out"], 0);
    let audit = desk.json(&check, 1);
    assert_eq!(audit["findings"][0]["kind"], "signature", "{audit}");
    fs::remove_file(desk.path("out/summary.json.sig")).unwrap();
    let (shown, _) = desk.go(&check, 1);
    assert!(shown.contains("the run is not signed"), "{shown}");
}

#[test]
fn a_signature_that_cannot_be_made_fails_no_run() {
    let desk = desk(1, &[]);
    if key(&desk, "locked", "a passphrase").is_none() {
        return;
    }
    desk.write("in.csv", &new_names(1));
    // Nobody is asked for the passphrase.
    let (_, said) = desk.go(&["run", "in.csv", "--out", "out", "--sign-with", "locked"], 0);
    assert!(
        said.contains("--sign-with locked: ") && said.contains("the run is not signed"),
        "{said}"
    );
    assert!(!desk.path("out/summary.json.sig").exists());
    let (_, said) = desk.go(&["run", "in.csv", "--out", "two", "--sign-with", "gone"], 2);
    assert!(said.contains("--sign-with: there is no file gone"), "{said}");
}
