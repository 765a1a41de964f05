//! The plain program: what one would write in an evening. It reads the rows, keeps some
//! requests going, parses each returned user, and writes it as a line. It keeps no order, no
//! journal and no limit, and ends at the first error.

use std::fs::File;
use std::io::{BufWriter, Write};

use futures_util::{StreamExt, stream};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::programs::{AUTHORIZATION, PATH};

/// A row, and the body that is sent for it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    login_id: String,
    phone: String,
    verified: bool,
}

/// Sends the rows of a file and writes the users to another.
pub(crate) fn main(url: &str, rows: &str, out: &str, concurrency: &str) {
    let concurrency = concurrency.parse().expect("a number");
    let rows = csv::Reader::from_path(rows).expect("a file of rows").into_deserialize();
    let mut out = BufWriter::new(File::create(out).expect("a file to write"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let client = local().build().expect("a client");
        let url = format!("{url}{PATH}");
        let mut users = stream::iter(rows)
            .map(|row| send(&client, &url, row.expect("a row")))
            .buffer_unordered(concurrency);
        while let Some(user) = users.next().await {
            let user = user.expect("an answer");
            serde_json::to_writer(&mut out, &user).expect("a disk that takes it");
            out.write_all(b"\n").expect("a disk that takes it");
        }
    });
    out.flush().expect("a disk that takes it");
}

async fn send(client: &Client, url: &str, row: Row) -> reqwest::Result<Value> {
    let body = serde_json::to_vec(&row).expect("rows are JSON");
    let request = client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header(reqwest::header::AUTHORIZATION, AUTHORIZATION)
        .body(body);
    let answer = request.send().await?.error_for_status()?.bytes().await?;
    let mut answer: Value = serde_json::from_slice(&answer).expect("an answer in JSON");
    Ok(answer["user"].take())
}

/// A client without proxy and certificates: simulators are on this machine and speak no TLS.
fn local() -> reqwest::ClientBuilder {
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("the provider speaks them")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Client::builder().no_proxy().tls_backend_preconfigured(tls)
}
