//! The users that the simulator starts with.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::create::new_user;
use super::credentials::{Device, Passkey};
use super::declare::declared;
use super::fields::Fields;
use super::problem::Problem;
use super::project::Project;
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
    /// A file of users, one JSON object a line, shaped as the API shows them; or what the project
    /// declares.
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
        read_line(&line, store, moment).map_err(|problem| refuse(&problem.message()))?;
    }
    Ok(())
}

fn read_line(line: &str, store: &mut Store, moment: Moment) -> Result<(), Problem> {
    let value: Value = serde_json::from_str(line)
        .map_err(|error| Problem::malformed(format!("not JSON: {error}")))?;
    if declared(store.project_mut(), moment.seconds, &value)? {
        return Ok(());
    }
    let (user, modified) = read_user(value)?;
    let seconds = modified.unwrap_or(moment.seconds.saturating_sub(A_DAY));
    store.create(user, Moment { seconds, ..moment })?;
    Ok(())
}

/// A user as the API shows it; `loginId` will do for `loginIds`, and users are enabled unless
/// they say otherwise. Nothing is asked about what the project declares. Beside the user stands
/// when it was changed last, in seconds since 1970.
fn read_user(mut value: Value) -> Result<(User, Option<u32>), Problem> {
    let (mut expired, mut password) = (false, false);
    if let Some(map) = value.as_object_mut() {
        let first = map.get("loginIds").and_then(|ids| ids.get(0)).cloned();
        if let Some(first) = first.filter(|_| !map.contains_key("loginId")) {
            map.insert("loginId".into(), first);
        }
        expired = map.get("status").and_then(Value::as_str) == Some("expired");
        if expired {
            map.shift_remove("status");
        }
        // Answers show whether there is one; only a request to create a user holds it.
        if let Some(Value::Bool(flag)) = map.get("password") {
            password = *flag;
            map.shift_remove("password");
        }
    }
    let fields = Fields::from_value(value)?;
    let mut user = new_user(&fields, &Switches::default(), &Project::default())?;
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
    user.password |= password;
    read_credentials(&mut user, &fields)?;
    let modified = fields.integer("modifiedTime")?.and_then(|seconds| u32::try_from(seconds).ok());
    Ok((user, modified))
}

/// What the API shows of credentials (`TOTP`, `webauthn`), and what its lists of passkeys and
/// trusted devices show; `webauthn` alone makes a passkey.
fn read_credentials(user: &mut User, fields: &Fields) -> Result<(), Problem> {
    if fields.flag("TOTP")? == Some(true) {
        user.credentials_mut().totp = true;
    }
    if fields.flag("recoveryCodes")? == Some(true) {
        user.credentials_mut().recovery_codes = true;
    }
    for passkey in objects(fields, "passkeys")? {
        user.credentials_mut().passkeys.push(Passkey {
            id: text(passkey, "id").into(),
            rp_id: text(passkey, "rpId").into(),
            kind: text(passkey, "kind").into(),
            display_name: text(passkey, "displayName").into(),
            created_time: u32::try_from(number(passkey, "createdTime")).unwrap_or(0),
        });
    }
    if fields.flag("webauthn")? == Some(true) && user.credentials().passkeys.is_empty() {
        let passkey = Passkey { id: "passkey1".into(), ..Passkey::default() };
        user.credentials_mut().passkeys.push(passkey);
    }
    for device in objects(fields, "trustedDevices")? {
        user.credentials_mut().devices.push(Device {
            id: text(device, "id").into(),
            name: text(device, "name").into(),
            kind: text(device, "deviceType").into(),
            last_login: number(device, "lastLoginTime"),
            expiration: number(device, "expirationTime"),
            location: text(device, "lastLocation").into(),
        });
    }
    Ok(())
}

/// The objects of a list, each with an ID.
fn objects<'a>(fields: &'a Fields, name: &str) -> Result<Vec<&'a Map<String, Value>>, Problem> {
    let object = |value: &'a Value| match value.as_object() {
        Some(object) if !text(object, "id").is_empty() => Ok(object),
        _ => Err(Problem::missing(&format!("{name}.id"))),
    };
    fields.array(name)?.into_iter().flatten().map(object).collect()
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A number, or one written as text, as JSON of 64-bit integers may be.
fn number(object: &Map<String, Value>, key: &str) -> i64 {
    let value = object.get(key);
    let read = value.and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
    read.unwrap_or(0)
}
