//! Rows that share calls.

use proptest::prelude::*;

use super::*;
use crate::rows::{Batching, Builder, Mapping};

/// A row of a user that sets some members of a patch.
fn patching(row: u64, user: &str, members: &str) -> Row {
    let mapping = Mapping { batching: Batching::All, ..Mapping::default() };
    let record = record(row);
    let mut builder = Builder::new(mapping, &[Arc::clone(&record.source)]).unwrap();
    let text = format!(r#"{{"operation":"patch","loginId":"{user}",{members}}}"#);
    let record = Record { content: Content::Object(text.into()), ..record };
    Row::Ready(Box::new(builder.build(record).unwrap()))
}

fn naming(row: u64, user: &str) -> Row {
    patching(row, user, r#""name":"A""#)
}

/// How many rows each user of each batch had, for rows and a window. The fake takes three
/// users in a call.
async fn packed(rows: Vec<Row>, window: usize) -> Vec<Vec<usize>> {
    let fake = Arc::new(Fake::default());
    let read = rows.len() as u64;
    let (tally, _) = run(Arc::clone(&fake), rows, window, Stop::default()).await;
    assert_eq!(tally.updated, read);
    fake.packed.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_when_it_is_full_and_at_the_end_of_the_input() {
    let rows = (1..=7).map(|row| naming(row, &row.to_string())).collect();
    assert_eq!(packed(rows, 100).await, [vec![1; 3], vec![1; 3], vec![1]]);
    assert_eq!(packed(vec![naming(1, "a")], 100).await, [[1]]);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_full_of_rows_before_it_is_full_of_users() {
    let members = [
        r#""name":"A""#,
        r#""givenName":"A""#,
        r#""middleName":"A""#,
        r#""familyName":"A""#,
        r#""picture":"http://x/a""#,
        r#""status":"enabled""#,
        r#""roleNames":[]"#,
        r#""ssoAppIds":["S"]"#,
        r#""additionalIdentifiers":["z"]"#,
        r#""email":"a@x.com","verifiedEmail":true"#,
        r#""phone":"+14155550123","verifiedPhone":true"#,
        r#""recoveryEmail":"a@x.com","verifiedRecoveryEmail":true"#,
    ];
    let mut rows: Vec<Row> =
        (1..).zip(members).map(|(row, members)| patching(row, "a", members)).collect();
    rows.push(naming(13, "b"));
    rows.push(naming(14, "c"));
    assert_eq!(packed(rows, 100).await, [vec![12], vec![1, 1]]);
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_when_the_window_is_full_and_nothing_is_on_the_wire() {
    // All wait for the first, which waits for a third user who cannot come in.
    let rows = (1..=200).map(|row| naming(row, "a")).collect();
    let packed = packed(rows, 5).await;
    assert_eq!(packed, vec![[1]; 200]);
}

#[tokio::test(start_paused = true)]
async fn rows_of_one_user_share_a_patch_where_they_follow_each_other_and_differ() {
    let (name, picture, status) =
        (r#""name":"A""#, r#""picture":"http://x/a""#, r#""status":"enabled""#);
    for (case, rows, expected) in [
        ("they differ", vec![("a", name), ("b", name), ("a", picture)], vec![vec![2, 1]]),
        ("they set the same", vec![("a", name), ("a", name)], vec![vec![1], vec![1]]),
        (
            "another is between them",
            vec![("a", name), ("a", name), ("a", picture)],
            vec![vec![1], vec![1], vec![1]],
        ),
        (
            "a third sets what the second does",
            vec![("a", name), ("a", picture), ("a", status), ("a", picture)],
            vec![vec![3], vec![1]],
        ),
    ] {
        let rows = (1..).zip(rows).map(|(row, (user, members))| patching(row, user, members));
        assert_eq!(packed(rows.collect(), 100).await, expected, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_rows_that_name_the_user_alike_share_a_patch() {
    // Whether the server takes both for one user is for the server to say.
    let rows = vec![naming(1, "a"), patching(2, "A", r#""picture":"http://x/a""#)];
    assert_eq!(packed(rows, 100).await, [[1], [1]]);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_goes_alone_is_in_no_packed_call() {
    let picture = |row, user| patching(row, user, r#""picture":"http://x/a""#);
    let mut rows = vec![naming(1, "a"), picture(2, "b"), picture(3, "a"), ready(4, 7)];
    for row in &mut rows[1..=2] {
        if let Row::Ready(instruction) = row
            && let Some(batch) = &mut instruction.batch
        {
            batch.alone = true;
        }
    }
    assert_eq!(packed(rows, 100).await, [[1]]);
}

#[derive(Clone, Debug)]
struct Plan {
    /// User, members of the patch, and whether the row may share a call.
    rows: Vec<(usize, usize, bool)>,
    delays: Vec<u64>,
    failing: HashSet<u64>,
    turns: Vec<Turn>,
    window: usize,
    drain: Option<u64>,
}

const USERS: [&str; 4] = ["a", "b", "c", "d"];

/// Some of these give a user a name, which may be another's.
const MEMBERS: [&str; 6] = [
    r#""name":"A""#,
    r#""picture":"http://x/a""#,
    r#""name":"A","status":"enabled""#,
    r#""additionalIdentifiers":["b"]"#,
    r#""email":"c@x.com","verifiedEmail":true"#,
    r#""givenName":"A","roleNames":[]"#,
];

fn plan() -> impl Strategy<Value = Plan> {
    let row = (0..USERS.len(), 0..MEMBERS.len(), prop::bool::weighted(0.8));
    let turn = prop_oneof![Just(Turn::Done), Just(Turn::Halves), Just(Turn::Apart)];
    (
        prop::collection::vec(row, 1..60),
        prop::collection::vec(0u64..40, 60),
        prop::collection::hash_set(1u64..60, 0..20),
        prop::collection::vec(turn, 0..20),
        1usize..20,
        prop::option::of(0u64..200),
    )
        .prop_map(|(rows, delays, failing, turns, window, drain)| Plan {
            rows,
            delays,
            failing,
            turns,
            window,
            drain,
        })
}

impl Plan {
    fn rows(&self) -> Vec<Row> {
        let row = |(number, (user, members, packs)): (u64, &(usize, usize, bool))| {
            let mut row = patching(number, USERS[*user], MEMBERS[*members]);
            if let (Row::Ready(instruction), false) = (&mut row, *packs) {
                instruction.batch = None;
            }
            row
        };
        (1..).zip(&self.rows).map(row).collect()
    }

    /// What becomes of the rows: the counts, and those that ended, in their order.
    fn run(&self) -> (Tally, Vec<u64>) {
        let fake = Fake {
            delays: (1..)
                .zip(&self.delays)
                .map(|(row, ms)| (row, Duration::from_millis(*ms)))
                .collect(),
            failing: self.failing.clone(),
            turns: Mutex::new(self.turns.clone()),
            ..Fake::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let stop = Stop::default();
            let later = stop.clone();
            let drain = self.drain;
            tokio::spawn(async move {
                if let Some(ms) = drain {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    later.drain(StopReason::Interrupted);
                }
            });
            run(Arc::new(fake), self.rows(), self.window, stop).await
        })
    }
}

proptest! {
    /// Whatever shares a call, whatever becomes of it and whenever the run stops: no row ends
    /// twice, each user's rows end in their order and none is passed over, and only a stop
    /// leaves rows undone. That no two rows of one user are at work at once is seen by the fake,
    /// that the totals add up by `run`.
    #[test]
    fn each_row_ends_once_and_in_its_order(plan in plan()) {
        let (tally, ended) = plan.run();
        let once: HashSet<u64> = ended.iter().copied().collect();
        prop_assert_eq!(once.len(), ended.len(), "a row ended twice");
        for user in 0..USERS.len() {
            let of_user = |row: &u64| plan.rows[usize::try_from(*row).unwrap() - 1].0 == user;
            let all: Vec<u64> = (1..=plan.rows.len() as u64).filter(of_user).collect();
            let ended: Vec<u64> = ended.iter().copied().filter(of_user).collect();
            prop_assert!(all.starts_with(&ended), "{ended:?} of {all:?}");
        }
        if plan.drain.is_none() && tally.failed() <= 2 {
            prop_assert_eq!(ended.len(), plan.rows.len());
        }
    }
}
