//! The report: what people see of a run, while it goes and when it is over.
//!
//! It hides the terminal: bar, plain lines and events say the same facts, log lines
//! never tear the bar, and text from outside cannot send the terminal commands. It
//! shows and never decides: counts come from events and [`Summary`], and a run
//! whose report cannot be written continues.
//!
//! [`Summary`]: crate::store::summary::Summary

mod absent;
mod announce;
mod attributes;
mod audit;
mod causes;
mod check;
mod counts;
mod doctor;
mod fleet;
mod forecast;
mod format;
mod history;
mod link;
mod live;
mod log;
pub(crate) mod logging;
pub(crate) mod metrics;
mod notes;
mod page;
mod plan;
mod progress;
mod runs;
pub(crate) mod snippet;
mod story;
mod summary;
mod supervisor;
mod table;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use absent::AbsentScreen;
pub(crate) use announce::Announcer;
#[cfg(feature = "otlp")]
pub(crate) use announce::in_words as intervention_in_words;
pub(crate) use attributes::{attributes_json, attributes_table, comparison_json, comparison_table};
pub(crate) use audit::AuditScreen;
pub(crate) use causes::FailureCauses;
pub(crate) use check::{finding_json, print_finding, print_report, report_json};
pub(crate) use counts::Counts;
pub(crate) use doctor::{doctor_json, doctor_page};
pub(crate) use fleet::{FleetCourse, FleetProgress};
pub(crate) use format::{count, quoted, size, span, thousands};
pub(crate) use history::{UndoScreen, VerifyScreen};
pub(crate) use live::{ProgressForm, ProgressSink};
pub(crate) use log::LogWriter;
pub(crate) use notes::NoteCounts;
pub(crate) use page::{PageRules, RunFacts, RunWatch, live_page, live_policy, write_page};
pub(crate) use plan::{ChangeTable, PlanScreen, ReadingProgress};
pub(crate) use runs::{print_runs, run_json};
pub(crate) use story::print_story;
pub(crate) use summary::{Look, print_summary};
pub(crate) use supervisor::Supervisor;
pub(crate) use table::table;
