//! What the key may read: one request each.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use crate::catalog::ProjectList;
use crate::connect::ReadableProject;
use crate::doctor::{RightFacts, WhyUnread};
use crate::read::{self, Listing};
use crate::report::count;
use crate::stop::Stop;

/// How long all answers may take together, waiting for the limit included.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads a user, and each list of the project.
pub(super) async fn read(project: &ReadableProject) -> Vec<RightFacts> {
    const TYPES: &str = "rows with custom attributes get their types from them";
    const ROLES: &str = "plans tell roles that the project lacks";
    const TENANTS: &str = "plans tell tenants that the project lacks";
    let until = Instant::now() + PATIENCE;
    let mut facts = vec![RightFacts {
        check: "users",
        purpose: "runs read users before they change them",
        came: in_time(until, users(project)).await,
        is_dispensable: false,
    }];
    for (check, purpose, of) in [
        ("attributes", TYPES, ProjectList::Attributes),
        ("roles", ROLES, ProjectList::Roles),
        ("tenants", TENANTS, ProjectList::Tenants),
    ] {
        let came = in_time(until, list(project, of)).await;
        facts.push(RightFacts { check, purpose, came, is_dispensable: true });
    }
    facts
}

async fn in_time(
    until: Instant,
    read: impl Future<Output = Result<String, WhyUnread>>,
) -> Result<String, WhyUnread> {
    timeout_at(until, read).await.unwrap_or(Err(WhyUnread::NoTime))
}

/// A search, whose answer is thrown away but for how many they are.
async fn users(project: &ReadableProject) -> Result<String, WhyUnread> {
    const TROUBLE: [&str; 5] =
        ["server_error", "bad_answer", "timeout", "connection_lost", "unreachable"];
    let stop = Stop::default();
    let body =
        read::page_body(&Map::from_iter([("withTestUser".to_owned(), Value::Bool(true))]), 0);
    match project.requester.page(&body, &stop).await {
        None => Err(stopped(&stop)),
        Some(Err(issue)) if TROUBLE.contains(&&*issue.code) => {
            Err(WhyUnread::Trouble(issue.message.into_owned()))
        }
        Some(Err(issue)) => Err(WhyUnread::Denied(issue.message.into_owned())),
        Some(Ok(page)) => Ok(match page.total {
            Some(total) => format!("can be read: {}", count(total, "user")),
            None => "can be read".to_owned(),
        }),
    }
}

async fn list(project: &ReadableProject, list: ProjectList) -> Result<String, WhyUnread> {
    let stop = Stop::default();
    match project.requester.list(list, &stop).await {
        None => Err(stopped(&stop)),
        Some(Listing::Refused(why)) => Err(WhyUnread::Denied(why)),
        Some(Listing::Failed(why)) => Err(WhyUnread::Trouble(why)),
        Some(Listing::Read(_)) => Ok("can be read".to_owned()),
    }
}

fn stopped(stop: &Stop) -> WhyUnread {
    let why = stop.reason().map_or_else(|| "stopped".to_owned(), |reason| reason.to_string());
    WhyUnread::Denied(why)
}
