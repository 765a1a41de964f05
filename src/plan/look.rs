//! Reading the users whom rows name, and those who have what rows want to give.

use std::collections::{BTreeSet, HashMap};

use futures_util::future::join_all;
use jiff::Timestamp;

use super::row::{KnownUser, Understood};
use crate::api::load::Load;
use crate::api::transport::ReadWire;
use crate::change::User;
use crate::exit::Error;
use crate::issue::Issue;
use crate::requester::Requester;
use crate::rows::{Instruction, lane};
use crate::stop::Stop;

/// Rows, and the users whom they are about.
pub(super) struct Looked {
    pub(super) rows: Vec<Understood>,
    pub(super) users: Users,
}

/// Users by the lanes of names: of users whom rows name, and of those who have what rows want to
/// give. `None` for a name that nobody has.
#[derive(Default)]
pub(super) struct Users(HashMap<u64, Option<KnownUser>>);

impl Users {
    /// The user who has a name.
    pub(super) fn named(&self, name: &str) -> Option<&KnownUser> {
        self.0.get(&lane(name))?.as_ref()
    }
}

/// Reads the users whom rows are about.
pub(super) async fn look<W: ReadWire>(
    rows: Vec<Understood>,
    requester: &Requester<W>,
    stop: &Stop,
) -> Result<Looked, Error> {
    let instructions = || rows.iter().filter_map(|row| row.as_ref().ok());
    let names: BTreeSet<&str> = instructions().map(|own| own.login_id.as_str()).collect();
    let given: BTreeSet<String> = instructions()
        .flat_map(Instruction::given_names)
        .filter(|given| !names.contains(given.as_str()))
        .collect();
    let wanted: Vec<String> =
        names.iter().map(ToString::to_string).chain(given.iter().cloned()).collect();
    let found = match requester.find(&wanted, stop).await {
        None => return Err(stopped(stop)),
        Some(Err(why)) => return Err(unreadable(&why)),
        Some(Ok(found)) => found,
    };
    let now = Timestamp::now();
    // Who is taken for missing and is there is not made twice: that is refused.
    let hangs_on_user =
        |name: &&&str| instructions().any(|own| own.login_id == **name && !own.makes_user());
    let hanging: BTreeSet<&str> = names.iter().filter(hangs_on_user).copied().collect();
    let mut users = Users::default();
    let mut alone = Vec::new();
    for name in &names {
        match found.named(name).filter(|shown| shown.is_settled(now)) {
            Some(shown) => drop(users.0.insert(lane(name), Some(KnownUser::new(shown.user())))),
            None if found.named(name).is_none() && !hanging.contains(name) => {
                users.0.insert(lane(name), None);
            }
            // That nobody has a name is believed of a load only: search lags.
            None => alone.push(*name),
        }
    }
    for name in &given {
        let user = found.named(name).map(|shown| KnownUser::new(shown.user()));
        users.0.insert(lane(name), user);
    }
    for (name, user) in load_all(&alone, requester, stop).await? {
        users.0.insert(lane(name), user);
    }
    Ok(Looked { rows, users })
}

async fn load_all<'n, W: ReadWire>(
    names: &[&'n str],
    requester: &Requester<W>,
    stop: &Stop,
) -> Result<Vec<(&'n str, Option<KnownUser>)>, Error> {
    let loads = names.iter().map(|name| async { (*name, load(name, requester, stop).await) });
    let loaded = join_all(loads).await;
    loaded.into_iter().map(|(name, user)| Ok((name, user?))).collect()
}

/// The user who has a name, read by itself.
pub(super) async fn load<W: ReadWire>(
    name: &str,
    requester: &Requester<W>,
    stop: &Stop,
) -> Result<Option<KnownUser>, Error> {
    match requester.load(name, stop).await {
        None => Err(stopped(stop)),
        Some(Load::Missing) => Ok(None),
        Some(Load::Failed(why)) => Err(unreadable(&why)),
        Some(Load::Found(found)) => Ok(User::read(&found.user).map(KnownUser::new)),
    }
}

/// The error of a user who cannot be read.
fn unreadable(issue: &Issue) -> Error {
    Error::Stopped(format!(
        "a user cannot be read: {}; a plan must know all of them: make it again",
        issue.message
    ))
}

/// A reading that was stopped.
fn stopped(stop: &Stop) -> Error {
    let why = stop.reason().map_or_else(|| "stopped".to_owned(), |reason| reason.to_string());
    Error::Stopped(format!("{why}; nothing was changed, and no plan was written"))
}
