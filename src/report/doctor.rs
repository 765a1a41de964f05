//! What `doctor` tells: a line for each thing, and the same as JSON.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::format::{brief, count, paint, tame};
use crate::doctor::{CheckStatus, Diagnosis};

/// The version of the JSON.
const VERSION: u32 = 1;

/// What was found, as lines.
#[must_use]
pub(crate) fn doctor_page(told: &[Diagnosis], color: bool) -> String {
    let width = told.iter().map(|own| own.check.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Diagnosis { check, status, found, advice } in told {
        let word = paint(color, style(*status), &format!("{:<11}", status.word()));
        let _ = writeln!(text, "{word}  {check:<width$}  {}", shown(found));
        if let Some(advice) = advice {
            let _ = writeln!(text, "{:<13}{:<width$}  → {}", "", "", shown(advice));
        }
    }
    let of = |status| told.iter().filter(|own| own.status == status).count();
    let (failed, warnings) =
        (of(CheckStatus::Failed), count(of(CheckStatus::Warning) as u64, "warning"));
    let _ = match failed {
        0 => writeln!(text, "\na run would go; {warnings}"),
        _ => writeln!(text, "\na run would not go: {failed} failed, {warnings}"),
    };
    text
}

/// On one line. What a server says is short.
fn shown(text: &str) -> String {
    const LONG: usize = 600;
    if text.len() > LONG { brief(text) } else { tame(text) }
}

fn style(status: CheckStatus) -> Style {
    match status {
        CheckStatus::Ok => AnsiColor::Green.on_default(),
        CheckStatus::NotChecked => Style::new().dimmed(),
        CheckStatus::Warning => AnsiColor::Yellow.on_default().bold(),
        CheckStatus::Failed => AnsiColor::Red.on_default().bold(),
    }
}

/// What was found, as JSON.
#[must_use]
pub(crate) fn doctor_json(told: &[Diagnosis]) -> Value {
    let one = |own: &Diagnosis| {
        json!({
            "check": own.check,
            "status": own.status.word(),
            "found": own.found,
            "advice": own.advice,
        })
    };
    let worst =
        told.iter().map(|own| own.status).max().filter(|worst| *worst >= CheckStatus::Warning);
    json!({
        "version": VERSION,
        "status": worst.unwrap_or(CheckStatus::Ok).word(),
        "checks": told.iter().map(one).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_what_it_comes_to() {
        let (ok, odd) =
            (Diagnosis::ok("dns", "fine"), Diagnosis::warning("tls", "odd\nline", "ask"));
        let bad = Diagnosis::failed("tcp", "no", "look");
        let page = doctor_page(&[ok.clone(), odd.clone()], false);
        assert!(page.contains("warning      tls  odd line\n"), "{page}");
        assert!(
            page.contains("→ ask\n") && page.ends_with("a run would go; 1 warning\n"),
            "{page}"
        );
        let page = doctor_page(&[ok.clone(), odd.clone(), bad.clone()], false);
        assert!(page.ends_with("a run would not go: 1 failed, 1 warning\n"), "{page}");
        let open = Diagnosis::not_checked("updates", "not tried");
        for (told, word) in [
            (vec![ok.clone(), open], "ok"),
            (vec![odd.clone(), ok], "warning"),
            (vec![odd, bad], "failed"),
            (vec![], "ok"),
        ] {
            assert_eq!(doctor_json(&told)["status"], word);
        }
    }
}
