//! Why a row failed, from what came back for it. Pure.

use super::codes::{self, Meaning};
use super::response::{Body, ErrorBody, Reply, Response, TransportCause, TransportError};
use crate::issue::Issue;
use crate::outcome::Status;
use crate::outcome::Trouble;

/// Why a row ends in a status that is a failure, from the last reply to it.
#[must_use]
pub(crate) fn failure(reply: &Reply, status: Status) -> Issue {
    let issue = match reply {
        Reply::Response(response) => of_response(response),
        Reply::Failed(error) => of_transport(error),
    };
    if status != Status::Unknown {
        return issue;
    }
    let message = format!("{}; it may have been applied", issue.message);
    Issue { message: message.into(), ..issue }.hint(UNKNOWN_HINT)
}

/// Why one user of a batch failed, from the free text that the server has for it.
#[must_use]
pub(crate) fn batch_failure(text: &str) -> Issue {
    let code = codes::code_in(text);
    let (kind, hint) = match code.and_then(codes::meaning) {
        Some(Meaning::UserNotFound) => NOT_FOUND,
        Some(Meaning::Conflict) => CONFLICTING,
        Some(Meaning::UserExists) => EXISTING,
        None if codes::says(text, Meaning::UserExists) => EXISTING,
        None if codes::says(text, Meaning::UserNotFound) => NOT_FOUND,
        _ => REFUSED,
    };
    let message = if text.trim().is_empty() { "the server does not say why" } else { text };
    Issue::error(kind, message.to_owned()).hint(hint).server_code(code.map(str::to_owned))
}

/// Whether a failure of one user of a batch may be gone another time.
#[must_use]
pub(crate) fn is_temporary(failure: &Issue) -> bool {
    let by_code = failure.server_code.as_deref().and_then(codes::meaning);
    by_code == Some(Meaning::Temporary) || codes::says(&failure.message, Meaning::Temporary)
}

/// Whether an error is about something else than a user who is not there.
#[must_use]
pub(crate) fn is_of_no_user(error: &ErrorBody) -> bool {
    codes::meaning(&error.error_code) != Some(Meaning::UserNotFound)
        && !codes::says(&error.error_message, Meaning::UserNotFound)
}

/// Whether an error message is about the size of the call.
#[must_use]
pub(crate) fn says_too_large(message: &str) -> bool {
    codes::says(message, Meaning::TooLarge)
}

/// Why a row fails whose user is not there.
#[must_use]
pub(crate) fn not_found(message: &'static str) -> Issue {
    let (kind, hint) = NOT_FOUND;
    Issue::error(kind, message).hint(hint)
}

/// Why a row fails that is to make a user who is there.
#[must_use]
pub(crate) fn existing(message: &'static str) -> Issue {
    let (kind, hint) = EXISTING;
    Issue::error(kind, message).hint(hint)
}

/// Why a row fails whose value another user has.
#[must_use]
pub(crate) fn conflict() -> Issue {
    let (kind, hint) = CONFLICTING;
    Issue::error(kind, "another user has this value as a login ID").hint(hint)
}

/// Why nobody can tell what became of a row whose answer shows another user.
#[must_use]
pub(crate) fn of_another() -> Issue {
    let message = "the server answered with another user; it may have been applied";
    Issue::error("another_user", message)
        .hint("look at the user, and at what stands between here and the API, such as a cache")
}

/// A kind of failure, and what to do about it.
type Advice = (&'static str, &'static str);

/// What to do when the server refuses the project ID and the key.
pub(crate) const CREDENTIALS_HINT: &str = "check DESCOPE_PROJECT_ID and DESCOPE_MANAGEMENT_KEY: the key may have expired, or be limited to other projects or addresses";

/// What to do when somebody else than the API answers with a refusal.
pub(crate) const PAGE_HINT: &str = "this is not an answer of the API: ask who runs the proxy or firewall in between, and check HTTPS_PROXY, ALL_PROXY and --base-url";

/// What to do when this machine does not trust who signed a certificate.
pub(crate) const CERTIFICATE_HINT: &str = "if a proxy inspects TLS here, name a file with its CA certificate in SSL_CERT_FILE, which takes the place of the system's certificates";

/// What to do when a proxy does not let a request through.
pub(crate) const PROXY_HINT: &str = "check HTTPS_PROXY, ALL_PROXY and NO_PROXY in the environment";

const UNKNOWN_HINT: &str = "look at the user; sending the row again is safe unless it renames";

const LATER_HINT: &str = "run the failures file later";

const CONFLICT_HINT: &str = "another user holds this value; nothing was changed (--on-conflict merge would merge and delete that user)";

const NOT_FOUND: Advice =
    ("user_not_found", "no user has this login ID or user ID: check its spelling");
/// The code of a user who is there already and was to be made.
pub(crate) const EXISTS: &str = "already_exists";

const EXISTING: Advice =
    (EXISTS, "to change users who are there, use the operation upsert or patch");
const CONFLICTING: Advice = ("conflict", CONFLICT_HINT);
const REFUSED: Advice =
    ("refused", "correct the row as the server's message says, then run the failures file");

fn of_response(response: &Response) -> Issue {
    let code = response.code();
    let (kind, hint) = match (code.and_then(codes::meaning), response.status) {
        (Some(Meaning::UserNotFound), _) => NOT_FOUND,
        (Some(Meaning::UserExists), _) => EXISTING,
        (Some(Meaning::Conflict), _) | (_, 409) => CONFLICTING,
        (_, 404) if code.is_none() => {
            ("not_found", "the server does not know the path: check --base-url")
        }
        (_, 401 | 403) if code.is_none() => (
            "blocked",
            "something before the API, such as a firewall, refused this request: look at the row's values, or ask who runs it",
        ),
        (_, 200..=299) => ("bad_answer", LATER_HINT),
        (_, 500..=599 | 408) => ("server_error", LATER_HINT),
        _ if matches!(&response.body, Body::Unreadable(words) if words.is_empty()) => {
            ("refused", "look at the row: the server does not say what is wrong with it")
        }
        _ => REFUSED,
    };
    let message = match &response.body {
        Body::Error(error) => [&error.error_message, &error.error_description]
            .into_iter()
            .find(|text| !text.is_empty())
            .cloned()
            .unwrap_or_else(|| format!("HTTP {}", response.status)),
        Body::User(_) | Body::Whole(_) | Body::Object | Body::BrokenOff => {
            format!("HTTP {} without the user", response.status)
        }
        Body::Unreadable(words) => {
            let words = if words.is_empty() { String::new() } else { format!(": {words}") };
            format!("HTTP {} with a body that is not the API's{words}", response.status)
        }
    };
    Issue::error(kind, message).hint(hint).server_code(code.map(str::to_owned))
}

/// Why a request whose reply this is goes out again, without a word of the server's.
#[must_use]
pub(crate) fn trouble(reply: &Reply) -> Trouble {
    match reply {
        Reply::Response(response) => Trouble::Status(response.status),
        Reply::Failed(error) => Trouble::Lost(lost_in_words(error.cause)),
    }
}

/// How the answer to a request was lost, if it was.
#[must_use]
pub(crate) fn lost_words(reply: &Reply) -> Option<&'static str> {
    match reply {
        Reply::Response(_) => None,
        Reply::Failed(error) => Some(lost_in_words(error.cause)),
    }
}

/// How an answer was lost, in words.
pub(crate) fn lost_in_words(cause: TransportCause) -> &'static str {
    match cause {
        TransportCause::Unreachable => "no connection to the server",
        TransportCause::Untrusted => "no trusted connection to the server",
        TransportCause::Proxy => "no connection through the proxy",
        TransportCause::Timeout => "no answer in time",
        TransportCause::Broken => "the connection broke before the answer",
        TransportCause::Aborted => "the run was stopped at once while the request was in flight",
    }
}

/// The message for a server that cannot be reached, with what to do.
#[must_use]
pub(crate) fn unreachable(host: &str, error: &TransportError) -> String {
    let hint = match error.cause {
        TransportCause::Untrusted => CERTIFICATE_HINT,
        TransportCause::Proxy => PROXY_HINT,
        _ => "check the network, the project ID's region and --base-url",
    };
    let through = if error.cause == TransportCause::Proxy { " through the proxy" } else { ":" };
    format!(
        "cannot reach {host}{through} {}; nothing was sent\n  {hint}, then run it again",
        error.detail
    )
}

fn of_transport(error: &TransportError) -> Issue {
    let (kind, hint) = match error.cause {
        TransportCause::Unreachable => {
            ("unreachable", "check the network and --base-url, then run the failures file")
        }
        TransportCause::Untrusted => ("unreachable", CERTIFICATE_HINT),
        TransportCause::Proxy => ("unreachable", PROXY_HINT),
        TransportCause::Timeout => ("timeout", LATER_HINT),
        TransportCause::Broken => ("connection_lost", LATER_HINT),
        TransportCause::Aborted => ("aborted", LATER_HINT),
    };
    let message = lost_in_words(error.cause);
    let detail =
        if error.detail.is_empty() { String::new() } else { format!(": {}", error.detail) };
    Issue::error(kind, format!("{message}{detail}")).hint(hint)
}

#[cfg(test)]
mod tests;
