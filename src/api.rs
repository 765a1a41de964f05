//! The API: what one request is, what its response means, and how it travels.

pub(crate) mod address;
mod codes;
pub(crate) mod explain;
pub(crate) mod load;
pub(crate) mod reconcile;
pub(crate) mod response;
pub(crate) mod retry;
pub(crate) mod transport;
