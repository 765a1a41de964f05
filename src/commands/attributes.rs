//! `attributes`: the custom attributes that a project declares, shown and created.
//!
//! No signal is caught: what was interrupted is run again, and reads first what is there.

use std::io::{self, Write};

use super::asking::{is_interactive, says_yes};
use super::caller::Caller;
use super::printing::print;
use super::runtime::runtime;
use crate::attributes::{self, AttributeDefinition, Comparison};
use crate::connect::{self, WritableProject};
use crate::exit::{Error, Exit};
use crate::report::logging::{self, LogLook};
use crate::report::{self, count};
use crate::settings::cli::attributes::{
    AttributesArgs, AttributesCommand, CreateAttributesArgs, ListAttributesArgs,
};
use crate::settings::cli::run::{PaceArgs, ProjectArgs};
use crate::settings::config;
use crate::stop::Stop;

/// Shows or creates custom attributes.
pub(super) fn run(args: &AttributesArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let _log = logging::start(0, false, LogLook::Screen(caller.log_color()));
    match &args.command {
        AttributesCommand::List(args) => list(args, caller),
        AttributesCommand::Create(args) => create(args, caller),
    }
}

/// Has something done with a project.
fn with_project<T>(
    (project, pace): (&ProjectArgs, &PaceArgs),
    caller: &Caller<'_>,
    work: impl AsyncFnOnce(&WritableProject) -> Result<T, Error>,
) -> Result<T, Error> {
    let pace = config::pace(pace, caller.environment)?;
    let endpoint = config::endpoint(project, &pace, caller.environment)?;
    runtime()?.block_on(async { work(&connect::to_write(&endpoint, &pace).await?).await })
}

fn list(args: &ListAttributesArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let found = with_project((&args.project, &args.pace), caller, async |project| {
        attributes::definitions(&project.requester, &Stop::default()).await
    })?;
    let page = if args.json {
        format!("{}\n", report::attributes_json(&found))
    } else {
        report::attributes_table(&found)
    };
    print(&page);
    Ok(Exit::Success)
}

fn create(args: &CreateAttributesArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let file = attributes::read_file(&args.file)?;
    with_project((&args.project, &args.pace), caller, async |project| {
        let stop = Stop::default();
        let there = attributes::definitions(&project.requester, &stop).await?;
        let comparison = Comparison::of(&file, &there);
        if !comparison.problems.is_empty() {
            let problems = comparison.problems.join("\n");
            return Err(Error::Refused(format!("{problems}\nnothing was created")));
        }
        if !args.json {
            print(&format!("{}\n", project.shown));
            print(&report::comparison_table(&comparison));
        }
        if !comparison.new.is_empty() {
            if !args.yes && is_interactive() && !agrees(&comparison.new) {
                return Err(Error::refused("not confirmed: nothing was created"));
            }
            attributes::create(&project.requester, &comparison.new, &stop).await?;
        }
        print(&if args.json {
            format!("{}\n", report::comparison_json(&comparison))
        } else if comparison.new.is_empty() {
            "nothing to create: all of them are there\n".to_owned()
        } else {
            format!("created {}\n", count(comparison.new.len() as u64, "attribute"))
        });
        Ok(Exit::Success)
    })
}

/// Asks whether attributes may be created.
fn agrees(new: &[&AttributeDefinition]) -> bool {
    let mut screen = io::stderr();
    let new = count(new.len() as u64, "attribute");
    let asked = write!(
        screen,
        "{new} will be created. A type cannot be changed later.\nType yes to go on: "
    );
    asked.and_then(|()| screen.flush()).is_ok() && says_yes()
}
