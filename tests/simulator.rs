//! The simulator over HTTP, as a client sees it.

#[path = "simulator/support.rs"]
mod support;

#[path = "simulator/api.rs"]
mod api;
#[path = "simulator/cli.rs"]
mod cli;
#[path = "simulator/coming_and_going.rs"]
mod coming_and_going;
#[path = "simulator/credentials.rs"]
mod credentials;
#[path = "simulator/declaring.rs"]
mod declaring;
#[path = "simulator/faults.rs"]
mod faults;
#[path = "simulator/importing.rs"]
mod importing;
#[path = "simulator/sdk_requests.rs"]
mod sdk_requests;
#[path = "simulator/settings.rs"]
mod settings;
