//! A job on 1, 4 and 16 hosts, by a virtual clock: how much of the limit they use between them, when
//! the first and the last shard end, and what it costs to lose one of them or the server.
//!
//! What is real: the leases, the script in a server, the pure state, and how a file is split. What is
//! made up: time, and an API that takes a tenth of a second. `docs/scale.md` has the figures of
//!
//! ```sh
//! SCALE_ROWS=20000 cargo test --lib limiter::remote::tests::scale -- --nocapture
//! ```

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fastrand::Rng;
use xxhash_rust::xxh3::xxh3_64;

use super::*;

/// Rows of a job, unless `SCALE_ROWS` says so.
const ROWS: usize = 500;

/// The documented limit of user management, and the percentage of it that is sent by default.
const API: Limit = Limit { requests: 500, window: WINDOW };
const SHARE: u32 = 80;

/// Requests of a host that are on the wire at a time.
const SLOTS: usize = 8;

/// How long a host or the server is away.
const AWAY: Duration = Duration::from_secs(5);

/// How hosts keep the limit together.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Together {
    /// Each has its part, and knows nothing of the others.
    Divided,
    /// Through the server.
    Shared,
}

/// What is lost when half of the rows are through.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Loss {
    Nothing,
    Host,
    Server,
}

/// What a host sends by.
enum Budget {
    Own(LimiterState, Limit),
    Leased { leases: Leases, last_call: Option<Instant>, is_lost: bool },
}

struct Host {
    name: String,
    budget: Budget,
    rows: usize,
    /// Requests on the wire: when the replies are in.
    replies: BinaryHeap<Reverse<Instant>>,
    sent: u64,
    replied: u64,
    /// Until when there is nothing to try.
    wake: Instant,
    ended: Option<Instant>,
}

/// Everything outside the hosts.
struct World<'a> {
    server: &'a mut BudgetServer,
    key: String,
    /// The server since it was started last, and until when it is away.
    server_id: &'static str,
    away_until: Instant,
    start: Instant,
    calls: u64,
    random: Rng,
    /// When requests arrived at the API.
    arrivals: Vec<Instant>,
}

impl World<'_> {
    /// One call to the script, at a moment of the virtual clock.
    fn call(&mut self, host: &str, leases: &mut Leases, now: Instant, is_last: bool) -> bool {
        if now < self.away_until {
            return false;
        }
        self.calls += 1;
        let classes = leases.ask(now, is_last);
        let call = BudgetCall {
            server: self.server_id,
            sender: host,
            unknown: micros(leases.window()),
            hold: micros(LEASE + Duration::from_secs(10)),
            close: micros(leases.closing(now)),
            horizon: micros(2 * leases.interval()),
            patience: micros(PATIENCE),
            bye: is_last,
            classes,
            ..BudgetCall::default()
        };
        let mut told = serde_json::to_value(&call).unwrap();
        let time = micros(now - self.start) + 1_800_000_000_000_000;
        told["time"] = [time / 1_000_000, time % 1_000_000].into();
        let answer = self.server.call(&self.key, &told.to_string()).unwrap();
        let answer: BudgetAnswer = serde_json::from_str(&answer).unwrap();
        leases.answered(&call.classes, &answer, now, now);
        true
    }

    /// Forgets everything, as a server does that keeps nothing on a disk.
    fn lose_server(&mut self, now: Instant) {
        self.server.eval("redis.call('DEL', KEYS[1]) return ''", &self.key).unwrap();
        (self.server_id, self.away_until) = ("after", now + AWAY);
    }
}

impl Host {
    fn new(number: u32, of: u32, rows: usize, together: Together, now: Instant) -> Self {
        let budget = match together {
            Together::Divided => {
                let part = API.share(SHARE / of);
                Budget::Own(LimiterState::default(), part)
            }
            Together::Shared => {
                Budget::Leased { leases: Leases::default(), last_call: None, is_lost: false }
            }
        };
        let name = format!("host{number}");
        let replies = BinaryHeap::new();
        Self { name, budget, rows, replies, sent: 0, replied: 0, wake: now, ended: None }
    }

    /// Does what is to be done now, and says when there is more.
    fn step(&mut self, world: &mut World<'_>, now: Instant) -> Option<Instant> {
        if self.ended.is_some() {
            return None;
        }
        self.take_replies(world, now);
        self.send(world, now);
        if self.call(world, now, false) {
            self.wake = now;
            self.send(world, now);
        }
        if self.rows == 0 && self.replies.is_empty() {
            self.call(world, now, true);
            self.ended = Some(now);
            return None;
        }
        let may_send = self.rows > 0 && self.replies.len() < SLOTS && self.wake > now;
        let reply = self.replies.peek().map(|reply| reply.0);
        [may_send.then_some(self.wake), reply, self.next_call(now)].into_iter().flatten().min()
    }

    fn take_replies(&mut self, world: &World<'_>, now: Instant) {
        while self.replies.peek().is_some_and(|reply| reply.0 <= now) {
            self.replies.pop();
            self.replied += 1;
            match &mut self.budget {
                Budget::Own(state, _) => {
                    let request = RequestId { process: 1, number: self.replied };
                    state.reply("users", request, now - world.start);
                }
                Budget::Leased { leases, .. } => leases.reply("users"),
            }
        }
    }

    fn send(&mut self, world: &mut World<'_>, now: Instant) {
        while self.rows > 0 && self.replies.len() < SLOTS && self.wake <= now {
            match self.take(world, now) {
                Ok(()) => {
                    let way = Duration::from_millis(world.random.u64(25..75));
                    world.arrivals.push(now + way);
                    self.replies.push(Reverse(now + 2 * way));
                    (self.rows, self.sent) = (self.rows - 1, self.sent + 1);
                }
                Err(wake) => self.wake = wake,
            }
        }
    }

    fn take(&mut self, world: &World<'_>, now: Instant) -> Result<(), Instant> {
        // Who has to wait for a reply or a call is woken by it.
        let woken = now + Duration::from_secs(3600);
        match &mut self.budget {
            Budget::Own(state, part) => {
                let request = RequestId { process: 1, number: self.sent + 1 };
                let moment = now - world.start;
                state.tidy(moment, &|_| true);
                state.take("users", *part, true, request, moment).map_err(|wait| match wait {
                    Wait::Closed(until) | Wait::Pace(until) | Wait::Full(Some(until)) => {
                        world.start + until
                    }
                    Wait::Full(None) => now + Duration::from_millis(1),
                })
            }
            Budget::Leased { leases, .. } => {
                match leases.take("users", API.share(SHARE), true, now) {
                    Some(Ok(())) => Ok(()),
                    Some(Err(Hold::Closed(wait) | Hold::Pace(wait) | Hold::Full(Some(wait)))) => {
                        Err(now + wait)
                    }
                    Some(Err(Hold::Full(None))) | None => Err(woken),
                }
            }
        }
    }

    fn next_call(&self, now: Instant) -> Option<Instant> {
        let Budget::Leased { leases, last_call, is_lost } = &self.budget else { return None };
        let pause = if *is_lost { TRY_AGAIN } else { leases.interval() };
        let earliest = last_call.map_or(now, |last| last + pause);
        let business = if *is_lost { Some(now) } else { leases.business(now) };
        business.map(|at| at.max(earliest))
    }

    /// Calls the server if it is time to, as the thread of a process does; whether it answered.
    fn call(&mut self, world: &mut World<'_>, now: Instant, is_last: bool) -> bool {
        let is_due = is_last || self.next_call(now).is_some_and(|at| at <= now);
        let Budget::Leased { leases, last_call, is_lost } = &mut self.budget else { return false };
        if !is_due {
            return false;
        }
        *last_call = Some(now);
        if *is_lost && now >= world.away_until {
            leases.adopt(now);
        }
        let answered = world.call(&self.name, leases, now, is_last);
        *is_lost = !answered;
        answered
    }

    /// Is killed, and started anew a little later; what was on the wire arrives and is sent again.
    fn die(&mut self, now: Instant) {
        self.rows += self.replies.len();
        self.replies.clear();
        (self.sent, self.replied) = (0, 0);
        if let Budget::Leased { .. } = self.budget {
            self.budget =
                Budget::Leased { leases: Leases::default(), last_call: None, is_lost: false };
        }
        self.name.push_str("-again");
        self.wake = now + AWAY;
    }
}

/// What became of a job.
struct Figures {
    took: Duration,
    first_end: Duration,
    /// Part of that share which was used until the last reply came.
    used: f64,
    densest: usize,
    calls_per_second: f64,
}

fn sizes(rows: usize, hosts: u32) -> Vec<usize> {
    let mut sizes = vec![0; hosts as usize];
    for row in 0..rows {
        let shard = xxh3_64(format!("user{row}@example.com").as_bytes()) % u64::from(hosts);
        sizes[usize::try_from(shard).unwrap()] += 1;
    }
    sizes
}

fn densest(arrivals: &mut [Instant]) -> usize {
    arrivals.sort_unstable();
    let mut first = 0;
    let counts = arrivals.iter().enumerate().map(|(last, at)| {
        while arrivals[first] + API.window <= *at {
            first += 1;
        }
        last + 1 - first
    });
    counts.max().unwrap_or_default()
}

fn play(
    world: &mut World<'_>,
    of: u32,
    (together, loss): (Together, Loss),
    rows: usize,
) -> Figures {
    let start = world.start;
    let mut hosts: Vec<Host> = (0_u32..)
        .zip(sizes(rows, of))
        .map(|(number, rows)| Host::new(number, of, rows, together, start))
        .collect();
    if together == Together::Shared {
        // Nothing is known of the last window at first, which has nothing to do with how many they are.
        world.call("look", &mut Leases::default(), start, true);
        redis_set_closed(world.server, &world.key);
    }
    let (mut now, mut loss) = (start, loss);
    loop {
        let next = hosts.iter_mut().filter_map(|host| host.step(world, now)).min();
        let Some(next) = next else { break };
        now = next.max(now + Duration::from_micros(1));
        let left: usize = hosts.iter().map(|host| host.rows).sum();
        if left <= rows / 2 {
            match std::mem::replace(&mut loss, Loss::Nothing) {
                Loss::Host => hosts[0].die(now),
                Loss::Server => world.lose_server(now),
                Loss::Nothing => {}
            }
        }
    }
    let densest = densest(&mut world.arrivals);
    let ends = || hosts.iter().filter_map(|host| host.ended);
    let took = now - start;
    #[expect(clippy::cast_precision_loss, reason = "small numbers, for people")]
    let (sent, calls) = (world.arrivals.len() as f64, world.calls as f64);
    Figures {
        took,
        first_end: ends().min().map_or(took, |end| end - start),
        used: sent / (took.as_secs_f64() * API.share(SHARE).per_second()),
        densest,
        calls_per_second: calls / took.as_secs_f64() / f64::from(of),
    }
}

#[test]
fn hosts_use_the_limit_between_them_and_never_more() {
    let Some(server) = Server::start() else { return };
    let rows = std::env::var("SCALE_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(ROWS);
    let mut remote = server.connect();
    remote.load(&wire::SCRIPT.replace("redis.call('TIME')", "call.time")).unwrap();
    println!("hosts, together, lost: took, first shard's end, of the share, densest window, calls");
    let nothing = [1, 4, 16].map(|hosts| (hosts, Loss::Nothing));
    for (hosts, loss) in nothing.into_iter().chain([(4, Loss::Host), (4, Loss::Server)]) {
        for together in [Together::Divided, Together::Shared] {
            if (together, loss) == (Together::Divided, Loss::Server) {
                continue;
            }
            let start = Instant::now();
            let mut world = World {
                server: &mut remote,
                key: format!("{hosts}{together:?}{loss:?}"),
                server_id: "before",
                away_until: start,
                start,
                calls: 0,
                random: Rng::with_seed(1),
                arrivals: Vec::new(),
            };
            let Figures { took, first_end, used, densest, calls_per_second } =
                play(&mut world, hosts, (together, loss), rows);
            println!(
                "{hosts}, {together:?}, {loss:?}: {:.0} s, {:.0} s, {:.1} %, {densest}, {calls_per_second:.1}/s",
                took.as_secs_f64(),
                first_end.as_secs_f64(),
                100.0 * used,
            );
            assert!(
                densest <= API.share(SHARE).requests as usize,
                "{densest} requests in a window"
            );
            if (together, loss) == (Together::Shared, Loss::Nothing) {
                assert!(used >= 0.95, "{used} of the share was used");
            }
        }
    }
}
