//! What becomes of a file once its run has ended. Pure, but for runs that had ended before.

use std::path::Path;

use crate::exit::{Error, Exit};
use crate::input::{self, InputRequest};
use crate::outcome::Tally;
use crate::run::{RunEnd, RunVerdict};
use crate::store::summary::Summary;
use crate::store::{self, Glance};

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Every row has its outcome.
    Done,
    /// It cannot be worked on, or not to its end, and the next one can.
    Failed,
    /// What stopped it would stop every file: its run is resumed the next time.
    Held,
}

impl Fate {
    /// All of them, in the order in which people are shown them.
    pub(crate) const ALL: [Self; 3] = [Self::Done, Self::Failed, Self::Held];
}

/// How the run of a file ended.
#[derive(Clone, Debug)]
pub(crate) struct FileEnd {
    /// What becomes of the file.
    pub(crate) fate: Fate,
    /// The exit code of its run.
    pub(crate) exit: Exit,
    /// How it ended, where rows were worked on.
    pub(crate) summary: Option<Box<Summary>>,
    /// Why it ended before its rows did, without a user's data.
    pub(crate) why: Option<String>,
}

/// Reasons of stops that are about the file: the next one may fare better.
const ABOUT_THE_FILE: &[&str] = &["unreadable_input", "input_changed", "canary", "drifted"];

/// Reasons of stops that are about the file if the server refuses its rows, and about the server if it
/// does not answer.
const TOO_MANY_FAILURES: &[&str] = &["same_failure", "max_failures"];

impl FileEnd {
    /// What a run that ended now means for its file. `has_begun` says whether its folder holds a run:
    /// what is refused then is not the file, but what has changed about the run.
    pub(crate) fn of(ended: &Result<RunEnd, Error>, has_begun: bool) -> Self {
        let fate = match ended {
            Ok(RunEnd::Finished { summary, exit, unrecorded }) => fate_of(
                (
                    summary.complete,
                    summary.stopped.as_ref().map(|stopped| &*stopped.reason),
                    &summary.tally,
                ),
                *exit,
                unrecorded.is_some(),
            ),
            Ok(RunEnd::AlreadyFinished { .. }) => Fate::Done,
            Ok(RunEnd::Problems { .. }) => Fate::Failed,
            Err(Error::Refused(_)) if !has_begun => Fate::Failed,
            Ok(RunEnd::NotBegun(_)) | Err(_) => Fate::Held,
        };
        Self::new(fate, RunVerdict::of(ended))
    }

    fn new(fate: Fate, RunVerdict { exit, summary, why }: RunVerdict) -> Self {
        Self { fate, exit, summary, why }
    }

    /// The end of the run in a folder, if it is complete: then there is nothing to do but to put its
    /// file away, whatever the settings are by now. A rehearsal is not the run of a file that is to be
    /// sent.
    pub(crate) fn before(folder: &Path, is_rehearsal: bool) -> Option<Self> {
        match store::glance(folder) {
            Ok(Some(Glance { complete: true, identity }))
                if identity.settings.get("simulate") == Some(&is_rehearsal.into()) =>
            {
                let tally = store::finished_tally(folder).ok()?;
                Some(Self::new(Fate::Done, RunVerdict::finished(folder, tally.exit())))
            }
            _ => None,
        }
    }

    /// Why a file failed, for people, without a user's data.
    pub(crate) fn reason(&self) -> String {
        // What a file or a server said may follow.
        let why = self.why.as_deref().and_then(|why| why.lines().next());
        format!("exit code {}: {}", self.exit.code(), why.unwrap_or("the run stopped early"))
    }
}

/// Whether a file that was refused holds no row at all.
pub(crate) fn is_empty(requests: &[InputRequest]) -> bool {
    let all_rows = |request: &InputRequest| {
        let mut request = request.clone().with_all_rows();
        request.stated.may_be_empty = true;
        request
    };
    let requests: Vec<_> = requests.iter().map(all_rows).collect();
    input::open(&requests).is_ok_and(|mut rows| rows.next().is_none())
}

/// What a run means for its file that is complete or was stopped for a reason, with such a tally.
fn fate_of(
    (complete, stopped, tally): (bool, Option<&str>, &Tally),
    exit: Exit,
    unrecorded: bool,
) -> Fate {
    let refused = tally.rejected + tally.invalid;
    let unanswered = tally.gave_up + tally.unknown;
    match stopped {
        _ if unrecorded || exit == Exit::Broken => Fate::Held,
        _ if complete => Fate::Done,
        Some(code) if ABOUT_THE_FILE.contains(&code) => Fate::Failed,
        Some(code) if TOO_MANY_FAILURES.contains(&code) && refused > unanswered => Fate::Failed,
        _ => Fate::Held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::StopReason;

    #[test]
    fn what_stops_one_file_is_told_from_what_would_stop_all() {
        let failed = |rejected, gave_up| Tally { rejected, gave_up, ..Tally::default() };
        for (stopped, tally, expected) in [
            (None, failed(3, 0), Fate::Done),
            (Some("unreadable_input"), failed(0, 0), Fate::Failed),
            (Some("input_changed"), failed(0, 0), Fate::Failed),
            (Some("same_failure"), failed(50, 0), Fate::Failed),
            (Some("same_failure"), failed(2, 50), Fate::Held),
            (Some("max_failures"), failed(0, 0), Fate::Held),
            (Some("credentials_refused"), failed(0, 0), Fate::Held),
            (Some("not_recorded"), failed(9, 0), Fate::Held),
            (Some("time_is_up"), failed(9, 0), Fate::Held),
            (Some("interrupted"), failed(9, 0), Fate::Held),
        ] {
            let ended = (stopped.is_none(), stopped, &tally);
            assert_eq!(fate_of(ended, Exit::Stopped, false), expected, "{stopped:?}");
            assert_eq!(fate_of(ended, Exit::Stopped, true), Fate::Held, "{stopped:?}, unrecorded");
            assert_eq!(fate_of(ended, Exit::Broken, false), Fate::Held, "{stopped:?}, broken");
        }
    }

    #[test]
    fn what_is_refused_is_the_file_unless_its_run_has_begun() {
        let refused = || Err(Error::refused("a.csv: no\nsecret"));
        for (ended, has_begun, expected) in [
            (refused(), false, Fate::Failed),
            (refused(), true, Fate::Held),
            (Err(Error::unready("full")), false, Fate::Held),
            (Err(Error::Stopped("nobody is there".to_owned())), false, Fate::Held),
            (Err(Error::Busy("another".to_owned())), false, Fate::Held),
            (Ok(RunEnd::NotBegun(StopReason::Terminated)), false, Fate::Held),
        ] {
            assert_eq!(FileEnd::of(&ended, has_begun).fate, expected, "{ended:?}");
        }
        let reason = FileEnd::of(&refused(), false).reason();
        assert_eq!(reason, "exit code 2: a.csv: no");
    }
}
