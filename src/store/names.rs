//! The names of files in a run folder, and what they say.

/// What the names of files begin with whose rows wait for their workbook.
pub(super) const WAITING: &str = "xlsx-rows";

/// What the names of results for spreadsheets begin with.
pub(super) const TABLE: &str = "results";

/// The name of the file that says what the run came to.
pub(super) const SUMMARY: &str = "summary.json";

/// The name of the signature of that file.
pub(crate) const SIGNATURE: &str = "summary.json.sig";

/// The name of the workbook.
pub(super) const WORKBOOK: &str = "results.xlsx";

/// Whether a file is one of those whose names begin so: `stem.csv`, `stem-2.csv`, ….
pub(super) fn is_of(stem: &str, name: &str) -> bool {
    let rest = name.split_once('.').and_then(|(own, _)| own.strip_prefix(stem));
    rest.is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('-').is_some_and(|n| n.parse::<u32>().is_ok())
    })
}

/// Whether a file holds results as text for spreadsheets. Those for programs are called alike.
pub(super) fn is_table(name: &str) -> bool {
    is_of(TABLE, name) && name.split_once('.').is_some_and(|(_, extension)| extension == "csv")
}

/// Whether a file holds rows that wait for their workbook, and goes once that is made.
pub(crate) fn is_waiting(name: &str) -> bool {
    is_of(WAITING, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_names() {
        assert!(is_table("results.csv") && is_table("results-2.csv"));
        assert!(!is_table("results.jsonl") && !is_table("results.csv.part.xlsx"));
        assert!(!is_table("results-mine.csv") && !is_table("my-results.csv"));
        assert!(is_waiting("xlsx-rows.csv") && is_waiting("xlsx-rows-3.csv"));
    }
}
