//! Notifications: somebody is told how a run ended, without a user's data.
//!
//! A notification that fails never fails a run: it is tried three times, and then said.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use crate::api::transport::Poster;
use crate::exit::Exit;
use crate::outcome::Tally;
use crate::report::thousands;
use crate::shell::shell;
use crate::store::summary::Summary;

/// When somebody is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NotifyWhen {
    /// When rows failed, or the run did not begin or stopped early.
    #[default]
    Failure,
    /// Also when a user was changed.
    Change,
    /// Always.
    Always,
}

/// Who is told, and when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notifications {
    /// The URL of a check in the manner of healthchecks.io, which is told of every start and every end.
    pub(crate) check: Option<Url>,
    /// URLs that take JSON.
    pub(crate) webhooks: Vec<Url>,
    /// URLs of incoming webhooks of Slack.
    pub(crate) slack: Vec<Url>,
    /// Commands that take the JSON on stdin.
    pub(crate) commands: Vec<String>,
    /// When webhooks, Slack and commands are told.
    pub(crate) when: NotifyWhen,
    /// What webhooks are signed with.
    pub(crate) secret: Option<String>,
}

/// What others are told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// A run ended.
    #[default]
    RunEnded,
    /// A file of an inbox was refused since it holds no row.
    FileEmpty,
    /// No file came to an inbox in time.
    FileMissing,
    /// All jobs of a fleet ended.
    FleetEnded,
}

impl Occasion {
    /// The word for it in JSON.
    fn event(self) -> &'static str {
        match self {
            Self::RunEnded => "run_ended",
            Self::FileEmpty => "file_empty",
            Self::FileMissing => "file_missing",
            Self::FleetEnded => "fleet_ended",
        }
    }
}

/// What is told of a fleet as a whole.
#[derive(Clone, Debug)]
pub(crate) struct FleetTold {
    /// What became of all rows.
    pub(crate) rows: Tally,
    /// Jobs whose exit code is not 0, the worst first.
    pub(crate) not_well: Vec<(String, Exit)>,
}

/// What is told of the end of a run.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    /// What is told of.
    pub(crate) occasion: Occasion,
    /// The file of an inbox that it is about, if it is about one.
    pub(crate) file: Option<String>,
    /// The exit code.
    pub(crate) exit: Exit,
    /// How it ended, where rows were worked on.
    pub(crate) summary: Option<Box<Summary>>,
    /// Why it did not begin, without a user's data.
    pub(crate) why: Option<String>,
    /// Whether there was nothing to do, since the run was finished before: its end was told then.
    pub(crate) is_repeat: bool,
    /// What the fleet came to, if it is about one.
    pub(crate) fleet: Option<FleetTold>,
}

/// The version of the JSON.
const VERSION: u32 = 1;

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pauses between tries.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

impl Ending {
    /// On one line, for people.
    #[must_use]
    pub(crate) fn line(&self) -> String {
        let code = self.exit.code();
        let Some(summary) = &self.summary else {
            let nothing = if self.is_repeat {
                "the run was finished before: nothing to do"
            } else {
                "it did not begin"
            };
            let why = self.why.as_deref().unwrap_or(nothing);
            return format!("descope-bulk: exit code {code}: {}", first_line(why));
        };
        let rows = summary
            .tally
            .by_word()
            .filter(|(_, rows)| *rows > 0)
            .map(|(word, rows)| format!("{} {}", thousands(rows), word.replace('_', " ")));
        let inputs: Vec<_> = summary.inputs.iter().map(|input| input.name.as_str()).collect();
        let rows = rows.collect::<Vec<_>>().join(", ");
        let simulated = if summary.simulated { " (simulated)" } else { "" };
        format!(
            "descope-bulk{simulated}: {}: exit code {code}: {}",
            inputs.join(", "),
            if rows.is_empty() { "no rows" } else { &rows }
        )
    }

    /// For machines.
    #[must_use]
    pub(crate) fn json(&self) -> Value {
        let summary = self.summary.as_deref();
        let job = |(name, exit): &(String, Exit)| json!({"name": name, "exitCode": exit.code()});
        json!({
            "version": VERSION,
            "event": self.occasion.event(),
            "exitCode": self.exit.code(),
            "text": self.line(),
            "why": self.why.as_deref().map(first_line),
            "simulated": summary.map(|own| own.simulated),
            "inputs": summary
                .map(|own| own.inputs.iter().map(|input| input.name.clone()).collect())
                .or_else(|| self.file.clone().map(|file| vec![file])),
            "startedAt": summary.map(|own| format!("{:.3}", own.started_at)),
            "finishedAt": summary.map(|own| format!("{:.3}", own.finished_at)),
            "complete": summary.map(|own| own.complete),
            "rows": self.rows(),
            "jobs": self.fleet.as_ref().map(|own| own.not_well.iter().map(job).collect::<Vec<_>>()),
            "reasons": summary.map(|own| {
                let reason = |cause: &crate::store::summary::FailureCause| {
                    json!({"kind": cause.kind, "code": cause.code, "rows": cause.count})
                };
                own.reasons.iter().map(reason).collect::<Vec<_>>()
            }),
            "stopped": summary.and_then(|own| own.stopped.as_ref()).map(|own| own.reason.clone()),
            "results": summary.map(|own| own.files.results.display().to_string()),
        })
    }

    fn rows(&self) -> Option<Tally> {
        let fleet = self.fleet.as_ref().map(|fleet| fleet.rows);
        self.summary.as_ref().map(|summary| summary.tally).or(fleet)
    }

    fn is_told(&self, when: NotifyWhen) -> bool {
        let failed = self.exit != Exit::Success;
        let changed = self.rows().is_some_and(|rows| rows.changed() > 0);
        match when {
            NotifyWhen::Failure | NotifyWhen::Change if self.is_repeat => false,
            NotifyWhen::Failure => failed,
            NotifyWhen::Change => failed || changed,
            NotifyWhen::Always => true,
        }
    }
}

/// Anything more may hold what a file or a server said.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

impl Notifications {
    /// Whether there is nobody to tell.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.check.is_none()
            && self.webhooks.is_empty()
            && self.slack.is_empty()
            && self.commands.is_empty()
    }

    /// Tells the check that a run begins.
    pub(crate) async fn began(&self, http: &Poster) {
        if let Some(url) = self.check.as_ref().and_then(|check| below(check, "start")) {
            post(http, "--notify", url, Vec::new(), &[]).await;
        }
    }

    /// Tells the check how it ended.
    pub(crate) async fn check_ended(&self, http: &Poster, ending: &Ending) {
        if let Some(check) = &self.check {
            let url = match ending.exit {
                Exit::Success => Some(check.clone()),
                other => below(check, &other.code().to_string()),
            };
            if let Some(url) = url {
                post(http, "--notify", url, ending.line().into_bytes(), &[]).await;
            }
        }
    }

    /// Tells all others how a run ended, if they are to know.
    pub(crate) async fn others_ended(&self, http: &Poster, ending: &Ending) {
        if !ending.is_told(self.when) {
            return;
        }
        let body = ending.json().to_string().into_bytes();
        let json = ("content-type", "application/json".to_owned());
        for url in &self.webhooks {
            let mut headers = vec![json.clone()];
            headers
                .extend(self.secret.as_ref().map(|secret| (SIGNATURE, signature(secret, &body))));
            post(http, "--notify-webhook", url.clone(), body.clone(), &headers).await;
        }
        for url in &self.slack {
            let text = json!({"text": ending.line()}).to_string().into_bytes();
            post(http, "--notify-slack", url.clone(), text, std::slice::from_ref(&json)).await;
        }
        for command in &self.commands {
            let (command, body) = (command.clone(), body.clone());
            let told = tokio::task::spawn_blocking(move || run(&command, &body)).await;
            if let Ok(Err(why)) = told {
                tracing::error!("--notify-command: {why}");
            }
        }
    }
}

/// The header of the signature: HMAC with SHA-256 of the body, in hexadecimal.
const SIGNATURE: &str = "x-descope-bulk-signature";

fn signature(secret: &str, body: &[u8]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = ring::hmac::sign(&key, body);
    let hex: Vec<String> = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={}", hex.concat())
}

/// A URL with one more segment.
fn below(url: &Url, segment: &str) -> Option<Url> {
    let mut url = url.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(segment);
    Some(url)
}

/// Posts, up to three times. The URL may be a secret, and is never said.
async fn post(http: &Poster, flag: &str, url: Url, body: Vec<u8>, headers: &[(&str, String)]) {
    let mut pauses = PAUSES.iter();
    loop {
        let Err(why) = http.post(url.clone(), body.clone(), headers, PATIENCE).await else {
            return;
        };
        match pauses.next() {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => {
                let host = url.host_str().unwrap_or_default();
                tracing::error!("{flag}: {host} was not told: {why}; the run is not affected");
                return;
            }
        }
    }
}

/// Runs a command with a text on stdin.
fn run(command: &str, text: &[u8]) -> Result<(), String> {
    let mut child = shell(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read is no failure of its own.
        let _ = stdin.write_all(text);
    }
    let ended = child.wait().map_err(|error| format!("cannot be waited for: {error}"))?;
    if ended.success() { Ok(()) } else { Err(format!("it failed ({ended})")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_the_standard_has_it() {
        // RFC 4231, test case 2.
        let signed = signature("Jefe", b"what do ya want for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signed, format!("sha256={expected}"));
    }

    #[test]
    fn a_check_is_told_below_its_url() {
        for url in ["https://hc.example/ping/1-2", "https://hc.example/ping/1-2/"] {
            let told = below(&url.parse().unwrap(), "start").unwrap();
            assert_eq!(told.as_str(), "https://hc.example/ping/1-2/start");
        }
    }

    #[test]
    fn who_is_told_follows_from_the_end() {
        let ending = |exit| Ending {
            is_repeat: false,
            occasion: Occasion::RunEnded,
            file: None,
            exit,
            summary: None,
            why: Some("no\nsecret".to_owned()),
            fleet: None,
        };
        for (exit, when, told) in [
            (Exit::Success, NotifyWhen::Failure, false),
            (Exit::Failures, NotifyWhen::Failure, true),
            (Exit::Refused, NotifyWhen::Change, true),
            (Exit::Success, NotifyWhen::Change, false),
            (Exit::Success, NotifyWhen::Always, true),
        ] {
            assert_eq!(ending(exit).is_told(when), told, "{exit:?} {when:?}");
        }
        let again = Ending { why: None, is_repeat: true, ..ending(Exit::Failures) };
        assert!(!again.is_told(NotifyWhen::Failure) && again.is_told(NotifyWhen::Always));
        assert!(again.line().ends_with("exit code 1: the run was finished before: nothing to do"));
        let line = ending(Exit::Refused).line();
        assert!(line.ends_with("exit code 2: no") && !line.contains("secret"), "{line}");
    }
}
