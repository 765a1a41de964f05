//! What `verify-files` tells.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::format::{count, paint, tame};
use super::summary::Look;
use crate::store::audit::Audit;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// What the files of a run came to.
pub(crate) struct AuditScreen<'a> {
    /// What was found.
    pub(crate) audit: &'a Audit,
    /// Who has signed the run, where that was asked for and holds.
    pub(crate) signed_by: Option<String>,
    /// How it looks.
    pub(crate) look: Look,
}

impl AuditScreen<'_> {
    /// Prints it for people.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Audit { chain, rows, complete, findings, notes, .. } = self.audit;
        let (style, word) = if findings.is_empty() { (GOOD, "intact") } else { (BAD, "changed") };
        let word = paint(self.look.color, style, word);
        let state = if *complete { "complete" } else { "not complete" };
        let (links, rows) = (count(chain.links, "link"), count(*rows, "row"));
        writeln!(out, "{word}: {rows} in {links}; the run is {state}")?;
        for finding in findings {
            let file = tame(&finding.file);
            writeln!(out, "  {file}: {}: {}", finding.kind, tame(&finding.message))?;
        }
        for note in notes {
            writeln!(out, "  note: {}", tame(note))?;
        }
        if let Some(signer) = &self.signed_by {
            writeln!(out, "signed by {}", tame(signer))?;
        }
        writeln!(out, "last link: {}", chain.last)
    }

    /// The same for machines.
    #[must_use]
    pub(crate) fn json(&self) -> Value {
        let Audit { chain, rows, complete, findings, notes, .. } = self.audit;
        json!({
            "version": 1,
            "intact": findings.is_empty(),
            "complete": complete,
            "rows": rows,
            "links": chain.links,
            "last": chain.last,
            "signedBy": self.signed_by,
            "findings": findings,
            "notes": notes,
        })
    }
}
