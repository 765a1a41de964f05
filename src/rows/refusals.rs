//! Refusals of columns and operations, in words: what is wrong with a header or a row's own columns.

use crate::catalog::{
    Effect, Field, Kind, OPERATIONS, Operation, OperationKind, PASSWORD_KEY, Role, is_user_id,
    normalize,
};
use crate::change::Value;
use crate::exit::Error;
use crate::input::record::Source;
use crate::issue::Issue;
use crate::shell::quoted;

use super::assemble::Values;
use super::mapping::{Batching, FLAG, Mapping, OnConflict};

/// How many names a message lists.
pub(super) const LISTED: usize = 20;

/// The refusal of a file for its header.
pub(super) fn refusal(source: &Source, problem: &Issue) -> Error {
    let column =
        problem.place.as_ref().map(|column| format!(" column {column}:")).unwrap_or_default();
    let hint = problem.hint.as_ref().map(|hint| format!("\n  {hint}")).unwrap_or_default();
    let (file, line) = (&source.name, source.header_line);
    Error::refused(format!("{file}:{line}:{column} {}{hint}", problem.message))
}

/// A value in a column without a name.
pub(super) fn unnamed(index: usize) -> Issue {
    let what = format!("column {} holds something, but the header has no name for it", index + 1);
    Issue::error("wrong_field_count", what)
        .hint("name the column in the header, or omit all such columns with --ignore \"\"")
}

pub(super) fn unknown_column(name: &str) -> Issue {
    Issue::error("unknown_field", format!("no operation has a field {name}{}", nearest(name)))
        .at(name)
        .hint(format!(
            "name its field with {}={}, or omit it with {}",
            option("--map", name),
            near_field(name).unwrap_or("FIELD"),
            option("--ignore", name)
        ))
}

/// `; did you mean …?` with the field whose name is nearest, if one is near.
pub(super) fn nearest(name: &str) -> String {
    did_you_mean(near_field(name))
}

/// The field whose name is nearest, if one is near; or the contact that a name ends with, such as
/// `Cell phone`.
pub(super) fn near_field(name: &str) -> Option<&'static str> {
    let fields = || OPERATIONS.iter().flat_map(|operation| operation.fields);
    let wanted = normalize(name);
    let contact = |field: &&Field| {
        matches!(field.kind, Kind::Phone | Kind::Email) && wanted.ends_with(&normalize(field.name))
    };
    near(fields().map(|field| field.name), name)
        .or_else(|| fields().find(contact).map(|field| field.name))
}

/// `; did you mean …?` with the name that is nearest, if one is near.
pub(crate) fn likeliest<'a>(names: impl Iterator<Item = &'a str>, name: &str) -> String {
    did_you_mean(near(names, name))
}

fn did_you_mean(name: Option<&str>) -> String {
    name.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

fn near<'a>(names: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    const NEAR: f64 = 0.8;
    let wanted = normalize(name);
    names
        .map(|known| (strsim::jaro_winkler(&normalize(known), &wanted), known))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

pub(super) fn not_a_field(operation: &Operation, name: &str) -> Issue {
    let fields: Vec<_> = operation.fields.iter().map(|field| field.name).collect();
    Issue::error(
        "unknown_field",
        format!("{name} is not a field of {}, which takes {}", operation.name, fields.join(", ")),
    )
    .at(name)
    .hint(if normalize(name) == FLAG {
        format!("say which value it is the flag of: --map {name:?}=verifiedPhone, or verifiedEmail")
    } else {
        format!("omit it with {}, or choose another operation", option("--ignore", name))
    })
}

/// The same of several columns, which are told at once.
pub(super) fn not_fields(operation: &Operation, names: &[&String]) -> Issue {
    let fields: Vec<_> = operation.fields.iter().map(|field| field.name).collect();
    let list: Vec<String> = names.iter().take(LISTED).map(|name| format!("{name:?}")).collect();
    let (list, fields) = (list.join(", "), fields.join(", "));
    let message = format!("not fields of {}, which takes {fields}: {list}", operation.name);
    let ignore = options("--ignore", names);
    Issue::error("unknown_field", message)
        .hint(format!("omit them with {ignore}, or choose another operation"))
}

/// What to do about columns that no operation knows, in one line to be pasted: those with a likely
/// field are mapped to it, the others left out.
pub(super) fn settling(names: &[&String]) -> String {
    if !names.iter().any(|name| near_field(name).is_some()) {
        return format!(
            "omit them with {}, or all such columns with --ignore-unknown; or name the field of each with --map COLUMN=FIELD",
            options("--ignore", names)
        );
    }
    let settled = |name: &&String| match near_field(name) {
        Some(near) => option("--map", &format!("{name}={near}")),
        None => option("--ignore", name),
    };
    let settled: Vec<String> = names.iter().take(LISTED).map(settled).collect();
    format!(
        "if these are the fields that are meant, add {}; otherwise name the field of each with --map COLUMN=FIELD, or omit all such columns with --ignore-unknown",
        settled.join(" ")
    )
}

pub(super) fn unknown_operation(name: &str) -> Issue {
    let best = likeliest(OPERATIONS.iter().map(|operation| operation.name), name);
    Issue::error("unknown_operation", format!("there is no operation {name}{best}"))
        .hint("`descope-bulk operations` lists them")
}

pub(super) fn no_operation() -> Issue {
    Issue::error("no_operation", "the row names no operation")
        .hint("name an operation in the column `operation`, or with --operation")
}

/// Refuses an operation that takes things away wholesale, unless that is allowed.
pub(super) fn check_destructive(operation: &Operation, mapping: &Mapping) -> Result<(), Issue> {
    match operation.destructive {
        Some(why) if !mapping.allow_destructive => {
            let what = format!("{} is destructive: {why}", operation.name);
            let hint = match operation.effect {
                Effect::Replaces => {
                    "patch keeps what is not sent; to allow the removal, use --allow-destructive"
                }
                Effect::Sets | Effect::Adds | Effect::Removes => {
                    "to allow it, use --allow-destructive"
                }
            };
            Err(Issue::error("destructive", what).hint(hint))
        }
        _ => Ok(()),
    }
}

/// What a new user must not have both of, or cannot have as the rows are sent.
pub(super) fn of_new_user(
    operation: &Operation,
    mapping: &Mapping,
    values: &Values<'_>,
) -> Option<Issue> {
    let given = |wanted: &dyn Fn(&Field) -> bool| {
        let mut fields = operation.fields.iter().zip(values);
        fields.find(|(field, value)| value.is_some() && wanted(field)).map(|(field, _)| field)
    };
    let hash = given(&|field| field.kind == Kind::PasswordHash);
    if let (Some(hash), Some(_)) = (hash, given(&|field| field.role == Role::Secret(PASSWORD_KEY)))
    {
        let issue = Issue::error("duplicate_field", "the row has a password and a hashed one");
        return Some(issue.at(hash.name).hint("keep one of them"));
    }
    let is_new = matches!(operation.kind, OperationKind::Create | OperationKind::Upsert);
    if is_new && mapping.on_conflict == OnConflict::Merge {
        let issue = Issue::error("cannot_merge", "nobody is merged into a user who is created");
        return Some(issue.hint("run such rows without --on-conflict merge"));
    }
    if operation.kind == OperationKind::Create
        && let Some(Some(Value::Text(name))) = operation.index_of(Role::User).map(|i| &values[i])
        && is_user_id(name)
    {
        let issue = Issue::error("bad_value", "a new user has no user ID yet; this looks like one");
        return Some(issue.at(operation.fields[0].name).hint("give the login ID to sign in with"));
    }
    let field = given(&|field| field.in_batches_only)?;
    (mapping.batching == Batching::Off).then(|| {
        let message = format!("{} is taken only where users share a request", field.name);
        Issue::error("needs_batch", message).at(field.name).hint("run it without --batch off")
    })
}

/// `left_out` is a column that is left out and may be the flag.
pub(super) fn unstated(field: &Field, value: &str, left_out: Option<&str>) -> Issue {
    let hint = match left_out {
        Some(column) => format!(
            "the column {column:?} is left out; if it is the flag, do not omit it but name it: {}={}",
            option("--map", column),
            field.name
        ),
        None => format!("add a column {0}, or set it for all rows: --set {0}=true", field.name),
    };
    Issue::error(
        "verified_not_stated",
        format!(
            "the file does not say whether the new {value} is verified; a user cannot sign in with an unverified one"
        ),
    )
    .at(field.name)
    .hint(hint)
}

/// An option for each name, as it is typed.
pub(super) fn options(flag: &str, names: &[&String]) -> String {
    let option = |name: &&String| option(flag, name);
    names.iter().take(LISTED).map(option).collect::<Vec<_>>().join(" ")
}

/// An option with a name as its value, which may begin with a hyphen, to be pasted into a shell.
pub(super) fn option(flag: &str, name: &str) -> String {
    let joint = if name.starts_with('-') { '=' } else { ' ' };
    // Between double quotes, which most shells share, these are more than themselves.
    let is_special = |c: char| "\"\\$`!".contains(c) || c.is_control();
    let word = if name.contains(is_special) { quoted(name) } else { format!("\"{name}\"") };
    format!("{flag}{joint}{word}")
}
