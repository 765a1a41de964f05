//! The log of arrivals: one JSON object a line for each request, written when its answer is
//! handed over, or when its client has gone without.
//!
//! `seq` is the order of arrival, counted from 1; the lines are in the order of the ends. `at`
//! and `endAt` are milliseconds since the simulator's start; `status` is `null` when no answer
//! was given. The management key is never written. Only the owner may read the file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::exit::Error;

/// One request, as the log has it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    /// The place in the order of arrival, from 1.
    pub(super) seq: u64,
    /// When it had arrived in full.
    #[serde(serialize_with = "milliseconds")]
    pub(super) at: Duration,
    /// When its answer was handed over, or its client was gone.
    #[serde(serialize_with = "milliseconds")]
    pub(super) end_at: Duration,
    pub(super) method: String,
    pub(super) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) project: Option<String>,
    /// The licence tier that the request names in `x-descope-license`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) license: Option<String>,
    #[serde(flatten)]
    pub(super) names: Names,
    /// `null` when no answer was given.
    pub(super) status: Option<u16>,
    /// The fault that struck, as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<String>,
    /// Whether it changed anything.
    pub(super) applied: bool,
    /// How many users it sent a mail or SMS to, if any.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) invited: usize,
    /// The body as it came, if bodies are logged and it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Box<RawValue>>,
}

/// The users that a request names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Names {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) login_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) new_login_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<String>,
    /// Of a batch, or a search.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) login_ids: Vec<String>,
    /// Of a load of many, a batch of deletions, or a search.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) user_ids: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_none(invited: &usize) -> bool {
    *invited == 0
}

fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of centuries fit an f64")]
    let ms = time.as_micros() as f64 / 1000.0;
    serializer.serialize_f64(ms)
}

/// The file. Each line is one write, so it can be read while the simulator runs.
pub(super) struct Log {
    file: Mutex<File>,
    failed: AtomicBool,
}

impl Log {
    /// Creates the file; one that holds something is refused, not emptied.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let refuse =
            |error| Error::refused(format!("cannot create the log {}: {error}", path.display()));
        let file = options.open(path).map_err(refuse)?;
        if file.metadata().is_ok_and(|metadata| metadata.len() > 0) {
            return Err(refuse(std::io::Error::other("it holds something already; name another")));
        }
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .map_err(refuse)?;
        Ok(Self { file: Mutex::new(file), failed: AtomicBool::new(false) })
    }

    /// Writes an entry. That the log is incomplete is said once.
    pub(super) fn write(&self, entry: &Entry) {
        let mut line = serde_json::to_vec(entry).unwrap_or_default();
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Err(error) = file.write_all(&line)
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            tracing::error!(%error, "the simulator's log is incomplete");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_arrived_and_what_became_of_it() {
        let entry = Entry {
            seq: 1,
            at: Duration::from_micros(1500),
            end_at: Duration::from_millis(2),
            method: "POST".into(),
            path: "/v1/mgmt/user/update/phone".into(),
            project: Some("P1".into()),
            names: Names { login_id: Some("a".into()), ..Names::default() },
            status: Some(200),
            applied: true,
            ..Entry::default()
        };
        assert_eq!(
            serde_json::to_string(&entry).unwrap(),
            r#"{"seq":1,"at":1.5,"endAt":2.0,"method":"POST","path":"/v1/mgmt/user/update/phone","project":"P1","loginId":"a","status":200,"applied":true}"#
        );
    }
}
