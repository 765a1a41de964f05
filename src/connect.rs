//! Connecting to a project: the handshake, and the gate that its requests pass.

use std::path::Path;
use std::time::Duration;

use crate::api::explain;
use crate::api::retry::Backoff;
use crate::api::transport::{Endpoint, Handshake, NoHandshake, ReadOnly, Transport};
use crate::attributes;
use crate::exit::Error;
use crate::limiter::{Gate, OwnShare, Rates, RemoteBudget, SharedBudget};
use crate::requester::Requester;
use crate::rows::DeclaredAttribute;
use crate::settings::budget::{BudgetSettings, HostBudget};
use crate::settings::config::PaceSettings;
use crate::stop::Stop;

/// A project whose users can be read, and nothing else.
pub(crate) struct ReadableProject {
    /// What reads them.
    pub(crate) requester: Requester<ReadOnly>,
    /// The project's ID.
    pub(crate) id: String,
    /// The host of its API, for people.
    pub(crate) host: String,
    /// The base URL of its API.
    pub(crate) base_url: String,
    /// Whether it is a simulator's.
    pub(crate) is_simulated: bool,
    /// The rate-limit tier, if the server tells one.
    pub(crate) tier: Option<String>,
    /// The limits that are kept.
    pub(crate) rates: Rates,
}

/// Connects to a project, to read its users.
pub(crate) async fn to_read(
    endpoint: &Endpoint,
    pace: &PaceSettings,
) -> Result<ReadableProject, Error> {
    to_read_with(endpoint, pace, Backoff::default()).await
}

/// The same, with so much patience.
pub(crate) async fn to_read_with(
    endpoint: &Endpoint,
    pace: &PaceSettings,
    backoff: Backoff,
) -> Result<ReadableProject, Error> {
    let (transport, handshake) = connect(endpoint).await?;
    let rates = pace.rates(handshake.simulator.as_deref());
    let gate = gate(pace, Some(endpoint), &rates);
    let host = transport.host();
    Ok(ReadableProject {
        requester: Requester::new(transport.into(), gate, backoff),
        id: endpoint.project_id.clone(),
        host,
        base_url: endpoint.base_url.to_string(),
        is_simulated: handshake.simulator.is_some(),
        tier: handshake.tier,
        rates,
    })
}

/// A project that can be changed.
pub(crate) struct WritableProject {
    /// What changes it.
    pub(crate) requester: Requester<Transport>,
    /// The project, for people.
    pub(crate) shown: String,
}

/// Connects to a project, to change what it declares.
pub(crate) async fn to_write(
    endpoint: &Endpoint,
    pace: &PaceSettings,
) -> Result<WritableProject, Error> {
    let (transport, handshake) = connect(endpoint).await?;
    let gate = gate(pace, Some(endpoint), &pace.rates(handshake.simulator.as_deref()));
    let label = if handshake.simulator.is_some() { " (simulated)" } else { "" };
    let shown = format!("project {} at {}{label}", endpoint.project_id, transport.host());
    Ok(WritableProject { requester: Requester::new(transport, gate, Backoff::default()), shown })
}

/// Connects to a project, and reads what it declares of custom attributes; nothing, with a warning,
/// where the server does not say.
///
/// # Errors
///
/// A project that cannot be reached, definitions that cannot be read this time, and the stop.
pub(crate) async fn declared(
    endpoint: &Endpoint,
    pace: &PaceSettings,
    stop: &Stop,
) -> Result<Option<Vec<DeclaredAttribute>>, Error> {
    let project = tokio::select! {
        project = to_read(endpoint, pace) => project?,
        reason = stop.stopped() => {
            return Err(Error::Stopped(format!("{reason} before the first request: nothing was sent")));
        }
    };
    attributes::declared(&project.requester, stop).await
}

/// Shakes hands, a few times if nobody is there: a network may just be coming up.
pub(crate) async fn connect(endpoint: &Endpoint) -> Result<(Transport, Handshake), Error> {
    const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
    let mut transport = Transport::new(endpoint)?;
    let mut pauses = PAUSES.iter();
    loop {
        let lost = match transport.handshake().await {
            Ok(handshake) => return Ok((transport, handshake)),
            Err(NoHandshake::Refused(why)) => return Err(Error::Stopped(why)),
            Err(NoHandshake::Unreachable(lost)) => lost,
        };
        let Some(pause) = pauses.next() else {
            return Err(Error::Stopped(explain::unreachable(&transport.host(), &lost)));
        };
        tokio::time::sleep(*pause).await;
    }
}

/// The gate, which shares the limits with other runs for the project: those of this machine, or of several
/// hosts.
///
/// `endpoint` is nothing in a rehearsal.
pub(crate) fn gate(pace: &PaceSettings, endpoint: Option<&Endpoint>, rates: &Rates) -> Gate {
    let gate = Gate::new(pace.concurrency, rates);
    let Some(endpoint) = endpoint.filter(|_| rates.users.is_some()) else { return gate };
    match &pace.budget {
        BudgetSettings::Alone => gate,
        BudgetSettings::Machine(folder) => match on_this_machine(folder, endpoint) {
            Some(budget) => gate.sharing(budget),
            None => gate,
        },
        BudgetSettings::Hosts(budget) => with_hosts(gate, budget, (endpoint, pace.concurrency)),
    }
}

fn on_this_machine(folder: &Path, endpoint: &Endpoint) -> Option<SharedBudget> {
    let opened = SharedBudget::open(folder, endpoint.base_url.as_str(), &endpoint.project_id);
    opened
        .inspect_err(|error| {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "no shared budget: limits are not shared with this project's other runs");
        })
        .ok()
}

fn with_hosts(
    gate: Gate,
    budget: &HostBudget,
    (endpoint, concurrency): (&Endpoint, usize),
) -> Gate {
    let project = (endpoint.base_url.as_str(), &*endpoint.project_id);
    let share = budget.shares.map(|hosts| {
        let folder = budget.folder.as_deref();
        OwnShare::new(hosts, folder.and_then(|folder| on_this_machine(folder, endpoint)))
    });
    let remote =
        RemoteBudget::open(budget.address.clone(), project, (concurrency, endpoint.timeout));
    gate.sharing_with_hosts(remote, share)
}
