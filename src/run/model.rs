//! A model of whole runs: random rows, faults, stops, full disks and crashes through reader,
//! engine, client, limiter and recorder, over a wire and a disk in memory and on a paused clock.
//!
//! A case is all that follows from a seed. It lives through a few processes, each of which ends
//! as chance has it, and is resumed until every row has its outcome. What fails names its seed:
//! `MODEL_SEED=N cargo test model` plays it again, `MODEL_CASES=N` plays more of them.

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::intake::Reading;
use super::reader::{Rows, read};
use crate::engine::events::Sinks;
use crate::engine::recorder_handle::RecorderHandle;
use crate::engine::{Ended, Engine, Rooms};
use crate::limiter::Gate;
use crate::outcome::{Status, Tally};
use crate::requester::Requester;
use crate::send::Client;
use crate::settings::config::{Config, Target};
use crate::simulator::Seed;
use crate::simulator::in_memory::InMemory;
use crate::stop::{Stop, StopReason};
use crate::store::Recorder;
use crate::store::disk::Disk;
use crate::store::disk::memory::MemoryDisk;
use crate::store::journal::{Recovered, recover};
use crate::store::results::{ResultLine, read_results};
use crate::store::task::{Recording, drain};
use world::{Arrival, ModelWire, USERS, World, lines, name_of};

/// Cases that a test run plays, and lives that a case may take at most.
const CASES: u64 = 300;
const MOST_LIVES: usize = 40;

/// How a process ends.
#[derive(Debug)]
enum End {
    /// By itself.
    Done,
    /// It is killed; with the power gone, what was not synced may be lost.
    Killed { after: Duration, power: bool },
    /// It is told to stop, at once or when requests have finished.
    Stopped { after: Duration, at_once: bool },
    /// The disk is full after some bytes.
    DiskFull { room: usize },
}

impl End {
    fn any(random: &mut Rng) -> Self {
        let after = Duration::from_millis(random.u64(..3000));
        match random.u8(..4) {
            0 => Self::Killed { after, power: false },
            1 => Self::Killed { after, power: true },
            2 => Self::Stopped { after, at_once: random.bool() },
            _ => Self::DiskFull { room: random.usize(..6000) },
        }
    }
}

/// The flags of a run, and whether a limit holds that a single process must never exceed.
fn settings(random: &mut Rng, seed: u64) -> (String, bool) {
    let mut words = format!("--simulate --seed {seed}");
    let mut word = |text: String| words.extend([" ", &text]);
    word(format!("--concurrency {} --max-attempts {}", random.u8(1..6), random.u8(1..5)));
    word(format!("--batch-size {}", random.u8(2..6)));
    if random.bool() {
        word("--batch=values".into());
    }
    if random.u8(..6) == 0 {
        word("--max-failures 2".into());
    }
    if random.u8(..3) == 0 {
        word("--compress-results".into());
    }
    let mut limited = random.u8(..4) == 0;
    if limited {
        word("--rate-limit 10/5s --max-share 100".into());
    }
    let kinds = ["503", "drop", "apply-drop", "half", "hang", "garbage", "empty", "html", "403"];
    for kind in kinds.into_iter().chain(["429"]) {
        if random.u8(..4) > 0 {
            continue;
        }
        limited &= kind != "429";
        word(format!("--fault {kind}:rate=0.15,retry-after=2,times={}", random.u8(1..6)));
    }
    (words, limited)
}

struct Case {
    config: Config,
    world: Arc<World>,
    disk: MemoryDisk,
    random: Rng,
    limited: bool,
    /// The life in which each row got its outcome.
    ended_in: BTreeMap<u64, usize>,
}

impl Case {
    fn new(seed: u64, folder: &Path) -> Self {
        let mut random = Rng::with_seed(seed);
        let lines = lines(&mut random);
        let input = folder.join("in.jsonl");
        let rows: Vec<_> = lines.iter().map(|line| line.json().to_string()).collect();
        std::fs::write(&input, rows.join("\n")).unwrap();
        let (words, limited) = settings(&mut random, seed);
        let words = words.split(' ').map(str::to_owned).chain([input.display().to_string()]);
        let mut config = Config::from_words(words, &|_| None).unwrap();
        let Target::Rehearsal(settings) = &mut config.target else { panic!("a rehearsal") };
        settings.create_missing = false;
        settings.users = Seed::Generate(USERS as u64);
        let world = World {
            server: InMemory::new(settings.clone()),
            lines,
            timeout: config.pace.timeout,
            latency: random.u64(..300),
            unreachable: if random.bool() { 0.0 } else { 0.1 },
            life: Mutex::default(),
            arrivals: Mutex::default(),
            random: Mutex::new(random.fork()),
        };
        let disk = MemoryDisk::default();
        Self { config, world: Arc::new(world), disk, random, limited, ended_in: BTreeMap::new() }
    }

    /// What the journal on the disk tells, held against everything else.
    fn recovered(&self) -> Option<Recovered> {
        let files = self.disk.lengths().unwrap();
        let journal = self.disk.read("journal");
        let recovered = recover(journal.as_slice(), |lengths| lengths.are_held_by(&files)).unwrap();
        for arrival in self.world.arrivals.lock().unwrap().iter() {
            for &row in &arrival.rows {
                if self.world.lines[row].operation == "loginid" {
                    let journal = recovered.as_ref().expect("a rename was sent");
                    let number = row as u64 + 1;
                    let told = journal.finished.contains(number) || journal.sent.contains(&number);
                    assert!(
                        told,
                        "the rename of row {row} was sent, and the journal does not know"
                    );
                }
            }
        }
        recovered
    }

    /// The results on the disk; they are those that the journal tells of, each once.
    fn results(&self) -> BTreeMap<u64, ResultLine<'static>> {
        let packed = self.disk.read("results.jsonl.zst");
        let mut text = self.disk.read("results.jsonl");
        if !packed.is_empty() {
            text.extend(zstd::stream::decode_all(packed.as_slice()).unwrap());
        }
        let mut results = BTreeMap::new();
        for line in read_results(text.as_slice()) {
            let line = line.unwrap();
            let row = line.row;
            assert!(results.insert(row, line).is_none(), "row {row} has two results");
        }
        let recovered = self.recovered().expect("a journal");
        let finished: BTreeSet<u64> = recovered.finished.iter().collect();
        assert_eq!(results.keys().copied().collect::<BTreeSet<_>>(), finished);
        let mut tally = Tally::default();
        for line in results.values() {
            tally.count(line.status);
        }
        assert_eq!(recovered.tally, tally);
        let failures = String::from_utf8(self.disk.read("failures.jsonl")).unwrap();
        assert_eq!(failures.lines().count() as u64, tally.failed(), "{failures}");
        results
    }

    /// The recorder of the next process.
    fn recorder(&self, reading: &Reading, recovered: Option<&Recovered>) -> io::Result<Recorder> {
        let disk = Box::new(self.disk.clone());
        let recorded = (reading.input.sources(), &self.config.outputs);
        if let Some(recovered) = recovered {
            return Recorder::reopen(disk, recorded, recovered);
        }
        // Nothing was sent: it begins anew.
        self.disk.lengths()?.keys().try_for_each(|name| self.disk.remove(name))?;
        Recorder::begin(disk, recorded, &reading.identity)
    }

    /// One process; whether the run is complete.
    async fn live(&mut self, end: &End) -> bool {
        let reading = Reading::open(&self.config, None, (None, &Stop::default())).unwrap();
        let recovered = self.recovered();
        if let End::DiskFull { room } = end {
            self.disk.room(Some(*room));
        }
        let Ok(recorder) = self.recorder(&reading, recovered.as_ref()) else {
            self.disk.room(None);
            return false;
        };
        let process = self.start(reading, recovered, recorder);
        match end {
            End::Killed { after, power } => {
                sleep(*after).await;
                process.kill().await;
                if *power {
                    let random = &mut self.random;
                    self.disk.lose_power(|unsynced| random.usize(..=unsynced));
                }
                return false;
            }
            End::Stopped { after, at_once } => {
                let (stop, after, at_once) = (process.stop.clone(), *after, *at_once);
                tokio::spawn(async move {
                    sleep(after).await;
                    let halt = if at_once { Stop::abort } else { Stop::drain };
                    halt(&stop, StopReason::Terminated);
                });
            }
            End::Done | End::DiskFull { .. } => {}
        }
        let (ended, recorder) = process.end().await;
        assert!(ended.tally.balances(), "{ended:?}");
        let closed = recorder.and_then(|recorder| recorder.close(ended.complete));
        self.disk.room(None);
        if self.recovered().is_some() {
            // The files agree even where the disk was full.
            self.results();
        }
        assert!(closed.is_ok() || matches!(end, End::DiskFull { .. }), "{closed:?}");
        closed.is_ok() && ended.complete
    }

    /// Joins the parts as a run does.
    fn start(
        &mut self,
        reading: Reading,
        recovered: Option<Recovered>,
        recorder: Recorder,
    ) -> Process {
        let earlier = recovered.as_ref().map_or_else(Tally::default, |recovered| recovered.tally);
        let (to_recorder, from_engine) = mpsc::channel(8);
        let Target::Rehearsal(settings) = &self.config.target else { panic!("a rehearsal") };
        let rates = self.config.pace.rates(Some(&settings.limit.to_string()));
        let gate = Gate::new(self.config.pace.concurrency, &rates);
        let wire = ModelWire(Arc::clone(&self.world));
        let requester = Requester::new(wire, gate, self.config.backoff);
        let handle = RecorderHandle::new(&to_recorder);
        let client =
            Client::new(requester, handle, self.config.looking.clone(), self.config.batch_size);
        let stop = Stop::default();
        let sinks = Sinks::from(Vec::new());
        let breaker = self.config.breaker.clone();
        let window = self.random.usize(1..20);
        let engine = Engine::new(
            Arc::new(client),
            to_recorder,
            sinks.clone(),
            stop.clone(),
            breaker,
            window,
        );
        let rooms = Rooms::default();
        let engine = engine.with_rooms(rooms.clone());
        let (to_engine, rows) = mpsc::channel(4);
        let reading = Box::new(Rows::new(reading, recovered, sinks));
        let way = (to_engine, rooms.rows.clone());
        let feeding = tokio::spawn(async move { drop(read(reading, &way, None).await) });
        let recording = Box::new(Recording::new(recorder, rooms.ended.clone(), None));
        let recording = tokio::spawn(drain(recording, from_engine));
        let running = tokio::spawn(engine.run(earlier, rows));
        Process { stop, feeding, recording, running }
    }

    /// Lives until it is complete.
    async fn play(&mut self) {
        let first = self.random.usize(..4);
        for life in 0..MOST_LIVES {
            *self.world.life.lock().unwrap() = life;
            let end = if life < first { End::any(&mut self.random) } else { End::Done };
            let complete = self.live(&end).await;
            self.world.check_order();
            for row in self.recovered().iter().flat_map(|recovered| recovered.finished.iter()) {
                self.ended_in.entry(row).or_insert(life);
            }
            if self.limited && life == 0 {
                let arrivals = self.world.arrivals.lock().unwrap();
                assert!(arrivals.iter().all(|arrival| arrival.status != 429), "over the limit");
            }
            if complete {
                return self.check_end().await;
            }
        }
        panic!("not complete after {MOST_LIVES} lives");
    }

    /// Every row has one outcome, the outcomes are true, and the users are as they say.
    async fn check_end(&self) {
        let results = self.results();
        let lines = &self.world.lines;
        assert_eq!(results.len(), lines.len());
        // What each user is called and which phone it has, as far as that can be known.
        let mut users: Vec<_> = (0..=USERS).map(|user| Some((name_of(user), None))).collect();
        users[USERS] = None;
        for (row, line) in lines.iter().enumerate() {
            let status = results[&(row as u64 + 1)].status;
            if !self.check_status(row, status) {
                users[line.user] = None;
            }
            let Some((name, phone)) = &mut users[line.user] else { continue };
            match (status, line.operation) {
                (Status::Updated, "phone") => *phone = Some(line.value.clone()),
                (Status::Updated, "loginid") => name.clone_from(&line.value),
                _ => {}
            }
        }
        for (name, phone) in users.into_iter().flatten() {
            let user = self.world.user(&name).await;
            if let Some(phone) = phone {
                assert_eq!(user["phone"], phone, "{name}");
            }
        }
    }

    /// Holds a status against what arrived; gives back whether it tells what its user looks like.
    fn check_status(&self, row: usize, status: Status) -> bool {
        let arrivals = self.world.arrivals.lock().unwrap();
        let came = || arrivals.iter().filter(|arrival| arrival.rows.contains(&row));
        let applied = came().any(|arrival| arrival.applied);
        match status {
            Status::Created | Status::Deleted => panic!("row {row} does no such thing"),
            Status::Updated => assert!(applied, "row {row} is updated, and never arrived"),
            Status::Invalid => assert_eq!(came().count(), 0, "row {row} is invalid"),
            Status::Rejected | Status::GaveUp => {
                // What an earlier process had done before it was killed, this one cannot know.
                let life = self.ended_in[&(row as u64 + 1)];
                let known = |arrival: &Arrival| arrival.single && arrival.life == life;
                let denied = came().any(|arrival| arrival.applied && known(arrival));
                assert!(!denied, "row {row} is {status:?}, and was applied");
                return !applied;
            }
            Status::Unknown => return false,
            Status::Unchanged | Status::Drifted => panic!("row {row} was not sent"),
        }
        true
    }
}

/// The tasks of a process.
struct Process {
    stop: Stop,
    feeding: JoinHandle<()>,
    recording: JoinHandle<io::Result<Recorder>>,
    running: JoinHandle<Ended>,
}

impl Process {
    async fn kill(self) {
        let Self { feeding, recording, running, .. } = self;
        for task in [feeding.abort_handle(), running.abort_handle(), recording.abort_handle()] {
            task.abort();
        }
        drop((feeding.await, running.await, recording.await));
    }

    async fn end(self) -> (Ended, io::Result<Recorder>) {
        let ended = self.running.await.unwrap();
        self.feeding.abort();
        (ended, self.recording.await.unwrap())
    }
}

fn play(seed: u64, folder: &Path) {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async { Case::new(seed, folder).play().await });
}

#[test]
fn a_run_keeps_its_promises_whatever_happens() {
    let folder = tempfile::tempdir().unwrap();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let cases = match number("MODEL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("MODEL_CASES").unwrap_or(CASES),
    };
    for seed in cases {
        let played = std::panic::catch_unwind(|| play(seed, folder.path()));
        assert!(played.is_ok(), "play it again with MODEL_SEED={seed}");
    }
}
