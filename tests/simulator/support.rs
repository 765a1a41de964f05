//! A started simulator and a client for it.

use descope_bulk::simulator::{self, Limit, Settings, Simulator};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

/// Credentials of the right form.
pub(crate) const BEARER: &str = "Bearer P2test:K2test";

/// Settings without limits.
pub(crate) fn unlimited() -> Settings {
    Settings { limit: Limit::Off, ..Settings::default() }
}

/// A simulator and a client for it.
pub(crate) struct Fixture {
    simulator: Simulator,
    client: Client,
}

impl Fixture {
    /// Starts a simulator.
    pub(crate) async fn start(settings: Settings) -> Self {
        let client =
            local().redirect(reqwest::redirect::Policy::none()).retry(reqwest::retry::never());
        Self {
            simulator: simulator::start(settings).await.unwrap(),
            client: client.build().unwrap(),
        }
    }

    /// Starts one without limits and with users of some login IDs.
    pub(crate) async fn with_users(settings: Settings, login_ids: &[&str]) -> Self {
        let fixture = Self::start(settings).await;
        for login_id in login_ids {
            let body = serde_json::json!({"loginId": login_id});
            fixture.ok("/v1/mgmt/user/create", body).await;
        }
        fixture
    }

    /// A request without credentials.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}{path}", self.simulator.base_url());
        self.client.request(method, url)
    }

    /// A request with credentials.
    pub(crate) fn authorized(&self, method: &str, path: &str) -> RequestBuilder {
        self.request(method, path).header("authorization", BEARER)
    }

    /// Sends a body; `PATCH` where the path is a patch.
    pub(crate) async fn send(&self, path: &str, body: Value) -> reqwest::Result<Response> {
        let method = if path.contains("/patch") { "PATCH" } else { "POST" };
        let request = self.authorized(method, path).body(body.to_string());
        request.send().await
    }

    /// Sends a body and reads status and JSON.
    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        read(self.send(path, body).await.unwrap()).await
    }

    /// Sends a body that must succeed.
    #[track_caller]
    pub(crate) fn ok(&self, path: &str, body: Value) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let (status, answer) = self.post(path, body).await;
            assert_eq!(status, 200, "{place}: {answer}");
            answer
        }
    }

    /// Gets a path.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        read(self.authorized("GET", path).send().await.unwrap()).await
    }

    /// The error with which a body is refused: status and code.
    pub(crate) async fn refusal(&self, path: &str, body: Value) -> (u16, String) {
        let (status, answer) = self.post(path, body).await;
        (status, answer["errorCode"].as_str().unwrap_or_default().to_owned())
    }

    /// How many users a search finds, test users among them.
    pub(crate) async fn found(&self, mut body: Value) -> u64 {
        body["withTestUser"] = true.into();
        self.ok("/v2/mgmt/user/search", body).await["total"].as_u64().unwrap()
    }

    /// A user that must be there.
    pub(crate) async fn user(&self, login_id: &str) -> Value {
        let (status, mut answer) = self.get(&format!("/v1/mgmt/user?loginId={login_id}")).await;
        assert_eq!(status, 200, "{login_id}: {answer}");
        answer["user"].take()
    }

    /// Stops the simulator.
    pub(crate) async fn stop(self) {
        self.simulator.stop().await;
    }
}

/// Status and JSON, or the text where it is none.
pub(crate) async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, value)
}

/// Starts one without limits and with a file of users.
pub(crate) async fn seeded(lines: &[Value], settings: Settings) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.jsonl");
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&users, lines.join("\n")).unwrap();
    Fixture::start(Settings { users: simulator::Seed::File(users), ..settings }).await
}

/// The values that an object has under the keys of another.
pub(crate) fn like(object: &Value, keys: &Value) -> Value {
    let keys = keys.as_object().unwrap().keys();
    keys.map(|key| (key.clone(), object[key].clone())).collect::<serde_json::Map<_, _>>().into()
}

/// A client without proxy and certificates: simulators are on this machine and speak no TLS.
pub(crate) fn local() -> reqwest::ClientBuilder {
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("the provider speaks them")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Client::builder().no_proxy().tls_backend_preconfigured(tls)
}
