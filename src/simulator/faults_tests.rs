//! Which requests a fault strikes, and how faults are read.

use super::*;

const PHONE: &str = "/v1/mgmt/user/update/phone";
const RECOVERY: &str = "/v1/mgmt/user/update/recovery/phone";

fn request(sequence: u64, path: &'static str, login_id: &'static str) -> Request<'static> {
    Request {
        sequence,
        path,
        operation: crate::catalog::OPERATIONS.iter().find(|op| op.path == path),
        login_id: Some(login_id),
        batch: &[],
        listed: &[],
    }
}

#[test]
fn a_batch_names_all_its_users() {
    let users = [serde_json::json!({"loginId": "a"}), serde_json::json!({"name": "B"})];
    let path = "/v1/mgmt/user/patch/batch";
    let request = Request { login_id: None, batch: &users, ..request(1, path, "") };
    for (user, strikes) in [("a", true), ("b", false), ("B", false)] {
        let mut faults = Faults::new(vec![format!("400:login-id={user}").parse().unwrap()], 7);
        assert_eq!(faults.strike(&request).is_some(), strikes, "{user}");
    }
}

/// Which of ten requests for alternating users `a` and `b` a fault strikes, from 1.
fn struck(spec: &str, path: &'static str) -> Vec<u64> {
    let mut faults = Faults::new(vec![spec.parse().unwrap()], 7);
    (1..=10)
        .filter(|n| {
            let user = if n % 2 == 1 { "a" } else { "b" };
            faults.strike(&request(*n, path, user)).is_some()
        })
        .collect()
}

#[test]
fn selectors_choose() {
    let cases: &[(&str, &[u64])] = &[
        ("503", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("503:every=4", &[4, 8]),
        ("503:first=2", &[1, 2]),
        ("503:after=8", &[9, 10]),
        ("503:every=3,times=1", &[3]),
        ("503:after=2,times=2", &[3, 4]),
        ("503:login-id=b,first=2", &[2, 4]),
        ("503:attempts=1", &[1, 2]),
        ("503:attempts=2,login-id=a", &[1, 3]),
        ("503:rate=0", &[]),
        ("503:rate=1,after=9", &[10]),
        ("503:path=phone,first=1", &[1]),
        ("503:path=update/phone,first=1", &[1]),
        ("503:path=date/phone", &[]),
        ("503:path=email", &[]),
    ];
    for (spec, expected) in cases {
        assert_eq!(struck(spec, PHONE), *expected, "{spec}");
    }
}

#[test]
fn an_operations_name_is_that_operation_alone() {
    assert!(struck("503:path=phone", RECOVERY).is_empty());
    assert_eq!(struck("503:path=recovery-phone", RECOVERY).len(), 10);
    assert_eq!(struck("503:path=recovery/phone", RECOVERY).len(), 10);
}

#[test]
fn the_licence_is_struck_only_when_named() {
    assert!(struck("503", "/v1/mgmt/license").is_empty());
    assert_eq!(struck("503:path=license", "/v1/mgmt/license").len(), 10);
}

#[test]
fn a_rate_is_the_same_every_time_and_about_right() {
    let count = |seed| {
        let mut faults = Faults::new(vec!["503:rate=0.1".parse().unwrap()], seed);
        (0..10_000)
            .filter(|n| faults.strike(&request(*n, PHONE, "a")).is_some())
            .collect::<Vec<u64>>()
    };
    let once = count(1);
    assert_eq!(once, count(1));
    assert_ne!(once, count(2));
    assert!((900..1100).contains(&once.len()), "{}", once.len());
}

#[test]
fn the_first_fault_that_strikes_decides_and_all_count() {
    let faults = ["drop:every=2", "503:every=2", "hang:every=3"];
    let faults = faults.iter().map(|spec| spec.parse().unwrap()).collect();
    let mut faults = Faults::new(faults, 0);
    let kinds: Vec<_> =
        (1..=4).map(|n| faults.strike(&request(n, PHONE, "a")).map(|fault| fault.kind)).collect();
    assert_eq!(kinds, [None, Some(FaultKind::Drop), Some(FaultKind::Hang), Some(FaultKind::Drop)]);
}

#[test]
fn kinds_are_read_with_whether_they_apply() {
    for (spec, kind, apply) in [
        ("429:retry-after=2", FaultKind::Status(429), false),
        ("status=500:apply=true", FaultKind::Status(500), true),
        ("drop", FaultKind::Drop, false),
        ("apply-drop", FaultKind::Drop, true),
        ("half", FaultKind::Half, true),
        ("half:apply=false", FaultKind::Half, false),
        ("html", FaultKind::Html(503), false),
        ("html=403", FaultKind::Html(403), false),
        ("empty", FaultKind::Empty, true),
        ("meddle:path=search", FaultKind::Meddle(Meddled::Name), true),
        ("meddle=phone", FaultKind::Meddle(Meddled::Phone), true),
    ] {
        let fault: Fault = spec.parse().unwrap();
        assert_eq!((fault.kind, fault.apply), (kind, apply), "{spec}");
        assert_eq!(fault.spec(), spec);
    }
}

#[test]
fn what_is_not_understood_is_named() {
    for (spec, named) in [
        ("boom", "`boom`"),
        ("999", "`999`"),
        ("503:often", "`often`"),
        ("503:every=0", "every=0"),
        ("503:rate=2", "rate=2"),
        ("503:colour=red", "`colour`"),
        ("503:apply=maybe", "apply=maybe"),
        ("503:path=", "path"),
    ] {
        let error = spec.parse::<Fault>().unwrap_err();
        assert!(error.contains(named), "{spec}: {error}");
    }
}
