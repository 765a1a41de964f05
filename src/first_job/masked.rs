//! The form of a value without the value.

/// The form of a value: `x` and `X` for letters, `9` for digits, the rest as it stands; shortened.
pub(super) fn form(value: &str) -> String {
    let form = |c: char| match c {
        c if c.is_numeric() => '9',
        c if c.is_uppercase() => 'X',
        c if c.is_alphabetic() => 'x',
        c if c.is_ascii_graphic() || c == ' ' => c,
        c if c.is_whitespace() || c.is_control() => ' ',
        _ => '?',
    };
    short(&value.chars().map(form).collect::<String>())
}

/// A value on one line, shortened.
pub(super) fn shown(value: &str) -> String {
    short(&value.replace(char::is_control, " "))
}

fn short(text: &str) -> String {
    const MOST: usize = 28;
    let text = text.trim();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_nothing_of_the_value_but_its_form() {
        for (value, expected) in [
            ("Ann.O'Neil@example.com", "Xxx.X'Xxxx@xxxxxxx.xxx"),
            (" +44 (0)7911 123456\n", "+99 (9)9999 999999"),
            ("Żółw 💥\u{200b}٣", "Xxxx ??9"),
            ("{\"a\": [true]}", "{\"x\": [xxxx]}"),
            ("a-very-long-value-that-goes-on-and-on", "x-xxxx-xxxx-xxxxx-xxxx-xxxx-…"),
            ("", ""),
        ] {
            assert_eq!(form(value), expected);
        }
        assert_eq!(shown("a\tb\u{7}"), "a b");
    }
}
