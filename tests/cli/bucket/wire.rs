//! Requests and answers as they are on the wire.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// The bucket, or the container.
    pub(super) bucket: String,
    /// The key, without the bucket.
    pub(crate) key: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// Whether it writes what it is about.
    pub(super) fn writes(&self) -> bool {
        self.method == "PUT" || self.method == "DELETE"
    }

    pub(super) fn without_conditions(&self) -> Self {
        let mut asked = self.clone();
        let is_one = |name: &str| name.trim_start_matches("x-goog-").starts_with("if-");
        asked.headers.retain(|name, _| !is_one(name));
        asked
    }

    /// Whether it asks for an object as a whole.
    pub(crate) fn is_without_range(&self) -> bool {
        self.method == "GET" && self.header("range").is_none()
    }

    /// The next request, and its body.
    pub(super) fn read(reader: &mut BufReader<TcpStream>) -> Option<(Self, Vec<u8>)> {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut words = line.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (bucket, key) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (bucket, key) = (decoded(bucket), decoded(key));
        Some((Self { method, bucket, key, query, headers }, body))
    }
}

/// What stands in a path, without its escapes.
pub(super) fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        if byte == b'%' {
            let escape = std::str::from_utf8(&behind[..2]).unwrap();
            bytes.push(u8::from_str_radix(escape, 16).unwrap());
            rest = &behind[2..];
        } else {
            bytes.push(byte);
            rest = behind;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Names of headers and their values.
pub(super) type Headers = Vec<(&'static str, String)>;

/// What a request is answered with.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
    /// Whether nobody says how long the body is: it ends with the connection.
    pub(super) is_endless: bool,
}

impl Answer {
    pub(super) fn new(status: u16, headers: Headers, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers, body: body.into(), is_endless: false }
    }

    pub(super) fn written(&self, is_head: bool) -> Vec<u8> {
        let length = ("content-length", self.body.len().to_string());
        let length = (!self.is_endless).then_some(&length);
        let headers = self.headers.iter().chain(length);
        let lines = headers.map(|(name, value)| format!("{name}: {value}\r\n"));
        let head =
            format!("HTTP/1.1 {} x\r\n{}\r\n", self.status, lines.collect::<Vec<_>>().concat());
        let mut bytes = head.into_bytes();
        if !is_head {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}
