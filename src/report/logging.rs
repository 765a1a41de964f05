//! Logs: key and value, to stderr, beside the progress bar.
//!
//! Only our own lines: a library's debug output may hold addresses and headers.

use clap::ValueEnum;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::report::LogWriter;

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Sets up logging for the process and returns the writer that the progress must share.
///
/// 0 logs warnings, 1 adds what is decided, 2 adds every retry; quiet logs errors only.
#[must_use]
pub(crate) fn start(verbose: u8, quiet: bool, format: LogFormat) -> LogWriter {
    let level = match (quiet, verbose) {
        (true, _) => tracing::Level::ERROR,
        // Progress in JSON is made of events.
        (_, 0) if format == LogFormat::Json => tracing::Level::INFO,
        (_, 0) => tracing::Level::WARN,
        (_, 1) => tracing::Level::INFO,
        (_, 2) => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let writer = LogWriter::default();
    let filter = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let layer = fmt::layer().with_writer(writer.clone()).with_target(false).with_ansi(false);
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // A second run in one process keeps the first one's subscriber.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    writer
}
