//! `doctor`: gathers what there is to know before a run, has it judged, and prints that.
//!
//! No signal is caught: it only looks, and what was interrupted is run again.

mod rights;

use std::io::{self, Write};

use jiff::Timestamp;
use url::Url;

use super::caller::Caller;
use super::runtime::runtime;
use crate::api::address::{check_project_id_length, is_loopback};
use crate::api::retry::Backoff;
use crate::api::transport::{Endpoint, probe};
use crate::connect::{self, ReadableProject};
use crate::doctor::{
    self, BudgetFacts, CheckStatus, Diagnosis, KeyFacts, LimitFacts, NetworkFacts,
};
use crate::exit::{Error, Exit};
use crate::limiter::{RemoteBudget, SharedBudget};
use crate::report;
use crate::settings::Environment;
use crate::settings::budget::{BudgetSettings, HostBudget};
use crate::settings::cli::doctor::DoctorArgs;
use crate::settings::config::{self, PaceSettings};
use crate::settings::management_key::{self, FoundKey, KeyOrigin};
use crate::store::{self, Site};

/// Requests are sent again once: somebody waits for the answer.
const ATTEMPTS: u32 = 2;

/// What is looked at once the server has taken the key.
const AFTER_CREDENTIALS: &[&str] = &["users", "attributes", "roles", "tenants", "limits", "tier"];

/// Looks at all there is to look at.
pub(super) fn run(args: &DoctorArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let pace = config::pace(&args.pace, caller.environment)?;
    let told = runtime()?.block_on(look(args, &pace, caller.environment))?;
    let page = if args.json {
        format!("{}\n", report::doctor_json(&told))
    } else {
        report::doctor_page(&told, caller.color())
    };
    // A closed stdout has read enough.
    let _ = io::stdout().write_all(page.as_bytes());
    let failed = told.iter().any(|own| own.status == CheckStatus::Failed);
    Ok(if failed { Exit::Failures } else { Exit::Success })
}

async fn look(
    args: &DoctorArgs,
    pace: &PaceSettings,
    environment: Environment<'_>,
) -> Result<Vec<Diagnosis>, Error> {
    let project = config::project(&args.project, environment);
    let id = project.as_ref().map(String::as_str).ok();
    let url = config::address(&args.project, id, environment)?;
    let key = management_key::find(&args.project, environment);
    let mut told = vec![judge_project(&project, &url), judge_key(&key)];
    let is_named = told.iter().all(|own| own.status != CheckStatus::Failed);
    let (way, is_answered) = network(&url, pace, environment).await?;
    told.extend(way);
    // Before our own requests count.
    let budget = budget(&pace.budget, &url, project.as_ref().ok()).await;
    match (project, key) {
        (Ok(project_id), Ok(FoundKey { key, .. })) if is_named && is_answered => {
            let PaceSettings { connect_timeout, timeout, .. } = *pace;
            let (base_url, management_key) = (url, key);
            let endpoint =
                Endpoint { base_url, project_id, management_key, connect_timeout, timeout };
            told.extend(project_facts(&endpoint, args, pace).await);
        }
        _ => told.extend(unseen(&["credentials"]).chain(unseen(AFTER_CREDENTIALS))),
    }
    told.extend([budget, doctor::updates()]);
    let site = Site::of(&args.runs_dir);
    told.push(doctor::folder(&args.runs_dir.display().to_string(), site.as_ref()));
    told.push(doctor::disk(site.as_ref(), args.rows));
    Ok(told)
}

fn judge_project(project: &Result<String, Error>, url: &Url) -> Diagnosis {
    let checked = project.as_ref().map_err(ToString::to_string).and_then(|id| {
        // Servers on this machine are for trying things out, under whatever ID.
        let length = if is_loopback(url) { Ok(()) } else { check_project_id_length(id) };
        length.map(|()| id.as_str()).map_err(|error| error.to_string())
    });
    doctor::project(checked.as_ref().map(|id| *id).map_err(String::as_str))
}

fn judge_key(found: &Result<FoundKey, Error>) -> Diagnosis {
    match found {
        Err(error) => doctor::key(Err(&error.to_string())),
        Ok(FoundKey { origin, looks_right, .. }) => {
            let open_file = match origin {
                KeyOrigin::File(path, _) if store::is_open_to_others(path) => {
                    Some(report::quoted(&path.to_string_lossy()))
                }
                _ => None,
            };
            let origin = match origin {
                KeyOrigin::File(_, named_by) => format!("{origin} ({named_by})"),
                origin => origin.to_string(),
            };
            doctor::key(Ok(&KeyFacts { origin, open_file, looks_right: *looks_right }))
        }
    }
}

/// Goes the way to the server; whether it answers, whatever that says.
async fn network(
    url: &Url,
    pace: &PaceSettings,
    environment: Environment<'_>,
) -> Result<(Vec<Diagnosis>, bool), Error> {
    // In this order they are asked for by what sends the requests.
    const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let probe = probe(url, pace.connect_timeout, pace.timeout).await.map_err(Error::refused)?;
    let told = doctor::network(&NetworkFacts {
        url: url.as_str(),
        is_here: is_loopback(url),
        proxy_variable: PROXIES.into_iter().find(|name| environment(name).is_some()),
        probe: &probe,
        now: Timestamp::now(),
    });
    Ok((told, matches!(probe.answer, Some(Ok(_)))))
}

/// What can be said only where the server takes the key.
async fn project_facts(
    endpoint: &Endpoint,
    args: &DoctorArgs,
    pace: &PaceSettings,
) -> Vec<Diagnosis> {
    let backoff = Backoff { max_attempts: ATTEMPTS, ..Backoff::default() };
    let id = &endpoint.project_id;
    match connect::to_read_with(endpoint, pace, backoff).await {
        Err(error) => {
            let refused = doctor::credentials(id, Err(&error.to_string()));
            std::iter::once(refused).chain(unseen(AFTER_CREDENTIALS)).collect()
        }
        Ok(project) => {
            let mut told = vec![doctor::credentials(id, Ok(()))];
            for facts in rights::read(&project).await {
                told.push(doctor::rights(&facts));
            }
            told.extend(limits(&project, args));
            told
        }
    }
}

/// What runs share, which is known without the API's server. It is kept for each project.
async fn budget(budget: &BudgetSettings, url: &Url, project: Option<&String>) -> Diagnosis {
    let Some(project) = project else {
        return Diagnosis::not_checked("budget", "a project has to be named for that");
    };
    doctor::budget(usage(budget, url.to_string(), project.clone()).await.as_ref())
}

async fn usage(budget: &BudgetSettings, server: String, project: String) -> Option<BudgetFacts> {
    match budget {
        BudgetSettings::Alone => None,
        BudgetSettings::Machine(folder) => Some(BudgetFacts {
            place: format!("in {}", folder.display()),
            usage: SharedBudget::usage(folder, &server, &project)
                .map_err(|error| error.to_string()),
            advice: "make the folder your own, or name another one in XDG_STATE_HOME",
        }),
        BudgetSettings::Hosts(HostBudget { address, .. }) => {
            let (place, address) = (format!("at {address}"), address.clone());
            let look = move || RemoteBudget::usage(&address, &server, &project);
            let looked = tokio::task::spawn_blocking(look).await;
            Some(BudgetFacts {
                place,
                usage: looked.unwrap_or_else(|panic| Err(panic.to_string())),
                advice: "see that the server runs, that this host can reach it, and that it takes the password; until then, runs send nothing, or their share (--budget-lost)",
            })
        }
    }
}

fn limits(project: &ReadableProject, args: &DoctorArgs) -> [Diagnosis; 2] {
    doctor::limits(&LimitFacts {
        rates: &project.rates,
        share: args.pace.rate.is_none().then_some(args.pace.max_share),
        tier: project.tier.as_deref(),
    })
}

/// What nobody can say without a server that takes the key.
fn unseen(checks: &[&'static str]) -> impl Iterator<Item = Diagnosis> {
    let why = "the server has to be reached, with a project and a key, for that";
    checks.iter().map(move |check| Diagnosis::not_checked(check, why))
}
