//! `simulate`: serves the simulator until it is stopped.

use std::io::Write;
use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use super::caller::Caller;
use crate::exit::{Error, Exit};
use crate::report::logging::{self, LogLook};
use crate::settings::cli::simulate::SimulateArgs;
use crate::settings::management_key::{self, KEY_FILE};
use crate::simulator::{self, Limit, Seed, Settings};

/// Serves until SIGINT or SIGTERM.
pub(super) fn run(args: SimulateArgs, caller: &Caller<'_>) -> Result<Exit, Error> {
    let _log = logging::start(0, false, LogLook::Screen(caller.log_color()));
    let settings = settings(args)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::refused)?
        .block_on(serve(settings))
}

fn settings(args: SimulateArgs) -> Result<Settings, Error> {
    let credentials = match (args.project_id, &args.management_key_file) {
        (Some(project), Some(file)) => Some((project, read_key(file)?)),
        _ => None,
    };
    Ok(Settings {
        listen: args.listen,
        users: args.users.as_deref().map_or(Seed::None, Seed::from),
        create_missing: args.create_missing,
        log: args.log,
        log_bodies: args.log_bodies,
        credentials,
        ..args.options.settings(Limit::Documented)
    })
}

fn read_key(file: &Path) -> Result<String, Error> {
    let text = management_key::read_key(file)?;
    management_key::warn_if_open(file, KEY_FILE);
    match text.trim() {
        "" => Err(Error::refused(format!("the {KEY_FILE} {} is empty", file.display()))),
        key => Ok(key.to_owned()),
    }
}

async fn serve(settings: Settings) -> Result<Exit, Error> {
    // Signals are listened for before anyone learns the address.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::refused)?;
    let simulator = simulator::start(settings).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", simulator.base_url())
        .and_then(|()| stdout.flush())
        .map_err(|error| Error::Stopped(format!("cannot print the address: {error}")))?;
    anstream::eprintln!("descope-bulk: this is a simulator, not Descope; stop it with Ctrl-C");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    simulator.stop().await;
    Ok(Exit::Success)
}
