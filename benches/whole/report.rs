//! The report: tables in Markdown, and a chart.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::machine;
use crate::programs::{Program, Programs};

/// The document that the tables go into, between two marks.
const DOCUMENT: &str = "docs/performance.md";
const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->";

/// The chart that the document shows.
const CHART: &str = "docs/performance.svg";

/// What was measured, as it is written.
pub(crate) struct Report {
    text: String,
    bars: Vec<(String, f64)>,
}

impl Report {
    /// A report that says how it was made, where, and with what.
    pub(crate) fn new(words: &[&str], programs: &Programs) -> Self {
        let tools = [Program::Ours, Program::Wrk];
        let versions: Vec<String> =
            tools.iter().filter_map(|tool| programs.version(*tool)).collect();
        // Cargo's own words, and where a build was, are of no use to readers.
        let kept = |word: &&&str| !word.starts_with("--") && !word.starts_with("program=");
        let words: String = words.iter().filter(kept).flat_map(|word| [" ", *word]).collect();
        let text = format!(
            "By `cargo bench --bench whole --{words}`, on {}; {}.\n",
            machine::words(),
            versions.join(", ")
        );
        Self { text, bars: Vec::new() }
    }

    /// Begins a section.
    pub(crate) fn section(&mut self, title: &str) {
        eprintln!("{title}");
        let _ = write!(self.text, "\n### {title}\n");
    }

    /// Adds a table.
    pub(crate) fn table(&mut self, table: &Table) {
        let _ = write!(self.text, "\n{}", table.text());
    }

    /// Adds a sentence.
    pub(crate) fn note(&mut self, note: &str) {
        let _ = write!(self.text, "\n{note}\n");
    }

    /// Adds a bar to the chart.
    pub(crate) fn bar(&mut self, name: &str, value: f64) {
        self.bars.push((name.to_owned(), value));
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Puts the text and the chart into the documents.
    pub(crate) fn write(&self) {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = project.join(DOCUMENT);
        let document = fs::read_to_string(&path).expect("the document");
        let (before, rest) = document.split_once(BEGIN).expect("its first mark");
        let (_, after) = rest.split_once(END).expect("its second mark");
        let document = format!("{before}{BEGIN}\n{}\n{END}{after}", self.text);
        fs::write(path, document).expect("the document");
        fs::write(project.join(CHART), self.chart()).expect("the chart");
    }

    /// The bars as an SVG image, which is readable on light and dark pages.
    fn chart(&self) -> String {
        const BAR: f64 = 28.0;
        const WIDEST: f64 = 440.0;
        let height = BAR * super::measure::int(self.bars.len() as u64) + 56.0;
        let most = self.bars.iter().map(|(_, value)| *value).fold(1.0, f64::max);
        let mut svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="680" height="{height}" font-family="sans-serif" font-size="13">
<rect width="680" height="{height}" fill="#ffffff"/>
<text x="16" y="26" font-weight="bold" fill="#222222">Rows a second on one core, every request answered at once</text>
"##
        );
        let mut top = 42.0;
        for (name, value) in &self.bars {
            let (width, text) = (value / most * WIDEST, top + 15.0);
            let fill = if name == Program::Ours.name() { "#1f6feb" } else { "#9aa4b2" };
            let (end, value) = (130.0 + width, thousands(*value));
            let _ = write!(
                svg,
                r##"<text x="16" y="{text}" fill="#222222">{name}</text>
<rect x="124" y="{top}" width="{width:.0}" height="20" fill="{fill}"/>
<text x="{end:.0}" y="{text}" fill="#222222">{value}</text>
"##
            );
            top += BAR;
        }
        svg + "</svg>\n"
    }
}

/// A table in Markdown.
pub(crate) struct Table {
    columns: usize,
    lines: String,
}

impl Table {
    /// A table with its head; all columns but the first hold numbers.
    pub(crate) fn new(head: &[String]) -> Self {
        let mut table = Self { columns: head.len(), lines: String::new() };
        table.row(head);
        let _ = writeln!(table.lines, "| --- |{}", " ---: |".repeat(table.columns - 1));
        table
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[String]) {
        assert_eq!(cells.len(), self.columns, "a cell for each column");
        let _ = writeln!(self.lines, "| {} |", cells.join(" | "));
    }

    fn text(&self) -> &str {
        &self.lines
    }
}

/// A number with so many digits behind the point.
pub(crate) fn decimal(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

/// A number without digits behind the point, in groups of three.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
