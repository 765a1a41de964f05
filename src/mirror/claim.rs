//! The lease as it is written, and who may take it. Pure.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the lease's format.
const LEASE_VERSION: u32 = 1;

/// How much longer than it says a lease is respected: storages tell times to the second.
const MARGIN: Duration = Duration::from_secs(2);

/// How long leases last, and whether to wait for another host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaseTerms {
    /// How long it lasts unless it is renewed.
    pub(crate) lasts: Duration,
    /// Whether to wait for a host that has it.
    pub(crate) wait: bool,
}

impl LeaseTerms {
    /// How long its holder sends without having renewed it. The rest of the time is for requests that
    /// are on the wire then.
    pub(super) fn sends_for(&self) -> Duration {
        self.lasts * 2 / 3
    }

    /// How often it is renewed.
    pub(super) fn renewed_every(&self) -> Duration {
        self.lasts / 6
    }
}

/// A lease as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeaseNote {
    pub(super) version: u32,
    /// How often the run was taken up: each lease has a number of its own.
    pub(super) number: u64,
    /// The host that has it.
    pub(super) host: String,
    /// The process there.
    pub(super) process: u32,
    /// By which a process knows its own lease.
    pub(super) token: String,
    /// How long it lasts from when it was written, in milliseconds.
    pub(super) lasts_ms: u64,
    /// How often it was renewed, so that each writing differs.
    pub(super) renewals: u64,
    /// Whether its holder has given it back.
    pub(super) released: bool,
}

/// Whether a lease may be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LeaseClaim {
    /// It may, under this number.
    Free(u64),
    /// Somebody has it, until then unless it is renewed.
    Held(Timestamp),
}

impl LeaseNote {
    /// One of this process.
    pub(super) fn own(terms: &LeaseTerms, token: &str) -> Self {
        let name = rustix::system::uname();
        Self {
            version: LEASE_VERSION,
            number: 0,
            host: name.nodename().to_string_lossy().into_owned(),
            process: std::process::id(),
            token: token.to_owned(),
            lasts_ms: u64::try_from(terms.lasts.as_millis()).unwrap_or(u64::MAX),
            renewals: 0,
            released: false,
        }
    }

    /// The note that an object holds.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let note: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if note.version > LEASE_VERSION {
            return Err(format!("its lease is of version {}", note.version));
        }
        Ok(note)
    }

    /// Who has it, for people.
    pub(super) fn holder(&self) -> String {
        format!("host {}, process {}", self.host, self.process)
    }

    /// Whether it may be taken: it was written at one moment of the storage's clock, and now is another.
    pub(super) fn claim(&self, written_at: Timestamp, now: Timestamp) -> LeaseClaim {
        let until = written_at.saturating_add(Duration::from_millis(self.lasts_ms));
        let until = until.unwrap_or(Timestamp::MAX);
        let respected = until.saturating_add(MARGIN).unwrap_or(Timestamp::MAX);
        if self.released || now >= respected {
            LeaseClaim::Free(self.number + 1)
        } else {
            LeaseClaim::Held(until)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_free_when_it_was_given_back_or_is_over() {
        let terms = LeaseTerms { lasts: Duration::from_secs(60), wait: false };
        let note = LeaseNote { number: 3, ..LeaseNote::own(&terms, "t") };
        let at = |second| Timestamp::from_second(second).unwrap();
        for (released, now, expected) in [
            (false, 1000, LeaseClaim::Held(at(1060))),
            (false, 1061, LeaseClaim::Held(at(1060))),
            (false, 1062, LeaseClaim::Free(4)),
            // A storage whose clock was set back.
            (false, 900, LeaseClaim::Held(at(1060))),
            (true, 1000, LeaseClaim::Free(4)),
        ] {
            let note = LeaseNote { released, ..note.clone() };
            assert_eq!(note.claim(at(1000), at(now)), expected, "{released} {now}");
        }
        assert!(terms.sends_for() < terms.lasts && terms.renewed_every() * 3 < terms.sends_for());
    }
}
