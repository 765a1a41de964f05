//! Roles and tenants that rows name: those that the project lacks are told before anything is sent.
//!
//! Each list is read once, when the first row names one of its kind. What rows take away is not looked
//! at.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::row::PlanOutcome;
use crate::api::transport::ReadWire;
use crate::catalog::ProjectList;
use crate::change::{Action, Change, Subject, Value};
use crate::exit::Error;
use crate::read::Listing;
use crate::requester::Requester;
use crate::rows::{Instruction, likeliest};
use crate::stop::Stop;

/// The roles and tenants of a project, as far as rows have asked for them.
#[derive(Debug, Default)]
pub(super) struct NamedThings {
    roles: ListState<Vec<ProjectRole>>,
    /// Names by IDs.
    tenants: ListState<BTreeMap<String, Option<String>>>,
}

/// A list that is read when it is needed.
#[derive(Debug, Default)]
enum ListState<T> {
    #[default]
    NotYet,
    /// The server does not give it: why.
    Refused(String),
    Known(T),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProjectRole {
    name: String,
    /// The tenant that it is of; empty for one of the project.
    #[serde(default)]
    tenant_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ProjectTenant {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

/// What a row gives its user.
#[derive(Debug, Default, PartialEq, Eq)]
struct Given {
    /// Roles, with the tenant where they hold.
    roles: BTreeSet<(Option<String>, String)>,
    tenants: BTreeSet<String>,
}

impl Given {
    fn of(changes: &[Change]) -> Self {
        let mut given = Self::default();
        for change in changes {
            let (Action::Set(value) | Action::Add(value)) = &change.action else { continue };
            match (&change.subject, value) {
                (Subject::Roles(tenant), value) => {
                    let tenant = tenant.as_deref().filter(|tenant| !tenant.is_empty());
                    given.tenants.extend(tenant.map(str::to_owned));
                    given.add_roles(tenant, &texts(value));
                }
                (Subject::Tenants, Value::Tenants(tenants)) => {
                    for tenant in tenants {
                        given.tenants.insert(tenant.tenant_id.clone());
                        let roles = tenant.role_names.as_deref().unwrap_or_default();
                        given.add_roles(Some(&tenant.tenant_id), roles);
                    }
                }
                (Subject::Tenants, value) => given.tenants.extend(texts(value)),
                _ => {}
            }
        }
        given
    }

    fn add_roles(&mut self, tenant: Option<&str>, roles: &[String]) {
        let of_tenant = |role: &String| (tenant.map(str::to_owned), role.clone());
        self.roles.extend(roles.iter().map(of_tenant));
    }
}

fn texts(value: &Value<'_>) -> Vec<String> {
    match value {
        Value::Text(text) if text.is_empty() => Vec::new(),
        Value::Text(text) => vec![text.to_string()],
        Value::List(items) => items.clone(),
        Value::Boolean(_) | Value::Tenants(_) | Value::Json(_) => Vec::new(),
    }
}

impl NamedThings {
    /// Why a row would be sent in vain: it gives its user a role or a tenant that the project lacks.
    pub(super) async fn refuse<W: ReadWire>(
        &mut self,
        instruction: &Instruction,
        requester: &Requester<W>,
        stop: &Stop,
    ) -> Result<Option<PlanOutcome>, Error> {
        let given = Given::of(&instruction.changes);
        if !given.tenants.is_empty() && matches!(self.tenants, ListState::NotYet) {
            let list: ListState<Tenants> = read(ProjectList::Tenants, requester, stop).await?;
            self.tenants = list.map(|list| {
                let tenants = list.tenants.unwrap_or_default().into_iter();
                tenants.map(|own| (own.id, own.name)).collect()
            });
        }
        if !given.roles.is_empty() && matches!(self.roles, ListState::NotYet) {
            self.roles = read(ProjectList::Roles, requester, stop)
                .await?
                .map(|list: Roles| list.roles.unwrap_or_default());
        }
        Ok(self.unknown(&given))
    }

    /// What a row gives that the project lacks.
    fn unknown(&self, given: &Given) -> Option<PlanOutcome> {
        if let ListState::Known(tenants) = &self.tenants
            && let Some(id) = given.tenants.iter().find(|id| !tenants.contains_key(*id))
        {
            return Some(PlanOutcome::Refused {
                status: "unknown_tenant",
                why: unknown_tenant(id, tenants),
            });
        }
        let ListState::Known(roles) = &self.roles else { return None };
        let holds = |role: &ProjectRole, tenant: Option<&str>| {
            let of = role.tenant_id.as_deref().filter(|of| !of.is_empty());
            of.is_none() || of == tenant
        };
        let is_unknown = |(tenant, name): &&(Option<String>, String)| {
            !roles.iter().any(|own| own.name == *name && holds(own, tenant.as_deref()))
        };
        let (tenant, name) = given.roles.iter().find(is_unknown)?;
        let known = roles.iter().filter(|own| holds(own, tenant.as_deref()));
        let nearest = likeliest(known.map(|own| own.name.as_str()), name);
        let elsewhere = match roles.iter().find(|own| own.name == *name) {
            Some(own) => {
                let tenant = own.tenant_id.as_deref().unwrap_or_default();
                format!("; it is a role of the tenant {tenant} only")
            }
            None => nearest,
        };
        let why = format!("the project has no role {name}{elsewhere}");
        Some(PlanOutcome::Refused { status: "unknown_role", why })
    }

    /// What could not be read, and why.
    pub(super) fn unchecked(&self) -> Vec<(&'static str, &str)> {
        let lists = [("roles", self.roles.refused()), ("tenants", self.tenants.refused())];
        lists.into_iter().filter_map(|(word, why)| Some((word, why?))).collect()
    }
}

fn unknown_tenant(id: &str, tenants: &BTreeMap<String, Option<String>>) -> String {
    /// Of more, looking for what is nearest would take longer than it is worth, for each row.
    const MOST: usize = 10_000;
    let by_name = tenants.iter().find(|(_, name)| name.as_deref() == Some(id));
    let hint = match by_name {
        Some((own, _)) => format!("; it is the name of the tenant {own}: write its ID"),
        None if tenants.len() > MOST => String::new(),
        None => likeliest(tenants.keys().map(String::as_str), id),
    };
    format!("the project has no tenant {id}{hint}")
}

#[derive(Deserialize)]
struct Roles {
    roles: Option<Vec<ProjectRole>>,
}

#[derive(Deserialize)]
struct Tenants {
    tenants: Option<Vec<ProjectTenant>>,
}

impl<T> ListState<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> ListState<U> {
        match self {
            Self::NotYet => ListState::NotYet,
            Self::Refused(why) => ListState::Refused(why),
            Self::Known(list) => ListState::Known(change(list)),
        }
    }

    fn refused(&self) -> Option<&str> {
        match self {
            Self::Refused(why) => Some(why),
            Self::NotYet | Self::Known(_) => None,
        }
    }
}

async fn read<W: ReadWire, T: for<'de> Deserialize<'de>>(
    list: ProjectList,
    requester: &Requester<W>,
    stop: &Stop,
) -> Result<ListState<T>, Error> {
    let what = list.operation().name;
    match requester.list(list, stop).await {
        None => {
            let why = stop.reason().map_or_else(|| "stopped".to_owned(), |why| why.to_string());
            Err(Error::Stopped(format!("{why}; nothing was changed, and no plan was written")))
        }
        Some(Listing::Failed(why)) => Err(Error::Stopped(format!(
            "the project's {what} cannot be read: {why}; a plan must know them: make it again"
        ))),
        Some(Listing::Refused(why)) => Ok(ListState::Refused(why)),
        Some(Listing::Read(answer)) => Ok(match serde_json::from_str(answer.get()) {
            Ok(list) => ListState::Known(list),
            Err(_) => ListState::Refused(format!("the answer is not a list of {what}")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Tenant;

    fn known() -> NamedThings {
        let role = |name: &str, tenant: &str| ProjectRole {
            name: name.into(),
            tenant_id: Some(tenant.to_owned()),
        };
        let tenant = |id: &str, name: &str| (id.to_owned(), Some(name.to_owned()));
        NamedThings {
            roles: ListState::Known(vec![role("editor", ""), role("owner", "T1")]),
            tenants: ListState::Known([tenant("T1", "Acme"), tenant("T-second", "Other")].into()),
        }
    }

    fn of(changes: &[Change]) -> Option<(&'static str, String)> {
        match known().unknown(&Given::of(changes)) {
            Some(PlanOutcome::Refused { status, why }) => Some((status, why)),
            _ => None,
        }
    }

    fn roles(tenant: Option<&str>, names: &[&str]) -> Change {
        let names = names.iter().map(ToString::to_string).collect();
        Change {
            subject: Subject::Roles(tenant.map(Into::into)),
            action: Action::Add(Value::List(names)),
        }
    }

    fn tenants(tenants: Vec<Tenant>) -> Change {
        Change::set(Subject::Tenants, Value::Tenants(tenants))
    }

    #[test]
    fn what_the_project_lacks_is_told_with_what_is_nearest() {
        for (change, expected) in [
            (roles(None, &["editor"]), None),
            (roles(None, &[]), None),
            (
                roles(None, &["editor", "edtor"]),
                Some(("unknown_role", "the project has no role edtor; did you mean editor?")),
            ),
            (
                roles(None, &["owner"]),
                Some((
                    "unknown_role",
                    "the project has no role owner; it is a role of the tenant T1 only",
                )),
            ),
            (roles(Some("T1"), &["owner", "editor"]), None),
            (
                roles(Some("T-second"), &["owner"]),
                Some((
                    "unknown_role",
                    "the project has no role owner; it is a role of the tenant T1 only",
                )),
            ),
            (
                roles(Some("T9"), &["editor"]),
                Some(("unknown_tenant", "the project has no tenant T9")),
            ),
            (
                tenants(vec![Tenant::of("T1"), Tenant::of("T-secnd")]),
                Some((
                    "unknown_tenant",
                    "the project has no tenant T-secnd; did you mean T-second?",
                )),
            ),
            (
                tenants(vec![Tenant::of("Acme")]),
                Some((
                    "unknown_tenant",
                    "the project has no tenant Acme; it is the name of the tenant T1: write its ID",
                )),
            ),
            (
                tenants(vec![Tenant::of("T1").with_roles(vec!["Editor".into()])]),
                Some(("unknown_role", "the project has no role Editor; did you mean editor?")),
            ),
        ] {
            let told = of(std::slice::from_ref(&change));
            let told = told.as_ref().map(|(status, why)| (*status, why.as_str()));
            assert_eq!(told, expected, "{change:?}");
        }
    }

    #[test]
    fn what_is_taken_away_is_not_looked_at() {
        let names = Value::List(vec!["gone".into()]);
        let change = Change { subject: Subject::Roles(None), action: Action::Remove(names) };
        assert_eq!(Given::of(&[change]), Given::default());
        let change =
            Change { subject: Subject::Tenants, action: Action::Remove(Value::Text("T9".into())) };
        assert_eq!(Given::of(&[change]), Given::default());
    }
}
