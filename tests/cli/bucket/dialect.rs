//! What storages say in ways of their own, as their documents have it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::wire::{Answer, Asked, Headers};
use super::{Object, SECRET};

/// The storage that is spoken like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Amazon S3.
    S3,
    /// The XML API of Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Unknown,
    NoBucket,
    NoObject,
    /// A condition of the request does not hold.
    Unmet,
    /// It was to be new.
    Exists,
    /// It was written to just now.
    TooSoon,
    /// Nothing that is served here.
    Odd,
}

/// How far apart Google has writes of one name; a little less, since clocks differ.
const ONCE_IN: Duration = Duration::from_millis(990);

impl Dialect {
    /// The variables that a refusal of access names.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::S3 => "AWS_ACCESS_KEY_ID",
            Self::Gcs => "GOOGLE_APPLICATION_CREDENTIALS",
            Self::Azure => "AZURE_STORAGE_ACCOUNT_NAME",
        }
    }

    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "az",
        }
    }

    /// By which a program reaches it.
    pub(super) fn environment(self, address: &str) -> Vec<(&'static str, String)> {
        let of = |pairs: &[(&'static str, &str)]| {
            pairs.iter().map(|&(name, value)| (name, value.to_owned())).collect()
        };
        match self {
            Self::S3 => of(&[
                ("AWS_ENDPOINT", address),
                ("AWS_ALLOW_HTTP", "true"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "AKIATEST"),
                ("AWS_SECRET_ACCESS_KEY", SECRET),
            ]),
            Self::Gcs => of(&[("GOOGLE_BASE_URL", address), ("GOOGLE_BEARER_TOKEN", SECRET)]),
            Self::Azure => of(&[
                ("AZURE_STORAGE_ENDPOINT", address),
                ("AZURE_ALLOW_HTTP", "true"),
                ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
                ("AZURE_STORAGE_ACCOUNT_KEY", SECRET),
            ]),
        }
    }

    /// Whether it is known who asks.
    fn knows(self, asked: &Asked) -> bool {
        let own = asked.header("authorization").unwrap_or_default();
        match self {
            Self::S3 => own.contains("Credential=AKIATEST/"),
            Self::Gcs => own.strip_prefix("Bearer ") == Some(SECRET),
            Self::Azure => {
                own.starts_with("SharedKey account:")
                    && ["date", "x-ms-version"].iter().all(|name| asked.header(name).is_some())
            }
        }
    }

    /// Why a request is refused, whatever else is there.
    pub(super) fn refuses(self, asked: &Asked, found: Option<&Object>) -> Option<Refusal> {
        if !self.knows(asked) {
            return Some(Refusal::Unknown);
        }
        if asked.bucket != "bucket" {
            return Some(Refusal::NoBucket);
        }
        match self {
            Self::S3 => unmet_by_tags(self, asked, found, Refusal::NoObject),
            Self::Azure => {
                let is_put = asked.method == "PUT";
                if is_put && asked.header("x-ms-blob-type") != Some("BlockBlob") {
                    return Some(Refusal::Odd);
                }
                unmet_by_tags(self, asked, found, Refusal::Unmet)
            }
            Self::Gcs => self.unmet_by_generations(asked, found),
        }
    }

    fn unmet_by_generations(self, asked: &Asked, found: Option<&Object>) -> Option<Refusal> {
        let generation = found.map_or(0, |found| found.number).to_string();
        if asked.header("x-goog-if-generation-match").is_some_and(|own| own != generation) {
            return Some(Refusal::Unmet);
        }
        if asked.query("generation").is_some_and(|own| own != generation) {
            return Some(Refusal::NoObject);
        }
        if asked.writes() {
            let age = found.map(|found| found.written_at.elapsed().unwrap_or_default());
            return age.filter(|age| *age < ONCE_IN).map(|_| Refusal::TooSoon);
        }
        // Tags are heeded by what reads alone.
        let expected = asked.header("if-match")?;
        (found.is_some_and(|found| self.tag(found) != expected)).then_some(Refusal::Unmet)
    }

    /// Its `ETag`.
    fn tag(self, object: &Object) -> String {
        match self {
            // One of the content: the same bytes have the same.
            Self::S3 | Self::Gcs => {
                let mut hasher = DefaultHasher::new();
                object.bytes.hash(&mut hasher);
                format!("\"{:016x}\"", hasher.finish())
            }
            // One of the writing.
            Self::Azure => format!("\"0x8DD{:X}\"", object.number),
        }
    }

    /// What is said of an object.
    pub(super) fn headers(self, object: &Object) -> Headers {
        let mut headers = vec![
            ("etag", self.tag(object)),
            ("last-modified", httpdate::fmt_http_date(object.written_at)),
        ];
        let stored = if object.is_packed { "gzip" } else { "identity" };
        match self {
            Self::S3 => {}
            Self::Gcs => headers.extend([
                ("x-goog-generation", object.number.to_string()),
                ("x-goog-metageneration", "1".to_owned()),
                ("x-goog-stored-content-encoding", stored.to_owned()),
                ("x-goog-stored-content-length", object.bytes.len().to_string()),
                ("x-goog-storage-class", "STANDARD".to_owned()),
            ]),
            Self::Azure => headers.extend([
                ("x-ms-blob-type", "BlockBlob".to_owned()),
                ("x-ms-version", "2023-11-03".to_owned()),
            ]),
        }
        headers
    }

    /// Says that an object was written.
    pub(super) fn has_written(self, object: &Object) -> Answer {
        let status = if self == Self::Azure { 201 } else { 200 };
        Answer::new(status, self.headers(object), "")
    }

    /// Says that an object was removed, or was not there.
    pub(super) fn has_removed(self, was_there: bool) -> Answer {
        match self {
            Self::Gcs if !was_there => self.refusal(Refusal::NoObject),
            Self::S3 | Self::Gcs => Answer::new(204, Vec::new(), ""),
            Self::Azure => {
                let status = if was_there { "202 Accepted" } else { "404 Not Found" };
                let body = format!(
                    "--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nHTTP/1.1 {status}\r\n\r\n\r\n--b--\r\n"
                );
                let kind = "multipart/mixed; boundary=b".to_owned();
                Answer::new(202, vec![("content-type", kind)], body)
            }
        }
    }

    /// Says why something is not done.
    pub(super) fn refusal(self, refusal: Refusal) -> Answer {
        let (status, code) = match (refusal, self) {
            (Refusal::Unknown, Self::S3) => (403, "AccessDenied"),
            (Refusal::Unknown, Self::Gcs) => (401, "AuthenticationRequired"),
            (Refusal::Unknown, Self::Azure) => (403, "AuthenticationFailed"),
            (Refusal::NoBucket, Self::Azure) => (404, "ContainerNotFound"),
            (Refusal::NoBucket, _) => (404, "NoSuchBucket"),
            (Refusal::NoObject, Self::Azure) => (404, "BlobNotFound"),
            (Refusal::NoObject, _) => (404, "NoSuchKey"),
            (Refusal::Exists, Self::Azure) => (409, "BlobAlreadyExists"),
            (Refusal::Unmet, Self::Azure) => (412, "ConditionNotMet"),
            (Refusal::Exists | Refusal::Unmet, _) => (412, "PreconditionFailed"),
            (Refusal::TooSoon, _) => (429, "SlowDown"),
            (Refusal::Odd, _) => (400, "InvalidArgument"),
        };
        self.fault(status, code)
    }

    /// An answer that tells of a fault.
    pub(super) fn fault(self, status: u16, code: &str) -> Answer {
        // Storages quote what they were asked.
        let quoted = match self {
            Self::S3 => "StringToSign",
            Self::Gcs => "Details",
            Self::Azure => "AuthenticationErrorDetail",
        };
        let head = if self == Self::S3 { "" } else { "<?xml version='1.0' encoding='UTF-8'?>" };
        let body = format!("{head}<Error><Code>{code}</Code><{quoted}>{SECRET}</{quoted}></Error>");
        let headers = match self {
            Self::Azure => vec![("x-ms-error-code", code.to_owned())],
            Self::S3 | Self::Gcs => Vec::new(),
        };
        Answer::new(status, headers, body)
    }
}

/// Whether conditions by tags do not hold. Where nothing is there, storages say so in two ways.
fn unmet_by_tags(
    dialect: Dialect,
    asked: &Asked,
    found: Option<&Object>,
    where_none: Refusal,
) -> Option<Refusal> {
    let is_put = asked.method == "PUT";
    if is_put && found.is_some() && asked.header("if-none-match") == Some("*") {
        return Some(Refusal::Exists);
    }
    let expected = asked.header("if-match")?;
    match found {
        Some(found) => (dialect.tag(found) != expected).then_some(Refusal::Unmet),
        None => is_put.then_some(where_none),
    }
}
