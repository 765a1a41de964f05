//! Works on the files of an inbox: looks, takes the next one, runs it, puts it away, tells of it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use jiff::{Timestamp, ZonedDateTime};
use tokio::runtime::{Builder, Handle};
use tokio::time::Instant;

use crate::api::transport::Transport;
use crate::commands::run::runner::Runner;
use crate::commands::run::showing::show;
use crate::commands::teller::Teller;
use crate::commands::{open_files, report, signals};
use crate::exit::{Error, Exit};
use crate::inbox::claim::Claim;
use crate::inbox::deadline::{is_for, next_time};
use crate::inbox::ending::{Fate, FileEnd, is_empty};
use crate::inbox::folders::{Inbox, InboxListing, Taking};
use crate::inbox::sightings::{InboxFile, NextMove, Sightings};
use crate::inbox::whole::{FileReport, InboxReport};
use crate::inbox::writers::is_open_for_writing;
use crate::notify::{Ending, Occasion};
use crate::report::LogWriter;
use crate::report::logging::LogFormat;
use crate::settings::cli::run::RunArgs;
use crate::settings::config::Config;
use crate::stop::Stop;
use crate::store;
use crate::store::summary::Summary;

/// How far apart the folder is looked at, at most.
const POLL: Duration = Duration::from_secs(2);

/// The work on an inbox.
pub(super) struct InboxWork<'a> {
    runner: &'a Runner<'a>,
    teller: Option<&'a Teller>,
    config: Config,
    inbox: Inbox,
    sightings: Sightings,
    /// What signals stop.
    stop: Stop,
    clock: Handle,
    /// When a file is to have come, if one is to.
    deadline: Option<ZonedDateTime>,
    came: bool,
    /// When the first file was worked on.
    begun: Option<Instant>,
    /// What was said once.
    said: BTreeSet<String>,
    report: InboxReport,
    last: Option<Box<Summary>>,
}

impl<'a> InboxWork<'a> {
    /// Opens the inbox in a folder.
    ///
    /// # Errors
    ///
    /// What would be in the way of every file.
    pub(super) fn begin(
        runner: &'a Runner<'a>,
        folder: &Path,
        teller: Option<&'a Teller>,
    ) -> Result<Self, Error> {
        let Runner { args, caller, log, .. } = *runner;
        let config = Config::for_each_file(args, caller.environment)?;
        if config.is_protected {
            return Err(Error::refused(
                "the project is protected: nothing but a plan is run, and an inbox takes none",
            ));
        }
        // What is wrong with these would be wrong with every file.
        config.mapping.check()?;
        config.endpoint().map(Transport::new).transpose()?;
        open_files::allow(&config)?;
        report::can_be_written(args.output.report.as_deref())?;
        let deadline = deadline(args)?;
        let inbox = Inbox::open(folder, args.resuming.wait)?;
        let report = InboxReport { inbox: inbox.path().to_owned(), ..InboxReport::default() };
        let stop = Stop::default();
        let clock = listen(&stop, log)?;
        Ok(Self {
            runner,
            teller,
            config,
            inbox,
            sightings: Sightings::default(),
            stop,
            clock,
            deadline,
            came: false,
            begun: None,
            said: BTreeSet::new(),
            report,
            last: None,
        })
    }

    /// Works on one file after the other, until there is nothing more to do or something is in the way.
    pub(super) fn finish(mut self) -> (InboxReport, Option<Box<Summary>>) {
        loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    anstream::eprintln!("descope-bulk: {error}");
                    self.report.stopped = Some((error.exit(), first_line(&error)));
                    break;
                }
            }
        }
        self.report.waiting = self.sightings.waiting().count();
        (self.report, self.last)
    }

    /// Does what is to be done next; false when that is nothing.
    fn step(&mut self) -> Result<bool, Error> {
        self.look()?;
        if let Some(reason) = self.stop.reason() {
            self.report.stopped = Some((reason.exit(), reason.to_string()));
            return Ok(false);
        }
        match self.sightings.next(Instant::now(), self.runner.args.inbox.settle) {
            NextMove::Take(_) if self.time_left() == Some(Duration::ZERO) => {
                self.report.stopped = Some((Exit::Stopped, "--max-duration is over".to_owned()));
                Ok(false)
            }
            NextMove::Take(InboxFile::Taken(folder)) => self.work(&folder),
            NextMove::Take(InboxFile::Waiting(name)) => self.take(&name).map(|()| true),
            NextMove::Wait(left) => {
                let settle = humantime::format_duration(self.runner.args.inbox.settle);
                self.say(format!("waiting until no file has changed for {settle} (--settle)"));
                self.pause(left.min(POLL));
                Ok(true)
            }
            NextMove::Nothing => Ok(self.expect()),
        }
    }

    /// Looks at what is there, and tells of what is left alone.
    fn look(&mut self) -> Result<(), Error> {
        let InboxListing { mut there, left, refused } = self.inbox.look()?;
        for (name, why) in left {
            let told = format!("{name} {why}: it is left alone");
            if self.said.insert(told.clone()) {
                tracing::warn!("inbox: {told}");
            }
        }
        for (name, why) in refused {
            self.refuse(name, why.to_owned());
        }
        there.retain(|(file, _)| match file {
            InboxFile::Waiting(name) => !self.is_refused(name),
            InboxFile::Taken(_) => true,
        });
        self.sightings.update(there, Instant::now());
        Ok(())
    }

    fn is_refused(&self, name: &str) -> bool {
        self.report.refused.iter().any(|(own, _)| own == name)
    }

    /// Leaves a file alone that cannot be taken, and says so once.
    fn refuse(&mut self, name: String, why: String) {
        if !self.is_refused(&name) {
            tracing::warn!("inbox: {name}: {why}; it is left alone");
            self.report.refused.push((name, why));
        }
    }

    /// Takes a file that looks complete.
    fn take(&mut self, name: &str) -> Result<(), Error> {
        if is_open_for_writing(&self.inbox.path().join(name)) {
            self.say(format!("waiting for {name}: a process has it open for writing"));
            self.sightings.is_changing(&InboxFile::Waiting(name.to_owned()), Instant::now());
            self.pause(POLL.min(self.runner.args.inbox.settle.max(LEAST_PAUSE)));
            return Ok(());
        }
        match self.inbox.take(name, &self.config.folders.runs_dir, Timestamp::now())? {
            Taking::Taken(folder) => self.sightings.is_taken(name, &folder),
            Taking::Gone => {}
            Taking::Refused(why) => self.refuse(name.to_owned(), why),
        }
        Ok(())
    }

    /// Works on a file that is taken, and puts it away; false where the next one would fare no better.
    fn work(&mut self, folder: &str) -> Result<bool, Error> {
        let Some(claim) = self.inbox.claim(folder).cloned() else { return Ok(true) };
        self.begun.get_or_insert_with(Instant::now);
        self.came |= self.deadline.as_ref().is_some_and(|by| is_for(claim.note.taken_at, by));
        let (end, occasion) = self.run(&claim);
        let path = match end.fate {
            Fate::Done => self.inbox.put_away(folder, None)?,
            Fate::Failed => self.inbox.put_away(folder, Some(&end.reason()))?,
            Fate::Held => claim.path(),
        };
        let run = &claim.note.run;
        let has_run = holds_run(run);
        if !has_run && end.fate != Fate::Held {
            store::abandon(run);
        }
        self.report.files.push(FileReport {
            name: claim.name.clone(),
            fate: end.fate,
            exit: end.exit,
            path,
            run: has_run.then(|| run.clone()),
        });
        let goes_on = end.fate != Fate::Held;
        self.tell(occasion, claim.note.file, end);
        Ok(goes_on)
    }

    /// Runs a file, or finds that its run was complete before, and says what others are told of.
    fn run(&self, claim: &Claim) -> (FileEnd, Occasion) {
        let run = &claim.note.run;
        let file = (claim.path(), claim.note.file.clone());
        let config = self.config.for_file(file, run.clone(), &self.runner.args.rows);
        let inputs = config.inputs.clone();
        let end = FileEnd::before(run, self.runner.args.simulate).unwrap_or_else(|| {
            let config = Config { max_duration: self.time_left(), ..config };
            self.note(&format!("working on {}", claim.name));
            let has_begun = holds_run(run);
            let ended = self.runner.run_files(config, Some(&self.stop));
            let end = FileEnd::of(&ended, has_begun);
            if let Err(error) = ended.and_then(|end| show(end, self.runner)) {
                anstream::eprintln!("descope-bulk: {error}");
            }
            end
        });
        // Looked at before it is put away.
        let occasion = match end.fate {
            Fate::Failed if is_empty(&inputs) => Occasion::FileEmpty,
            _ => Occasion::RunEnded,
        };
        (end, occasion)
    }

    /// Tells others how a file ended.
    fn tell(&mut self, occasion: Occasion, file: String, end: FileEnd) {
        let FileEnd { exit, summary, why, .. } = end;
        if let Some(teller) = self.teller {
            let summary = summary.clone();
            // A summary says it itself.
            let why = why.filter(|_| summary.is_none());
            let is_repeat = false;
            let ending =
                Ending { occasion, file: Some(file), exit, summary, why, is_repeat, fleet: None };
            teller.others_ended(&ending);
        }
        self.last = summary.or(self.last.take());
    }

    /// Waits a while for a file that is to come; false when none is, or it is too late.
    fn expect(&mut self) -> bool {
        let Some(by) = self.deadline.clone().filter(|_| !self.came) else { return false };
        let shown = by.strftime("%Y-%m-%d %H:%M:%S %:z");
        let left = Duration::try_from(by.timestamp().duration_since(Timestamp::now()));
        match left {
            Ok(left) if !left.is_zero() => {
                self.say(format!("waiting for a file until {shown}"));
                self.pause(left.min(POLL));
                true
            }
            _ => {
                self.report.missing = Some(format!("no file came by {shown} (--expect-by)"));
                false
            }
        }
    }

    /// How much of `--max-duration` is left, counted from the first file on.
    fn time_left(&self) -> Option<Duration> {
        let gone = self.begun.map_or(Duration::ZERO, |begun| begun.elapsed());
        self.config.max_duration.map(|most| most.saturating_sub(gone))
    }

    /// Waits, unless a signal comes.
    fn pause(&self, time: Duration) {
        if let Some(supervisor) = self.runner.supervisor {
            supervisor.waits("waiting for files");
        }
        let waited = async { tokio::time::timeout(time, self.stop.draining()).await };
        let _ = self.clock.block_on(waited);
    }

    /// Says something once.
    fn say(&mut self, what: String) {
        if !self.said.contains(&what) {
            self.note(&what);
            self.said.insert(what);
        }
    }

    fn note(&self, what: &str) {
        let Runner { args, log, .. } = *self.runner;
        match args.output.log.log_format {
            LogFormat::Json => tracing::info!(event = "inbox", "{what}"),
            LogFormat::Text if args.output.log.quiet => {}
            LogFormat::Text => {
                // Without a reader of stderr there is nobody to tell.
                let _ = log.clone().write_all(format!("inbox: {what}\n").as_bytes());
            }
        }
    }
}

/// Whether a folder holds a run that has begun, or what may be one.
fn holds_run(folder: &Path) -> bool {
    !matches!(store::glance(folder), Ok(None))
}

/// So that a file that is open for writing is not asked about all the time.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// When a file is to have come.
fn deadline(args: &RunArgs) -> Result<Option<ZonedDateTime>, Error> {
    let Some(time) = args.inbox.expect_by else { return Ok(None) };
    let now = Timestamp::now().to_zoned_datetime(args.hours.zone());
    next_time(&now, time).map(Some).map_err(Error::refused)
}

/// Has signals set the stop for as long as the process lives, whatever else it is at.
fn listen(stop: &Stop, log: &LogWriter) -> Result<Handle, Error> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Error::Stopped(format!("cannot start threads: {error}")))?;
    let handle = runtime.handle().clone();
    {
        let _within = runtime.enter();
        signals::watch(stop.clone(), log.clone())?;
    }
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    Ok(handle)
}

fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
