//! `operations`: prints the catalogue.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::{Value, json};

use crate::catalog::{Empty, Field, Kind, Need, OPERATIONS, Operation, RateClass};
use crate::exit::{Error, Exit};
use crate::settings::cli::operations::{Form, OperationsArgs};

/// Prints the operations that were named, or all of them.
pub(super) fn run(args: &OperationsArgs) -> Result<Exit, Error> {
    let named: Vec<&Operation> =
        args.names.iter().map(|name| find(name)).collect::<Result<_, _>>()?;
    let all = named.is_empty();
    let operations: Vec<&Operation> = if all { OPERATIONS.iter().collect() } else { named };
    let text = match args.format {
        Form::Text if all => overview(&operations),
        Form::Text => operations.iter().map(|operation| detail(operation)).collect(),
        Form::Json => json_of(&operations),
        Form::Markdown => markdown(&operations),
    };
    // A closed stdout has read enough.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(Exit::Success)
}

fn find(name: &str) -> Result<&'static Operation, Error> {
    Operation::named(name).ok_or_else(|| {
        Error::refused(format!(
            "there is no operation {name}; `descope-bulk operations` lists them"
        ))
    })
}

fn overview(operations: &[&Operation]) -> String {
    let mut text = String::new();
    for operation in operations {
        let fields: Vec<_> =
            operation.fields.iter().skip(1).map(|field| short(operation, field)).collect();
        let fields = if fields.is_empty() { "-".to_owned() } else { fields.join(", ") };
        let _ =
            writeln!(text, "{:<24}{}\n{:24}fields: {fields}", operation.name, operation.about, "");
    }
    text.push_str(
        "\nEvery row names the user in loginId. [optional]  `descope-bulk operations NAME` shows more.\n",
    );
    text
}

fn short(operation: &Operation, field: &Field) -> String {
    match field.need {
        Need::Optional if operation.contact_of_flag(field).is_none() => {
            format!("[{}]", field.name)
        }
        Need::Optional | Need::Required => field.name.to_owned(),
    }
}

fn detail(operation: &Operation) -> String {
    let mut text = format!(
        "{}: {}\n  {} {}\n  limit: {}\n  {}\n",
        operation.name,
        operation.about,
        operation.method.as_str(),
        operation.path,
        limit(operation),
        idempotent(operation),
    );
    if let Some(why) = operation.destructive {
        let _ = writeln!(text, "  needs --allow-destructive: {why}");
    }
    for field in operation.fields {
        let _ = writeln!(
            text,
            "\n  {} ({}, {})\n    {}\n    {}",
            names(field, ", or "),
            field.kind.type_name(),
            need(operation, field),
            field.about,
            empty(field),
        );
    }
    text.push('\n');
    text
}

fn names(field: &Field, between: &str) -> String {
    let names: Vec<_> = std::iter::once(&field.name).chain(field.aliases).copied().collect();
    names.join(between)
}

fn need(operation: &Operation, field: &Field) -> String {
    match (field.need, operation.contact_of_flag(field)) {
        (Need::Required, _) => "required".to_owned(),
        (Need::Optional, Some(contact)) => {
            format!("required with {}", operation.fields[contact].name)
        }
        (Need::Optional, None) => "optional".to_owned(),
    }
}

fn empty(field: &Field) -> String {
    match (field.empty, field.kind) {
        (Empty::Refused, _) => "an empty value is refused".to_owned(),
        (Empty::Clears, Kind::List) => "an empty list removes all".to_owned(),
        (Empty::Clears, _) => "an explicit empty value removes it".to_owned(),
        (Empty::Opens(why), _) => format!("an empty list needs --allow-destructive: {why}"),
    }
}

fn idempotent(operation: &Operation) -> &'static str {
    if operation.is_idempotent() {
        "idempotent: sent again after a lost answer"
    } else {
        "not idempotent: never sent again after a lost answer"
    }
}

fn limit(operation: &Operation) -> String {
    let one = |class: RateClass| {
        let (requests, window) = class.documented_limit();
        format!("{} {requests} in {} s", class.name(), window.as_secs())
    };
    match operation.rate_class {
        RateClass::Users => one(RateClass::Users),
        lower => format!("{}, and {}", one(lower), one(RateClass::Users)),
    }
}

fn json_of(operations: &[&Operation]) -> String {
    let field = |operation: &Operation, field: &Field| {
        json!({
            "name": field.name,
            "aliases": field.aliases,
            "type": field.kind.type_name(),
            "need": need(operation, field),
            "empty": empty(field),
            "about": field.about,
        })
    };
    let list: Vec<Value> = operations
        .iter()
        .map(|operation| {
            json!({
                "name": operation.name,
                "about": operation.about,
                "method": operation.method.as_str(),
                "path": operation.path,
                "idempotent": operation.is_idempotent(),
                "destructive": operation.destructive,
                "limit": limit(operation),
                "fields": operation.fields.iter().map(|own| field(operation, own)).collect::<Vec<_>>(),
            })
        })
        .collect();
    format!("{:#}\n", Value::from(list))
}

fn markdown(operations: &[&Operation]) -> String {
    let mut text = String::from(
        "# Operations\n\n\
         <!-- Made by `descope-bulk operations --format markdown`; a test keeps it so. -->\n\n\
         What can be done to a user, one row at a time. A row's operation is the one in its column\n\
         `operation`, else the one of `--operation NAME`, else the one that the columns fit. Column names\n\
         are read without regard to case, spaces, `_` and `-`.\n\n\
         A blank cell sends nothing. To remove a value, say so: `--blank clear`, or `\"\"` in a JSON row.\n\n\
         | operation | what it does | fields besides `loginId` |\n| --- | --- | --- |\n",
    );
    for operation in operations {
        let fields: Vec<_> =
            operation.fields.iter().skip(1).map(|field| short(operation, field)).collect();
        let _ = writeln!(
            text,
            "| [`{0}`](#{1}) | {2} | {3} |",
            operation.name,
            operation.name.to_lowercase(),
            operation.about,
            fields.join(", ")
        );
    }
    for operation in operations {
        let _ = write!(
            text,
            "\n## {}\n\n{} {}.\n\n`{} {}`; limit: {}.\n\n| field | other names | type | needed | empty | what |\n| --- | --- | --- | --- | --- | --- |\n",
            operation.name,
            operation.about,
            sentence(idempotent(operation)),
            operation.method.as_str(),
            operation.path,
            limit(operation),
        );
        for field in operation.fields {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} | {} |",
                field.name,
                field.aliases.join(", "),
                field.kind.type_name(),
                need(operation, field),
                empty(field),
                field.about
            );
        }
        if let Some(why) = operation.destructive {
            let _ = writeln!(text, "\nNeeds `--allow-destructive`: {why}.");
        }
    }
    text
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
