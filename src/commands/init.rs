//! `init`: writes a first job file, from a look at its files.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use crate::exit::{Error, Exit};
use crate::first_job::{FirstJob, Sketch, first_job};
use crate::report::{count, quoted};
use crate::settings::cli::{self, init::InitArgs};
use crate::settings::config;
use crate::settings::job::InForce;
use crate::store::NewFile;

/// Looks at the files, and writes a job for them.
pub(super) fn run(args: &InitArgs, settings: &[InForce]) -> Result<Exit, Error> {
    let requests = config::requests(&args.files, &args.rows);
    if let Some(stream) = requests.iter().find(|request| request.is_stream()) {
        let name = stream.name();
        return Err(Error::refused(format!(
            "{name} can be read only once; name a file for the job"
        )));
    }
    let mut root = cli::command();
    root.build();
    let run = root.find_subcommand("run").ok_or_else(|| Error::refused("there is no run"))?;
    // Nothing is looked at for a file that cannot be written in the end.
    let file = args.output.as_deref().map(NewFile::create).transpose()?;
    let job = first_job(&Sketch {
        requests: &requests,
        mapping: &config::mapping(&args.rows, &args.findings),
        settings,
        output: args.output.as_deref(),
        with_values: args.with_values,
        run,
    })?;
    match file {
        Some(mut file) => {
            let written = file.write_all(job.text.as_bytes());
            written.map_err(|error| Error::Stopped(format!("cannot write the job: {error}")))?;
            file.finish()?;
        }
        None => super::printing::print(&job.text),
    }
    // The job itself may go on to another program.
    anstream::eprint!("{}", told(&job, args.output.as_deref()));
    Ok(if job.open.is_empty() { Exit::Success } else { Exit::Failures })
}

/// What is said of a job: what it is, what must be settled, and what to do next.
fn told(job: &FirstJob, path: Option<&Path>) -> String {
    let name = path.map_or("job.toml".into(), Path::to_string_lossy);
    let operation = job.operation.unwrap_or("not known yet");
    let mut text = match path {
        Some(_) => format!("wrote {name}: "),
        None => String::new(),
    };
    let _ = writeln!(text, "{}, operation: {operation}", count(job.rows, "row"));
    if !job.open.is_empty() {
        let _ = writeln!(text, "\nto settle in it first:");
        for item in &job.open {
            let item = item.replace(|c: char| c.is_control() && c != '\n', " ");
            let _ = writeln!(text, "  - {}", item.replace('\n', "\n    "));
        }
    }
    let _ = writeln!(text, "\nnext:\n  descope-bulk check --job {}", quoted(&name));
    text
}
