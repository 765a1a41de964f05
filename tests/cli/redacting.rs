//! `redact`: a copy of a run that can be read and handed on.

use std::fs;

use serde_json::json;

use crate::past::{PHONES, desk, listed, of};

#[test]
fn a_redacted_copy_can_be_read_and_does_nothing_to_anybody() {
    let desk = desk();
    desk.write("in.csv", &(PHONES.to_owned() + "ann@x.com,12,true\n"));
    desk.go(&["run", "in.csv", "--out", "out", "--max-invalid", "50%"], 1);
    let (stdout, _) = desk.go(&["redact", "out", "-o", "copy"], 0);
    assert!(stdout.contains("4 rows and 2 before-images"), "{stdout}");
    assert!(stdout.contains("1 file left out"), "the failures file: {stdout}");
    let (own, copied) = (desk.results("out"), desk.results("copy"));
    for (own, copied) in own.iter().zip(&copied) {
        for key in ["row", "line", "status", "operation", "attempts", "httpStatus", "finishedAt"] {
            assert_eq!(own[key], copied[key], "{key}");
        }
        assert_eq!(own["error"]["code"], copied["error"]["code"]);
        assert_eq!(own["error"]["kind"], copied["error"]["kind"]);
        assert_eq!(own["requests"], copied["requests"]);
    }
    assert_eq!(copied[0]["loginId"], copied[3]["loginId"], "the same user, the same pseudonym");
    assert_ne!(copied[0]["loginId"], copied[1]["loginId"]);
    assert_eq!(copied[0]["user"]["phone"], copied[0]["changes"][0]["set"]);
    desk.go(&["redact", "out", "-o", "again"], 0);
    assert_ne!(desk.results("again")[0]["loginId"], copied[0]["loginId"], "another key");
    let (story, _) = desk.go(&["explain", "copy", "1"], 0);
    assert!(story.contains("phone becomes +000") && story.contains("before the run"), "{story}");
    desk.go(&["report", "copy", "-o", "page.html"], 0);
    let page = fs::read_to_string(desk.path("page.html")).unwrap();
    assert!(page.contains("4 rows read = 2 updated + 1 invalid + 1 rejected ✓"), "{page}");
    assert!(page.contains("2 rows, each compared with the user as it was before."), "{page}");
    let runs = listed(&desk, &["--runs-dir", "."]);
    let run = of(&runs, "copy");
    assert_eq!((&run["state"], &run["redacted"]), (&json!("complete"), &json!(true)));
    for words in [&["undo", "copy", "-o", "u.jsonl"][..], &["verify", "copy"], &["absent", "copy"]]
    {
        let (_, stderr) = desk.go(words, 2);
        assert!(stderr.contains("copy is a redacted copy"), "{stderr}");
    }
    let (_, stderr) = desk.go(&["redact", "out", "-o", "copy"], 2);
    assert!(stderr.contains("not empty"), "{stderr}");
}

#[test]
fn what_cannot_be_copied_is_refused_and_a_folder_of_the_users_stays() {
    let desk = desk();
    desk.go(&["run", "in.csv", "--out", "out"], 1);
    desk.write("out/summary.json", "{");
    fs::create_dir(desk.path("empty")).unwrap();
    for copy in ["empty", "new"] {
        let (_, stderr) = desk.go(&["redact", "out", "-o", copy], 2);
        assert!(stderr.contains("cannot read out/summary.json"), "{stderr}");
    }
    assert_eq!(fs::read_dir(desk.path("empty")).unwrap().count(), 0);
    assert!(!desk.path("new").exists());
}

#[test]
fn of_a_damaged_run_what_can_be_read_is_copied() {
    let desk = desk();
    desk.go(&["run", "in.csv", "--out", "out"], 1);
    let results = fs::read_to_string(desk.path("out/results.jsonl")).unwrap();
    desk.write("out/results.jsonl", &format!("ann@x.com\n{results}{{\"row\":5,\"loginId\":\"ann"));
    let (stdout, _) = desk.go(&["redact", "out", "-o", "copy"], 0);
    assert!(stdout.contains("3 rows") && stdout.contains("1 line could not be read"), "{stdout}");
    assert_eq!(desk.results("copy").len(), 3);
    fs::remove_file(desk.path("out/journal")).unwrap();
    let (_, stderr) = desk.go(&["redact", "out", "-o", "other"], 2);
    assert!(stderr.contains("damaged or gone"), "{stderr}");
    assert!(!desk.path("other").exists());
    desk.go(&["redact", "nowhere", "-o", "other"], 2);
}
