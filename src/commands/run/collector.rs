//! The collector that is told of a run by OTLP, if one was named.

use url::Url;

use crate::exit::Error;
use crate::report::RunWatch;
use crate::run::Run;

#[cfg(feature = "otlp")]
use crate::telemetry::Telemetry;

/// What tells it; nothing where no collector was named.
#[derive(Default)]
pub(super) struct Collector {
    #[cfg(feature = "otlp")]
    telemetry: Option<Telemetry>,
}

#[cfg(feature = "otlp")]
impl Collector {
    /// Has the collector told of a watched run. One that cannot be told changes nothing of the run.
    pub(super) fn told_of(
        run: Run,
        url: Option<&Url>,
        watch: &RunWatch,
    ) -> Result<(Run, Self), Error> {
        let Some(url) = url else { return Ok((run, Self::default())) };
        match Telemetry::start(url, watch) {
            Ok((telemetry, sink)) => Ok((run.sink(sink), Self { telemetry: Some(telemetry) })),
            Err(why) => Err(Error::unready(format!("--otlp: {why}"))),
        }
    }

    /// Tells it what is left.
    pub(super) fn end(self) {
        if let Some(telemetry) = self.telemetry {
            telemetry.end();
        }
    }
}

#[cfg(not(feature = "otlp"))]
impl Collector {
    /// This build cannot.
    pub(super) fn told_of(run: Run, url: Option<&Url>, _: &RunWatch) -> Result<(Run, Self), Error> {
        if url.is_some() {
            return Err(Error::unready(
                "--otlp: this build has no OTLP: build it with `cargo install --features otlp`",
            ));
        }
        Ok((run, Self::default()))
    }

    /// There is nothing to tell.
    pub(super) fn end(self) {
        let Self {} = self;
    }
}
