//! Arguments of `export`.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::run::{PaceArgs, ProjectArgs};
use crate::export::ExportFormat;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Write the users to this file: .csv, .jsonl or .xlsx. It holds personal data, and only its owner
    /// can read it
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,

    /// The format, where the file's name does not say it
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<ExportFormat>,

    /// The columns, in this order, such as userId,phone,customAttributes.tier; by default all that can
    /// be set
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub columns: Vec<String>,

    /// Go on with an export of the same users that stopped
    #[arg(long)]
    pub resume: bool,

    /// Which users are exported.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Print what it comes to as one JSON object
    #[arg(long)]
    pub json: bool,

    /// How fast to read.
    #[command(flatten)]
    pub pace: PaceArgs,

    /// Whom to speak to.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// Which users are exported.
#[derive(Debug, Args)]
#[command(next_help_heading = "Users")]
pub(crate) struct FilterArgs {
    /// Users of this status only: enabled, disabled, invited or expired; may be repeated
    #[arg(long, value_name = "STATUS")]
    pub status: Vec<String>,

    /// Members of this tenant only; may be repeated
    #[arg(long, value_name = "ID")]
    pub tenant: Vec<String>,

    /// Users who have this role only; may be repeated
    #[arg(long, value_name = "NAME")]
    pub role: Vec<String>,

    /// Users with this value of a custom attribute only, such as --attribute tier=gold. A value that is
    /// JSON is taken for that
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    pub attribute: Vec<(String, Value)>,

    /// Users who were created at this time or later, such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub created_from: Option<Timestamp>,

    /// Users who were created at this time or before
    #[arg(long, value_name = "TIME")]
    pub created_to: Option<Timestamp>,

    /// Users who were changed at this time or later
    #[arg(long, value_name = "TIME")]
    pub modified_from: Option<Timestamp>,

    /// Users who were changed at this time or before
    #[arg(long, value_name = "TIME")]
    pub modified_to: Option<Timestamp>,

    /// Test users, too
    #[arg(long)]
    pub test_users: bool,
}

impl FilterArgs {
    /// The members of a search's body (API reference, section 4).
    #[must_use]
    pub(crate) fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        for (key, list) in
            [("statuses", &self.status), ("tenantIds", &self.tenant), ("roleNames", &self.role)]
        {
            if !list.is_empty() {
                members.insert(key.to_owned(), json!(list));
            }
        }
        if !self.attribute.is_empty() {
            let attributes: Map<String, Value> = self.attribute.iter().cloned().collect();
            members.insert("customAttributes".to_owned(), attributes.into());
        }
        for (key, time) in [
            ("fromCreatedTime", self.created_from),
            ("toCreatedTime", self.created_to),
            ("fromModifiedTime", self.modified_from),
            ("toModifiedTime", self.modified_to),
        ] {
            if let Some(time) = time {
                members.insert(key.to_owned(), json!(time.as_millisecond()));
            }
        }
        if self.test_users {
            members.insert("withTestUser".to_owned(), json!(true));
        }
        members
    }
}

fn attribute(text: &str) -> Result<(String, Value), String> {
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty())
    else {
        return Err("write it as NAME=VALUE".to_owned());
    };
    let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    Ok((name.trim().to_owned(), value))
}
