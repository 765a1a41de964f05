//! The page about runs: one HTML file that needs nothing else.
//!
//! `gather` reads a run in one pass, `view` puts what it found into words, and a template that is
//! checked when the program is built makes the page. Everything from outside passes `privacy` on its
//! way, and the template escapes it once more.

mod changed;
mod chart;
mod failed;
mod gather;
mod live;
mod places;
mod policy;
mod privacy;
mod timeline;
mod view;
mod watch;

use std::io::{self, Write};

use askama::Template;
use jiff::Timestamp;

pub(crate) use gather::{PageRules, RunFacts};
pub(crate) use live::{live_page, live_policy};
use policy::{STYLE, policy};
use view::{RunView, Trend};
pub(crate) use watch::RunWatch;

const SCRIPT: &str = concat!(include_str!("page/theme.js"), include_str!("page/page.js"));

/// The page.
#[derive(Template)]
#[template(path = "page.html", config = "src/report/page/askama.toml")]
struct ReportPage<'a> {
    title: String,
    policy: String,
    style: &'static str,
    script: &'static str,
    made_at: String,
    tool: String,
    with_values: bool,
    trend: Option<Trend>,
    runs: &'a [RunView],
}

/// Writes the page of some runs, the earliest first.
///
/// # Errors
///
/// What `out` fails with.
pub(crate) fn write_page(
    out: &mut impl Write,
    runs: &[RunFacts],
    rules: PageRules,
    now: Timestamp,
) -> io::Result<()> {
    let views: Vec<RunView> =
        (1..).zip(runs).map(|(number, run)| RunView::of(number, run, rules)).collect();
    let title = match &views[..] {
        [one] => format!("Report: {}", one.name),
        several => format!("Report: {} runs", several.len()),
    };
    let tool = crate::store::summary::Tool::THIS;
    let page = ReportPage {
        title,
        policy: policy(SCRIPT, ""),
        style: STYLE,
        script: SCRIPT,
        made_at: view::time(now),
        tool: format!("{} {}", tool.name, tool.version),
        with_values: rules.with_values,
        trend: Trend::of(runs),
        runs: &views,
    };
    page.write_into(out)
}
