//! `report`: the page of a run says what the run says, shows nobody's values, and cannot be made to do
//! anything by what is in it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Desk, Ran, Run, Simulator, program, program_within};

/// A user with values that occur nowhere else.
fn user(name: &str, phone: &str) -> Value {
    json!({
        "userId": format!("U2{name:0>26}"),
        "loginIds": [format!("{name}@example.com")],
        "phone": phone,
        "verifiedPhone": true,
        "givenName": format!("Given-{name}"),
        "customAttributes": {"tier": format!("tier-{name}")},
        "roleNames": ["viewer"],
    })
}

fn desk(arguments: &[&str]) -> Desk {
    let users = [
        user("anneliese", "+442079460000"),
        user("benedikt", "+442079460001"),
        user("catalina", "+442079460002"),
    ];
    Desk::new(&users, arguments)
}

fn page(desk: &Desk, words: &[&str]) -> String {
    let path = desk.path("page.html");
    let _ = fs::remove_file(&path);
    desk.go(&[&["report"], words, &["-o", "page.html"]].concat(), 0);
    fs::read_to_string(path).unwrap()
}

/// The rows of a status, as the page has them.
fn rows_of(page: &str, status: &str) -> Option<String> {
    let line = page.split_once(&format!("data-status=\"{status}\""))?.1;
    let cell = line.split_once("<td class=\"number\">")?.1;
    Some(cell.split('<').next()?.replace(',', ""))
}

/// The numbers of a table's row that begins with a word.
fn numbers<'p>(page: &'p str, head: &str) -> Vec<&'p str> {
    let at = page.find(head).unwrap_or_else(|| panic!("no {head} in {page}"));
    let line = page[at..].split("</tr>").next().unwrap();
    line.split("class=\"number\">").skip(1).map(|rest| rest.split('<').next().unwrap()).collect()
}

/// What the page's script reads, as text.
fn json_text(page: &str) -> String {
    let json = page.split("type=\"application/json\">").nth(1).unwrap();
    json.split("</script>").next().unwrap().to_owned()
}

/// What the page's script reads.
fn data(page: &str) -> Value {
    serde_json::from_str(&json_text(page)).unwrap()
}

#[test]
fn the_numbers_are_those_of_the_summary() {
    let desk = desk(&["--fault", "503:path=name,first=1"]);
    desk.write(
        "in.csv",
        "loginId,operation,phone,verified,name,givenName,familyName\n\
         anneliese@example.com,phone,+442079460010,false,,,\n\
         benedikt@example.com,phone,7,true,,,\n\
         nobody@example.com,phone,+442079460013,true,,,\n\
         catalina@example.com,name,,,Cat,,\n",
    );
    desk.go(&["run", "in.csv", "--out", "out", "--max-invalid", "50%"], 1);
    let page = page(&desk, &["out"]);
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(desk.path("out/summary.json")).unwrap()).unwrap();
    for (status, rows) in summary["tally"].as_object().unwrap() {
        let shown = rows_of(&page, status).unwrap_or_else(|| "0".to_owned());
        let shown = if status == "read" { rows.to_string() } else { shown };
        assert_eq!(shown, rows.to_string(), "{status}");
    }
    assert!(page.contains("4 rows read = 2 updated + 1 invalid + 1 rejected ✓"), "{page}");
    assert!(page.contains("1: finished, and some rows failed"));
    for reason in summary["reasons"].as_array().unwrap() {
        let kind = reason["kind"].as_str().unwrap();
        let first = reason["first"].as_str().unwrap();
        assert!(page.contains(kind) && page.contains(first), "{reason}");
        assert!(page.contains(&reason["hint"].as_str().unwrap().replace('"', "&#34;")), "{reason}");
    }
    // The call that was sent again is there twice.
    assert!(
        page.contains("4 updates: 2 answered with success, 0 with 429, 1 with 5xx, 1 otherwise")
    );
    // One may not be able to sign in, since the number is not verified.
    assert_eq!(numbers(&page, "<th scope=\"row\">lock_out"), ["1"]);
    assert_eq!(numbers(&page, "<th scope=\"row\"><bdi>phone<"), ["1", "0", "0"]);
    assert_eq!(numbers(&page, "<th scope=\"row\"><bdi>name<"), ["0", "1", "0"]);
    assert!(page.contains("2 rows, each compared with the user as it was before."));
    assert!(
        page.contains(&format!("undo {}", desk.path("out").display())) || page.contains("undo out")
    );
}

#[test]
fn no_value_of_a_user_is_shown_unless_asked_for() {
    // What the server says names the user.
    let desk = desk(&[]);
    desk.write(
        "in.csv",
        "loginId,operation,phone,verified,givenName,roleNames,tenantId,newLoginId\n\
         anneliese@example.com,patch,,,Wilhelmina,,,\n\
         benedikt@example.com,phone,+442079460077,true,,,,\n\
         catalina@example.com,phone,+442079460001x,true,,,,\n\
         catalina@example.com,Zacharias,,,,,,\n\
         catalina@example.com,role-add,,,,superuser,TenantOfCatalina,\n\
         rosalinde@example.com,phone,+442079460055,true,,,,\n\
         catalina@example.com,loginid,,,,,,benedikt@example.com\n",
    );
    let options = ["--allow-empty", "--where", "loginId=xavier"];
    desk.go(&[&["run", "in.csv", "--out", "none"], &options[..]].concat(), 0);
    desk.go(&["run", "in.csv", "--out", "out", "--max-invalid", "100%"], 1);
    let secret = page(&desk, &["out"]);
    let open = page(&desk, &["out", "--with-values"]);
    for value in [
        "anneliese",
        "benedikt",
        "catalina",
        "rosalinde",
        "Wilhelmina",
        "Zacharias",
        "superuser",
        "TenantOfCatalina",
        "2079460077",
        "2079460001",
        "2079460055",
        "Given-",
        "tier-",
        "viewer",
        "U2000",
    ] {
        assert!(!secret.contains(value), "{value} is shown");
    }
    assert!(secret.contains("ro…@example.com") && secret.contains("Login IDs are shortened"));
    for value in ["rosalinde@example.com", "catalina@example.com", "Zacharias", "personal data"] {
        assert!(open.contains(value), "{value} is missing");
    }
    let chosen = page(&desk, &["none"]);
    assert!(chosen.contains("loginId=…") && !chosen.contains("xavier"), "{chosen}");
}

/// A run folder with results of our own making, as of a run that finished.
fn synthetic(lines: &[Value]) -> (TempDir, PathBuf) {
    let ran = Run::rehearsed().file("in.csv", "loginId,givenName\nada,Ada\n").go().code(0);
    let out = ran.path("");
    let mut text = String::new();
    let mut tally = json!({"read": lines.len(), "unchanged": 0, "not_attempted": 0});
    for status in ["updated", "invalid", "rejected", "gave_up", "unknown"] {
        tally[status] = lines.iter().filter(|line| line["status"] == status).count().into();
    }
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
    fs::write(out.join("results.jsonl"), text).unwrap();
    let mut summary = ran.summary();
    summary["tally"] = tally;
    fs::write(out.join("summary.json"), summary.to_string()).unwrap();
    (ran.into(), out)
}

fn line(row: usize, name: &str, status: &str) -> Value {
    let at = format!("2026-11-27T{:02}:{:02}:{:02}.000Z", row / 3600 % 24, row / 60 % 60, row % 60);
    let mut line = json!({
        "version": 1, "file": "in.csv", "row": row, "line": row + 1, "operation": "phone",
        "loginId": name, "status": status, "attempts": 1,
        "requests": [{"at": at, "path": "/v1/mgmt/user/update/phone", "tookMs": 30, "httpStatus": 404}],
        "durationMs": 30, "finishedAt": at,
    });
    if status == "updated" {
        line["requests"][0]["httpStatus"] = 200.into();
        line["changes"] = json!([{"field": "phone", "set": "+14155550100"}]);
        line["user"] = json!({
            "userId": format!("U2{row:0>26}"), "loginIds": [name], "phone": "+14155550100",
            "verifiedPhone": true, "givenName": "Somebody", "customAttributes": {"tier": "gold"},
        });
    } else {
        line["error"] = json!({
            "kind": "user_not_found", "code": "E112102", "message": format!("no user {name}"),
            "hint": "correct the login ID",
        });
    }
    line
}

fn report(run: &Path, words: &[&str]) -> Output {
    let path = run.with_file_name("page.html");
    program().arg("report").arg(run).arg("-o").arg(path).args(words).output().unwrap()
}

fn page_of(run: &Path, words: &[&str]) -> String {
    let path = run.with_file_name("page.html");
    let _ = fs::remove_file(&path);
    let output = report(run, words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(path).unwrap()
}

#[test]
fn hostile_names_are_text() {
    let names = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</script><script>alert(2)</script>",
        "<!--<script>",
        "\u{202E}gnp.exe@example.com",
        "' onclick='alert(1)",
        "{{ title|safe }}",
    ];
    let mut lines: Vec<Value> =
        (1..).zip(names).map(|(row, name)| line(row, name, "rejected")).collect();
    for (line, name) in lines.iter_mut().zip(names) {
        line["file"] = name.into();
        line["operation"] = name.into();
        line["error"]["kind"] = name.into();
        line["error"]["hint"] = name.into();
        line["error"]["column"] = name.into();
        line["changes"] = json!([{"field": name, "attribute": name, "set": name}]);
        line["repairs"] = json!([{"kind": name, "column": name, "from": name, "to": name}]);
    }
    let mut done = lines[0].clone();
    done["status"] = "updated".into();
    done.as_object_mut().unwrap().remove("error");
    lines.push(done);
    let (_folder, run) = synthetic(&lines);
    for words in [&[][..], &["--with-values"]] {
        let page = page_of(&run, words);
        // The page's own script, and the data of the table.
        assert_eq!(page.matches("<script").count(), 2, "{words:?}");
        assert_eq!(page.matches("</script>").count(), 2, "{words:?}");
        for wrong in ["<img", "<!--", "\u{202E}"] {
            assert!(!page.contains(wrong), "{words:?}: {wrong}");
        }
        // In the data an apostrophe is an apostrophe.
        let outside = page.replace(&json_text(&page), "");
        assert!(!outside.contains("' onclick='") && outside.contains("&#39; onclick=&#39;"));
        assert!(page.contains("⟨U+202E⟩"));
        let data = data(&page);
        assert_eq!(data["rows"].as_array().unwrap().len(), names.len());
        assert_eq!(data["files"][0], names[0]);
    }
    assert_eq!(data(&page_of(&run, &["--with-values"]))["rows"][0][6], names[0]);
}

#[test]
fn a_page_of_many_rows_is_small_and_made_in_bounded_memory() {
    let lines: Vec<Value> = (1..=100_000)
        .map(|row| {
            let status = if row % 10 < 7 { "updated" } else { "rejected" };
            line(row, &format!("somebody{row}@example.com"), status)
        })
        .collect();
    let (folder, run) = synthetic(&lines);
    let path = folder.path().join("page.html");
    let words = ["report", "out", "-o", "page.html"];
    let mut command = program_within("-v 400000");
    let output = command.current_dir(folder.path()).args(words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = fs::read_to_string(path).unwrap();
    assert!(page.len() < 2_000_000, "{}", page.len());
    assert!(page.contains("30,000 rows failed. The page has 20,000 of them"));
    assert_eq!(data(&page)["rows"].as_array().unwrap().len(), 20_000);
    assert_eq!(rows_of(&page, "rejected").as_deref(), Some("30000"));
    let few = page_of(&run, &["--max-failures", "7"]);
    assert_eq!(data(&few)["rows"].as_array().unwrap().len(), 7);
    assert!(few.len() < 200_000, "{}", few.len());
}

#[test]
fn several_runs_make_one_page_of_one_project() {
    let desk = desk(&[]);
    desk.write("a.csv", "loginId,phone,verified\nanneliese@example.com,+442079460010,true\n");
    desk.write("b.csv", "loginId,phone,verified\nnobody@example.com,+442079460011,true\n");
    desk.go(&["run", "a.csv", "--out", "first"], 0);
    desk.go(&["run", "b.csv", "--out", "second"], 1);
    desk.go(&["run", "a.csv", "--simulate", "--out", "rehearsed"], 0);
    // The order is that in which they began.
    let page = page(&desk, &["second", "first"]);
    assert!(page.contains("Report: 2 runs"));
    let first = page.find("id=\"run-1\"").unwrap();
    assert!(page[first..].contains("<bdi>first</bdi>") && page.contains("href=\"#run-2\""));
    assert_eq!(numbers(&page, "<a href=\"#run-1\"><bdi>first</bdi></a></th>"), ["1", "0"]);
    assert_eq!(numbers(&page, "<a href=\"#run-2\"><bdi>second</bdi></a></th>"), ["0", "1"]);

    let (_, refused) = desk.go(&["report", "first", "rehearsed", "-o", "no.html"], 2);
    assert!(refused.contains("rehearsed") && refused.contains("--any-project"), "{refused}");
    assert!(!desk.path("no.html").exists());
    desk.go(&["report", "first", "rehearsed", "-o", "both.html", "--any-project"], 0);
    // Nothing is overwritten.
    let (_, refused) = desk.go(&["report", "first", "-o", "both.html"], 2);
    assert!(refused.contains("nothing is overwritten"), "{refused}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(desk.path("both.html")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let (_, refused) = desk.go(&["report", "nowhere", "-o", "no.html"], 2);
    assert!(refused.contains("there is no run here"), "{refused}");
}

#[test]
fn damage_is_named_and_an_unfinished_run_says_so() {
    let lines: Vec<Value> = (1..=5).map(|row| line(row, "ada", "updated")).collect();
    let (_folder, run) = synthetic(&lines);
    let results = run.join("results.jsonl");
    let whole = fs::read_to_string(&results).unwrap();
    for (name, text) in [
        ("line 3", whole.replacen("\"row\":3", "\"row\":", 1).into_bytes()),
        ("line 6", [whole.as_bytes(), b"\xff\n"].concat()),
        ("line 6", [whole.as_bytes(), b"{}\n"].concat()),
        ("line 1", [b"\n", whole.as_bytes()].concat()),
    ] {
        fs::write(&results, text).unwrap();
        let output = report(&run, &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("results.jsonl: {name}:")), "{name}: {said}");
        assert!(said.contains("restore the file"), "{said}");
    }
    // A torn line, and one that is missing.
    fs::write(&results, &whole[..whole.len() - 9]).unwrap();
    assert!(page_of(&run, &[]).contains("The results do not hold what the summary says"));
    fs::remove_file(run.join("summary.json")).unwrap();
    let page = page_of(&run, &[]);
    assert!(page.contains("Not finished") && page.contains("it goes on, or it was killed"));
    assert_eq!(rows_of(&page, "updated").as_deref(), Some("4"));
    fs::remove_file(run.with_file_name("page.html")).unwrap();
    fs::write(run.join("before.jsonl"), "{\"row\":1}\n").unwrap();
    let said = String::from_utf8(report(&run, &[]).stderr).unwrap();
    assert!(said.contains("before.jsonl: line 1:"), "{said}");
    assert!(!run.with_file_name("page.html").exists(), "there only when whole");
}

#[test]
fn a_batch_is_counted_once() {
    let simulator = Simulator::start(&[]);
    let rows: String = (1..=150).fold("loginId,givenName\n".to_owned(), |rows, n| {
        rows + &format!("u{n}@example.com,Name\n")
    });
    let ran = Run::against(&simulator).file("in.csv", rows).arg("--batch=all").go().code(0);
    let calls = ran.summary()["calls"].as_u64().unwrap();
    assert!(calls < 10, "{calls}");
    let page = page_of(&ran.path(""), &[]);
    assert!(
        page.contains(&format!("<p>{calls} updates: {calls} answered with success")),
        "{calls}"
    );
    assert!(page.contains("150 rows, of which 0 could be compared"), "nothing was kept");
}

fn read(ran: &Ran, name: &str) -> String {
    fs::read_to_string(ran.folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_run_writes_its_page_however_it_ends() {
    let rows = "loginId,givenName\nada,Ada\nbob,Bob\n";
    let ran = Run::rehearsed().file("in.csv", rows).args(&["--report", "page.html"]).go().code(0);
    assert!(ran.stderr.contains("report: page.html"), "{}", ran.stderr);
    assert!(read(&ran, "page.html").contains("Done: nothing failed"));
    assert_eq!(ran.summary()["settings"]["report"], "page.html");

    let stopped = Run::rehearsed().file("in.csv", rows).args(&[
        "--report",
        "page.html",
        "--fault",
        "401",
        "--concurrency",
        "1",
    ]);
    fs::write(stopped.path("page.html"), "mine").unwrap();
    let stopped = stopped.go().code(3);
    assert_eq!(read(&stopped, "page.html"), "mine");
    let page = read(&stopped, "page-2.html");
    assert!(page.contains("Stopped early") && page.contains("This run is not complete"), "{page}");
    assert!(page.contains("descope-bulk run --resume"), "{page}");

    let refused = Run::rehearsed().file("in.csv", rows).args(&["--report", "no/page.html"]);
    let refused = refused.go().code(2).says("there is no folder no");
    assert!(!refused.path("").exists());
}

#[test]
fn a_machine_without_a_folder_for_temporary_files_is_told_what_is_missing() {
    let desk = desk(&[]);
    desk.write("in.csv", "loginId,name\nanneliese@example.com,A\n");
    let mut run = desk.command(&["run", "in.csv", "--out", "out", "--report", "page.html"]);
    let output = run.env("TMPDIR", "/nowhere").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "the run is not affected: {said}");
    assert!(said.contains("cannot make a temporary file in /nowhere"), "{said}");
    assert!(said.contains("TMPDIR"), "{said}");
}
