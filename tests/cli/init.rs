//! `init`: a first job file, from a look at its files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::support::program;

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// What a command comes to, with what it says on both streams.
#[track_caller]
fn go(folder: &Path, words: &[&str], code: i32) -> (String, String) {
    let output = program().current_dir(folder).args(words).output().unwrap();
    let Output { status, stdout, stderr } = output;
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(code), "{words:?}\n--- stdout\n{out}\n--- stderr\n{err}");
    (out, err)
}

/// The job as if its author had uncommented the lines that begin so.
fn uncommented(job: &str, begins: &[&str]) -> String {
    let line = |line: &str| {
        let own =
            line.strip_prefix("# ").filter(|own| begins.iter().any(|begin| own.starts_with(begin)));
        own.unwrap_or(line).to_owned() + "\n"
    };
    job.lines().map(line).collect()
}

const GOOD: &str = "Login ID,Phone,verified\nann.o@example.com,+14155550123,true\nbo@example.com,+14155550124,true\n";

#[test]
fn a_good_file_has_a_job_that_runs() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    for sample in ["phones.csv", "login-ids.csv", "names.csv", "mixed.csv", "mixed.jsonl"] {
        let folder = folder(&[]);
        fs::copy(samples.join(sample), folder.path().join(sample)).unwrap();
        let (_, told) = go(folder.path(), &["init", sample, "-o", "job.toml"], 0);
        assert!(told.contains("next:\n  descope-bulk check --job job.toml"), "{told}");
        go(folder.path(), &["check", "--job", "job.toml"], 0);
        go(folder.path(), &["run", "--job", "job.toml", "--simulate"], 0);
    }
    let folder = folder(&[("in.csv", GOOD)]);
    let (job, told) = go(folder.path(), &["init", "in.csv"], 0);
    assert!(told.contains("2 rows, operation: phone"), "{told}");
    for line in [
        "#   Login ID  loginId         2  xxx.x@xxxxxxx.xxx  xx@xxxxxxx.xxx",
        "#   Phone     phone           2  +99999999999",
        "operation = \"phone\"",
        "files = [\"in.csv\"]",
    ] {
        assert!(job.lines().any(|own| own == line), "{line}\n{job}");
    }
}

#[test]
fn a_job_holds_no_users_data_unless_it_is_asked_for() {
    let rows = "loginId,password,customAttributes.tier\nann@example.com,Hunter2222,golden\n";
    let folder = folder(&[("in.csv", rows)]);
    let words = ["init", "in.csv", "--operation", "create"];
    let (job, told) = go(folder.path(), &words, 0);
    for value in ["ann", "example", "Hunter", "golden"] {
        assert!(
            !job.to_lowercase().contains(&value.to_lowercase()) && !told.contains(value),
            "{value}\n{job}"
        );
    }
    let (job, _) =
        go(folder.path(), &[&words[..], &["--with-values", "-o", "job.toml"]].concat(), 0);
    assert!(job.is_empty());
    let job = fs::read_to_string(folder.path().join("job.toml")).unwrap();
    assert!(
        job.contains("ann@example.com") && job.contains("golden") && !job.contains("Hunter"),
        "{job}"
    );
    let mode = fs::metadata(folder.path().join("job.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else can read it");
}

/// Repairs and candidates show values in a check, and not here.
#[test]
fn what_must_be_settled_is_told_without_values() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    for sample in ["phones-from-a-spreadsheet.csv", "contradictions.csv", "mixed.csv"] {
        let rows = fs::read_to_string(samples.join(sample)).unwrap();
        let folder = folder(&[("in.csv", &rows)]);
        let output =
            program().args(["init", "in.csv"]).current_dir(folder.path()).output().unwrap();
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!told.contains("@example"), "{sample}: {told}");
        for cell in rows.split([',', '\n']) {
            // The end of a number is there in each of its forms.
            let digits: Vec<char> = cell.chars().filter(char::is_ascii_digit).collect();
            let Some(end) = digits.last_chunk::<6>() else { continue };
            let end: String = end.iter().collect();
            assert!(!told.contains(&end), "{sample}, {cell}: {told}");
        }
    }
}

#[test]
fn what_must_be_settled_is_told_and_one_uncomments_it() {
    let rows = "Login ID,Cell phone,Department,Notes\nann,+14155550123,IT,x\n";
    let folder = folder(&[("in.csv", rows)]);
    let (_, told) = go(folder.path(), &["init", "in.csv", "-o", "job.toml"], 1);
    for what in [
        "no operation has 3 columns: Cell phone, Department, Notes",
        "whether the new phone is verified",
    ] {
        assert!(told.contains(what), "{told}");
    }
    let path = folder.path().join("job.toml");
    let job = fs::read_to_string(&path).unwrap();
    assert!(job.contains("TO SETTLE: unknown; perhaps phone"), "{job}");
    // As it stands it is refused, as the file itself would be.
    go(folder.path(), &["check", "--job", "job.toml"], 2);
    let settled =
        uncommented(&job, &["\"Cell phone\"", "operation = \"phone\"", "ignore =", "verified ="]);
    let settled = settled.replace("ignore = [\"Cell phone\", ", "ignore = [");
    fs::write(&path, settled).unwrap();
    go(folder.path(), &["check", "--job", "job.toml"], 0);
    go(folder.path(), &["run", "--job", "job.toml", "--simulate"], 0);
}

#[test]
fn every_key_that_is_offered_can_be_uncommented() {
    let folder = folder(&[("in.csv", GOOD)]);
    let (job, _) = go(folder.path(), &["init", "in.csv"], 0);
    let offered: Vec<&str> = job
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once(" = ").map(|(name, _)| name))
        .collect();
    assert!(offered.contains(&"max-share") && offered.len() > 9, "{offered:?}");
    fs::write(folder.path().join("job.toml"), uncommented(&job, &offered)).unwrap();
    let (shown, _) = go(folder.path(), &["run", "--job", "job.toml", "--show-settings"], 0);
    for name in offered {
        let line = shown.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        assert!(line.contains("job.toml:"), "{line}");
    }
}

#[test]
fn an_operation_that_is_open_has_candidates() {
    let folder = folder(&[("in.csv", "loginId\nann\n")]);
    let (job, told) = go(folder.path(), &["init", "in.csv"], 1);
    assert!(
        told.contains("operation: not known yet") && told.contains("no column says what to change")
    );
    assert!(job.contains("# operation = \"logout\" "), "{job}");
    fs::write(folder.path().join("job.toml"), uncommented(&job, &["operation = \"logout\""]))
        .unwrap();
    go(folder.path(), &["check", "--job", "job.toml"], 0);
}

#[test]
fn phone_numbers_without_plus_have_hints_of_their_region() {
    let rows =
        "loginId,phone,verified\na,07911 123456,true\nb,020 7946 0018,true\nc,01632 960001,true\n";
    let folder = folder(&[("in.csv", rows)]);
    let (job, told) = go(folder.path(), &["init", "in.csv"], 1);
    assert!(job.contains("3 phone numbers without +"), "{job}");
    assert!(job.contains("# region = \"GB\""), "{job}");
    assert!(told.contains("3 rows cannot be sent: bad_value in column phone"), "{told}");
    // It is a hint; nothing is guessed.
    assert!(!job.lines().any(|line| line.starts_with("region")), "{job}");
}

#[test]
fn what_is_typed_goes_into_the_job() {
    let folder = folder(&[("in.csv", "id;tel\na;07911123456\n")]);
    let words = [
        "init",
        "in.csv",
        "--map",
        "id=loginId",
        "--map",
        "tel=phone",
        "--set",
        "verified=true",
        "--region",
        "GB",
        "--delimiter",
        "semicolon",
        "--where",
        "id=a",
        "-o",
        "job.toml",
    ];
    go(folder.path(), &words, 0);
    let (shown, _) = go(folder.path(), &["check", "--job", "job.toml", "--show-settings"], 0);
    for (name, value) in
        [("map", "tel=phone"), ("set", "verified=true"), ("region", "GB"), ("where", "id=a")]
    {
        let has = |line: &str| line.starts_with(&format!("{name} ")) && line.contains(value);
        assert!(shown.lines().any(has), "{name}\n{shown}");
    }
    go(folder.path(), &["run", "--job", "job.toml", "--simulate"], 0);
}

#[test]
fn paths_are_seen_from_the_folder_of_the_job() {
    let folder = folder(&[("in.csv", GOOD)]);
    fs::create_dir_all(folder.path().join("jobs/nightly")).unwrap();
    go(folder.path(), &["init", "in.csv", "-o", "jobs/nightly/job.toml"], 0);
    let job = fs::read_to_string(folder.path().join("jobs/nightly/job.toml")).unwrap();
    assert!(job.contains("files = [\"../../in.csv\"]"), "{job}");
    go(folder.path(), &["check", "--job", "jobs/nightly/job.toml"], 0);
}

#[test]
fn nothing_is_overwritten_and_nothing_is_left_behind() {
    let folder = folder(&[("in.csv", GOOD), ("job.toml", "mine")]);
    let (_, told) = go(folder.path(), &["init", "in.csv", "-o", "job.toml"], 2);
    assert!(told.contains("nothing is overwritten"), "{told}");
    assert_eq!(fs::read_to_string(folder.path().join("job.toml")).unwrap(), "mine");
    for (words, why) in [
        (&["init", "missing.csv", "-o", "new.toml"][..], "cannot be opened"),
        (&["init", "-", "-o", "new.toml"], "can be read only once"),
        (&["init", "in.csv", "-o", "missing/new.toml"], "cannot write"),
    ] {
        let (_, told) = go(folder.path(), words, 2);
        assert!(told.contains(why), "{words:?}: {told}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn odd_names_stay_within_their_lines() {
    let rows = "loginId,\"a\nb\",\"x \"\"y\"\" [z] # $\",\u{7f}\nann,1,2,3\n";
    let folder = folder(&[("in.csv", rows)]);
    let (job, _) = go(folder.path(), &["init", "in.csv"], 1);
    let settled = uncommented(&job, &["ignore =", "operation = \"logout\""]);
    fs::write(folder.path().join("job.toml"), settled).unwrap();
    go(folder.path(), &["check", "--job", "job.toml"], 0);
}
