//! A first job file: written from a look at the files that it is for.
//!
//! It holds no user's data: of values it shows their form, unless they are asked for. Nothing is guessed
//! either: what the columns do not say is left for its author to settle, and said.

mod look;
mod masked;
mod page;
mod settle;

use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use clap::Command;

use crate::exit::Error;
use crate::input::InputRequest;
use crate::rows::Mapping;
use crate::settings::job::{InForce, written};
use page::FirstJobPage;
use settle::JobChoices;

/// What a first job is made of.
pub(crate) struct Sketch<'a> {
    /// Its files.
    pub requests: &'a [InputRequest],
    /// How their rows are understood.
    pub mapping: &'a Mapping,
    /// The settings that were typed go into it.
    pub settings: &'a [InForce],
    /// Where it is written; nothing for standard output.
    pub output: Option<&'a Path>,
    /// Whether it shows values as they are.
    pub with_values: bool,
    /// The command that has a flag for every key.
    pub run: &'a Command,
}

/// A first job.
pub(crate) struct FirstJob {
    /// Its text.
    pub text: String,
    /// How many rows its files have.
    pub rows: u64,
    /// The operation of all rows, or what decides on it; nothing where that is not known yet.
    pub operation: Option<&'static str>,
    /// What must be settled before it can run.
    pub open: Vec<String>,
}

/// Looks at the files, and writes the text of a job for them.
///
/// # Errors
///
/// Files that cannot be opened, or have a name that a job file cannot hold.
pub(crate) fn first_job(sketch: &Sketch<'_>) -> Result<FirstJob, Error> {
    let files: Vec<String> = sketch
        .requests
        .iter()
        .map(|request| seen_from(sketch.output, &request.path))
        .collect::<Result<_, _>>()?;
    let look = look::look(sketch.requests, sketch.mapping)?;
    let settled = JobChoices::of(&look, sketch.mapping);
    let name = sketch.output.map_or("job.toml".to_owned(), |path| path.display().to_string());
    let page = FirstJobPage {
        look: &look,
        settled: &settled,
        files: &files,
        typed: &written(sketch.settings),
        name: &crate::report::quoted(&name),
        with_values: sketch.with_values,
        run: sketch.run,
    };
    Ok(FirstJob {
        text: page.text(),
        rows: look.files.iter().map(|file| file.rows).sum(),
        operation: settled.operation.map(|operation| operation.name).or(settled.decides),
        open: settled.open,
    })
}

/// A path as a job file names it: seen from its own folder, unless it is absolute.
fn seen_from(job: Option<&Path>, path: &Path) -> Result<String, Error> {
    let own = match job {
        Some(job) if path.is_relative() => relative(job, path)
            .map_err(|error| Error::refused(format!("cannot find {}: {error}", path.display())))?,
        _ => path.to_owned(),
    };
    own.to_str().map(str::to_owned).ok_or_else(|| {
        Error::refused(format!(
            "{}: a job file cannot hold this name, which is not UTF-8",
            path.display()
        ))
    })
}

fn relative(job: &Path, path: &Path) -> io::Result<PathBuf> {
    let folder = job.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
    // The file itself may be a link, which is to stay one.
    let parent = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let path = fs::canonicalize(parent.unwrap_or(Path::new(".")))?
        .join(path.file_name().unwrap_or_default());
    let shared = folder.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    Ok(up.chain(path.components().skip(shared)).collect())
}
