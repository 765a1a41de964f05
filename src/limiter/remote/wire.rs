//! The server that keeps the budget, and the one script that changes it.

use std::time::Duration;

use redis::{
    Connection, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError, ServerErrorKind,
};
use secrecy::ExposeSecret;

use super::address::RemoteAddress;

/// The script.
pub(super) const SCRIPT: &str = include_str!("budget.lua");

/// How long connecting, and each answer, may take. Sending waits for it, so it is short.
const PATIENCE: Duration = Duration::from_secs(1);

/// A connection.
pub(super) struct BudgetServer {
    connection: Connection,
    /// Another one after each restart, and on each server.
    id: String,
    /// By this name the server knows the script.
    script: String,
}

fn info(address: &RemoteAddress) -> Result<ConnectionInfo, RedisError> {
    let info = address.url.clone().into_connection_info()?;
    let Some(password) = &address.password else { return Ok(info) };
    let login = info.redis_settings().clone().set_password(password.expose_secret());
    Ok(info.set_redis_settings(login))
}

impl BudgetServer {
    /// Connects, and leaves the script there.
    pub(super) fn connect(address: &RemoteAddress) -> Result<Self, String> {
        Self::begin(address).map_err(|error| words(&error))
    }

    fn begin(address: &RemoteAddress) -> Result<Self, RedisError> {
        let client = redis::Client::open(info(address)?)?;
        let mut connection = client.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        let about: String = redis::cmd("INFO").arg("server").query(&mut connection)?;
        let id = about.lines().find_map(|line| line.strip_prefix("run_id:"));
        let id = id.unwrap_or_default().trim().to_owned();
        let load = redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query(&mut connection);
        Ok(Self { connection, id, script: load? })
    }

    /// The server's identity since it was started.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Has another script in its place.
    #[cfg(test)]
    pub(super) fn load(&mut self, script: &str) -> Result<(), RedisError> {
        self.script = redis::cmd("SCRIPT").arg("LOAD").arg(script).query(&mut self.connection)?;
        Ok(())
    }

    /// Runs some other script once.
    #[cfg(test)]
    pub(super) fn eval(&mut self, script: &str, key: &str) -> Result<String, RedisError> {
        self.run("EVAL", script, key, "")
    }

    /// Runs the script.
    pub(super) fn call(&mut self, key: &str, call: &str) -> Result<String, String> {
        let known = self.script.clone();
        let mut answer = self.run("EVALSHA", &known, key, call);
        let lost =
            |error: &RedisError| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript);
        if answer.as_ref().is_err_and(lost) {
            // Somebody has flushed the scripts; this brings it back.
            answer = self.run("EVAL", SCRIPT, key, call);
        }
        answer.map_err(|error| words(&error))
    }

    fn run(
        &mut self,
        how: &str,
        script: &str,
        key: &str,
        call: &str,
    ) -> Result<String, RedisError> {
        redis::cmd(how).arg(script).arg(1).arg(key).arg(call).query(&mut self.connection)
    }
}

/// What has gone wrong, on one line.
fn words(error: &RedisError) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    let text = error.to_string();
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}
