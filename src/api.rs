//! The API: what one request is, what its response means, and how it travels.

pub mod address;
mod codes;
pub mod explain;
pub mod load;
pub mod reconcile;
pub mod response;
pub mod retry;
pub mod transport;
