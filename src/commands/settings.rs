//! `--show-settings`: prints the settings in force and where each came from.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::exit::Exit;
use crate::settings::job::InForce;

/// Prints the settings, as a table or as one JSON object.
pub(super) fn show(settings: &[InForce], job: Option<&Path>, json: bool) -> Exit {
    let text = if json { as_json(settings, job) } else { as_table(settings) };
    // A closed stdout has read enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Exit::Success
}

fn as_table(settings: &[InForce]) -> String {
    // One long value does not push everything else off the screen.
    const WIDEST: usize = 48;
    let shown = |setting: &InForce| {
        // Control characters of a value must not move what stands beside it.
        setting.value.as_deref().map_or("-".to_owned(), plain)
    };
    let width = |text: &str| text.chars().count();
    let rows: Vec<(&str, String, String)> = settings
        .iter()
        .map(|setting| (setting.name.as_str(), shown(setting), setting.origin.to_string()))
        .collect();
    let names = rows.iter().map(|row| width(row.0)).max().unwrap_or(0);
    let values = rows.iter().map(|row| width(&row.1)).max().unwrap_or(0).min(WIDEST);
    let mut text = String::new();
    for (name, value, origin) in &rows {
        let _ = writeln!(text, "{name:names$}  {value:values$}  {origin}");
    }
    text
}

fn plain(value: &str) -> String {
    let escaped = |c: char| {
        if c.is_control() { c.escape_default().to_string() } else { c.to_string() }
    };
    value.chars().map(escaped).collect()
}

fn as_json(settings: &[InForce], job: Option<&Path>) -> String {
    let setting = |setting: &InForce| -> Value {
        json!({
            "name": setting.name,
            "value": setting.value,
            "origin": setting.origin.kind(),
            "place": setting.origin.place(),
        })
    };
    let object = json!({
        "job": job.map(|path| path.display().to_string()),
        "settings": settings.iter().map(setting).collect::<Vec<_>>(),
    });
    format!("{object}\n")
}
