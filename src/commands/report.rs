//! `report`: runs as a page to look at and to hand on.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::exit::{Error, Exit};
use crate::report::{self, PageRules, RunFacts};
use crate::settings::cli::report::{MAX_FAILURES, ReportArgs};
use crate::store::NewFile;

/// Writes the page of some runs.
pub(super) fn run(args: &ReportArgs) -> Result<Exit, Error> {
    let share = args.max_failures / args.runs.len().max(1);
    let rules = PageRules { with_values: args.with_values, max_failures: share };
    write(&args.runs, &args.output, rules, args.any_project)?;
    // A closed stdout has read enough.
    let _ = writeln!(io::stdout(), "report: {}", args.output.display());
    Ok(Exit::Success)
}

fn write(
    folders: &[PathBuf],
    output: &Path,
    rules: PageRules,
    any_project: bool,
) -> Result<(), Error> {
    // Before the runs are read, which takes a while.
    let mut file = NewFile::create(output)?;
    let mut runs: Vec<RunFacts> = Vec::with_capacity(folders.len());
    for folder in folders {
        let run = RunFacts::read(folder, rules)?;
        if let Some(first) = runs.first().filter(|_| !any_project)
            && first.project() != run.project()
        {
            let name = |run: &RunFacts| {
                run.project().map_or("none, it is a rehearsal".to_owned(), |(id, url)| {
                    format!("{id} at {url}")
                })
            };
            return Err(Error::refused(format!(
                "{}: the run is of another project ({}) than {} ({}): leave it out, or use --any-project",
                folder.display(),
                name(&run),
                folders[0].display(),
                name(first)
            )));
        }
        runs.push(run);
    }
    runs.sort_by_key(RunFacts::began);
    report::write_page(&mut file, &runs, rules, Timestamp::now())
        .map_err(|error| Error::Stopped(format!("cannot write {}: {error}", output.display())))?;
    file.finish()
}

/// Refuses a report that could not be written when the run is over.
pub(super) fn can_be_written(output: Option<&Path>) -> Result<(), Error> {
    let folder = output.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    match folder.filter(|folder| !folder.is_dir()) {
        None => Ok(()),
        Some(folder) => Err(Error::refused(format!(
            "--report: there is no folder {}: create it, or name another file",
            folder.display()
        ))),
    }
}

/// Writes the page of a run that is over, beside those of its earlier parts; says where it is, or why
/// it is nowhere. A page that cannot be written changes nothing of how the run ended.
pub(super) fn after_run(folder: &Path, output: &Path) -> String {
    after_runs(&[folder.to_owned()], output)
}

/// The same of several runs, of whatever projects.
pub(super) fn after_runs(folders: &[PathBuf], output: &Path) -> String {
    let max_failures = MAX_FAILURES / folders.len().max(1);
    let rules = PageRules { with_values: false, max_failures };
    let output = free_name(output);
    match write(folders, &output, rules, true) {
        Ok(()) => format!("report: {}\n", output.display()),
        Err(error) => {
            let runs = folders.iter().map(|folder| report::quoted(&folder.to_string_lossy()));
            let any = if folders.len() > 1 { " --any-project" } else { "" };
            format!(
                "the report could not be written: {error}\n  to try again: descope-bulk report{any} {} -o {}\n",
                runs.collect::<Vec<_>>().join(" "),
                report::quoted(&output.to_string_lossy())
            )
        }
    }
}

/// The name, or the first free one of `report-2.html`, `report-3.html`, ….
fn free_name(output: &Path) -> PathBuf {
    let numbered = |number: u32| {
        let stem = output.file_stem().unwrap_or_default().to_string_lossy();
        let ending = output.extension().map(|own| format!(".{}", own.to_string_lossy()));
        output.with_file_name(format!("{stem}-{number}{}", ending.unwrap_or_default()))
    };
    std::iter::once(output.to_owned())
        .chain((2..10_000).map(numbered))
        .find(|path| !path.exists())
        .unwrap_or_else(|| output.to_owned())
}
