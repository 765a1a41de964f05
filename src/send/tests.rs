//! Rows that an earlier process may have sent, against the simulator.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::api::retry::Backoff;
use crate::api::transport::Endpoint;
use crate::engine::recorder_handle::Entry;
use crate::input::record::{Content, Encoding, Format, Position, Record, Source};
use crate::limiter::{Gate, Rates};
use crate::rows::{Builder, Mapping};
use crate::simulator::{self, Limit, Simulator};
use crate::stop::StopReason;

fn instruction(row: &str) -> Instruction {
    instruction_by(Mapping::default(), row)
}

/// The instruction of a JSON row.
pub(super) fn instruction_by(mapping: Mapping, row: &str) -> Instruction {
    let source = Arc::new(Source {
        name: "in.jsonl".into(),
        format: Format::Jsonl,
        encoding: Encoding::Utf8,
        delimiter: None,
        columns: vec![],
        header_line: 1,
    });
    let position = Position { row: 1, line: 1, byte: 0 };
    let mut builder = Builder::new(mapping, &[Arc::clone(&source)]).unwrap();
    builder.build(Record { source, position, content: Content::Object(row.into()) }).unwrap()
}

pub(super) async fn simulator(faults: &[&str]) -> Simulator {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let settings = simulator::Settings {
        create_missing: true,
        limit: Limit::Off,
        faults,
        ..simulator::Settings::default()
    };
    simulator::start(settings).await.unwrap()
}

pub(super) fn client(simulator: &Simulator) -> Client {
    client_over(transport(simulator), Duration::from_millis(1))
}

fn transport(simulator: &Simulator) -> Transport {
    let endpoint = Endpoint {
        base_url: simulator.base_url().parse().unwrap(),
        project_id: "P1".into(),
        management_key: "K1".to_owned().into(),
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(10),
    };
    Transport::new(&endpoint).unwrap()
}

fn client_over(transport: Transport, pause: Duration) -> Client {
    let backoff = Backoff { max_attempts: 2, base: pause, cap: pause };
    let requester = Requester::new(transport, Gate::new(4, &Rates::default()), backoff);
    Client::new(requester, recorder(), LookRules::default(), 100)
}

/// A handle whose recorder confirms everything at once.
fn recorder() -> RecorderHandle {
    let (to_recorder, mut from_client) = tokio::sync::mpsc::channel(8);
    let recorder = RecorderHandle::new(&to_recorder);
    tokio::spawn(async move {
        let _open = to_recorder;
        while let Some(entry) = from_client.recv().await {
            if let Entry::Sent { written, .. } = entry {
                let _ = written.send(());
            }
        }
    });
    recorder
}

async fn work(client: &Client, instruction: &Instruction) -> Option<Outcome> {
    client.work_on(RowAttempt::begin(instruction, 0), instruction, &Stop::default()).await
}

fn rename(old: &str, new: &str) -> Instruction {
    let row = format!(r#"{{"operation":"loginid","loginId":"{old}","newLoginId":"{new}"}}"#);
    instruction(&row)
}

fn resumed(instruction: Instruction) -> Instruction {
    Instruction { ambiguous: true, ..instruction }
}

#[tokio::test]
async fn what_was_done_before_is_read_and_not_sent() {
    let simulator = simulator(&[]).await;
    work(&client(&simulator), &rename("a", "+1 415-555-0123")).await.unwrap();
    let client = client(&simulator);
    let outcome = work(&client, &resumed(rename("a", "+1 415-555-0123"))).await.unwrap();
    assert_eq!((outcome.status, outcome.attempts), (Status::Updated, 0));
    assert_eq!(outcome.http_status, Some(200));
    assert!(outcome.user.unwrap().get().contains("+14155550123"));
    assert_eq!(client.requester().counts().calls(), 2, "both names, and nothing sent");
}

#[tokio::test]
async fn what_was_not_done_before_is_sent() {
    let simulator = simulator(&[]).await;
    let client = client(&simulator);
    let outcome = work(&client, &resumed(rename("a", "b"))).await.unwrap();
    assert_eq!((outcome.status, outcome.attempts), (Status::Updated, 1));
    assert_eq!(client.requester().counts().calls(), 2, "one read and the update");
}

#[tokio::test]
async fn what_cannot_be_told_is_not_sent() {
    let simulator = simulator(&["500:path=mgmt/user"]).await;
    let client = client(&simulator);
    let outcome = work(&client, &resumed(rename("a", "b"))).await.unwrap();
    assert_eq!((outcome.status, outcome.attempts), (Status::Unknown, 0));
    assert_eq!(outcome.error.unwrap().code, "unsettled");
    assert_eq!(client.requester().counts().calls(), 2, "two reads");
}

#[tokio::test]
async fn what_is_repeatable_is_sent_at_once() {
    let simulator = simulator(&[]).await;
    let client = client(&simulator);
    let name = resumed(instruction(r#"{"operation":"name","loginId":"a","name":"A"}"#));
    assert_eq!(work(&client, &name).await.unwrap().status, Status::Updated);
    assert_eq!(client.requester().counts().calls(), 1);
}

#[tokio::test]
async fn a_run_that_drains_leaves_what_is_unsettled_to_the_next() {
    let simulator = simulator(&["apply-drop:path=loginid"]).await;
    // Only the stop ends this wait.
    let client = client_over(transport(&simulator), Duration::from_secs(3600));
    let (instruction, stop) = (rename("a", "b"), Stop::default());
    let (outcome, ()) = tokio::join!(
        client.work_on(RowAttempt::begin(&instruction, 0), &instruction, &stop),
        async {
            let sent = async {
                while client.requester().counts().calls() == 0 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), sent).await.unwrap();
            stop.drain(StopReason::Interrupted);
        }
    );
    assert!(outcome.is_none());
    assert_eq!(client.requester().counts().calls(), 1);
}

#[tokio::test]
async fn credentials_that_are_refused_to_a_read_halt_the_run() {
    let simulator = simulator(&["403:path=mgmt/user"]).await;
    let (client, stop) = (client(&simulator), Stop::default());
    let instruction = resumed(rename("a", "b"));
    assert!(
        client.work_on(RowAttempt::begin(&instruction, 0), &instruction, &stop).await.is_none()
    );
    assert_eq!(stop.reason().unwrap().code(), "credentials_refused");
}
