//! What the tests share: a simulator process, a run in a folder of its own, what it left.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Credentials of the form that the API has; the key must turn up nowhere.
pub(crate) const PROJECT: &str = "P2testtesttesttesttesttestte";
pub(crate) const KEY: &str = "K2secretsecretsecret";

const PROGRAM: &str = env!("CARGO_BIN_EXE_descope-bulk");

/// The program, without any of the environment that would change what it does.
pub(crate) fn program() -> Command {
    prepared(Command::new(PROGRAM))
}

/// The same, within a limit of the system, in the words of `ulimit`.
pub(crate) fn program_within(limit: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\""), PROGRAM]);
    prepared(command)
}

fn prepared(mut command: Command) -> Command {
    for name in [
        "DESCOPE_PROJECT_ID",
        "DESCOPE_MANAGEMENT_KEY",
        "DESCOPE_BASE_URL",
        "NO_COLOR",
        "CLICOLOR_FORCE",
    ] {
        command.env_remove(name);
    }
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"]
    {
        command.env_remove(name);
    }
    // The state of this machine's user is nothing to tests.
    command.env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::null());
    command
}

/// The program in a folder, with credentials, against a simulator.
pub(crate) fn program_against(simulator: &Simulator, folder: &Path) -> Command {
    against(simulator, folder, program())
}

/// The same, however it is started.
pub(crate) fn against(simulator: &Simulator, folder: &Path, mut command: Command) -> Command {
    command
        .current_dir(folder)
        .env("DESCOPE_PROJECT_ID", PROJECT)
        .env("DESCOPE_MANAGEMENT_KEY", KEY)
        .env("DESCOPE_BASE_URL", &simulator.url)
        .env("XDG_STATE_HOME", simulator.state());
    command
}

/// A simulator in a process of its own.
pub(crate) struct Simulator {
    child: Child,
    pub(crate) url: String,
    log: PathBuf,
    folder: TempDir,
}

impl Simulator {
    /// One that creates the users that are named, without limit unless the arguments say so.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut all = vec!["--create-missing"];
        if !arguments.contains(&"--rate-limit") {
            all.extend(["--rate-limit", "off"]);
        }
        all.extend(arguments);
        Self::bare(&all)
    }

    /// One with these arguments only.
    #[track_caller]
    pub(crate) fn bare(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("arrivals.jsonl");
        let mut child = program()
            .args(["simulate", "--listen", "127.0.0.1:0", "--log"])
            .arg(&log)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{url:?}");
        Self { child, url, log, folder }
    }

    /// The state of programs that speak to it: what they have kept of an earlier one that had its port
    /// is nothing to them.
    pub(crate) fn state(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    /// What arrived so far below `/mgmt/user`, in order.
    pub(crate) fn arrivals(&self) -> Vec<Value> {
        let mut arrivals: Vec<Value> = lines(&self.log);
        arrivals.retain(|arrival| text(arrival, "path").contains("/mgmt/user"));
        arrivals.sort_by_key(|arrival| arrival["seq"].as_u64());
        arrivals
    }

    /// The paths of all that arrived so far, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut arrivals: Vec<Value> = lines(&self.log);
        arrivals.sort_by_key(|arrival| arrival["seq"].as_u64());
        arrivals.iter().map(|arrival| text(arrival, "path").to_owned()).collect()
    }

    /// What arrived so far and changes users, or would.
    pub(crate) fn updates(&self) -> Vec<Value> {
        updates(self.arrivals())
    }

    /// All users as they are, by user ID, without the times that writing alone changes.
    pub(crate) fn users(&self) -> BTreeMap<String, Value> {
        let mut users = BTreeMap::new();
        for page in 0.. {
            let body = json!({"limit": 100, "page": page, "withTestUser": true}).to_string();
            let answer = self.post("/v2/mgmt/user/search", &body);
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let found = answer["users"].as_array().unwrap();
            // Who there is, a search knows; how they are, it may show late.
            let ids: Vec<&str> = found.iter().map(|user| text(user, "userId")).collect();
            let loaded = self.post("/v1/mgmt/users/load", &json!({"userIds": ids}).to_string());
            let mut loaded: Value = serde_json::from_str(&loaded).unwrap();
            for user in loaded["users"].as_array_mut().unwrap() {
                user.as_object_mut().unwrap().remove("modifiedTime");
                users.insert(text(user, "userId").to_owned(), user.take());
            }
            if found.len() < 100 {
                break;
            }
        }
        users
    }

    /// A user by a login ID, as `GET /v1/mgmt/user` shows it; `null` if nobody has it.
    pub(crate) fn user(&self, login_id: &str) -> Value {
        let mut query = String::new();
        for byte in login_id.bytes() {
            match byte {
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => query.push(char::from(byte)),
                _ => write!(query, "%{byte:02X}").unwrap(),
            }
        }
        let answer = self.ask(&format!("GET /v1/mgmt/user?loginId={query}"), "");
        serde_json::from_str::<Value>(&answer).unwrap()["user"].take()
    }

    /// Deletes a user.
    pub(crate) fn delete(&self, login_id: &str) {
        self.post("/v1/mgmt/user/delete", &json!({"loginId": login_id}).to_string());
    }

    /// The body of the answer to a request.
    pub(crate) fn post(&self, path: &str, body: &str) -> String {
        self.ask(&format!("POST {path}"), body)
    }

    fn ask(&self, request: &str, body: &str) -> String {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut connection = TcpStream::connect(address).unwrap();
        write!(
            connection,
            "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Authorization: Bearer {PROJECT}:{KEY}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Waits until so many requests have arrived.
    pub(crate) fn wait_for_arrivals(&self, number: usize) {
        wait_until("requests arrive", || self.arrivals().len() >= number);
    }

    /// Ends it in an orderly way, so that its log is complete.
    pub(crate) fn stop(mut self) -> Vec<Value> {
        signal(&self.child, "TERM");
        assert!(self.child.wait().unwrap().success());
        self.arrivals()
    }
}

/// A file that names so many users.
pub(crate) fn rows(number: usize) -> String {
    (0..number).fold("loginId,name\n".to_owned(), |rows, n| rows + &format!("u{n}@x.com,N{n}\n"))
}

/// Those of some arrivals that change users, or would.
pub(crate) fn updates(mut arrivals: Vec<Value>) -> Vec<Value> {
    arrivals.retain(|arrival| {
        let path = text(arrival, "path");
        text(arrival, "method") != "GET" && !path.ends_with("/search") && !path.ends_with("/load")
    });
    arrivals
}

/// Waits for something that is bound to happen. It is a defect when it takes a minute.
#[expect(clippy::disallowed_methods, reason = "other processes have no clock that can be paused")]
pub(crate) fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by name.
pub(crate) fn signal(child: &Child, name: &str) {
    let status =
        Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// A run in the making, in a folder of its own.
pub(crate) struct Run {
    folder: TempDir,
    command: Command,
}

impl Run {
    /// `run` with the run folder `out`, and nothing else yet. Nothing is read before it is sent.
    pub(crate) fn new() -> Self {
        Self::reading().arg("--no-keep-before")
    }

    /// `run` with the run folder `out`, which reads users before it sends anything for them.
    pub(crate) fn reading() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = program();
        command.current_dir(folder.path()).args(["run", "--out", "out"]);
        Self { folder, command }
    }

    /// The same, against a simulator.
    pub(crate) fn against(simulator: &Simulator) -> Self {
        Self::new().credentials().at(simulator)
    }

    /// A run that reads users first, against a simulator.
    pub(crate) fn reading_from(simulator: &Simulator) -> Self {
        Self::reading().credentials().at(simulator)
    }

    /// The same, as a rehearsal.
    pub(crate) fn rehearsed() -> Self {
        Self::new().arg("--simulate")
    }

    fn at(self, simulator: &Simulator) -> Self {
        self.env("DESCOPE_BASE_URL", &simulator.url).env("XDG_STATE_HOME", simulator.state())
    }

    pub(crate) fn credentials(self) -> Self {
        self.env("DESCOPE_PROJECT_ID", PROJECT).env("DESCOPE_MANAGEMENT_KEY", KEY)
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Writes an input file and names it.
    pub(crate) fn file(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), content).unwrap();
        self.command.arg(name);
        self
    }

    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn stdin(mut self, stdin: Stdio) -> Self {
        self.command.stdin(stdin);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it without waiting.
    pub(crate) fn spawn(mut self) -> Running {
        let child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running { folder: self.folder, child }
    }

    /// Runs it to its end.
    pub(crate) fn go(self) -> Ran {
        self.spawn().end()
    }
}

/// A run that goes on.
pub(crate) struct Running {
    folder: TempDir,
    pub(crate) child: Child,
}

impl Running {
    /// The folder that it runs in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn end(self) -> Ran {
        let Output { status, stdout, stderr } = self.child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { folder: self.folder, status, stdout: text(stdout), stderr: text(stderr) }
    }
}

/// A run that is over, and what it left.
pub(crate) struct Ran {
    folder: TempDir,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// What a later command in the same folder came to.
    pub(crate) fn of(earlier: impl Into<TempDir>, output: Output) -> Self {
        let Output { status, stdout, stderr } = output;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { folder: earlier.into(), status, stdout: text(stdout), stderr: text(stderr) }
    }

    /// The folder that it ran in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Checks the exit code, showing everything if it is another, and that the key is nowhere.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(expected),
            "--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        for text in [&self.stdout, &self.stderr] {
            assert!(!text.contains(KEY), "the key is shown: {text}");
        }
        self
    }

    /// Checks that stderr says something.
    #[track_caller]
    pub(crate) fn says(self, what: &str) -> Self {
        assert!(self.stderr.contains(what), "--- no {what:?} in stderr\n{}", self.stderr);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The results, in the order of the rows.
    pub(crate) fn results(&self) -> Vec<Value> {
        let mut results = results_in(&self.folder.path().join("out"));
        results.sort_by_key(|result| result["row"].as_u64());
        results
    }

    /// The statuses, in the order of the rows.
    pub(crate) fn statuses(&self) -> Vec<String> {
        self.results().iter().map(|result| text(result, "status").to_owned()).collect()
    }

    /// Kinds of failures in the order of the rows, without those that did not fail.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let failed = |result: &Value| result["error"]["kind"].as_str().map(str::to_owned);
        self.results().iter().filter_map(failed).collect()
    }

    /// `summary.json`, with its books checked.
    #[track_caller]
    pub(crate) fn summary(&self) -> Value {
        let summary: Value = serde_json::from_str(&self.read("summary.json")).unwrap();
        let tally = summary["tally"].as_object().unwrap();
        let sum: u64 =
            tally.iter().filter(|(k, _)| *k != "read").map(|(_, v)| v.as_u64().unwrap()).sum();
        assert_eq!(tally["read"].as_u64(), Some(sum), "the books do not close: {tally:?}");
        assert_eq!(summary["balanced"], true);
        summary
    }

    /// A number of the summary's tally.
    #[track_caller]
    pub(crate) fn tally(&self, name: &str) -> u64 {
        self.summary()["tally"][name].as_u64().unwrap()
    }
}

impl From<Running> for TempDir {
    fn from(running: Running) -> Self {
        running.folder
    }
}

impl From<Ran> for TempDir {
    fn from(ran: Ran) -> Self {
        ran.folder
    }
}

/// A folder with users, a simulator that has them, and commands that are run there.
pub(crate) struct Desk {
    folder: TempDir,
    pub(crate) simulator: Simulator,
}

impl Desk {
    pub(crate) fn new(users: &[Value], arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text: String = users.iter().map(|user| user.to_string() + "\n").collect();
        let path = folder.path().join("users.jsonl");
        fs::write(&path, text).unwrap();
        let mut all = vec!["--users", path.to_str().unwrap()];
        if !arguments.contains(&"--rate-limit") {
            all.extend(["--rate-limit", "off"]);
        }
        all.extend(arguments);
        let simulator = Simulator::bare(&all);
        Self { folder, simulator }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = program_against(&self.simulator, self.folder.path());
        command.args(words);
        command
    }

    /// Runs a command; what it printed, once the exit code is as expected.
    #[track_caller]
    pub(crate) fn go(&self, words: &[&str], code: i32) -> (String, String) {
        let Output { status, stdout, stderr } = self.command(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(stdout), text(stderr));
        assert_eq!(
            status.code(),
            Some(code),
            "{words:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        );
        (stdout, stderr)
    }

    /// What a command comes to, for machines.
    #[track_caller]
    pub(crate) fn json(&self, words: &[&str], code: i32) -> Value {
        let (stdout, _) = self.go(&[words, &["--json"]].concat(), code);
        serde_json::from_str(&stdout).unwrap()
    }

    /// A file that a run left.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn results(&self, run: &str) -> Vec<Value> {
        let mut results = results_in(&self.path(run));
        results.sort_by_key(|result| result["row"].as_u64());
        results
    }
}

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Rows that give the users `u0@x.com`, `u1@x.com`, … a new given name.
pub(crate) fn new_names(users: usize) -> String {
    (0..users).fold("loginId,givenName\n".to_owned(), |rows, n| rows + &format!("u{n}@x.com,New\n"))
}

/// The results in a run folder, plain or packed; what is being written is left out.
pub(crate) fn results_in(folder: &Path) -> Vec<Value> {
    let Ok(results) = descope_bulk::open_results(folder) else { return Vec::new() };
    results.lines().filter_map(|line| serde_json::from_str(&line.ok()?).ok()).collect()
}

/// The JSON values of a file, one a line; a line that is being written is left out.
pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A server that speaks TLS with a certificate that nobody has signed but itself, for this name.
pub(crate) fn self_signed(name: &str) -> (String, String) {
    let own = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key.into())
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(config.clone().into()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            let mut head = [0; 4096];
            let answered = std::io::Read::read(&mut stream, &mut head).is_ok();
            if answered {
                let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
                let _ = stream.write_all(refusal);
            }
        }
    });
    (format!("https://127.0.0.1:{}", address.port()), own.cert.pem())
}
