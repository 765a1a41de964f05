//! Made-up rows, the same in all benchmarks: users with a phone number each.

use std::io::{self, Write};
use std::time::Duration;

use descope_bulk::internals::catalog::Operation;
use descope_bulk::internals::change::Changes;
use descope_bulk::internals::input::record::Record;
use descope_bulk::{Finished, Outcome, Status};
use jiff::Timestamp;
use serde_json::value::RawValue;

/// A user as a server returns one: about 1 KB.
pub(crate) const USER: &str = concat!(
    r#"{"loginIds":["ada.lovelace@example.com","+14155550100"],"userId":"U2exampleexampleexampleexample0","#,
    r#""name":"Ada Lovelace","givenName":"Ada","middleName":"","familyName":"Lovelace","#,
    r#""email":"ada.lovelace@example.com","verifiedEmail":true,"phone":"+14155550100","verifiedPhone":true,"#,
    r#""roleNames":["editor","viewer"],"userTenants":[{"tenantId":"T2exampleexampleexampleexample0","#,
    r#""tenantName":"Example","roleNames":["member"],"permissions":[]},{"tenantId":"T2exampleexampleexampleexample1","#,
    r#""tenantName":"Another example","roleNames":["admin"],"permissions":["read","write"]}],"status":"enabled","#,
    r#""externalIds":["ada.lovelace@example.com"],"picture":"https://example.com/pictures/ada.png","test":false,"#,
    r#""customAttributes":{"tier":"gold","seats":12,"joined":1700000000,"newsletter":true,"region":"emea"},"#,
    r#""createdTime":1700000000,"TOTP":false,"SAML":false,"OAuth":{"google":true},"webauthn":false,"password":true,"#,
    r#""ssoAppIds":[],"editable":true,"SCIM":false,"push":false,"permissions":[],"OIDC":false,"#,
    r#""consentExpiration":0,"recoveryEmail":"","verifiedRecoveryEmail":false,"recoveryPhone":"","#,
    r#""verifiedRecoveryPhone":false}"#,
);

/// The header of [`write_csv_row`].
pub(crate) const CSV_HEADER: &str = "loginId,phone,verified";

/// The login ID of the user with a number.
pub(crate) fn login_id(user: u64) -> String {
    format!("user{user}@example.com")
}

/// The n-th phone number: in use by its plan, and unlike every other one below 16 million.
pub(crate) fn phone(n: u64) -> String {
    let area = if n < 8_000_000 { 212 } else { 415 };
    format!("+1{area}{}", 2_000_000 + n % 8_000_000)
}

/// A row as CSV: the user gets the phone number with the row's number.
pub(crate) fn write_csv_row(out: &mut impl Write, user: u64, row: u64) -> io::Result<()> {
    writeln!(out, "{},{},true", login_id(user), phone(row))
}

/// Rows in an order in which a run may finish them: each at most 95 places from where it was read.
pub(crate) fn finishing_order<T>(mut rows: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    const TOGETHER: usize = 96;
    let mut random = fastrand::Rng::with_seed(1);
    std::iter::from_fn(move || {
        let mut some: Vec<T> = rows.by_ref().take(TOGETHER).collect();
        random.shuffle(&mut some);
        (!some.is_empty()).then_some(some)
    })
    .flatten()
}

/// A row that the server has updated, with the user that it returned.
pub(crate) fn updated(record: Record, user: Option<&str>) -> Finished {
    let user = user.map(|user| RawValue::from_string(user.to_owned()).expect("it is JSON"));
    Finished {
        login_id: Some(login_id(record.position.row)),
        record,
        operation: Operation::named("phone"),
        changes: Changes::new(),
        outcome: Outcome {
            status: Status::Updated,
            attempts: 1,
            http_status: Some(200),
            duration: Duration::from_millis(31),
            finished_at: Timestamp::UNIX_EPOCH,
            user,
            merged: None,
            error: None,
            requests: Vec::new(),
        },
        notes: None,
    }
}
