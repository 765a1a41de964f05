//! Exporting: the users of a project as a file that can be edited and fed back.
//!
//! Pages are kept beside the file until all are there, so that an export that stops can go on; only
//! then is the file written, since its columns are those that any user has.

mod rules;
mod spool;
mod write;

use std::path::Path;

use crate::api::transport::ReadWire;
use crate::catalog::NAMES_A_SEARCH;
use crate::exit::Error;
use crate::read::page_body;
use crate::requester::Requester;
use crate::stop::Stop;
pub(crate) use rules::{ExportFormat, ExportRules};
use spool::Spool;

/// What was exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exported {
    /// Users in the file.
    pub(crate) users: u64,
    /// Users that the server counted, on its last page.
    pub(crate) counted: Option<u64>,
}

/// Exports users to a file; `each` is told how many are read, and of how many.
///
/// # Errors
///
/// Users who cannot be read, a stop, and files that cannot be written. What was read stays beside the
/// file, for `resume`.
pub(crate) async fn export<W: ReadWire>(
    path: &Path,
    rules: &ExportRules,
    requester: &Requester<W>,
    stop: &Stop,
    each: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Exported, Error> {
    let mut spool = Spool::open(path, &rules.filter, rules.resume)?;
    let mut counted = None;
    loop {
        let page = spool.users() / NAMES_A_SEARCH as u64;
        let found = match requester.page(&page_body(&rules.filter, page), stop).await {
            None => return Err(interrupted(&spool)),
            Some(Err(why)) => {
                return Err(Error::Stopped(format!(
                    "users cannot be read: {}\n  {}",
                    why.message,
                    spool.advice()
                )));
            }
            Some(Ok(found)) => found,
        };
        counted = found.total.or(counted);
        let is_last = found.users.len() < NAMES_A_SEARCH;
        spool.add(&found.users)?;
        each(spool.users(), counted);
        if is_last {
            break;
        }
    }
    let users = write::write(path, rules, &mut spool)?;
    spool.remove();
    Ok(Exported { users, counted })
}

fn interrupted(spool: &Spool) -> Error {
    Error::Stopped(format!("stopped after {} users\n  {}", spool.users(), spool.advice()))
}
