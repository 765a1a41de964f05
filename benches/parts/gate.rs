//! The gate: what it takes to be let through when there is nothing to wait for.

use std::time::Duration;

use descope_bulk::internals::catalog::RateClass;
use descope_bulk::internals::limiter::limit::Limit;
use descope_bulk::internals::limiter::{Gate, Rates, SharedBudget};
use divan::Bencher;
use divan::counter::ItemsCount;
use tokio::runtime::{Builder, Runtime};

const REQUESTS: u32 = 1_000;

#[divan::bench]
fn no_limit(bencher: Bencher) {
    pass_through(bencher, REQUESTS, || gate(None));
}

#[divan::bench]
fn limit_that_never_binds(bencher: Bencher) {
    pass_through(bencher, REQUESTS, || gate(Some(REQUESTS + 1)));
}

/// The budget's file holds each request of the last window and is read and written twice for each:
/// 400 of them are what a minute of the default rate comes to.
#[divan::bench(sample_count = 20)]
fn limit_shared_through_a_file(bencher: Bencher) {
    const A_MINUTE: u32 = 400;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut projects = 0..;
    let budget = || {
        let project = format!("P{}", projects.next().unwrap_or_default());
        SharedBudget::open(folder.path(), "http://127.0.0.1", &project).unwrap()
    };
    let mut budget = budget;
    pass_through(bencher, A_MINUTE, || gate(Some(A_MINUTE + 1)).sharing(budget()));
}

fn gate(requests: Option<u32>) -> Gate {
    let limit = |requests| Limit { requests, window: Duration::from_secs(60) };
    let gate = Gate::new(64, &Rates { users: requests.map(limit), lower: Vec::new() });
    // A job that is known to fit into one window is not spaced out.
    gate.whole_job(1);
    gate
}

/// Lets requests of one window through, one after the other.
fn pass_through(bencher: Bencher, requests: u32, make: impl FnMut() -> Gate) {
    let runtime = runtime();
    bencher
        .counter(ItemsCount::new(requests))
        .with_inputs(make)
        .bench_local_refs(|gate| runtime.block_on(enter(gate, requests)));
}

async fn enter(gate: &Gate, requests: u32) {
    for _ in 0..requests {
        drop(gate.enter(RateClass::Users).await);
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}
