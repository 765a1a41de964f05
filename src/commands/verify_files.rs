//! `verify-files`: are the files of a run those that it wrote?

use std::io::{self, Write};

use super::caller::Caller;
use crate::exit::{Error, Exit};
use crate::report::AuditScreen;
use crate::settings::cli::history::VerifyFilesArgs;
use crate::store::audit::{Finding, audit};
use crate::store::{SIGNATURE, signature};

/// Makes the chain of a run again, and shows what its files came to.
pub(super) fn run(args: &VerifyFilesArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let refuse = |why: &str| Error::refused(format!("{}: {why}", args.run.display()));
    let audit = audit(&args.run).map_err(|error| Error::Stopped(error.to_string()))?;
    let mut audit =
        audit.ok_or_else(|| refuse("there is no run here: name the folder of a run"))?;
    if !audit.has_chain() {
        return Err(refuse(
            "the run has no chain: it was made by a version that wrote none, so nobody can tell whether its files were changed",
        ));
    }
    let mut signed_by = None;
    if let Some(allowed) = &args.allowed_signers {
        match signature::check(&args.run, allowed, args.signer.as_deref()) {
            Ok(signer) => signed_by = Some(signer),
            Err(why) => audit.findings.push(Finding::new(SIGNATURE, "signature", why)),
        }
    }
    let is_intact = audit.findings.is_empty();
    let screen = AuditScreen { audit: &audit, signed_by, look: caller.look() };
    let mut page = Vec::new();
    let printed =
        if args.json { writeln!(page, "{}", screen.json()) } else { screen.print(&mut page) };
    // A closed stdout has read enough.
    let _ = printed.and_then(|()| io::stdout().write_all(&page));
    Ok(if is_intact { Exit::Success } else { Exit::Failures })
}
