//! What is found before a run at night: judged here, from facts that others have gathered. Pure.

mod access;
mod authorities;
mod diagnosis;
mod machine;
mod network;

pub(crate) use access::{
    KeyFacts, RightFacts, WhyUnread, credentials, key, project, rights, updates,
};
pub(crate) use diagnosis::{CheckStatus, Diagnosis};
pub(crate) use machine::{BudgetFacts, LimitFacts, budget, disk, folder, limits};
pub(crate) use network::{NetworkFacts, network};
