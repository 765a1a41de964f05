//! Many projects at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{KEY, Simulator, lines, program, rows, signal, text, updates, wait_until};

/// Few enough rows for one window, many enough not to be sent at once by a slow job.
const ROWS: usize = 6;

/// A pace at which a job does not get far.
const SLOW: &str = "rate = \"2/10m\"";

/// Job files in a folder, each for a project.
struct Jobs(TempDir);

/// What a fleet came to.
struct Fleet {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Jobs {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("jobs")).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A job of a project of its own, with a key of its own.
    fn job(self, name: &str, limits: &str) -> Self {
        let project = format!("P2{name:x<26}");
        self.job_of(name, &project, limits)
    }

    fn job_of(self, name: &str, project: &str, limits: &str) -> Self {
        fs::write(self.path(&format!("jobs/{name}.csv")), rows(ROWS)).unwrap();
        self.key(name, KEY).write(
            &format!("jobs/{name}.toml"),
            &format!(
                "[input]\nfiles = [\"{name}.csv\"]\n\n[rules]\noperation = \"name\"\n\n\
                 [limits]\nconcurrency = 1\n{limits}\n\n\
                 [project]\nproject-id = \"{project}\"\nkey-file = \"{name}.key\"\n\n\
                 [output]\nno-keep-before = true\n"
            ),
        )
    }

    fn key(self, name: &str, key: &str) -> Self {
        let path = self.path(&format!("jobs/{name}.key"));
        fs::write(&path, key).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        self
    }

    fn write(self, name: &str, content: &str) -> Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    fn command(&self, simulator: Option<&Simulator>, arguments: &[&str]) -> Command {
        let mut command = program();
        command.current_dir(self.0.path()).arg("fleet").args(arguments);
        match simulator {
            Some(simulator) => command
                .env("DESCOPE_BASE_URL", &simulator.url)
                .env("XDG_STATE_HOME", simulator.state()),
            None => command.arg("--simulate"),
        };
        command
    }

    fn fleet(&self, simulator: &Simulator, arguments: &[&str]) -> Fleet {
        Fleet::of(self.command(Some(simulator), arguments).output().unwrap())
    }

    fn start(&self, simulator: &Simulator, arguments: &[&str]) -> Child {
        let mut command = self.command(Some(simulator), arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits until jobs have ended, and until the first row of another has its outcome.
    fn wait_until_ended(&self, ended: &[&str], under_way: &str) {
        let record = self.path("fleets/jobs/record.jsonl");
        let read = || fs::read_to_string(&record).unwrap_or_default();
        wait_until("jobs end, and one is under way", || {
            let told = read();
            let is_told =
                |name: &&str| told.contains(&format!("\"ended\",\"job\":\"{name}.toml\""));
            ended.iter().all(is_told) && self.has_committed(under_way)
        });
    }

    /// Whether rows of the run of a job have their outcome, whatever happens from now on.
    fn has_committed(&self, name: &str) -> bool {
        let journals = self.runs(name).map(|run| fs::read_to_string(run.join("journal")));
        journals.flatten().any(|journal| journal.contains("{\"commit\""))
    }

    /// The run folders of a job.
    fn runs(&self, name: &str) -> impl Iterator<Item = PathBuf> + use<> {
        let runs = fs::read_dir(self.path(&format!("fleets/jobs/{name}"))).into_iter().flatten();
        runs.map(|run| run.unwrap().path())
    }

    /// The results of all runs of a job.
    fn results(&self, name: &str) -> Vec<Value> {
        self.runs(name).flat_map(|run| lines(&run.join("results.jsonl"))).collect()
    }
}

impl Fleet {
    fn of(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let fleet =
            Self { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) };
        assert!(!fleet.stdout.contains(KEY) && !fleet.stderr.contains(KEY), "the key is shown");
        fleet
    }

    #[track_caller]
    fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The exit codes of the jobs, by name.
    fn codes(&self) -> BTreeMap<String, Option<u64>> {
        let told = self.json();
        let jobs = told["jobs"].as_array().unwrap().iter();
        jobs.map(|job| (text(job, "name").to_owned(), job["exitCode"].as_u64())).collect()
    }
}

fn codes(expected: &[(&str, Option<u64>)]) -> BTreeMap<String, Option<u64>> {
    expected.iter().map(|(name, code)| (format!("{name}.toml"), *code)).collect()
}

/// How often each user of each project was updated.
fn sent(arrivals: Vec<Value>) -> BTreeMap<(String, String), usize> {
    let mut sent = BTreeMap::new();
    for arrival in updates(arrivals) {
        let user = (text(&arrival, "project").to_owned(), text(&arrival, "loginId").to_owned());
        *sent.entry(user).or_default() += 1;
    }
    sent
}

/// Checks that every row of so many projects was sent once.
#[track_caller]
fn all_once(simulator: Simulator, projects: usize) {
    let sent = sent(simulator.stop());
    assert_eq!(sent.len(), projects * ROWS);
    assert!(sent.values().all(|times| *times == 1), "{sent:?}");
}

#[test]
fn each_project_gets_its_own_rows_and_all_is_told_as_one() {
    let simulator = Simulator::start(&[]);
    let jobs = Jobs::new().job("acme", "").job("beta", "").job("gamma", "");
    let ended = jobs.fleet(&simulator, &["jobs", "--json"]).code(0);
    let told = ended.json();
    assert_eq!(ended.codes(), codes(&[("acme", Some(0)), ("beta", Some(0)), ("gamma", Some(0))]));
    assert_eq!((&told["counts"]["complete"], &told["rows"]["updated"]), (&3.into(), &18.into()));
    assert_eq!(told["resume"], Value::Null);
    let kept = fs::read_to_string(jobs.path("fleets/jobs/summary.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), told);
    for (name, mode) in [("", 0o700), ("record.jsonl", 0o600), ("summary.json", 0o600)] {
        let path = jobs.path("fleets/jobs").join(name);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{name}");
    }
    all_once(simulator, 3);
}

#[test]
fn what_is_wrong_with_one_job_does_not_hold_up_the_others() {
    let simulator = Simulator::start(&[]);
    let jobs =
        Jobs::new().job("acme", "").job("key", "").job("typo", "max-shar = 1").job("file", "");
    let jobs = jobs.key("key", "B2refused").job("nobody", "");
    fs::remove_file(jobs.path("jobs/file.csv")).unwrap();
    let nobody = fs::read_to_string(jobs.path("jobs/nobody.toml")).unwrap();
    let jobs = jobs.write(
        "jobs/nobody.toml",
        &nobody.replace("key-file", "base-url = \"http://127.0.0.1:9\"\nkey-file"),
    );
    let ended = jobs.fleet(&simulator, &["jobs"]).code(3);
    for (code, name, what) in [
        (3, "key", "stopped: the server refuses the credentials"),
        (3, "nobody", "stopped: "),
        (2, "file", "refused: jobs/file.toml:2: jobs/file.csv: cannot be read"),
        (2, "typo", "refused: jobs/typo.toml:9:1: there is no `max-shar` in [limits]"),
        (0, "acme", "complete"),
    ] {
        let is_told = |line: &str| {
            let mut words = line.split_whitespace();
            words.next() == Some(&code.to_string())
                && words.next() == Some(&format!("{name}.toml"))
                && line.contains(what)
        };
        assert!(ended.stdout.lines().any(is_told), "{name}: {}", ended.stdout);
    }
    let places = ["key.toml", "nobody.toml", "file.toml", "typo.toml", "acme.toml"];
    let places = places.map(|name| ended.stdout.find(&format!(" {name} ")).unwrap());
    assert!(places[1] < places[2] && places[3] < places[4], "the worst comes first");
    assert!(ended.stdout.ends_with("to go on: descope-bulk fleet jobs --resume\n"));
    assert!(ended.stderr.contains("did you mean `max-share`?"), "{}", ended.stderr);
    // Once they are mended, they alone are run.
    let jobs = jobs.job("key", "").job("typo", "").job("file", "").job("nobody", "");
    jobs.fleet(&simulator, &["jobs", "--resume"]).code(0);
    all_once(simulator, 5);
}

#[test]
fn what_is_logged_names_its_job() {
    let simulator = Simulator::start(&["--fault", "429:path=update/name,first=1,retry-after=1"]);
    let jobs = Jobs::new().job_of("acme", "Q2acme", "").job("beta", "");
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(jobs.path("jobs/beta.key"), open).unwrap();
    let ended = jobs.fleet(&simulator, &["jobs", "--verbose"]).code(3);
    for (name, what) in [
        ("acme", "the project ID does not begin with P"),
        ("beta", "other users can read the key file"),
        // From the middle of a run, whichever it is.
        ("", "rate limited: pausing all requests"),
    ] {
        let told: Vec<_> = ended.stderr.lines().filter(|line| line.contains(what)).collect();
        let is_named = |line: &&str| line.contains(&format!("job{{job={name}"));
        assert!(told.len() == 1 && told.iter().all(is_named), "{what}: {}", ended.stderr);
    }
}

#[test]
fn a_strict_fleet_sends_nothing_where_a_job_is_wrong() {
    let simulator = Simulator::start(&[]);
    let jobs = Jobs::new().job("acme", "").job("typo", "max-shar = 1");
    let ended = jobs.fleet(&simulator, &["jobs", "--strict"]).code(2);
    assert!(ended.stderr.contains("jobs/typo.toml:9:1: there is no `max-shar`"));
    assert!(!jobs.path("fleets").exists());
    assert_eq!(simulator.stop().len(), 0);
}

#[test]
fn a_job_names_its_project_itself() {
    let jobs = Jobs::new().job("acme", "");
    let job = fs::read_to_string(jobs.path("jobs/acme.toml")).unwrap();
    let job: Vec<_> = job.lines().filter(|line| !line.starts_with("project-id")).collect();
    let jobs = jobs.write("jobs/acme.toml", &job.join("\n")).job("beta", "");
    let simulator = Simulator::start(&[]);
    let mut command = jobs.command(Some(&simulator), &["jobs", "--json"]);
    command.env("DESCOPE_PROJECT_ID", "P2another").env("DESCOPE_MANAGEMENT_KEY", "K2another");
    let ended = Fleet::of(command.output().unwrap()).code(2);
    assert!(ended.stderr.contains("jobs/acme.toml: it names no project"), "{}", ended.stderr);
    let projects: BTreeSet<_> = sent(simulator.stop()).into_keys().map(|(own, _)| own).collect();
    assert_eq!(projects, BTreeSet::from(["P2betaxxxxxxxxxxxxxxxxxxxxxx".to_owned()]));
}

#[test]
fn what_a_fleet_cannot_run_is_refused_at_its_place() {
    let jobs = Jobs::new()
        .job("acme", "")
        .write("jobs/inbox.toml", "[input]\ninbox = \"in\"\n\n[project]\nproject-id = \"P2x\"\n");
    let jobs = jobs.write(
        "jobs/stdin.toml",
        "[input]\nfiles = [\n  \"-\"]\n\n[project]\nproject-id = \"P2x\"\nkey-file = \"acme.key\"\n",
    );
    let simulator = Simulator::start(&[]);
    let ended = jobs.fleet(&simulator, &["jobs"]).code(2);
    for what in ["jobs/inbox.toml:2: a fleet does not take", "jobs/stdin.toml:3: jobs of a fleet"] {
        assert!(ended.stderr.contains(what), "{what}: {}", ended.stderr);
    }
    for (arguments, what) in [
        (&["nowhere"][..], "nowhere: cannot be read"),
        (&["fleets/jobs/acme"], "there is no job file (*.toml) in fleets/jobs/acme"),
        (&["jobs/acme.toml"], "use `run --job jobs/acme.toml`"),
        (&["jobs", "--out", "jobs"], "holds something else than a fleet"),
        (&["jobs", "--shard", "2/2"], "there is no shard 2 of 2"),
    ] {
        let refused = jobs.fleet(&simulator, arguments).code(2);
        assert!(refused.stderr.contains(what), "{what}: {}", refused.stderr);
    }
}

#[test]
fn a_killed_fleet_is_resumed_and_sends_every_row_once() {
    let simulator = Simulator::start(&[]);
    let jobs = Jobs::new().job("acme", "").job("beta", SLOW).job("gamma", "");
    let mut child = jobs.start(&simulator, &["jobs", "--side-by-side", "1"]);
    jobs.wait_until_ended(&["acme"], "beta");
    let another = jobs.fleet(&simulator, &["jobs", "--resume"]).code(4);
    assert!(another.stderr.contains("another process works on the fleet in"), "{}", another.stderr);
    child.kill().unwrap();
    child.wait().unwrap();
    let left: Vec<_> = ["acme", "beta", "gamma"].map(|name| jobs.results(name).len()).into();
    assert_eq!(left, [ROWS, 1, 0]);
    let jobs = jobs.job("beta", "");
    let ended = jobs.fleet(&simulator, &["jobs", "--resume", "--json"]).code(0);
    assert_eq!(ended.json()["rows"]["updated"], 18);
    // Where nothing is left to do, nothing is sent; a file that has changed is a new run.
    jobs.fleet(&simulator, &["jobs", "--resume"]).code(0);
    assert_eq!(updates(simulator.arrivals()).len(), 3 * ROWS);
    let jobs = jobs.write("jobs/gamma.csv", "loginId,name\nnew@x.com,New\n");
    jobs.fleet(&simulator, &["jobs", "--resume"]).code(0);
    let sent = sent(simulator.stop());
    assert_eq!(sent.len(), 3 * ROWS + 1);
    assert!(sent.values().all(|times| *times == 1), "{sent:?}");
}

#[test]
fn a_signal_drains_all_runs_and_a_slow_one_holds_up_nobody() {
    let simulator = Simulator::start(&[]);
    let jobs = Jobs::new().job("acme", SLOW).job("beta", "").job("gamma", "").job_of(
        "later",
        "P2acmexxxxxxxxxxxxxxxxxxxxxx",
        "",
    );
    let child = jobs.start(&simulator, &["jobs", "--json"]);
    jobs.wait_until_ended(&["beta", "gamma"], "acme");
    signal(&child, "INT");
    let ended = Fleet::of(child.wait_with_output().unwrap()).code(130);
    let expected = [("acme", Some(130)), ("beta", Some(0)), ("gamma", Some(0)), ("later", None)];
    assert_eq!(ended.codes(), codes(&expected));
    assert_eq!(ended.json()["resume"], "descope-bulk fleet jobs --json --resume");
    let jobs = jobs.job("acme", "");
    jobs.fleet(&simulator, &["jobs", "--resume"]).code(0);
    let sent = sent(simulator.stop());
    let twice: BTreeSet<_> =
        sent.iter().filter(|(_, times)| **times > 1).map(|((project, _), _)| &**project).collect();
    assert_eq!(sent.len(), 3 * ROWS);
    assert_eq!(twice, BTreeSet::from(["P2acmexxxxxxxxxxxxxxxxxxxxxx"]), "it has two jobs");
}

#[test]
fn jobs_of_one_project_keep_their_order_and_its_limit() {
    let simulator = Simulator::start(&["--rate-limit", "10/1s"]);
    let project = "P2sharedsharedsharedsharedsh";
    let jobs = Jobs::new().job_of("a", project, "").job_of("b", project, "");
    let renamed = rows(ROWS).replace(",N", ",Later ");
    let jobs = jobs.write("jobs/b.csv", &renamed);
    jobs.fleet(&simulator, &["jobs"]).code(0);
    let arrivals = simulator.stop();
    assert!(arrivals.iter().all(|arrival| arrival["status"] == 200), "{arrivals:?}");
    let sent: Vec<_> =
        updates(arrivals).iter().map(|own| text(own, "loginId").to_owned()).collect();
    let (first, second) = sent.split_at(ROWS);
    let different = |sent: &[String]| sent.iter().collect::<BTreeSet<_>>().len();
    assert_eq!((different(first), different(second)), (ROWS, ROWS), "{sent:?}");
}

#[test]
fn shards_are_disjoint_and_are_all_of_it() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let jobs = names.iter().fold(Jobs::new(), |jobs, name| jobs.job(name, ""));
    let mut all = Vec::new();
    for shard in ["0/2", "1/2"] {
        let mut command = jobs.command(None, &["jobs", "--json", "--shard", shard]);
        let ended = Fleet::of(command.output().unwrap()).code(0);
        assert!(!ended.codes().is_empty() && ended.codes().len() < names.len());
        all.extend(ended.codes().into_keys());
    }
    all.sort_unstable();
    assert_eq!(all, names.map(|name| format!("{name}.toml")));
    assert!(jobs.path("fleets/jobs-0of2-simulated/record.jsonl").exists());
}

#[test]
fn a_list_names_jobs_and_others_are_told_once() {
    let simulator = Simulator::start(&[]);
    let jobs = Jobs::new().job("acme", "").job("beta", "").key("beta", "B2refused");
    let jobs = jobs.write("all.txt", "# ours\njobs/acme.toml\n\njobs/beta.toml\n");
    let arguments = ["all.txt", "--report", "page.html", "--metrics-file", "fleet.prom"];
    let mut command = jobs.command(Some(&simulator), &arguments);
    command.args(["--notify-command", "cat >> told.jsonl && echo >> told.jsonl"]);
    let ended = Fleet::of(command.output().unwrap()).code(3);
    assert!(ended.stdout.starts_with("fleet all.txt: 2 jobs: 1 complete, 1 stopped; 6 rows"));
    let told = lines(&jobs.path("told.jsonl"));
    assert_eq!(told.len(), 1);
    assert_eq!((text(&told[0], "event"), &told[0]["exitCode"]), ("fleet_ended", &3.into()));
    assert_eq!(told[0]["rows"]["updated"], 6);
    assert_eq!(told[0]["jobs"], serde_json::json!([{"name": "jobs/beta.toml", "exitCode": 3}]));
    let metrics = fs::read_to_string(jobs.path("fleet.prom")).unwrap();
    for line in [
        "descope_bulk_fleet_jobs{fleet=\"all.txt\",outcome=\"complete\"} 1",
        "descope_bulk_fleet_job_exit_code{fleet=\"all.txt\",job_file=\"jobs/beta.toml\"} 3",
        "descope_bulk_fleet_rows{fleet=\"all.txt\",status=\"updated\"} 6",
    ] {
        assert!(metrics.lines().any(|own| own == line), "{line}\n{metrics}");
    }
    assert!(fs::read_to_string(jobs.path("page.html")).unwrap().contains("acme-"));
}

#[test]
fn a_report_shows_all_runs_on_one_page() {
    let jobs = Jobs::new().job("acme", "").job("beta", "");
    let mut command = jobs.command(None, &["jobs", "--report", "page.html"]);
    Fleet::of(command.output().unwrap()).code(0);
    let page = fs::read_to_string(jobs.path("page.html")).unwrap();
    assert!(page.contains("Report: 2 runs"), "{page}");
    for name in ["acme-", "beta-"] {
        assert!(page.contains(name), "{name}");
    }
}

#[test]
fn the_samples_and_the_document_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/fleet.md")).unwrap();
    let block = page.split("```text\n$ descope-bulk ").nth(1).unwrap();
    let (typed, shown) = block.split("```").next().unwrap().split_once('\n').unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.current_dir(root).args(typed.split_whitespace()).arg("--out").arg(folder.path());
    let ended = Fleet::of(command.output().unwrap()).code(0);
    let without_folder = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("runs: ")).map(str::to_owned).collect()
    };
    assert_eq!(without_folder(&ended.stdout), without_folder(shown));
}
