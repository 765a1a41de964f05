//! The live page of a run, if it was asked for.

use std::io::Write as _;

use crate::exit::Error;
use crate::report::logging::{ASKED_FOR, LogFormat};
use crate::report::{LogWriter, RunWatch};
use crate::run::RunHandle;
use crate::serve::{LivePage, Serving, Wheel};
use crate::settings::cli::run::OutputArgs;

/// A page that waits for its run.
pub(super) struct WaitingPage {
    page: LivePage,
    watch: RunWatch,
}

impl WaitingPage {
    /// Takes the address that was asked for, and says where the page of a watched run will be; nothing
    /// where none was asked for.
    pub(super) fn of(
        output: &OutputArgs,
        log: &LogWriter,
        watch: &RunWatch,
    ) -> Result<Option<Self>, Error> {
        let Some(address) = output.serve else { return Ok(None) };
        if !address.ip().is_loopback() && !output.serve_public {
            return Err(Error::unready(format!(
                "--serve {address}: other machines reach this address, and the page is not encrypted: \
                 use 127.0.0.1, or add --serve-public to allow it"
            )));
        }
        let page = LivePage::bind(address)?;
        let url = page.url();
        if output.log.log_format == LogFormat::Json {
            tracing::info!(target: ASKED_FOR, %url, "live page");
        } else {
            // Without a reader of stderr there is nobody to tell.
            let _ = log.clone().write_all(format!("watch this run at {url}\n").as_bytes());
        }
        Ok(Some(Self { page, watch: watch.clone() }))
    }

    /// Serves it while the run goes on. A page that cannot be served changes nothing of the run.
    pub(super) fn start(self, run: &RunHandle) -> Option<Serving> {
        let wheel = Wheel { throttle: run.throttle().clone(), stop: run.stop().clone() };
        self.page
            .start(self.watch, wheel)
            .inspect_err(|error| tracing::warn!("{error}; the run is not affected"))
            .ok()
    }
}
