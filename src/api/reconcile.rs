//! Reconciling what must not be sent twice and whose answer was lost, by what reading the user shows.
//! Pure.
//!
//! [`reconcile`], of a rename, is the second table of `docs/retries.md`; [`creation`] and [`deletion`]
//! are told there in words. They claim nothing that was not seen: what the reads leave open is
//! `unknown`, with the reason.

use super::load::{Found, Load};
use crate::change::User;
use crate::issue::Issue;

/// What became of a request that may have been applied.
#[derive(Clone, Debug)]
pub(crate) enum Reconciled {
    /// It was: the user as read under the new name.
    Applied(Found),
    /// It was not: the user still has the old name.
    NotApplied {
        /// Who has it, to know that user again under the new name.
        user_id: Option<String>,
    },
    /// It was: the user is gone.
    Gone,
    /// It cannot be told, for this reason.
    Unknown(Box<Issue>),
}

/// Reconciles a rename by what reading the old name showed, and then the new one.
///
/// `new` is `None` for a removal, and where the old name was not found missing: what the new
/// one shows does not count then. `user_id` is who had the old name when it was last seen.
#[must_use]
pub(crate) fn reconcile(old: Load, new: Option<Load>, user_id: Option<&str>) -> Reconciled {
    let unknown = |why: &str, hint| Reconciled::Unknown(Box::new(unsettled(why, hint)));
    match (old, new) {
        (Load::Found(found), _) => Reconciled::NotApplied { user_id: found.user_id },
        (Load::Missing, Some(Load::Found(found))) if is_another(&found, user_id) => {
            unknown("the new login ID belongs to another user than the old one did", LOOK)
        }
        (Load::Missing, Some(Load::Found(found))) => Reconciled::Applied(found),
        (Load::Missing, Some(Load::Missing)) => {
            unknown("no user has the old login ID, and none has the new", LOOK)
        }
        (Load::Missing, None) => unknown(
            "the login ID is gone: it may have been removed by this row or never been there",
            "look at the user: if it is as intended, there is nothing left to do",
        ),
        // The code says whose words the message has.
        (Load::Failed(issue), _) | (Load::Missing, Some(Load::Failed(issue))) => {
            let unsettled = unsettled(&issue.message, LOOK).server_code(issue.server_code);
            Reconciled::Unknown(Box::new(unsettled))
        }
    }
}

/// Reconciles a creation by what reading the user showed. The user was not there before it was sent.
///
/// `shows` is whether a user shows all that the row wants.
#[must_use]
pub(crate) fn creation(load: Load, shows: impl FnOnce(&User) -> bool) -> Reconciled {
    let found = match load {
        Load::Missing => return Reconciled::NotApplied { user_id: None },
        Load::Failed(issue) => {
            let unsettled = unsettled(&issue.message, LOOK_ONCE).server_code(issue.server_code);
            return Reconciled::Unknown(Box::new(unsettled));
        }
        Load::Found(found) => found,
    };
    if shows(&User::read(&found.user).unwrap_or_default()) {
        return Reconciled::Applied(found);
    }
    let why = "there is a user with this login ID who does not show what the row wants";
    Reconciled::Unknown(Box::new(unsettled(why, LOOK_ONCE)))
}

/// Reconciles a deletion by what reading the user showed.
#[must_use]
pub(crate) fn deletion(load: Load) -> Reconciled {
    match load {
        Load::Missing => Reconciled::Gone,
        Load::Found(found) => Reconciled::NotApplied { user_id: found.user_id },
        Load::Failed(issue) => {
            let unsettled = unsettled(&issue.message, LOOK_ONCE).server_code(issue.server_code);
            Reconciled::Unknown(Box::new(unsettled))
        }
    }
}

const LOOK_ONCE: &str = "look for the user before sending the row again";

const LOOK: &str = "look for the user under both login IDs before sending the row again";

fn is_another(found: &Found, user_id: Option<&str>) -> bool {
    found.user_id.as_deref().zip(user_id).is_some_and(|(found, known)| found != known)
}

fn unsettled(why: &str, hint: &'static str) -> Issue {
    let message = format!(
        "it may have been applied, and reading the user did not show whether it was: {why}"
    );
    Issue::error("unsettled", message).hint(hint)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn found(user_id: &str) -> Load {
        let user = RawValue::from_string("{}".into()).unwrap();
        Load::Found(Found { http_status: 200, user_id: Some(user_id.into()), user })
    }

    fn failed() -> Load {
        let issue = Issue::error("timeout", "no answer in time");
        Load::Failed(Box::new(issue.server_code(Some("E1".into()))))
    }

    /// The old name, the new name, what follows; the user who was last seen with the old name
    /// is U1.
    type Case = (&'static str, Load, &'static str, Option<Load>, &'static str);

    fn table() -> Vec<Case> {
        let (there, nobody, failing) = ("has a user", "no user has it", "cannot be read");
        let removal = "none: it is removed";
        vec![
            (there, found("U1"), "whatever it shows", None, "not applied"),
            (nobody, Load::Missing, there, Some(found("U1")), "applied"),
            (nobody, Load::Missing, "has another user", Some(found("U2")), "unknown"),
            (nobody, Load::Missing, nobody, Some(Load::Missing), "unknown"),
            (nobody, Load::Missing, failing, Some(failed()), "unknown"),
            (nobody, Load::Missing, removal, None, "unknown"),
            (failing, failed(), "whatever it shows", None, "unknown"),
        ]
    }

    fn word(reconciled: &Reconciled) -> &'static str {
        match reconciled {
            Reconciled::Applied(_) => "applied",
            Reconciled::NotApplied { .. } => "not applied",
            Reconciled::Gone => "applied: gone",
            Reconciled::Unknown(_) => "unknown",
        }
    }

    #[test]
    fn renames_are_settled_by_the_table() {
        for (old, shown, new, also, expected) in table() {
            assert_eq!(word(&reconcile(shown, also, Some("U1"))), expected, "{old}, {new}");
        }
    }

    #[test]
    fn the_table_is_the_one_in_the_documents() {
        let row = |(old, _, new, _, word)| format!("| {old} | {new} | {word} |\n");
        let rows = table().into_iter().map(row).collect::<String>();
        let rows = format!(
            "| old login ID | new login ID | the rename was |\n| --- | --- | --- |\n{rows}"
        );
        let document = include_str!("../../docs/retries.md");
        assert!(document.contains(&rows), "docs/retries.md must hold this table:\n{rows}");
    }

    #[test]
    fn creations_and_deletions_are_settled_by_who_is_there() {
        for (load, shows, expected) in [
            (Load::Missing, true, "not applied"),
            (found("U1"), true, "applied"),
            (found("U1"), false, "unknown"),
            (failed(), true, "unknown"),
        ] {
            assert_eq!(word(&creation(load, |_| shows)), expected, "{shows}");
        }
        for (load, expected) in
            [(Load::Missing, "applied: gone"), (found("U1"), "not applied"), (failed(), "unknown")]
        {
            assert_eq!(word(&deletion(load)), expected);
        }
    }

    #[test]
    fn a_user_under_the_old_name_outweighs_whatever_the_new_one_shows() {
        for new in [found("U1"), found("U2"), Load::Missing, failed()] {
            let reconciled = reconcile(found("U1"), Some(new), None);
            let Reconciled::NotApplied { user_id } = reconciled else { panic!("{reconciled:?}") };
            assert_eq!(user_id.as_deref(), Some("U1"));
        }
    }

    #[test]
    fn a_user_that_was_never_seen_is_not_held_against_the_new_name() {
        assert_eq!(word(&reconcile(Load::Missing, Some(found("U2")), None)), "applied");
    }

    #[test]
    fn what_is_unknown_says_why() {
        for (old, new, code, why) in [
            (failed(), None, Some("E1"), "no answer in time"),
            (Load::Missing, Some(failed()), Some("E1"), "no answer in time"),
            (Load::Missing, Some(Load::Missing), None, "none has the new"),
            (Load::Missing, None, None, "removed by this row or never been there"),
        ] {
            let Reconciled::Unknown(failure) = reconcile(old, new, None) else { panic!("{why}") };
            assert_eq!((&*failure.code, failure.server_code.as_deref()), ("unsettled", code));
            assert!(failure.message.ends_with(why), "{}", failure.message);
            assert!(failure.hint.is_some());
        }
    }
}
