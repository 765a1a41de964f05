//! A look-alike of S3 inside the test: objects in memory, ranges, conditions, and faults on demand.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// What would be a secret.
pub(crate) const SECRET: &str = "secret+of/the/test";

#[derive(Clone)]
struct Object {
    bytes: Vec<u8>,
    tag: u64,
    written_at: SystemTime,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// The key, without the bucket.
    pub(crate) key: String,
    headers: BTreeMap<String, String>,
}

impl Asked {
    fn without_conditions(&self) -> Self {
        let mut asked = self.clone();
        asked.headers.retain(|name, _| !name.starts_with("if-"));
        asked
    }

    /// Whether it asks for an object as a whole.
    pub(crate) fn is_without_range(&self) -> bool {
        self.method == "GET" && !self.headers.contains_key("range")
    }
}

/// What the storage does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// What it was asked.
    All,
    /// Nothing, and answers with this status.
    Refuses(u16),
    /// What it was asked, and the answer is lost.
    LosesAnswer,
    /// What it was asked, whatever the conditions are.
    IgnoresConditions,
    /// It breaks off in the middle of the body.
    BreaksOff,
}

type Rule = Box<dyn FnMut(&Asked) -> Does + Send>;

#[derive(Default)]
struct Held {
    objects: BTreeMap<String, Object>,
    tags: u64,
    asked: Vec<Asked>,
    rule: Option<Rule>,
}

/// A bucket, `s3://bucket/`.
#[derive(Clone)]
pub(crate) struct S3Bucket {
    held: Arc<Mutex<Held>>,
    address: String,
}

impl S3Bucket {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let bucket = Self { held: Arc::default(), address };
        let serving = bucket.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let bucket = serving.clone();
                std::thread::spawn(move || bucket.serve(connection.unwrap()));
            }
        });
        bucket
    }

    /// Has a program use it.
    pub(crate) fn reached_by(&self, command: &mut Command) {
        command
            .env("AWS_ENDPOINT", &self.address)
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "AKIATEST")
            .env("AWS_SECRET_ACCESS_KEY", SECRET);
    }

    /// Where it is.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn put(&self, key: &str, bytes: impl AsRef<[u8]>) {
        let mut held = self.held.lock().unwrap();
        held.write(key, bytes.as_ref().to_vec());
    }

    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.held.lock().unwrap().objects.get(key).map(|object| object.bytes.clone())
    }

    pub(crate) fn remove(&self, key: &str) {
        self.held.lock().unwrap().objects.remove(key);
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.held.lock().unwrap().objects.keys().cloned().collect()
    }

    /// Makes an object as old as if it had been written so long before.
    pub(crate) fn age(&self, key: &str, by: Duration) {
        let mut held = self.held.lock().unwrap();
        held.objects.get_mut(key).unwrap().written_at -= by;
    }

    /// What becomes of requests from now on.
    pub(crate) fn rule(&self, rule: impl FnMut(&Asked) -> Does + Send + 'static) {
        self.held.lock().unwrap().rule = Some(Box::new(rule));
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.held.lock().unwrap().asked.clone()
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while let Some((asked, body)) = read(&mut reader) {
            let (does, answer) = {
                let mut held = self.held.lock().unwrap();
                held.asked.push(asked.clone());
                let does = held.rule.as_mut().map_or(Does::All, |rule| rule(&asked));
                let answer = match does {
                    Does::Refuses(status) => Answer::error(status, "InternalError"),
                    Does::IgnoresConditions => held.answer(&asked.without_conditions(), body),
                    _ => held.answer(&asked, body),
                };
                (does, answer)
            };
            if does == Does::LosesAnswer {
                return;
            }
            let is_head = asked.method == "HEAD";
            let mut bytes = answer.written(is_head);
            if does == Does::BreaksOff {
                bytes.truncate(bytes.len() - answer.body.len() / 2);
                let _ = stream.write_all(&bytes);
                return;
            }
            if stream.write_all(&bytes).is_err() {
                return;
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<(Asked, Vec<u8>)> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
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
    let key = path.strip_prefix("/bucket/").unwrap_or("/").to_owned();
    Some((Asked { method, key, headers }, body))
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn error(status: u16, code: &str) -> Self {
        // Storages quote what they were asked.
        let body =
            format!("<Error><Code>{code}</Code><StringToSign>{SECRET}</StringToSign></Error>");
        Self { status, headers: Vec::new(), body: body.into_bytes() }
    }

    fn written(&self, is_head: bool) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} x\r\n", self.status);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !self.headers.iter().any(|(name, _)| *name == "content-length") {
            text += &format!("content-length: {}\r\n", self.body.len());
        }
        let mut bytes = (text + "\r\n").into_bytes();
        if !is_head {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

impl Held {
    fn write(&mut self, key: &str, bytes: Vec<u8>) -> u64 {
        self.tags += 1;
        let object = Object { bytes, tag: self.tags, written_at: SystemTime::now() };
        self.objects.insert(key.to_owned(), object);
        self.tags
    }

    fn answer(&mut self, asked: &Asked, body: Vec<u8>) -> Answer {
        let header = |name: &str| asked.headers.get(name).map(String::as_str);
        if !header("authorization").is_some_and(|own| own.contains("Credential=AKIATEST/")) {
            return Answer::error(403, "AccessDenied");
        }
        if asked.key == "/" {
            return Answer::error(404, "NoSuchBucket");
        }
        let found = self.objects.get(&asked.key).cloned();
        let tag = |object: &Object| format!("\"{}\"", object.tag);
        if let Some(expected) = header("if-match")
            && found.as_ref().is_some_and(|object| tag(object) != expected)
        {
            return Answer::error(412, "PreconditionFailed");
        }
        match (&*asked.method, found) {
            ("PUT", Some(_)) if header("if-none-match") == Some("*") => {
                Answer::error(412, "PreconditionFailed")
            }
            ("PUT", None) if header("if-match").is_some() => Answer::error(404, "NoSuchKey"),
            ("PUT", _) => {
                let tag = self.write(&asked.key, body);
                Answer { status: 200, headers: vec![("etag", format!("\"{tag}\""))], body: vec![] }
            }
            ("DELETE", _) => {
                self.objects.remove(&asked.key);
                Answer { status: 204, headers: vec![], body: vec![] }
            }
            (_, None) => Answer::error(404, "NoSuchKey"),
            (_, Some(object)) => object.answer(header("range"), tag(&object)),
        }
    }
}

impl Object {
    fn answer(&self, range: Option<&str>, tag: String) -> Answer {
        let all = self.bytes.len();
        let mut headers =
            vec![("etag", tag), ("last-modified", httpdate::fmt_http_date(self.written_at))];
        let Some(range) = range.and_then(|range| range.strip_prefix("bytes=")) else {
            headers.push(("content-length", all.to_string()));
            return Answer { status: 200, headers, body: self.bytes.clone() };
        };
        let (first, last) = range.split_once('-').unwrap();
        let (first, last) = (first.parse::<usize>().unwrap(), last.parse::<usize>().unwrap());
        let body = self.bytes[first..all.min(last + 1)].to_vec();
        headers.push(("content-range", format!("bytes {first}-{}/{all}", first + body.len() - 1)));
        Answer { status: 206, headers, body }
    }
}
