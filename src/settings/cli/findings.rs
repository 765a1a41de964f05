//! Arguments of every subcommand that checks rows.

use clap::Args;

use crate::plan::ChangeClass;

/// What counts as a problem.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Findings")]
pub struct FindingArgs {
    /// What is allowed by name.
    #[arg(
        long,
        value_name = "CODE",
        value_parser = allowable,
        help = "Allow warnings of this kind, or changes of this class in a plan: removal, rename, access, lock_out, merge, invitation, deletion, or all of them with all; may be repeated"
    )]
    pub allow: Vec<String>,
}

fn allowable(code: &str) -> Result<String, String> {
    let mut codes = crate::check::ALLOWABLE.to_vec();
    codes.extend(
        ChangeClass::ALLOWABLE.iter().filter(|class| !crate::check::ALLOWABLE.contains(class)),
    );
    if codes.contains(&code) {
        Ok(code.to_owned())
    } else {
        Err(format!("only these can be allowed: {}", codes.join(", ")))
    }
}
