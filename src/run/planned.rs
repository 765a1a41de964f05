//! Plans as the input of a run: it does what was shown, or nothing.

use std::io;

use crate::exit::Error;
use crate::input::{self, InputRequest};
use crate::plan::ChangeClass;
use crate::plan::file::Plan;
use crate::report;
use crate::rows::{Mapping, Phones};
use crate::settings::config::{Config, Target};

/// The settings of a run, and the plan that it does, if it does one.
pub(super) struct Prepared {
    pub(super) config: Config,
    pub(super) plan: Option<Plan>,
}

/// The settings of a run whose input may be a plan. Rows of one mean what they meant when it was
/// made, whatever else is said.
///
/// # Errors
///
/// A plan that was changed or is not whole, one of another project, one that is not run by itself,
/// and classes of changes that nobody has given leave for. Anything but a plan for a project that is
/// protected.
pub(super) fn prepare(mut config: Config) -> Result<Prepared, Error> {
    for request in config.inputs.iter().filter(|request| !request.is_stream()) {
        let Some(plan) = Plan::read(request)? else { continue };
        refuse_kept(&config.inputs)?;
        let name = request.name();
        if config.inputs.len() > 1 {
            return Err(Error::refused(format!(
                "{name} is a plan, and a plan is run by itself: leave out the other files"
            )));
        }
        check_project(&name, &plan, &config.target)?;
        check_classes(&name, &plan, &config.mapping.allow)?;
        config.mapping = mapping(&plan, &config.mapping);
        return Ok(Prepared { config, plan: Some(plan) });
    }
    if matches!(config.target, Target::Rehearsal(_)) {
        refuse_made_rows(&config.inputs)?;
    }
    if config.is_protected {
        return Err(Error::refused(
            "the project is protected: nothing but a plan is run; make one with `descope-bulk plan FILE -o plan.jsonl`, and run that",
        ));
    }
    Ok(Prepared { config, plan: None })
}

/// Refuses a plan that comes through standard input or an inbox: nothing is known of it before it is
/// read.
pub(super) fn refuse_kept(requests: &[InputRequest]) -> Result<(), Error> {
    for request in requests.iter().filter(|request| request.known_as.is_some()) {
        if Plan::read(request)?.is_some() {
            let name = request.name();
            return Err(Error::refused(format!("{name}: a plan is run from its file: name that")));
        }
    }
    Ok(())
}

/// Refuses to rehearse the rows of an undo or of absent users, who are those of a project.
fn refuse_made_rows(requests: &[InputRequest]) -> Result<(), Error> {
    const MADE: [&[u8]; 2] = [b"{\"_undo\":", b"{\"_absent\":"];
    for request in requests.iter().filter(|request| !request.is_stream()) {
        let mut start = [0; 16];
        let opened = input::bytes(request).map_err(io::Error::other);
        let read = opened.and_then(|mut bytes| bytes.read(&mut start));
        let start = &start[..read.unwrap_or(0)];
        if MADE.iter().any(|made| start.starts_with(made)) {
            return Err(Error::refused(format!(
                "{}: its rows are about users as they are in a project, whom a rehearsal does not have: plan it instead",
                request.name()
            )));
        }
    }
    Ok(())
}

fn check_project(name: &str, plan: &Plan, target: &Target) -> Result<(), Error> {
    let header = &plan.header;
    match target {
        Target::Rehearsal(_) => Err(Error::refused(format!(
            "{name} is a plan for the users of project {}, whom a rehearsal does not have: rehearse the file that was planned",
            header.project_id
        ))),
        Target::Project(endpoint)
            if endpoint.project_id == header.project_id
                && endpoint.base_url.as_str() == header.base_url =>
        {
            Ok(())
        }
        Target::Project(endpoint) => Err(Error::refused(format!(
            "{name} is a plan for project {} at {}, and this run is for {} at {}: plan for this project",
            header.project_id, header.base_url, endpoint.project_id, endpoint.base_url
        ))),
    }
}

fn check_classes(name: &str, plan: &Plan, allowed: &[String]) -> Result<(), Error> {
    let missing = plan.not_allowed(allowed);
    if missing.is_empty() {
        return Ok(());
    }
    let told: Vec<_> = ChangeClass::ALL
        .into_iter()
        .filter_map(|class| Some((class, *missing.get(class.word())?)))
        .map(|(class, changes)| {
            format!("\n  {}: {}", report::count(changes, class.word()), class.meaning())
        })
        .collect();
    let allow: Vec<String> = missing.keys().map(|class| format!("--allow {class}")).collect();
    Err(Error::refused(format!(
        "{name} has changes that must be allowed by name; nothing was sent{}\n  to allow them: {}",
        told.concat(),
        allow.join(" ")
    )))
}

fn mapping(plan: &Plan, stated: &Mapping) -> Mapping {
    Mapping {
        on_conflict: plan.on_conflict(),
        allow_destructive: plan.header.allow_destructive,
        invites: plan.header.invites,
        phones: Phones::AsIs,
        batching: stated.batching,
        allow: crate::check::ALLOWABLE.iter().map(ToString::to_string).collect(),
        ..Mapping::default()
    }
}
