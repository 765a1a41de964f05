//! What `object_store` says, in words that hold no URL, no key and no body: a storage quotes requests in
//! its answers, and URLs may be signed.

use std::error::Error;

use crate::objects::fault::FaultKind;

/// Where machines have their credentials from. Who is asked there has none otherwise.
const OF_THE_MACHINE: [&str; 4] =
    ["169.254.169.254", "169.254.170", "metadata.google.internal", "oauth2/token"];

/// What is missing where Google Cloud Storage unpacks an object on its way, and what to do.
const UNPACKED: (&str, &str) = (
    "Content-Length Header missing",
    "it tells no size of the object; on Google Cloud Storage, clear its Content-Encoding: gcloud storage objects update URL --clear-content-encoding",
);

/// What is said where nothing can be quoted.
const NO_REASON: &str = "it gave no reason";

/// What stands before the status of an answer.
const STATUS: &str = "status code: ";

/// What an error is.
pub(super) fn kind(error: &object_store::Error) -> FaultKind {
    use object_store::Error as Is;

    match (error, code(error)) {
        (_, Some("NoSuchBucket" | "ContainerNotFound")) => FaultKind::NoBucket,
        (Is::NotFound { .. }, _) => FaultKind::Missing,
        (Is::AlreadyExists { .. } | Is::Precondition { .. } | Is::NotModified { .. }, _) => {
            FaultKind::Changed
        }
        (Is::PermissionDenied { .. } | Is::Unauthenticated { .. }, _) => FaultKind::Refused,
        _ if chain(error).any(|text| OF_THE_MACHINE.iter().any(|own| text.contains(own))) => {
            FaultKind::NoCredentials
        }
        _ if chain(error).any(|text| text.starts_with(UNPACKED.0)) => {
            FaultKind::Failed(UNPACKED.1.to_owned())
        }
        (_, Some(code)) => FaultKind::Failed(code.to_owned()),
        (_, None) => FaultKind::Failed(innermost(error)),
    }
}

/// What an error is that comes before anything was asked.
pub(super) fn of_settings(error: &object_store::Error) -> FaultKind {
    // What is quoted may be of a key.
    let why = innermost(error);
    let why = why.split(['"', '`']).next().unwrap_or_default().trim_end();
    FaultKind::WrongSettings(if why.is_empty() { NO_REASON } else { why }.to_owned())
}

/// Whether it may go well another time.
pub(super) fn may_pass(error: &object_store::Error) -> bool {
    matches!(kind(error), FaultKind::Failed(_))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = String> + 'a {
    std::iter::successors(Some(error), |&error| error.source()).map(ToString::to_string)
}

/// The code of a storage's answer.
fn code(error: &object_store::Error) -> Option<&'static str> {
    /// Those that say more than the status.
    const CODES: [&str; 12] = [
        "NoSuchBucket",
        "ContainerNotFound",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "RequestTimeTooSkewed",
        "AuthorizationHeaderMalformed",
        "PermanentRedirect",
        "InvalidBucketName",
        "SlowDown",
        "ServerBusy",
        "InternalError",
    ];
    let text = chain(error).find(|text| text.contains("<Code>"))?;
    CODES.into_iter().find(|code| text.contains(&format!("<Code>{code}</Code>")))
}

/// What is at the bottom of it, on one line, up to where a URL or an answer begins. An answer stands
/// behind its status.
fn innermost(error: &object_store::Error) -> String {
    let text = chain(error).last().unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let marks = ["http://", "https://", "<?xml", "<"].iter().filter_map(|mark| line.find(mark));
    let behind = line.find(STATUS).map_or(line.len(), |at| at + STATUS.len());
    let answer = line[behind..].find(": ").map(|end| behind + end);
    let end = marks.chain(answer).min();
    let shown = line[..end.unwrap_or(line.len())].trim_end_matches([' ', ':', '(', '"']);
    if shown.is_empty() { NO_REASON.to_owned() } else { shown.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn wrong_settings_are_not_quoted() {
        for (text, expected) in [
            (
                "invalid type: string \"secret\", expected struct Key at line 1",
                "invalid type: string",
            ),
            ("Invalid symbol 33, offset 4.", "Invalid symbol 33, offset 4."),
        ] {
            assert_eq!(of_settings(&generic(text)), FaultKind::WrongSettings(expected.to_owned()));
        }
    }

    #[test]
    fn nothing_is_quoted_that_may_be_secret() {
        for (text, expected) in [
            ("connection refused", FaultKind::Failed("connection refused".into())),
            (
                "error sending request (https://x.blob/c?sig=secret)",
                FaultKind::Failed("error sending request".into()),
            ),
            (
                "<?xml?><Code>Odd</Code><StringToSign>secret",
                FaultKind::Failed("it gave no reason".into()),
            ),
            ("status 503: <Code>SlowDown</Code> secret", FaultKind::Failed("SlowDown".into())),
            (
                "Server returned non-2xx status code: 400 Bad Request: {\"error\": \"secret\"}",
                FaultKind::Failed("Server returned non-2xx status code: 400 Bad Request".into()),
            ),
            ("<Code>NoSuchBucket</Code>", FaultKind::NoBucket),
            (
                "Error performing PUT http://169.254.169.254/latest/api/token",
                FaultKind::NoCredentials,
            ),
        ] {
            assert_eq!(kind(&generic(text)), expected, "{text}");
        }
    }
}
