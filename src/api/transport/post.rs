//! Posting to others than the API, such as notifications.

use std::time::Duration;

use url::Url;

use super::lost::innermost;
use super::tls::tls;

/// Posts to others than the API. Nothing is followed, and nothing of an answer is read.
#[derive(Clone, Debug)]
pub(crate) struct Poster(reqwest::Client);

impl Poster {
    /// One that has connected to nobody yet, or why TLS cannot be had.
    pub(crate) fn new() -> Result<Self, String> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(true)?)
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none());
        builder.build().map(Self).map_err(|error| innermost(&error))
    }

    /// Posts once; why it failed, without the URL, which may be a secret.
    pub(crate) async fn post(
        &self,
        url: Url,
        body: Vec<u8>,
        headers: &[(&str, String)],
        patience: Duration,
    ) -> Result<(), String> {
        let mut request = self.0.post(url).timeout(patience).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("HTTP {}", answer.status().as_u16())),
            Err(error) => Err(error.without_url().to_string()),
        }
    }
}
