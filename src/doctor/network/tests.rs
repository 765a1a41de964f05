use super::*;
use crate::api::response::Sent;
use crate::doctor::CheckStatus::{self, Failed, NotChecked, Ok as Fine, Warning};

const DAY: i64 = 24;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn certificate(issuer: &str, days: i64) -> SeenCertificate {
    SeenCertificate {
        subject: "api.descope.com".into(),
        issuer: issuer.into(),
        valid_until: Some(now() + jiff::SignedDuration::from_hours(DAY * days)),
    }
}

/// A server an answer of which says that it is so many seconds later there.
fn answer(seconds: i64) -> ProbeAnswer {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let apart = Duration::from_secs(seconds.unsigned_abs());
    let date = if seconds < 0 { at - apart } else { at + apart };
    ProbeAnswer { status: 401, page: None, date: Some(date), at, took: Duration::ZERO }
}

fn probe(addresses: &[&str], certificates: &[SeenCertificate], ended: ProbeAnswer) -> Probe {
    let addresses: Vec<SocketAddr> =
        addresses.iter().map(|address| format!("{address}:443").parse().unwrap()).collect();
    Probe {
        proxy: None,
        host: "api.descope.com".into(),
        connected: Some(Ok((addresses[0], Duration::from_millis(12)))),
        addresses: Ok(addresses),
        certificates: certificates.to_vec(),
        answer: Some(Ok(ended)),
    }
}

fn judged(probe: &Probe) -> Vec<Diagnosis> {
    network(&NetworkFacts {
        url: "https://api.descope.com/",
        is_here: false,
        proxy_variable: None,
        probe,
        now: now(),
    })
}

fn verdict_of(told: &[Diagnosis], check: &str) -> Option<CheckStatus> {
    told.iter().find(|own| own.check == check).map(|own| own.status)
}

fn lost(cause: TransportCause, detail: &str) -> Probe {
    let error = TransportError { sent: Sent::No, cause, detail: detail.into() };
    let chain = [certificate("Zscaler Inc., Zscaler Root CA", 90)];
    Probe { answer: Some(Err(error)), ..probe(&["192.0.2.1"], &chain, answer(0)) }
}

#[test]
fn all_is_well_with_a_server_of_the_public_web() {
    let told = judged(&probe(&["192.0.2.1"], &[certificate("Amazon, M02", 90)], answer(2)));
    assert!(told.iter().all(|own| own.status == Fine), "{told:#?}");
    let checks: Vec<_> = told.iter().map(|own| own.check).collect();
    assert_eq!(checks, ["proxy", "dns", "tcp", "tls", "server", "clock"]);
}

#[test]
fn the_clocks_may_be_a_few_seconds_apart() {
    let dated = |seconds| {
        judged(&probe(&["192.0.2.1"], &[certificate("Amazon, M02", 90)], answer(seconds)))
    };
    for (seconds, status) in [
        (0, Fine),
        (-5, Fine),
        (4, Fine),
        (8, Warning),
        (-60, Warning),
        (90, Failed),
        (-90, Failed),
    ] {
        assert_eq!(verdict_of(&dated(seconds), "clock"), Some(status), "{seconds}");
    }
    let silent = ProbeAnswer { date: None, ..answer(0) };
    let told = judged(&probe(&["192.0.2.1"], &[certificate("Amazon, M02", 90)], silent));
    assert_eq!(verdict_of(&told, "clock"), Some(NotChecked));
}

#[test]
fn whoever_signs_is_told() {
    for (issuer, days, status) in [
        ("Amazon, M02", 90, Fine),
        ("Amazon, M02", 3, Warning),
        ("Zscaler Inc., Zscaler Root CA", 90, Warning),
        ("Example Corp, Root", 90, Warning),
    ] {
        let told = judged(&probe(&["192.0.2.1"], &[certificate(issuer, days)], answer(0)));
        assert_eq!(verdict_of(&told, "tls"), Some(status), "{issuer}");
    }
    let told = judged(&lost(TransportCause::Untrusted, "this machine trusts nobody who signed it"));
    let tls = told.iter().find(|own| own.check == "tls").unwrap();
    assert_eq!(tls.status, Failed);
    assert!(tls.found.contains("Zscaler Root CA"), "{tls:?}");
    assert!(tls.advice.as_ref().unwrap().contains("SSL_CERT_FILE"), "{tls:?}");
}

/// How many steps were gone, all steps being told.
fn steps(told: &[Diagnosis]) -> usize {
    let checks: Vec<_> = told.iter().map(|own| own.check).collect();
    assert_eq!(checks, ["proxy", "dns", "tcp", "tls", "server", "clock"]);
    told.iter().take_while(|own| own.status != NotChecked).count()
}

#[test]
fn the_first_step_that_fails_is_the_last_that_is_checked() {
    let unknown = Probe {
        addresses: Err("the name is not known".into()),
        connected: None,
        answer: None,
        ..probe(&["192.0.2.1"], &[], answer(0))
    };
    let told = judged(&unknown);
    assert_eq!((steps(&told), verdict_of(&told, "dns")), (2, Some(Failed)));
    let refused = Probe {
        connected: Some(Err("connection refused".into())),
        answer: None,
        ..probe(&["192.0.2.1"], &[], answer(0))
    };
    let told = judged(&refused);
    assert_eq!((steps(&told), verdict_of(&told, "tcp")), (3, Some(Failed)));
    for cause in [TransportCause::Proxy, TransportCause::Timeout, TransportCause::Broken] {
        assert_eq!(verdict_of(&judged(&lost(cause, "why")), "server"), Some(Failed), "{cause:?}");
    }
}

#[test]
fn odd_addresses_and_foreign_pages_are_warnings() {
    let told = judged(&probe(&["127.0.0.1"], &[certificate("Amazon, M02", 90)], answer(0)));
    assert_eq!(verdict_of(&told, "dns"), Some(Warning));
    for (status, page) in [(403, Some("Access denied")), (302, None)] {
        let ended = ProbeAnswer { status, page: page.map(str::to_owned), ..answer(0) };
        let told = judged(&probe(&["192.0.2.1"], &[certificate("Amazon, M02", 90)], ended));
        assert_eq!(verdict_of(&told, "server"), Some(Warning), "{status}");
    }
}
