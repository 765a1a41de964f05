//! Cells: the value that one gives a field, and what is noted of it.

use serde_json::value::RawValue;

use super::Blank;
use crate::catalog::{self, Empty, Field, Kind, Role};
use crate::change::Value;
use crate::input::record::{Notes, Repair};
use crate::issue::{Issue, Severity};
use crate::rows::values::{self, CellReading, Cleaned};

/// A value as a row holds it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    /// A cell of a table.
    Text(&'a str),
    /// A value of a JSON row.
    Json(&'a RawValue),
}

impl<'a> Cell<'a> {
    /// Whether nothing can be seen in it.
    pub(super) fn is_blank(self) -> bool {
        match self {
            Self::Text(text) => values::is_blank(text),
            Self::Json(raw) => raw.get() == "null",
        }
    }

    /// The value that it gives a field; `None` where it gives none.
    pub(super) fn value(
        self,
        field: &Field,
        blank: Blank,
        reading: CellReading,
    ) -> Result<Option<Cleaned<'a>>, Issue> {
        if self.is_blank() {
            return match (blank, field.empty) {
                (Blank::Skip, _) | (Blank::Clear, Empty::Refused) => Ok(None),
                (Blank::Clear, _) => Ok(Some(nothing(field.kind).into())),
                (Blank::Error, _) => Err(Issue::error("blank_value", "the value is blank")
                    .hint("fill it in; blanks are errors because of --blank error")),
            };
        }
        let cleaned = match self {
            Self::Text(text) => {
                let cleaned = values::from_cell(field.kind, text, reading)?;
                let is_list = matches!(field.kind, Kind::List | Kind::Tenants | Kind::Objects(_));
                match values::list_problem(field.role, text, reading.separator) {
                    Some(problem) if is_list && problem.severity == Severity::Error => {
                        return Err(problem);
                    }
                    Some(problem) if is_list => {
                        Cleaned { warning: Some(Box::new(problem)), ..cleaned }
                    }
                    _ => cleaned,
                }
            }
            Self::Json(raw) => values::from_json(field.kind, raw, reading)?,
        };
        Ok(Some(values::told_from_others(field.role, cleaned)))
    }

    /// The first of a user's login IDs. Several are taken for one user's only if they are known to
    /// be: a list of users looks the same.
    pub(super) fn first_login_id(
        self,
        one_user: bool,
        reading: CellReading,
    ) -> Result<Option<Cleaned<'a>>, Issue> {
        let list = Field { kind: Kind::List, role: Role::LoginIds, ..catalog::USER };
        let Some(Cleaned { value, repairs, warning }) = self.value(&list, Blank::Skip, reading)?
        else {
            return Ok(None);
        };
        let Value::List(ids) = value else { return Ok(None) };
        let count = ids.len();
        if count > 1 && !one_user {
            let what = format!("{count} login IDs: of one user, or of several?");
            let hint = "keep one login ID of the user; several are read only beside a userId";
            return Err(Issue::error("ambiguous_user", what).hint(hint));
        }
        let first = ids.into_iter().next();
        Ok(first.map(|id| Cleaned { value: Value::Text(id.into()), repairs, warning }))
    }

    /// Its text as people see it.
    pub(super) fn shown(self) -> String {
        match self {
            Self::Text(text) => text.to_owned(),
            Self::Json(raw) => serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().into()),
        }
    }
}

/// The explicit "nothing" of a kind.
fn nothing(kind: Kind) -> Value<'static> {
    match kind {
        Kind::List => Value::List(Vec::new()),
        Kind::JsonObject => Value::Json("{}".into()),
        Kind::Tenants => Value::Tenants(Vec::new()),
        Kind::Objects(_) => Value::Json("[]".into()),
        _ => Value::Text("".into()),
    }
}

/// Notes what was repaired in a value, and what may be wrong with it; the value of a secret is
/// never in it, since none is ever repaired.
pub(super) fn note(
    cleaned: &Cleaned<'_>,
    cell: Cell<'_>,
    column: impl Fn() -> String,
    notes: &mut Option<Box<Notes>>,
) {
    if cleaned.repairs.is_empty() && cleaned.warning.is_none() {
        return;
    }
    let notes = notes.get_or_insert_default();
    for kind in cleaned.repairs.iter() {
        notes.repairs.push(Repair {
            kind: kind.word().into(),
            column: column(),
            from: brief(cell.shown()),
            to: brief(shown(&cleaned.value)),
        });
    }
    if let Some(warning) = &cleaned.warning {
        notes.issues.push(Issue::clone(warning).at(column()));
    }
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => text.clone().into_owned(),
        other => {
            let mut json = Vec::new();
            other.write_json(&mut json);
            String::from_utf8_lossy(&json).into_owned()
        }
    }
}

/// A value is at most so long in notes: long enough to be told by, for people.
fn brief(text: String) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
