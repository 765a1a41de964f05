//! A line of text with a part of it pointed at, as compilers show it.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Renderer, Snippet, Title};

/// A line, and the part of it that is meant.
#[derive(Clone, Debug)]
pub(crate) struct SourceLine<'a> {
    /// Its number in its file, from 1.
    pub number: usize,
    /// Its text, without its line end.
    pub text: &'a str,
    /// The part, in bytes of the text.
    pub span: Range<usize>,
}

/// A message that points into a line.
#[derive(Clone, Debug)]
pub(crate) struct Pointer<'a> {
    /// Whether it is a warning; else it is an error.
    pub is_warning: bool,
    /// A stable word for what is wrong.
    pub code: &'a str,
    /// What is wrong.
    pub message: &'a str,
    /// The file.
    pub file: &'a str,
    /// The line at fault; none where it is not to be shown.
    pub line: Option<SourceLine<'a>>,
    /// The number of the line, shown or not.
    pub number: u64,
    /// What stands under the part that is pointed at.
    pub label: &'a str,
    /// What to do.
    pub hint: Option<&'a str>,
}

/// The line alone, with its part pointed at.
#[must_use]
pub(crate) fn line(line: &SourceLine<'_>) -> String {
    let group = Group::with_level(Level::ERROR).element(snippet(line, None));
    Renderer::plain().render(&[group])
}

/// The whole message, without a line end behind it.
#[must_use]
pub(crate) fn message(pointer: &Pointer<'_>, color: bool) -> String {
    let level = if pointer.is_warning { Level::WARNING } else { Level::ERROR };
    let title: Title<'_> = level.primary_title(pointer.message).id(pointer.code);
    let group = match &pointer.line {
        Some(line) => title.element(snippet(line, Some(pointer.label)).path(pointer.file)),
        None => {
            let place = format!("{}:{}, {}", pointer.file, pointer.number, pointer.label);
            title.element(Element::from(Level::NOTE.message(place)))
        }
    };
    let group = match pointer.hint {
        Some(hint) => group.element(Level::HELP.message(hint)),
        None => group,
    };
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

fn snippet<'a>(
    line: &SourceLine<'a>,
    label: Option<&'a str>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let annotation = AnnotationKind::Primary.span(line.span.clone());
    let annotation = match label {
        Some(label) => annotation.label(label),
        None => annotation,
    };
    Snippet::source(line.text).line_start(line.number).annotation(annotation)
}
