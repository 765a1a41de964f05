//! An issue with its place in the files.

use super::excerpt::Excerpt;
use crate::issue::Issue;

/// An issue, and where it is.
#[derive(Clone, Debug)]
pub struct LocatedIssue {
    /// What is wrong; its place is the column or key, as the file names it.
    pub issue: Issue,
    /// The file.
    pub file: String,
    /// The line in it.
    pub line: u64,
    /// The row, over all files.
    pub row: u64,
    /// What stands there, shortened; never a secret.
    pub value: Option<String>,
    /// The line at fault; none where it could show a secret.
    pub excerpt: Option<Excerpt>,
}
