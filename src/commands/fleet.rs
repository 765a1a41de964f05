//! `fleet`: the jobs of many projects, and what is to be seen of them as a whole.

use std::io::{self, Write};
use std::path::PathBuf;
use std::thread::JoinHandle;

use super::asking::{is_interactive, says_yes};
use super::caller::{Caller, progress_form};
use super::printing::print;
use super::report::{after_runs, can_be_written};
use super::supervision;
use super::teller::{Teller, write_metrics};
use crate::exit::{Error, Exit};
use crate::fleet::folder::FleetFolder;
use crate::fleet::listing::{fleet_name, listed};
use crate::fleet::record::{FleetIdentity, FleetRecord};
use crate::fleet::whole::{FleetReport, JobFate};
use crate::notify::{Ending, FleetTold, Occasion};
use crate::report::metrics::{self, FleetNumbers};
use crate::report::{self, LogWriter};
use crate::settings::cli::fleet::FleetArgs;
use crate::settings::shard::shard;
use crate::shard::Shard;
use judged::JudgedJobs;
use work::FleetWork;

mod judged;
mod work;

/// Runs a fleet and says what it came to, here and to whom it may concern.
pub(super) fn run(args: &FleetArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let log = caller.start_log(args.log);
    // A rehearsal is nobody else's business.
    let teller = if args.simulate { None } else { Teller::of(&args.notify, caller.environment) };
    let begun = teller.as_ref().map(Teller::began);
    let supervisor = supervision::supervisor(caller.environment);
    let ended = work(args, caller, (&log, supervisor.as_ref()));
    let exit = ended.as_ref().map_or_else(Error::exit, FleetReport::exit);
    begun.map(JoinHandle::join);
    if let Some(teller) = teller {
        teller.ended(&match &ended {
            Ok(report) => ending(exit, report.line(), Some(told(report))),
            Err(error) => ending(exit, error.to_string(), None),
        });
    }
    // Whoever is told may take its time, and the program is alive meanwhile.
    if let Some(supervisor) = supervisor {
        supervisor.ended(exit);
    }
    ended.map(|_| exit)
}

/// Judges the jobs, runs them, and shows what came of it.
fn work(
    args: &FleetArgs,
    caller: &Caller<'_>,
    (log, supervisor): (&LogWriter, Option<&report::Supervisor>),
) -> Result<FleetReport, Error> {
    can_be_written(args.report.as_deref())?;
    let part = shard(args.shard, caller.environment)?;
    let jobs = listed(&args.jobs)?;
    let jobs = jobs.into_iter().filter(|job| part.is_none_or(|part| part.has(&job.name)));
    let judged = JudgedJobs::of(jobs.collect(), args, caller.environment)?;
    if !args.yes && !args.simulate && is_interactive() && !may_begin(&judged) {
        return Err(Error::refused("not confirmed: nothing was sent"));
    }
    let folder = FleetFolder::hold(&folder(args, part))?;
    let identity = FleetIdentity {
        jobs: std::fs::canonicalize(&args.jobs).unwrap_or_else(|_| args.jobs.clone()),
        shard: part.map(|part| part.to_string()),
        simulated: args.simulate,
    };
    let record = FleetRecord::open(folder.path(), identity.clone(), args.resume)?;
    let work = FleetWork::new(judged, (folder.path(), record), args);
    let report = work.finish((progress_form(args.log), log), supervisor)?;
    let report = FleetReport {
        jobs: args.jobs.clone(),
        folder: folder.path().to_owned(),
        shard: identity.shard,
        ..report
    };
    let report = report.in_order(resume_command(caller));
    show(args, &report, log);
    if let Err(error) = folder.write_summary(&report.json()) {
        tracing::error!("{error}; the runs are not affected");
    }
    Ok(report)
}

/// Where the fleet has its folder.
fn folder(args: &FleetArgs, part: Option<Shard>) -> PathBuf {
    args.out.clone().unwrap_or_else(|| {
        let name = fleet_name(&args.jobs);
        let name = part.map_or_else(|| name.clone(), |part| part.folder(&name));
        // A rehearsal is not to be gone on with in earnest.
        let end = if args.simulate { "-simulated" } else { "" };
        PathBuf::from("fleets").join(format!("{name}{end}"))
    })
}

/// Says what is about to happen, and asks. Only `yes` is yes.
fn may_begin(judged: &JudgedJobs) -> bool {
    let jobs = report::count(judged.jobs() as u64, "job");
    let projects = report::count(judged.lanes.len() as u64, "project");
    let refused = match judged.refused.len() {
        0 => String::new(),
        refused => format!("; {} refused", report::count(refused as u64, "job")),
    };
    let mut screen = io::stderr();
    let asked = writeln!(screen, "{jobs} for {projects} (real users){refused}");
    asked.and_then(|()| write!(screen, "Type yes to go on: ")).is_ok()
        && screen.flush().is_ok()
        && says_yes()
}

/// The command that goes on: the one that was typed, with what it takes.
fn resume_command(caller: &Caller<'_>) -> String {
    let has = caller.typed.iter().any(|word| word == "--resume");
    let words = caller.typed.iter().map(|word| report::quoted(word));
    let resume = (!has).then(|| "--resume".to_owned());
    let words = ["descope-bulk".to_owned()].into_iter().chain(words).chain(resume);
    words.collect::<Vec<_>>().join(" ")
}

/// Shows it, and writes what was asked for.
fn show(args: &FleetArgs, report: &FleetReport, log: &LogWriter) {
    print(&if args.json { format!("{}\n", report.json()) } else { report.page() });
    let runs: Vec<PathBuf> = report.ends.iter().filter_map(|end| end.run.clone()).collect();
    if let Some(path) = args.report.as_ref().filter(|_| !runs.is_empty()) {
        // Without a reader of stderr there is nobody to tell.
        let _ = log.clone().write_all(after_runs(&runs, path).as_bytes());
    }
    let numbers = FleetNumbers {
        fleet: &args.jobs,
        jobs: JobFate::ALL.into_iter().map(|fate| (fate.word(), report.count(fate))).collect(),
        exit_codes: report.ends.iter().map(|end| (&*end.name, end.exit.code())).collect(),
        rows: report.rows(),
        exit_code: report.exit().code(),
        finished_at: report.finished_at,
    };
    write_metrics(&args.notify, &metrics::of_fleet(&numbers));
}

/// What others are told of the fleet.
fn ending(exit: Exit, why: String, fleet: Option<FleetTold>) -> Ending {
    let (occasion, why) = (Occasion::FleetEnded, Some(why));
    Ending { occasion, file: None, exit, summary: None, why, is_repeat: false, fleet }
}

fn told(report: &FleetReport) -> FleetTold {
    let not_well = report.ends.iter().filter(|end| end.exit != Exit::Success);
    FleetTold {
        rows: report.rows(),
        not_well: not_well.map(|end| (end.name.clone(), end.exit)).collect(),
    }
}
