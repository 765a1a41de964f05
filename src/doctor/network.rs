//! The way to the server: proxy, name, connection, certificate, answer, and the time there.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::authorities::Signer;
use super::diagnosis::Diagnosis;
use crate::api::explain::{CERTIFICATE_HINT, PROXY_HINT};
use crate::api::response::{TransportCause, TransportError};
use crate::api::transport::{Probe, ProbeAnswer, SeenCertificate};

/// What is known of the way to a server.
#[derive(Debug)]
pub(crate) struct NetworkFacts<'a> {
    /// Its base URL.
    pub(crate) url: &'a str,
    /// Whether it is this machine's.
    pub(crate) is_here: bool,
    /// The variable of the environment that names a proxy for it, if one does.
    pub(crate) proxy_variable: Option<&'a str>,
    /// What was found.
    pub(crate) probe: &'a Probe,
    /// What time it is.
    pub(crate) now: Timestamp,
}

/// The longest that clocks may differ without a word.
const TOLERANCE: Duration = Duration::from_secs(5);

/// By how much clocks may differ before users who were changed a moment ago pass for settled.
const MOST_APART: Duration = Duration::from_secs(60);

/// How long a certificate should hold at least.
const SOON_DAYS: i64 = 7;

/// What to say of each step; those after the first that failed are not checked.
pub(crate) fn network(facts: &NetworkFacts<'_>) -> Vec<Diagnosis> {
    let Probe { connected, answer, .. } = facts.probe;
    let (answered, clock) = match answer {
        Some(Ok(answer)) => (Some(server(facts, answer)), Some(clock(answer))),
        // It was told of TLS.
        Some(Err(error)) if error.cause == TransportCause::Untrusted => (None, None),
        Some(Err(error)) => (Some(no_answer(error)), None),
        None => (None, None),
    };
    let not_reached = |check| Diagnosis::not_checked(check, "nobody got that far");
    vec![
        proxy(facts),
        dns(facts),
        connected.as_ref().map_or_else(|| not_reached("tcp"), |connected| tcp(facts, connected)),
        answer.as_ref().and_then(|_| tls(facts)).unwrap_or_else(|| not_reached("tls")),
        answered.unwrap_or_else(|| not_reached("server")),
        clock.unwrap_or_else(|| not_reached("clock")),
    ]
}

fn proxy(facts: &NetworkFacts<'_>) -> Diagnosis {
    match (&facts.probe.proxy, facts.proxy_variable) {
        (Some(proxy), Some(variable)) => {
            Diagnosis::ok("proxy", format!("{proxy}, from {variable}"))
        }
        (Some(proxy), None) => {
            Diagnosis::ok("proxy", format!("{proxy}, from the system's settings"))
        }
        (None, Some(variable)) if facts.is_here => Diagnosis::ok(
            "proxy",
            format!("none: the server is on this machine, so {variable} does not count"),
        ),
        (None, Some(variable)) => Diagnosis::ok(
            "proxy",
            format!("none: {variable} names one, and NO_PROXY exempts {}", facts.probe.host),
        ),
        (None, None) => Diagnosis::ok("proxy", "none"),
    }
}

fn dns(facts: &NetworkFacts<'_>) -> Diagnosis {
    let Probe { host, proxy, addresses, .. } = facts.probe;
    let addresses = match addresses {
        Ok(addresses) => addresses,
        Err(why) => {
            let advice = if proxy.is_some() {
                PROXY_HINT
            } else {
                "check DNS on this machine, the project ID's region and --base-url"
            };
            return Diagnosis::failed("dns", format!("{host}: {why}"), advice);
        }
    };
    let found = named(host, addresses);
    let is_odd = addresses.iter().any(|address| is_private(address.ip()));
    if is_odd && !facts.is_here && proxy.is_none() {
        return Diagnosis::warning(
            "dns",
            format!("{found}, an address of a private network"),
            "that is right for a private link or a gateway of yours; otherwise check DNS and /etc/hosts",
        );
    }
    Diagnosis::ok("dns", found)
}

/// A host and its addresses, the first few of them.
fn named(host: &str, addresses: &[SocketAddr]) -> String {
    const SHOWN: usize = 4;
    let mut known: Vec<String> = Vec::new();
    for address in addresses.iter().map(|address| address.ip().to_string()) {
        if !known.contains(&address) {
            known.push(address);
        }
    }
    let more = known.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    known.truncate(SHOWN);
    match known.as_slice() {
        [address] if address == host => format!("no name to look up: {host}"),
        known => format!("{host} is {}{more}", known.join(", ")),
    }
}

fn tcp(facts: &NetworkFacts<'_>, connected: &Result<(SocketAddr, Duration), String>) -> Diagnosis {
    let Probe { host, proxy, .. } = facts.probe;
    match (connected, proxy) {
        (Ok((address, took)), _) => {
            Diagnosis::ok("tcp", format!("connected to {address} in {} ms", took.as_millis()))
        }
        (Err(why), Some(proxy)) => {
            Diagnosis::failed("tcp", format!("the proxy {proxy}: {why}"), PROXY_HINT)
        }
        (Err(why), None) => Diagnosis::failed(
            "tcp",
            format!("{host}: {why}"),
            "check the firewall, the port in --base-url, and whether a proxy is needed (HTTPS_PROXY)",
        ),
    }
}

/// What is said where there was a connection, and no answer.
fn no_answer(error: &TransportError) -> Diagnosis {
    let detail = &error.detail;
    let (found, advice) = match error.cause {
        TransportCause::Proxy => (format!("no connection through the proxy {detail}"), PROXY_HINT),
        TransportCause::Timeout => (
            "connected, and there was no answer in time".to_owned(),
            "try again later; a firewall or a proxy may hold the answer back",
        ),
        _ => (
            format!("connected, and the answer was lost: {detail}"),
            "check --base-url, and what stands between here and the API",
        ),
    };
    Diagnosis::failed("server", found, advice)
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(own) => own.is_private() || own.is_loopback() || own.is_link_local(),
        IpAddr::V6(own) => own.is_loopback() || own.is_unique_local(),
    }
}

/// Whose certificate it is; nothing where nobody got as far as TLS.
fn tls(facts: &NetworkFacts<'_>) -> Option<Diagnosis> {
    let Probe { certificates, answer, .. } = facts.probe;
    if facts.url.starts_with("http:") {
        return Some(Diagnosis::ok("tls", "not used: the server is on this machine"));
    }
    if let Some(Err(error)) = answer
        && error.cause == TransportCause::Untrusted
    {
        return Some(untrusted(&error.detail, certificates));
    }
    certificates.first().map(|own| trusted(own, &chain(certificates), facts.now))
}

fn untrusted(why: &str, certificates: &[SeenCertificate]) -> Diagnosis {
    let chain = chain(certificates);
    let signed = if chain.is_empty() { String::new() } else { format!(" ({chain})") };
    let advice = match certificates.first().map(|own| Signer::named(&own.issuer)) {
        Some(Signer::Interceptor) => format!("a proxy inspects TLS here: {CERTIFICATE_HINT}"),
        _ => CERTIFICATE_HINT.to_owned(),
    };
    Diagnosis::failed("tls", format!("{why}{signed}"), advice)
}

fn trusted(own: &SeenCertificate, chain: &str, now: Timestamp) -> Diagnosis {
    match Signer::named(&own.issuer) {
        Signer::Interceptor => Diagnosis::warning(
            "tls",
            format!("a proxy inspects TLS here: {chain}"),
            "it can read the management key and users' data: ask who runs it to exempt this host",
        ),
        Signer::Unknown => Diagnosis::warning(
            "tls",
            format!("trusted by this machine, but not signed for the public web: {chain}"),
            "if this is not a gateway of your own, a proxy inspects TLS here and can read the management key",
        ),
        Signer::Public if ends_soon(own, now) => Diagnosis::warning(
            "tls",
            format!("the certificate is valid for less than {SOON_DAYS} days: {chain}"),
            "it is renewed by whoever runs the server: tell them if it stays so",
        ),
        Signer::Public => Diagnosis::ok("tls", chain),
    }
}

/// The chain in words, the server's own certificate first.
fn chain(certificates: &[SeenCertificate]) -> String {
    let Some(own) = certificates.first() else { return String::new() };
    let until = own.valid_until.map(|until| format!(", valid until {}", until.strftime("%F")));
    let signers: Vec<&str> = certificates.iter().map(|one| one.issuer.as_str()).collect();
    format!("{}{}, signed by {}", own.subject, until.unwrap_or_default(), signers.join(" < "))
}

fn ends_soon(own: &SeenCertificate, now: Timestamp) -> bool {
    let soon = now + jiff::SignedDuration::from_hours(24 * SOON_DAYS);
    own.valid_until.is_some_and(|until| until < soon)
}

/// Who answers. What an answer means for the key is judged elsewhere.
fn server(facts: &NetworkFacts<'_>, answer: &ProbeAnswer) -> Diagnosis {
    let ProbeAnswer { status, page, took, .. } = answer;
    let found = format!("{} answers in {} ms", facts.url.trim_end_matches('/'), took.as_millis());
    match page {
        Some(words) if !words.is_empty() => Diagnosis::warning(
            "server",
            format!("{found} with a page that is not the API's (HTTP {status}: {words})"),
            "ask who runs the proxy or firewall in between, and check HTTPS_PROXY and --base-url",
        ),
        _ if (300..400).contains(status) => Diagnosis::warning(
            "server",
            format!("{found} with a redirect (HTTP {status})"),
            "redirects are never followed: name the address itself in --base-url",
        ),
        _ => Diagnosis::ok("server", found),
    }
}

/// Whether this machine's clock is right, as far as a whole second tells.
fn clock(answer: &ProbeAnswer) -> Diagnosis {
    const HALF_A_SECOND: Duration = Duration::from_millis(500);
    let Some(date) = answer.date else {
        return Diagnosis::not_checked("clock", "the server does not say what time it is");
    };
    // It was told while the request was on its way.
    let here = answer.at - answer.took / 2;
    let apart = apart(here, date + HALF_A_SECOND);
    let allowed = TOLERANCE + answer.took / 2;
    let way = if here > date { "ahead of" } else { "behind" };
    let found = format!("this machine's clock is {} s {way} the server's", apart.as_secs());
    if apart <= allowed {
        return Diagnosis::ok("clock", "as the server's, within a few seconds");
    }
    let advice = "set the clock (NTP): what was changed a moment ago is known by it, and so is whether certificates are valid";
    if apart <= MOST_APART {
        Diagnosis::warning("clock", found, advice)
    } else {
        Diagnosis::failed("clock", found, advice)
    }
}

fn apart(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

#[cfg(test)]
mod tests;
