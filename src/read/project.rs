//! Reading what a project has besides users: a list in a request.

use serde_json::value::RawValue;

use crate::api::explain;
use crate::api::response::{Body, Reply};
use crate::api::transport::ReadWire;
use crate::catalog::{Operation, ProjectList};
use crate::outcome::Status;
use crate::requester::{End, Request, Requester, Tries};
use crate::stop::Stop;

/// A list of a project, or why there is none.
#[derive(Debug)]
pub(crate) enum Listing {
    /// The answer that holds it.
    Read(Box<RawValue>),
    /// The server does not give it, to this key or to nobody: why.
    Refused(String),
    /// It could not be had this time: why.
    Failed(String),
}

struct ListRequest(ProjectList);

impl<W: ReadWire> Request<W> for ListRequest {
    fn operation(&self) -> &'static Operation {
        self.0.operation()
    }

    fn is_dispensable(&self) -> bool {
        true
    }

    async fn send(&self, wire: &W) -> Reply {
        wire.list(self.0).await
    }
}

impl<W: ReadWire> Requester<W> {
    /// Reads a list of the project; `None` when it is stopped before there is something to say.
    pub(crate) async fn list(&self, list: ProjectList, stop: &Stop) -> Option<Listing> {
        let mut tries = Tries::default();
        let (end, reply) = Box::pin(self.insist(&ListRequest(list), &mut tries, stop)).await?;
        Some(match (end, reply) {
            (End::Done, Reply::Response(answer)) => match answer.body {
                Body::Whole(list) => Listing::Read(list),
                _ => Listing::Failed("the answer holds no list".to_owned()),
            },
            (End::Failed(Status::Rejected), reply) => Listing::Refused(why(&reply)),
            (_, reply) => Listing::Failed(why(&reply)),
        })
    }
}

/// Why, with the status, which tells those who know their servers most.
fn why(reply: &Reply) -> String {
    let message = explain::failure(reply, Status::GaveUp).message;
    match reply.http_status() {
        Some(status) if !message.contains("HTTP") => format!("HTTP {status}: {message}"),
        _ => message.into_owned(),
    }
}
