use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::*;

fn limit(requests: u32, seconds: u64) -> Limit {
    Limit { requests, window: Duration::from_secs(seconds) }
}

fn gate(slots: usize, users: Limit) -> Gate {
    Gate::new(slots, &Rates { users: Some(users), lower: Vec::new() })
}

/// How a server counts requests against its limit.
#[derive(Clone, Copy, Debug)]
enum Counting {
    /// So many in each window of the clock, which begins anywhere.
    FixedWindow,
    /// So many in any window.
    SlidingLog,
    /// So many in this window of the clock and the part of the last one that is not a window ago,
    /// taken as even.
    SlidingCounter,
    /// A token for each, of which so many are there at most.
    TokenBucket,
    /// A bucket that runs out evenly and must not spill.
    LeakyBucket,
}

/// A server with a limit; what it refuses counts too, as with strict servers.
struct Server {
    counting: Counting,
    limit: Limit,
    /// Where its clock's windows begin.
    phase: Duration,
    start: Instant,
    arrivals: VecDeque<Instant>,
    /// Arrivals in the clock's last window and in this one.
    windows: (u64, u32, u32),
    /// What is in the bucket, and when that was so.
    level: (f64, Instant),
    refused: u32,
}

impl Server {
    fn new(counting: Counting, limit: Limit, phase: Duration) -> Self {
        let start = Instant::now();
        Self {
            counting,
            limit,
            phase,
            start,
            arrivals: VecDeque::new(),
            windows: (0, 0, 0),
            level: (0.0, start),
            refused: 0,
        }
    }

    fn arrive(&mut self) {
        let now = Instant::now();
        let over = match self.counting {
            Counting::SlidingLog => self.in_last_window(now) > f64::from(self.limit.requests),
            Counting::FixedWindow => self.in_clock_windows(now).1 > f64::from(self.limit.requests),
            Counting::SlidingCounter => {
                let (last, this, into) = self.in_clock_windows(now);
                last * (1.0 - into) + this > f64::from(self.limit.requests)
            }
            // What a bucket has lost of its tokens is what has not yet run out of the other.
            Counting::TokenBucket | Counting::LeakyBucket => {
                let (level, since) = self.level;
                let run_out = (now - since).as_secs_f64() * self.limit.per_second();
                self.level = ((level - run_out).max(0.0) + 1.0, now);
                self.level.0 > f64::from(self.limit.requests)
            }
        };
        self.refused += u32::from(over);
    }

    /// Arrivals in the window up to now, this one among them.
    fn in_last_window(&mut self, now: Instant) -> f64 {
        while self.arrivals.front().is_some_and(|first| *first + self.limit.window <= now) {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(now);
        f64::from(u32::try_from(self.arrivals.len()).unwrap())
    }

    /// Arrivals in the clock's last window and in this one, and how much of this one is over.
    fn in_clock_windows(&mut self, now: Instant) -> (f64, f64, f64) {
        let since = (now - self.start + self.phase).as_secs_f64() / self.limit.window.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small number"
        )]
        let window = since.floor() as u64;
        let (known, last, this) = self.windows;
        let (last, this) = match window - known {
            0 => (last, this),
            1 => (this, 0),
            _ => (0, 0),
        };
        self.windows = (window, last, this + 1);
        (f64::from(last), f64::from(this + 1), since.fract())
    }
}

/// Sends so many requests through a gate to a server, with random delays on the way there and
/// back; returns refusals and the time taken.
async fn drive(gate: Gate, server: Server, requests: u32, seed: u64) -> (u32, Duration) {
    gate.whole_job(u64::from(requests));
    let gate = Rc::new(gate);
    let server = Rc::new(RefCell::new(server));
    let rng = Rc::new(RefCell::new(fastrand::Rng::with_seed(seed)));
    let start = Instant::now();
    let tasks = tokio::task::LocalSet::new();
    for _ in 0..requests {
        let (gate, server, rng) = (Rc::clone(&gate), Rc::clone(&server), Rc::clone(&rng));
        tasks.spawn_local(async move {
            let _pass = gate.enter(RateClass::Users).await;
            let jitter = || Duration::from_millis(rng.borrow_mut().u64(0..200));
            tokio::time::sleep(jitter()).await;
            server.borrow_mut().arrive();
            tokio::time::sleep(jitter()).await;
        });
    }
    tasks.await;
    let refused = server.borrow().refused;
    (refused, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn no_server_refuses_however_it_counts_and_the_limit_is_used() {
    use Counting::{FixedWindow, LeakyBucket, SlidingCounter, SlidingLog, TokenBucket};
    const ROWS: u32 = 10_000;
    let limit = limit(500, 60);
    for counting in [FixedWindow, SlidingLog, SlidingCounter, TokenBucket, LeakyBucket] {
        for seed in 0..3 {
            let server = Server::new(counting, limit, Duration::from_secs(17 * seed));
            let (refused, elapsed) = drive(gate(64, limit.share(100)), server, ROWS, seed).await;
            assert_eq!(refused, 0, "{counting:?}, seed {seed}");
            let ideal = f64::from(ROWS) / limit.per_second();
            let used = ideal / elapsed.as_secs_f64();
            assert!(used > 0.985, "{counting:?}, seed {seed}: {used}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fits_into_one_window_goes_out_at_once() {
    let server = limit(500, 60);
    let sliding = Server::new(Counting::SlidingLog, server, Duration::ZERO);
    let (refused, elapsed) = drive(gate(64, server.share(100)), sliding, 499, 1).await;
    assert_eq!(refused, 0);
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn requests_on_the_wire_count() {
    let gate = gate(8, limit(2, 1));
    let first = gate.enter(RateClass::Users).await;
    let _second = gate.enter(RateClass::Users).await;
    let third = gate.enter(RateClass::Users);
    tokio::pin!(third);
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, &mut third).await.is_err(), "both are still on the wire");
    let replied = Instant::now();
    drop(first);
    let _third = third.await;
    assert_eq!(replied.elapsed(), Duration::from_secs(1), "a window after the reply");
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_is_closed_for_all_and_only_for_longer() {
    let gate = gate(8, limit(100, 1));
    gate.close_for(Duration::from_secs(60));
    gate.close_for(Duration::from_secs(10));
    assert_eq!(gate.cool_down(), Duration::from_secs(60));
    let start = Instant::now();
    drop(gate.enter(RateClass::Users).await);
    assert_eq!(start.elapsed(), Duration::from_secs(60));
    assert_eq!(gate.waits().cool_down(), Duration::from_secs(60));
    assert_eq!(gate.cool_down(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_cool_down_that_grows_while_one_waits_is_heeded() {
    let gate = gate(8, limit(100, 1));
    gate.close_for(Duration::from_secs(10));
    let start = Instant::now();
    let later = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        gate.close_for(Duration::from_secs(60));
    };
    tokio::join!(async { drop(gate.enter(RateClass::Users).await) }, later);
    assert_eq!(start.elapsed(), Duration::from_secs(65));
}

#[tokio::test(start_paused = true)]
async fn a_lower_limit_holds_besides_and_does_not_hold_up_others() {
    let rates =
        Rates { users: Some(limit(100, 60)), lower: vec![(RateClass::UsersUpdate, limit(1, 60))] };
    let gate = Gate::new(8, &rates);
    drop(gate.enter(RateClass::UsersUpdate).await);
    let start = Instant::now();
    let update = async {
        drop(gate.enter(RateClass::UsersUpdate).await);
        start.elapsed()
    };
    let other = async {
        drop(gate.enter(RateClass::Users).await);
        start.elapsed()
    };
    let (update, other) = tokio::join!(update, other);
    assert_eq!((update.as_secs(), other.as_secs()), (60, 0));
    assert_eq!(gate.allowed_per_second(RateClass::UsersUpdate), Some(1.0 / 60.0));
}

#[tokio::test(start_paused = true)]
async fn slots_bound_what_is_on_the_wire() {
    let gate = Gate::new(1, &Rates::default());
    let pass = gate.enter(RateClass::Users).await;
    let second = gate.enter(RateClass::Users);
    tokio::pin!(second);
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut second).await.is_err());
    drop(pass);
    second.await;
    assert_eq!(gate.allowed_per_second(RateClass::Users), None);
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_waiting_leaves_nothing_behind() {
    let gate = gate(1, limit(1, 60));
    drop(gate.enter(RateClass::Users).await);
    for _ in 0..3 {
        let wait = tokio::time::timeout(Duration::from_secs(1), gate.enter(RateClass::Users));
        assert!(wait.await.is_err());
    }
    let start = Instant::now();
    drop(gate.enter(RateClass::Users).await);
    assert_eq!(start.elapsed(), Duration::from_secs(57));
}

#[test]
fn a_share_is_never_the_whole_limit_and_never_nothing() {
    for (requests, percent, expected) in
        [(500, 100, 499), (500, 80, 400), (500, 200, 499), (1, 100, 1), (2, 10, 1), (10, 0, 1)]
    {
        assert_eq!(limit(requests, 60).share(percent).requests, expected);
    }
}

/// Rows that get through in an hour beside somebody who always sends 200 of the 500 a minute, to
/// a server that refuses everything for a minute once it has had too many.
async fn beside_another(gate: Gate) -> u32 {
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    let server =
        Rc::new(RefCell::new(Server::new(Counting::SlidingLog, limit(500, 60), Duration::ZERO)));
    let gate = Rc::new(gate);
    let through = Rc::new(RefCell::new((0, None::<Instant>)));
    let start = Instant::now();
    let tasks = tokio::task::LocalSet::new();
    let other = Rc::clone(&server);
    tasks.spawn_local(async move {
        while start.elapsed() < hour {
            tokio::time::sleep(minute / 200).await;
            other.borrow_mut().arrive();
        }
    });
    for _ in 0..32 {
        let (gate, server, through) = (Rc::clone(&gate), Rc::clone(&server), Rc::clone(&through));
        tasks.spawn_local(async move {
            while start.elapsed() < hour {
                let _pass = gate.enter(RateClass::Users).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
                let mut through = through.borrow_mut();
                let closed = through.1.is_some_and(|until| until > Instant::now());
                let before = server.borrow().refused;
                server.borrow_mut().arrive();
                if closed || server.borrow().refused > before {
                    let until = *through.1.get_or_insert(Instant::now() + minute);
                    let until =
                        if until > Instant::now() { until } else { Instant::now() + minute };
                    through.1 = Some(until);
                    gate.close_for(until - Instant::now());
                } else {
                    through.0 += 1;
                }
            }
        });
    }
    tasks.await;
    through.borrow().0
}

#[tokio::test(start_paused = true)]
async fn what_others_leave_is_found_and_taken() {
    let through = beside_another(gate(32, limit(400, 60))).await;
    // 300 a minute are free. Without yielding, 400 a minute are tried until the server closes.
    assert!(through > 300 * 60 * 8 / 10, "{through} of 18,000");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_no_pause_and_refuses_on_and_on_is_asked_ever_less() {
    let gate = gate(1, limit(1000, 1));
    let waits = |gate: &Gate| {
        let wait = gate.close_for(Duration::ZERO);
        // What was on the wire is refused, too, and tells nothing new.
        if !wait.is_zero() {
            assert_eq!(gate.close_for(Duration::ZERO), wait);
        }
        wait.as_secs()
    };
    let mut asked = Vec::new();
    for _ in 0..9 {
        asked.push(waits(&gate));
        tokio::time::advance(gate.cool_down()).await;
    }
    assert_eq!(asked, [0, 1, 2, 4, 8, 16, 32, 32, 32]);
    // One answer, and it begins again; a pause that is asked for is kept.
    gate.answered(Some(200));
    assert_eq!(gate.close_for(Duration::ZERO), Duration::ZERO);
    assert_eq!(gate.close_for(Duration::from_secs(60)), Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn roles_and_tenants_count_by_themselves() {
    let lower = vec![(RateClass::Project, limit(2, 60))];
    let gate = Gate::new(8, &Rates { users: Some(limit(1, 60)), lower });
    gate.whole_job(1);
    let start = Instant::now();
    for _ in 0..2 {
        drop(gate.enter(RateClass::Project).await);
    }
    drop(gate.enter(RateClass::Users).await);
    assert_eq!(start.elapsed(), Duration::ZERO, "neither takes the other's");
    drop(gate.enter(RateClass::Project).await);
    assert!(start.elapsed() >= Duration::from_secs(60));
    assert_eq!(gate.allowed_per_second(RateClass::Project), Some(2.0 / 60.0));
    // A rate that is asked for is one for everything.
    let gate = Gate::new(8, &Rates { users: Some(limit(1, 60)), lower: Vec::new() });
    gate.whole_job(1);
    let start = Instant::now();
    drop(gate.enter(RateClass::Project).await);
    drop(gate.enter(RateClass::Users).await);
    assert!(start.elapsed() >= Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_back_whoever_has_not_entered() {
    let throttle = Throttle::default();
    let gate = gate(8, limit(100, 60)).heeding(throttle.clone());
    let on_the_wire = gate.enter(RateClass::Users).await;
    throttle.pause();
    let next = gate.enter(RateClass::Users);
    tokio::pin!(next);
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, &mut next).await.is_err(), "it is paused");
    drop(on_the_wire);
    throttle.resume();
    let resumed = Instant::now();
    drop(next.await);
    assert_eq!(resumed.elapsed(), Duration::ZERO);
    assert_eq!(throttle.held(), hour);
    assert_eq!(gate.waits().limit(), Duration::ZERO, "it is counted once");
}

#[tokio::test(start_paused = true)]
async fn a_slower_pace_keeps_a_part_of_the_limit_even_where_the_whole_job_fits() {
    let throttle = Throttle::default();
    let gate = gate(64, limit(100, 60)).heeding(throttle.clone());
    gate.whole_job(100);
    throttle.slower();
    throttle.slower();
    assert_eq!(gate.allowed_per_second(RateClass::Users), Some(50.0 / 60.0));
    let start = Instant::now();
    for _ in 0..100 {
        drop(gate.enter(RateClass::Users).await);
    }
    assert!(start.elapsed() > Duration::from_secs(60), "{:?}", start.elapsed());
}
