//! The printed summary.

use std::path::PathBuf;

use super::summary;
use crate::outcome::Tally;
use crate::report::{Look, print_summary};
use crate::store::summary::{FailureCause, Stopped, Summary, Waited};

fn printed(summary: &Summary, color: bool) -> String {
    let mut out = Vec::new();
    print_summary(&mut out, summary, Look { color, ..Look::default() }).unwrap();
    String::from_utf8(out).unwrap()
}

fn reason(code: Option<&str>, count: u64, message: &str) -> FailureCause {
    FailureCause {
        kind: code.map_or("missing_value", |_| "user_\u{1b}[2Jnot_found").to_owned(),
        code: code.map(str::to_owned),
        count,
        first: "users.csv:14 (row 13)".to_owned(),
        message: code.is_none().then(|| message.to_owned()),
        hint: code.is_none().then(|| "fill it in".to_owned()),
    }
}

fn mixed() -> Summary {
    let mut mixed = summary();
    mixed.tally = Tally {
        left_out: 0,
        read: 1500,
        updated: 1460,
        created: 0,
        deleted: 0,
        unchanged: 10,
        invalid: 6,
        drifted: 0,
        rejected: 20,
        gave_up: 3,
        unknown: 1,
        not_attempted: 0,
    };
    (mixed.calls, mixed.retries, mixed.rate_limited) = (1520, 20, 2);
    mixed.merge_allowed = 1;
    mixed.repairs = [("plus_restored".into(), 1200), ("zero_restored".into(), 3)].into();
    mixed.warnings = [("phone_not_in_use".into(), 2)].into();
    mixed.waited = Waited { limit_ms: 62_000, cool_down_ms: 60_000, back_off_ms: 340, held_ms: 0 };
    mixed.reasons =
        vec![reason(Some("E112102"), 20, "no such\x1b[2J user"), reason(None, 6, "no phone")];
    mixed.files.failures =
        vec![PathBuf::from("runs/a/failures.csv"), PathBuf::from("my runs/failures-2.jsonl")];
    mixed
}

fn stopped() -> Summary {
    let mut stopped = summary();
    stopped.simulated = true;
    stopped.tally =
        Tally { read: 40_000, updated: 1, gave_up: 9, not_attempted: 39_990, ..Tally::default() };
    stopped.complete = false;
    stopped.stopped = Some(Stopped {
        reason: "max_failures".to_owned(),
        message: "9 rows failed, and --max-failures is 9".to_owned(),
        hint: Some("fix the mapping".to_owned()),
        resume: Some("descope-bulk run --resume users.csv".to_owned()),
    });
    stopped.files.failures = vec![PathBuf::from("runs/a/failures.csv")];
    stopped
}

#[test]
fn a_clean_run() {
    assert_eq!(
        printed(&summary(), false),
        "\
done: nothing failed

       1,480  updated        the server changed the user
          20  unchanged      there was nothing to do

total: 1,500 rows read = 1,480 updated + 20 unchanged ✓

time: 3m 45s, 1,480 calls
results:  runs/users-20261124T030000Z/results.jsonl
"
    );
}

#[test]
fn a_mixed_run() {
    assert_eq!(
        printed(&mixed(), false),
        "\
finished: 30 rows failed

       1,460  updated        the server changed the user
          10  unchanged      there was nothing to do
           6  invalid        the row is wrong; nothing was sent
          20  rejected       the server said no; sending it again will not help
           3  gave up        retries are used up; it could work another time
           1  unknown        sent, but without a trustworthy answer: it may have been applied

total: 1,500 rows read = 1,460 updated + 10 unchanged + 6 invalid + 20 rejected + 3 gave up + 1 unknown ✓

why rows failed:
          20  user_ [2Jnot_found (E112102); first at users.csv:14 (row 13)
           6  missing_value: no phone; first at users.csv:14 (row 13)
              fill it in

values repaired:
       1,200  plus_restored
           3  zero_restored

values that may be wrong:
           2  phone_not_in_use

time: 3m 45s, 1,520 calls (20 sent again, 2 refused by the rate limit)
waited: 1m 2s for the limit, 1m for pauses that the server asked for, 340ms before sending again, added up over rows
1 row sent with permission to merge users (--on-conflict merge); 0 merged another user
results:  runs/users-20261124T030000Z/results.jsonl
failures: runs/a/failures.csv
failures: my runs/failures-2.jsonl

next: look at the unknown rows' users, correct the failed rows and run them again, with the same options as before:
  descope-bulk run runs/a/failures.csv 'my runs/failures-2.jsonl'
"
    );
}

#[test]
fn a_stopped_run() {
    let text = printed(&stopped(), false);
    assert!(text.starts_with(
        "SIMULATED: no real user was touched\n\
         stopped early: 9 rows failed, and --max-failures is 9\n"
    ));
    assert!(text.contains("\n      39,990  not attempted  not finished"), "{text}");
    assert!(
        text.contains(
            "= 1 updated + 9 gave up + 39,990 not attempted ✓; the run is not complete\n"
        ),
        "{text}"
    );
    assert!(text.ends_with(
        "\nfirst: fix the mapping\n\nto resume:\n  descope-bulk run --resume users.csv\n"
    ));
}

#[test]
fn books_that_do_not_close_are_said_so() {
    let mut broken = summary();
    broken.tally.read += 1;
    broken.balanced = broken.tally.balances();
    let text = printed(&broken, false);
    assert!(text.contains("1,501 rows read ≠ 1,480 updated + 20 unchanged ✗"), "{text}");
    assert!(text.contains("fault of descope-bulk"), "{text}");
    let empty = printed(&Summary { tally: Tally::default(), ..summary() }, false);
    assert!(empty.contains("total: 0 rows read = 0 ✓"), "{empty}");
}

#[test]
fn reasons_beyond_five_are_counted() {
    let mut many = mixed();
    many.reasons = (0..7).map(|_| reason(None, 1, "x")).collect();
    let text = printed(&many, false);
    assert_eq!(text.matches("missing_value").count(), 5);
    assert!(text.contains("and 2 other reasons\n"), "{text}");
}

#[test]
fn color_only_when_asked_for_and_one_screen_always() {
    for summary in [summary(), mixed(), stopped()] {
        let plain = printed(&summary, false);
        assert!(!plain.contains('\x1b'));
        assert!(plain.lines().count() <= 40);
        let colored = printed(&summary, true);
        assert!(colored.contains('\x1b'));
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
    }
}

#[test]
fn sentences_are_wrapped_between_words_and_commands_stay_whole() {
    let mut summary = mixed();
    summary.next = Some(format!("descope-bulk run failures.csv {}", "--ignore office ".repeat(9)));
    let mut out = Vec::new();
    let look = Look { color: true, columns: Some(60), links: false };
    print_summary(&mut out, &summary, look).unwrap();
    let text = String::from_utf8(out).unwrap();
    let long: Vec<_> =
        text.lines().filter(|line| textwrap::core::display_width(line) > 60).collect();
    assert!(long.iter().all(|line| line.starts_with("  descope-bulk run")), "{long:?}");
    let whole = printed(&summary, true);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&text), words(&whole));
}
