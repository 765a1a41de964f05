//! Arguments of `fetch`.

use std::path::PathBuf;

use clap::Args;

use super::mirror::folder;
use crate::objects::ObjectUrl;

/// Arguments of `fetch`.
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// The folder of the bucket in which the run is mirrored
    #[arg(value_name = "URL", value_parser = folder)]
    pub url: ObjectUrl,

    /// The folder of the copy; it must not exist yet, or be empty
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}
