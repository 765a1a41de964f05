//! What `check` tells: findings that point into their lines, and the report at the end.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value, json};

use super::forecast::forecast_in_words;
use super::format::{self, brief, count, span, tame, thousands};
use crate::catalog::RateClass;
use crate::check::{Calls, Group, LocatedIssue, Report};
use crate::issue::Severity;
use crate::limiter::limit::Limit;
use crate::report::snippet;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default().bold();

/// Prints a finding with the line at fault, marked where it is.
pub(crate) fn print_finding(
    out: &mut impl Write,
    finding: &LocatedIssue,
    color: bool,
) -> io::Result<()> {
    let message = brief(&finding.issue.message);
    let column = finding.issue.place.as_ref().map(|column| format!("column {}, ", brief(column)));
    let label = format!("{}row {}", column.unwrap_or_default(), finding.row);
    let file = tame(&finding.file);
    let hint = finding.issue.hint.as_deref().map(brief);
    let line = finding.excerpt.as_ref().map(|excerpt| snippet::SourceLine {
        number: usize::try_from(finding.line).unwrap_or(usize::MAX),
        text: &excerpt.text,
        span: excerpt.span.clone(),
    });
    let pointer = snippet::Pointer {
        is_warning: finding.issue.severity == Severity::Warning,
        code: &finding.issue.code,
        message: &message,
        file: &file,
        line,
        number: finding.line,
        label: &label,
        hint: hint.as_deref(),
    };
    writeln!(out, "{}\n", snippet::message(&pointer, color))
}

/// Prints the report; the examples of each kind unless they were told before. `next` is what to do about
/// it, if that is to be said.
pub(crate) fn print_report(
    out: &mut impl Write,
    report: &Report,
    files: &[String],
    (color, next): (bool, Option<&str>),
) -> io::Result<()> {
    for group in &report.groups {
        for finding in &group.examples {
            print_finding(out, finding, color)?;
        }
        let shown = group.examples.len() as u64;
        if shown > 0 && shown < group.count {
            let more = count(group.count - shown, "more");
            let more = more.strip_suffix('s').unwrap_or(&more);
            writeln!(out, "… and {more} like this, {}; --all shows each\n", kind(group))?;
        }
    }
    CheckSummary { out, color }.print(report, files)?;
    next.map_or(Ok(()), |next| writeln!(out, "\nnext: {next}"))
}

/// `error[code] at column`, as one finds it again in the lines above.
fn kind(group: &Group) -> String {
    let column = group.column.as_ref().map(|column| format!(" in column {}", brief(column)));
    format!("{}[{}]{}", group.severity.word(), group.code, column.unwrap_or_default())
}

struct CheckSummary<'a, W> {
    out: &'a mut W,
    color: bool,
}

impl<W: Write> CheckSummary<'_, W> {
    fn paint(&self, style: Style, text: &str) -> String {
        format::paint(self.color, style, text)
    }

    fn print(&mut self, report: &Report, files: &[String]) -> io::Result<()> {
        let of = match files {
            [only] => tame(only),
            several => count(several.len() as u64, "file"),
        };
        let rows = count(report.rows, "row");
        let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
        if let Some(unreadable) = &report.unreadable {
            let text = format!("cannot be read any further: {}", brief(unreadable));
            writeln!(self.out, "{}\n", self.paint(BAD, &text))?;
        }
        let verdict = if report.has_problems() {
            let text = format!("{}, {}", count(errors, "error"), count(warnings, "warning"));
            self.paint(if errors > 0 { BAD } else { NOTE }, &text)
        } else {
            self.paint(GOOD, "no problem")
        };
        writeln!(self.out, "checked {rows} of {of}: {verdict}")?;
        let invalid = report.rows - report.valid;
        if report.left_out > 0 {
            let rows = thousands(report.left_out);
            writeln!(self.out, "{rows:>12}  left out: not chosen by --where, --skip and --limit")?;
        }
        if let Some(skipped) = report.skipped.in_words() {
            writeln!(self.out, "{:>12}  skipped: {skipped}", "")?;
        }
        writeln!(self.out, "{:>12}  can be sent", thousands(report.valid))?;
        if invalid > 0 {
            writeln!(self.out, "{:>12}  invalid: would not be sent", thousands(invalid))?;
        }
        for group in &report.groups {
            let style = if group.severity == Severity::Error { BAD } else { NOTE };
            let kind = self.paint(style, &kind(group));
            writeln!(self.out, "{:>12}  {kind}", thousands(group.count))?;
        }
        if report.others > 0 {
            writeln!(self.out, "{:>12}  of other kinds", thousands(report.others))?;
        }
        for (code, count) in &report.allowed {
            writeln!(self.out, "{:>12}  allowed: {code}", thousands(*count))?;
        }
        if let Some(types) = super::format::types_from(&report.types_from) {
            writeln!(self.out, "{types}")?;
        }
        self.repairs(report)?;
        self.forecast(report)?;
        if report.reads > 0 {
            let reads = thousands(report.reads);
            writeln!(self.out, "{reads:>12}  more to keep the users as they were")?;
        }
        Ok(())
    }

    fn repairs(&mut self, report: &Report) -> io::Result<()> {
        for repairs in &report.repairs {
            let (place, first) = &repairs.first;
            writeln!(
                self.out,
                "{:>12}  repaired, {}: first {} → {} at {}",
                thousands(repairs.count),
                repairs.kind,
                brief(&format!("{:?}", first.from)),
                brief(&format!("{:?}", first.to)),
                brief(place)
            )?;
        }
        Ok(())
    }

    fn forecast(&mut self, report: &Report) -> io::Result<()> {
        let Report { forecast, batched, .. } = report;
        writeln!(self.out, "forecast: {}", forecast_in_words(forecast, batched))?;
        for line in forecast.iter().filter(|line| line.calls > 0) {
            let limit = line.limit.map_or("no limit".to_owned(), of_limit);
            let calls = thousands(line.calls);
            writeln!(self.out, "{calls:>12}  {}, {limit}", line.class.name())?;
        }
        Ok(())
    }
}

fn of_limit(limit: Limit) -> String {
    format!("{} in any {}", thousands(u64::from(limit.requests)), span(limit.window))
}

/// A finding as JSON.
#[must_use]
pub(crate) fn finding_json(finding: &LocatedIssue) -> Value {
    json!({
        "severity": finding.issue.severity.word(),
        "code": finding.issue.code,
        "file": finding.file,
        "line": finding.line,
        "row": finding.row,
        "column": finding.issue.place,
        "value": finding.value,
        "message": finding.issue.message,
        "hint": finding.issue.hint,
    })
}

/// The report as JSON.
#[must_use]
pub(crate) fn report_json(report: &Report, files: &[String]) -> Value {
    let group = |group: &Group| {
        json!({
            "severity": group.severity.word(),
            "code": group.code,
            "column": group.column,
            "count": group.count,
            "examples": group.examples.iter().map(finding_json).collect::<Vec<_>>(),
        })
    };
    let forecast = |calls: &Calls| {
        json!({
            "rateClass": rate_class(calls.class),
            "calls": calls.calls,
            "limit": calls.limit.map(|limit| json!({
                "requests": limit.requests,
                "windowMs": crate::outcome::milliseconds(limit.window),
            })),
            "timeMs": crate::outcome::milliseconds(calls.time),
        })
    };
    let allowed: Map<String, Value> =
        report.allowed.iter().map(|(code, count)| (code.clone(), json!(count))).collect();
    let repairs: Map<String, Value> =
        report.repairs.iter().map(|r| (r.kind.to_string(), json!(r.count))).collect();
    json!({
        "version": 1,
        "files": files,
        "rows": report.rows,
        "skipped": report.skipped,
        "leftOut": report.left_out,
        "valid": report.valid,
        "invalid": report.rows - report.valid,
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "problems": report.groups.iter().map(group).collect::<Vec<_>>(),
        "otherProblems": report.others,
        "allowed": allowed,
        "repairs": repairs,
        "reads": report.reads,
        "forecast": report.forecast.iter().map(forecast).collect::<Vec<_>>(),
        "forecastInBatches": report.batched.iter().map(forecast).collect::<Vec<_>>(),
        "unreadable": report.unreadable,
        "attributeTypesFrom": report.types_from.iter().map(|own| own.word()).collect::<Vec<_>>(),
    })
}

fn rate_class(class: RateClass) -> &'static str {
    class.name()
}
