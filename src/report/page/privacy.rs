//! What of a user a page may show: shortened names, and words without values. Pure.

use std::fmt::Write as _;

use crate::issue::Issue;
use crate::outcome::Status;

/// The longest text that is shown of one value.
const LONGEST: usize = 300;

/// Text from outside as it may be shown: on one line, of bounded length, and with every character
/// that would move, hide or turn its neighbours written out.
#[must_use]
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(LONGEST));
    for (index, character) in text.chars().enumerate() {
        if index == LONGEST {
            shown.push('…');
            break;
        }
        match character {
            c if turns(c) => drop(write!(shown, "⟨U+{:04X}⟩", u32::from(c))),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => shown.push(' '),
            c => shown.push(c),
        }
    }
    shown
}

/// Whether a character changes the direction of its neighbours, or cannot be seen.
fn turns(character: char) -> bool {
    matches!(
        character,
        '\u{061C}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2069}'
            | '\u{FEFF}'
            | '\u{E0000}'..='\u{E007F}'
    )
}

/// A login ID by which its owner can be told only by who knows the file: the first two characters,
/// and of an e-mail address the domain; of a phone number the last two digits. Never the whole.
#[must_use]
pub(super) fn shortened(name: &str) -> String {
    if let Some((local, domain)) = name.rsplit_once('@').filter(|(_, domain)| is_domain(domain)) {
        return format!("{}@{}", visible(&first_two(local)), visible(domain));
    }
    let digits: Vec<char> = name.chars().filter(char::is_ascii_digit).collect();
    let is_phone =
        digits.len() > 6 && name.chars().all(|c| c.is_ascii_digit() || "+-. ()/".contains(c));
    if is_phone {
        return format!("…{}", digits[digits.len() - 2..].iter().collect::<String>());
    }
    visible(&first_two(name))
}

/// The first two characters, or fewer of a text that would be whole with them.
fn first_two(text: &str) -> String {
    let most = text.chars().count().saturating_sub(1).min(2);
    text.chars().take(most).chain(['…']).collect()
}

fn is_domain(text: &str) -> bool {
    let fine =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    text.len() < 255 && text.contains('.') && text.split('.').all(fine)
}

/// What is wrong with a row, where that is said in words of ours that hold none of its values.
///
/// The server's words may hold any value, and so do a few of ours, which are left out. What is left is
/// cleaned all the same of what looks like a value.
#[must_use]
pub(super) fn harmless_message(issue: &Issue, status: Status) -> Option<String> {
    let is_ours = status == Status::Invalid && !issue.quotes_values();
    is_ours.then(|| without_values(&issue.message))
}

/// Words without what may be a value: quoted text, an address, a long number.
#[must_use]
pub(super) fn without_values(words: &str) -> String {
    let mut kept = Vec::new();
    let mut quoted = false;
    for word in words.split(' ') {
        let turns = !word.matches('"').count().is_multiple_of(2);
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let hidden = quoted || word.contains('"') || word.contains('@') || digits > 5;
        quoted ^= turns;
        if !hidden {
            kept.push(word);
        } else if kept.last() != Some(&"…") {
            kept.push("…");
        }
    }
    visible(&kept.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shortened_and_never_whole() {
        for (name, shown) in [
            ("nadia.eriksen@example.com", "na…@example.com"),
            ("ab@example.com", "a…@example.com"),
            ("a@example.com", "…@example.com"),
            ("+442079460000", "…00"),
            ("+44 (20) 7946-0011", "…11"),
            ("nadia", "na…"),
            ("ab", "a…"),
            ("a", "…"),
            ("", "…"),
            ("12345", "12…"),
            ("<script>alert(1)</script>", "<s…"),
            ("x@<img src=x>.com", "x@…"),
            ("some body@localhost", "so…"),
            ("\u{202E}moc@example.com", "⟨U+202E⟩m…@example.com"),
        ] {
            assert_eq!(shortened(name), shown, "{name}");
        }
    }

    #[test]
    fn text_stays_on_its_line_and_in_its_direction() {
        assert_eq!(visible("a\nb\u{202E}c\u{7}"), "a b⟨U+202E⟩c ");
        assert_eq!(visible(&"x".repeat(1000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn words_lose_what_may_be_a_value() {
        for (words, shown) in [
            ("the number +442079460000 is taken", "the number … is taken"),
            ("x is \"Ada Lovelace\" here", "x is … here"),
            ("held by bob@example.com", "held by …"),
            ("phone is blank", "phone is blank"),
        ] {
            assert_eq!(without_values(words), shown);
        }
    }

    #[test]
    fn messages_of_the_server_are_left_out() {
        let ours = Issue::error("bad_value", "the phone number does not begin with +");
        assert!(harmless_message(&ours, Status::Invalid).is_some());
        assert_eq!(harmless_message(&ours, Status::Rejected), None);
        let quoting = Issue::error("unknown_operation", "there is no operation Ada");
        assert_eq!(harmless_message(&quoting, Status::Invalid), None);
        let expecting = Issue::error("bad_value", "expected a map").at("_expect");
        assert_eq!(harmless_message(&expecting, Status::Invalid), None);
    }
}
