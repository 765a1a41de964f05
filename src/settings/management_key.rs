//! The management key: where it comes from. It is never typed, shown or written.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use secrecy::SecretString;

use super::Environment;
use super::cli::run::ProjectArgs;
use super::table;
use crate::exit::Error;
use crate::shell::shell;
use crate::store;

/// What to do without an account.
pub(super) const REHEARSE: &str = "to rehearse without an account, use run --simulate";

/// What a file with the key is called.
pub(crate) const KEY_FILE: &str = "key file";

/// A key is short; whatever is longer is another file.
const MOST: u64 = 4096;

/// How long a command may take that prints the key: it may ask for a finger or a password.
const PATIENCE: Duration = Duration::from_secs(120);

/// The name of a credential of systemd (`LoadCredential=descope-management-key:…`).
const CREDENTIAL: &str = "descope-management-key";

/// The folder in which systemd puts the credentials of a service.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// A management key, and where it was found.
pub(crate) struct FoundKey {
    /// The key.
    pub(crate) key: SecretString,
    /// Where it was found.
    pub(crate) origin: KeyOrigin,
    /// Whether it begins as management keys do.
    pub(crate) looks_right: bool,
}

/// Where a management key comes from.
#[derive(Clone, Debug)]
pub(crate) enum KeyOrigin {
    /// A file, and who names it.
    File(PathBuf, &'static str),
    /// What a command prints.
    Command,
    /// The environment.
    Variable,
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, _) => write!(f, "the key file {}", path.display()),
            Self::Command => f.write_str("what --key-command prints"),
            Self::Variable => f.write_str(table::MANAGEMENT_KEY),
        }
    }
}

/// The key, with warnings where there is something strange about it; see [`find`].
///
/// # Errors
///
/// Without any, with a file or a command that does not give one, and with what is no key.
pub(crate) fn management_key(
    args: &ProjectArgs,
    environment: Environment<'_>,
) -> Result<SecretString, Error> {
    let FoundKey { key, origin, looks_right } = find(args, environment)?;
    if let KeyOrigin::File(path, _) = &origin {
        warn_if_open(path, KEY_FILE);
    }
    if !looks_right {
        tracing::warn!("{origin} does not begin with K, as management keys do");
    }
    Ok(key)
}

/// Finds the key: in a file or by a command that is named, else in the environment, else in a file
/// that the environment names, else in the credentials of a systemd service.
///
/// # Errors
///
/// Without any, with a file or a command that does not give one, and with what is no key.
pub(crate) fn find(args: &ProjectArgs, environment: Environment<'_>) -> Result<FoundKey, Error> {
    let (text, origin) = stated(args, environment)?;
    let key = text.trim();
    if key.is_empty() {
        return Err(Error::refused(format!("{origin} is empty")));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
        return Err(Error::refused(format!(
            "{origin} does not hold a management key: a key is one word of letters and digits"
        )));
    }
    Ok(FoundKey { looks_right: key.starts_with('K'), key: key.into(), origin })
}

/// Whether there is a place that a key may come from.
pub(crate) fn is_at_hand(args: &ProjectArgs, environment: Environment<'_>) -> bool {
    let variables = [table::MANAGEMENT_KEY, table::MANAGEMENT_KEY_FILE];
    args.key_file.is_some()
        || args.key_command.is_some()
        || variables.into_iter().any(|name| environment(name).is_some())
        || credential(environment).is_some()
}

/// The credential of a systemd service, if it has one.
fn credential(environment: Environment<'_>) -> Option<PathBuf> {
    let folder = environment(CREDENTIALS_DIRECTORY)?;
    Some(PathBuf::from(folder).join(CREDENTIAL)).filter(|path| path.exists())
}

/// What is stated, and where.
fn stated(args: &ProjectArgs, environment: Environment<'_>) -> Result<(String, KeyOrigin), Error> {
    let of_file = |path: &Path, named_by| {
        read_key(path).map(|key| (key, KeyOrigin::File(path.to_owned(), named_by)))
    };
    if let Some(path) = &args.key_file {
        return of_file(path, "key-file");
    }
    if let Some(command) = &args.key_command {
        return Ok((printed_by(command)?, KeyOrigin::Command));
    }
    if let Some(key) = environment(table::MANAGEMENT_KEY) {
        return Ok((key, KeyOrigin::Variable));
    }
    if let Some(path) = environment(table::MANAGEMENT_KEY_FILE) {
        return of_file(Path::new(&path), table::MANAGEMENT_KEY_FILE);
    }
    match credential(environment) {
        Some(path) => of_file(&path, "a systemd credential"),
        None => Err(Error::refused(format!(
            "no management key: set DESCOPE_MANAGEMENT_KEY, or name a file that holds it with --key-file, or a command that prints it with --key-command (console, Company, Management keys); {REHEARSE}"
        ))),
    }
}

/// The text of a key file, bounded.
pub(crate) fn read_key(path: &Path) -> Result<String, Error> {
    read_secret(path, KEY_FILE)
}

/// Warns of a file that holds a secret and that others can read; `what` as with [`read_secret`].
pub(crate) fn warn_if_open(path: &Path, what: &str) {
    if store::is_open_to_others(path) {
        let file = path.display();
        tracing::warn!("other users can read the {what} {file}; make it private: chmod 600");
    }
}

/// The text of a file that holds a secret, bounded; `what` says what is in it, such as "key file".
pub(super) fn read_secret(path: &Path, what: &str) -> Result<String, Error> {
    let refuse = |error: std::io::Error| {
        Error::refused(format!("cannot read the {what} {}: {error}", path.display()))
    };
    let file = File::open(path).map_err(refuse)?;
    let mut text = String::new();
    file.take(MOST + 1).read_to_string(&mut text).map_err(refuse)?;
    if text.len() as u64 > MOST {
        return Err(Error::refused(format!(
            "{} is not a {what}: it holds more than {MOST} bytes",
            path.display()
        )));
    }
    Ok(text)
}

/// What a command prints, such as `op read op://ops/descope/key`. What it says on stderr is shown.
fn printed_by(command: &str) -> Result<String, Error> {
    let refuse = |why: String| Error::refused(format!("--key-command: {why}"));
    let mut child = shell(command)
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| refuse(format!("cannot be started: {error}")))?;
    let Some(text) = read_in_time(&mut child) else {
        let _ = child.kill();
        let _ = child.wait();
        let seconds = PATIENCE.as_secs();
        return Err(refuse(format!("it took more than {seconds} seconds, and was ended")));
    };
    let ended = child.wait().map_err(|error| refuse(format!("cannot be waited for: {error}")))?;
    if !ended.success() {
        return Err(refuse(format!("it failed ({ended}); run it by itself to see why")));
    }
    text.map_err(|error| refuse(format!("what it prints cannot be read: {error}")))
}

/// All that a child prints, if it ends in time.
fn read_in_time(child: &mut Child) -> Option<std::io::Result<String>> {
    let out = child.stdout.take()?;
    let (told, text) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = out.take(MOST).read_to_string(&mut text);
        // Nobody waits any more where it took too long.
        let _ = told.send(read.map(|_| text));
    });
    text.recv_timeout(PATIENCE).ok()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn key(args: &ProjectArgs, environment: &[(&str, &str)]) -> Result<String, String> {
        let given = |name: &str| {
            let found = environment.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let found = management_key(args, &given);
        found.map(|key| key.expose_secret().to_owned()).map_err(|error| error.to_string())
    }

    fn args(key_file: Option<&Path>, key_command: Option<&str>) -> ProjectArgs {
        ProjectArgs {
            project_id: None,
            key_file: key_file.map(Path::to_owned),
            key_command: key_command.map(str::to_owned),
            base_url: None,
        }
    }

    #[test]
    fn keys_are_checked_before_anything_is_sent() {
        let none = args(None, None);
        let missing = key(&none, &[]).unwrap_err();
        assert!(missing.contains("DESCOPE_MANAGEMENT_KEY") && missing.contains("--simulate"));
        for wrong in ["K 1", "K1\nK2", "K1:2", "", "  ", "Kä"] {
            let error = key(&none, &[(table::MANAGEMENT_KEY, wrong)]).unwrap_err();
            assert!(wrong.trim().is_empty() || !error.contains(wrong), "{error}");
        }
        assert_eq!(key(&none, &[(table::MANAGEMENT_KEY, "K2x\n")]).unwrap(), "K2x");
    }

    #[test]
    fn the_nearest_place_wins() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (one, two) = (file("one", "K1file\n"), file("two", "K2file"));
        file(CREDENTIAL, "K3credential");
        let (two, folder) = (two.to_str().unwrap(), folder.path().to_str().unwrap());
        let all = [
            (table::MANAGEMENT_KEY, "K4environment"),
            (table::MANAGEMENT_KEY_FILE, two),
            (CREDENTIALS_DIRECTORY, folder),
        ];
        let none = args(None, None);
        assert_eq!(key(&args(Some(&one), None), &all).unwrap(), "K1file");
        assert_eq!(key(&none, &all).unwrap(), "K4environment");
        assert_eq!(key(&none, &all[1..]).unwrap(), "K2file");
        assert_eq!(key(&none, &all[2..]).unwrap(), "K3credential");
        assert!(key(&none, &[(CREDENTIALS_DIRECTORY, "/nowhere")]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_command_prints_the_key_or_fails_without_a_word_of_it() {
        let of = |command: &str| key(&args(None, Some(command)), &[]);
        assert_eq!(of("printf 'K5printed\\n'").unwrap(), "K5printed");
        assert!(of("exit 3").unwrap_err().contains("exit status: 3"));
        assert!(of("true").unwrap_err().ends_with("is empty"));
        let two = of("echo K5 secret").unwrap_err();
        assert!(two.contains("--key-command") && !two.contains("secret"), "{two}");
    }
}
