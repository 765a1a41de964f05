//! What a simulator is like.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::faults::Fault;
use super::latency::Latency;
use super::limits::Limit;
use super::seed::Seed;
use super::switches::Switches;

/// What a simulator is like.
#[derive(Clone)]
pub struct Settings {
    /// Where it listens; port 0 is any free one.
    pub listen: SocketAddr,
    /// The users it starts with.
    pub users: Seed,
    /// Whether a name that an update or a load brings up for the first time becomes a user.
    pub create_missing: bool,
    /// The rate limit of each project.
    pub limit: Limit,
    /// How long answers take.
    pub latency: Latency,
    /// What goes wrong; the first that strikes decides.
    pub faults: Vec<Fault>,
    /// What latencies and faults at a rate are drawn from.
    pub seed: u64,
    /// The file for the log of arrivals; it must not exist yet, or be empty.
    pub log: Option<PathBuf>,
    /// Whether the log holds bodies.
    pub log_bodies: bool,
    /// How open questions are answered.
    pub switches: Switches,
    /// The only project ID and management key it takes; without them, any that are well-formed.
    pub credentials: Option<(String, String)>,
}

impl Default for Settings {
    /// No users, any free local port, the documented limits, no latency, no faults.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            users: Seed::None,
            create_missing: false,
            limit: Limit::Documented,
            latency: Latency::default(),
            faults: Vec::new(),
            seed: 0,
            log: None,
            log_bodies: false,
            switches: Switches::default(),
            credentials: None,
        }
    }
}
