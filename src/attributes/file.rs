//! A file of definitions: CSV or JSON Lines, with the columns name, type, displayName and options.

use std::path::Path;

use super::comparison::FileDefinition;
use super::definition::AttributeDefinition;
use crate::catalog::normalize;
use crate::change::members;
use crate::exit::Error;
use crate::input::record::{Content, Record};
use crate::input::{self, InputRequest, Stated};
use crate::rows::likeliest;
use crate::rows::values::AttributeType;

/// The columns.
const COLUMNS: [&str; 4] = ["name", "type", "displayName", "options"];

/// A cell of a row: its column, as the file has it, and what it holds.
struct FileCell {
    column: String,
    /// The text of a cell, or of a JSON text; anything else as an error.
    text: Result<String, serde_json::Value>,
}

/// Reads the definitions of a file.
///
/// # Errors
///
/// A file that cannot be read, and everything that is wrong with its rows: `file:line: column: what;
/// what to do`.
pub(crate) fn read_file(path: &Path) -> Result<Vec<FileDefinition>, Error> {
    let request = InputRequest {
        path: path.to_owned(),
        stated: Stated::default(),
        known_as: None,
        promise: None,
    };
    let input = input::open(std::slice::from_ref(&request))?;
    let (mut found, mut problems) = (Vec::<FileDefinition>::new(), Vec::new());
    for record in input {
        let record = record?;
        let place = format!("{}:{}", record.source.name, record.position.line);
        match cells(&record).and_then(|cells| definition(&cells)) {
            Ok(definition) => {
                let same = |own: &&FileDefinition| own.definition.name == definition.name;
                match found.iter().find(same) {
                    Some(first) => problems.push(format!(
                        "{place}: name: {} is at {} already; remove one of the two",
                        definition.name, first.place
                    )),
                    None => found.push(FileDefinition { place, definition }),
                }
            }
            Err(wrong) => problems.extend(wrong.into_iter().map(|what| format!("{place}: {what}"))),
        }
    }
    if !problems.is_empty() {
        return Err(Error::Refused(problems.join("\n")));
    }
    if found.is_empty() {
        return Err(Error::refused(format!(
            "{}: there is no definition in it; write a row for each attribute, with the columns {}",
            request.name(),
            COLUMNS.join(", ")
        )));
    }
    Ok(found)
}

fn cells(record: &Record) -> Result<Vec<FileCell>, Vec<String>> {
    match &record.content {
        Content::Broken { issue, .. } => {
            let hint = issue.hint.as_deref().unwrap_or("correct the row");
            Err(vec![format!("{}; {hint}", issue.message)])
        }
        Content::Cells(cells) => {
            let columns = record.source.columns.iter().zip(cells.iter());
            let cell = |(column, text): (&String, &str)| FileCell {
                column: column.clone(),
                text: Ok(text.trim().to_owned()),
            };
            Ok(columns.map(cell).collect())
        }
        Content::Object(text) => {
            let members = members(text)
                .map_err(|error| vec![format!("the row is not JSON: {error}; correct it")])?;
            let cell = |(column, raw): (String, &serde_json::value::RawValue)| {
                let text = match serde_json::from_str(raw.get()) {
                    Ok(serde_json::Value::String(text)) => Ok(text.trim().to_owned()),
                    Ok(serde_json::Value::Null) | Err(_) => Ok(String::new()),
                    Ok(other) => Err(other),
                };
                FileCell { column, text }
            };
            Ok(members.into_iter().map(cell).collect())
        }
    }
}

/// The definition that a row gives, or all that is wrong with it.
fn definition(cells: &[FileCell]) -> Result<AttributeDefinition, Vec<String>> {
    let mut problems = Vec::new();
    for FileCell { column, text } in cells {
        let is_known = COLUMNS.iter().any(|known| normalize(known) == normalize(column));
        let is_blank = text.as_ref().is_ok_and(String::is_empty);
        let is_nothing = column.trim().is_empty() && is_blank;
        if !is_known && !is_nothing {
            let nearest = likeliest(COLUMNS.into_iter(), column);
            problems.push(format!(
                "{column}: a definition has no such column{nearest}; remove it: there are {}",
                COLUMNS.join(", ")
            ));
        }
    }
    let name = text_of(cells, "name", &mut problems);
    if name.is_empty() && problems.is_empty() {
        problems.push("name: it is missing; write the attribute's machine name".to_owned());
    }
    let kind = kind_of(cells, &mut problems);
    let options = options_of(cells).unwrap_or_else(|problem| {
        problems.push(problem);
        Vec::new()
    });
    let selects = [AttributeType::SingleSelect, AttributeType::MultiSelect];
    if let Some(kind) = kind.filter(|kind| !options.is_empty() && !selects.contains(kind)) {
        problems.push(format!(
            "options: an attribute of the type {} has none; clear the cell, or write singleselect or multiselect as its type",
            kind.word()
        ));
    }
    let display_name = text_of(cells, "displayName", &mut problems);
    match kind {
        Some(kind) if problems.is_empty() => {
            Ok(AttributeDefinition { name, kind: Ok(kind), display_name, options })
        }
        _ => Err(problems),
    }
}

fn cell<'a>(cells: &'a [FileCell], column: &str) -> Option<&'a FileCell> {
    cells.iter().find(|cell| normalize(&cell.column) == normalize(column))
}

fn text_of(cells: &[FileCell], column: &str, problems: &mut Vec<String>) -> String {
    match cell(cells, column).map(|cell| &cell.text) {
        None => String::new(),
        Some(Ok(text)) => text.clone(),
        Some(Err(_)) => {
            problems.push(format!("{column}: expected text; put it in quotes"));
            String::new()
        }
    }
}

fn kind_of(cells: &[FileCell], problems: &mut Vec<String>) -> Option<AttributeType> {
    let before = problems.len();
    let text = text_of(cells, "type", problems);
    let words = AttributeType::OF_PROJECTS.map(AttributeType::word);
    // What the API calls text.
    let wanted = if text.eq_ignore_ascii_case("string") { "text" } else { text.as_str() };
    let index = words.iter().position(|word| normalize(word) == normalize(wanted));
    if index.is_none() && problems.len() == before {
        let what = if text.is_empty() {
            "it is missing".to_owned()
        } else {
            format!("there is no such type{}", likeliest(words.into_iter(), &text))
        };
        problems.push(format!("type: {what}; write one of {}", words.join(", ")));
    }
    index.map(|index| AttributeType::OF_PROJECTS[index])
}

/// Options: `a;b` or a JSON list in a cell, a list in a JSON row.
fn options_of(cells: &[FileCell]) -> Result<Vec<String>, String> {
    const HOW: &str = r#"write a;b, or a list such as ["a","b"]"#;
    let listed = |value: &serde_json::Value| -> Option<Vec<String>> {
        value.as_array()?.iter().map(|item| Some(item.as_str()?.trim().to_owned())).collect()
    };
    let options = match cell(cells, "options").map(|cell| &cell.text) {
        None => Some(Vec::new()),
        Some(Ok(text)) if text.is_empty() => Some(Vec::new()),
        Some(Ok(text)) if text.starts_with('[') => {
            serde_json::from_str(text).ok().and_then(|value| listed(&value))
        }
        Some(Ok(text)) => Some(text.split(';').map(|item| item.trim().to_owned()).collect()),
        Some(Err(value)) => listed(value),
    };
    let options = options.ok_or_else(|| format!("options: expected a list of texts; {HOW}"))?;
    if options.iter().any(String::is_empty) {
        return Err(format!("options: an option is blank; {HOW}"));
    }
    for (index, option) in options.iter().enumerate() {
        if options[..index].contains(option) {
            return Err("options: an option is there twice; remove one of the two".to_owned());
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(suffix: &str, text: &str) -> Result<Vec<AttributeDefinition>, String> {
        let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let name = file.path().display().to_string();
        match read_file(file.path()) {
            Ok(found) => Ok(found.into_iter().map(|own| own.definition).collect()),
            Err(error) => Err(error.to_string().replace(&name, "F")),
        }
    }

    #[test]
    fn definitions_are_read_from_cells_and_from_json() {
        let text = "Name,Type,Display Name,options\ntier,single select,Tier,gold; silver\n\
                    sku,string,,\ntags,multiselect,,\"[\"\"a;b\"\",\"\"c\"\"]\"\n";
        let found = read(".csv", text).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|own| (&*own.name, own.kind_word(), &*own.display_name, own.options.join("|")))
            .collect();
        assert_eq!(
            told,
            [
                ("tier", "singleselect", "Tier", "gold|silver".to_owned()),
                ("sku", "text", "", String::new()),
                ("tags", "multiselect", "", "a;b|c".to_owned()),
            ]
        );
        let text = "{\"name\":\"a\",\"type\":\"date\"}\n\
                    {\"name\":\"b\",\"type\":\"multiselect\",\"displayName\":null,\"options\":[\"x\"]}\n";
        let found = read(".jsonl", text).unwrap();
        assert_eq!((found[0].kind_word(), &found[1].options[..]), ("date", &["x".to_owned()][..]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_what_to_do() {
        for (suffix, text, expected) in [
            (".csv", "name,type\n,text\n", "F:2: name: it is missing; write the"),
            (".csv", "name,type\na,\n", "F:2: type: it is missing; write one of text, number"),
            (
                ".csv",
                "name,type\na,bolean\n",
                "F:2: type: there is no such type; did you mean boolean?;",
            ),
            (
                ".csv",
                "name,type,options\na,text,x\n",
                "F:2: options: an attribute of the type text has none",
            ),
            (
                ".csv",
                "name,type,options\na,multiselect,x;;y\n",
                "F:2: options: an option is blank; write a;b",
            ),
            (
                ".csv",
                "name,type,options\na,multiselect,x;x\n",
                "F:2: options: an option is there twice",
            ),
            (
                ".csv",
                "name,type,options\na,multiselect,[1]\n",
                "F:2: options: expected a list of texts;",
            ),
            (
                ".csv",
                "name,typ\na,text\n",
                "F:2: typ: a definition has no such column; did you mean type?;",
            ),
            (
                ".csv",
                "name,type\na,text\nb,text\na,date\n",
                "F:4: name: a is at F:2 already; remove",
            ),
            (".csv", "name,type\n", "F: there is no definition in it; write"),
            (
                ".jsonl",
                "{\"name\":7,\"type\":\"text\"}\n",
                "F:1: name: expected text; put it in quotes",
            ),
            (
                ".jsonl",
                "{\"name\":\"a\",\"type\":2}\n",
                "F:1: type: expected text; put it in quotes",
            ),
            (
                ".jsonl",
                "{\"name\":\"a\",\"type\":\"text\",\"options\":7}\n",
                "F:1: options: expected a list",
            ),
        ] {
            let said = read(suffix, text).unwrap_err();
            assert!(said.contains(expected), "{text}: {said}");
        }
        // All at once.
        let said = read(".csv", "name,type\n,x\nb,y\n").unwrap_err();
        assert_eq!(said.lines().count(), 3, "{said}");
    }
}
