//! A user: what is stored of it, and how it is shown (API reference, section 6).
//!
//! Made small: what few users have is in a box that most do without, so a user with a login ID
//! alone takes some 200 bytes with all indexes.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::credentials::Credentials;
use super::project::Project;

/// A membership of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tenant {
    pub(super) id: Box<str>,
    pub(super) roles: Vec<Box<str>>,
}

/// What few users have. An empty text is no value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Details {
    /// The user ID, unless it is the one made of the user's number.
    pub(super) user_id: Box<str>,
    pub(super) given_name: Box<str>,
    pub(super) middle_name: Box<str>,
    pub(super) family_name: Box<str>,
    pub(super) picture: Box<str>,
    pub(super) recovery_email: Box<str>,
    pub(super) recovery_phone: Box<str>,
    pub(super) verified_recovery_email: bool,
    pub(super) verified_recovery_phone: bool,
    pub(super) roles: Vec<Box<str>>,
    pub(super) tenants: Vec<Tenant>,
    pub(super) sso_apps: Vec<Box<str>>,
    pub(super) attributes: Map<String, Value>,
    credentials: Option<Box<Credentials>>,
}

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Status {
    Enabled,
    Disabled,
    /// Until the first sign-in (API reference, 3.5).
    #[default]
    Invited,
    Expired,
}

impl Status {
    /// The status of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Enabled, Self::Disabled, Self::Invited, Self::Expired]
            .into_iter()
            .find(|status| status.name() == name)
    }

    /// The name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Invited => "invited",
            Self::Expired => "expired",
        }
    }
}

/// A user. An empty text is no value.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "the API's user has that many")]
pub(super) struct User {
    /// At least one; phones are normalised.
    pub(super) login_ids: Vec<Arc<str>>,
    /// Often the login ID, and then shared with it.
    pub(super) email: Option<Arc<str>>,
    pub(super) phone: Box<str>,
    pub(super) name: Box<str>,
    details: Option<Box<Details>>,
    /// Seconds since 1970.
    pub(super) created: u32,
    /// Seconds since 1970.
    pub(super) modified: u32,
    pub(super) verified_email: bool,
    pub(super) verified_phone: bool,
    pub(super) status: Status,
    pub(super) test: bool,
    pub(super) password: bool,
    /// Whether a load alone has brought the user up, of whom nobody had heard.
    pub(super) conjured: bool,
}

static NO_DETAILS: LazyLock<Details> = LazyLock::new(Details::default);
static NO_CREDENTIALS: LazyLock<Credentials> = LazyLock::new(Credentials::default);

impl User {
    /// A user of one login ID, with the e-mail address that it may be (API reference, 3.5).
    pub(super) fn named(login_id: &str) -> Self {
        let login_id: Arc<str> = canonical(login_id).into();
        let email = is_email(&login_id).then(|| Arc::clone(&login_id));
        Self {
            verified_email: email.is_some(),
            email,
            login_ids: vec![login_id],
            ..Self::default()
        }
    }

    /// The same user with these login IDs and no values. Credentials are no values: they stay.
    pub(super) fn blank(&self, login_ids: Vec<Arc<str>>) -> Self {
        let mut blank = Self {
            login_ids,
            created: self.created,
            status: self.status,
            test: self.test,
            password: self.password,
            ..Self::default()
        };
        let details = self.details();
        if !details.user_id.is_empty() {
            blank.details_mut().user_id.clone_from(&details.user_id);
        }
        if let Some(credentials) = &details.credentials {
            let kept = Credentials { families: Vec::new(), ..(**credentials).clone() };
            *blank.credentials_mut() = kept;
        }
        blank
    }

    /// What few users have.
    pub(super) fn details(&self) -> &Details {
        self.details.as_deref().unwrap_or(&NO_DETAILS)
    }

    /// The same, to be changed.
    pub(super) fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// Credentials, devices and families.
    pub(super) fn credentials(&self) -> &Credentials {
        self.details().credentials.as_deref().unwrap_or(&NO_CREDENTIALS)
    }

    /// The same, to be changed.
    pub(super) fn credentials_mut(&mut self) -> &mut Credentials {
        self.details_mut().credentials.get_or_insert_default()
    }

    /// The same where there is anything to be taken away.
    pub(super) fn own_credentials(&mut self) -> Option<&mut Credentials> {
        self.details.as_mut()?.credentials.as_deref_mut()
    }

    /// The e-mail address, or nothing.
    pub(super) fn email(&self) -> &str {
        self.email.as_deref().unwrap_or_default()
    }

    /// Sets the e-mail address, sharing the login ID's text where they are the same.
    pub(super) fn set_email(&mut self, email: &str) {
        let shared = self.login_ids.iter().find(|id| &***id == email).cloned();
        self.email = (!email.is_empty()).then(|| shared.unwrap_or_else(|| email.into()));
    }

    /// Whether this is one of its login IDs, in canonical form.
    pub(super) fn has_login_id(&self, login_id: &str) -> bool {
        self.login_ids.iter().any(|id| &**id == login_id)
    }

    /// The tenant of an ID.
    pub(super) fn tenant_mut(&mut self, id: &str) -> Option<&mut Tenant> {
        self.details_mut().tenants.iter_mut().find(|t| &*t.id == id)
    }

    /// Makes the user a member of a tenant, if it is none yet.
    pub(super) fn join(&mut self, id: &str) -> &mut Tenant {
        let tenants = &mut self.details_mut().tenants;
        let index = tenants.iter().position(|tenant| &*tenant.id == id);
        let index = index.unwrap_or_else(|| {
            tenants.push(Tenant { id: id.into(), roles: Vec::new() });
            tenants.len() - 1
        });
        &mut tenants[index]
    }

    /// Takes over what a user has that is merged into this one. What exactly the service takes
    /// over is not documented: here it is login IDs, roles, tenants, and attributes not yet set,
    /// and no credentials.
    pub(super) fn absorb(&mut self, other: User) {
        let theirs = other.details().clone();
        for login_id in other.login_ids {
            if !self.has_login_id(&login_id) {
                self.login_ids.push(login_id);
            }
        }
        if theirs == Details::default() {
            return;
        }
        add(&mut self.details_mut().roles, &theirs.roles);
        for tenant in theirs.tenants {
            add(&mut self.join(&tenant.id).roles, &tenant.roles);
        }
        for (key, value) in theirs.attributes {
            self.details_mut().attributes.entry(key).or_insert(value);
        }
    }

    /// The user as answers show it, with this user ID; the project knows its tenants' names.
    pub(super) fn to_json(&self, user_id: &str, project: &Project) -> String {
        serde_json::to_string(&View::of(self, user_id, project)).unwrap_or_default()
    }
}

/// Adds what is not there yet.
pub(super) fn add<T: AsRef<str>>(list: &mut Vec<Box<str>>, more: &[T]) {
    for item in more {
        if !list.iter().any(|have| **have == *item.as_ref()) {
            list.push(item.as_ref().into());
        }
    }
}

/// Whether a login ID is an e-mail address by its shape: one `@` and a dot behind it.
pub(super) fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && !host.contains('@')
            && host.split('.').filter(|p| !p.is_empty()).count() > 1
    })
}

/// A phone number without separators: `+` and 8 to 15 digits (API reference, section 9).
pub(super) fn phone(text: &str) -> Option<String> {
    let digits = text.trim().strip_prefix('+')?;
    let mut number = String::with_capacity(1 + digits.len());
    number.push('+');
    for c in digits.chars() {
        match c {
            '0'..='9' => number.push(c),
            ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' => {}
            _ => return None,
        }
    }
    (9..=16).contains(&number.len()).then_some(number)
}

/// A login ID as it is stored: a phone number is normalised, everything else is kept.
pub(super) fn canonical(login_id: &str) -> Cow<'_, str> {
    phone(login_id).map_or(Cow::Borrowed(login_id), Cow::Owned)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TenantView<'a> {
    tenant_id: &'a str,
    tenant_name: &'a str,
    role_names: &'a [Box<str>],
    permissions: [&'static str; 0],
}

fn login_ids<S: Serializer>(ids: &[Arc<str>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(|id| &**id))
}

/// The answer's shape, with every key that the reference knows; empty values are present.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the answer has that many")]
struct View<'a> {
    #[serde(serialize_with = "login_ids")]
    login_ids: &'a [Arc<str>],
    user_id: &'a str,
    name: &'a str,
    email: &'a str,
    phone: &'a str,
    verified_email: bool,
    verified_phone: bool,
    role_names: &'a [Box<str>],
    user_tenants: Vec<TenantView<'a>>,
    status: &'static str,
    #[serde(serialize_with = "login_ids")]
    external_ids: &'a [Arc<str>],
    picture: &'a str,
    test: bool,
    custom_attributes: &'a Map<String, Value>,
    created_time: u32,
    modified_time: u32,
    #[serde(rename = "TOTP")]
    totp: bool,
    #[serde(rename = "SAML")]
    saml: bool,
    #[serde(rename = "OIDC")]
    oidc: bool,
    #[serde(rename = "SCIM")]
    scim: bool,
    #[serde(rename = "OAuth")]
    oauth: &'a Map<String, Value>,
    webauthn: bool,
    password: bool,
    push: bool,
    permissions: [&'static str; 0],
    sso_app_ids: &'a [Box<str>],
    given_name: &'a str,
    middle_name: &'a str,
    family_name: &'a str,
    editable: bool,
    recovery_email: &'a str,
    recovery_phone: &'a str,
    verified_recovery_email: bool,
    verified_recovery_phone: bool,
}

impl<'a> View<'a> {
    fn of(user: &'a User, user_id: &'a str, project: &'a Project) -> Self {
        let (details, credentials) = (user.details(), user.credentials());
        let tenants = details.tenants.iter().map(|tenant| TenantView {
            tenant_id: &tenant.id,
            tenant_name: project.tenant(&tenant.id).map_or(&*tenant.id, |own| &own.name),
            role_names: &tenant.roles,
            permissions: [],
        });
        Self {
            login_ids: &user.login_ids,
            user_id,
            name: &user.name,
            email: user.email(),
            phone: &user.phone,
            verified_email: user.verified_email,
            verified_phone: user.verified_phone,
            role_names: &details.roles,
            user_tenants: tenants.collect(),
            status: user.status.name(),
            external_ids: &user.login_ids,
            picture: &details.picture,
            test: user.test,
            custom_attributes: &details.attributes,
            created_time: user.created,
            modified_time: user.modified,
            totp: credentials.totp,
            saml: false,
            oidc: false,
            scim: false,
            oauth: &NO_DETAILS.attributes,
            webauthn: !credentials.passkeys.is_empty(),
            password: user.password,
            push: false,
            permissions: [],
            sso_app_ids: &details.sso_apps,
            given_name: &details.given_name,
            middle_name: &details.middle_name,
            family_name: &details.family_name,
            editable: true,
            recovery_email: &details.recovery_email,
            recovery_phone: &details.recovery_phone,
            verified_recovery_email: details.verified_recovery_email,
            verified_recovery_phone: details.verified_recovery_phone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_lose_their_separators_and_nothing_else() {
        for (text, number) in [
            ("+1-555-555-5555", Some("+15555555555")),
            ("+44 (20) 7946.0958", Some("+442079460958")),
            ("+1234567890", Some("+1234567890")),
            ("+12345678", Some("+12345678")),
            ("+1234567", None),
            ("+1234567890123456", None),
            ("15555555555", None),
            ("+1555x5555555", None),
            ("", None),
        ] {
            assert_eq!(phone(text).as_deref(), number, "{text}");
        }
    }

    #[test]
    fn e_mail_addresses_are_known_by_their_shape() {
        for (text, is) in [
            ("a@example.com", true),
            ("a@b", false),
            ("@example.com", false),
            ("a@b@example.com", false),
            ("+15555555555", false),
        ] {
            assert_eq!(is_email(text), is, "{text}");
        }
    }

    #[test]
    fn a_plain_user_is_small() {
        assert!(size_of::<User>() <= 112, "{}", size_of::<User>());
    }
}
