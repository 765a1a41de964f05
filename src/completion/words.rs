//! The words of a command line that is still being typed, as a shell takes them. Pure.

/// How a text is quoted where it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Quoting {
    /// It is not: special characters need a backslash.
    #[default]
    Bare,
    /// Between single quotes.
    Single,
    /// Between double quotes.
    Double,
}

/// A word of a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ShellWord {
    /// What a program is handed.
    pub(super) text: String,
    /// What was typed for it.
    pub(super) typed: String,
    /// How it is quoted where it ends.
    pub(super) quoting: Quoting,
}

/// The words of a line. What follows a blank is a word, though nothing is typed of it yet.
pub(super) fn words(line: &str) -> Vec<ShellWord> {
    let mut words = vec![ShellWord::default()];
    let mut is_escaped = false;
    for c in line.chars() {
        let is_blank = c.is_ascii_whitespace() && !is_escaped;
        let last = words.len() - 1;
        let word = &mut words[last];
        if is_blank && word.quoting == Quoting::Bare {
            if !word.typed.is_empty() {
                words.push(ShellWord::default());
            }
            continue;
        }
        word.typed.push(c);
        is_escaped = word.take(c, is_escaped);
    }
    words
}

/// What a program is handed for one typed word, and how that is quoted where it ends.
pub(super) fn unquoted(typed: &str) -> ShellWord {
    let mut word = ShellWord { typed: typed.to_owned(), ..ShellWord::default() };
    let mut is_escaped = false;
    for c in typed.chars() {
        is_escaped = word.take(c, is_escaped);
    }
    word
}

impl ShellWord {
    /// Takes a character, and says whether the next is escaped.
    fn take(&mut self, c: char, is_escaped: bool) -> bool {
        if is_escaped {
            // Between double quotes a backslash escapes few characters, and else stands for itself.
            if self.quoting == Quoting::Double && !"\"\\$`".contains(c) {
                self.text.push('\\');
            }
            self.text.push(c);
            return false;
        }
        match (self.quoting, c) {
            (Quoting::Bare | Quoting::Double, '\\') => return true,
            (Quoting::Bare, '\'') => self.quoting = Quoting::Single,
            (Quoting::Bare, '"') => self.quoting = Quoting::Double,
            (Quoting::Single, '\'') | (Quoting::Double, '"') => self.quoting = Quoting::Bare,
            _ => self.text.push(c),
        }
        false
    }
}

/// A text as it is typed so that a program is handed it, from where something is quoted so.
pub(super) fn quoted(text: &str, quoting: Quoting) -> String {
    const SPECIAL: &str = " \t\"'\\$`!&|;<>()[]{}*?#";
    let mut typed = String::with_capacity(text.len());
    for c in text.chars() {
        let is_special = match quoting {
            Quoting::Bare => SPECIAL.contains(c),
            Quoting::Double => "\"\\$`".contains(c),
            Quoting::Single if c == '\'' => {
                typed.push_str(r"'\''");
                continue;
            }
            Quoting::Single => false,
        };
        if is_special {
            typed.push('\\');
        }
        typed.push(c);
    }
    typed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart_as_a_shell_does() {
        let cases: [(&str, &[&str]); 9] = [
            ("", &[""]),
            ("run ", &["run", ""]),
            ("run  a.csv --map", &["run", "a.csv", "--map"]),
            (r"run my\ file.csv", &["run", "my file.csv"]),
            ("run 'my file.csv' --ma", &["run", "my file.csv", "--ma"]),
            ("run --map \"Cell pho", &["run", "--map", "Cell pho"]),
            ("run --map \"Cell phone\"=ph", &["run", "--map", "Cell phone=ph"]),
            (r#"run "a\"b\c" 'a\b'"#, &["run", r#"a"b\c"#, r"a\b"]),
            ("run '' ü\\", &["run", "", "ü"]),
        ];
        for (line, expected) in cases {
            let found: Vec<String> = words(line).into_iter().map(|word| word.text).collect();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn what_is_quoted_is_read_back() {
        for text in ["Cell phone=", "it's", "a\"b", "$HOME", "a\\b", "*", "ü!", "", "`x`"] {
            for (begin, quoting, end) in [
                ("", Quoting::Bare, ""),
                ("'", Quoting::Single, "'"),
                ("\"", Quoting::Double, "\""),
            ] {
                let typed = format!("{begin}{}{end}", quoted(text, quoting));
                assert_eq!(unquoted(&typed).text, text, "{typed}");
                let found = words(&typed);
                assert_eq!((found.len(), &*found[0].text), (1, text), "{typed}");
            }
        }
    }
}
