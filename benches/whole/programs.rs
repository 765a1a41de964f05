//! The programs: how each is started, and what it has done at its end.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::machine::Place;
use crate::measure::{self, Usage, int};
use crate::rows::{CSV_HEADER, login_id, phone, write_csv_row};

/// Where the updates of the rows go.
pub(crate) const PATH: &str = "/v1/mgmt/user/update/phone";

/// The credentials, as a header; any will do.
pub(crate) const AUTHORIZATION: &str = "Bearer P2benchmark:K2benchmark";

/// A program that sends updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// This project's.
    Ours,
    /// See [`crate::plain`].
    Plain,
    /// A load generator: it sends one fixed body.
    Wrk,
}

impl Program {
    /// Its name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "descope-bulk",
            Self::Plain => "plain program",
            Self::Wrk => "wrk",
        }
    }
}

/// What a program is to do.
pub(crate) struct Job<'a> {
    /// The server.
    pub(crate) url: &'a str,
    /// The file of rows.
    pub(crate) file: &'a Path,
    /// How many rows it has.
    pub(crate) rows: u64,
    /// The requests at a time.
    pub(crate) concurrency: u64,
    /// For how long, for a program that goes by time.
    pub(crate) seconds: u64,
}

/// What a program has done.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    /// Rows a second.
    pub(crate) rate: f64,
    /// Processor seconds for 100,000 rows.
    pub(crate) cpu_per_100k: Option<f64>,
    /// What it took.
    pub(crate) usage: Usage,
}

impl Done {
    fn of(rows: u64, usage: Usage) -> Self {
        let cpu_per_100k = usage.cpu_seconds.map(|cpu| cpu / int(rows) * 100_000.0);
        Self { rate: int(rows) / usage.seconds, cpu_per_100k, usage }
    }
}

/// All programs, and where they may write.
pub(crate) struct Programs {
    ours: PathBuf,
    folder: PathBuf,
}

impl Programs {
    /// The programs, with ours from a path.
    pub(crate) fn new(ours: PathBuf, folder: &Path) -> Self {
        Self { ours, folder: folder.to_owned() }
    }

    /// A path to write at.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Our program, with a subcommand.
    pub(crate) fn ours(&self, subcommand: &str) -> Command {
        let mut command = Command::new(&self.ours);
        command.arg(subcommand).current_dir(&self.folder).stdout(Stdio::null());
        for (name, value) in
            [("DESCOPE_PROJECT_ID", "P2benchmark"), ("DESCOPE_MANAGEMENT_KEY", "K2benchmark")]
        {
            command.env(name, value);
        }
        command
    }

    /// A run of ours without a limit, into a folder.
    pub(crate) fn our_run(&self, job: &Job<'_>, out: &Path) -> Command {
        let mut command = self.ours("run");
        command.arg(job.file).args(["--rate", "off", "--no-shared-budget", "--quiet"]);
        command.args(["--base-url", job.url, "--concurrency", &job.concurrency.to_string()]);
        command.arg("--out").arg(out);
        command
    }

    /// A file of rows; the user of a row is found from its number.
    pub(crate) fn file(&self, name: &str, rows: u64, user: impl Fn(u64) -> u64) -> PathBuf {
        let path = self.scratch(name);
        let mut file = BufWriter::new(File::create(&path).expect("a file"));
        writeln!(file, "{CSV_HEADER}").expect("a disk that takes it");
        for row in 0..rows {
            write_csv_row(&mut file, user(row), row).expect("a disk that takes it");
        }
        file.flush().expect("a disk that takes it");
        path
    }

    /// The version of a program; nothing if it is not installed.
    pub(crate) fn version(&self, program: Program) -> Option<String> {
        let (mut command, flag) = match program {
            Program::Ours => (Command::new(&self.ours), "--version"),
            Program::Plain => return Some("plain program".to_owned()),
            Program::Wrk => (Command::new("wrk"), "-v"),
        };
        let output = command.arg(flag).output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout);
        Some(said.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
    }

    /// Runs a program to its end.
    pub(crate) fn run(&self, program: Program, job: &Job<'_>) -> Done {
        match program {
            Program::Ours => self.run_ours(job),
            Program::Plain => self.run_plain(job),
            Program::Wrk => self.run_wrk(job),
        }
    }

    fn run_ours(&self, job: &Job<'_>) -> Done {
        let out = self.scratch("run");
        let (usage, status) = measure::run(&mut self.our_run(job, &out), Place::Client);
        assert!(status.success(), "descope-bulk has not updated every row: {status}");
        fs::remove_dir_all(out).expect("the run's folder");
        Done::of(job.rows, usage)
    }

    fn run_plain(&self, job: &Job<'_>) -> Done {
        let out = self.scratch("users.jsonl");
        let mut command = itself();
        command.args(["plain", job.url]).arg(job.file).arg(&out);
        command.arg(job.concurrency.to_string());
        let (usage, status) = measure::run(&mut command, Place::Client);
        assert!(status.success(), "the plain program has failed: {status}");
        fs::remove_file(out).expect("what it wrote");
        Done::of(job.rows, usage)
    }

    fn run_wrk(&self, job: &Job<'_>) -> Done {
        let (said, script) = (self.scratch("wrk.txt"), self.scratch("wrk.lua"));
        let text = format!(
            "wrk.method = 'POST'\nwrk.body = '{}'\nwrk.headers['content-type'] = 'application/json'\n\
             wrk.headers['authorization'] = '{AUTHORIZATION}'\n",
            body()
        );
        fs::write(&script, text).expect("a script");
        let mut command = Command::new("wrk");
        command.args(["-t", "1", "-c", &job.concurrency.to_string()]);
        command.args(["-d", &job.seconds.to_string(), "-s"]).arg(script);
        command.arg(format!("{}{PATH}", job.url));
        command.stdout(File::create(&said).expect("a file"));
        let (usage, _) = measure::run(&mut command, Place::Client);
        let said = fs::read_to_string(said).expect("what it wrote");
        let requests = said.lines().find_map(|line| line.trim().split_once(" requests in "));
        let requests = requests.and_then(|(requests, _)| requests.parse().ok());
        let failed = said.contains("Non-2xx") || said.contains("Socket errors");
        match requests {
            Some(requests) if !failed => Done::of(requests, usage),
            _ => panic!("wrk has failed:\n{said}"),
        }
    }
}

/// This program, which plays several parts.
pub(crate) fn itself() -> Command {
    Command::new(std::env::current_exe().expect("this program"))
}

/// The one body that load generators send.
fn body() -> String {
    format!(r#"{{"loginId":"{}","phone":"{}","verified":true}}"#, login_id(0), phone(0))
}
