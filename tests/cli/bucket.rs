//! Look-alikes of object storages inside the test: objects in memory, ranges, conditions, and faults on
//! demand.

mod dialect;
mod wire;

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use dialect::Dialect;
use dialect::Refusal;
pub(crate) use wire::Asked;
use wire::{Answer, decoded};

/// What would be a secret; as a key of Azure it is base64.
pub(crate) const SECRET: &str = "secret+of/the/test//";

/// Plays tests, each a function of a dialect, in every one of them.
macro_rules! in_each_dialect {
    ($($test:ident),+ $(,)?) => {
        in_each_dialect! { @ s3 S3 $($test),+ }
        in_each_dialect! { @ gcs Gcs $($test),+ }
        in_each_dialect! { @ azure Azure $($test),+ }
    };
    (@ $name:ident $dialect:ident $($test:ident),+) => {
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$test(crate::bucket::Dialect::$dialect);
                }
            )+
        }
    };
}
pub(crate) use in_each_dialect;

#[derive(Clone)]
struct Object {
    bytes: Vec<u8>,
    /// Its generation: later ones have larger numbers.
    number: u64,
    written_at: SystemTime,
    /// Whether it was stored under `Content-Encoding: gzip`.
    is_packed: bool,
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
    last: u64,
    asked: Vec<Asked>,
    /// How often it was written to too soon.
    too_soon: usize,
    rule: Option<Rule>,
}

/// A bucket of the name `bucket`.
#[derive(Clone)]
pub(crate) struct Bucket {
    held: Arc<Mutex<Held>>,
    address: String,
    dialect: Dialect,
}

impl Bucket {
    pub(crate) fn start(dialect: Dialect) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let bucket = Self { held: Arc::default(), address, dialect };
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
        command.envs(self.environment());
    }

    /// By which a program reaches it.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        self.dialect.environment(&self.address)
    }

    /// The URL of a key.
    pub(crate) fn url(&self, key: &str) -> String {
        format!("{}://bucket/{key}", self.dialect.scheme())
    }

    pub(crate) fn put(&self, key: &str, bytes: impl AsRef<[u8]>) {
        self.held.lock().unwrap().write(key, bytes.as_ref().to_vec());
    }

    /// Puts what is packed with gzip, and says so beside it.
    pub(crate) fn put_packed(&self, key: &str, bytes: impl AsRef<[u8]>) {
        self.held.lock().unwrap().write(key, bytes.as_ref().to_vec()).is_packed = true;
    }

    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.held.lock().unwrap().objects.get(key).map(|object| object.bytes.clone())
    }

    /// The generation of an object.
    pub(crate) fn generation(&self, key: &str) -> u64 {
        self.held.lock().unwrap().objects[key].number
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

    /// How often an object was written to too soon after it was before.
    pub(crate) fn too_soon(&self) -> usize {
        self.held.lock().unwrap().too_soon
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some((asked, body)) = Asked::read(&mut reader) {
            let (does, answer) = self.answer(&asked, body);
            if does == Does::LosesAnswer {
                return;
            }
            let mut bytes = answer.written(asked.method == "HEAD");
            if does == Does::BreaksOff {
                bytes.truncate(bytes.len() - answer.body.len() / 2);
            }
            let is_sent = stream.write_all(&bytes).is_ok();
            if does == Does::BreaksOff || answer.is_endless || !is_sent {
                return;
            }
        }
    }

    fn answer(&self, asked: &Asked, body: Vec<u8>) -> (Does, Answer) {
        let mut held = self.held.lock().unwrap();
        held.asked.push(asked.clone());
        let does = held.rule.as_mut().map_or(Does::All, |rule| rule(asked));
        let answer = match does {
            Does::Refuses(status) => self.dialect.fault(status, "InternalError"),
            Does::IgnoresConditions => held.answer(self.dialect, &asked.without_conditions(), body),
            _ => held.answer(self.dialect, asked, body),
        };
        (does, answer)
    }
}

impl Held {
    fn write(&mut self, key: &str, bytes: Vec<u8>) -> &mut Object {
        let written_at = SystemTime::now();
        // Generations are about microseconds, and only grow.
        let now = written_at.duration_since(UNIX_EPOCH).unwrap().as_micros();
        self.last = (self.last + 1).max(u64::try_from(now).unwrap());
        let object = Object { bytes, number: self.last, written_at, is_packed: false };
        self.objects.insert(key.to_owned(), object);
        self.objects.get_mut(key).unwrap()
    }

    fn answer(&mut self, dialect: Dialect, asked: &Asked, body: Vec<u8>) -> Answer {
        let found = self.objects.get(&asked.key);
        if let Some(refusal) = dialect.refuses(asked, found) {
            self.too_soon += usize::from(refusal == Refusal::TooSoon);
            return dialect.refusal(refusal);
        }
        match (&*asked.method, found) {
            ("PUT", _) => dialect.has_written(self.write(&asked.key, body)),
            ("DELETE", _) if dialect != Dialect::Azure => {
                dialect.has_removed(self.objects.remove(&asked.key).is_some())
            }
            ("POST", _) if dialect == Dialect::Azure => {
                let removed = asked_in_batch(asked, &body);
                let removed = removed.and_then(|key| self.objects.remove(&key));
                dialect.has_removed(removed.is_some())
            }
            ("GET" | "HEAD", Some(object)) => object.answer(asked, dialect),
            ("GET" | "HEAD", None) => dialect.refusal(Refusal::NoObject),
            _ => dialect.refusal(Refusal::Odd),
        }
    }
}

/// The key of the object that a batch asks to be removed.
fn asked_in_batch(asked: &Asked, body: &[u8]) -> Option<String> {
    asked.query("comp").filter(|own| *own == "batch")?;
    let text = std::str::from_utf8(body).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("DELETE /bucket/"))?;
    Some(decoded(line.split(' ').next()?))
}

impl Object {
    fn answer(&self, asked: &Asked, dialect: Dialect) -> Answer {
        let headers = dialect.headers(self);
        let takes_packed = asked.header("accept-encoding").is_some_and(|own| own.contains("gzip"));
        if dialect == Dialect::Gcs && self.is_packed && !takes_packed {
            return self.unpacked(dialect);
        }
        let Some(range) = asked.header("range").and_then(|range| range.strip_prefix("bytes="))
        else {
            return Answer::new(200, headers, self.bytes.clone());
        };
        let (first, last) = range.split_once('-').unwrap();
        let (first, last) = (first.parse::<usize>().unwrap(), last.parse::<usize>().unwrap());
        let all = self.bytes.len();
        let body = self.bytes[first..all.min(last + 1)].to_vec();
        let told = format!("bytes {first}-{}/{all}", first + body.len() - 1);
        Answer::new(206, [headers, vec![("content-range", told)]].concat(), body)
    }

    /// Google unpacks what is stored as packed for those who do not say that they take it so, whatever
    /// range they ask for, and cannot tell its length.
    fn unpacked(&self, dialect: Dialect) -> Answer {
        let mut body = Vec::new();
        flate2::read::GzDecoder::new(&self.bytes[..]).read_to_end(&mut body).unwrap();
        Answer { is_endless: true, ..Answer::new(200, dialect.headers(self), body) }
    }
}
