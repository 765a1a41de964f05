//! Whom to speak to: what a project ID and a base URL may be.

use url::{Host, Url};

use crate::exit::Error;

/// Refuses what is not a project ID.
pub(crate) fn check_project_id(id: &str) -> Result<(), Error> {
    if id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    // What was pasted may be a key: it is not repeated.
    Err(Error::refused(
        "a project ID consists of letters and digits and begins with P: correct DESCOPE_PROJECT_ID, --project-id or the job's project-id",
    ))
}

/// Refuses a project ID that is too short or too long for any: it was cut off, or has grown when it
/// was pasted (API reference, 1.1: 28 characters, or 32 with the region's four).
pub(crate) fn check_project_id_length(id: &str) -> Result<(), Error> {
    let length = id.len();
    if matches!(length, 28 | 32) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "the project ID has {length} characters, and project IDs have 28 or 32: copy it again from the console, Project settings"
    )))
}

/// The base URL of a project's region (API reference, 1.1; the rule of the Go and Python SDKs).
#[must_use]
pub(crate) fn regional_base_url(project_id: &str) -> String {
    const WITH_REGION: usize = 32;
    match project_id.get(1..5) {
        Some(region) if project_id.len() >= WITH_REGION => {
            format!("https://api.{region}.descope.com")
        }
        _ => "https://api.descope.com".to_owned(),
    }
}

/// The URL that a text is, if the key may go there.
pub(crate) fn base_url(text: &str) -> Result<Url, Error> {
    let refuse =
        |why: &str| Error::refused(format!("the base URL {why}, such as https://api.descope.com"));
    let url = Url::parse(text.trim())
        .map_err(|error| refuse(&format!("is not a URL ({error}); write it")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("must not contain a user name or password; write it plain"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("must not have a query (?) or fragment (#); write it plain"));
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(url),
        ("http", Some(_)) if is_loopback(&url) => Ok(url),
        ("http", Some(_)) => Err(refuse("must use https, since it carries the key")),
        _ => Err(refuse("must begin with https:// and name a host; write it")),
    }
}

/// Whether a URL names this machine.
#[must_use]
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_follow_the_region_in_the_project_id() {
        for (id, url) in [
            ("P2aAc4T2V93bddihGEx2Ryhc8e5Z", "https://api.descope.com"),
            ("Puse12aAc4T2V93bddihGEx2Ryhc8e5Z", "https://api.use1.descope.com"),
            ("Puse1ar", "https://api.descope.com"),
            ("", "https://api.descope.com"),
            ("Puse12aAc4T2V93bddihGEx2Ryhc8e5Zfoobar", "https://api.use1.descope.com"),
        ] {
            assert_eq!(regional_base_url(id), url, "{id}");
        }
    }

    #[test]
    fn the_key_never_goes_over_plain_http_to_another_machine() {
        for fine in [
            "https://api.descope.com",
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:1",
        ] {
            assert!(base_url(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "http://api.descope.com",
            "http://localhost.example.com",
            "ftp://x",
            "api.descope.com",
            "https://u:p@x.com",
            "https://x.com?a=b",
            "",
        ] {
            assert!(base_url(wrong).is_err(), "{wrong}");
        }
    }
}
