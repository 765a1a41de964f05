use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const LIMIT: Limit = Limit { requests: 3, window: MINUTE };

/// A moment that is not at the beginning of time, and seconds behind it.
fn at(seconds: u64) -> Moment {
    Duration::from_secs(10_000 + seconds)
}

fn request(process: u32, number: u64) -> RequestId {
    RequestId { process, number }
}

fn take(
    state: &mut LimiterState,
    limit: Limit,
    request: RequestId,
    now: Moment,
) -> Result<(), Wait> {
    state.tidy(now, &|process| process != 666);
    state.take("users", limit, false, request, now)
}

#[test]
fn processes_keep_one_limit_together() {
    let mut state = LimiterState::default();
    for (process, number) in [(1, 0), (2, 0), (2, 1)] {
        assert_eq!(take(&mut state, LIMIT, request(process, number), at(0)), Ok(()));
    }
    let next = request(1, 1);
    assert_eq!(take(&mut state, LIMIT, next, at(0)), Err(Wait::Full(None)), "all on the wire");
    state.reply("users", request(2, 0), at(1));
    assert_eq!(take(&mut state, LIMIT, next, at(60)), Err(Wait::Full(Some(at(61)))));
    assert_eq!(take(&mut state, LIMIT, next, at(61)), Ok(()), "a window after the reply");
    assert_eq!(state.take("search", LIMIT, false, request(1, 9), at(61)), Ok(()), "another class");
}

#[test]
fn a_process_that_dies_gives_back_what_it_held() {
    let mut state = LimiterState::default();
    for number in 0..3 {
        assert_eq!(take(&mut state, LIMIT, request(666, number), at(0)), Ok(()));
    }
    assert!(take(&mut state, LIMIT, request(1, 0), at(1)).is_err(), "it is noticed here");
    assert_eq!(take(&mut state, LIMIT, request(1, 0), at(61)), Ok(()));
}

#[test]
fn requests_follow_each_other_evenly_whoever_sends_them() {
    let limit = Limit { requests: 60, window: MINUTE };
    let mut state = LimiterState::default();
    let mut take =
        |process, is_paced, now| state.take("users", limit, is_paced, request(process, 0), now);
    assert_eq!(take(1, true, at(0)), Ok(()));
    assert_eq!(take(2, true, at(0)), Err(Wait::Pace(at(1))));
    assert_eq!(take(2, true, at(1)), Ok(()));
    assert_eq!(take(3, false, at(1)), Ok(()), "a small job");
    assert_eq!(take(4, true, at(3_000)), Ok(()));
    assert_eq!(take(5, true, at(3_000)), Err(Wait::Pace(at(3_001))), "a rest saves nothing up");
}

#[test]
fn a_pause_is_kept_by_all_and_a_clock_set_back_ends_it() {
    let mut state = LimiterState::default();
    state.close_until(at(60));
    state.close_until(at(10));
    assert_eq!(take(&mut state, LIMIT, request(1, 0), at(0)), Err(Wait::Closed(at(60))));
    assert_eq!(take(&mut state, LIMIT, request(1, 0), at(60)), Ok(()));
    state.close_until(at(30 * 24 * 60 * 60));
    assert_eq!(take(&mut state, LIMIT, request(1, 1), at(60)), Ok(()));
}

#[test]
fn the_longest_pause_is_kept() {
    let mut state = LimiterState::default();
    state.close_until(at(0) + LONGEST_PAUSE);
    let closed = Err(Wait::Closed(at(0) + LONGEST_PAUSE));
    assert_eq!(take(&mut state, LIMIT, request(1, 0), at(0)), closed);
}

/// The even pace looks at a clock that may have been set back since.
#[test]
fn a_clock_set_back_holds_the_next_request_up_for_a_window_at_most() {
    let limit = Limit { requests: 60, window: MINUTE };
    let paced = |state: &mut LimiterState, number, now| {
        state.tidy(now, &|_| true);
        state.take("users", limit, true, request(1, number), now)
    };
    let mut state = LimiterState::default();
    assert_eq!(paced(&mut state, 0, at(9_000)), Ok(()));
    // What was on the wire then counts for a window from now on.
    let Err(Wait::Pace(due)) = paced(&mut state, 1, at(0)) else { panic!("too early") };
    assert!(due > at(0) && due <= at(60), "{due:?}");
    assert_eq!(paced(&mut state, 1, due), Ok(()));
    // In the other order it is due when it was.
    let Err(Wait::Pace(next)) = paced(&mut state, 2, due) else { panic!("too early") };
    assert_eq!(next, due + Duration::from_secs(1));
}

#[test]
fn each_refusal_yields_more_and_what_was_long_ago_does_not_count() {
    let limit = Limit { requests: 100, window: MINUTE };
    let left = |state: &LimiterState| state.classes["users"].left.map(|(left, _)| left);
    let mut state = LimiterState::default();
    for number in 0..50 {
        assert_eq!(take(&mut state, limit, request(1, number), at(0)), Ok(()));
        state.reply("users", request(1, number), at(0));
    }
    let mut later = state.clone();
    state.yields("users", limit, at(1));
    state.yields("users", limit, at(1));
    assert_eq!(left(&state), Some(40), "nine tenths of nine tenths of 50");
    later.yields("users", limit, at(3_600));
    assert_eq!(left(&later), Some(10), "nothing went through in the last window");
}

#[test]
fn what_others_leave_is_known_to_all_and_to_those_that_come_later() {
    let limit = Limit { requests: 10, window: MINUTE };
    let mut state = LimiterState::default();
    for number in 0..8 {
        assert_eq!(take(&mut state, limit, request(666, number), at(0)), Ok(()));
    }
    state.yields("users", limit, at(0));
    let kept = serde_json::to_string(&state).unwrap();
    for (minutes, expected) in [(1, 8), (2, 9), (9, 10)] {
        let mut later = LimiterState::parse(&kept, at(0));
        later.tidy(at(0), &|_| false);
        let now = at(minutes * 60);
        let taken = (0..20).filter(|n| take(&mut later, limit, request(1, *n), now).is_ok());
        assert_eq!(taken.count(), expected, "after {minutes} minutes");
    }
}

#[test]
fn a_state_that_cannot_be_read_is_a_window_that_may_be_full() {
    assert_eq!(LimiterState::parse("", at(5)), LimiterState::default());
    let mut state = LimiterState::default();
    take(&mut state, LIMIT, request(1, 0), at(0)).unwrap();
    let whole = serde_json::to_string(&state).unwrap();
    assert_eq!(LimiterState::parse(&whole, at(5)), state);
    let newer = whole.replace("\"version\":2", "\"version\":3");
    assert_ne!(newer, whole);
    // As an earlier version wrote it.
    let earlier = r#"{"closed_until":0,"due":[0,0,0,0,0],"left":[null,null,null,null,null],"requests":[[0,7,0,0,60000000]]}"#;
    let cut_off = (1..whole.len()).map(|end| &whole[..end]);
    for text in cut_off.chain([&*newer, earlier]) {
        assert_eq!(LimiterState::parse(text, at(5)).closed_until, at(65), "{text}");
    }
}

/// What somebody does at some moment.
#[derive(Clone, Debug)]
enum Step {
    Take { process: u32, is_paced: bool },
    Reply { which: prop::sample::Index },
    Die { process: u32 },
    Yield,
    Pass { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..4_u32, any::<bool>()).prop_map(|(process, is_paced)| Step::Take { process, is_paced }),
        6 => any::<prop::sample::Index>().prop_map(|which| Step::Reply { which }),
        1 => (1..4_u32).prop_map(|process| Step::Die { process }),
        1 => Just(Step::Yield),
        6 => (0..2_000_u64).prop_map(|millis| Step::Pass { millis }),
    ]
}

proptest! {
    /// Whichever process takes, replies, dies or yields, and whether the state goes through a file on the
    /// way: in no window do more requests reach the server than the limit allows, wherever between
    /// its leaving and its reply each of them arrives.
    #[test]
    fn no_window_holds_more_than_the_limit(
        requests in 1..6_u32,
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let limit = Limit { requests, window: Duration::from_secs(1) };
        let (mut state, mut now, mut number) = (LimiterState::default(), at(0), 0);
        // When each left, and when its reply came.
        let mut sent: Vec<(RequestId, Moment, Option<Moment>)> = Vec::new();
        let mut dead: Vec<u32> = Vec::new();
        for step in steps {
            state = LimiterState::parse(&serde_json::to_string(&state).unwrap(), now);
            state.tidy(now, &|process| !dead.contains(&process));
            for (request, _, replied) in &mut sent {
                if dead.contains(&request.process) {
                    replied.get_or_insert(now);
                }
            }
            match step {
                Step::Take { process, is_paced } if !dead.contains(&process) => {
                    number += 1;
                    let request = request(process, number);
                    if state.take("users", limit, is_paced, request, now).is_ok() {
                        sent.push((request, now, None));
                    }
                }
                Step::Reply { which } if !sent.is_empty() => {
                    let index = which.index(sent.len());
                    let (request, _, replied) = &mut sent[index];
                    if replied.is_none() {
                        *replied = Some(now);
                        state.reply("users", *request, now);
                    }
                }
                Step::Die { process } => dead.push(process),
                Step::Yield => state.yields("users", limit, now),
                Step::Pass { millis } => now += Duration::from_millis(millis),
                Step::Take { .. } | Step::Reply { .. } => {}
            }
        }
        // Those that may have arrived in the window that begins as one of them leaves.
        for (_, begins, _) in &sent {
            let may_arrive = sent.iter().filter(|(_, left, replied)| {
                *left <= *begins && replied.is_none_or(|at| at + limit.window > *begins)
            });
            prop_assert!(may_arrive.count() <= requests as usize);
        }
    }
}
