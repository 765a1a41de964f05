//! The page about runs: one HTML file that needs nothing else.
//!
//! `gather` reads a run in one pass, `view` puts what it found into words, and a template that is
//! checked when the program is built makes the page. Everything from outside passes `privacy` on its
//! way, and the template escapes it once more.

mod changed;
mod chart;
mod failed;
mod gather;
mod places;
mod privacy;
mod timeline;
mod view;

use std::io::{self, Write};

use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

pub(crate) use gather::{PageRules, RunFacts};
use view::{RunView, Trend};

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

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
        policy: policy(),
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

/// The content security policy: the page's own style and script, and nothing from anywhere.
fn policy() -> String {
    let hash = |text: &str| {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        format!("'sha256-{}'", BASE64_STANDARD.encode(digest))
    };
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}
