//! The simulator without a network, for tests of what sends to it.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::AUTHORIZATION;

use super::service::{Service, Wire};
use super::{Settings, sown};
use crate::catalog::{Method, Operation};

/// A simulator that is called, not sent to.
pub(crate) struct InMemory(Arc<Service>);

/// What a request came to.
pub(crate) struct Arrived {
    /// Whether it changed anything.
    pub(crate) applied: bool,
    /// How much of the answer gets through.
    pub(crate) through: Through,
    pub(crate) status: u16,
    /// Seconds.
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Bytes,
}

/// How much of an answer gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Through {
    All,
    Half,
    Nothing,
    /// Nothing, and nobody hangs up.
    Silence,
}

impl InMemory {
    pub(crate) fn new(settings: Settings) -> Self {
        let epoch = 1_800_000_000;
        let store = sown(&settings, epoch).expect("the users are generated");
        Self(Arc::new(Service::new(settings, store, None, epoch)))
    }

    /// A request arrives; `query` is the user that is to be read.
    pub(crate) fn arrive(
        &self,
        operation: &Operation,
        query: Option<&str>,
        body: &Bytes,
    ) -> Arrived {
        let method = match operation.method {
            Method::Get => hyper::Method::GET,
            Method::Post => hyper::Method::POST,
            Method::Patch => hyper::Method::PATCH,
        };
        let pairs = query.iter().map(|login_id| ("loginId", *login_id));
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = hyper::Request::builder()
            .method(method)
            .uri(format!("{}?{query}", operation.path))
            .header(AUTHORIZATION, "Bearer P1:K1")
            .body(())
            .expect("a request");
        let decision = self.0.decide(&request.into_parts().0, Some(body));
        let applied = decision.line.applied();
        let reply = decision.reply;
        let through = match reply.wire {
            Wire::Whole => Through::All,
            Wire::Half => Through::Half,
            Wire::Nothing => Through::Nothing,
            Wire::Silence => Through::Silence,
        };
        let (status, retry_after) = (reply.status, reply.retry_after);
        Arrived { applied, through, status, retry_after, body: reply.body }
    }
}
