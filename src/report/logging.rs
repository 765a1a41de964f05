//! Logs: key and value, to stderr, beside the progress bar.
//!
//! Only our own lines: a library's debug output may hold addresses and headers.

use anstyle::AnsiColor;
use clap::ValueEnum;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

use super::format::paint;
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

/// What log lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogLook {
    /// For a file: with the time, key and value.
    Lines,
    /// One JSON object a line.
    Json,
    /// Like the rest of a screen, in colours or not.
    Screen(bool),
}

/// The target of events that were asked for by a flag of their own: they are told even if quiet.
pub(crate) const ASKED_FOR: &str = concat!(env!("CARGO_CRATE_NAME"), "::asked_for");

/// Sets up logging for the process and returns the writer that the progress must share.
///
/// 0 logs warnings, 1 adds what is decided, 2 adds every retry; quiet logs errors only, and what was
/// [asked for](ASKED_FOR).
#[must_use]
pub(crate) fn start(verbose: u8, quiet: bool, look: LogLook) -> LogWriter {
    let level = match (quiet, verbose) {
        (true, _) => tracing::Level::ERROR,
        // Progress in JSON is made of events.
        (_, 0) if look == LogLook::Json => tracing::Level::INFO,
        (_, 0) => tracing::Level::WARN,
        (_, 1) => tracing::Level::INFO,
        (_, 2) => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let writer = LogWriter::default();
    let filter = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let filter = filter.with_target(ASKED_FOR, level.max(Level::INFO));
    let layer = layer(writer.clone(), look).with_filter(filter);
    // A second run in one process keeps the first one's subscriber.
    let _ = tracing_subscriber::registry().with(layer).try_init();
    writer
}

fn layer<W>(writer: W, look: LogLook) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer).with_target(false).with_ansi(false);
    match look {
        LogLook::Lines => layer.boxed(),
        LogLook::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
        LogLook::Screen(color) => layer.event_format(OnScreen { color }).boxed(),
    }
}

/// Lines as they stand on a screen: the level in a word, and no time.
struct OnScreen {
    color: bool,
}

impl<S, N> FormatEvent<S, N> for OnScreen
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let (word, color) = match *event.metadata().level() {
            Level::ERROR => ("error", AnsiColor::Red),
            Level::WARN => ("warning", AnsiColor::Yellow),
            _ => ("note", AnsiColor::Cyan),
        };
        let word = paint(self.color, color.on_default().bold(), word);
        write!(writer, "{word}: ")?;
        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                // The only span is that of the job.
                write!(writer, "{}: ", fields.strip_prefix("job=").unwrap_or(fields))?;
            }
        }
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::tasks;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged meanwhile.
    fn logged(look: LogLook, meanwhile: impl FnOnce()) -> String {
        let written = Written::default();
        let to = written.clone();
        let layer = layer(move || to.clone(), look);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), meanwhile);
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_warning_looks_like_what_is_around_it() {
        let warned = |look| logged(look, || tracing::warn!(file = "key", "others can read it"));
        assert_eq!(warned(LogLook::Screen(false)), "warning: others can read it file=\"key\"\n");
        let colored = warned(LogLook::Screen(true));
        assert!(colored.contains("\u{1b}[") && colored.contains("warning"), "{colored:?}");
        assert!(warned(LogLook::Lines).contains("  WARN others can read it file=\"key\""));
        assert!(warned(LogLook::Json).contains("\"message\":\"others can read it\""));
    }

    #[test]
    fn a_warning_names_its_job_where_there_are_many() {
        let warning = || tasks::job("acme.toml").in_scope(|| tracing::warn!("its key is wrong"));
        let named = |look| logged(look, warning);
        assert_eq!(named(LogLook::Screen(false)), "warning: acme.toml: its key is wrong\n");
        assert!(named(LogLook::Lines).contains("WARN job{job=acme.toml}: its key is wrong"));
        let json: serde_json::Value = serde_json::from_str(&named(LogLook::Json)).unwrap();
        assert_eq!(
            (&json["span"]["job"], &json["message"]),
            (&"acme.toml".into(), &"its key is wrong".into())
        );
    }
}
