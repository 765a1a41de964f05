//! OpenTelemetry: a run as a trace, and its numbers as metrics, sent to a collector by OTLP.
//!
//! The trace has a span for the run and one for each time that it stood still: for a pause that the
//! server asked for, for one of somebody's, and outside its hours. Rows and users are in none of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::trace::{
    Span, SpanKind, Status as SpanStatus, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use url::Url;

use crate::api::transport::Poster;
use crate::engine::events::{Ended, Event, Sink, Started, Waiting};
use crate::outcome::{Status, Tally};
use crate::report::metrics::RunNumbers;
use crate::report::{RunWatch, intervention_in_words};
use crate::store::summary::Tool;

/// How far apart metrics are sent.
const INTERVAL: Duration = Duration::from_secs(10);

/// How long the last of it may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long one request to the collector may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What sends a run's trace and metrics.
pub(crate) struct Telemetry {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Telemetry {
    /// Sends metrics of a watched run to a collector from now on, and gives the sink that makes its
    /// trace.
    ///
    /// # Errors
    ///
    /// Why it cannot, in words.
    pub(crate) fn start(collector: &Url, watch: &RunWatch) -> Result<(Self, TraceSink), String> {
        let below = |path: &str| {
            let base = collector.as_str().trim_end_matches('/');
            format!("{base}/v1/{path}")
        };
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", Tool::THIS.name),
                KeyValue::new("service.version", Tool::THIS.version),
            ])
            .build();
        let spans = SpanExporter::builder()
            .with_http()
            .with_http_client(Courier::new(collector)?)
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(below("traces"))
            .build()
            .map_err(|error| error.to_string())?;
        let numbers = MetricExporter::builder()
            .with_http()
            .with_http_client(Courier::new(collector)?)
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(below("metrics"))
            .build()
            .map_err(|error| error.to_string())?;
        let traces = SdkTracerProvider::builder()
            .with_batch_exporter(spans)
            .with_resource(resource.clone())
            .build();
        let reader = PeriodicReader::builder(numbers).with_interval(INTERVAL).build();
        let metrics =
            SdkMeterProvider::builder().with_reader(reader).with_resource(resource).build();
        observe(&metrics.meter("descope-bulk"), watch);
        let sink = TraceSink { tracer: traces.tracer("descope-bulk"), run: None, waiting: None };
        Ok((Self { traces, metrics }, sink))
    }

    /// Sends what is left.
    pub(crate) fn end(self) {
        // What cannot be sent was told by the courier.
        let _ = self.metrics.shutdown_with_timeout(FAREWELL);
        let _ = self.traces.shutdown_with_timeout(FAREWELL);
    }
}

/// One of the numbers of a run.
type ReadNumber = fn(&RunNumbers) -> u64;

/// The numbers of a run, looked up whenever they are sent.
fn observe(meter: &Meter, watch: &RunWatch) {
    let own = watch.clone();
    meter
        .u64_observable_gauge("descope_bulk.run.rows")
        .with_description("Rows by what became of them")
        .with_unit("{row}")
        .with_callback(move |observer| {
            let Some((_, numbers)) = own.numbers() else { return };
            for status in Status::ALL {
                let rows = numbers.tally.of(status);
                observer.observe(rows, &[KeyValue::new("status", status.word())]);
            }
        })
        .build();
    let counters: [(&'static str, &'static str, ReadNumber); 3] = [
        ("descope_bulk.run.requests", "Requests sent", |own| own.calls),
        ("descope_bulk.run.retries", "Requests sent again", |own| own.retries),
        ("descope_bulk.run.rate_limited", "Requests refused for their rate", |own| {
            own.rate_limited
        }),
    ];
    for (name, what, number) in counters {
        let own = watch.clone();
        meter
            .u64_observable_counter(name)
            .with_description(what)
            .with_unit("{request}")
            .with_callback(move |observer| {
                if let Some((_, numbers)) = own.numbers() {
                    observer.observe(number(&numbers), &[]);
                }
            })
            .build();
    }
}

/// Makes the trace of a run.
pub(crate) struct TraceSink {
    tracer: SdkTracer,
    run: Option<Context>,
    /// The time that the run stands still.
    waiting: Option<opentelemetry_sdk::trace::Span>,
}

impl TraceSink {
    fn started(&mut self, started: &Started) {
        let mut attributes = vec![
            KeyValue::new("descope_bulk.simulated", started.simulated),
            KeyValue::new("descope_bulk.inputs", number(started.inputs.len() as u64)),
        ];
        attributes
            .extend(started.operation.map(|own| KeyValue::new("descope_bulk.operation", own)));
        let resumed = started.done_before.finished();
        attributes.push(KeyValue::new("descope_bulk.rows_done_before", number(resumed)));
        let span = self.tracer.span_builder("run").with_kind(SpanKind::Internal);
        let span = span.with_attributes(attributes).start(&self.tracer);
        self.run = Some(Context::new().with_span(span));
    }

    fn waiting(&mut self, waiting: Waiting) {
        if let Some(mut earlier) = self.waiting.take() {
            earlier.end();
        }
        let name = match waiting {
            Waiting::Sending | Waiting::Limit(_) => return,
            Waiting::CoolDown(_) => "cool-down",
            Waiting::Paused => "paused",
            Waiting::Hours(_) => "outside its hours",
        };
        let Some(run) = &self.run else { return };
        self.waiting = Some(self.tracer.start_with_context(name, run));
    }

    fn happened(&self, what: String) {
        if let Some(run) = &self.run {
            run.span().add_event(what, Vec::new());
        }
    }

    fn finished(&mut self, ended: &Ended) {
        self.waiting(Waiting::Sending);
        let Some(run) = self.run.take() else { return };
        let span = run.span();
        for (name, rows) in rows(ended.tally) {
            span.set_attribute(KeyValue::new(format!("descope_bulk.rows.{name}"), number(rows)));
        }
        span.set_attribute(KeyValue::new("descope_bulk.complete", ended.complete));
        let failed = !ended.complete || !ended.tally.clean();
        let status = if failed {
            SpanStatus::error("rows failed, or have no outcome")
        } else {
            SpanStatus::Ok
        };
        span.set_status(status);
        span.end();
    }
}

impl Sink for TraceSink {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started(started) => self.started(started),
            Event::AllRead => self.happened("all rows are read".to_owned()),
            Event::Waiting(waiting) => self.waiting(*waiting),
            Event::Intervened(own) => self.happened(intervention_in_words(own.action)),
            Event::Stopping(reason) => self.happened(format!("stopping: {}", reason.code())),
            Event::Finished(ended) => self.finished(ended),
            Event::Read { .. }
            | Event::RowFinished(_)
            | Event::CanaryChecked(_)
            | Event::Tick(_) => {}
        }
    }
}

fn rows(tally: Tally) -> impl Iterator<Item = (&'static str, u64)> {
    tally.by_word().filter(|(_, rows)| *rows > 0)
}

/// A number as an attribute has it.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Carries requests to the collector, on the threads of the exporters, which have no runtime.
#[derive(Debug)]
struct Courier {
    http: Poster,
    host: String,
    has_told: AtomicBool,
}

impl Courier {
    fn new(collector: &Url) -> Result<Self, String> {
        let host = collector.host_str().unwrap_or_default().to_owned();
        Ok(Self { http: Poster::new()?, host, has_told: AtomicBool::new(false) })
    }

    fn carry(&self, request: Request<Bytes>) -> Result<(), String> {
        let (head, body) = request.into_parts();
        let url = head.uri.to_string().parse().map_err(|_| "the URL is malformed")?;
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers: Vec<(&str, String)> = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), text(value.as_bytes())))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(self.http.post(url, body.to_vec(), &headers, PATIENCE))
    }
}

#[async_trait]
impl HttpClient for Courier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        match self.carry(request) {
            Ok(()) => Ok(Response::new(Bytes::new())),
            Err(why) => {
                if !self.has_told.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "--otlp: {} was not told: {why}; the run is not affected",
                        self.host
                    );
                }
                Err(why.into())
            }
        }
    }
}
