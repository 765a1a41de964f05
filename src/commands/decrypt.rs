//! `decrypt`: a readable copy of the folder of an encrypted run.

use std::io::{self, Write};

use crate::decrypt;
use crate::exit::{Error, Exit};
use crate::seal::Identities;
use crate::settings::cli::past::DecryptArgs;

/// Makes the copy, and says what is in it.
pub(super) fn run(args: &DecryptArgs) -> Result<Exit, Error> {
    let identities = Identities::read(&args.identity)
        .map_err(|why| Error::refused(format!("--identity: {why}")))?;
    let files = decrypt::decrypt(&args.run, &args.output, &identities)?;
    let page = format!(
        "decrypted: {}\n  {}\n  the copy is not encrypted: remove it when it is no longer needed\n",
        args.output.display(),
        files.join(", ")
    );
    // A closed stdout has read enough.
    let _ = io::stdout().write_all(page.as_bytes());
    Ok(Exit::Success)
}
