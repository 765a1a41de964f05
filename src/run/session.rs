//! The session: joins reader, engine, recorder and sinks, and ends them in order.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::canary::Canary;
use super::intake::Intake;
use super::parts::{CHANNEL, Connection, Parts, RunEnd};
use super::reader;
use super::totals::{self, Facts};
use crate::catalog::RateClass;
use crate::engine::events::{Event, Pace, Sinks, Started, Waiting};
use crate::engine::recorder_handle::RecorderHandle;
use crate::engine::{Ended, Engine, Rooms};
use crate::limiter::{Held, Throttle};
use crate::outcome::Tally;
use crate::report::Counts;
use crate::send::Client;
use crate::stop::{Stop, StopReason};
use crate::store::{self, Closed, Recorder};
use crate::tasks;

/// How far apart the sinks are told how it goes.
const TICK: Duration = Duration::from_millis(100);

/// Works on the rows, and ends in totals.
pub(super) async fn session(
    Parts { config, mut sinks, typed, stop, intake, mirror, ask_canary, .. }: Parts,
    Connection { requester, host, handshake }: Connection,
) -> RunEnd {
    let (started_at, begun) = (Timestamp::now(), Instant::now());
    let Intake { folder, reading, recorder, recovered, checked } = *intake;
    let earlier = recovered.as_ref().map_or_else(Tally::default, |recovered| recovered.tally);
    let (to_recorder, from_engine) = mpsc::channel(CHANNEL);
    let target = config.project_id().map(|project| (project.to_owned(), host));
    let handle = RecorderHandle::new(&to_recorder);
    let client = Client::new(requester, handle, config.looking.clone(), config.batch_size);
    let client = Arc::new(client.resumed(recovered.is_some()));
    let counts = Counts::default();
    sinks.push(Box::new(counts.clone()));
    let (canary, pass) = Canary::of(checked.as_ref(), &reading.requests, &mut sinks).unzip();
    let sinks = Sinks::from(sinks);
    let class = config.mapping.operation.map_or(RateClass::Users, |operation| operation.rate_class);
    let skipped = reading.input.skipped();
    let (sources, identity) = (reading.input.sources().to_vec(), reading.identity.clone());
    let elsewhere = mirror.map(|mirror| mirror.begin(folder.path(), &stop));
    sinks.tell(&Event::Started(&Started {
        folder: folder.path().to_owned(),
        simulated: handshake.simulator.is_some(),
        target,
        inputs: sources.iter().map(|source| source.name.clone()).collect(),
        operation: config.mapping.operation.map(|operation| operation.name),
        checked: checked.as_ref().map(|checked| (checked.rows, checked.invalid)),
        bytes: reading.input.total_bytes(),
        done_before: earlier,
        calls_per_second: client.requester().gate().allowed_per_second(class),
    }));
    // As many wait as are held at a time, where many runs share a process.
    let (rooms, (to, rows)) = (Rooms::default(), mpsc::channel(CHANNEL.min(config.pace.window())));
    let recorder = store::spawn(recorder, from_engine, rooms.ended.clone(), elsewhere);
    let reader = reader::spawn(reading, recovered, sinks.clone(), (to, rooms.rows.clone()), pass);
    let told = Arc::new(AtomicUsize::new(0));
    let ticker = tasks::spawn(tick(sinks.clone(), Arc::clone(&client), class, Arc::clone(&told)));
    let timer = config.max_duration.map(|most| tasks::spawn(limit_duration(most, stop.clone())));
    let watching = canary.map(|canary| canary.spawn(&client, &sinks, &stop, ask_canary));
    let (breaker, window) = (config.breaker.clone(), config.pace.window());
    let (executor, told_too) = (Arc::clone(&client), sinks.clone());
    let engine = Engine::new(executor, to_recorder, told_too, stop.clone(), breaker, window);
    // Beside the connections: every reply would otherwise wake another thread.
    let ended = tasks::join(tasks::spawn(engine.with_rooms(rooms).run(earlier, rows))).await;
    timer.iter().chain(&watching).chain([&ticker]).for_each(JoinHandle::abort);
    tell_interventions(&sinks, &client, &told);
    // What was sent since the last tick counts, too.
    sinks.tell(&Event::Tick(&pace(&client, class)));
    sinks.tell(&Event::Finished(&ended));
    let closed = close(ended, reader, recorder, &client).await;
    let facts = Facts {
        config: &config,
        client: &client,
        folder: &folder,
        sources: &sources,
        skipped: &skipped,
        identity: &identity,
        typed: &typed,
        simulated: handshake.simulator.is_some(),
        started_at,
        elapsed: begun.elapsed(),
        earlier,
        counts: counts.so_far(),
    };
    totals::close(&facts, ended, stop.reason(), closed)
}

/// Ends the budget, reader and recorder, and the files.
async fn close(
    ended: Ended,
    reader: JoinHandle<()>,
    recorder: JoinHandle<io::Result<Recorder>>,
    client: &Client,
) -> io::Result<Closed> {
    client.requester().gate().end().await;
    let recorded = tasks::join(recorder).await;
    if ended.complete || reader.is_finished() {
        // Its end was seen; a reader that broke must not pass for the end of the input.
        tasks::join(reader).await;
    }
    let recorder = recorded?;
    // The runtime keeps listening for signals.
    tasks::join(tasks::spawn_blocking(move || recorder.close(ended.complete))).await
}

/// Tells the sinks how it goes, until it is aborted.
async fn tick(sinks: Sinks, client: Arc<Client>, class: RateClass, told: Arc<AtomicUsize>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = Waiting::default();
    loop {
        ticks.tick().await;
        tell_interventions(&sinks, &client, &told);
        let pace = pace(&client, class);
        if std::mem::discriminant(&before) != std::mem::discriminant(&pace.waiting) {
            sinks.tell(&Event::Waiting(pace.waiting));
        }
        before = pace.waiting;
        sinks.tell(&Event::Tick(&pace));
    }
}

/// Tells the sinks what somebody has done to the run, of which so much was told already.
fn tell_interventions(sinks: &Sinks, client: &Client, told: &AtomicUsize) {
    let throttle = client.requester().gate().throttle();
    for intervention in throttle.interventions_from(told.load(Ordering::Relaxed)) {
        told.fetch_add(1, Ordering::Relaxed);
        sinks.tell(&Event::Intervened(&intervention));
    }
}

/// What was sent, and what the gate knows of the near future.
fn pace(client: &Client, class: RateClass) -> Pace {
    let gate = client.requester().gate();
    let cool_down = gate.cool_down();
    let waiting = match held(gate.throttle()) {
        Some(waiting) => waiting,
        None if !cool_down.is_zero() => Waiting::CoolDown(cool_down),
        None if gate.is_at_limit() => Waiting::Limit(gate.full_for()),
        None => Waiting::Sending,
    };
    let percent = gate.throttle().percent();
    Pace {
        calls: client.requester().counts().calls(),
        retries: client.requester().counts().retries(),
        rate_limited: client.requester().counts().rate_limited(),
        saved: client.batches().saved(),
        calls_per_second: gate.allowed_per_second(class),
        slowed_to: (percent < 100).then_some(percent),
        waiting,
        trouble: client.requester().trouble(),
    }
}

/// What holds all requests back just now, limits aside.
pub(super) fn held(throttle: &Throttle) -> Option<Waiting> {
    Some(match throttle.hold()? {
        Held::Paused => Waiting::Paused,
        Held::Until(opens) => {
            let left = opens.duration_since(Timestamp::now());
            // Rounded up: nobody waits for a part of a second. They may have begun by now, and the clock
            // is not looked at all the time.
            Waiting::Hours(Duration::from_secs(left.as_secs().max(0).unsigned_abs() + 1))
        }
    })
}

/// Stops the run after a time.
async fn limit_duration(most: Duration, stop: Stop) {
    tokio::time::sleep(most).await;
    let message = format!("--max-duration {} is over", humantime::format_duration(most));
    stop.drain(StopReason::stopped("time_is_up", message, ""));
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn hours_that_have_begun_are_about_to_be_heeded() {
        let throttle = Throttle::default();
        assert_eq!(held(&throttle), None);
        for (seconds, expected) in [(100, 100), (-1, 1), (-100, 1)] {
            throttle.close_until(Timestamp::now() + seconds.seconds());
            assert_eq!(held(&throttle), Some(Waiting::Hours(Duration::from_secs(expected))));
        }
    }
}
