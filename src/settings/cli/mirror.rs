//! Arguments of a run whose folder is mirrored.

use std::time::Duration;

use clap::Args;

use crate::objects::ObjectUrl;

/// Where the folder of the run is mirrored.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Mirror")]
pub struct MirrorArgs {
    /// Mirror the run folder on object storage as the run goes on: `s3://BUCKET/FOLDER/`,
    /// `gs://BUCKET/FOLDER/` or `az://CONTAINER/FOLDER/`, a folder for each run. With --resume another host
    /// takes the run up from there, and a lease keeps two hosts from working on it. In builds with the
    /// feature `object-storage`
    #[arg(long, value_name = "URL", value_parser = folder, conflicts_with = "inbox")]
    pub mirror: Option<ObjectUrl>,

    /// How long a host that is gone keeps others from the run. A run stops when the storage cannot be
    /// reached for two thirds of it
    #[arg(long, value_name = "TIME", value_parser = lease, default_value = "60s", requires = "mirror")]
    pub mirror_lease: Duration,
}

pub(crate) fn folder(text: &str) -> Result<ObjectUrl, String> {
    ObjectUrl::folder(text)
}

fn lease(text: &str) -> Result<Duration, String> {
    const SHORTEST: Duration = Duration::from_secs(3);
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    match humantime::parse_duration(text) {
        Ok(time) if (SHORTEST..=LONGEST).contains(&time) => Ok(time),
        Ok(_) => Err("write a time from 3s to 24h".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
