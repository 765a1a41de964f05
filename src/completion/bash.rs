//! Bash: its part of completion, and the line that it hands over.
//!
//! Bash splits words at `=` and hands over quotes as they were typed, so `--map "Cell phone=ph`
//! would be completed wrongly from its words. It hands over the line instead, and the words are
//! found here.

use std::ffi::OsString;

use super::words::{self, Quoting, ShellWord};

/// What Bash is to read; `VARIABLE` is replaced. It works with version 3.2, which has no `compopt`.
pub(super) const SCRIPT: &str = r#"_descope_bulk() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(VARIABLE=bash descope-bulk -- \
        "${COMP_LINE:0:COMP_POINT}" "${COMP_LINE:COMP_POINT}" "$2" 2>/dev/null)
    if [[ "${COMPREPLY[0]-}" == *[=/,] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o nosort -F _descope_bulk descope-bulk 2>/dev/null ||
    complete -o bashdefault -F _descope_bulk descope-bulk
"#;

/// A line with the place where something is to be completed.
#[derive(Debug)]
pub(super) struct BashLine {
    words: Vec<ShellWord>,
    cursor: usize,
    /// What Bash puts the completion in the place of: the end of the word at the cursor.
    replaced: String,
}

impl BashLine {
    /// From what stands before the cursor, what stands behind it, and what is replaced.
    pub(super) fn new(before: &str, after: &str, replaced: &str) -> Self {
        let mut words = words::words(before);
        let cursor = words.len() - 1;
        // What is left of the word at the cursor is replaced, too.
        let rest = after.find(|c: char| c.is_ascii_whitespace()).map_or("", |at| &after[at..]);
        words.extend(words::words(rest).into_iter().filter(|word| !word.typed.is_empty()));
        Self { words, cursor, replaced: replaced.to_owned() }
    }

    /// The words as a program is handed them, and which is at the cursor.
    pub(super) fn arguments(&self) -> (Vec<OsString>, usize) {
        (self.words.iter().map(|word| (&word.text).into()).collect(), self.cursor)
    }

    /// Whether nothing is typed yet of the word at the cursor.
    pub(super) fn is_at_new_word(&self) -> bool {
        self.words[self.cursor].typed.is_empty()
    }

    /// What Bash is to put in, for a word that is the completion; nothing if it cannot be put in.
    pub(super) fn reply(&self, word: &str) -> Option<String> {
        let ShellWord { typed, quoting: at_end, .. } = &self.words[self.cursor];
        let kept = typed.strip_suffix(&*self.replaced).unwrap_or_default();
        let kept = words::unquoted(kept);
        // The opening quote may be replaced, too; then all that it is for is typed anew.
        let (begin, quoting) = match (kept.quoting, at_end) {
            (Quoting::Bare, Quoting::Single) => ("'", Quoting::Single),
            (Quoting::Bare, Quoting::Double) => ("\"", Quoting::Double),
            (quoting, _) => ("", quoting),
        };
        let rest = word.strip_prefix(&*kept.text)?;
        // A line is an answer: what has line breaks cannot be put in.
        let fits = !rest.contains(char::is_control);
        fits.then(|| format!("{begin}{}", words::quoted(rest, quoting)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_takes_the_place_of_what_bash_replaces() {
        for (before, replaced, word, expected) in [
            ("x run --map ", "", "Cell phone=", Some(r"Cell\ phone=")),
            ("x run --map Ce", "Ce", "Cell phone=", Some(r"Cell\ phone=")),
            (r"x run --map Cell\ ph", r"Cell\ ph", "Cell phone=", Some(r"Cell\ phone=")),
            ("x run --map \"Cell ph", "Cell ph", "Cell phone=", Some("Cell phone=")),
            ("x run --map \"Cell ph", "\"Cell ph", "Cell phone=", Some("\"Cell phone=")),
            ("x run --map 'Cell ph", "Cell ph", "Cell phone's=", Some(r"Cell phone'\''s=")),
            (r"x run --map Cell\ phone=ph", "ph", "Cell phone=phone", Some("phone")),
            ("x run --map \"Cell phone\"=ph", "ph", "Cell phone=phone", Some("phone")),
            (
                "x run --map \"Cell phone=\"ph",
                "\"Cell phone=\"ph",
                "Cell phone=phone",
                Some(r"Cell\ phone=phone"),
            ),
            ("x run --map \"Cell phone=\"ph", "ph", "Cell phone=phone", Some("phone")),
            ("x run --operation=ph", "ph", "--operation=phone", Some("phone")),
            ("x run --map x=", "", "Cell phone=", None),
            ("x run ", "", "a\nb.csv", None),
        ] {
            let line = BashLine::new(before, "", replaced);
            assert_eq!(line.reply(word).as_deref(), expected, "{before} {replaced} {word}");
        }
    }

    #[test]
    fn words_behind_the_cursor_are_known() {
        let line = BashLine::new("x run --map Ce", "ll in.csv --set a", "Ce");
        let (words, cursor) = line.arguments();
        assert_eq!((words.len(), cursor), (7, 3));
        assert_eq!((&words[3], &words[4]), (&"Ce".into(), &"in.csv".into()));
    }
}
