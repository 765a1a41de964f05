//! `plan`: what rows would do to users as they are now.

use std::io::{self, Write};

use jiff::Timestamp;

use super::caller::Caller;
use super::check::keep_all;
use super::declared::{Asked, Unreachable, declaring};
use super::reading::with_project;
use crate::check::{self, EXAMPLES, Needed, Options, Report};
use crate::connect::ReadableProject;
use crate::exit::{Error, Exit};
use crate::input::{self, InputRequest};
use crate::plan::file::{PLAN_VERSION, PlanHeader, PlanWriter};
use crate::plan::{self, ChangeClass, PlanOutcome, PlanTotals, PlannedRow};
use crate::report::{self, ChangeTable, PlanScreen, ReadingProgress};
use crate::rows::{Builder, Mapping, OnConflict};
use crate::settings::cli::plan::PlanArgs;
use crate::settings::config::{self, PaceSettings};
use crate::stop::Stop;
use crate::store::summary::Tool;

/// Plans the files, and shows what would happen.
pub(super) fn run(args: &PlanArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    config::some_input(&args.files)?;
    let mut kept = Vec::new();
    let requests = keep_all(config::requests(&args.files, &args.rows), &mut kept)?;
    let mapping = declared(args, &requests, caller)?;
    let checked = checked(args, &requests, mapping.clone())?;
    let planned = with_project(&args.project, &args.pace, caller, async |project, stop| {
        let reading = Planning { args, requests: &requests, mapping, rows: checked.rows };
        reading.plan(project, stop).await
    })?;
    show(args, caller, &planned, &checked)?;
    Ok(exit(args, &planned.totals))
}

/// How rows are understood, by what the project declares. Files that are wrong are told before the
/// project is asked.
fn declared(
    args: &PlanArgs,
    requests: &[InputRequest],
    caller: &Caller<'_>,
) -> Result<Mapping, Error> {
    let mapping = config::mapping(&args.rows, &args.findings);
    declaring(mapping, requests, caller, || {
        let pace = config::pace(&args.pace, caller.environment)?;
        let endpoint = config::endpoint(&args.project, &pace, caller.environment)?;
        Ok(Some(Asked { endpoint, pace, unreachable: Unreachable::Refuse }))
    })
}

/// What `check` finds in the files; files that cannot be read to their end are refused.
fn checked(args: &PlanArgs, requests: &[InputRequest], mapping: Mapping) -> Result<Report, Error> {
    let options = Options {
        examples: EXAMPLES,
        allow: args.findings.allow.clone(),
        limits: PaceSettings::limits(args.pace.rate, args.pace.max_share),
        batch_size: u64::from(args.rows.batch_size),
        all: false,
    };
    let report = check::check_files(requests, mapping, &options, &mut |_| ())?;
    match &report.unreadable {
        Some(unreadable) => Err(Error::refused(unreadable)),
        None if report.rows == 0 && !args.rows.allow_empty => Err(input::no_rows(requests)),
        None => Ok(report),
    }
}

/// What was planned.
struct Planned {
    project: String,
    totals: PlanTotals,
    /// What rows name and could not be looked at, and why.
    unchecked: Vec<(&'static str, String)>,
    /// What it takes to send the changes, row by row and in batches.
    needed: [Needed; 2],
}

struct Planning<'a> {
    args: &'a PlanArgs,
    requests: &'a [InputRequest],
    mapping: Mapping,
    rows: u64,
}

impl Planning<'_> {
    async fn plan(self, project: &ReadableProject, stop: &Stop) -> Result<Planned, Error> {
        let output = &self.args.output;
        let input = input::open(self.requests)?;
        let names: Vec<String> = self.requests.iter().map(InputRequest::name).collect();
        let builder = Builder::new(self.mapping.clone(), input.sources())?;
        let builder = check::survey(builder, self.requests, &|| stop.is_draining())?;
        let header = self.header(project, &names);
        let file = output.output.as_ref();
        let mut file = file.map(|path| PlanWriter::create(path, header)).transpose()?;
        let table = output.csv.as_ref();
        let mut table = table.map(|path| ChangeTable::create(path)).transpose()?;
        let mut totals = PlanTotals { keeps_all: output.all, ..PlanTotals::default() };
        let mut needed = [Needed::default(); 2];
        let progress = ReadingProgress::new(self.rows);
        let mut each = |planned: &PlannedRow| {
            totals.count(planned);
            progress.advance();
            if let (Ok(instruction), PlanOutcome::Changes(_)) = (&planned.row, &planned.verdict) {
                needed[0].count(instruction);
                needed[1].count_batched(instruction);
            }
            table.as_mut().map_or(Ok(()), |table| table.row(planned))?;
            file.as_mut().map_or(Ok(()), |file| file.row(planned))
        };
        let expected = (self.rows, stop);
        let unchecked = plan::plan(input, builder, &project.requester, expected, &mut each).await?;
        drop(progress);
        table.map_or(Ok(()), ChangeTable::finish)?;
        file.map_or(Ok(()), |file| file.finish(&totals))?;
        let label = if project.is_simulated { " (simulated)" } else { "" };
        let project = format!("{} at {}{label}", project.id, project.host);
        Ok(Planned { project, totals, unchecked, needed })
    }

    fn header(&self, project: &ReadableProject, names: &[String]) -> PlanHeader {
        PlanHeader {
            version: PLAN_VERSION,
            tool: format!("{} {}", Tool::THIS.name, Tool::THIS.version),
            project_id: project.id.clone(),
            base_url: project.base_url.clone(),
            read_at: Timestamp::now(),
            inputs: names.to_vec(),
            merges: self.mapping.on_conflict == OnConflict::Merge,
            allow_destructive: self.mapping.allow_destructive,
            invites: self.mapping.invites,
        }
    }
}

fn show(
    args: &PlanArgs,
    caller: &Caller<'_>,
    planned: &Planned,
    checked: &Report,
) -> Result<(), Error> {
    let output = &args.output;
    let limits = PaceSettings::limits(args.pace.rate, args.pace.max_share);
    let size = u64::from(args.rows.batch_size);
    let forecasts = planned.needed.map(|needed| check::forecast(&needed, size, &limits));
    let next = output.output.as_ref().filter(|_| planned.totals.changes > 0).map(|path| {
        let classes = &planned.totals.classes;
        let allow = ChangeClass::ALL
            .into_iter()
            .filter(|class| class.needs_leave() && classes.contains_key(class.word()))
            .fold(String::new(), |allow, class| allow + " --allow " + class.word());
        // As many as there are, and no more.
        let most = classes.get(ChangeClass::Deletion.word());
        let most = most.map(|users| format!(" --max-deletes {users}")).unwrap_or_default();
        let path = report::quoted(&path.to_string_lossy());
        let project =
            caller.options(&["--project-id", "--base-url", "--key-file", "--key-command"]);
        format!("{} run {path}{allow}{most}{project}", Tool::THIS.name)
    });
    let screen = PlanScreen {
        project: &planned.project,
        files: &args.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
        totals: &planned.totals,
        types_from: &checked.types_from,
        unchecked: &planned.unchecked,
        problems: checked.problem_counts(),
        forecasts: &forecasts,
        reads: planned.needed[0].reads(),
        plan_file: output.output.as_deref(),
        next: next.as_deref(),
        look: caller.look(),
    };
    if let Some(path) = &output.markdown {
        screen.write_markdown(path, output.with_values)?;
    }
    let mut page = Vec::new();
    let printed =
        if output.json { writeln!(page, "{}", screen.json()) } else { screen.print(&mut page) };
    // A closed stdout has read enough.
    let _ = printed.and_then(|()| io::stdout().write_all(&page));
    Ok(())
}

fn exit(args: &PlanArgs, totals: &PlanTotals) -> Exit {
    if totals.refused() > 0 {
        Exit::Failures
    } else if args.output.detailed_exitcode && totals.changes > 0 {
        Exit::Pending
    } else {
        Exit::Success
    }
}
