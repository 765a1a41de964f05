//! The simulator without a network, for tests of what sends to it.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::AUTHORIZATION;

pub(crate) use super::service::Delivery;
use super::service::{Reply, Service};
use super::{Settings, sown};
use crate::catalog::Operation;

/// A simulator that is called, not sent to.
pub(crate) struct InMemory(Arc<Service>);

/// What a request came to.
pub(crate) struct Arrived {
    /// Whether it changed anything.
    pub(crate) applied: bool,
    /// How much of the answer gets through.
    pub(crate) delivery: Delivery,
    pub(crate) status: u16,
    /// Seconds.
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Bytes,
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
        let pairs = query.iter().map(|login_id| ("loginId", *login_id));
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = hyper::Request::builder()
            .method(operation.method.as_str())
            .uri(format!("{}?{query}", operation.path))
            .header(AUTHORIZATION, "Bearer P1:K1")
            .body(())
            .expect("a request");
        let decision = self.0.decide(&request.into_parts().0, Some(body));
        let applied = decision.line.applied();
        let Reply { status, retry_after, delivery, body, .. } = decision.reply;
        Arrived { applied, delivery, status, retry_after, body }
    }
}
