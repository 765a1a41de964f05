//! What requests are sent on.

use tokio::runtime::{Builder, Runtime};

use crate::exit::Error;

/// A runtime on this thread.
pub(super) fn runtime() -> Result<Runtime, Error> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Error::Stopped(format!("cannot start threads: {error}")))
}
