//! The users that the simulator starts with.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::actions::new_user;
use super::fields::Fields;
use super::problem::Problem;
use super::store::{Moment, Store};
use super::switches::Switches;
use super::users::{Status, User, canonical};
use crate::exit::Error;

/// Where the users at the start come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seed {
    /// There are none.
    #[default]
    None,
    /// So many: `user1@example.com` and on.
    Generate(u64),
    /// A file of users, one JSON object a line, shaped as the API shows them.
    File(PathBuf),
}

/// A number of users, or else a file.
impl From<&str> for Seed {
    fn from(text: &str) -> Self {
        match text.parse() {
            Ok(count) => Self::Generate(count),
            Err(_) => Self::File(text.into()),
        }
    }
}

/// Puts the users into an empty store.
pub(super) fn sow(seed: &Seed, store: &mut Store, moment: Moment) -> Result<(), Error> {
    match seed {
        Seed::None => Ok(()),
        Seed::Generate(count) => u32::try_from(*count)
            .map_err(|_| Problem::invalid("too many"))
            .and_then(|count| store.generate(count))
            .map_err(|_| Error::refused(format!("cannot generate {count} users"))),
        Seed::File(path) => read_file(path, store, moment),
    }
}

/// Users who do not say when they were changed were not changed just now.
const A_DAY: u32 = 24 * 60 * 60;

/// The longest line of a file of users, in bytes.
const MAX_LINE: u64 = 1 << 20;

fn read_file(path: &Path, store: &mut Store, moment: Moment) -> Result<(), Error> {
    let place = path.display();
    let file = File::open(path)
        .map_err(|error| Error::refused(format!("cannot read the users in {place}: {error}")))?;
    let mut file = BufReader::new(file);
    for number in 1_u64.. {
        let refuse =
            |why: &dyn std::fmt::Display| Error::refused(format!("{place}:{number}: {why}"));
        let mut line = String::new();
        let read = (&mut file).take(MAX_LINE + 1).read_line(&mut line).map_err(|e| refuse(&e))?;
        if read == 0 {
            break;
        }
        if read as u64 > MAX_LINE {
            return Err(refuse(&"a user takes more than 1 MiB: it is not a list of users"));
        }
        if line.trim().is_empty() {
            continue;
        }
        let created = read_user(&line).and_then(|(user, modified)| {
            let seconds = modified.unwrap_or(moment.seconds.saturating_sub(A_DAY));
            store.create(user, Moment { seconds, ..moment })
        });
        created.map_err(|problem| {
            Error::refused(format!("{place}:{number}: {}", problem.message()))
        })?;
    }
    Ok(())
}

/// A user as the API shows it; `loginId` will do for `loginIds`, and users are enabled unless
/// they say otherwise. Beside the user stands when it was changed last, in seconds since 1970.
fn read_user(line: &str) -> Result<(User, Option<u32>), Problem> {
    let mut value: Value = serde_json::from_str(line)
        .map_err(|error| Problem::malformed(format!("not JSON: {error}")))?;
    let mut expired = false;
    if let Some(map) = value.as_object_mut() {
        let first = map.get("loginIds").and_then(|ids| ids.get(0)).cloned();
        if let Some(first) = first.filter(|_| !map.contains_key("loginId")) {
            map.insert("loginId".into(), first);
        }
        expired = map.get("status").and_then(Value::as_str) == Some("expired");
        if expired {
            map.shift_remove("status");
        }
    }
    let fields = Fields::from_value(value)?;
    let mut user = new_user(&fields, &Switches::default())?;
    for login_id in fields.list("loginIds")?.unwrap_or_default() {
        let login_id = canonical(login_id);
        if !user.has_login_id(&login_id) {
            user.login_ids.push(login_id.into());
        }
    }
    // What the file shows is what the user has: nothing is made up from the login ID.
    if let Some("") = fields.text("email")? {
        user.email = None;
        user.verified_email = false;
    }
    if expired {
        user.status = Status::Expired;
    } else if !fields.has("status") {
        user.status = Status::Enabled;
    }
    if let Some(id) = fields.text("userId")?.filter(|id| !id.is_empty()) {
        user.details_mut().user_id = id.into();
    }
    if let Some(seconds) = fields.integer("createdTime")? {
        user.created = u32::try_from(seconds).unwrap_or(0);
    }
    user.password |= fields.flag("password").ok().flatten() == Some(true);
    let modified = fields.integer("modifiedTime")?.and_then(|seconds| u32::try_from(seconds).ok());
    Ok((user, modified))
}
