//! The mirror of a run: its folder on object storage, so that another host can take the run up.
//!
//! The folder on the local disk stays the truth. A thread ships what belongs to whole commits in parts
//! that never change ([`shipper`]), and puts a manifest behind them, which is all that a reader goes by
//! ([`manifest`]). A lease says which host works on the run ([`lease`]); what must not be sent twice
//! waits until the mirror knows that it is about to be sent.

mod claim;
mod fetch;
mod found;
mod keeper;
mod lease;
mod manifest;
mod part;
mod shipper;
mod shipping;
mod state;
mod trouble;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::exit::Error;
use crate::limiter::Throttle;
use crate::objects::{ObjectFolder, ObjectUrl};
use crate::stop::Stop;
use crate::store::{self, JOURNAL, KnownElsewhere, RunFolder};

pub(crate) use claim::LeaseTerms;
pub(crate) use fetch::fetch;
use found::FoundManifest;
use keeper::LeaseKeeper;
use lease::Lease;
use shipper::Shipper;
use shipping::Shipping;
use state::ShippedState;
use trouble::MirrorTrouble;

/// The longest that the end of a run waits for its mirror.
const FAREWELL: Duration = Duration::from_secs(60);

/// The mirror of a run that this host works on.
pub(crate) struct Mirror {
    url: ObjectUrl,
    bucket: ObjectFolder,
    keeper: LeaseKeeper,
    number: u64,
    stage: Mutex<Stage>,
}

/// How far it is.
enum Stage {
    /// The run has not begun; this much is shipped of its folder.
    Taken(Option<ShippedState>),
    /// The run goes on.
    Shipping(Shipping),
    Over,
}

/// Where a mirrored run is to be found on this host.
pub(crate) struct MirroredRun<'a> {
    /// The folder of runs.
    pub(crate) runs: &'a Path,
    /// The folder that was named.
    pub(crate) out: Option<&'a Path>,
    /// Whether it is to be resumed.
    pub(crate) resume: bool,
}

impl Mirror {
    /// Takes the lease of a run, and brings its folder here if the mirror holds one that this host does
    /// not have as it is there. Gives the folder of the run that is to be resumed, if there is one.
    ///
    /// # Errors
    ///
    /// Another host works on the run; a run that is there and is not to be resumed; a storage that does
    /// not answer, and a mirror that is damaged.
    pub(crate) fn take(
        url: &ObjectUrl,
        terms: &LeaseTerms,
        run: &MirroredRun<'_>,
        (stop, throttle): (&Stop, &Throttle),
    ) -> Result<(Self, Option<PathBuf>), Error> {
        let refuse = |trouble: MirrorTrouble| trouble.at(url);
        let bucket = ObjectFolder::open(url).map_err(|fault| refuse(fault.into()))?;
        let lease = Lease::take(&bucket, terms, stop).map_err(refuse)?;
        let number = lease.number();
        let keeper = LeaseKeeper::spawn(lease, url, (stop, throttle));
        let stage = Mutex::new(Stage::Taken(None));
        let mirror = Self { url: url.clone(), bucket, keeper, number, stage };
        match mirror.bring_here(run, stop) {
            Ok((folder, state)) => {
                mirror.set(Stage::Taken(state));
                Ok((mirror, folder))
            }
            Err(error) => {
                mirror.keeper.release();
                Err(error)
            }
        }
    }

    fn set(&self, stage: Stage) -> Stage {
        std::mem::replace(&mut self.stage.lock().unwrap_or_else(PoisonError::into_inner), stage)
    }

    /// The folder of the run as it is in the mirror, or further.
    fn bring_here(
        &self,
        run: &MirroredRun<'_>,
        stop: &Stop,
    ) -> Result<(Option<PathBuf>, Option<ShippedState>), Error> {
        let refuse = |trouble: MirrorTrouble| trouble.at(&self.url);
        let Some(there) = found::read_manifest(&self.bucket).map_err(refuse)? else {
            return Ok((None, None));
        };
        if !run.resume {
            return Err(Error::refused(format!(
                "{} holds the run {}: use --resume to continue it, or name another folder of the bucket",
                self.url, there.manifest.run
            )));
        }
        // From here on nothing of a host that had the lease before is taken in.
        let there = there.fenced(&self.bucket, self.number).map_err(refuse)?;
        let folder = run.out.map_or_else(|| run.runs.join(&there.manifest.run), Path::to_owned);
        if folder.join(JOURNAL).exists() {
            let held = RunFolder::open(folder.clone(), false)?;
            if let Some(state) = self.held_by(&there, &folder)? {
                return Ok((Some(folder), Some(state)));
            }
            self.set_aside(&folder)?;
            drop(held);
        }
        store::make_whole(&folder, |held| {
            let is_stopped = || stop.is_draining();
            fetch::bring(&self.bucket, &there.manifest, held.path(), &is_stopped).map_err(refuse)
        })?;
        let state = self.held_by(&there, &folder)?;
        tracing::info!(folder = %folder.display(), "the run was brought here from its mirror");
        Ok((Some(folder), state))
    }

    fn held_by(&self, there: &FoundManifest, folder: &Path) -> Result<Option<ShippedState>, Error> {
        ShippedState::of(there, folder).map_err(|error| MirrorTrouble::from(error).at(&self.url))
    }

    /// Another host has gone on since: what is here is out of date, and is kept beside.
    fn set_aside(&self, folder: &Path) -> Result<(), Error> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let aside = folder.with_file_name(format!("superseded-{}-{name}", self.number));
        fs::rename(folder, &aside).map_err(|error| {
            Error::refused(format!("cannot move {} aside: {error}", folder.display()))
        })?;
        tracing::warn!(
            "another host went on with the run: what was in {} is out of date, and is in {} now",
            folder.display(),
            aside.display()
        );
        Ok(())
    }

    /// Ships what the run in a folder records from now on. Gives where those wait who are about to send
    /// what must not be sent twice.
    pub(crate) fn begin(&self, folder: &Path, stop: &Stop) -> KnownElsewhere {
        let state = match self.set(Stage::Over) {
            Stage::Taken(state) => state,
            Stage::Shipping(_) | Stage::Over => None,
        };
        let bucket = self.bucket.within(self.keeper.terms().lasts);
        let shipper = Shipper::new(&bucket, folder, self.number, state);
        let shipping = Shipping::spawn(shipper, &self.url, self.keeper.lost(), stop);
        let gate = shipping.gate();
        self.set(Stage::Shipping(shipping));
        gate
    }

    /// Ships the rest, once the run is over, and releases the lease. `finished` is the folder of a run
    /// that was finished before, whose mirror may lack its end.
    ///
    /// # Errors
    ///
    /// Why the mirror lacks the rest, and what to do; nothing of a run whose lease is lost.
    pub(crate) fn end(&self, finished: Option<&Path>) -> Result<(), Error> {
        let shipper = match (self.set(Stage::Over), finished) {
            (Stage::Shipping(shipping), _) => shipping.end(),
            (Stage::Taken(state), Some(folder)) => {
                Some(Shipper::new(&self.bucket, folder, self.number, state))
            }
            (Stage::Taken(_) | Stage::Over, _) => None,
        };
        let shipped = match shipper {
            Some(mut shipper) if !self.keeper.is_lost() => {
                shipper.ship_all(FAREWELL.min(self.keeper.terms().lasts))
            }
            _ => Ok(()),
        };
        self.keeper.release();
        shipped.map_err(|trouble| {
            Error::Stopped(format!(
                "{}\n  the run is recorded in its folder on this machine; to ship the rest, run the same command with --resume",
                trouble.at(&self.url)
            ))
        })
    }
}
