//! Intake: what is read, which run it is, and in which folder it begins or is resumed.
//!
//! Everything here blocks, and sends nothing but the one request for what the project declares of
//! custom attributes. What can be read only once, such as standard
//! input, is kept in the run folder first, so that the run can be resumed. A run that
//! is refused leaves nothing behind.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use super::canary::Candidates;
use super::checked::Checked;
use super::earlier::{self, Earlier};
use super::{planned, shards};
use crate::check::{self, EXAMPLES, Options};
use crate::engine::breaker::MaxFailures;
use crate::exit::{Error, Exit};
use crate::input::{self, Input, InputRequest, Promise};
use crate::outcome::Tally;
use crate::report;
use crate::rows::{Builder, DeclaredAttribute, Mapping};
use crate::settings::config::{Config, Folders};
use crate::shard::{SPLIT, Split};
use crate::stop::Stop;
use crate::store::journal::{Identity, InputIdentity, JOURNAL_VERSION, Recovered};
use crate::store::{self, Place, Recorder, RunFolder};

/// A run that can begin, or be resumed.
pub(super) struct Intake {
    pub(super) folder: RunFolder,
    pub(super) reading: Reading,
    pub(super) recorder: Recorder,
    /// What was done before, when the run is resumed.
    pub(super) recovered: Option<Recovered>,
    /// What the rows are like, if they were checked.
    pub(super) checked: Option<Checked>,
}

/// Inputs that are understood as far as can be without reading them.
pub(super) struct Reading {
    pub(super) input: Input,
    pub(super) builder: Builder,
    pub(super) identity: Identity,
    pub(super) requests: Vec<InputRequest>,
}

/// What is to be done.
pub(super) enum Intended {
    /// To begin a run, or to resume one.
    Run(Box<Intake>),
    /// Nothing: the run in this folder is finished, and this is what became of its rows.
    Nothing { folder: PathBuf, tally: Tally },
    /// Nothing: the run is strict, and these are the problems of its rows.
    Problems { report: Box<check::Report>, files: Vec<String> },
}

/// Reads what the project declares of custom attributes; nothing where that is not to be known.
pub(super) type Declares<'a> = &'a dyn Fn() -> Result<Option<Vec<DeclaredAttribute>>, Error>;

/// Finds out which run it is, and where it begins or is resumed. `keeping` is set to the folder in
/// which inputs that can be read only once are being kept, since that may take forever.
pub(super) fn intend(
    config: &Config,
    at: Timestamp,
    keeping: &OnceLock<PathBuf>,
    (declares, stop): (Option<Declares<'_>>, &Stop),
) -> Result<Intended, Error> {
    let Folders { runs_dir, out, resume, wait } = &config.folders;
    if let Some(path) = out.as_ref().filter(|path| *resume && path.exists()) {
        return resumed(RunFolder::open(path.clone(), *wait)?, config, (declares, stop));
    }
    let (name, name_of_all) = shards::folder_names(config);
    let place = match out {
        Some(path) => Place::Exactly(path.clone()),
        None => Place::Under { runs: runs_dir.clone(), name, at },
    };
    let mut fresh = Fresh { place, folder: None };
    if config.inputs.iter().any(InputRequest::is_stream) {
        let folder = fresh.folder()?;
        // Who waits for us and gives up removes what is kept so far.
        let _ = keeping.set(folder.path().to_owned());
        keep_streams(config, folder)?;
    }
    let reading = Reading::open(config, fresh.folder.as_ref(), (declares, stop))?;
    if !resume || out.is_some() {
        return Intended::begin(|| fresh.take(), reading, config, stop);
    }
    // Two that start at the same moment must not both begin.
    let choosing = store::choosing(runs_dir)?;
    match earlier::find(runs_dir, &name_of_all, &reading.identity)? {
        Earlier::None => Intended::begin(|| fresh.take(), reading, config, stop),
        Earlier::Finished { folder, tally } => Ok(Intended::Nothing { folder, tally }),
        Earlier::Unfinished(path) => {
            drop(choosing);
            resumed(RunFolder::open(path, *wait)?, config, (declares, stop))
        }
    }
}

impl Intended {
    /// Begins a run, once its rows are checked where it is strict. Its journal is there from
    /// now on, so that others find it.
    fn begin(
        folder: impl FnOnce() -> Result<RunFolder, Error>,
        reading: Reading,
        config: &Config,
        stop: &Stop,
    ) -> Result<Self, Error> {
        reading.refuse_empty(config)?;
        if let Some(report) = reading.problems(config)? {
            let files = reading.requests.iter().map(InputRequest::name).collect();
            return Ok(Self::Problems { report: Box::new(report), files });
        }
        let most = config.preflight.or(config.canary.map(|_| MaxFailures::Unlimited));
        let checked = match most {
            Some(most) => Some(reading.preflight(most, config.canary, stop)?),
            None => None,
        };
        if stop.is_draining() {
            // Nobody waits for this any more: nothing is to be left behind.
            return Err(Error::refused("stopped before the first row"));
        }
        let folder = folder()?;
        let recorder =
            Recorder::new(&folder, (reading.input.sources(), &config.outputs), &reading.identity)?;
        Ok(Self::Run(Box::new(Intake { folder, reading, recorder, recovered: None, checked })))
    }

    /// Resumes a run.
    fn resume(
        folder: RunFolder,
        reading: Reading,
        recovered: Recovered,
        config: &Config,
    ) -> Result<Self, Error> {
        let recorded = (reading.input.sources(), &config.outputs);
        let recorder = Recorder::resume(&folder, recorded, &recovered)?;
        let recovered = Some(recovered);
        Ok(Self::Run(Box::new(Intake { folder, reading, recorder, recovered, checked: None })))
    }
}

impl Intake {
    /// Leaves no trace of a run that never began; one that was resumed stays as it is.
    pub(super) fn give_up(self) {
        drop(self.recorder);
        if self.recovered.is_none() {
            self.folder.remove();
        }
    }
}

impl Reading {
    /// Opens the inputs; those that can be read only once are in the folder.
    pub(super) fn open(
        config: &Config,
        folder: Option<&RunFolder>,
        (declares, stop): (Option<Declares<'_>>, &Stop),
    ) -> Result<Self, Error> {
        let kept = |(index, request): (usize, &InputRequest)| match folder {
            Some(folder) if request.is_stream() => request.kept_in(folder.kept(index)),
            _ => request.clone(),
        };
        let requests: Vec<InputRequest> = config.inputs.iter().enumerate().map(kept).collect();
        // What is read from here on is what is fingerprinted now, or the run stops.
        planned::refuse_kept(&requests)?;
        let identified: Result<(Vec<_>, Vec<_>), Error> = requests.iter().map(identify).collect();
        // What cannot be read at all is best explained by what reads it.
        let (requests, inputs) = identified.or_else(|error| {
            input::open(&requests)?;
            Err(error)
        })?;
        let input = input::open(&requests)?;
        let mapping = declaring(config.mapping.clone(), &requests, (declares, stop))?;
        let mut settings = config.identity.clone();
        let declared = mapping.declared_identity().into_iter();
        settings.extend(declared.map(|(name, told)| (name, told.into())));
        let builder = Builder::new(mapping, input.sources())?;
        let builder = check::survey(builder, &requests, &|| stop.is_draining())?;
        let identity = Identity { version: JOURNAL_VERSION, inputs, settings };
        let mut reading = Self { input, builder, identity, requests };
        if let Some(shard) = config.shard {
            let split = shards::split(reading.again()?, shard, stop)?;
            reading.keep_to(split);
        }
        Ok(reading)
    }

    /// Takes only the rows of a shard; how they were split is part of which run it is.
    fn keep_to(&mut self, split: Split) {
        self.identity.settings.insert(SPLIT.to_owned(), split.told());
        let rows = Arc::new(split.rows);
        for request in &mut self.requests {
            *request = request.clone().with_only(Some(Arc::clone(&rows)));
        }
        self.input.take_only(rows);
    }

    /// The inputs once more, with a builder that knows what this one knows: a builder knows only the
    /// sources that it was made for.
    fn again(&self) -> Result<(Input, Builder), Error> {
        let input = input::open(&self.requests)?;
        let builder = Builder::new(self.builder.mapping().clone(), input.sources())?;
        Ok((input, builder.surveyed_like(&self.builder)))
    }

    /// Refuses inputs that hold no row at all, unless that was said to be fine.
    fn refuse_empty(&self, config: &Config) -> Result<(), Error> {
        // A shard may have no row where others have.
        let whole = shards::whole(&self.requests);
        let empty = || Ok::<bool, Error>(input::open(&whole)?.next().is_none());
        if config.allow_empty || !empty()? {
            return Ok(());
        }
        Err(input::no_rows(&whole))
    }

    /// Reads all rows, and refuses them when too many are invalid. An input that cannot be read to
    /// its end is left to the run, which says so where it ends. Rows are looked at one by one only:
    /// comparing them, as `check` does, takes several times as long and holds up the first row.
    fn preflight(
        &self,
        most: MaxFailures,
        canary: Option<u64>,
        stop: &Stop,
    ) -> Result<Checked, Error> {
        let (input, mut builder) = self.again()?;
        let mut checked = Checked::default();
        let mut first = None;
        let mut candidates = canary.map(Candidates::new);
        for record in input.map_while(Result::ok) {
            checked.rows += 1;
            match builder.build(record) {
                Ok(instruction) => {
                    *checked.operations.entry(instruction.operation.name).or_default() += 1;
                    checked.needed.count(&instruction);
                    if let Some(candidates) = &mut candidates {
                        candidates.take(&instruction);
                    }
                }
                Err(invalid) => {
                    checked.invalid += 1;
                    first.get_or_insert(invalid);
                }
            }
            if stop.is_draining() {
                break;
            }
        }
        checked.canary = candidates.map(Candidates::chosen).unwrap_or_default();
        match first {
            Some(first) if most.refuses(checked.invalid, checked.rows) => {
                let issue = &first.issue;
                let what = if issue.quotes_values() { &issue.code } else { &issue.message };
                Err(Error::refused(format!(
                    "{} of {} are invalid, more than --max-invalid {most} allows; nothing was sent\n  the first is at {}: {}\n  `descope-bulk check` shows all of them",
                    report::thousands(checked.invalid),
                    report::count(checked.rows, "row"),
                    first.record.place(),
                    what
                )))
            }
            _ => Ok(checked),
        }
    }

    /// What is wrong with the rows, if the run is strict and there is anything.
    fn problems(&self, config: &Config) -> Result<Option<check::Report>, Error> {
        let Some(allow) = config.strict.clone() else { return Ok(None) };
        let options = Options { examples: EXAMPLES, allow, ..Options::default() };
        let mapping = self.builder.mapping().clone();
        let report = check::check_files(&self.requests, mapping, &options, &mut |_| ())?;
        Ok((report.exit() != Exit::Success).then_some(report))
    }
}

/// The same mapping, knowing what the project declares of the custom attributes that rows set, if they
/// set any: one request, before the first row.
fn declaring(
    mapping: Mapping,
    requests: &[InputRequest],
    (declares, stop): (Option<Declares<'_>>, &Stop),
) -> Result<Mapping, Error> {
    let Some(declares) = declares else { return Ok(mapping) };
    let used = check::attribute_names(&mapping, requests, &|| stop.is_draining())?;
    if used.is_empty() {
        return Ok(mapping);
    }
    let declared = declares()?;
    mapping.declaring(used, declared)
}

/// A folder for a run that may never begin; then it is removed again.
struct Fresh {
    place: Place,
    folder: Option<RunFolder>,
}

impl Fresh {
    fn folder(&mut self) -> Result<&RunFolder, Error> {
        match &mut self.folder {
            Some(folder) => Ok(folder),
            none => Ok(none.insert(RunFolder::create(&self.place)?)),
        }
    }

    fn take(&mut self) -> Result<RunFolder, Error> {
        self.folder()?;
        self.folder.take().ok_or_else(|| Error::refused("the run folder is gone"))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.take() {
            folder.remove();
        }
    }
}

fn keep_streams(config: &Config, folder: &RunFolder) -> Result<(), Error> {
    let streams = || config.inputs.iter().enumerate().filter(|(_, r)| r.is_stream());
    if config.outputs.recipients.is_some()
        && let Some((_, request)) = streams().next()
    {
        return Err(Error::refused(format!(
            "{}: what can be read only once would be kept in the run folder, not encrypted: name a file, or omit --encrypt-to",
            request.name()
        )));
    }
    for (index, request) in streams() {
        let stream = request.stream().map_err(|error| {
            Error::refused(format!("{}: cannot be opened: {error}", request.name()))
        })?;
        folder.keep(index, stream).map_err(Error::unready)?;
    }
    Ok(())
}

/// Which input it is: its place and the fingerprint of its content, which it must keep.
fn identify(request: &InputRequest) -> Result<(InputRequest, InputIdentity), Error> {
    let name = request.name();
    let failed = |error: io::Error| Error::refused(format!("{name}: cannot be read: {error}"));
    let promise = Promise::of(&request.path).map_err(failed)?;
    let path = match request.known_as {
        Some(_) => name.clone(),
        None if request.is_object() => name.clone(),
        None => fs::canonicalize(&request.path).map_err(failed)?.display().to_string(),
    };
    let (bytes, fingerprint) = (promise.bytes, promise.fingerprint.clone());
    Ok((request.clone().promised(promise), InputIdentity { name, path, bytes, fingerprint }))
}

/// Resumes the run in a folder; one that got nowhere begins again there.
fn resumed(
    folder: RunFolder,
    config: &Config,
    (declares, stop): (Option<Declares<'_>>, &Stop),
) -> Result<Intended, Error> {
    if let Some(mark) = store::marks::purged(folder.path()).map_err(Error::unready)? {
        let reading = Reading::open(config, Some(&folder), (declares, stop))?;
        let tally = earlier::of_purged(folder.path(), &mark, &reading.identity)?;
        return Ok(Intended::Nothing { folder: folder.path().to_owned(), tally });
    }
    let Some(recovered) = folder.recover().map_err(Error::unready)? else {
        folder.clear().map_err(Error::unready)?;
        keep_streams(config, &folder)?;
        let reading = Reading::open(config, Some(&folder), (declares, stop))?;
        return Intended::begin(|| Ok(folder), reading, config, stop);
    };
    let reading = Reading::open(config, Some(&folder), (declares, stop))?;
    if !recovered.identity.same_inputs(&reading.identity) {
        return Err(Error::refused(format!(
            "the run in {} has other input files: name those, or another folder",
            folder.path().display()
        )));
    }
    let differences = recovered.identity.differences(&reading.identity);
    match (recovered.complete, differences.is_empty()) {
        (true, true) => {
            Ok(Intended::Nothing { folder: folder.path().to_owned(), tally: recovered.tally })
        }
        (true, false) => Err(Error::refused(format!(
            "the run in {} is finished, and this run differs from it: {}\n  name another folder",
            folder.path().display(),
            differences.join("; ")
        ))),
        (false, false) => Err(earlier::changed(folder.path(), &differences)),
        (false, true) => {
            folder.forget_summary().map_err(Error::unready)?;
            Intended::resume(folder, reading, recovered, config)
        }
    }
}
