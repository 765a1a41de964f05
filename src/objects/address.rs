//! URLs of objects and of folders in a bucket.

use std::fmt;
use std::path::Path;

/// The storages, by the schemes of their URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    S3,
    Gs,
    Az,
}

impl Scheme {
    const ALL: [Self; 3] = [Self::S3, Self::Gs, Self::Az];

    const fn prefix(self) -> &'static str {
        match self {
            Self::S3 => "s3://",
            Self::Gs => "gs://",
            Self::Az => "az://",
        }
    }

    /// The variables that credentials come from, for people.
    pub(super) const fn variables(self) -> &'static str {
        match self {
            Self::S3 => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            Self::Gs => "GOOGLE_APPLICATION_CREDENTIALS",
            Self::Az => "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
        }
    }
}

/// What stands behind an object's URL to name one of its versions.
const VERSION: &str = "?versionId=";

/// The URL of an object, or of a folder of objects: `s3://BUCKET/KEY`, `gs://…` or `az://CONTAINER/…`.
/// The key stands as it is, without escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectUrl {
    pub(super) scheme: Scheme,
    pub(super) bucket: String,
    pub(super) key: String,
    /// The version of the object, where one is named.
    pub(super) version: Option<String>,
}

impl ObjectUrl {
    /// Reads a URL; the key may be empty.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without what may be a secret in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let scheme = Scheme::ALL.into_iter().find(|scheme| text.starts_with(scheme.prefix()));
        let Some(scheme) = scheme else {
            return Err("write it as s3://BUCKET/…, gs://BUCKET/… or az://CONTAINER/…".to_owned());
        };
        let rest = &text[scheme.prefix().len()..];
        let (rest, version) = match rest.split_once(VERSION) {
            Some((rest, version)) if !version.is_empty() => (rest, Some(version.to_owned())),
            _ => (rest, None),
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if rest.contains('?') || bucket.contains(['@', ':']) {
            return Err(format!(
                "a URL holds a bucket and a key, and neither credentials nor a query: they come from the environment, such as {}",
                scheme.variables()
            ));
        }
        if bucket.is_empty() {
            return Err("it names no bucket".to_owned());
        }
        if key.chars().any(char::is_control) {
            return Err("its key holds a control character".to_owned());
        }
        Ok(Self { scheme, bucket: bucket.to_owned(), key: key.to_owned(), version })
    }

    /// Reads the URL of a folder of objects, which has no versions.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    pub(crate) fn folder(text: &str) -> Result<Self, String> {
        let url = Self::parse(text)?;
        if url.version.is_some() {
            return Err("a folder has no versions".to_owned());
        }
        Ok(url)
    }

    /// One below this folder.
    #[must_use]
    pub(crate) fn join(&self, name: &str) -> Self {
        let folder = self.key.trim_end_matches('/');
        let key = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        Self { key, version: None, ..self.clone() }
    }
}

/// Without its version, so that all versions of an object are one object by name.
impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/{}", self.scheme.prefix(), self.bucket, self.key)
    }
}

/// Whether a path is the URL of an object, well-formed or not.
#[must_use]
pub(crate) fn is_object_url(path: &Path) -> bool {
    path.to_str()
        .is_some_and(|text| Scheme::ALL.into_iter().any(|scheme| text.starts_with(scheme.prefix())))
}

/// A URL for people: what stands behind a question mark may be a secret that is in the wrong place.
#[must_use]
pub(crate) fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_bucket_and_a_key_as_they_are() {
        for (text, bucket, key, version) in [
            ("s3://b/users.csv", "b", "users.csv", None),
            ("gs://b/a b/%20#x.csv", "b", "a b/%20#x.csv", None),
            ("az://c/in/u.xlsx", "c", "in/u.xlsx", None),
            ("s3://b/u.csv?versionId=a.B_1", "b", "u.csv", Some("a.B_1")),
            ("s3://b", "b", "", None),
            ("s3://b/runs/", "b", "runs/", None),
        ] {
            let url = ObjectUrl::parse(text).unwrap();
            let told = (&*url.bucket, &*url.key, url.version.as_deref());
            assert_eq!(told, (bucket, key, version), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused_without_its_secrets() {
        for text in [
            "s3://AKIA:secret@b/u.csv",
            "az://c/u.csv?sv=2024&sig=secret",
            "az://c@account/u.csv",
            "s3:///u.csv",
            "s3://",
            "file:///etc/secret",
            "s3://b/a\nb",
        ] {
            let why = ObjectUrl::parse(text).unwrap_err();
            assert!(!why.contains("secret"), "{text}: {why}");
        }
    }

    #[test]
    fn names_are_joined_below_a_folder() {
        for (folder, joined) in [
            ("s3://b/runs/", "s3://b/runs/x"),
            ("s3://b/runs", "s3://b/runs/x"),
            ("s3://b", "s3://b/x"),
            ("s3://b/", "s3://b/x"),
        ] {
            assert_eq!(ObjectUrl::parse(folder).unwrap().join("x").to_string(), joined);
        }
    }
}
