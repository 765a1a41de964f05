//! The live page: a run shows how it goes to a browser, and takes a few orders from it.
//!
//! It listens on a thread of its own with its own runtime, so that nobody who looks at the run slows it
//! down. The page and its orders need the token in their path, which is printed when the run begins;
//! `/metrics` and `/healthz` hold no user's data and need none.

mod answers;
mod route;
mod server;
mod wheel;

use std::fmt::Write as _;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::watch;

use answers::LiveAnswers;

use crate::exit::Error;
use crate::report::RunWatch;
pub(crate) use wheel::Wheel;

/// A place to serve the page of a run that has not begun.
#[derive(Debug)]
pub(crate) struct LivePage {
    listener: TcpListener,
    address: SocketAddr,
    token: String,
}

impl LivePage {
    /// Takes the address; the port 0 is any free one.
    ///
    /// # Errors
    ///
    /// An address that cannot be had.
    pub(crate) fn bind(address: SocketAddr) -> Result<Self, Error> {
        let refuse = |error: io::Error| Error::unready(format!("--serve {address}: {error}"));
        let listener = TcpListener::bind(address).map_err(refuse)?;
        listener.set_nonblocking(true).map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        Ok(Self { listener, address, token: token()? })
    }

    /// Where the page is. Whoever knows it can pause and stop the run.
    #[must_use]
    pub(crate) fn url(&self) -> String {
        format!("http://{}/{}/", self.address, self.token)
    }

    /// Serves it from now on.
    ///
    /// # Errors
    ///
    /// A thread that cannot be started.
    pub(crate) fn start(self, watch: RunWatch, wheel: Wheel) -> Result<Serving, Error> {
        let Self { listener, address, token } = self;
        let failed = |error: io::Error| Error::Stopped(format!("cannot serve the page: {error}"));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (end, ending) = tokio::sync::watch::channel(false);
        let page = Arc::new(LiveAnswers::new(watch, wheel, token, address.ip().is_loopback()));
        let thread = std::thread::Builder::new()
            .name("serve".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    match tokio::net::TcpListener::from_std(listener) {
                        Ok(listener) => server::serve(listener, page, ending).await,
                        Err(error) => tracing::warn!("the page is not served: {error}"),
                    }
                });
                // A report that is just being made must not hold up the end.
                runtime.shutdown_background();
            })
            .map_err(failed)?;
        Ok(Serving { end, thread })
    }
}

/// A page that is being served.
#[derive(Debug)]
pub(crate) struct Serving {
    end: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Serving {
    /// Ends it, once whoever looks at the page has seen how the run ended.
    pub(crate) fn end(self) {
        let _ = self.end.send(true);
        // A panic of the page is no failure of the run.
        let _ = self.thread.join();
    }
}

/// 128 random bits, in hexadecimal.
fn token() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::unready("--serve: the system gives no random numbers"))?;
    Ok(bytes.iter().fold(String::new(), |mut token, byte| {
        // Writing to a text does not fail.
        let _ = write!(token, "{byte:02x}");
        token
    }))
}
