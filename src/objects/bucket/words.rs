//! What `object_store` says, in words that hold no URL, no key and no body: a storage quotes requests in
//! its answers, and URLs may be signed.

use std::error::Error;

use crate::objects::fault::FaultKind;

/// Where machines have their credentials from. Who is asked there has none otherwise.
const OF_THE_MACHINE: [&str; 4] =
    ["169.254.169.254", "169.254.170", "metadata.google.internal", "oauth2/token"];

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
        (_, Some(code)) => FaultKind::Failed(code.to_owned()),
        (_, None) => FaultKind::Failed(innermost(error)),
    }
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

/// What is at the bottom of it, on one line, up to where a URL or an answer begins.
fn innermost(error: &object_store::Error) -> String {
    let text = chain(error).last().unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let end = ["http://", "https://", "<?xml", "<"].iter().filter_map(|mark| line.find(mark)).min();
    let shown = line[..end.unwrap_or(line.len())].trim_end_matches([' ', ':', '(', '"']);
    if shown.is_empty() { "it gave no reason".to_owned() } else { shown.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.to_owned().into() }
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
