//! Arguments of every subcommand that checks rows.

use clap::Args;

/// What counts as a problem.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Findings")]
pub struct FindingArgs {
    /// Allow warnings of this kind, such as --allow `lock_out`; may be repeated
    #[arg(long, value_name = "CODE", value_parser = allowable)]
    pub allow: Vec<String>,
}

fn allowable(code: &str) -> Result<String, String> {
    let codes = crate::check::ALLOWABLE;
    if codes.contains(&code) {
        Ok(code.to_owned())
    } else {
        Err(format!("only these can be allowed: {}", codes.join(", ")))
    }
}
