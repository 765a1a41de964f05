//! `verify-files`: are the files of a run those that it wrote?

use std::io::{self, Write};

use super::caller::Caller;
use crate::exit::{Error, Exit};
use crate::report::AuditScreen;
use crate::settings::cli::history::VerifyFilesArgs;
use crate::store::audit::{Finding, audit};
use crate::store::{self, SIGNATURE, marks, signature};

/// Makes the chain of a run again, and shows what its files came to.
pub(super) fn run(args: &VerifyFilesArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    marks::refuse_purged(&args.run).map_err(Error::refused)?;
    let audit = audit(&args.run).map_err(|error| Error::Stopped(error.to_string()))?;
    let mut audit = audit.ok_or_else(|| store::no_run_in(&args.run))?;
    if !audit.has_chain() {
        return Err(Error::refused(format!(
            "{}: the run has no chain, so nobody can tell whether its files were changed: it is of an older version, merged, or a redacted or decrypted copy",
            args.run.display()
        )));
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
