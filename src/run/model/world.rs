//! The world of a model: the rows, and the network and the server, which outlive the processes
//! that send to them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::api::response::{Body, Reply, Response, Sent, TransportCause, TransportError};
use crate::api::transport::{ReadWire, Wire};
use crate::catalog::{LOAD, LOAD_MANY, Operation, ProjectList, SEARCH};
use crate::simulator::in_memory::{Delivery, InMemory};

/// The users that there are.
pub(super) const USERS: usize = 5;

/// What a user is called at the start.
pub(super) fn name_of(user: usize) -> String {
    format!("user{}@example.com", user + 1)
}

/// A row of the input.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) user: usize,
    pub(super) operation: &'static str,
    pub(super) login_id: String,
    /// What the row sets: no other row sets it.
    pub(super) value: String,
}

impl Line {
    /// Whether a body sets what the row sets; one may also name a user so.
    fn is_in(&self, body: &str) -> bool {
        let set = format!(":\"{}\"", self.value);
        body.match_indices(&set).any(|(at, _)| !body[..at].ends_with("\"loginId\""))
    }

    pub(super) fn json(&self) -> Value {
        let Self { operation, login_id, value, .. } = self;
        match *operation {
            "phone" => {
                json!({"operation": "phone", "loginId": login_id, "phone": value, "verified": true})
            }
            "loginid" => json!({"operation": "loginid", "loginId": login_id, "newLoginId": value}),
            "name" => json!({"operation": "name", "loginId": login_id, "displayName": value}),
            _ => json!({"operation": "patch", "loginId": login_id, "givenName": value}),
        }
    }
}

/// The rows of a case. Each names its user as the rows before would have named it.
pub(super) fn lines(random: &mut Rng) -> Vec<Line> {
    let mut names: Vec<_> = (0..=USERS).map(name_of).collect();
    let mut line = |row: usize, random: &mut Rng| {
        // The last one is not there.
        let user = if random.u8(..20) == 0 { USERS } else { random.usize(..USERS) };
        let login_id = names[user].clone();
        let operation = ["phone", "phone", "name", "patch", "patch", "loginid"][random.usize(..6)];
        let value = match operation {
            "phone" if random.u8(..10) == 0 => format!("n/a row-{row:04}"),
            "phone" => format!("+4479111{:05}", 10_000 + row),
            "loginid" => format!("row-{row:04}@example.com"),
            _ => format!("row-{row:04}"),
        };
        if operation == "loginid" && user < USERS {
            names[user].clone_from(&value);
        }
        Line { user, operation, login_id, value }
    };
    (0..random.usize(1..40)).map(|row| line(row, random)).collect()
}

/// A request that arrived.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) life: usize,
    /// The rows, counted from 0, whose values it carries.
    pub(super) rows: Vec<usize>,
    pub(super) single: bool,
    pub(super) applied: bool,
    pub(super) status: u16,
}

/// The network and the server: they outlive the processes that send to them.
pub(super) struct World {
    pub(super) server: InMemory,
    pub(super) lines: Vec<Line>,
    pub(super) timeout: Duration,
    pub(super) latency: u64,
    pub(super) unreachable: f64,
    pub(super) life: Mutex<usize>,
    pub(super) arrivals: Mutex<Vec<Arrival>>,
    pub(super) random: Mutex<Rng>,
}

#[derive(Clone)]
pub(super) struct ModelWire(pub(super) Arc<World>);

impl ModelWire {
    async fn exchange(&self, operation: &Operation, login_id: Option<&str>, body: Bytes) -> Reply {
        let world = &self.0;
        let (lost, late) = {
            let mut random = world.random.lock().unwrap();
            (random.f64() < world.unreachable, random.u64(..=world.latency))
        };
        if lost {
            let (sent, cause) = (Sent::No, TransportCause::Unreachable);
            return Reply::Failed(TransportError { sent, cause, detail: "nobody".into() });
        }
        let arrived = world.server.arrive(operation, login_id, &body);
        world.note(operation, &body, arrived.applied, arrived.status);
        sleep(Duration::from_millis(late)).await;
        let body = match arrived.delivery {
            Delivery::Whole => Body::read(operation.answers, arrived.status, &arrived.body),
            Delivery::Half => Body::broken_off(&arrived.body[..arrived.body.len() / 2]),
            Delivery::Nothing => {
                let (sent, cause) = (Sent::Maybe, TransportCause::Broken);
                return Reply::Failed(TransportError { sent, cause, detail: "gone".into() });
            }
            Delivery::Silence => {
                sleep(world.timeout).await;
                return Reply::Failed(TransportError::timeout());
            }
        };
        let retry_after = arrived.retry_after.map(Duration::from_secs);
        Reply::Response(Response { status: arrived.status, retry_after, body })
    }
}

impl Wire for ModelWire {
    async fn send(&self, operation: &Operation, body: Bytes) -> Reply {
        self.exchange(operation, None, body).await
    }
}

impl ReadWire for ModelWire {
    async fn load_many(&self, body: Bytes) -> Reply {
        self.exchange(&LOAD_MANY, None, body).await
    }

    async fn search(&self, body: Bytes) -> Reply {
        self.exchange(&SEARCH, None, body).await
    }

    async fn list(&self, list: ProjectList) -> Reply {
        self.exchange(list.operation(), None, Bytes::new()).await
    }

    async fn load(&self, login_id: &str) -> Reply {
        self.exchange(&LOAD, Some(login_id), Bytes::new()).await
    }
}

impl World {
    fn note(&self, operation: &Operation, body: &Bytes, applied: bool, status: u16) {
        let text = String::from_utf8_lossy(body);
        let update = !operation.path.ends_with("/search");
        let carries = |(_, line): &(usize, &Line)| update && line.is_in(&text);
        let rows = self.lines.iter().enumerate().filter(carries).map(|(row, _)| row).collect();
        let life = *self.life.lock().unwrap();
        let single = !operation.path.ends_with("/batch");
        self.arrivals.lock().unwrap().push(Arrival { life, rows, single, applied, status });
    }

    /// A user as the server shows it.
    pub(super) async fn user(&self, login_id: &str) -> Value {
        // Faults and limits are met here, too, a few times at most.
        for _ in 0..100 {
            let arrived = self.server.arrive(&LOAD, Some(login_id), &Bytes::new());
            let answer = serde_json::from_slice::<Value>(&arrived.body).unwrap_or_default();
            if let Some(user) = answer.get("user") {
                return user.clone();
            }
            sleep(Duration::from_secs(10)).await;
        }
        panic!("{login_id} is gone");
    }

    /// Rows of one user go out in the order of the file, and a rename that was applied never
    /// goes out again.
    pub(super) fn check_order(&self) {
        let arrivals = self.arrivals.lock().unwrap();
        for (index, arrival) in arrivals.iter().enumerate().filter(|(_, arrival)| arrival.single) {
            for &row in &arrival.rows {
                for before in &arrivals[..index] {
                    let user = self.lines[row].user;
                    let later = |&other: &usize| self.lines[other].user == user && other > row;
                    let overtaken = before.life == arrival.life
                        && before.rows.iter().any(later)
                        && (before.single || !before.rows.contains(&row));
                    assert!(!overtaken, "row {row} was sent after {before:?}");
                    let again = self.lines[row].operation == "loginid"
                        && before.applied
                        && before.rows.contains(&row);
                    assert!(!again, "the rename of row {row} was sent again");
                }
            }
        }
    }
}
