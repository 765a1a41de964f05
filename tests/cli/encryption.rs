//! Files of runs that only their recipients can read.

#[cfg(feature = "encryption")]
use std::fs;

use crate::past::desk;

#[cfg(not(feature = "encryption"))]
#[test]
fn a_build_without_encryption_says_so_before_anything_is_sent() {
    let desk = desk();
    let recipient = "age1ca4y50kssl9statm4jfs8dvdyyvhe765jdae04ya69c72wtq8qwqdj5ggj";
    let (_, told) = desk.go(&["run", "in.csv", "--encrypt-to", recipient], 2);
    assert!(told.contains("this build has no encryption"), "{told}");
}

#[cfg(feature = "encryption")]
mod encrypted {
    use super::*;
    use crate::support::{Desk, signal, wait_until};

    /// Keys that were made for this test.
    const RECIPIENT: &str = "age1ca4y50kssl9statm4jfs8dvdyyvhe765jdae04ya69c72wtq8qwqdj5ggj";
    const IDENTITY: &str =
        "AGE-SECRET-KEY-1JJGWQMFSWTWGY54UFH5AG299Z9GYV83HA8XFH6ZAMYDHD3U96TYSWFMZAU";
    const OTHER: &str =
        "AGE-SECRET-KEY-1MRS6H4UARHYEV8LF2KA4FV9YAK70525N89CCX2CEYNQQKD5GMFDSDS2JCG";

    fn keys(desk: &Desk) {
        desk.write("key", &format!("# a key\n{IDENTITY}\n"));
        desk.write("other", OTHER);
        desk.write("recipients", &format!("# nightly\n{RECIPIENT}\n"));
    }

    #[test]
    fn nobody_reads_them_but_the_recipient_and_the_copy_is_as_good_as_the_run() {
        let desk = desk();
        keys(&desk);
        for (out, more) in [("plain", ""), ("packed", "--compress-results")] {
            let mut words = vec!["run", "in.csv", "--out", out, "--encrypt-to", "recipients"];
            words.extend(Some(more).filter(|more| !more.is_empty()));
            desk.go(&words, 1);
            for entry in fs::read_dir(desk.path(out)).unwrap() {
                let path = entry.unwrap().path();
                let bytes = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                assert!(
                    !bytes.contains("ann@x.com") && !bytes.contains("nobody@x.com"),
                    "{path:?}"
                );
            }
            for command in [&["report", out, "-o", "p.html"][..], &["undo", out, "-o", "u.jsonl"]] {
                let (_, told) = desk.go(command, 2);
                assert!(told.contains("the results are encrypted"), "{told}");
            }
            desk.go(&["verify-files", out], 0);
            let open = format!("{out}-open");
            let (_, told) = desk.go(&["decrypt", out, "--identity", "other", "-o", &open], 2);
            assert!(told.contains(".age: "), "{told}");
            assert!(!desk.path(&open).exists(), "no half copy");
            let empty = format!("{out}-empty");
            fs::create_dir(desk.path(&empty)).unwrap();
            let (_, told) = desk.go(&["redact", out, "-o", &empty], 2);
            assert!(told.contains("the results are encrypted"), "{told}");
            desk.go(&["decrypt", out, "--identity", "other", "-o", &empty], 2);
            let left = fs::read_dir(desk.path(&empty)).unwrap();
            assert_eq!(left.count(), 0, "a folder of the user's stays");
            desk.go(&["decrypt", out, "--identity", "key", "-o", &open], 0);
            let failures = fs::read_to_string(desk.path(&open).join("failures.csv")).unwrap();
            assert!(failures.contains("nobody@x.com"), "{failures}");
            let (told, _) = desk.go(&["explain", &open, "3"], 0);
            assert!(told.contains("nobody@x.com"), "{told}");
            desk.go(&["undo", &open, "-o", &format!("{out}-undo.jsonl")], 0);
        }
    }

    #[test]
    fn a_secret_key_in_place_of_a_recipient_is_refused_and_never_shown() {
        let desk = desk();
        desk.write("secrets", &format!("# the wrong half\n{IDENTITY}\n"));
        for wrong in [IDENTITY, &IDENTITY.to_lowercase(), "secrets"] {
            let (_, told) = desk.go(&["run", "in.csv", "--encrypt-to", wrong], 2);
            let expected = "expected a recipient (age1…), not a secret key";
            assert!(told.contains(expected), "{told}");
            let shown = told.to_uppercase();
            assert!(!shown.contains("AGE-SECRET-KEY") && !shown.contains("JJGW"), "{told}");
        }
    }

    #[test]
    fn a_run_that_is_killed_is_resumed_with_the_same_recipients_only() {
        let desk = desk();
        keys(&desk);
        let rows: String = (0..3_000).fold("loginId,name\n".to_owned(), |rows, n| {
            rows + if n % 2 == 0 { "ann@x.com" } else { "ben@x.com" } + &format!(",N{n}\n")
        });
        desk.write("many.csv", &rows);
        let named = ["run", "many.csv", "--resume", "--out", "kept"];
        let words = [&named[..], &["--rate", "500/s", "--encrypt-to", RECIPIENT]].concat();
        let mut running = desk.command(&words).spawn().unwrap();
        let journal = || fs::read_to_string(desk.path("kept/journal")).ok();
        wait_until("rows are recorded", || journal().is_some_and(|text| text.lines().count() > 4));
        signal(&running, "KILL");
        running.wait().unwrap();
        let (_, told) = desk.go(&named, 2);
        assert!(told.contains("begun with --encrypt-to"), "{told}");
        desk.go(&words, 0);
        desk.go(&["verify-files", "kept"], 0);
        desk.go(&["decrypt", "kept", "--identity", "key", "-o", "open"], 0);
        let results = fs::read_to_string(desk.path("open/results.jsonl")).unwrap();
        assert_eq!(results.lines().count(), 3_000);
    }

    #[test]
    fn what_would_not_be_encrypted_is_refused() {
        let desk = desk();
        for (words, told) in [
            (&["run", "in.csv", "--encrypt-to", "age1nobody"][..], "is not an age recipient"),
            (&["run", "in.csv", "--encrypt-to", "nowhere"], "neither a recipient"),
            (&["run", "in.csv", "--encrypt-to", RECIPIENT, "--results", "csv"], "omit it, or"),
            (&["run", "-", "--encrypt-to", RECIPIENT], "name a file, or omit --encrypt-to"),
            (&["run", "in.csv", "--encrypt-to", RECIPIENT, "--report", "r.html"], "omit --report"),
        ] {
            let (_, said) = desk.go(words, 2);
            assert!(said.contains(told), "{words:?}: {said}");
        }
    }
}
