//! Arguments of `simulate`, and the simulator's options that `run --simulate` shares.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::simulator::{
    BatchReply, Fault, Latency, Limit, OldPhone, PatchAttributes, PatchConflict, RateBuckets,
    RateWindow, Settings, Switches, UnknownRole, UserNotFound, VerifiedDefault,
};

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Where to listen. Port 0 takes any free one; the first line on stdout is the URL.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8088", value_parser = address)]
    pub listen: SocketAddr,

    /// The users to start with: a number makes `user1@example.com` and on; a file holds one JSON
    /// object a line, shaped as the API shows users, with at least `loginIds` or `loginId`.
    #[arg(long, value_name = "FILE|N")]
    pub users: Option<String>,

    /// Create a user the first time an update or a load names it. A login ID that was renamed,
    /// merged or deleted stays unknown.
    #[arg(long)]
    pub create_missing: bool,

    /// Log each request as one JSON line, to a file that must be new or empty: sequence, times in milliseconds since the start,
    /// method, path, project, users, status, fault, and whether it changed anything. Only the
    /// owner may read the file.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// Have bodies in the log, too. They hold personal data, and passwords if any are set.
    #[arg(long, requires = "log")]
    pub log_bodies: bool,

    /// Accept this project ID only, with the key of --management-key-file. Without both, any
    /// credentials of the right form will do.
    #[arg(long, value_name = "ID", requires = "management_key_file")]
    pub project_id: Option<String>,

    /// The file that holds the management key to accept. The key itself is never on the command line.
    #[arg(long, value_name = "FILE", requires = "project_id")]
    pub management_key_file: Option<PathBuf>,

    /// What the simulator is like.
    #[command(flatten)]
    pub options: SimulatorOptions,
}

/// What a simulator is like: shared by `simulate` and `run --simulate`.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Simulator")]
pub struct SimulatorOptions {
    /// The rate limit of a project: `documented` (500 requests in 60 s for user management, and
    /// the lower limits of single paths in addition), `off`, or N/WINDOW such as 10/1s or 500/1m.
    /// Exceeding it costs a whole window of 429s. Without it, `simulate` keeps the documented
    /// limits and `run --simulate` keeps none.
    #[arg(long, value_name = "LIMIT")]
    pub rate_limit: Option<Limit>,

    /// How long answers take: a time such as 50ms, or any in a range such as 10ms..2s. Updates
    /// take effect when they arrive.
    #[arg(long, value_name = "TIME|MIN..MAX", default_value = "0s")]
    pub latency: Latency,

    /// What goes wrong; may be given several times; the first that matches a request applies.
    #[arg(long = "fault", value_name = "SPEC", long_help = fault_help())]
    pub faults: Vec<Fault>,

    /// What latencies, and faults at a rate, are drawn from: the same seed, the same draws.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// How open questions are answered.
    #[command(flatten)]
    pub switches: SwitchOptions,
}

fn fault_help() -> String {
    format!(
        "What goes wrong; may be given several times; the first that matches a request applies.\n\n{}",
        Fault::GRAMMAR
    )
}

impl SimulatorOptions {
    /// Settings for these options, with a limit for when none is given; the rest as by default.
    #[must_use]
    pub fn settings(self, limit: Limit) -> Settings {
        Settings {
            limit: self.rate_limit.unwrap_or(limit),
            latency: self.latency,
            faults: self.faults,
            seed: self.seed,
            switches: self.switches.into(),
            ..Settings::default()
        }
    }
}

/// What the API's documents leave open, to be tried either way.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Simulator: what the API's documents leave open")]
pub struct SwitchOptions {
    /// A patch or full replace whose phone or e-mail is another user's login ID: merge that user
    /// into this one, answer 409, or neither.
    #[arg(long, value_enum, value_name = "EFFECT", default_value_t)]
    pub patch_conflict: PatchConflict,

    /// Custom attributes that a patch does not name: they stay, or they go.
    #[arg(long, value_enum, value_name = "EFFECT", default_value_t)]
    pub patch_custom_attributes: PatchAttributes,

    /// The flag of a phone or e-mail that is updated without `verified`.
    #[arg(long, value_enum, value_name = "FLAG", default_value_t)]
    pub verified_default: VerifiedDefault,

    /// The status when the user of an update is not there.
    #[arg(long, value_enum, value_name = "STATUS", default_value_t)]
    pub user_not_found: UserNotFound,

    /// What becomes of a login ID that is the user's old phone number.
    #[arg(long, value_enum, value_name = "EFFECT", default_value_t)]
    pub old_phone_login_id: OldPhone,

    /// A role or tenant that the project does not know: fail the call, or leave it out.
    #[arg(long, value_enum, value_name = "EFFECT", default_value_t)]
    pub unknown_role: UnknownRole,

    /// A role that the project knows; may be given several times. Without any, and without roles
    /// created in the simulator, all are known.
    #[arg(long = "known-role", value_name = "NAME")]
    pub known_roles: Vec<String>,

    /// The most users in one batch call; more is a 400. Without it there is no maximum.
    #[arg(long, value_name = "N")]
    pub batch_maximum: Option<usize>,

    /// What the answer to a batch says of its users: each one by name, those that failed without
    /// a name or not at all, or nothing of anybody.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub batch_reply: BatchReply,

    /// Count requests in the window that ends now, or from one multiple of the window to the
    /// next.
    #[arg(long, value_enum, value_name = "SHAPE", default_value_t)]
    pub rate_window: RateWindow,

    /// Count all requests of a project together, or each path by itself.
    #[arg(long, value_enum, value_name = "SCOPE", default_value_t)]
    pub rate_buckets: RateBuckets,

    /// How far search lags behind writes. Loads see every write at once.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub search_lag: Duration,
}

impl From<SwitchOptions> for Switches {
    fn from(options: SwitchOptions) -> Self {
        Self {
            patch_conflict: options.patch_conflict,
            patch_attributes: options.patch_custom_attributes,
            verified_default: options.verified_default,
            user_not_found: options.user_not_found,
            old_phone: options.old_phone_login_id,
            unknown_role: options.unknown_role,
            known_roles: options.known_roles.into_iter().collect(),
            batch_maximum: options.batch_maximum,
            batch_reply: options.batch_reply,
            rate_window: options.rate_window,
            rate_buckets: options.rate_buckets,
            search_lag: options.search_lag,
        }
    }
}

/// Where to listen.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "write it as ADDRESS:PORT, with an address and no name, such as 127.0.0.1:9464".to_owned()
    })
}
