//! What the files of a run hold: how much of users, in which form, and for which program.

use serde_json::{Value, json};

use crate::support::{Desk, new_names};

/// Users `u0`, `u1`, … of a desk.
fn users(number: usize) -> Vec<Value> {
    let user = |n: usize| {
        json!({
            "userId": format!("U2{n:0>26}"),
            "loginIds": [format!("u{n}@x.com")],
            "email": format!("u{n}@x.com"),
            "givenName": "Old",
            "roleNames": ["a"],
            "createdTime": 1,
        })
    };
    (0..number).map(user).collect()
}

#[test]
fn ids_are_enough_to_name_users_and_to_take_a_run_back() {
    let desk = Desk::new(&users(4), &[]);
    let rows = "operation,loginId,givenName,roleNames\npatch,u0@x.com,New,\npatch,u0@x.com,Newer,\n\
                role-add,u1@x.com,,b\ndelete,u2@x.com,,\ncreate,new@x.com,Made,\n";
    desk.write("in.csv", rows);
    let before = desk.simulator.users();
    let words = ["run", "in.csv", "--out", "out", "--keep-users", "ids", "--allow-destructive"];
    desk.go(&[&words[..], &["--max-deletes", "1"]].concat(), 0);
    for line in desk.results("out") {
        assert_eq!(line["userKept"], "ids", "{line}");
        let keys: Vec<_> = line["user"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["userId", "loginIds"], "{line}");
    }
    // Users as they were are not affected.
    assert!(desk.read("out/before.jsonl").contains("\"givenName\":\"Old\""));
    let verified = desk.json(&["verify", "out"], 0);
    assert_eq!((&verified["users"], &verified["asWritten"]), (&json!(4), &json!(4)));
    let (told, _) = desk.go(&["explain", "out", "1"], 0);
    assert!(told.contains("the IDs were kept only"), "{told}");
    desk.go(&["report", "out", "-o", "page.html"], 0);
    // Who was deleted can only be created anew.
    let (shown, _) = desk.go(&["undo", "out", "-o", "undo.jsonl"], 1);
    assert!(shown.contains("4  can be restored"), "{shown}");
    assert!(shown.contains("1  can only be created anew"), "{shown}");
    let words = ["run", "undo.jsonl", "--out", "back", "--allow-destructive"];
    desk.go(&[&words[..], &["--max-deletes", "1"]].concat(), 0);
    let after = desk.simulator.users();
    assert_eq!(after.len(), before.len());
    for id in before.keys().filter(|id| **id != format!("U2{:0>26}", 2)) {
        for key in ["givenName", "roleNames", "loginIds"] {
            assert_eq!(after[id][key], before[id][key], "{id}");
        }
    }
}

#[test]
fn where_ids_only_were_kept_changes_of_others_are_still_seen() {
    let desk = Desk::new(&users(2), &[]);
    desk.write("in.csv", "loginId,givenName\nu0@x.com,New\nu1@x.com,New\n");
    desk.go(&["run", "in.csv", "--out", "out", "--keep-users", "ids"], 0);
    desk.write("else.csv", "loginId,givenName\nu0@x.com,Else\n");
    desk.go(&["run", "else.csv", "--out", "else"], 0);
    let verified = desk.json(&["verify", "out"], 1);
    assert_eq!((&verified["asWritten"], &verified["changedSince"]), (&json!(1), &json!(1)));
    let (shown, _) = desk.go(&["undo", "out", "-o", "undo.jsonl"], 1);
    assert!(shown.contains("1  changed by somebody else since"), "{shown}");
    // Without before-images nobody knows.
    desk.write("roles.csv", "operation,loginId,roleNames\nrole-add,u0@x.com,b\n");
    let words = ["run", "roles.csv", "--out", "bare", "--keep-users", "ids", "--no-keep-before"];
    desk.go(&words, 0);
    let (shown, _) = desk.go(&["verify", "bare", "--all"], 1);
    assert!(shown.contains("the run kept IDs only"), "{shown}");
    let (shown, _) = desk.go(&["undo", "bare", "-o", "bare.jsonl"], 1);
    assert!(shown.contains("how the user was before was not kept"), "{shown}");
}

#[test]
fn a_run_that_kept_no_users_says_what_cannot_be_done() {
    let desk = Desk::new(&users(2), &[]);
    desk.write("in.csv", "loginId,givenName\nu0@x.com,New\nu9@x.com,New\n");
    desk.go(&["run", "in.csv", "--out", "out", "--keep-users", "none"], 1);
    let results = desk.results("out");
    assert!(results.iter().all(|line| line["user"].is_null()), "{results:?}");
    assert_eq!((&results[0]["userKept"], &results[1]["userKept"]), (&json!("none"), &json!(null)));
    let (shown, _) = desk.go(&["undo", "out", "-o", "undo.jsonl"], 1);
    assert!(shown.contains("cannot be restored") && shown.contains("--keep-users none"), "{shown}");
    for words in [&["verify", "out"][..], &["absent", "out", "-o", "absent.jsonl"]] {
        let (_, said) = desk.go(words, 2);
        assert!(said.contains("--keep-users none"), "{words:?}: {said}");
    }
    let (told, _) = desk.go(&["explain", "out", "1"], 0);
    assert!(told.contains("the user was not kept"), "{told}");
    desk.go(&["report", "out", "-o", "page.html"], 0);
}

#[test]
fn packed_results_are_read_by_all_commands_and_by_zstd() {
    let desk = Desk::new(&users(300), &[]);
    desk.write("in.csv", &(new_names(300) + "nobody@x.com,New\n"));
    desk.go(&["run", "in.csv", "--out", "out", "--compress-results"], 1);
    assert!(!desk.path("out/results.jsonl").exists());
    let packed = std::fs::read(desk.path("out/results.jsonl.zst")).unwrap();
    let text = zstd::stream::decode_all(packed.as_slice()).unwrap();
    let lines = text.split_inclusive(|byte| *byte == b'\n').count();
    assert_eq!((lines, desk.results("out").len()), (301, 301));
    assert!(packed.len() * 5 < text.len(), "{} of {}", packed.len(), text.len());
    let summary: Value = serde_json::from_str(&desk.read("out/summary.json")).unwrap();
    assert!(summary["files"]["results"].as_str().unwrap().ends_with("out/results.jsonl.zst"));
    assert_eq!(desk.json(&["verify", "out"], 0)["asWritten"], 300);
    let (told, _) = desk.go(&["explain", "out", "301"], 0);
    assert!(told.contains("user_not_found"), "{told}");
    desk.go(&["report", "out", "-o", "page.html"], 0);
    desk.go(&["absent", "out", "-o", "absent.jsonl"], 0);
    desk.go(&["undo", "out", "-o", "undo.jsonl"], 0);
    desk.go(&["run", "undo.jsonl", "--out", "back"], 0);
    assert!(desk.simulator.users().values().all(|user| user["givenName"] == "Old"));
}

#[test]
fn a_resumed_run_goes_on_in_the_form_in_which_it_was_begun() {
    for (first, later, name) in [
        (&["--compress-results"][..], &[][..], "results.jsonl.zst"),
        (&[], &["--compress-results", "--keep-users", "none"], "results.jsonl"),
    ] {
        let desk = Desk::new(&users(6), &["--fault", "401:after=3,times=1"]);
        desk.write("in.csv", &new_names(6));
        let words = ["run", "in.csv", "--out", "out", "--concurrency", "1", "--resume"];
        desk.go(&[&words[..], first].concat(), 3);
        assert_eq!(desk.results("out").len(), 2);
        desk.go(&[&words[..], later].concat(), 0);
        assert_eq!(desk.results("out").len(), 6);
        let of_results = |name: &String| name.starts_with("results.");
        let files = std::fs::read_dir(desk.path("out")).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        assert_eq!(names.filter(of_results).collect::<Vec<_>>(), [name]);
    }
}
