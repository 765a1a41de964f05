//! Arguments of every subcommand that checks rows.

use clap::Args;

use crate::plan::ChangeClass;

/// What counts as a problem.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Findings")]
pub struct FindingArgs {
    /// Allow warnings of this kind, such as --allow `lock_out`, or changes of this class in a plan:
    /// removal, rename, access, `lock_out`, merge, or all of them with `all`; may be repeated
    #[arg(long, value_name = "CODE", value_parser = allowable)]
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
