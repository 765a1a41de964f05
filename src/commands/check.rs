//! `check`: everything that can be known of the rows before anything is sent.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::check::{self, LocatedIssue, Options, Report, Subject};
use crate::exit::{Error, Exit};
use crate::input::{self, Request};
use crate::rows::{Builder, Mapping};
use crate::settings::cli::check::CheckArgs;
use crate::settings::config::{self, Pace, Strict};

/// Findings of each kind that are shown.
const EXAMPLES: usize = 3;

/// Checks the files and says what was found.
pub(super) fn run(args: &CheckArgs) -> Result<Exit, Error> {
    config::some_input(&args.files)?;
    let mut kept = Vec::new();
    let requests = config::requests(&args.files, &args.rows)
        .into_iter()
        .map(|request| keep(request, &mut kept))
        .collect::<Result<Vec<_>, _>>()?;
    let options = Options {
        examples: if args.all { 0 } else { EXAMPLES },
        allow: args.findings.allow.clone(),
        limits: Pace::limits(args.rate, args.max_share),
        batch_size: u64::from(args.rows.batch_size),
        all: args.all,
    };
    let mapping = config::mapping(&args.rows);
    let mut screen = Screen::new(args.json);
    let report = check(&requests, mapping, &options, &mut |finding| screen.finding(finding))?;
    let names: Vec<String> = requests.iter().map(Request::name).collect();
    screen.report(&report, &names);
    Ok(verdict(&report))
}

fn verdict(report: &Report) -> Exit {
    match report {
        Report { unreadable: Some(_), .. } => Exit::Refused,
        report if report.has_problems() => Exit::Failures,
        _ => Exit::Success,
    }
}

/// Checks files that can be read more than once.
fn check(
    requests: &[Request],
    mapping: Mapping,
    options: &Options,
    each: &mut dyn FnMut(&LocatedIssue),
) -> Result<Report, Error> {
    let input = input::open(requests)?;
    let sources = input.sources().to_vec();
    let builder = Builder::new(mapping, &sources)?;
    let subject = Subject { sources: &sources, builder: &builder };
    let again = || input::open(requests);
    let rows = |input: input::Input| input.map(|row| row.map_err(Error::from));
    check::check(&subject, rows(input), || again().map(rows), options, each)
        .map_err(|error| Error::Stopped(format!("the check cannot go on: {error}")))
}

/// Checks the files of a run that is strict; refuses it if there is any problem.
pub(in crate::commands) fn strict(
    requests: &[Request],
    mapping: Mapping,
    how: &Strict,
) -> Result<(), Error> {
    let options = Options { examples: EXAMPLES, allow: how.allow.clone(), ..Options::default() };
    let report = check(requests, mapping, &options, &mut |_| ())?;
    if verdict(&report) == Exit::Success {
        return Ok(());
    }
    let names: Vec<String> = requests.iter().map(Request::name).collect();
    Screen::new(how.json).report(&report, &names);
    Err(Error::refused("there are problems, and the run is strict: nothing was sent"))
}

/// What can be read only once is kept in a file without a name that anybody else can read.
fn keep(request: Request, kept: &mut Vec<NamedTempFile>) -> Result<Request, Error> {
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
struct Screen {
    out: BufWriter<io::Stdout>,
    json: bool,
    color: bool,
}

impl Screen {
    fn new(json: bool) -> Self {
        let color = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { out: BufWriter::new(io::stdout()), json, color }
    }

    fn finding(&mut self, finding: &LocatedIssue) {
        let _ = if self.json {
            writeln!(self.out, "{}", crate::report::finding_json(finding))
        } else {
            crate::report::print_finding(&mut self.out, finding, self.color)
        };
    }

    fn report(&mut self, report: &Report, files: &[String]) {
        let printed = if self.json {
            writeln!(self.out, "{}", crate::report::report_json(report, files))
        } else {
            crate::report::print_report(&mut self.out, report, files, self.color)
        };
        let _ = printed.and_then(|()| self.out.flush());
    }
}
