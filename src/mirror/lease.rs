//! The lease: one object, written only over what was there when it was last looked at.

use std::time::Duration;

use jiff::Timestamp;

use super::claim::{LeaseClaim, LeaseNote, LeaseTerms};
use super::trouble::MirrorTrouble;
use crate::limiter::LeaveMoment;
use crate::objects::{FaultKind, ObjectFolder, ObjectTag, PutWhen, StorageFault};
use crate::stop::Stop;

/// The name of the object.
const NAME: &str = "lease.json";

/// How often somebody who waits looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The lease of a run, held by this process.
pub(super) struct Lease {
    bucket: ObjectFolder,
    note: LeaseNote,
    tag: ObjectTag,
    pub(super) terms: LeaseTerms,
    /// When it was last asked for in vain or with success.
    pub(super) asked: LeaveMoment,
}

/// What came of renewing it.
pub(super) enum Renewal {
    /// It lasts on.
    Renewed,
    /// Somebody else has it, or has removed it.
    Lost(String),
    /// Nobody knows; to be tried again.
    Unknown(StorageFault),
}

impl Lease {
    /// Takes the lease of the run that is mirrored in a folder of a bucket. This blocks, for as long as
    /// another host has it where that is asked for.
    pub(super) fn take(
        bucket: &ObjectFolder,
        terms: &LeaseTerms,
        stop: &Stop,
    ) -> Result<Self, MirrorTrouble> {
        let token = format!("{:032x}", fastrand::u128(..));
        let mut has_told = false;
        loop {
            let (number, when) = match look(bucket, &token)? {
                None => (1, PutWhen::New),
                Some((_, tag, LeaseClaim::Free(number))) => (number, PutWhen::Unchanged(tag)),
                Some((note, _, LeaseClaim::Held(until))) => {
                    let told = format!(
                        "{} works on the run, and holds it until {until:.0} if it is gone",
                        note.holder()
                    );
                    if !terms.wait {
                        return Err(MirrorTrouble::Held(format!(
                            "{told}: wait for it, or use --resume --wait"
                        )));
                    }
                    if !std::mem::replace(&mut has_told, true) {
                        tracing::warn!("waiting: {told}");
                    }
                    pause(stop)?;
                    continue;
                }
            };
            let note = LeaseNote { number, ..LeaseNote::own(terms, &token) };
            let asked = LeaveMoment::now();
            match bucket.put(NAME, written(&note), &when) {
                Ok(tag) => {
                    heeds_conditions(bucket, &note)?;
                    return Ok(Self { bucket: bucket.clone(), note, tag, terms: *terms, asked });
                }
                // Somebody was quicker, or the answer to our own was lost; then it is found to be ours.
                Err(StorageFault { kind: FaultKind::Changed, .. }) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
    }

    /// Its number.
    pub(super) fn number(&self) -> u64 {
        self.note.number
    }

    /// Renews it, within a time.
    pub(super) fn renew(&mut self, within: Duration) -> Renewal {
        let asked = LeaveMoment::now();
        let note = LeaseNote { renewals: self.note.renewals + 1, ..self.note.clone() };
        match self.write(note, within) {
            Ok(()) => {
                self.asked = asked;
                Renewal::Renewed
            }
            Err(StorageFault { kind: FaultKind::Changed, .. }) => self.look_whose(within),
            Err(fault) => Renewal::Unknown(fault),
        }
    }

    /// Gives it back, so that nobody has to wait until it is over.
    pub(super) fn release(mut self, within: Duration) -> Result<(), StorageFault> {
        let renewals = self.note.renewals + 1;
        let note = LeaseNote { released: true, renewals, ..self.note.clone() };
        self.write(note, within)
    }

    fn write(&mut self, note: LeaseNote, within: Duration) -> Result<(), StorageFault> {
        let when = PutWhen::Unchanged(self.tag.clone());
        self.tag = self.bucket.within(within).put(NAME, written(&note), &when)?;
        self.note = note;
        Ok(())
    }

    /// It is not as it was written last: the answer to a later writing was lost, or it is somebody else's.
    fn look_whose(&mut self, within: Duration) -> Renewal {
        match self.bucket.within(within).get(NAME) {
            Ok(Some((bytes, facts))) => match LeaseNote::read(&bytes) {
                Ok(note) if note.token == self.note.token => {
                    (self.note, self.tag) = (note, facts.tag);
                    let scarcely = "the answer to an earlier renewal was lost".to_owned();
                    Renewal::Unknown(self.bucket.fault(scarcely))
                }
                Ok(note) => Renewal::Lost(note.holder()),
                Err(_) => Renewal::Lost("somebody".to_owned()),
            },
            Ok(None) => Renewal::Lost("somebody, who has removed the lease,".to_owned()),
            Err(fault) => Renewal::Unknown(fault),
        }
    }
}

/// The lease that is there, and whether it may be taken.
fn look(
    bucket: &ObjectFolder,
    token: &str,
) -> Result<Option<(LeaseNote, ObjectTag, LeaseClaim)>, MirrorTrouble> {
    let Some((bytes, facts)) = bucket.get(NAME)? else { return Ok(None) };
    let note = LeaseNote::read(&bytes).map_err(MirrorTrouble::Damaged)?;
    let claim = if note.token == token {
        // The answer to it was lost: it is taken anew, so that it is known when.
        LeaseClaim::Free(note.number)
    } else if note.released {
        note.claim(facts.written_at, facts.written_at)
    } else {
        note.claim(facts.written_at, storage_now(bucket, token)?)
    };
    Ok(Some((note, facts.tag, claim)))
}

/// Makes sure that the storage does not write over a lease: some look-alikes take conditions and do not
/// heed them.
fn heeds_conditions(bucket: &ObjectFolder, note: &LeaseNote) -> Result<(), MirrorTrouble> {
    match bucket.put(NAME, written(note), &PutWhen::New) {
        Err(StorageFault { kind: FaultKind::Changed, .. }) => Ok(()),
        Err(fault) => Err(fault.into()),
        Ok(_) => Err(bucket
            .fault("it does not heed the conditions of writes, so that two hosts could work on one run")
            .into()),
    }
}

/// What time it is by the storage's own clock, which has told when the lease was written: the clocks of
/// hosts may differ.
fn storage_now(bucket: &ObjectFolder, token: &str) -> Result<Timestamp, StorageFault> {
    let name = format!("clock-{token}");
    bucket.put(&name, token.as_bytes().to_vec(), &PutWhen::Always)?;
    let now = bucket.facts(&name, None)?.written_at;
    // What stays behind does no harm.
    let _ = bucket.delete(&name);
    Ok(now)
}

fn written(note: &LeaseNote) -> Vec<u8> {
    serde_json::to_vec_pretty(note).unwrap_or_default()
}

/// Waits a little, unless the run is stopped.
fn pause(stop: &Stop) -> Result<(), MirrorTrouble> {
    let stopped = tokio::runtime::Handle::current()
        .block_on(tokio::time::timeout(LOOK_AGAIN, stop.draining()));
    if stopped.is_ok() { Err(MirrorTrouble::Stopped) } else { Ok(()) }
}
