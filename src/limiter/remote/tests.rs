//! The script, in a real server: it decides as the pure state does.

mod scale;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use proptest::prelude::*;

use super::message::{Ask, Granted, Why};
use super::*;
use crate::limiter::state::{LimiterState, Moment, RequestId, Wait};

/// A server of this test's own; nothing where none is installed.
struct Server {
    child: Child,
    folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket").display().to_string();
        let words = ["--port", "0", "--save", "", "--unixsocket", &socket];
        let started = ["redis-server", "valkey-server"].into_iter().find_map(|program| {
            let mut command = Command::new(program);
            command.args(words).current_dir(folder.path()).stdout(Stdio::null());
            command.spawn().ok()
        });
        let Some(child) = started else {
            eprintln!("skipped: neither redis-server nor valkey-server is installed");
            return None;
        };
        Some(Self { child, folder })
    }

    fn address(&self) -> RemoteAddress {
        let url = format!("unix://{}", self.folder.path().join("socket").display());
        RemoteAddress::parse(&url, None).unwrap()
    }

    fn connect(&self) -> BudgetServer {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match BudgetServer::connect(&self.address()) {
                Ok(server) => return server,
                Err(why) => assert!(Instant::now() < deadline, "{why}"),
            }
            thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Of this many microseconds all times are multiples: the script counts in thousandths of a window.
const TICK: u64 = 60_000;
const WINDOW: Duration = Duration::from_secs(60);
const HOLD: u64 = 2000 * TICK;

/// A process as the script knows it.
#[derive(Clone, Copy, Default)]
struct Process {
    ask: Ask,
    heard: u64,
}

/// The script and the pure state side by side, at a time that is passed in.
struct Pair<'a> {
    server: &'a mut BudgetServer,
    key: String,
    limit: Limit,
    now: u64,
    state: LimiterState,
    processes: BTreeMap<u32, Process>,
    on_the_wire: Vec<RequestId>,
    number: u64,
}

impl Pair<'_> {
    fn moment(&self) -> Moment {
        Duration::from_micros(self.now)
    }

    /// Calls for a process, which wants so many.
    fn call(&mut self, process: u32, want: u64, paced: bool, close: u64) -> Granted {
        let known = self.processes.entry(process).or_default();
        known.heard = self.now;
        let (requests, window) = (self.limit.requests, micros(self.limit.window));
        known.ask = Ask { requests, window, paced, want, ahead: u64::MAX >> 12, ..known.ask };
        let (sender, classes) = (process.to_string(), BTreeMap::from([("users", known.ask)]));
        let call = BudgetCall {
            server: "one",
            sender: &sender,
            hold: HOLD,
            close,
            classes,
            ..BudgetCall::default()
        };
        // The time is a part of the call here.
        let mut call = serde_json::to_value(call).unwrap();
        call["time"] = [self.now / 1_000_000, self.now % 1_000_000].into();
        let answer = self.server.call(&self.key, &call.to_string()).unwrap();
        let mut answer: BudgetAnswer = serde_json::from_str(&answer).unwrap();
        let granted = answer.classes.remove("users").unwrap();
        self.processes.get_mut(&process).unwrap().ask.granted = granted.granted;
        granted
    }

    fn take(&mut self, process: u32, is_paced: bool) {
        let before = self.processes.get(&process).map_or(0, |known| known.ask.granted);
        let granted = self.call(process, 1, is_paced, 0);
        self.number += 1;
        let request = RequestId { process, number: self.number };
        let taken = self.state.take("users", self.limit, is_paced, request, self.moment());
        assert_eq!(granted.granted - before, u64::from(taken.is_ok()), "{taken:?} {granted:?}");
        let wait = |until: Moment| Some(until.saturating_sub(self.moment()).as_secs_f64() * 1e6);
        let told = match taken {
            Ok(()) | Err(Wait::Closed(_)) => (None, None),
            Err(Wait::Full(until)) => (Some(Why::Full), until.and_then(wait)),
            Err(Wait::Pace(until)) => (Some(Why::Pace), wait(until)),
        };
        assert_eq!((granted.why, granted.wait.map(f64::round)), (told.0, told.1.map(f64::round)));
        if taken.is_ok() {
            self.on_the_wire.push(request);
        }
    }

    fn reply(&mut self, which: prop::sample::Index) {
        if self.on_the_wire.is_empty() {
            return;
        }
        let request = self.on_the_wire.swap_remove(which.index(self.on_the_wire.len()));
        self.processes.get_mut(&request.process).unwrap().ask.replied += 1;
        self.call(request.process, 0, false, 0);
        self.state.reply("users", request, self.moment());
    }

    /// Time passes; processes that were not heard of for too long are gone at that moment.
    fn pass(&mut self, ticks: u64) {
        let end = self.now + ticks * TICK;
        while let Some(ends) = self.processes.values().map(|known| known.heard + HOLD).min() {
            if ends > end {
                break;
            }
            self.now = ends;
            self.processes.retain(|_, known| known.heard + HOLD > ends);
            self.on_the_wire.retain(|request| self.processes.contains_key(&request.process));
            self.tidy();
        }
        self.now = end;
        self.tidy();
    }

    fn tidy(&mut self) {
        let now = self.moment();
        self.state.tidy(now, &|process| self.processes.contains_key(&process));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Take { process: u32, is_paced: bool },
    Reply { which: prop::sample::Index },
    Yield { process: u32 },
    Close { process: u32, ticks: u64 },
    Pass { ticks: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..4_u32, any::<bool>()).prop_map(|(process, is_paced)| Step::Take { process, is_paced }),
        6 => any::<prop::sample::Index>().prop_map(|which| Step::Reply { which }),
        1 => (1..4_u32).prop_map(|process| Step::Yield { process }),
        1 => (1..4_u32, 0..500_u64).prop_map(|(process, ticks)| Step::Close { process, ticks }),
        6 => (0..700_u64).prop_map(|ticks| Step::Pass { ticks }),
    ]
}

/// A connection whose script goes by the time that the call names.
fn timed(server: &Server) -> BudgetServer {
    let script = wire::SCRIPT.replace("redis.call('TIME')", "call.time");
    assert_ne!(script, wire::SCRIPT);
    let mut remote = server.connect();
    remote.load(&script).unwrap();
    remote
}

impl<'a> Pair<'a> {
    fn new(server: &'a mut BudgetServer, key: String, requests: u32) -> Self {
        Self {
            server,
            key,
            limit: Limit { requests, window: WINDOW },
            now: 1_800_000_000_000_000 / TICK * TICK,
            state: LimiterState::default(),
            processes: BTreeMap::new(),
            on_the_wire: Vec::new(),
            number: 0,
        }
    }
}

#[test]
fn processes_that_are_gone_count_in_the_order_in_which_they_went() {
    let Some(server) = Server::start() else { return };
    let mut remote = timed(&server);
    let mut pair = Pair::new(&mut remote, "gone".to_owned(), 6);
    for process in (1..=6).rev() {
        pair.take(process, false);
        pair.pass(10);
    }
    // All are gone before anybody calls again; whoever waits then waits for the first.
    pair.pass(2000);
    pair.take(7, false);
    assert_eq!(pair.on_the_wire.len(), 0);
}

#[test]
fn the_script_decides_as_the_pure_state_does() {
    let Some(server) = Server::start() else { return };
    let remote = std::cell::RefCell::new(timed(&server));
    let case = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(128));
    let histories = (1..=6_u32, prop::collection::vec(step(), 1..100));
    runner
        .run(&histories, |(requests, steps)| {
            case.set(case.get() + 1);
            let mut remote = remote.borrow_mut();
            let mut pair = Pair::new(&mut remote, format!("case{}", case.get()), requests);
            for step in steps {
                match step {
                    Step::Take { process, is_paced } => pair.take(process, is_paced),
                    Step::Reply { which } => pair.reply(which),
                    Step::Yield { process } => {
                        pair.processes.entry(process).or_default().ask.yields += 1;
                        pair.call(process, 0, false, 0);
                        let now = pair.moment();
                        pair.state.yields("users", pair.limit, now);
                    }
                    Step::Close { process, ticks } => {
                        pair.call(process, 0, false, ticks * TICK);
                        let until = pair.moment() + Duration::from_micros(ticks * TICK);
                        pair.state.close_until(until);
                    }
                    Step::Pass { ticks } => pair.pass(ticks),
                }
            }
            Ok(())
        })
        .unwrap();
}

/// One call for a class of 100 in 10 s.
fn tell(server: &mut BudgetServer, id: &str, sender: &str, ask: Ask) -> BudgetAnswer {
    let ask = Ask { requests: 100, window: 10_000_000, ahead: 2, ..ask };
    let classes = BTreeMap::from([("users", ask)]);
    let (unknown, hold, patience) = (10_000_000, 60_000_000, 60_000_000);
    let call = BudgetCall {
        server: id,
        sender,
        unknown,
        hold,
        patience,
        classes,
        ..BudgetCall::default()
    };
    super::ask(server, "k", &call).unwrap()
}

#[test]
fn an_answer_that_was_lost_costs_nothing_and_what_was_forgotten_is_learnt_again() {
    let Some(server) = Server::start() else { return };
    let mut remote = server.connect();
    let want = Ask { want: 3, ..Ask::default() };
    // Nothing is known of the last window at first.
    assert!(tell(&mut remote, "a", "one", want).closed > 9e6);
    redis_set_closed(&mut remote, "k");
    let first = &tell(&mut remote, "b", "one", want).classes["users"].granted.to_owned();
    assert_eq!(*first, 0, "another server knows nothing of the last window either");
    // A process that says it was granted 40, of which 10 were replied to, is believed.
    let known = Ask { granted: 40, replied: 10, ..Ask::default() };
    let mut look = |id| {
        let call = BudgetCall { server: id, look: true, count: "users", ..BudgetCall::default() };
        super::ask(&mut remote, "k", &call).unwrap().usage
    };
    assert_eq!(look("b").requests, 0);
    tell(&mut server.connect(), "b", "two", known);
    let usage = look("b");
    assert_eq!((usage.requests, usage.senders), (30, vec!["two".to_owned()]));
    tell(&mut server.connect(), "b", "two", Ask { replied: 20, unused: 5, ..known });
    assert_eq!(look("b").requests, 25, "what was not used is given back, a reply counts on");
}

/// The state without its pause.
fn redis_set_closed(server: &mut BudgetServer, key: &str) {
    const OPEN: &str = "local s = cmsgpack.unpack(redis.call('GET', KEYS[1])) s.closed = 0 \
                        redis.call('SET', KEYS[1], cmsgpack.pack(s)) return ''";
    server.eval(OPEN, key).unwrap();
}

#[test]
fn who_waits_longest_is_next() {
    let Some(server) = Server::start() else { return };
    let mut remote = server.connect();
    let want = |granted| Ask { want: 50, paced: true, granted, ..Ask::default() };
    tell(&mut remote, "a", "one", want(0));
    tell(&mut remote, "a", "two", want(0));
    redis_set_closed(&mut remote, "k");
    let mut granted = [0, 0];
    let deadline = Instant::now() + Duration::from_secs(20);
    while granted[0] + granted[1] < 20 && Instant::now() < deadline {
        // The first asks far more often.
        for (index, sender) in [(0, "one"), (0, "one"), (0, "one"), (1, "two")] {
            let answer = tell(&mut remote, "a", sender, want(granted[index]));
            granted[index] = answer.classes["users"].granted;
        }
    }
    assert!(granted[0].abs_diff(granted[1]) <= 4, "{granted:?}");
}
