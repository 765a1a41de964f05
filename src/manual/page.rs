//! Pages for `man`, from the definitions of commands.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use super::facts;
use super::{EXAMPLES, FIRST};

/// What a description has before its exit codes.
const EXIT_CODES: &str = "Exit codes: ";

/// The name of a page's file.
pub(super) fn name(command: &Command) -> String {
    format!("{}.1", own_name(command))
}

/// The page of the program itself.
pub(super) fn of_program(root: Command) -> io::Result<Vec<u8>> {
    let mut pages: Vec<String> = root.get_subcommands().map(own_name).collect();
    pages.sort();
    let mut end = Roff::new();
    section(&mut end, "EXIT STATUS", facts::exit_codes());
    let owned = |(name, about): (&str, &'static str)| (name.to_owned(), about);
    section(&mut end, "ENVIRONMENT", facts::VARIABLES.into_iter().map(owned));
    section(&mut end, "FILES", facts::FILES.into_iter().map(owned));
    let first = FIRST.into_iter().map(|(_, command, about)| (command, about));
    section(&mut end, "EXAMPLES", first.chain(EXAMPLES).map(owned));
    see_also(&mut end, &pages);
    page(root, &end)
}

/// The page of a subcommand.
pub(super) fn of_subcommand(mut command: Command) -> io::Result<Vec<u8>> {
    let mut end = Roff::new();
    let about = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    if let Some((about, codes)) = about.split_once(EXIT_CODES) {
        section(&mut end, "EXIT STATUS", codes_in(codes));
        command = command.long_about(about.trim_end().to_owned());
    }
    see_also(&mut end, &["descope-bulk".to_owned()]);
    page(command, &end)
}

/// `descope-bulk-run` of `run`.
fn own_name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(mut command: Command, end: &Roff) -> io::Result<Vec<u8>> {
    // The version stands at the foot of every page.
    let source = format!("descope-bulk {}", env!("CARGO_PKG_VERSION"));
    // As in --help: `[OPTIONS]` instead of a hundred of them.
    let usage = command.render_usage().to_string();
    let mut synopsis = Roff::new();
    synopsis.control("SH", ["SYNOPSIS"]);
    synopsis.text([roman(usage.trim_start_matches("Usage:").trim())]);
    let has_commands = command.has_subcommands();
    let has_options = command.get_arguments().next().is_some();
    let man = Man::new(command).source(source).manual("Descope Bulk Manual");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis.to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    if has_options {
        man.render_options_section(&mut page)?;
    }
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    end.to_writer(&mut page)?;
    Ok(page)
}

/// A section of names in bold, each with its text below.
fn section(
    page: &mut Roff,
    title: &str,
    entries: impl IntoIterator<Item = (String, impl Into<String>)>,
) {
    page.control("SH", [title]);
    for (name, about) in entries {
        page.control("TP", []);
        page.text([bold(name)]);
        page.text([roman(about.into())]);
    }
}

fn see_also(page: &mut Roff, names: &[String]) {
    page.control("SH", ["SEE ALSO"]);
    let mut words: Vec<Inline> = Vec::new();
    for name in names {
        words.extend([bold(name.clone()), roman("(1), ")]);
    }
    // After the last there is no comma.
    words.pop();
    words.push(roman("(1)"));
    page.text(words);
}

/// `0 all is well; 1 some rows failed.`, taken apart.
fn codes_in(text: &str) -> Vec<(String, String)> {
    let text = text.replace('\n', " ");
    let mut codes: Vec<(String, String)> = Vec::new();
    for part in text.trim().trim_end_matches('.').split("; ") {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ' ').unwrap_or(part.len());
        let or = part[end..].starts_with("or ").then(|| part[end + 3..].find(' ')).flatten();
        let end = or.map_or(end, |or| end + 3 + or);
        let (code, meaning) = (part[..end].trim(), part[end..].trim());
        match codes.last_mut() {
            // A semicolon within what a code means.
            Some((_, last)) if code.is_empty() => {
                last.push_str("; ");
                last.push_str(meaning);
            }
            _ => codes.push((code.to_owned(), meaning.to_owned())),
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_taken_apart() {
        let own = |code: &str, meaning: &str| (code.to_owned(), meaning.to_owned());
        assert_eq!(
            codes_in("0 done; 2 refused, no file\nwas written; 130 or 143 stopped.\n"),
            [
                own("0", "done"),
                own("2", "refused, no file was written"),
                own("130 or 143", "stopped")
            ]
        );
        assert_eq!(
            codes_in("3 stopped: it is left; 4 no"),
            [own("3", "stopped: it is left"), own("4", "no")]
        );
        assert_eq!(codes_in("1 a row; perhaps two"), [own("1", "a row; perhaps two")]);
    }
}
