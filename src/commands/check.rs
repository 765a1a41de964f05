//! `check`: everything that can be known of the rows before anything is sent.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::caller::Caller;
use super::declared::{Asked, Unreachable, declaring};
use crate::check::{self, EXAMPLES, LocatedIssue, Options, Report};
use crate::exit::{Error, Exit};
use crate::input::{self, InputRequest};
use crate::issue::Severity;
use crate::settings::cli::check::CheckArgs;
use crate::settings::config::{self, PaceSettings};

/// Checks the files and says what was found.
pub(super) fn run(args: &CheckArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    config::some_input(&args.files)?;
    let mut kept = Vec::new();
    let requests = keep_all(config::requests(&args.files, &args.rows), &mut kept)?;
    let options = Options {
        examples: if args.all { 0 } else { EXAMPLES },
        allow: args.findings.allow.clone(),
        limits: PaceSettings::limits(args.rate, args.max_share),
        batch_size: u64::from(args.rows.batch_size),
        all: args.all,
    };
    let mapping = config::mapping(&args.rows, &args.findings);
    let mapping = declaring(mapping, &requests, caller, || project(args, caller))?;
    let mut screen = CheckScreen::new(args.json, caller.color());
    let report =
        check::check_files(&requests, mapping, &options, &mut |finding| screen.finding(finding))?;
    let names: Vec<String> = requests.iter().map(InputRequest::name).collect();
    if report.rows == 0 && report.unreadable.is_none() && !args.rows.allow_empty {
        return Err(input::no_rows(&requests));
    }
    let has_project = config::project(&args.project, caller.environment).is_ok();
    screen.report(&report, &names, next(&report, caller, has_project).as_deref());
    Ok(report.exit())
}

/// What to do next, with the command to type; nothing where the file has to be put right first.
fn next(report: &Report, caller: &Caller<'_>, has_project: bool) -> Option<String> {
    /// Options of `check` alone.
    const OWN: [&str; 3] = ["--all", "--json", "--offline"];
    if report.unreadable.is_some() {
        return None;
    }
    let again = |command: &str, end: &str| caller.retyped(command, &OWN) + end;
    let warnings = report.groups.iter().filter(|group| group.severity == Severity::Warning);
    let mut codes: Vec<&str> = warnings.map(|group| group.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let allow: String = codes.iter().flat_map(|code| [" --allow ", *code]).collect();
    Some(if report.count(Severity::Error) > 0 {
        format!("correct the rows, and check them again:\n  {}", again("check", ""))
    } else if !codes.is_empty() {
        format!("correct the rows, or allow what is meant:\n  {}", again("check", &allow))
    } else if has_project {
        format!("see what would change:\n  {}", again("plan", " -o plan.jsonl"))
    } else {
        format!("rehearse it, without an account:\n  {}", again("run", " --simulate"))
    })
}

/// The project that is asked, if it and a key for it are named.
fn project(args: &CheckArgs, caller: &Caller<'_>) -> Result<Option<Asked>, Error> {
    let pace = PaceSettings::for_one_request();
    let endpoint = config::endpoint_at_hand(&args.project, &pace, caller.environment);
    let endpoint = endpoint.filter(|_| !args.offline).transpose()?;
    Ok(endpoint.map(|endpoint| Asked { endpoint, pace, unreachable: Unreachable::Warn }))
}

/// Inputs that can be read twice, as long as what is kept of them.
pub(super) fn keep_all(
    requests: Vec<InputRequest>,
    kept: &mut Vec<NamedTempFile>,
) -> Result<Vec<InputRequest>, Error> {
    requests.into_iter().map(|request| keep(request, kept)).collect()
}

/// What can be read only once is kept in a file without a name that anybody else can read.
fn keep(request: InputRequest, kept: &mut Vec<NamedTempFile>) -> Result<InputRequest, Error> {
    if !request.is_stream() {
        return Ok(request);
    }
    let copy = || -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new()?;
        io::copy(&mut request.stream()?, &mut file)?;
        Ok(file)
    };
    let file = copy().map_err(|error| Error::refused(format!("{}: {error}", request.name())))?;
    let path: &Path = file.path();
    let request = request.kept_in(path.to_owned());
    kept.push(file);
    Ok(request)
}

/// Where findings go: standard output, for people or as JSON. A closed one has read enough.
pub(super) struct CheckScreen {
    out: BufWriter<io::Stdout>,
    json: bool,
    color: bool,
}

impl CheckScreen {
    pub(super) fn new(json: bool, color: bool) -> Self {
        Self { out: BufWriter::new(io::stdout()), json, color }
    }

    fn finding(&mut self, finding: &LocatedIssue) {
        let _ = if self.json {
            writeln!(self.out, "{}", crate::report::finding_json(finding))
        } else {
            crate::report::print_finding(&mut self.out, finding, self.color)
        };
    }

    /// Shows the report, and what to do next if that is to be said.
    pub(super) fn report(&mut self, report: &Report, files: &[String], next: Option<&str>) {
        let printed = if self.json {
            writeln!(self.out, "{}", crate::report::report_json(report, files))
        } else {
            crate::report::print_report(&mut self.out, report, files, (self.color, next))
        };
        let _ = printed.and_then(|()| self.out.flush());
    }
}
