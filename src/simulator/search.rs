//! Search: which users fit a body's filters, in which order, and which page of them
//! (API reference, section 4).
//!
//! Not looked at: `selectedColumns`, `includeSubTenants` and `tenantRoleIds`. An empty list is no
//! filter. Sign-in methods that the simulator does not have fit `false` only.

use serde_json::Value;

use super::fields::{Fields, texts};
use super::problem::Problem;
use super::users::{User, canonical, phone};
use super::visible::Visible;

/// Users a page holds, by default and at most.
const PAGE: usize = 100;

/// Which kinds of users a listing holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tests {
    Without,
    With,
    Only,
}

/// Where a listing begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Page {
    skip: usize,
    limit: usize,
}

impl Page {
    /// The limit is 100 at most, and 100 when it is 0; a positive offset wins over the page.
    fn read(fields: &Fields) -> Result<Self, Problem> {
        let number = |name| match fields.integer(name)?.unwrap_or(0) {
            n if n < 0 => Err(Problem::invalid(format!("{name} is negative"))),
            n => Ok(usize::try_from(n).unwrap_or(usize::MAX)),
        };
        let (limit, page, offset) = (number("limit")?, number("page")?, number("offset")?);
        let limit = if limit == 0 { PAGE } else { limit.min(PAGE) };
        let skip = if offset > 0 { offset } else { page.saturating_mul(limit) };
        Ok(Self { skip, limit })
    }
}

/// A condition on a user and its user ID.
type Filter<'a> = Box<dyn Fn(&User, &str) -> bool + 'a>;

/// One key of the order: a field's name, and whether it is turned round.
type SortKey<'a> = (&'a str, bool);

/// Login IDs and user IDs.
type Named<'a> = (Vec<&'a str>, Vec<&'a str>);

/// A flag of a user.
type Flag = fn(&User) -> bool;

/// A time of a user, in seconds since 1970.
type Time = fn(&User) -> u32;

/// A page of the users that fit, as the answer's body: `{"users":[…],"total":n}`.
pub(super) fn search(
    visible: &Visible<'_>,
    fields: &Fields,
    tests_only: bool,
) -> Result<String, Problem> {
    let page = Page::read(fields)?;
    let tests = if tests_only || fields.flag("testUsersOnly")? == Some(true) {
        Tests::Only
    } else if fields.flag("withTestUser")? == Some(true) {
        Tests::With
    } else {
        Tests::Without
    };
    let filters = filters(fields)?;
    let order = order(fields)?;
    let named = named(fields)?;
    if filters.is_empty() && order.is_empty() && tests != Tests::Only && visible.is_plain() {
        let total = visible.end();
        let start = u32::try_from(page.skip).unwrap_or(u32::MAX).min(total);
        let end = start.saturating_add(PAGE_U32.min(u32::try_from(page.limit).unwrap_or(PAGE_U32)));
        return Ok(listing(visible, start..end.min(total), total as usize));
    }
    let fits = |number: &u32| {
        visible.get(*number).is_some_and(|user| {
            let kind = match tests {
                Tests::Without => !user.test,
                Tests::With => true,
                Tests::Only => user.test,
            };
            kind && (filters.is_empty() || {
                let user_id = visible.user_id(*number);
                filters.iter().all(|filter| filter(user, &user_id))
            })
        })
    };
    let mut found: Vec<u32> = match named {
        Some((login_ids, user_ids)) => {
            let candidates = visible.candidates(&login_ids, &user_ids);
            candidates.into_iter().filter(fits).collect()
        }
        None => (0..visible.end()).filter(fits).collect(),
    };
    if !order.is_empty() {
        sort(&mut found, visible, &order);
    }
    let total = found.len();
    let page = found.into_iter().skip(page.skip).take(page.limit);
    Ok(listing(visible, page, total))
}

const PAGE_U32: u32 = 100;

fn listing(visible: &Visible<'_>, numbers: impl Iterator<Item = u32>, total: usize) -> String {
    let users: Vec<String> = numbers.filter_map(|number| visible.show(number)).collect();
    format!("{{\"users\":[{}],\"total\":{total}}}", users.join(","))
}

/// The login IDs and user IDs that a search is confined to, if it is, for the index to look up.
fn named(fields: &Fields) -> Result<Option<Named<'_>>, Problem> {
    let mut login_ids = fields.list("loginIds")?.unwrap_or_default();
    login_ids.extend(fields.text("loginId")?.filter(|id| !id.is_empty()));
    let user_ids = fields.list("userIds")?.unwrap_or_default();
    let confined = !login_ids.is_empty() || !user_ids.is_empty();
    Ok(confined.then_some((login_ids, user_ids)))
}

fn filters(fields: &Fields) -> Result<Vec<Filter<'_>>, Problem> {
    let mut filters: Vec<Filter<'_>> = Vec::new();
    by_name(fields, &mut filters)?;
    by_flag(fields, &mut filters)?;
    by_membership(fields, &mut filters)?;
    by_time(fields, &mut filters)?;
    Ok(filters)
}

/// A list that filters: not an empty one.
fn wanted<'a>(fields: &'a Fields, name: &str) -> Result<Option<Vec<&'a str>>, Problem> {
    Ok(fields.list(name)?.filter(|list| !list.is_empty()))
}

fn by_name<'a>(fields: &'a Fields, filters: &mut Vec<Filter<'a>>) -> Result<(), Problem> {
    if let Some((login_ids, _)) = named(fields)?.filter(|(login_ids, _)| !login_ids.is_empty()) {
        let wanted: Vec<_> = login_ids.into_iter().map(canonical).collect();
        filters.push(Box::new(move |user, _| {
            wanted.iter().any(|login_id| user.has_login_id(login_id))
        }));
    }
    if let Some(ids) = wanted(fields, "userIds")? {
        filters.push(Box::new(move |_, user_id| ids.contains(&user_id)));
    }
    if let Some(emails) = wanted(fields, "emails")? {
        filters.push(Box::new(move |user, _| emails.contains(&user.email())));
    }
    if let Some(emails) = wanted(fields, "recoveryEmails")? {
        filters.push(Box::new(move |user, _| emails.contains(&&*user.details().recovery_email)));
    }
    let numbers = |name| -> Result<Option<Vec<String>>, Problem> {
        let list = wanted(fields, name)?;
        Ok(list.map(|list| list.into_iter().map(|n| phone(n).unwrap_or(n.into())).collect()))
    };
    if let Some(phones) = numbers("phones")? {
        filters.push(Box::new(move |user, _| phones.iter().any(|n| **n == *user.phone)));
    }
    if let Some(phones) = numbers("recoveryPhones")? {
        filters.push(Box::new(move |user, _| {
            phones.iter().any(|n| **n == *user.details().recovery_phone)
        }));
    }
    if let Some(text) = fields.text("text")?.filter(|text| !text.is_empty()) {
        let text = text.to_lowercase();
        filters.push(Box::new(move |user, _| {
            let texts = user.login_ids.iter().map(|id| &**id);
            texts
                .chain([&*user.name, user.email(), &*user.phone])
                .any(|have| have.to_lowercase().contains(&text))
        }));
    }
    Ok(())
}

fn by_flag<'a>(fields: &'a Fields, filters: &mut Vec<Filter<'a>>) -> Result<(), Problem> {
    let flags: [(&str, Flag); 8] = [
        ("verifiedEmail", |user| user.verified_email),
        ("verifiedPhone", |user| user.verified_phone),
        ("verifiedRecoveryEmail", |user| user.details().verified_recovery_email),
        ("verifiedRecoveryPhone", |user| user.details().verified_recovery_phone),
        ("password", |user| user.password),
        ("totp", |user| user.credentials().totp),
        ("webauthn", |user| !user.credentials().passkeys.is_empty()),
        ("scim", |_| false),
    ];
    for (name, flag) in flags {
        if let Some(wanted) = fields.flag(name)? {
            filters.push(Box::new(move |user, _| flag(user) == wanted));
        }
    }
    for name in ["ssoOnly", "scimOnly"] {
        if fields.flag(name)? == Some(true) {
            filters.push(Box::new(|_, _| false));
        }
    }
    if let Some(statuses) = wanted(fields, "statuses")? {
        filters.push(Box::new(move |user, _| statuses.contains(&user.status.name())));
    }
    Ok(())
}

fn by_membership<'a>(fields: &'a Fields, filters: &mut Vec<Filter<'a>>) -> Result<(), Problem> {
    if let Some(tenants) = wanted(fields, "tenantIds")? {
        filters.push(Box::new(move |user, _| {
            let mut mine = user.details().tenants.iter();
            mine.any(|tenant| tenants.contains(&&*tenant.id))
        }));
    }
    if let Some(roles) = wanted(fields, "roleNames")? {
        filters.push(Box::new(move |user, _| {
            let mut mine = user.details().roles.iter();
            mine.any(|role| roles.contains(&&**role))
        }));
    }
    if let Some(apps) = wanted(fields, "ssoAppIds")? {
        filters.push(Box::new(move |user, _| {
            let mut mine = user.details().sso_apps.iter();
            mine.any(|app| apps.contains(&&**app))
        }));
    }
    if let Some(families) = wanted(fields, "familyIds")? {
        filters.push(Box::new(move |user, _| {
            let mut mine = user.credentials().families.iter();
            mine.any(|family| families.contains(&&*family.id))
        }));
    }
    for (key, value) in fields.object("customAttributes")?.into_iter().flatten() {
        filters.push(Box::new(move |user, _| {
            let mine = user.details().attributes.get(key);
            mine.is_some_and(|mine| mine == value || is_one_of(mine, value))
        }));
    }
    for (tenant_id, wanted) in fields.object("tenantRoleNames")?.into_iter().flatten() {
        let roles = wanted.get("values").and_then(texts).unwrap_or_default();
        let all = wanted.get("and").and_then(Value::as_bool).unwrap_or(false);
        filters.push(Box::new(move |user, _| {
            let mut tenants = user.details().tenants.iter();
            let tenant = tenants.find(|tenant| *tenant.id == **tenant_id);
            tenant.is_some_and(|tenant| {
                let has = |role: &&str| tenant.roles.iter().any(|mine| **mine == **role);
                if all { roles.iter().all(has) } else { roles.iter().any(has) }
            })
        }));
    }
    Ok(())
}

fn is_one_of(mine: &Value, wanted: &Value) -> bool {
    wanted.as_array().is_some_and(|wanted| wanted.contains(mine))
}

/// Times are in milliseconds since 1970 in the body, in seconds on the user.
fn by_time<'a>(fields: &'a Fields, filters: &mut Vec<Filter<'a>>) -> Result<(), Problem> {
    let times: [(&str, &str, Time); 2] = [
        ("fromCreatedTime", "toCreatedTime", |user| user.created),
        ("fromModifiedTime", "toModifiedTime", |user| user.modified),
    ];
    for (from, to, time) in times {
        if let Some(from) = fields.integer(from)?.filter(|ms| *ms != 0) {
            filters.push(Box::new(move |user, _| i64::from(time(user)) * 1000 >= from));
        }
        if let Some(to) = fields.integer(to)?.filter(|ms| *ms != 0) {
            filters.push(Box::new(move |user, _| i64::from(time(user)) * 1000 <= to));
        }
    }
    Ok(())
}

fn order(fields: &Fields) -> Result<Vec<SortKey<'_>>, Problem> {
    let keys = fields.array("sort")?.into_iter().flatten();
    keys.map(|key| {
        let field = key.get("field").and_then(Value::as_str);
        let field = field.ok_or_else(|| Problem::missing("sort.field"))?;
        let known = text_of(field).is_some() || time_of(field).is_some();
        if !known {
            return Err(Problem::invalid(format!("Users cannot be sorted by {field}")));
        }
        Ok((field, key.get("desc").and_then(Value::as_bool) == Some(true)))
    })
    .collect()
}

fn text_of(field: &str) -> Option<fn(&User) -> &str> {
    Some(match field {
        "email" => |user| user.email(),
        "phone" => |user| &user.phone,
        "name" | "displayName" => |user| &user.name,
        "givenName" => |user| &user.details().given_name,
        "familyName" => |user| &user.details().family_name,
        "status" => |user| user.status.name(),
        "loginId" | "loginIds" => |user| user.login_ids.first().map_or("", |id| id),
        _ => return None,
    })
}

fn time_of(field: &str) -> Option<Time> {
    Some(match field {
        "createdTime" | "created" => |user| user.created,
        "modifiedTime" | "modified" => |user| user.modified,
        _ => return None,
    })
}

/// Users that are equal stay in the order of their creation.
fn sort(found: &mut [u32], visible: &Visible<'_>, order: &[SortKey<'_>]) {
    found.sort_by(|left, right| {
        let (Some(left), Some(right)) = (visible.get(*left), visible.get(*right)) else {
            return std::cmp::Ordering::Equal;
        };
        let compared = order.iter().map(|(field, descending)| {
            let ordering = match (text_of(field), time_of(field)) {
                (Some(text), _) => text(left).cmp(text(right)),
                (None, Some(time)) => time(left).cmp(&time(right)),
                (None, None) => std::cmp::Ordering::Equal,
            };
            if *descending { ordering.reverse() } else { ordering }
        });
        compared.into_iter().find(|ordering| ordering.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
}
