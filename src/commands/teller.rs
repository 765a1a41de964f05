//! Tells others of a run, off its runtime: the run is not held up.

use std::thread::JoinHandle;

use crate::api::transport::Poster;
use crate::notify::{Ending, Notifications};
use crate::report::metrics;
use crate::settings::Environment;
use crate::settings::cli::run::NotifyArgs;

/// Whoever is told of a run.
pub(super) struct Teller {
    notifications: Notifications,
    http: Poster,
}

/// The variable that holds what webhooks are signed with.
const SECRET: &str = "DESCOPE_BULK_NOTIFY_SECRET";

impl Teller {
    /// Those whom arguments name; `None` where they name nobody.
    pub(super) fn of(args: &NotifyArgs, environment: Environment<'_>) -> Option<Self> {
        let notifications = Notifications {
            check: args.notify.clone(),
            webhooks: args.notify_webhook.clone(),
            slack: args.notify_slack.clone(),
            commands: args.notify_command.clone(),
            when: args.notify_when,
            secret: environment(SECRET),
        };
        if notifications.is_empty() {
            return None;
        }
        match Poster::new() {
            Ok(http) => Some(Self { notifications, http }),
            Err(why) => {
                tracing::error!("nobody is notified: {why}");
                None
            }
        }
    }

    /// Tells of the start, meanwhile.
    pub(super) fn began(&self) -> JoinHandle<()> {
        let (notifications, http) = (self.notifications.clone(), self.http.clone());
        std::thread::spawn(move || block_on(notifications.began(&http)))
    }

    /// Tells of the end, and waits until all are told or cannot be.
    pub(super) fn ended(&self, ending: &Ending) {
        self.check_ended(ending);
        self.others_ended(ending);
    }

    /// Tells the check alone.
    pub(super) fn check_ended(&self, ending: &Ending) {
        block_on(self.notifications.check_ended(&self.http, ending));
    }

    /// Tells all but the check.
    pub(super) fn others_ended(&self, ending: &Ending) {
        block_on(self.notifications.others_ended(&self.http, ending));
    }
}

fn block_on(work: impl Future<Output = ()>) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => tracing::error!("nobody is notified: {error}"),
    }
}

/// Writes the file for Prometheus, if there is to be one.
pub(super) fn write_metrics(args: &NotifyArgs, text: &str) {
    if let Some(path) = &args.metrics_file
        && let Err(error) = metrics::write(path, text)
    {
        tracing::error!("--metrics-file {}: {error}; the run is not affected", path.display());
    }
}
