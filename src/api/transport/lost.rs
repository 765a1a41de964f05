//! Why a request got no response, in words: whose certificate, which proxy, what name.

use std::error::Error;
use std::io;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use rustls::CertificateError;

use crate::api::address::is_loopback;
use crate::api::response::{Sent, TransportCause, TransportError};

/// The way to a server.
#[derive(Clone, Debug)]
pub(super) struct Route {
    host: String,
    /// The proxy in between, if there is one: its host and port.
    proxy: Option<String>,
    /// The port of the proxy's scheme, where none is written.
    proxy_port: u16,
}

impl Route {
    /// The way to a URL from this machine, through the proxy that its environment names.
    pub(super) fn to(url: &Url) -> Self {
        let proxy = || {
            let uri = url.as_str().parse().ok()?;
            let proxy = Matcher::from_system().intercept(&uri)?;
            let authority = proxy.uri().authority()?.as_str();
            // What stands before the host is a name and a password.
            let proxy_host = authority.rsplit('@').next().unwrap_or_default().to_owned();
            Some((proxy_host, port_of(proxy.uri().scheme_str().unwrap_or_default())))
        };
        let (proxy, proxy_port) = match proxy().filter(|_| !is_loopback(url)) {
            Some((proxy, port)) => (Some(proxy), port),
            None => (None, 0),
        };
        Self { host: url.host_str().unwrap_or_default().to_owned(), proxy, proxy_port }
    }

    /// The proxy in between, if there is one: its host and port.
    pub(super) fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }

    /// The host and port that are connected to: the proxy's, if there is one.
    pub(super) fn first_stop(&self, url: &Url) -> (String, u16) {
        let port = url.port_or_known_default().unwrap_or_default();
        let bare = |host: &str| host.trim_matches(['[', ']']).to_owned();
        let Some(proxy) = &self.proxy else { return (bare(&self.host), port) };
        let written = proxy
            .rsplit_once(':')
            .and_then(|(host, port)| port.parse().ok().map(|port| (bare(host), port)));
        written.unwrap_or_else(|| (bare(proxy), self.proxy_port))
    }

    /// What is certain of a request without a response: only where there never was a connection for
    /// it, it was not sent.
    pub(super) fn lost(&self, error: &reqwest::Error) -> TransportError {
        if !error.is_connect() {
            let detail = innermost(error);
            return TransportError { sent: Sent::Maybe, cause: TransportCause::Broken, detail };
        }
        let (cause, detail) = if let Some(error) = causes(error).find_map(of_tls) {
            (TransportCause::Untrusted, self.tls(error))
        } else if let Some(proxy) = &self.proxy {
            (TransportCause::Proxy, format!("{proxy}: {}", through_proxy(error)))
        } else if is_unknown_name(error) {
            (TransportCause::Unreachable, format!("the name {} is not known (DNS)", self.host))
        } else {
            (TransportCause::Unreachable, innermost(error))
        };
        TransportError { sent: Sent::No, cause, detail }
    }

    fn tls(&self, error: &rustls::Error) -> String {
        let host = &self.host;
        match error {
            rustls::Error::InvalidCertificate(error) => match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    format!(
                        "the certificate of {host} has expired, or this machine's clock is wrong"
                    )
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    format!(
                        "the certificate of {host} is not valid yet, or this machine's clock is wrong"
                    )
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => {
                    format!("the certificate shown is for another host than {host}")
                }
                CertificateError::Revoked => format!("the certificate of {host} was revoked"),
                _ => format!("this machine trusts nobody who signed the certificate of {host}"),
            },
            rustls::Error::InvalidMessage(_) => format!("{host} does not speak TLS at this port"),
            _ => format!("{host} and this machine agree on no way to speak TLS"),
        }
    }
}

/// The port of a proxy whose address names none.
fn port_of(scheme: &str) -> u16 {
    match scheme {
        "https" => 443,
        "http" => 80,
        _ => 1080,
    }
}

/// An error and what caused it, down to the innermost cause.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        next = current.source();
        Some(current)
    })
}

/// The error of TLS that a cause is or holds.
fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    // What an I/O error holds is passed over where its source is asked for.
    let held = || of_tls(error.downcast_ref::<io::Error>()?.get_ref()?);
    error.downcast_ref().or_else(held)
}

fn is_unknown_name(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|error| error.to_string().contains("dns error"))
}

/// What a proxy did, or that it is not there.
fn through_proxy(error: &(dyn Error + 'static)) -> String {
    if is_unknown_name(error) {
        return "its name is not known (DNS)".to_owned();
    }
    match &*innermost(error) {
        "tunnel error: unsuccessful" => "it refused to connect".to_owned(),
        "tunnel error: proxy authorization required" => "it wants a name and a password".to_owned(),
        other => other.to_owned(),
    }
}

/// The innermost cause, which names no address.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let cause = causes(error).last().unwrap_or(error);
    match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) => "it took too long".to_owned(),
        Some(io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
        Some(io::ErrorKind::ConnectionReset) => "the connection was reset".to_owned(),
        Some(io::ErrorKind::NetworkUnreachable) => "the network is unreachable".to_owned(),
        Some(io::ErrorKind::HostUnreachable) => "the host is unreachable".to_owned(),
        _ => cause.to_string(),
    }
}
