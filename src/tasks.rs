//! Tasks, and work that blocks beside them. Both log in the name of whoever has started them: of a job,
//! where many run in one process.

use std::future::Future;

use tokio::task::{JoinError, JoinHandle};
use tracing::{Instrument, Span};

/// Starts a task.
pub(crate) fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(task.in_current_span())
}

/// Does what blocks on one of the threads that the runtime has for that.
pub(crate) fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    tokio::task::spawn_blocking(in_own_name(work))
}

/// Does what blocks with something that is kept from one time to the next, and gives it back.
pub(crate) async fn beside<S: Send + 'static, T: Send + 'static>(
    mut kept: Box<S>,
    work: impl FnOnce(&mut S) -> T + Send + 'static,
) -> (Box<S>, T) {
    let working = spawn_blocking(move || {
        let done = work(&mut kept);
        (kept, done)
    });
    join(working).await
}

/// Work for another thread, which logs as if it were done here.
pub(crate) fn in_own_name<T>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl FnOnce() -> T + Send + 'static {
    let span = Span::current();
    move || span.in_scope(work)
}

/// The name of a job, for what is logged until it has ended.
pub(crate) fn job(name: &str) -> Span {
    // At the highest level: a filter that lets a line through keeps its job, too.
    tracing::error_span!("job", job = %name)
}

/// The end of a task; what broke it breaks us.
pub(crate) async fn join<T>(task: JoinHandle<T>) -> T {
    match task.await {
        // The runtime is shut down, and whoever waits goes with it.
        Err(error) if error.is_cancelled() => std::future::pending().await,
        ended => joined(ended),
    }
}

/// What came of a task; what broke it breaks us.
pub(crate) fn joined<T>(result: Result<T, JoinError>) -> T {
    result.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
