//! `doctor`: what it says of keys, networks, servers, limits and disks, and that it changes nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Desk, KEY, PROJECT, Simulator, program, self_signed, signal, text};

/// What `doctor` says, by what it looked at, once the exit code is as expected and the key is not shown.
struct Told {
    all: Value,
    page: String,
}

impl Told {
    #[track_caller]
    fn status(&self, check: &str) -> &str {
        text(self.of(check), "status")
    }

    #[track_caller]
    fn of(&self, check: &str) -> &Value {
        let checks = self.all["checks"].as_array().unwrap();
        let found = checks.iter().find(|own| own["check"] == check);
        found.unwrap_or_else(|| panic!("no {check} in {checks:#?}"))
    }

    #[track_caller]
    fn says(&self, check: &str, what: &str) -> &Self {
        assert!(self.of(check).to_string().contains(what), "{}", self.of(check));
        self
    }
}

#[track_caller]
fn doctor(folder: &Path, environment: &[(&str, &str)], words: &[&str], code: i32) -> Told {
    let go = |more: &[&str]| {
        let mut command = program();
        command.current_dir(folder).arg("doctor").args(words).args(more);
        command.env("DESCOPE_PROJECT_ID", PROJECT).env("DESCOPE_MANAGEMENT_KEY", KEY);
        command.envs(environment.iter().copied());
        let output = command.output().unwrap();
        let (out, err) =
            [output.stdout, output.stderr].map(|own| String::from_utf8(own).unwrap()).into();
        assert!(!out.contains(KEY) && !err.contains(KEY), "the key is shown: {out}{err}");
        assert_eq!(output.status.code(), Some(code), "{out}{err}");
        out
    };
    let page = go(&[]);
    Told { all: serde_json::from_str(&go(&["--json"])).unwrap(), page }
}

/// A server that answers whatever it is asked with this.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn all_is_well_with_a_simulator_and_nothing_is_changed() {
    let simulator = Simulator::bare(&["--users", "3"]);
    let folder = tempfile::tempdir().unwrap();
    let told = doctor(folder.path(), &[("DESCOPE_BASE_URL", &simulator.url)], &[], 0);
    for check in ["project", "key", "proxy", "dns", "tcp", "tls", "server", "clock", "credentials"]
    {
        assert_eq!(told.status(check), "ok", "{}", told.page);
    }
    told.says("users", "3 users").says("limits", "400 requests in 1m");
    told.says("key", "DESCOPE_MANAGEMENT_KEY").says("tier", "tier3");
    assert_eq!(told.status("updates"), "not checked");
    assert_eq!(text(&told.all, "status"), "ok", "{}", told.page);
    assert!(told.page.ends_with("a run would go; 0 warnings\n"), "{}", told.page);
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "no folder is made");
    let methods: Vec<_> = simulator.stop().iter().map(|own| text(own, "path").to_owned()).collect();
    let reads = |path: &String| path.ends_with("/search") || path.ends_with("/customattributes");
    assert!(!methods.is_empty() && methods.iter().all(reads), "only reads: {methods:?}");
}

#[test]
fn a_job_file_is_taken_as_run_takes_it() {
    let desk = Desk::new(&[], &["--rate-limit", "documented"]);
    desk.write("key", KEY);
    desk.write(
        "job.toml",
        "[input]\nfiles = [\"in.csv\"]\n[limits]\nmax-share = \"40%\"\n[output]\nruns-dir = \"kept\"\n[project]\nkey-file = \"key\"\n",
    );
    let mut command = desk.command(&["doctor", "--job", "job.toml"]);
    let output = command.env_remove("DESCOPE_MANAGEMENT_KEY").output().unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    for words in ["200 requests in 1m, 40%", "kept, to be made in", "key-file", "chmod 600"] {
        assert!(page.contains(words), "{words}\n{page}");
    }
}

#[test]
fn a_key_that_is_missing_open_or_wrong_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, KEY).unwrap();
    let name = path.to_str().unwrap().to_owned();
    let simulator = Simulator::start(&["--project-id", PROJECT, "--management-key-file", &name]);
    let here = [("DESCOPE_BASE_URL", simulator.url.as_str())];
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let told = doctor(folder.path(), &here, &["--key-file", "key"], 0);
    assert_eq!(told.status("key"), "warning");
    told.says("key", "chmod 600 key");
    mode(0o600);
    let told = doctor(folder.path(), &here, &["--key-file", "key"], 0);
    assert_eq!(told.status("key"), "ok");
    let none = [here[0], ("DESCOPE_MANAGEMENT_KEY", " ")];
    let told = doctor(folder.path(), &none, &[], 1);
    assert_eq!((told.status("key"), told.status("credentials")), ("failed", "not checked"));
    assert_eq!(told.status("tcp"), "ok", "the network is looked at all the same");
    let wrong = [here[0], ("DESCOPE_MANAGEMENT_KEY", "K2another")];
    let told = doctor(folder.path(), &wrong, &[], 1);
    assert_eq!((told.status("key"), told.status("credentials")), ("ok", "failed"));
    told.says("credentials", "HTTP 401").says("credentials", "may have expired");
}

#[test]
fn a_simulator_warns_of_an_open_key_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, KEY).unwrap();
    for (mode, warns) in [(0o644, true), (0o600, false)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let mut command = program();
        command.args(["simulate", "--listen", "127.0.0.1:0", "--project-id", PROJECT]);
        command.arg("--management-key-file").arg(&path);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It has said all it has to say once it names its address, and is stopped.
        let _ = child.stdout.as_mut().unwrap().read(&mut [0; 64]).unwrap();
        signal(&child, "TERM");
        let said = child.wait_with_output().unwrap().stderr;
        let said = String::from_utf8(said).unwrap();
        assert_eq!(said.contains("make it private: chmod 600"), warns, "{said}");
    }
}

#[test]
fn what_the_key_may_not_read_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (fault, check, status, code) in [
        ("403:path=customattributes", "attributes", "warning", 0),
        ("403:path=role/all", "roles", "warning", 0),
        ("403:path=search", "users", "failed", 1),
        ("garbage:path=search", "users", "failed", 1),
        ("503:path=search", "users", "failed", 1),
    ] {
        let simulator = Simulator::start(&["--fault", fault]);
        let told = doctor(folder.path(), &[("DESCOPE_BASE_URL", &simulator.url)], &[], code);
        assert_eq!(told.status(check), status, "{fault}: {}", told.page);
    }
}

#[test]
fn servers_that_are_not_the_api_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |url: &str, code| doctor(folder.path(), &[("DESCOPE_BASE_URL", url)], &[], code);
    let page = answering(
        "HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\ncontent-length: 36\r\nconnection: close\r\n\r\n<html><body>Blocked by X</body></html>",
    );
    let told = at(&page, 1);
    assert_eq!((told.status("server"), told.status("credentials")), ("warning", "failed"));
    told.says("server", "Blocked by X").says("credentials", "not an answer of the API");
    let late = answering(
        "HTTP/1.1 401 Unauthorized\r\ndate: Mon, 02 Jan 2012 03:04:05 GMT\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    );
    let told = at(&late, 1);
    assert_eq!(told.status("clock"), "failed");
    told.says("clock", "ahead of");
    assert_eq!(told.status("credentials"), "failed", "the key is tried all the same");
    let told = at(&answering("no HTTP at all"), 1);
    assert_eq!(told.status("server"), "failed");
    let told = at("http://127.0.0.1:1", 1);
    assert_eq!(told.status("tcp"), "failed");
    told.says("tcp", "connection refused");
    let told = at("https://nowhere.invalid", 1);
    assert_eq!(told.status("dns"), "failed");
    told.says("dns", "the name is not known");
    for check in ["tcp", "tls", "server", "clock", "credentials", "users", "limits", "tier"] {
        assert_eq!(told.status(check), "not checked");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn certificates_are_told_trusted_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let (url, pem) = self_signed("127.0.0.1");
    let told = doctor(folder.path(), &[("DESCOPE_BASE_URL", &url)], &[], 1);
    assert_eq!(told.status("tls"), "failed");
    told.says("tls", "this machine trusts nobody who signed").says("tls", "signed by rcgen");
    fs::write(folder.path().join("ca.pem"), pem).unwrap();
    let trusting = [("DESCOPE_BASE_URL", url.as_str()), ("SSL_CERT_FILE", "ca.pem")];
    let told = doctor(folder.path(), &trusting, &[], 1);
    assert_eq!((told.status("tls"), told.status("credentials")), ("warning", "failed"));
    told.says("tls", "not signed for the public web");
    let (url, pem) = self_signed("elsewhere.example.com");
    fs::write(folder.path().join("ca.pem"), pem).unwrap();
    let trusting = [("DESCOPE_BASE_URL", url.as_str()), ("SSL_CERT_FILE", "ca.pem")];
    doctor(folder.path(), &trusting, &[], 1).says("tls", "for another host than 127.0.0.1");
}

#[test]
fn the_proxy_is_told_with_the_variable_that_names_it_and_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let refusing = answering("HTTP/1.1 403 Forbidden\r\n\r\n");
    let proxy = refusing.replace("http://", "http://user:secret@");
    let out = ("DESCOPE_BASE_URL", "https://api.example.com");
    let told = doctor(folder.path(), &[out, ("HTTPS_PROXY", &proxy)], &[], 1);
    told.says("proxy", "from HTTPS_PROXY").says("server", "it refused to connect");
    assert!(!told.page.contains("secret"), "{}", told.page);
    let exempt = [out, ("ALL_PROXY", proxy.as_str()), ("NO_PROXY", "example.com")];
    doctor(folder.path(), &exempt, &[], 1).says("proxy", "NO_PROXY exempts api.example.com");
}

#[test]
fn room_and_the_folder_of_runs_are_looked_at() {
    let desk = Desk::new(&[], &[]);
    let here = [("DESCOPE_BASE_URL", desk.simulator.url.as_str())];
    let folder = desk.path(".");
    let told = doctor(&folder, &here, &["--rows", "100000000000"], 1);
    assert_eq!(told.status("disk"), "failed");
    fs::create_dir(desk.path("open")).unwrap();
    fs::set_permissions(desk.path("open"), fs::Permissions::from_mode(0o777)).unwrap();
    let told = doctor(&folder, &here, &["--runs-dir", "open", "--rows", "10"], 0);
    assert_eq!((told.status("runs-folder"), told.status("disk")), ("warning", "ok"));
    fs::write(desk.path("file"), "").unwrap();
    let told = doctor(&folder, &here, &["--runs-dir", "file"], 1);
    assert_eq!(told.status("runs-folder"), "failed");
    if Path::new("/dev/shm").is_dir() {
        let told = doctor(&folder, &here, &["--runs-dir", "/dev/shm/runs"], 0);
        told.says("runs-folder", "in memory");
    }
}

#[test]
fn a_mistake_in_the_arguments_is_refused() {
    let run = |words: &[&str]| program().arg("doctor").args(words).status().unwrap().code();
    assert_eq!(run(&["--rows", "many"]), Some(2));
    assert_eq!(run(&["--base-url", "http://example.com"]), Some(2));
    assert_eq!(run(&["file.csv"]), Some(2));
}

#[test]
fn the_budget_says_what_this_machines_runs_have_used() {
    let state = tempfile::tempdir().unwrap();
    let desk = Desk::new(&[], &["--rate-limit", "documented"]);
    let state = state.path().to_str().unwrap().to_owned();
    let here =
        [("DESCOPE_BASE_URL", desk.simulator.url.as_str()), ("XDG_STATE_HOME", state.as_str())];
    let folder = desk.path(".");
    let told = doctor(&folder, &here, &[], 0);
    // It was asked twice, and the second one saw what the first had sent.
    told.says("budget", "requests count").says("budget", "no process sends just now");
    let alone = doctor(&folder, &here, &["--no-shared-budget"], 0);
    assert_eq!(alone.status("budget"), "warning");
}

#[test]
fn a_budget_that_is_out_of_reach_is_told_although_the_key_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = [("DESCOPE_BASE_URL", "http://127.0.0.1:1"), ("DESCOPE_MANAGEMENT_KEY", " ")];
    let told = doctor(folder.path(), &wrong, &["--budget", "unix:///nowhere/redis.sock"], 1);
    assert_eq!((told.status("key"), told.status("budget")), ("failed", "warning"));
    told.says("budget", "unix:///nowhere/redis.sock cannot be read");
}
