//! Where a budget for several hosts is kept. It is shown without a password, since it holds none.

use std::fmt;

use secrecy::SecretString;
use url::Url;

/// How addresses are written.
const HOW: &str =
    "write it as redis://HOST:PORT/DATABASE, rediss://HOST:PORT/DATABASE or unix:///PATH";

/// The address of a Redis or Valkey server, and what to log in with.
#[derive(Clone, Debug)]
pub struct RemoteAddress {
    pub(super) url: Url,
    pub(super) password: Option<SecretString>,
}

impl RemoteAddress {
    /// The server that a URL names.
    ///
    /// # Errors
    ///
    /// What is no such URL, and one with a password, which others can see in the list of
    /// processes. The text itself is never part of the error.
    pub fn parse(text: &str, password: Option<SecretString>) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| HOW)?;
        if !["redis", "rediss", "valkey", "valkeys", "unix"].contains(&url.scheme()) {
            return Err(HOW.to_owned());
        }
        let is_plain = |(name, _): (_, _)| name == "db" || name == "user";
        if url.password().is_some() || !url.query_pairs().all(is_plain) {
            return Err("it holds a password or options; put the password into a file and name it with --budget-password-file, or set DESCOPE_BUDGET_PASSWORD".to_owned());
        }
        if url.fragment().is_some() {
            return Err(format!("it holds a fragment (#…); {HOW}"));
        }
        let database = url.path().trim_matches('/');
        if url.scheme() != "unix" && !database.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(HOW.to_owned());
        }
        Ok(Self { url, password })
    }
}

impl fmt::Display for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_no_password() {
        for good in [
            "redis://redis.example.com",
            "redis://10.0.0.7:6380/2",
            "rediss://bulk@redis.example.com:6379/0",
            "valkey://[::1]:6379",
            "unix:///run/redis/redis.sock?db=1",
        ] {
            let address = RemoteAddress::parse(good, Some("s3cret".into()));
            let address = address.unwrap_or_else(|why| panic!("{good}: {why}"));
            assert_eq!(address.to_string(), good);
            assert!(!format!("{address:?}").contains("s3cret"));
        }
        for bad in [
            "redis://:s3cret@redis.example.com",
            "redis://bulk:s3cret@redis.example.com",
            "unix:///run/redis.sock?pass=s3cret",
            "rediss://redis.example.com/#insecure",
            "redis://redis.example.com/s3cret",
            "http://redis.example.com",
            "s3cret",
        ] {
            let why = RemoteAddress::parse(bad, None).expect_err(bad);
            assert!(!why.contains("s3cret"), "{bad}: {why}");
        }
    }
}
