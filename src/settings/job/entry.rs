//! One value of a job file.

use std::ffi::OsString;
use std::ops::Range;

use crate::settings::table::Setting;

/// One value of a job file.
#[derive(Debug)]
pub(super) struct JobEntry {
    pub(super) key: &'static Setting,
    /// What stands before the `=` in a table of names and values.
    pub(super) name: Option<String>,
    /// The value as the flag takes it, without the name.
    pub(super) value: OsString,
    /// The line that it stands in, from 1.
    pub(super) line: usize,
    /// Where it stands, in bytes.
    pub(super) span: Range<usize>,
}

impl JobEntry {
    /// The flag and its value.
    pub(super) fn as_typed(&self) -> OsString {
        let mut typed = OsString::from(format!("--{}=", self.key.flag));
        typed.push(self.argument());
        typed
    }

    /// What the flag takes.
    pub(super) fn argument(&self) -> OsString {
        match &self.name {
            Some(name) => {
                let mut argument = OsString::from(format!("{name}="));
                argument.push(&self.value);
                argument
            }
            None => self.value.clone(),
        }
    }
}
