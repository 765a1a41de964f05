//! The subcommands: each reads its arguments, leaves the work to the rooms below, and prints.

mod absent;
mod asking;
mod attributes;
mod caller;
mod check;
mod completions;
mod declared;
mod decrypt;
mod doctor;
mod explain;
mod export;
mod fetch;
mod fleet;
mod init;
mod man;
mod merge;
mod open_files;
mod operations;
mod plan;
mod printing;
mod purge;
mod reading;
mod redact;
mod report;
mod run;
mod runs;
mod runtime;
mod settings;
mod signals;
mod simulate;
mod supervision;
mod teller;
mod undo;
mod verify;
mod verify_files;

use std::ffi::OsString;
use std::io::{self, Write as _};

use caller::Caller;

use crate::exit::{Error, Exit};
use crate::settings::Environment;
use crate::settings::cli::{self, Command, Parsed, Unparsed};

/// Runs the program with its arguments, the program's name first, and says how it ended.
///
/// A blank variable of the environment should count as none.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>, environment: Environment<'_>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(exit) = completions::answer(&arguments, environment) {
        return exit;
    }
    if arguments.len() < 2 {
        printing::print(&crate::manual::welcome());
        return Exit::Success;
    }
    let words = arguments.iter().skip(1);
    let typed: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let ended = match cli::parse(arguments, environment) {
        Ok(parsed) => {
            let color = parsed.color;
            run(parsed, &Caller { typed: &typed, environment, color })
        }
        Err(Unparsed::Job(error)) => Err(error),
        Err(Unparsed::Usage(error)) => {
            // Help and version are no errors; both go where they belong, and so does the code.
            let _ = error.print();
            return if error.use_stderr() { Exit::Refused } else { Exit::Success };
        }
    };
    ended.unwrap_or_else(|error| {
        anstream::eprintln!("descope-bulk: {error}");
        error.exit()
    })
}

fn run(parsed: Parsed, caller: &Caller<'_>) -> Result<Exit, Error> {
    let Parsed { command, settings, .. } = parsed;
    match command {
        Command::Run(args) if args.job.show_settings => {
            Ok(settings::show(&settings, args.job.job.as_deref(), args.output.json))
        }
        Command::Run(args) => run::run(&args, caller),
        Command::Check(args) if args.job.show_settings => {
            Ok(settings::show(&settings, args.job.job.as_deref(), args.json))
        }
        Command::Check(args) => check::run(&args, caller),
        Command::Init(args) => init::run(&args, &settings),
        Command::Plan(args) if args.job.show_settings => {
            Ok(settings::show(&settings, args.job.job.as_deref(), args.output.json))
        }
        Command::Plan(args) => plan::run(&args, caller),
        Command::Doctor(args) if args.job.show_settings => {
            Ok(settings::show(&settings, args.job.job.as_deref(), args.json))
        }
        Command::Doctor(args) => doctor::run(&args, caller),
        Command::Fleet(args) => fleet::run(&args, caller),
        Command::Undo(args) => undo::run(&args, caller),
        Command::Verify(args) => verify::run(&args, caller),
        Command::VerifyFiles(args) => verify_files::run(&args, caller),
        Command::Absent(args) => absent::run(&args, caller),
        Command::Attributes(args) => attributes::run(&args, caller),
        Command::Export(args) => export::run(&args, caller),
        Command::Explain(args) => explain::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Runs(args) => runs::run(&args, caller),
        Command::Merge(args) => merge::run(&args, caller),
        Command::Fetch(args) => fetch::run(&args),
        Command::Purge(args) => purge::run(&args),
        Command::Redact(args) => redact::run(&args),
        Command::Decrypt(args) => decrypt::run(&args),
        Command::Simulate(args) => simulate::run(*args, caller),
        Command::Operations(args) => operations::run(&args),
        Command::JobSchema => job_schema(),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

/// Prints the schema of job files.
fn job_schema() -> Result<Exit, Error> {
    let mut root = cli::command();
    root.build();
    let run = root.find_subcommand("run").ok_or_else(|| Error::refused("there is no run"))?;
    let schema = crate::settings::job::schema(run);
    // A closed stdout has read enough.
    let _ = writeln!(io::stdout(), "{schema:#}");
    Ok(Exit::Success)
}
