//! The project, the key, and what the key may do.

use super::diagnosis::Diagnosis;

/// What is known of the key, never the key itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyFacts {
    /// Where it was found.
    pub(crate) origin: String,
    /// The file that it was found in, if others can read it.
    pub(crate) open_file: Option<String>,
    /// Whether it begins as management keys do.
    pub(crate) looks_right: bool,
}

/// What came of a read.
#[derive(Clone, Debug)]
pub(crate) struct RightFacts {
    /// What was read: a stable word.
    pub(crate) check: &'static str,
    /// What it is for.
    pub(crate) purpose: &'static str,
    /// What was there, or why it could not be read.
    pub(crate) came: Result<String, WhyUnread>,
    /// Whether a run can do without.
    pub(crate) is_dispensable: bool,
}

/// Why something could not be read.
#[derive(Clone, Debug)]
pub(crate) enum WhyUnread {
    /// The server does not give it: why.
    Denied(String),
    /// The server is in trouble: how.
    Trouble(String),
    /// Time was up, waiting for the limit included.
    NoTime,
}

/// Whether a project is named as projects are.
pub(crate) fn project(id: Result<&str, &str>) -> Diagnosis {
    match id {
        Err(why) => Diagnosis::of_error("project", why),
        Ok(id) if !id.starts_with('P') => Diagnosis::warning(
            "project",
            format!("the project ID {id} does not begin with P, as project IDs do"),
            "copy it again from the console, Project settings",
        ),
        Ok(id) => Diagnosis::ok("project", id),
    }
}

/// Where the key was found, and what is wrong about that.
pub(crate) fn key(found: Result<&KeyFacts, &str>) -> Diagnosis {
    let facts = match found {
        Ok(facts) => facts,
        Err(why) => return Diagnosis::of_error("key", why),
    };
    let KeyFacts { origin, open_file, looks_right } = facts;
    match open_file {
        Some(file) => Diagnosis::warning(
            "key",
            format!("found in {origin}, which other users can read"),
            format!("make it private: chmod 600 {file}"),
        ),
        None if !looks_right => Diagnosis::warning(
            "key",
            format!("found in {origin}, and does not begin with K, as management keys do"),
            "copy it again from the console, Company, Management keys",
        ),
        None => Diagnosis::ok("key", format!("found in {origin}")),
    }
}

/// Whether the server takes the key for the project.
pub(crate) fn credentials(project: &str, came: Result<(), &str>) -> Diagnosis {
    match came {
        Ok(()) => {
            Diagnosis::ok("credentials", format!("the server takes the key for project {project}"))
        }
        Err(why) => Diagnosis::of_error("credentials", why),
    }
}

/// What the key may read.
pub(crate) fn rights(facts: &RightFacts) -> Diagnosis {
    let RightFacts { check, purpose, came, is_dispensable } = facts;
    let (why, advice) = match came {
        Ok(found) => return Diagnosis::ok(check, found.as_str()),
        // A run would wait.
        Err(WhyUnread::NoTime) => {
            return Diagnosis::warning(
                check,
                "no answer in time: the limit may be used up",
                "look at the budget below, and who else sends to this project; try again later",
            );
        }
        // A server may say so of a list that is empty.
        Err(WhyUnread::Denied(why)) if *is_dispensable && why.starts_with("HTTP 404") => {
            return Diagnosis::ok(check, format!("the server shows none ({why})"));
        }
        Err(WhyUnread::Denied(why)) => (
            why,
            format!(
                "give the key a role that may read them, unless somebody else answers: {purpose}"
            ),
        ),
        Err(WhyUnread::Trouble(why)) => {
            (why, "the server is in trouble: try again later".to_owned())
        }
    };
    let found = format!("cannot be read: {why}");
    if *is_dispensable {
        Diagnosis::warning(check, found, advice)
    } else {
        Diagnosis::failed(check, found, advice)
    }
}

/// What is left open.
pub(crate) fn updates() -> Diagnosis {
    Diagnosis::not_checked(
        "updates",
        "whether the key may change users cannot be tried without changing one: run one row first (--limit 1), or --canary 1",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus::{Failed, Ok as Fine, Warning};

    #[test]
    fn a_key_is_judged_by_where_it_is() {
        let facts = |open_file: Option<&str>, looks_right| KeyFacts {
            origin: "the key file k".into(),
            open_file: open_file.map(str::to_owned),
            looks_right,
        };
        for (found, status, advice) in [
            (Ok(&facts(None, true)), Fine, None),
            (Ok(&facts(Some("k"), true)), Warning, Some("chmod 600 k")),
            (Ok(&facts(None, false)), Warning, Some("Management keys")),
            (Err("no management key: set it"), Failed, None),
        ] {
            let told = key(found);
            assert_eq!(told.status, status, "{told:?}");
            let words = told.advice.as_deref().unwrap_or_default();
            assert!(words.contains(advice.unwrap_or_default()), "{told:?}");
        }
    }

    #[test]
    fn a_read_that_a_run_can_do_without_is_no_failure() {
        let facts = |came, is_dispensable| RightFacts {
            check: "roles",
            purpose: "plans look them up",
            came,
            is_dispensable,
        };
        let denied = |why: &str| Err(WhyUnread::Denied(why.to_owned()));
        for (came, is_dispensable, status) in [
            (Ok("3 roles".to_owned()), false, Fine),
            (denied("HTTP 403"), true, Warning),
            (denied("HTTP 404: none"), true, Fine),
            (denied("HTTP 404: none"), false, Failed),
            (denied("HTTP 403"), false, Failed),
            (Err(WhyUnread::Trouble("HTTP 503".to_owned())), false, Failed),
            (Err(WhyUnread::NoTime), false, Warning),
        ] {
            assert_eq!(rights(&facts(came, is_dispensable)).status, status);
        }
    }

    #[test]
    fn the_hint_of_an_error_is_what_to_do() {
        let told = credentials("P1", Err("refused (HTTP 401); nothing was sent\n  check the key"));
        assert_eq!(told.found, "refused (HTTP 401); nothing was sent");
        assert_eq!(told.advice.as_deref(), Some("check the key"));
    }
}
