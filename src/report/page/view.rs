//! A run in words and shapes, as the template takes them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::changed::FieldCounts;
use super::chart::{HEIGHT, stacked};
use super::failed::{FailedRow, FailedRows, PageCause, ScriptJson};
use super::gather::{PageRules, RunFacts};
use super::privacy::{visible, without_values};
use super::timeline::{Bucket, Timeline};
use crate::limiter::Intervention;
use crate::outcome::{Status, Tally};
use crate::report::announce::in_words;
use crate::report::format::{count, span_ms, thousands};
use crate::report::summary::{
    LEFT_OUT, NOT_ATTEMPTED, WayBack, advice, meaning, rerun, spoken, waits,
};
use crate::store::marks::SETTINGS_WITH_VALUES;
use crate::store::summary::Summary;

/// Failed rows that are there without the script.
const WITHOUT_SCRIPT: usize = 100;

/// A run.
pub(super) struct RunView {
    /// What the names of its elements begin with.
    pub(super) id: String,
    pub(super) name: String,
    /// `good`, `note` or `bad`.
    pub(super) tone: &'static str,
    pub(super) headline: String,
    /// What must be known before anything else is believed.
    pub(super) notices: Vec<String>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) statuses: Vec<StatusLine>,
    pub(super) total: String,
    pub(super) operation_statuses: Vec<&'static str>,
    pub(super) operations: Vec<(String, Vec<String>)>,
    pub(super) timeline: Option<TimelineView>,
    pub(super) causes: Vec<CauseView>,
    pub(super) repairs: Vec<(String, String)>,
    pub(super) warnings: Vec<(String, String)>,
    pub(super) changed: Option<ChangedView>,
    pub(super) settings: Vec<(String, String)>,
    pub(super) next: Vec<(String, Option<String>)>,
    pub(super) failed: Option<FailedView>,
}

/// Rows of a status.
#[derive(serde::Serialize)]
pub(super) struct StatusLine {
    pub(super) word: &'static str,
    pub(super) key: &'static str,
    pub(super) rows: String,
    pub(super) share: String,
    pub(super) meaning: &'static str,
}

/// The calls over time.
pub(super) struct TimelineView {
    pub(super) told: String,
    pub(super) width: String,
    pub(super) columns: usize,
    pub(super) height: u64,
    pub(super) begins: String,
    pub(super) ends: String,
    pub(super) lanes: Vec<Lane>,
    pub(super) buckets: Vec<Vec<String>>,
}

/// A chart of one kind of numbers over time.
pub(super) struct Lane {
    pub(super) name: &'static str,
    pub(super) most: String,
    /// The class of each series, what it is, and its shape.
    pub(super) series: Vec<(&'static str, &'static str, String)>,
}

/// A cause of failures.
#[derive(serde::Serialize)]
pub(super) struct CauseView {
    pub(super) words: String,
    pub(super) hint: String,
    pub(super) column: String,
    pub(super) rows: String,
    pub(super) examples: Vec<String>,
}

/// What changed.
pub(super) struct ChangedView {
    pub(super) told: String,
    pub(super) classes: Vec<(&'static str, &'static str, String)>,
    pub(super) fields: Vec<(String, FieldView)>,
}

/// What became of a field.
pub(super) struct FieldView {
    pub(super) set: String,
    pub(super) added: String,
    pub(super) removed: String,
}

/// The failed rows.
pub(super) struct FailedView {
    pub(super) told: String,
    pub(super) first: Vec<[String; 7]>,
    pub(super) statuses: Vec<(usize, &'static str)>,
    pub(super) causes: Vec<(usize, String)>,
    pub(super) json: ScriptJson,
}

/// Several runs, one after the other.
pub(super) struct Trend {
    pub(super) columns: usize,
    pub(super) height: u64,
    pub(super) most: String,
    pub(super) series: Vec<(&'static str, &'static str, String)>,
    pub(super) heads: Vec<&'static str>,
    pub(super) runs: Vec<(String, String, String, Vec<String>)>,
}

/// A time, to the second.
pub(super) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

impl RunView {
    /// That of a run; the first is number 1.
    pub(super) fn of(number: usize, run: &RunFacts, rules: PageRules) -> Self {
        let tally = run.tally();
        let (tone, headline) = headline(run);
        let operation_statuses: Vec<Status> =
            Status::ALL.into_iter().filter(|status| run.counted.of(*status) > 0).collect();
        Self {
            id: format!("run-{number}"),
            name: run.name(),
            tone,
            headline,
            notices: notices(run),
            facts: facts(run),
            statuses: statuses(tally),
            total: total(tally),
            operations: operations(run, &operation_statuses),
            operation_statuses: operation_statuses.into_iter().map(spoken).collect(),
            timeline: timeline(run),
            causes: causes(&run.failed),
            repairs: numbers(&run.repairs),
            warnings: numbers(&run.warnings),
            changed: changed(run),
            settings: settings(run, rules),
            next: run.summary.as_ref().map(|own| next(own, rules)).unwrap_or_default(),
            failed: failed(&run.failed),
        }
    }
}

fn headline(run: &RunFacts) -> (&'static str, String) {
    let Some(summary) = &run.summary else {
        return ("bad", "Not finished".to_owned());
    };
    match &summary.stopped {
        _ if !summary.balanced => ("bad", "The totals do not add up".to_owned()),
        Some(stopped) => ("bad", format!("Stopped early: {}", without_values(&stopped.message))),
        None if !summary.complete => ("bad", "Not complete".to_owned()),
        None if summary.tally.clean() => ("good", "Done: nothing failed".to_owned()),
        None => ("note", format!("Finished: {} failed", count(summary.tally.failed(), "row"))),
    }
}

fn notices(run: &RunFacts) -> Vec<String> {
    let mut notices = Vec::new();
    let mut say = |text: &str| notices.push(text.to_owned());
    if run.simulated() {
        say("Simulated: no real user was touched.");
    }
    match &run.summary {
        None => say(
            "This run is not finished: it goes on, or it was killed. The page tells what is in its results \
             so far. Resume the run, and make the report again.",
        ),
        Some(_) if !run.is_complete() => say(
            "This run is not complete: some rows have no outcome, or were not read. It can be resumed.",
        ),
        Some(summary) if !summary.balanced => {
            say(
                "The totals do not add up. This is a fault of the program: keep the run folder and report it.",
            );
        }
        Some(_) => {}
    }
    if !run.agrees() {
        say(
            "The results do not hold what the summary says: the files of the run are damaged, or were changed.",
        );
    }
    if let Some(summary) = run.summary.as_ref().filter(|own| own.done_before > 0) {
        notices.push(format!(
            "The run was resumed with {} done before. Its times, calls and waits are those since then; \
             everything else is about all of its rows.",
            count(summary.done_before, "row")
        ));
    }
    notices
}

fn facts(run: &RunFacts) -> Vec<(&'static str, String)> {
    let mut facts = vec![(
        "Project",
        run.project().map_or("none: a rehearsal".to_owned(), |(id, url)| {
            format!("{} at {}", visible(id), visible(url))
        }),
    )];
    if let Some(began) = run.began() {
        facts.push(("Began", time(began)));
    }
    let Some(summary) = &run.summary else {
        if let Some((_, last)) = run.seen {
            facts.push(("Last row ended", time(last)));
        }
        return facts;
    };
    let files = summary.inputs.iter().map(|input| {
        format!(
            "{} ({}, {} bytes)",
            visible(&input.name),
            visible(&input.format),
            thousands(input.bytes)
        )
    });
    facts.push(("Ended", time(summary.finished_at)));
    facts.push(("Took", span_ms(summary.elapsed_ms)));
    facts.push(("Files", files.collect::<Vec<_>>().join("; ")));
    facts.push(("Exit code", exit_code(summary.exit_code)));
    facts.push(("Calls", calls(summary)));
    facts.push(("Waited", waited(summary)));
    if !summary.interventions.is_empty() {
        facts.push(("Steered", steered(&summary.interventions)));
    }
    if let Some(skipped) = summary.skipped.in_words() {
        facts.push(("Skipped", visible(&skipped)));
    }
    facts.push((
        "Program",
        format!("{} {}", visible(&summary.tool.name), visible(&summary.tool.version)),
    ));
    facts
}

/// What somebody did to the run while it went.
fn steered(interventions: &[Intervention]) -> String {
    let one = |Intervention { at, action }: &Intervention| {
        format!("{} {}", at.strftime("%H:%M:%S"), in_words(*action))
    };
    interventions.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn exit_code(code: u8) -> String {
    let meaning = match code {
        0 => "every row is done",
        1 => "finished, and some rows failed",
        2 => "refused",
        3 => "stopped early",
        4 => "another process holds the run",
        70 => "a fault of the program",
        130 => "stopped by SIGINT (Ctrl-C)",
        143 => "stopped by SIGTERM",
        _ => "unknown",
    };
    format!("{code}: {meaning}")
}

fn calls(summary: &Summary) -> String {
    let notes = [
        (summary.calls_saved, "saved by batching"),
        (summary.retries, "sent again"),
        (summary.rate_limited, "refused by the rate limit"),
    ];
    let notes = notes.into_iter().filter(|(number, _)| *number > 0);
    let notes: Vec<_> =
        notes.map(|(number, what)| format!("{} {what}", thousands(number))).collect();
    let calls = thousands(summary.calls);
    if notes.is_empty() { calls } else { format!("{calls} ({})", notes.join(", ")) }
}

fn waited(summary: &Summary) -> String {
    let waits = waits(summary);
    if waits.is_empty() { "not at all".to_owned() } else { waits.join(", ") }
}

/// The statuses that rows have, and those without one.
pub(super) fn statuses(tally: Tally) -> Vec<StatusLine> {
    let share = |rows: u64| {
        let all = u128::from(tally.read.max(1));
        let tenths = (u128::from(rows) * 1_000 + all / 2) / all;
        format!("{}.{} %", tenths / 10, tenths % 10)
    };
    let line = |key, word, rows: u64, meaning| StatusLine {
        word,
        key,
        rows: thousands(rows),
        share: share(rows),
        meaning,
    };
    let mut lines: Vec<_> = Status::ALL
        .into_iter()
        .filter(|status| tally.of(*status) > 0)
        .map(|own| line(own.word(), spoken(own), tally.of(own), meaning(own)))
        .collect();
    if tally.not_attempted > 0 {
        lines.push(line("not_attempted", "not attempted", tally.not_attempted, NOT_ATTEMPTED));
    }
    if tally.left_out > 0 {
        lines.push(line("left_out", "left out", tally.left_out, LEFT_OUT));
    }
    lines
}

pub(super) fn total(tally: Tally) -> String {
    let terms: Vec<_> =
        statuses(tally).into_iter().map(|line| format!("{} {}", line.rows, line.word)).collect();
    let terms = if terms.is_empty() { "0".to_owned() } else { terms.join(" + ") };
    let (sign, mark) = if tally.balances() { ("=", "✓") } else { ("≠", "✗") };
    format!("{} read {sign} {terms} {mark}", count(tally.read, "row"))
}

fn operations(run: &RunFacts, statuses: &[Status]) -> Vec<(String, Vec<String>)> {
    let line = |tally: &Tally| statuses.iter().map(|own| thousands(tally.of(*own))).collect();
    run.by_operation.iter().map(|(name, tally)| (name.clone(), line(tally))).collect()
}

fn timeline(run: &RunFacts) -> Option<TimelineView> {
    let timeline = &run.timeline;
    let buckets = timeline.buckets();
    let total = timeline.total();
    if total.calls == 0 {
        return None;
    }
    let ((first, _), (last, _)) = (buckets.first()?, buckets.last()?);
    let width = span_ms(timeline.width_ms());
    let told = format!(
        "{}: {} answered with success, {} with 429, {} with 5xx, {} otherwise, {} without an answer. The \
         mean wait for a turn was {}. Reads are not in it.",
        count(total.calls, "update"),
        thousands(total.fine()),
        thousands(total.limited),
        thousands(total.server_errors),
        thousands(total.refused),
        thousands(total.lost),
        span_ms(total.mean_wait_ms())
    );
    Some(TimelineView {
        told,
        width,
        columns: buckets.len(),
        height: HEIGHT,
        begins: precise(*first),
        ends: precise(end_of(timeline, *last)),
        lanes: lanes(&buckets),
        buckets: buckets.iter().filter(|(_, own)| own.calls > 0).map(bucket_line).collect(),
    })
}

/// A time, to the millisecond where that says anything.
fn precise(when: Timestamp) -> String {
    if when.as_millisecond().rem_euclid(1_000) == 0 {
        return time(when);
    }
    when.strftime("%Y-%m-%d %H:%M:%S%.3f UTC").to_string()
}

fn end_of(timeline: &Timeline, last: Timestamp) -> Timestamp {
    let end = last.as_millisecond().saturating_add_unsigned(timeline.width_ms());
    Timestamp::from_millisecond(end).unwrap_or(last)
}

/// A chart of each kind of numbers; without those that are nothing but zeros.
fn lanes(buckets: &[(Timestamp, Bucket)]) -> Vec<Lane> {
    const CALLS: [(&str, &str); 3] =
        [("fine", "success"), ("refused", "other answers"), ("lost", "no answer")];
    const TROUBLE: [(&str, &str); 2] = [("limited", "429"), ("error", "5xx")];
    const WAIT: [(&str, &str); 1] = [("wait", "wait")];
    let columns = |numbers: &dyn Fn(&Bucket) -> Vec<u64>| -> Vec<Vec<u64>> {
        buckets.iter().map(|(_, own)| numbers(own)).collect()
    };
    let calls = columns(&|own| vec![own.fine(), own.refused, own.lost]);
    let trouble = columns(&|own| vec![own.limited, own.server_errors]);
    let wait = columns(&|own| vec![own.mean_wait_ms()]);
    [
        lane("Calls", &CALLS, &calls, thousands),
        lane("429 and 5xx", &TROUBLE, &trouble, thousands),
        lane("Mean wait for a turn", &WAIT, &wait, span_ms),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn lane(
    name: &'static str,
    said: &[(&'static str, &'static str)],
    columns: &[Vec<u64>],
    unit: fn(u64) -> String,
) -> Option<Lane> {
    let most = columns.iter().map(|own| own.iter().sum()).max().filter(|most| *most > 0)?;
    let shapes = stacked(columns, said.len(), most);
    let series = said.iter().zip(shapes).map(|((class, what), shape)| (*class, *what, shape));
    Some(Lane { name, most: unit(most), series: series.collect() })
}

fn bucket_line((begins, bucket): &(Timestamp, Bucket)) -> Vec<String> {
    let numbers = [bucket.calls, bucket.limited, bucket.server_errors, bucket.refused, bucket.lost];
    let begins = begins.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
    let wait = span_ms(bucket.mean_wait_ms());
    [begins].into_iter().chain(numbers.map(thousands)).chain([wait]).collect()
}

pub(super) fn causes(failed: &FailedRows) -> Vec<CauseView> {
    let mut causes: Vec<&PageCause> = failed.causes().iter().collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.rows));
    let view = |cause: &PageCause| CauseView {
        words: cause.words(),
        hint: cause.hint.clone().unwrap_or_default(),
        column: cause.column.clone().unwrap_or_default(),
        rows: thousands(cause.rows),
        examples: cause.examples.clone(),
    };
    causes.into_iter().map(view).collect()
}

fn numbers(counts: &BTreeMap<String, u64>) -> Vec<(String, String)> {
    counts.iter().map(|(kind, number)| (kind.clone(), thousands(*number))).collect()
}

fn changed(run: &RunFacts) -> Option<ChangedView> {
    let changed = &run.changed;
    if changed.rows == 0 {
        return None;
    }
    let rest = changed.rows - changed.compared;
    let told = if rest == 0 {
        format!("{}, each compared with the user as it was before.", count(changed.rows, "row"))
    } else {
        format!(
            "{}, of which {} could be compared with the user as it was before. Of the other {}, fields \
             are counted as they were sent, and there is no class.",
            count(changed.rows, "row"),
            thousands(changed.compared),
            thousands(rest)
        )
    };
    let class = |(class, rows): (&crate::plan::ChangeClass, &u64)| {
        (class.word(), class.meaning(), thousands(*rows))
    };
    let field = |(name, counts): (&String, &FieldCounts)| {
        let FieldCounts { set, added, removed } = *counts;
        let view =
            FieldView { set: thousands(set), added: thousands(added), removed: thousands(removed) };
        (name.clone(), view)
    };
    let classes = changed.classes.iter().map(class).collect();
    Some(ChangedView { told, classes, fields: changed.fields.iter().map(field).collect() })
}

fn settings(run: &RunFacts, rules: PageRules) -> Vec<(String, String)> {
    let hidden = |name: &str| SETTINGS_WITH_VALUES.contains(&name) && !rules.with_values;
    let shown = |(name, value): (&String, &Value)| {
        let text = match value {
            Value::Null => return None,
            Value::Object(members) if members.is_empty() => return None,
            Value::Array(items) if items.is_empty() => return None,
            Value::Object(members) if hidden(name) => {
                let names: Vec<_> = members.keys().map(|key| format!("{key}=…")).collect();
                names.join(", ")
            }
            _ if hidden(name) => "…".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((visible(name), visible(&text)))
    };
    run.settings.iter().filter_map(shown).collect()
}

/// What to do next, and the command for it: what the summary says.
fn next(summary: &Summary, rules: PageRules) -> Vec<(String, Option<String>)> {
    let says_values = SETTINGS_WITH_VALUES.iter().any(|name| {
        let empty = |value: &Value| match value {
            Value::Object(members) => members.is_empty(),
            value => value.is_null(),
        };
        summary.settings.get(*name).is_some_and(|value| !empty(value))
    });
    let typed = |command: &str| {
        if says_values && !rules.with_values {
            "(it holds values: see summary.json in the run folder)".to_owned()
        } else {
            visible_command(command)
        }
    };
    let mut next = Vec::new();
    if let Some(stopped) = &summary.stopped {
        next.extend(stopped.hint.as_ref().map(|hint| (format!("First: {}", visible(hint)), None)));
        let resume = stopped.resume.as_ref();
        next.extend(resume.map(|own| ("To resume the run:".to_owned(), Some(typed(own)))));
    } else if !summary.files.failures.is_empty() {
        let (advice, command) = match &summary.next {
            Some(command) => (advice(summary.tally).to_owned(), typed(command)),
            None => {
                let with = format!("{}, with the same options as before", advice(summary.tally));
                (with, visible_command(&rerun(summary)))
            }
        };
        next.push((format!("{}:", capital(&advice)), Some(command)));
    }
    let WayBack { verify, undo } = WayBack::of(summary);
    let with = |said: &str, command: Option<String>| {
        command.map(|command| (said.to_owned(), Some(visible_command(&command))))
    };
    next.extend(with("To see whether the changes still stand:", verify));
    next.extend(with("To take the changes back:", undo));
    if summary.not_kept > 0 {
        let users = count(summary.not_kept, "user");
        next.push((format!("{users} could not be read before, and cannot be taken back."), None));
    }
    next
}

/// A command, which must stay whole.
fn visible_command(command: &str) -> String {
    let pieces: Vec<char> = command.chars().collect();
    pieces.chunks(200).map(|piece| visible(&piece.iter().collect::<String>())).collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn failed(failed: &FailedRows) -> Option<FailedView> {
    if failed.number == 0 {
        return None;
    }
    let kept = failed.rows().len() as u64;
    let told = if kept < failed.number {
        format!(
            "{} failed. The page has {} of them (--max-failures): those that ended first. The failures \
             file has all.",
            count(failed.number, "row"),
            thousands(kept)
        )
    } else {
        format!("{} failed.", count(failed.number, "row"))
    };
    let has = |status: &Status| failed.rows().iter().any(|row| row.status == *status);
    let statuses = Status::ALL.iter().enumerate().filter(|(_, status)| has(status));
    let causes = failed.causes().iter().enumerate();
    Some(FailedView {
        told,
        first: failed.rows().iter().take(WITHOUT_SCRIPT).map(|row| cells(failed, row)).collect(),
        statuses: statuses.map(|(index, status)| (index, spoken(*status))).collect(),
        causes: causes.map(|(index, own)| (index, own.words())).collect(),
        json: failed.json(),
    })
}

/// The cells of a row, as the script makes them, too.
fn cells(failed: &FailedRows, row: &FailedRow) -> [String; 7] {
    let cause = &failed.causes()[row.cause];
    let said = row.message.as_deref().map(|said| format!("{}: {said}", cause.name()));
    [
        row.row.to_string(),
        row.status.word().to_owned(),
        row.user.to_string(),
        said.unwrap_or_else(|| cause.words()),
        failed.operations.all[row.operation].clone(),
        failed.files.all[row.file].clone(),
        row.line.to_string(),
    ]
}

impl Trend {
    /// That of several runs.
    pub(super) fn of(runs: &[RunFacts]) -> Option<Self> {
        if runs.len() < 2 {
            return None;
        }
        let tallies: Vec<Tally> = runs.iter().map(RunFacts::tally).collect();
        let numbers = |tally: &Tally| -> Vec<u64> {
            tally.by_word().map(|(_, rows)| rows).chain([tally.left_out]).collect()
        };
        let columns: Vec<Vec<u64>> = tallies.iter().map(numbers).collect();
        let words: Vec<(&str, &str)> = Status::ALL
            .into_iter()
            .map(|own| (own.word(), spoken(own)))
            .chain([("not_attempted", "not attempted"), ("left_out", "left out")])
            .collect();
        let there: Vec<usize> =
            (0..words.len()).filter(|index| columns.iter().any(|own| own[*index] > 0)).collect();
        let most = columns.iter().map(|own| own.iter().sum()).max().unwrap_or_default();
        let shapes = stacked(&columns, words.len(), most);
        let line = |(index, run): (usize, &RunFacts)| {
            let began = run.began().map(time).unwrap_or_default();
            let rows = there.iter().map(|own| thousands(columns[index][*own])).collect();
            (format!("run-{}", index + 1), run.name(), began, rows)
        };
        Some(Self {
            columns: runs.len(),
            height: HEIGHT,
            most: thousands(most),
            series: there
                .iter()
                .map(|index| (words[*index].0, words[*index].1, shapes[*index].clone()))
                .collect(),
            heads: there.iter().map(|index| words[*index].1).collect(),
            runs: runs.iter().enumerate().map(line).collect(),
        })
    }
}
