//! What spreadsheets and exports put around the text of a cell so that it stays text.
//!
//! None of it is meant to be sent. Each is taken off with a warning, since what a person reads in
//! the cell changes.

use super::cleaned::refuse;
use super::repairs::RepairKind;
use crate::input::guard;
use crate::issue::Issue;

/// A cell without what is put around its text, and what that was; `None` where there is nothing.
pub(super) fn unwrapped(cell: &str) -> Result<Option<(String, RepairKind)>, Issue> {
    let trimmed = cell.trim();
    let unguarded = guard::take_off_text(trimmed);
    if unguarded.len() < trimmed.len() {
        return Ok(Some((unguarded.to_owned(), RepairKind::ApostropheRemoved)));
    }
    let formula = trimmed.strip_prefix("=\"").and_then(|text| text.strip_suffix('"'));
    if let Some(text) = formula.filter(|text| !text.replace("\"\"", "").contains('"')) {
        return Ok(Some((text.replace("\"\"", "\""), RepairKind::FormulaUnwrapped)));
    }
    // Quotes count only at the beginning of a cell.
    if trimmed.starts_with('"') && cell.starts_with([' ', '\t']) {
        return match trimmed[1..].strip_suffix('"') {
            Some(text) => Ok(Some((text.replace("\"\"", "\""), RepairKind::QuotesRemoved))),
            None => refuse(
                "a quote opens behind a blank, where it does not count",
                "remove the blank between the delimiter and the quote",
            ),
        };
    }
    Ok(None)
}

/// The warning about what was taken off.
pub(super) fn warning(repair: RepairKind) -> Box<Issue> {
    let message = match repair {
        RepairKind::ApostropheRemoved => {
            "the value began with an apostrophe that marks it as text for a spreadsheet; it is removed"
        }
        RepairKind::FormulaUnwrapped => {
            "the value was a formula that only marks it as text; it is replaced with the text"
        }
        _ => "the value stood in quotes behind a blank; they are removed",
    };
    let code = repair.word();
    Box::new(
        Issue::warning(code, message)
            .hint(format!("export the column without it; to allow it, use --allow {code}")),
    )
}
