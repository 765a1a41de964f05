//! Deletions: what a run must know of the users whom it deletes, before its first row.
//!
//! They are read a hundred at a time. A user who is named twice, one who is protected, and more users
//! than are allowed stop the run while nothing has been sent.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::json;

use super::intake::Intake;
use crate::api::transport::ReadWire;
use crate::catalog::{NAMES_A_SEARCH, Operation, OperationKind};
use crate::change::UserNames;
use crate::exit::Error;
use crate::input::{self, InputRequest};
use crate::report;
use crate::requester::Requester;
use crate::rows::{Builder, lane};
use crate::send::LookRules;
use crate::settings::config::{Config, Target};
use crate::stop::Stop;

/// The users whom a run deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deletions {
    /// How many they are.
    pub(super) users: u64,
    /// How many users the project has, if it says so.
    pub(super) of: Option<u64>,
}

/// A row that deletes a user, and how it names the user.
struct DeletionRow {
    row: u64,
    place: String,
    name: String,
}

/// Looks at the users whom a run is about to delete; `None` where there are none, and `Ok(None)` as
/// well where the run stops first.
///
/// # Errors
///
/// A user who is named twice or is protected, too many users, and users who cannot be read.
pub(super) async fn check<W: ReadWire>(
    config: &Config,
    rows: RowsToDelete<'_>,
    requester: &Requester<W>,
    stop: &Stop,
) -> Result<Option<Deletions>, Error> {
    let Some(users) = look(config, rows, requester, stop).await? else { return Ok(None) };
    if users == 0 {
        return Ok(None);
    }
    let Some(of) = project_size(requester, stop).await else { return Ok(None) };
    check_number(config, users, of)?;
    Ok(Some(Deletions { users, of }))
}

/// Whether rows of a run may delete users, who were not looked at yet.
pub(super) fn may_delete(intake: &Intake) -> bool {
    let deletes = |name: &&str| Operation::named(name).is_some_and(is_deletion);
    let checked = intake.checked.as_ref();
    let some = checked.is_none_or(|checked| checked.operations.keys().any(deletes));
    // What a resumed run deletes was looked at when it began.
    some && intake.recovered.is_none()
}

/// The rows of a run, from which those that delete are picked.
#[derive(Clone, Copy)]
pub(super) struct RowsToDelete<'a> {
    pub(super) requests: &'a [InputRequest],
    pub(super) builder: &'a Builder,
}

fn is_deletion(operation: &'static Operation) -> bool {
    operation.kind == OperationKind::Delete
}

/// Reads the users of the rows that delete; how many there are, or `None` for a stop.
async fn look<W: ReadWire>(
    config: &Config,
    rows: RowsToDelete<'_>,
    requester: &Requester<W>,
    stop: &Stop,
) -> Result<Option<u64>, Error> {
    let input = input::open(rows.requests)?;
    let mut builder =
        Builder::new(rows.builder.mapping().clone(), input.sources())?.surveyed_like(rows.builder);
    let rows = input.map_while(Result::ok).filter_map(|record| builder.build(record).ok());
    let mut rows = rows.filter(|own| is_deletion(own.operation)).map(|own| DeletionRow {
        row: own.record.position.row,
        place: own.record.place(),
        name: own.expected_user_id().unwrap_or(&own.login_id).to_owned(),
    });
    // The first row of each user, by the lane of the user ID.
    let mut first: HashMap<u64, u64> = HashMap::new();
    loop {
        let rows: Vec<DeletionRow> = rows.by_ref().take(NAMES_A_SEARCH).collect();
        if rows.is_empty() {
            return Ok(Some(first.len() as u64));
        }
        if !config.looking.keep {
            return Err(Error::refused(
                "users are deleted only where they are kept as they were: leave out --no-keep-before",
            ));
        }
        let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
        let found = match requester.find(&names, stop).await {
            None => return Ok(None),
            Some(Ok(found)) => found,
            Some(Err(why)) => {
                return Err(Error::Stopped(format!(
                    "the users who are to be deleted cannot be read: {}; nothing was sent",
                    why.message
                )));
            }
        };
        // A search may show a user who is gone, beside whom there is another by now.
        let ids = rows.iter().filter_map(|row| found.named(&row.name));
        let ids: Vec<String> = ids.map(|shown| shown.user().user_id().to_owned()).collect();
        let Some(found) = requester.load_many(&ids, stop).await else { return Ok(None) };
        for row in rows {
            let names = found.named(&row.name).map(|shown| UserNames::read(&shown.raw));
            judge(&row, &names.unwrap_or_default(), &config.looking, &mut first)?;
        }
    }
}

/// Refuses a row whose user is protected, or is deleted by an earlier row.
fn judge(
    row: &DeletionRow,
    names: &UserNames<'_>,
    rules: &LookRules,
    first: &mut HashMap<u64, u64>,
) -> Result<(), Error> {
    let DeletionRow { row, place, name } = row;
    if rules.protected.has_any(names.all().chain([name.as_str()])) {
        return Err(Error::refused(format!(
            "{place}: {name} is protected (--protect), and would be deleted; nothing was sent\n  leave the row out"
        )));
    }
    // Who is not found is not deleted either, which the row tells when its turn comes.
    let user = if names.user_id.is_empty() { lane(name) } else { lane(&names.user_id) };
    match first.insert(user, *row) {
        None => Ok(()),
        Some(earlier) => Err(Error::refused(format!(
            "{place}: {name} is the user of row {earlier}, who would be deleted twice; nothing was sent\n  it may be a mistake: leave one of the rows out"
        ))),
    }
}

/// How many users the project has, if it says so; `None` for a stop.
async fn project_size<W: ReadWire>(requester: &Requester<W>, stop: &Stop) -> Option<Option<u64>> {
    let body: Bytes = json!({"limit": 1, "page": 0, "withTestUser": true}).to_string().into();
    let page = requester.page(&body, stop).await?;
    Some(page.ok().and_then(|page| page.total))
}

/// Refuses more users than are allowed.
fn check_number(config: &Config, users: u64, of: Option<u64>) -> Result<(), Error> {
    let most = config.max_deletes;
    // The users of a rehearsal come into being when they are named.
    let of = if matches!(config.target, Target::Rehearsal(_)) { None } else { of };
    let refused = |share: &str| {
        Err(Error::refused(format!(
            "{}{share} would be deleted, more than --max-deletes {most} allows; nothing was sent\n  if that is meant, allow it: --max-deletes {users}",
            report::count(users, "user")
        )))
    };
    match (most.allows(users, of), of) {
        (Some(true), _) => Ok(()),
        (Some(false), Some(all)) => refused(&format!(" of {}", report::thousands(all))),
        (Some(false), None) => refused(""),
        (None, _) if matches!(config.target, Target::Rehearsal(_)) => Ok(()),
        (None, _) => Err(Error::refused(format!(
            "the project does not say how many users it has, so a share of them cannot be told; nothing was sent\n  state a number: --max-deletes {users}"
        ))),
    }
}
