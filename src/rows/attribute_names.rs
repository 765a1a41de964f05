//! Which custom attributes rows set, before any of them is understood.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::Builder;
use super::cell::Cell;
use super::row::RowCells;
use crate::catalog::{OPERATIONS, Role, normalize};
use crate::change::members;
use crate::input::record::{Content, Record};

/// The most names that are kept: nobody has as many attributes.
const MOST: usize = 1000;

/// What a column has to do with custom attributes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// Its cells name one.
    Name,
    /// Its cells hold objects of them.
    Objects,
}

/// The names of the columns that are about custom attributes, normalized.
static ABOUT: LazyLock<Vec<(String, About)>> = LazyLock::new(|| {
    let fields = OPERATIONS.iter().flat_map(|operation| operation.fields);
    let about = fields.filter_map(|field| match field.role {
        Role::AttributeKey => Some((field, About::Name)),
        Role::Attributes => Some((field, About::Objects)),
        _ => None,
    });
    let names = about.flat_map(|(field, about)| {
        std::iter::once(&field.name).chain(field.aliases).map(move |name| (normalize(name), about))
    });
    names.collect()
});

fn about(column: &str) -> Option<About> {
    let wanted = normalize(column);
    ABOUT.iter().find(|(name, _)| *name == wanted).map(|(_, about)| *about)
}

impl Builder {
    /// The custom attributes that rows set. Rows are read only where their names are in rows.
    #[must_use]
    pub fn attribute_names(&mut self, rows: &mut dyn Iterator<Item = Record>) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (field, value) in &self.mapping.set {
            if about(field) == Some(About::Name) {
                names.insert(value.trim().to_owned());
            }
        }
        let mut in_rows = self.has_shapes;
        for (_, columns) in &self.headers {
            names.extend(columns.attributes().map(str::to_owned));
            in_rows |= columns.named().any(|(_, field)| about(field).is_some());
        }
        if !in_rows {
            return names;
        }
        let mapped = self.mapping.map.iter().any(|(_, field)| speaks_of_attributes(field));
        for record in rows {
            if mapped || may_set_attributes(&record) {
                let _ = self.with_row(&record, &mut |columns, row| {
                    if row.typed {
                        names.extend(columns.attributes().map(str::to_owned));
                        add_named(columns.named(), row, &mut names);
                    }
                    Ok(())
                });
            }
            if names.len() > MOST {
                break;
            }
        }
        names
    }
}

/// Adds the attributes that the cells of a row name.
fn add_named<'c>(
    columns: impl Iterator<Item = (usize, &'c str)>,
    row: RowCells<'_>,
    names: &mut BTreeSet<String>,
) {
    for (index, field) in columns {
        let (Some(about), Some(cell)) = (about(field), row.cells.get(index)) else { continue };
        if cell.is_blank() {
            continue;
        }
        match about {
            About::Name => drop(names.insert(cell.shown().trim().to_owned())),
            About::Objects => {
                let text = match cell {
                    Cell::Text(text) => text,
                    Cell::Json(raw) => raw.get(),
                };
                names.extend(members(text).unwrap_or_default().into_iter().map(|(name, _)| name));
            }
        }
    }
}

/// Whether a name may be of a column for custom attributes.
fn speaks_of_attributes(name: &str) -> bool {
    name.to_lowercase().contains("attribute")
}

/// Whether a row may set custom attributes: most JSON rows have no such key, and need not be read.
fn may_set_attributes(record: &Record) -> bool {
    let Content::Object(text) = &record.content else { return true };
    let holds = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    holds("ttribute") || holds("TTRIBUTE")
}
