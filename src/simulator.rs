//! The simulator: a local look-alike of the user-management API, for rehearsals and tests.
//!
//! It listens on a real port and speaks the API well enough for the official SDKs: users in
//! memory, every operation of the catalogue with its documented effect, search, the documented
//! errors and rate limits, and faults on demand. What the documents leave open is a switch. It
//! is never the real thing, and every answer says so in its `server` header.

mod actions;
mod attributes;
mod base64;
mod create;
mod credential_effects;
mod credentials;
mod declare;
mod delete;
mod desk;
mod effects;
mod families;
mod faults;
mod fields;
mod fill;
mod hashes;
mod import;
#[cfg(test)]
pub(crate) mod in_memory;
mod latency;
mod limits;
mod links;
mod log;
mod operations;
mod problem;
mod project;
mod reads;
mod routes;
mod search;
mod seed;
mod server;
mod service;
mod settings;
mod store;
mod stores;
mod switches;
mod users;
mod visible;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use faults::{Fault, FaultKind};
pub use latency::Latency;
pub use limits::Limit;
pub use seed::Seed;
pub use settings::Settings;
pub use switches::{
    BatchReply, OldPhone, PatchAttributes, PatchConflict, RateBuckets, RateWindow, Switches,
    UnknownRole, UserNotFound, VerifiedDefault,
};

use crate::exit::Error;

/// A running simulator. Dropping it stops it at once; [`Simulator::stop`] lets requests finish.
pub struct Simulator {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

/// Starts a simulator on the current runtime. It serves from here on.
pub async fn start(settings: Settings) -> Result<Simulator, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let epoch = u32::try_from(now.map_or(0, |now| now.as_secs())).unwrap_or(u32::MAX);
    let store = sown(&settings, epoch)?;
    let refuse = |error| {
        Error::refused(format!("the simulator cannot listen on {}: {error}", settings.listen))
    };
    let listener = TcpListener::bind(settings.listen).await.map_err(refuse)?;
    let address = listener.local_addr().map_err(refuse)?;
    let log = settings.log.as_deref().map(log::Log::create).transpose()?;
    let service = Arc::new(service::Service::new(settings, store, log, epoch));
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(server::serve(listener, service, stopped));
    Ok(Simulator { address, stop, server })
}

/// The users to start with; `epoch` is the time of the start in seconds since 1970.
fn sown(settings: &Settings, epoch: u32) -> Result<store::Store, Error> {
    let mut store = store::Store::new(settings.create_missing, settings.switches.search_lag);
    let moment = store::Moment { seconds: epoch, elapsed: Duration::ZERO };
    seed::sow(&settings.users, &mut store, moment)?;
    store.settle();
    Ok(store)
}

impl Simulator {
    /// Where it is, to be taken as the API's base URL: `http://127.0.0.1:40123`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more requests, lets those in flight finish, and closes. Afterwards the log is
    /// complete. Latencies are cut short, and requests that would hang are dropped.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        // A panic of the server is a test's to see, in its own output.
        let _ = (&mut self.server).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}
