//! Marks: files that say that a run folder no longer holds what its run left there.
//!
//! `purged.json` is written before anything is removed. It takes the place of the journal: it has the
//! totals, and digests by which the same input is recognised. `redacted.json` marks a copy with
//! pseudonyms, which is of no use to anything that speaks to the project.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::disk::{at, replace};
use super::journal::Identity;
use super::summary::Tool;
use crate::outcome::{Tally, rfc3339};

/// The mark of a run whose users' data was removed.
pub const PURGED: &str = "purged.json";

/// The mark of a redacted copy.
const REDACTED: &str = "redacted.json";

/// The version of the marks' format.
const MARK_VERSION: u32 = 1;

/// Settings of a run's identity that hold values of users.
pub const SETTINGS_WITH_VALUES: [&str; 2] = ["set", "where"];

/// What is known of a run whose users' data was removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PurgeMark {
    version: u32,
    tool: Tool,
    /// When it was purged.
    #[serde(serialize_with = "rfc3339")]
    pub purged_at: Timestamp,
    /// When the run began, as far as was known.
    pub began_at: Option<Timestamp>,
    /// When it ended, as far as was known.
    pub ended_at: Option<Timestamp>,
    /// Whether every row had its outcome.
    pub complete: bool,
    /// Whether settings, causes and file names stay in the summary.
    pub keeps_summary: bool,
    /// What became of its rows.
    pub tally: Tally,
    /// Which run it was; nothing of one that was damaged.
    pub identity: Option<IdentityDigest>,
    /// Which shard of a job it was, or that it was several, if it was any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
}

impl PurgeMark {
    /// One of a run that is about to be purged.
    #[must_use]
    pub fn new(purged_at: Timestamp, complete: bool, tally: Tally) -> Self {
        Self {
            version: MARK_VERSION,
            tool: Tool::THIS,
            purged_at,
            began_at: None,
            ended_at: None,
            complete,
            keeps_summary: false,
            tally,
            identity: None,
            shard: None,
        }
    }
}

/// Which run it was, without its paths and settings: salted digests that can only be compared.
///
/// What `--set` and `--where` say goes only into the digest of everything, together with the
/// fingerprints of the inputs, which are kept nowhere: so it cannot be found by trying values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityDigest {
    salt: String,
    /// Of the inputs' paths.
    inputs: String,
    /// Of the settings without those that hold values.
    settings: String,
    /// Of everything.
    whole: String,
}

impl IdentityDigest {
    /// That of a run.
    ///
    /// # Errors
    ///
    /// Where the system has no random numbers.
    pub fn of(identity: &Identity) -> io::Result<Self> {
        let mut salt = [0; 16];
        let random = SystemRandom::new().fill(&mut salt);
        random.map_err(|_| io::Error::other("the system gives no random numbers"))?;
        Ok(Self::salted(hexadecimal(&salt), identity))
    }

    fn salted(salt: String, identity: &Identity) -> Self {
        let paths: Vec<&str> = identity.inputs.iter().map(|input| &*input.path).collect();
        let contents: Vec<&str> = identity.inputs.iter().map(|own| &*own.fingerprint).collect();
        let mut settings = Value::Object(identity.settings.clone());
        settings.sort_all_objects();
        let mut harmless = settings.clone();
        if let Some(harmless) = harmless.as_object_mut() {
            harmless.retain(|name, _| !SETTINGS_WITH_VALUES.contains(&name.as_str()));
        }
        let digest = |what: Value| {
            let mut context = Context::new(&SHA256);
            context.update(salt.as_bytes());
            context.update(what.to_string().as_bytes());
            hexadecimal(context.finish().as_ref())
        };
        Self {
            inputs: digest(serde_json::json!(["inputs", paths])),
            settings: digest(serde_json::json!(["settings", harmless])),
            whole: digest(serde_json::json!(["whole", paths, contents, settings])),
            salt,
        }
    }

    fn again(&self, identity: &Identity) -> Self {
        Self::salted(self.salt.clone(), identity)
    }

    /// Whether it is about the same inputs by name.
    #[must_use]
    pub fn same_inputs(&self, identity: &Identity) -> bool {
        self.inputs == self.again(identity).inputs
    }

    /// Whether it is the same in everything.
    #[must_use]
    pub fn is(&self, identity: &Identity) -> bool {
        self.whole == self.again(identity).whole
    }

    /// Whether the settings are the same, those aside that hold values.
    #[must_use]
    pub fn same_settings(&self, identity: &Identity) -> bool {
        self.settings == self.again(identity).settings
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The mark of a run whose users' data was removed; nothing of other folders.
///
/// # Errors
///
/// A mark that cannot be read.
pub fn purged(folder: &Path) -> io::Result<Option<PurgeMark>> {
    let path = folder.join(PURGED);
    let text = match fs::read(&path) {
        Err(error) if is_not_there(&error) => return Ok(None),
        read => read.map_err(|error| at("read", &path, &error))?,
    };
    let mark: PurgeMark = serde_json::from_slice(&text)
        .map_err(|error| at("read", &path, &io::Error::new(io::ErrorKind::InvalidData, error)))?;
    if mark.version > MARK_VERSION {
        let why = format!(
            "it is of version {}, and this program reads up to version {MARK_VERSION}",
            mark.version
        );
        return Err(at("read", &path, &io::Error::new(io::ErrorKind::InvalidData, why)));
    }
    Ok(Some(mark))
}

pub(super) fn is_not_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Refuses a folder whose run was purged, and says when that was.
///
/// # Errors
///
/// When it was, and a mark that cannot be read.
pub fn refuse_purged(folder: &Path) -> io::Result<()> {
    match purged(folder)? {
        None => Ok(()),
        Some(mark) => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "the run in {} was purged at {:.0}: its users' data was removed, and its totals are all that is left\n  `descope-bulk runs` shows them",
                folder.display(),
                mark.purged_at
            ),
        )),
    }
}

/// Marks a run as purged: from now on nothing else of its folder is believed.
///
/// # Errors
///
/// A folder that cannot be written; then there is no mark.
pub fn mark_purged(folder: &Path, mark: &PurgeMark) -> io::Result<()> {
    replace(folder, PURGED, &serde_json::to_vec_pretty(mark)?)
}

/// Marks a folder as a redacted copy.
///
/// # Errors
///
/// A folder that cannot be written.
pub fn mark_redacted(folder: &Path, at: Timestamp) -> io::Result<()> {
    let mark = serde_json::json!({
        "version": MARK_VERSION,
        "tool": Tool::THIS,
        "redactedAt": format!("{at:.3}"),
        "note": "a copy of a run folder with pseudonyms in place of users' data",
    });
    replace(folder, REDACTED, &serde_json::to_vec_pretty(&mark)?)
}

/// Whether a folder is a redacted copy.
#[must_use]
pub fn is_redacted(folder: &Path) -> bool {
    folder.join(REDACTED).exists()
}

/// Refuses a redacted copy, whose users are nobody's.
///
/// # Errors
///
/// When it is one.
pub fn refuse_redacted(folder: &Path) -> io::Result<()> {
    if !is_redacted(folder) {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "{} is a redacted copy, with pseudonyms in place of users: name the folder of the run itself",
            folder.display()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::journal::{InputIdentity, JOURNAL_VERSION};

    fn identity(path: &str, fingerprint: &str, settings: &Value) -> Identity {
        let input = InputIdentity {
            name: "in.csv".to_owned(),
            path: path.to_owned(),
            bytes: 1,
            fingerprint: fingerprint.to_owned(),
        };
        let settings = settings.as_object().unwrap().clone();
        Identity { version: JOURNAL_VERSION, inputs: vec![input], settings }
    }

    #[test]
    fn a_run_is_recognised_by_its_digests_and_by_nothing_else() {
        let settings = serde_json::json!({"operation": "name", "set": {"a": "1", "b": "2"}});
        let first = identity("/in.csv", "f1", &settings);
        let digest = IdentityDigest::of(&first).unwrap();
        let turned = serde_json::json!({"set": {"b": "2", "a": "1"}, "operation": "name"});
        for (other, inputs, settings, whole) in [
            (first.clone(), true, true, true),
            (identity("/in.csv", "f1", &turned), true, true, true),
            (identity("/in.csv", "f2", &settings), true, true, false),
            (identity("/other.csv", "f1", &settings), false, true, false),
            (
                identity("/in.csv", "f1", &serde_json::json!({"operation": "name"})),
                true,
                true,
                false,
            ),
            (identity("/in.csv", "f1", &serde_json::json!({"operation": "x"})), true, false, false),
        ] {
            let told =
                (digest.same_inputs(&other), digest.same_settings(&other), digest.is(&other));
            assert_eq!(told, (inputs, settings, whole), "{other:?}");
        }
        let again = IdentityDigest::of(&first).unwrap();
        assert_ne!(digest.whole, again.whole, "two runs cannot be told to be the same");
    }
}
