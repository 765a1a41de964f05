//! What comes back for a request: a response, or a transport error. Pure.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::codes::{self, Meaning};
use crate::catalog::Answers;

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
    /// A JSON object that is read by the caller.
    Whole(Box<RawValue>),
    /// A JSON object without a user, or nothing at all.
    Object,
    /// The API's error object (API reference, 7.1).
    Error(ErrorBody),
    /// A JSON object that breaks off.
    BrokenOff,
    /// Anything else: a page of a proxy, more than is ever sent, garbage. Its first words, for
    /// people; see [`words`].
    Unreadable(String),
}

impl Body {
    /// What a body holds that arrived whole.
    #[must_use]
    pub(crate) fn read(answers: Answers, status: u16, body: &[u8]) -> Self {
        let success = (200..300).contains(&status);
        match answers {
            Answers::Object if success => Self::object(body),
            _ if success => Self::success(body),
            _ => Self::error(body).unwrap_or_else(|| Self::Unreadable(words(body))),
        }
    }

    /// What a body holds of which only a part arrived.
    #[must_use]
    pub(crate) fn broken_off(part: &[u8]) -> Self {
        if part.first() == Some(&b'{') { Self::BrokenOff } else { Self::Unreadable(words(part)) }
    }

    /// The API's error object, if it is one: it has a code.
    fn error(body: &[u8]) -> Option<Self> {
        let error = serde_json::from_slice::<ErrorBody>(body).ok()?;
        (!error.error_code.is_empty()).then_some(Self::Error(error))
    }

    /// A JSON object as it is.
    fn object(body: &[u8]) -> Self {
        match serde_json::from_slice::<Box<RawValue>>(body) {
            Ok(object) if object.get().starts_with('{') => Self::Whole(object),
            _ => Self::Unreadable(words(body)),
        }
    }

    fn success(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct UserReply {
            user: Option<Box<RawValue>>,
        }
        if body.trim_ascii().is_empty() {
            return Self::Object;
        }
        match serde_json::from_slice::<UserReply>(body) {
            Ok(UserReply { user: Some(user) }) if user.get().starts_with('{') => Self::User(user),
            // Whatever the status says: what has an error code is not a success.
            Ok(_) => Self::error(body).unwrap_or(Self::Object),
            Err(_) => Self::Unreadable(words(body)),
        }
    }
}

/// The API's error object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
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

/// The most characters of a foreign body that are kept.
const MAX_WORDS: usize = 500;

/// The words of a body that is not the API's: the message of a JSON object, else the text without
/// tags. At most 500 characters, without control characters, on one line.
#[must_use]
pub(crate) fn words(body: &[u8]) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Message {
        #[serde(alias = "errorMessage", alias = "errorDescription", alias = "error")]
        message: String,
    }
    let told = serde_json::from_slice::<Message>(body).map(|told| told.message);
    let text = told.unwrap_or_else(|_| {
        // More than this is looked at by nobody, tags included.
        let start = &body[..body.len().min(16 * MAX_WORDS)];
        without_tags(&String::from_utf8_lossy(start))
    });
    let shown = text.chars().map(|c| if c.is_control() || c == '\u{fffd}' { ' ' } else { c });
    let shown: String = shown.collect();
    let line = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_WORDS).collect()
}

fn without_tags(text: &str) -> String {
    let mut within = false;
    let keep = |c: char| {
        let tag = within || c == '<';
        within = (within || c == '<') && c != '>';
        // A tag parts words.
        if tag { ' ' } else { c }
    };
    text.chars().map(keep).collect()
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
    /// No connection: name not found, refused.
    Unreachable,
    /// No connection: TLS failed, mostly for a certificate that is not trusted.
    Untrusted,
    /// No connection through the proxy in between.
    Proxy,
    /// No answer in time.
    Timeout,
    /// The connection broke.
    Broken,
    /// We hung up, because the run was told to stop at once.
    Aborted,
}

impl TransportCause {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Unreachable,
        Self::Untrusted,
        Self::Proxy,
        Self::Timeout,
        Self::Broken,
        Self::Aborted,
    ];
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

    fn name(body: &Body) -> &'static str {
        match body {
            Body::User(_) => "user",
            Body::Whole(_) => "whole object",
            Body::Object => "object",
            Body::Error(_) => "error",
            Body::BrokenOff => "broken off",
            Body::Unreadable(_) => "unreadable",
        }
    }

    #[test]
    fn bodies_are_told_apart() {
        for (status, body, expected) in [
            (200, r#"{"user":{"userId":"U1","new":1}}"#, "user"),
            (200, r#"{"user":null}"#, "object"),
            (200, r#"{"user":"U1"}"#, "object"),
            (200, r#"{"cleartext":"x"}"#, "object"),
            (200, r#"{"errorCode":"E112102","errorDescription":"Cannot find user"}"#, "error"),
            (400, r#"{"errorCode":""}"#, "unreadable"),
            (200, "", "object"),
            (200, "<html>", "unreadable"),
            (200, "[]", "unreadable"),
            (400, r#"{"errorCode":"E011003","message":"x"}"#, "error"),
            (400, r#"{"message":"x"}"#, "unreadable"),
            (502, "Bad gateway", "unreadable"),
        ] {
            let read = Body::read(Answers::User, status, body.as_bytes());
            assert_eq!(name(&read), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_user_is_kept_as_it_was_sent() {
        let body = Body::read(Answers::User, 200, br#"{"user": {"b": 1.50,  "a":"\u00e9"}}"#);
        let Body::User(user) = body else { panic!("no user") };
        assert_eq!(user.get(), r#"{"b": 1.50,  "a":"\u00e9"}"#);
    }

    #[test]
    fn a_foreign_body_is_told_in_its_words() {
        for (body, expected) in [
            ("", ""),
            ("upstream\tdown\r\n\u{1b}[31m", "upstream down [31m"),
            (
                "<html><head><title>403</title></head><body>Request\n blocked</body>",
                "403 Request blocked",
            ),
            (r#"{"message":"no such\nfield","code":7}"#, "no such field"),
            (r#"{"error":"forbidden"}"#, "forbidden"),
            (r#"{"detail":1}"#, r#"{"detail":1}"#),
        ] {
            assert_eq!(words(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(words(&vec![b'x'; 100_000]).len(), MAX_WORDS);
        assert_eq!(words(b"a\xffb"), "a b");
    }

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
