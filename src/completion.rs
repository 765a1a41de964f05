//! Completion: what can be typed next on a command line.
//!
//! A shell's script asks the program, with the line so far. The answer knows operations and their
//! fields, and of the files on the line the names of their columns. Only the heads of those files are
//! read, nothing goes to the network, and whatever goes wrong there is no answer rather than an error
//! in the middle of somebody's line.
//!
//! The library's engine is unstable, so it is pinned, named in this room only, and asked for two things: the
//! candidates of a word, and the scripts of all shells but Bash.

mod bash;
mod columns;
mod line;
mod values;
mod words;

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use clap_complete::engine::{self, CompletionCandidate};
use clap_complete::env::{EnvCompleter, Shells};

use crate::settings::Environment;
use crate::settings::cli;
use bash::BashLine;
use line::LineFacts;

/// The variable in which a script names its shell when it asks.
pub(crate) const ASKING: &str = "DESCOPE_BULK_COMPLETE";

/// The name that people type.
const PROGRAM: &str = "descope-bulk";

/// Zsh loads a script when its function is first called, and expects it to answer at once.
const ZSH_CALLED: &str = "\nif [ \"$funcstack[1]\" = \"_descope-bulk\" ]; then
    _clap_dynamic_completer_descope_bulk \"$@\"
fi\n";

/// The script that a shell is to read; nothing for a shell that is not known.
pub(crate) fn script(shell: &str) -> Option<Vec<u8>> {
    if shell == "bash" {
        return Some(bash::SCRIPT.replace("VARIABLE", ASKING).into_bytes());
    }
    let mut script = Vec::new();
    let adapter = adapter(shell)?;
    adapter.write_registration(ASKING, PROGRAM, PROGRAM, PROGRAM, &mut script).ok()?;
    if shell == "zsh" {
        script.extend_from_slice(ZSH_CALLED.as_bytes());
    }
    Some(script)
}

/// What a script is answered that asks with these arguments, the program's name first.
pub(crate) fn answer(
    shell: &str,
    arguments: &[OsString],
    environment: Environment<'_>,
) -> Option<Vec<u8>> {
    let begin = arguments.iter().position(|word| word == "--")? + 1;
    let arguments = arguments[begin..].to_vec();
    let folder = env::current_dir().ok();
    if shell == "bash" {
        return of_bash(&arguments, folder.as_deref(), environment);
    }
    let (words, cursor) = of_words(shell, arguments, environment);
    let facts = LineFacts::of(&words, cursor, environment);
    let mut command = values::with_values(cli::command(), &Arc::new(facts));
    let mut answer = Vec::new();
    let adapter = adapter(shell)?;
    adapter.write_complete(&mut command, words, folder.as_deref(), &mut answer).ok()?;
    Some(answer)
}

fn adapter(shell: &str) -> Option<&'static dyn EnvCompleter> {
    const SHELLS: Shells<'static> = Shells::builtins();
    SHELLS.0.iter().copied().find(|adapter| adapter.name() == shell)
}

/// The words that another shell hands over, and which is at the cursor.
fn of_words(
    shell: &str,
    mut words: Vec<OsString>,
    environment: Environment<'_>,
) -> (Vec<OsString>, usize) {
    // Zsh hands words over as they were typed; the others without quotes.
    if shell == "zsh" {
        let plain = |word: OsString| match word.to_str() {
            Some(typed) => words::unquoted(typed).text.into(),
            None => word,
        };
        words = words.into_iter().map(plain).collect();
    }
    let stated = environment("_CLAP_COMPLETE_INDEX").and_then(|index| index.parse().ok());
    let cursor = stated.unwrap_or(words.len().saturating_sub(1));
    (words, cursor)
}

fn of_bash(
    arguments: &[OsString],
    folder: Option<&Path>,
    environment: Environment<'_>,
) -> Option<Vec<u8>> {
    let [before, after, replaced] = arguments else { return None };
    let line = BashLine::new(before.to_str()?, after.to_str()?, replaced.to_str()?);
    let (words, cursor) = line.arguments();
    let facts = LineFacts::of(&words, cursor, environment);
    let mut command = values::with_values(cli::command(), &Arc::new(facts));
    let found = engine::complete(&mut command, words, cursor, folder);
    let mut found = found.ok()?;
    // There are a hundred options: they are shown once a hyphen is typed, or where there is nothing else.
    let is_option =
        |own: &CompletionCandidate| own.get_value().as_encoded_bytes().starts_with(b"-");
    if line.is_at_new_word() && !found.iter().all(is_option) {
        found.retain(|candidate| !is_option(candidate));
    }
    let mut answer = Vec::new();
    for candidate in found {
        if let Some(reply) = candidate.get_value().to_str().and_then(|word| line.reply(word)) {
            answer.extend_from_slice(reply.as_bytes());
            answer.push(b'\n');
        }
    }
    Some(answer)
}
