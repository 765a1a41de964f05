//! Inputs that change while a run reads them: nothing is sent that was not there at the start, and
//! nothing is called complete.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::{Ran, Run, Running, Simulator, program_against, signal, text};

/// More rows than are read ahead of the requests, and each as wide as people have them.
const ROWS: usize = 2000;

fn rows(name: &str) -> String {
    let row = |n| format!("u{n}@example.com,{name} {n:0300}\n");
    (0..ROWS).fold("loginId,name\n".to_owned(), |rows, n| rows + &row(n))
}

fn packed(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::none());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// A slow server, and a run against it that has begun to send.
fn begun(simulator: &Simulator, files: &[(&str, &[u8])], arguments: &[&str]) -> Running {
    let mut run = Run::against(simulator).args(&["--concurrency", "4"]).args(arguments);
    for (name, content) in files {
        run = run.file(name, content);
    }
    let running = run.spawn();
    simulator.wait_for_arrivals(8);
    running
}

fn slow() -> Simulator {
    Simulator::start(&["--latency", "5ms"])
}

/// The run stops, says why, and is not complete; every row that was sent is of the first content.
#[track_caller]
fn stops(running: Running, name: &str, why: &str) -> Ran {
    let ran = running.end().code(3);
    let said = format!("{name}: the file has changed since the run began: {why}");
    for said in [&*said, "put the file back as it was"] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    let summary = ran.summary();
    assert_eq!(summary["complete"], false);
    assert_eq!(text(&summary["stopped"], "reason"), "input_changed", "{summary}");
    for result in ran.results() {
        assert!(text(&result["user"], "name").starts_with("Old "), "{result}");
    }
    ran
}

type Changing = fn(&Path);

/// Ways in which a file changes, and what is said of each.
const CHANGES: [(&str, Changing); 5] = [
    ("it was cut", |path| fs::write(path, "loginId,name\nv@example.com,New\n").unwrap()),
    ("it was written to", |path| {
        let text = fs::read(path).unwrap();
        let text: Vec<u8> =
            text.iter().map(|byte| if *byte == b'O' { b'N' } else { *byte }).collect();
        fs::write(path, text).unwrap();
    }),
    ("it has grown", |path| {
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"v@example.com,New\n").unwrap();
    }),
    ("another file has taken its place", |path| {
        let other = path.with_extension("new");
        fs::copy(path, &other).unwrap();
        fs::rename(other, path).unwrap();
    }),
    ("it is gone", |path| fs::remove_file(path).unwrap()),
];

#[test]
fn a_file_that_changes_under_a_run_stops_it() {
    for (why, change) in CHANGES {
        let simulator = slow();
        let running = begun(&simulator, &[("in.csv", rows("Old").as_bytes())], &[]);
        change(&running.folder().join("in.csv"));
        let ran = stops(running, "in.csv", why);
        assert!(ran.results().len() < ROWS, "{why}: it was found out only at the end");
    }
}

#[test]
fn a_compressed_file_and_json_lines_are_watched_too() {
    let json = |n| format!("{{\"loginId\":\"u{n}@example.com\",\"name\":\"Old {n:0300}\"}}\n");
    let lines: String = (0..ROWS).map(json).collect();
    let array = format!("[{}]", lines.trim_end().replace('\n', ","));
    for (name, content) in [
        ("in.csv.gz", packed(&rows("Old"))),
        ("in.jsonl", lines.into_bytes()),
        ("in.json", array.into_bytes()),
    ] {
        let simulator = slow();
        let running = begun(&simulator, &[(name, &content)], &[]);
        let mut file =
            fs::OpenOptions::new().append(true).open(running.folder().join(name)).unwrap();
        file.write_all(b"\n").unwrap();
        stops(running, name, "it has grown");
    }
}

#[test]
fn a_workbook_that_is_saved_again_meanwhile_makes_no_complete_run() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, line) in (0..).zip(rows("Old").lines()) {
        for (column, cell) in (0..).zip(line.split(',')) {
            sheet.write(row, column, cell).unwrap();
        }
    }
    let workbook = book.save_to_buffer().unwrap();
    let simulator = slow();
    let running = begun(&simulator, &[("in.xlsx", &workbook)], &[]);
    fs::write(running.folder().join("in.xlsx"), [&workbook[..], b"x"].concat()).unwrap();
    stops(running, "in.xlsx", "it has grown");
}

#[test]
fn of_several_files_each_is_watched() {
    let simulator = slow();
    let first = rows("Old");
    let second = "loginId,name\nv@example.com,Old v\n";
    let files = [("a.csv", first.as_bytes()), ("b.csv", second.as_bytes())];
    let running = begun(&simulator, &files, &[]);
    fs::write(running.folder().join("b.csv"), second.replace("Old", "New")).unwrap();
    let ran = stops(running, "b.csv", "it was written to");
    assert!(ran.results().len() >= ROWS);
}

#[test]
fn a_resumed_run_is_about_the_file_that_it_resumes_with() {
    let simulator = slow();
    let old = rows("Old");
    let running = begun(&simulator, &[("in.csv", old.as_bytes())], &[]);
    signal(&running.child, "TERM");
    let ran = running.end().code(143);
    let path = ran.folder().join("in.csv");
    let resume = |ran: &Ran| {
        let mut command = program_against(&simulator, ran.folder());
        command.args(["run", "--out", "out", "--resume", "--concurrency", "4", "in.csv"]);
        command
    };
    // Changed while it is resumed.
    let before = simulator.arrivals().len();
    let mut child = resume(&ran).stderr(std::process::Stdio::null()).spawn().unwrap();
    simulator.wait_for_arrivals(before + 8);
    fs::write(&path, old.replace("Old", "New")).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    // Changed when it is to be resumed.
    assert_eq!(resume(&ran).output().unwrap().status.code(), Some(2));
    // As it was; when it was written does not matter.
    fs::write(&path, &old).unwrap();
    let output = resume(&ran).output().unwrap();
    let ran = Ran::of(ran, output).code(0);
    assert_eq!(ran.results().len(), ROWS);
    for result in ran.results() {
        assert!(text(&result["user"], "name").starts_with("Old "), "{result}");
    }
}

#[test]
fn a_file_whose_dates_lie_is_found_out_at_its_end() {
    let simulator = slow();
    let running = begun(&simulator, &[("in.csv", rows("Old").as_bytes())], &[]);
    let path = running.folder().join("in.csv");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    // The last row is far behind what is read ahead.
    let text = fs::read_to_string(&path).unwrap();
    let at = text.rfind("Old").unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(at as u64)).unwrap();
    file.write_all(b"New").unwrap();
    file.set_modified(modified).unwrap();
    let ran = running.end().code(3);
    assert!(ran.stdout.contains("it was written to"), "{}", ran.stdout);
    assert_eq!(ran.summary()["complete"], false);
}
