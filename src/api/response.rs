//! What comes back for a request: a response, or a transport error. Pure.

use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;

use super::codes::{self, Meaning};

/// What came back for a request, or how it was lost.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// The server answered.
    Response(Response),
    /// No answer came.
    Failed(TransportError),
}

impl Reply {
    /// The status of the answer, if there is one.
    #[must_use]
    pub(crate) fn http_status(&self) -> Option<u16> {
        match self {
            Self::Response(response) => Some(response.status),
            Self::Failed(_) => None,
        }
    }
}

/// A response of the server.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// The HTTP status.
    pub status: u16,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
    /// What its body holds.
    pub body: Body,
}

impl Response {
    /// The API's own error code, if the response has one.
    #[must_use]
    pub(crate) fn code(&self) -> Option<&str> {
        match &self.body {
            Body::Error(error) => Some(&error.error_code),
            _ => None,
        }
    }

    /// Whether the API says that nobody has the name. A 404 without its code may be a proxy's.
    #[must_use]
    pub(crate) fn says_not_found(&self) -> bool {
        self.code().is_some_and(|code| {
            self.status == 404 || codes::meaning(code) == Some(Meaning::UserNotFound)
        })
    }
}

/// What the body of an answer holds.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// `{"user":{…}}`: the user as the server sent it.
    User(Box<RawValue>),
    /// A JSON object that is looked into by whoever asked for it.
    Whole(Box<RawValue>),
    /// A JSON object without a user, or nothing at all.
    Object,
    /// The API's error object (API reference, 7.1).
    Error(ErrorBody),
    /// A JSON object that breaks off.
    BrokenOff,
    /// Anything else: a page of a proxy, more than is ever sent, garbage.
    Unreadable,
}

/// The API's error object.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorBody {
    /// Such as `E112102`.
    pub error_code: String,
    /// What the code means.
    #[serde(default)]
    pub error_description: String,
    /// What it is about in this case.
    #[serde(default)]
    pub error_message: String,
}

/// How an answer was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TransportError {
    /// Whether the server may have got the request.
    pub sent: Sent,
    /// What happened.
    pub cause: TransportCause,
    /// The cause in the words of the network, without address or data.
    pub detail: String,
}

impl TransportError {
    /// Nothing came in time.
    #[must_use]
    pub(crate) fn timeout() -> Self {
        Self { sent: Sent::Maybe, cause: TransportCause::Timeout, detail: String::new() }
    }
}

/// Whether the server may have got a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// There was no connection that it could have gone out on.
    No,
    /// It may have.
    Maybe,
}

/// How an answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransportCause {
    /// No connection: name not found, refused, TLS.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// The connection broke.
    Broken,
    /// We hung up, because the run was told to stop at once.
    Aborted,
}

/// The longest that a server's `Retry-After` is believed.
pub(crate) const MAX_COOL_DOWN: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait that a `Retry-After` header asks for: seconds, or an HTTP date.
#[must_use]
pub(crate) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(MAX_COOL_DOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Tue, 24 Nov 2026 03:00:00 GMT").unwrap();
        for (value, expected) in [
            ("60", Some(60)),
            (" 0 ", Some(0)),
            ("Tue, 24 Nov 2026 03:00:42 GMT", Some(42)),
            ("Tue, 24 Nov 2026 02:59:00 GMT", Some(0)),
            ("99999999999", Some(24 * 60 * 60)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(parse_retry_after(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
