//! Documents, samples and help against the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use descope_bulk::Exit;
use descope_bulk::Status;
use descope_bulk::internals::rows::values::RepairKind;
use serde_json::Value;

use crate::support::{Desk, Run, program};

fn project(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_list_of_operations_is_the_catalogue() {
    let made = stdout(program().args(["operations", "--format", "markdown"]));
    let kept = fs::read_to_string(project("docs/operations.md")).unwrap();
    assert!(
        made == kept,
        "make it again: descope-bulk operations --format markdown > docs/operations.md"
    );
}

#[test]
fn the_schema_of_job_files_is_the_programs() {
    let made = stdout(program().arg("job-schema"));
    let kept = fs::read_to_string(project("docs/job.schema.json")).unwrap();
    assert!(made == kept, "make it again: descope-bulk job-schema > docs/job.schema.json");
}

/// The keys of a job file by their tables, as `table key`.
fn job_keys(table: &str, schema: &Value, found: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().unwrap() {
        let whole = if table.is_empty() { name.clone() } else { format!("{table}.{name}") };
        if !table.is_empty() {
            found.insert(format!("{table} {name}"));
        }
        if property["properties"].is_object() {
            job_keys(&whole, property, found);
        }
    }
}

#[test]
fn every_key_of_a_job_file_is_documented_in_its_table() {
    let schema = fs::read_to_string(project("docs/job.schema.json")).unwrap();
    let mut known = BTreeSet::new();
    job_keys("", &serde_json::from_str(&schema).unwrap(), &mut known);
    let page = fs::read_to_string(project("docs/job-files.md")).unwrap();
    let mut told = BTreeSet::new();
    let mut table = "";
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### [") {
            table = heading.trim_end_matches(']');
        } else if let Some((key, _)) =
            line.strip_prefix("| `").and_then(|line| line.split_once("` |"))
        {
            told.insert(format!("{table} {key}"));
        }
    }
    assert_eq!(told, known);
}

#[test]
fn the_jobs_in_the_documents_are_such() {
    let page = ["docs/job-files.md", "docs/inbox.md"]
        .map(|page| fs::read_to_string(project(page)).unwrap())
        .concat();
    let jobs = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    for job in jobs.filter(|job| job.contains('[')) {
        let folder = tempfile::tempdir().unwrap();
        // The project's ID is cut short in the text.
        fs::write(folder.path().join("job.toml"), job.replace('…', "x")).unwrap();
        let path = folder.path().join("job.toml");
        stdout(program().args(["run", "--show-settings", "--job"]).arg(path));
    }
}

#[test]
fn the_settings_in_the_documents_are_those_shown() {
    let page = fs::read_to_string(project("docs/job-files.md")).unwrap();
    let (command, rest) =
        page.split_once("$ descope-bulk run").unwrap().1.split_once('\n').unwrap();
    let mut run = program();
    run.current_dir(project(".")).arg("run").args(command.split_whitespace());
    let shown = stdout(&mut run);
    let told = rest.split("```").next().unwrap();
    for line in told.lines().filter(|line| *line != "…") {
        assert!(shown.lines().any(|known| known == line), "{line}\n{shown}");
    }
}

#[test]
fn the_sample_job_runs() {
    let job = project("samples/jobs/phones.toml");
    let ran = Run::new().args(&["--simulate", "--job", job.to_str().unwrap()]).go().code(0);
    assert_eq!(ran.tally("updated"), 120);
}

#[test]
fn operations_are_shown_for_people_and_programs() {
    let all = stdout(program().arg("operations"));
    assert!(all.lines().any(|line| line.starts_with("customAttribute ")));
    let one = stdout(program().args(["operations", "role add"]));
    assert!(one.starts_with("role-add:") && one.contains("/v2/mgmt/user/update/role/add"));
    let json = stdout(program().args(["operations", "--format", "json"]));
    let list: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 35);
    assert_eq!(program().args(["operations", "fly"]).status().unwrap().code(), Some(2));
}

#[test]
fn every_command_has_help_and_a_mistake_is_answered() {
    for command in ["run", "check", "simulate", "operations", "job-schema"] {
        let help = stdout(program().args([command, "--help"]));
        assert!(help.contains("Usage: descope-bulk"), "{help}");
    }
    assert_eq!(program().arg("rum").output().unwrap().status.code(), Some(2));
    assert_eq!(program().arg("--version").output().unwrap().status.code(), Some(0));
}

/// Every sample runs against the simulator; the expected exit code and counts are its promise.
#[test]
fn samples_run() {
    for (sample, arguments, code, updated, failed) in [
        ("phones.csv", &[][..], 0, 120, 0),
        ("phones-with-mistakes.csv", &["--ignore", "department"], 1, 8, 4),
        ("phones-from-a-spreadsheet.csv", &[], 1, 12, 6),
        ("contradictions.csv", &[], 1, 11, 0),
        ("login-ids.csv", &[], 0, 20, 0),
        ("names.csv", &[], 0, 20, 0),
        ("mixed.csv", &[], 0, 11, 0),
        ("mixed.jsonl", &[], 0, 12, 0),
        ("phones.tsv", &[], 1, 11, 1),
        ("phones-semicolon.csv", &[], 1, 11, 1),
        ("phones.json", &[], 1, 11, 1),
        ("phones.csv.gz", &[], 1, 11, 1),
        ("phones.jsonl.zst", &[], 1, 11, 1),
        ("phones-utf16.csv", &[], 1, 11, 1),
        ("phones-windows-1252.csv", &["--encoding", "windows-1252"], 1, 11, 1),
        ("phones.xlsx", &[], 1, 10, 2),
        ("phones.ods", &[], 1, 10, 2),
    ] {
        let path = project("samples").join(sample);
        let ran = Run::new()
            .args(&["--simulate", path.to_str().unwrap()])
            .args(arguments)
            .go()
            .code(code);
        assert_eq!((ran.tally("updated"), ran.tally("invalid")), (updated, failed), "{sample}");
    }
    let listed = fs::read_to_string(project("samples/README.md")).unwrap();
    let samples = fs::read_dir(project("samples")).unwrap().map(|entry| entry.unwrap());
    let samples = samples.filter(|entry| entry.path().is_file());
    let names: Vec<_> = samples.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 18, "a sample that is not run here");
    let missing = names.iter().find(|name| !listed.contains(&format!("| `{name}` |")));
    assert!(missing.is_none_or(|name| name == "README.md"), "not listed: {missing:?}");
}

/// What is not there to show mistakes has none, and nothing to warn about.
#[test]
fn clean_samples_pass_check() {
    for sample in ["phones.csv", "login-ids.csv", "names.csv", "mixed.csv", "mixed.jsonl"] {
        let path = project("samples").join(sample);
        let said = stdout(program().args(["check", path.to_str().unwrap()]));
        assert!(said.contains("no problem"), "{said}");
    }
    let job = project("samples/jobs/phones.toml");
    let said = stdout(program().args(["check", "--job", job.to_str().unwrap()]));
    assert!(said.contains("no problem"), "{said}");
}

/// The documents, with their text.
fn documents() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(project("docs")).unwrap().map(|entry| entry.unwrap().path());
    docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .chain(["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(project))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

/// The anchors of a document's headings, as they are made from plain text.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    let plain = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings
        .map(|heading| heading.trim_start_matches('#').trim().to_lowercase())
        .map(|heading| heading.chars().filter(plain).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    for (path, text) in documents() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: {link}", path.display());
            let there = || anchors(&fs::read_to_string(&target).unwrap());
            assert!(
                anchor.is_empty() || there().iter().any(|known| known == anchor),
                "{}: {link}",
                path.display()
            );
        }
    }
}

/// The book has a page for each document.
#[test]
fn every_document_is_in_the_summary() {
    let summary = fs::read_to_string(project("docs/SUMMARY.md")).unwrap();
    for (path, _) in documents() {
        let path = path.strip_prefix(project("docs")).unwrap_or(&path).to_owned();
        let name = path.file_name().unwrap().to_str().unwrap();
        let link = if path.is_absolute() { format!("(../{name})") } else { format!("({name})") };
        assert!(
            name == "SUMMARY.md" || summary.contains(&link),
            "{name} is not in docs/SUMMARY.md"
        );
    }
}

/// Two screens of 60 lines, with what each shows of a picture.
#[test]
fn the_readme_fits_on_two_screens() {
    let readme = fs::read_to_string(project("README.md")).unwrap();
    assert!(readme.lines().count() <= 120, "move what is reference to docs/");
}

/// Flags as they are written in a text: `--`, then small letters and single hyphens.
fn flags(text: &str) -> BTreeSet<String> {
    let pieces = text.split(|c: char| !c.is_ascii_lowercase() && c != '-');
    pieces
        .filter(|piece| piece.strip_prefix("--").is_some_and(|name| !name.starts_with('-')))
        .map(|piece| piece.trim_end_matches('-').to_owned())
        .filter(|flag| flag.len() > 2)
        .collect()
}

#[test]
fn flags_in_documents_exist() {
    const OF_OTHERS: [&str; 10] = [
        "--release",
        "--path",
        "--bench",
        "--features",
        "--lib",
        "--nocapture",
        "--open",
        "--slurpfile",
        "--rawfile",
        "--clear-content-encoding",
    ];
    let help = |command| stdout(program().args([command, "--help"]));
    let known: BTreeSet<_> = [
        "run",
        "check",
        "plan",
        "undo",
        "verify",
        "verify-files",
        "absent",
        "export",
        "explain",
        "report",
        "runs",
        "purge",
        "redact",
        "decrypt",
        "merge",
        "doctor",
        "fleet",
        "simulate",
        "operations",
        "init",
        "man",
    ]
    .iter()
    .flat_map(|c| flags(&help(c)))
    .collect();
    for (path, text) in documents() {
        if path.ends_with("CONTRIBUTING.md") || path.ends_with("install.md") {
            // Their flags are those of other tools.
            continue;
        }
        for flag in flags(&text).iter().filter(|flag| !OF_OTHERS.contains(&flag.as_str())) {
            assert!(known.contains(flag), "{}: {flag}", path.display());
        }
    }
}

/// The commands of a document: lines of its blocks, without the prompt and the comment, with the lines that
/// go on.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```").skip(1).step_by(2);
    let joined = blocks.map(|block| block.replace("\\\n", " ")).collect::<Vec<_>>().join("\n");
    let lines = joined.lines().map(|line| line.trim_start().trim_start_matches("$ "));
    let own = lines.filter(|line| line.starts_with("descope-bulk "));
    own.map(|line| line.split("  #").next().unwrap().to_owned()).collect()
}

/// Nothing is there that they are about, so that they are refused; but not for how they are written.
#[test]
fn every_command_in_the_documents_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_BIN_EXE_descope-bulk")).parent().unwrap().to_owned();
    let path = format!("{}:/usr/bin:/bin", path.display());
    let mut understood = 0;
    for (document, text) in documents() {
        for command in commands(&text) {
            // These would wait.
            if ["descope-bulk simulate", "--inbox", "completions"]
                .iter()
                .any(|word| command.contains(word))
            {
                continue;
            }
            let output = Command::new("sh")
                .args(["-c", &command])
                .env_clear()
                .env("PATH", &path)
                .env("HOME", folder.path())
                .stdin(Stdio::null())
                .current_dir(folder.path())
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            let is_usage = told.contains("try '--help'") || told.contains("yntax error");
            assert!(!is_usage, "{}: {command}\n{told}", document.display());
            understood += 1;
        }
    }
    assert!(understood > 100, "{understood}");
}

#[test]
fn every_repair_is_documented() {
    let page = fs::read_to_string(project("docs/values.md")).unwrap();
    let (_, list) = page.split_once("## Repairs").unwrap();
    let listed = list.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let listed: BTreeSet<&str> = listed.map(|(word, _)| word).collect();
    assert_eq!(listed, RepairKind::ALL.iter().map(|repair| repair.word()).collect());
    // Of each table all rows have as many cells as its head.
    for (path, text) in documents() {
        let mut head = None;
        for line in text.lines() {
            let cells = line.starts_with('|').then(|| line.replace("\\|", "").matches('|').count());
            let expected = head.filter(|_| cells.is_some()).or(cells);
            assert_eq!(cells, expected, "{}: {line}", path.display());
            head = cells.and(expected);
        }
    }
}

#[test]
fn every_status_and_exit_code_is_listed() {
    let page = fs::read_to_string(project("docs/results.md")).unwrap();
    let listed = |cell: &str| page.lines().any(|line| line.starts_with(&format!("| {cell} |")));
    for status in Status::ALL {
        assert!(listed(&format!("`{}`", status.word())), "{}", status.word());
    }
    for exit in [
        Exit::Success,
        Exit::Failures,
        Exit::Refused,
        Exit::Stopped,
        Exit::Busy,
        Exit::Pending,
        Exit::Missing,
        Exit::Broken,
        Exit::Interrupted,
        Exit::Terminated,
    ] {
        assert!(listed(&(exit as u8).to_string()), "{exit:?}");
    }
}

/// The keys of all objects in a value, but not those of users and of column names.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                found.insert(key.clone());
                if key != "user" && key != "map" {
                    keys(value, found);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn every_key_of_the_run_folder_is_documented() {
    let mistakes = project("samples").join("phones-with-mistakes.csv");
    let failing = Run::new().args(&["--simulate", "--fault", "400:first=1"]).args(&[
        "--ignore",
        "department",
        mistakes.to_str().unwrap(),
    ]);
    let stopping =
        Run::new().args(&["--simulate", "--fault", "401"]).arg(mistakes.to_str().unwrap());
    let mut found = BTreeSet::new();
    let damaged = project("samples/phones-from-a-spreadsheet.csv");
    let repairing = Run::new().args(&["--simulate", damaged.to_str().unwrap()]);
    for ran in [
        failing.go().code(1),
        repairing.go().code(1),
        stopping.args(&["--ignore", "department"]).go().code(3),
    ] {
        keys(&ran.summary(), &mut found);
        ran.results().iter().for_each(|result| keys(result, &mut found));
    }
    assert!(found.contains("candidates") && found.contains("plus_restored"));
    assert!(found.contains("code") && found.contains("hint") && found.contains("stopped"));
    let page = fs::read_to_string(project("docs/files.md")).unwrap();
    for key in found {
        assert!(page.contains(&format!("`{key}`")), "{key}");
    }
}

/// All source files below a folder, as one text each.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_reason_for_stopping_is_documented() {
    let (mut texts, mut codes) = (Vec::new(), BTreeSet::new());
    sources(&project("src"), &mut texts);
    for text in &texts {
        for begun in text.split("StopReason::stopped(").skip(1) {
            let code = begun.trim_start().split([',', ')']).next().unwrap();
            let named = || text.split_once(&format!("const {code}: &str = "));
            let code = named().map_or(code, |(_, value)| value.split(';').next().unwrap());
            codes.extend(code.strip_prefix('"').and_then(|code| code.strip_suffix('"')));
        }
    }
    // What only a test makes up, and what is no run yet.
    let others = ["unreadable", "not_confirmed"];
    let page = fs::read_to_string(project("docs/files.md")).unwrap();
    let listed = page.split_once("Values of `stopped.reason`").unwrap().1;
    let listed = listed.split_once("\n\n").unwrap().0;
    assert!(codes.contains("stopped_from_page") && codes.contains("same_failure"), "{codes:?}");
    for code in codes.iter().filter(|code| !others.contains(*code)) {
        assert!(listed.contains(&format!("`{code}`")), "{code}");
    }
}

#[test]
fn the_readme_lists_the_files_of_a_first_run() {
    let readme = fs::read_to_string(project("README.md")).unwrap();
    let phones = fs::read_to_string(project("samples/phones.csv")).unwrap();
    let ran = Run::reading().file("phones.csv", phones).arg("--simulate").go().code(0);
    let mut files: Vec<String> = fs::read_dir(ran.path(""))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert!(readme.contains(&format!("\n{}\n", files.join("  "))), "{files:?}");
}

/// What a document shows as the screen behind a command, up to the end of the block.
fn screen(page: &str, command: &str) -> String {
    let at = page.find(command).unwrap_or_else(|| panic!("no {command}"));
    let rest = &page[at..];
    let begin = rest.find("```text\n").unwrap() + "```text\n".len();
    rest[begin..begin + rest[begin..].find("```").unwrap()].to_owned()
}

#[test]
fn the_screens_of_the_guide_are_what_is_shown() {
    let page = fs::read_to_string(project("docs/without-fear.md")).unwrap();
    let user = |name: &str, phone: &str| {
        let user = serde_json::json!({
            "userId": format!("U2{name:0>26}"),
            "loginIds": [format!("{name}@example.com")],
            "phone": phone,
            "verifiedPhone": true,
        });
        user.to_string() + "\n"
    };
    let users =
        [user("ann", "+442079460000"), user("ben", "+442079460001"), user("cat", "+442079460002")];
    let users: Vec<Value> = users.iter().map(|user| serde_json::from_str(user).unwrap()).collect();
    let desk = Desk::new(&users, &[]);
    let rows = "loginId,phone,verified\nann@example.com,+442079460010,true\n\
                ben@example.com,+442079460011,false\ncat@example.com,+442079460002,true\n\
                dan@example.com,+442079460013,true\n";
    desk.write("phones.csv", rows);
    let here = |text: &str| {
        let text = text.replace("http://127.0.0.1:8088", &desk.simulator.url);
        text.replace("all within one window of the limit", "without a limit")
    };
    let there = |text: &str| text.replace("all within one window of the limit", "without a limit");
    let (shown, _) = desk.go(&["plan", "phones.csv", "-o", "plan.jsonl"], 1);
    let documented = here(&screen(&page, "descope-bulk plan phones.csv -o plan.jsonl"));
    for line in documented.lines().filter(|line| !line.starts_with("`descope-bulk check`")) {
        assert!(there(&shown).contains(line.trim_end()), "{line}\n{shown}");
    }
    desk.go(&["run", "plan.jsonl", "--out", "out", "--allow", "lock_out"], 0);
    let (shown, _) = desk.go(&["verify", "out"], 0);
    assert_eq!(shown, screen(&page, "descope-bulk verify runs/"));
    let (shown, _) = desk.go(&["explain", "out", "2"], 0);
    let words = |text: &str| -> Vec<String> {
        // Times and waits differ.
        let plain = |line: &str| !line.contains("/v1/mgmt") && !line.contains("waited");
        let line = |line: &str| line.split("Z): ").last().unwrap().trim().to_owned();
        text.lines().filter(|own| plain(own)).map(line).collect()
    };
    assert_eq!(words(&shown), words(&screen(&page, "descope-bulk explain runs/")));
    desk.write("else.csv", "loginId,phone,verified\nann@example.com,+442079460099,true\n");
    desk.go(&["run", "else.csv", "--out", "else"], 0);
    let (shown, _) = desk.go(&["undo", "out", "-o", "undo.jsonl"], 1);
    assert_eq!(shown, screen(&page, "descope-bulk undo runs/"));
}

#[test]
fn the_screens_of_the_first_minutes_are_what_is_shown() {
    let page = fs::read_to_string(project("docs/first-minutes.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let rows = "Login ID,Cell phone,Department\nann,+442079460010,IT\nben,+442079460011,IT\n";
    fs::write(folder.path().join("users.csv"), rows).unwrap();
    let go = |words: &[&str], code: i32| {
        let output = program().current_dir(folder.path()).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let told = go(&["init", "users.csv", "-o", "users.toml"], 1);
    assert_eq!(told, screen(&page, "descope-bulk init users.csv -o users.toml"));
    let job = fs::read_to_string(folder.path().join("users.toml")).unwrap();
    let (_, shown) = page.split_once("```toml\n").unwrap();
    for line in shown.split("```").next().unwrap().lines() {
        assert!(job.lines().any(|own| own == line), "{line}\n{job}");
    }
    let refused = go(&["check", "users.csv"], 2);
    assert_eq!(refused, screen(&page, "with one line that\nsettles them"));
    let settled = ["--map", "Cell phone=phone", "--ignore", "Department", "--set", "verified=true"];
    go(&[&["check", "users.csv"], &settled[..]].concat(), 0);
}

#[test]
fn the_commands_of_the_privacy_page_do_what_it_says() {
    let page = fs::read_to_string(project("docs/privacy.md")).unwrap();
    // What only some builds have is tested with them.
    let (above, rest) = page.split_once("## Encryption").unwrap();
    let page = format!("{above}## {}", rest.split_once("\n## ").unwrap().1);
    let user = |name: &str| serde_json::json!({"loginIds": [name]});
    let desk = Desk::new(&[user("ann"), user("ben")], &[]);
    desk.write(
        "phones.csv",
        "loginId,phone,verified\nann,+442079460010,true\nben,+442079460011,true\ndan,+442079460012,true\n",
    );
    let name = "runs/phones-20261124T040625Z";
    desk.go(&["run", "phones.csv", "--out", name], 1);
    let words = |text: &str| -> Vec<String> {
        // Times and sizes differ.
        let word = |word: &&str| !word.starts_with("20") && !word.contains([':', '.']);
        text.split_whitespace().filter(word).map(str::to_owned).collect()
    };
    let (shown, _) = desk.go(&["runs"], 0);
    let shown = shown.replace("complete, simulated", "complete");
    assert_eq!(words(&shown), words(&screen(&page, "descope-bulk runs")));
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut lines: Vec<&str> = blocks.flat_map(str::lines).collect();
    // A copy is made of what is still there.
    lines.sort_by_key(|line| line.contains("purge"));
    assert_eq!(lines.len(), 7, "{lines:?}");
    for line in lines {
        let words: Vec<&str> = line.split(' ').skip(1).collect();
        desk.go(&words, 0);
    }
    let table = page.split_once("| file | what is in it then |").unwrap().1;
    let table = table.split("\n\n").next().unwrap();
    let kept: BTreeSet<&str> = table.split('`').skip(1).step_by(2).collect();
    let left = fs::read_dir(desk.path(name)).unwrap();
    let left: BTreeSet<String> =
        left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left, kept.into_iter().map(str::to_owned).collect());
}
