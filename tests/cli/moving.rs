//! Users of other providers are moved in: the exports in `samples/migrate`, and the guide to them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Desk, lines, program, signal, text, updates, wait_until};

const PROVIDERS: [&str; 3] = ["auth0", "firebase", "clerk"];

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn sample(name: &str) -> PathBuf {
    project("samples/migrate").join(name)
}

fn job(provider: &str) -> String {
    sample(&format!("{provider}.toml")).to_str().unwrap().to_owned()
}

/// A desk whose project declares what the samples need, and nothing else.
fn desk(arguments: &[&str]) -> Desk {
    Desk::new(&lines(&sample("project.jsonl")), arguments)
}

/// What a user of the old provider has to become, and what of it must be seen nowhere.
struct Mover {
    login_id: String,
    user: Value,
    secrets: Vec<String>,
}

/// A user as it has to be shown, with what every user shows who has nothing else.
fn shown(own: Value) -> Value {
    let mut user = json!({
        "name": "", "givenName": "", "middleName": "", "familyName": "", "picture": "",
        "email": "", "verifiedEmail": false, "phone": "", "verifiedPhone": false,
        "recoveryEmail": "", "recoveryPhone": "", "status": "enabled", "test": false,
        "roleNames": [], "userTenants": [], "ssoAppIds": [], "customAttributes": {},
        "password": false, "TOTP": false, "webauthn": false, "SAML": false, "OAuth": {},
    });
    let Value::Object(own) = own else { panic!("{own}") };
    user.as_object_mut().unwrap().extend(own.into_iter().filter(|(_, value)| !value.is_null()));
    user
}

/// The texts that are there.
fn texts(values: &[&Value]) -> Vec<String> {
    values.iter().filter_map(|value| value.as_str()).map(str::to_owned).collect()
}

/// The users of Auth0's exports, by what the exports themselves say.
fn of_auth0() -> Vec<Mover> {
    let passwords = lines(&sample("auth0-passwords.jsonl"));
    let mover = |old: &Value| {
        let own = |hash: &&Value| {
            let id = hash["alt_id"].as_str().or(hash["_id"]["$oid"].as_str()).unwrap();
            text(old, "user_id") == format!("auth0|{id}")
        };
        let hash = passwords.iter().find(own).map_or(&Value::Null, |hash| &hash["passwordHash"]);
        let login_id = texts(&[&old["email"], &old["phone_number"]]).remove(0);
        let (app, mut attributes) = (&old["app_metadata"], old["user_metadata"].clone());
        if let Some(plan) = app.get("plan") {
            attributes["plan"] = plan.clone();
        }
        let roles = app.get("roles").cloned().unwrap_or_else(|| json!([]));
        let (roles, tenants) = match app["org"].as_str() {
            None => (roles, json!([])),
            Some(org) => (json!([]), json!([[org, roles]])),
        };
        let user = shown(json!({
            "loginIds": [login_id, old["user_id"]],
            "name": old["name"], "givenName": old["given_name"], "familyName": old["family_name"],
            "picture": old["picture"],
            "email": old["email"], "verifiedEmail": old["email_verified"],
            "phone": old["phone_number"], "verifiedPhone": old["phone_verified"],
            "status": if old["blocked"] == true { "disabled" } else { "enabled" },
            "createdTime": seconds(text(old, "created_at")),
            "roleNames": roles, "userTenants": tenants, "customAttributes": attributes,
            "password": hash.is_string(),
        }));
        Mover { login_id, user, secrets: texts(&[hash]) }
    };
    lines(&sample("auth0-export.jsonl")).iter().map(mover).collect()
}

fn seconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().unwrap().as_second()
}

fn of_firebase() -> Vec<Mover> {
    let export = fs::read_to_string(sample("firebase-export.json")).unwrap();
    let export: Value = serde_json::from_str(&export).unwrap();
    let signer = fs::read_to_string(sample("firebase-signer.key")).unwrap().trim().to_owned();
    let mover = |old: &Value| {
        let login_id = texts(&[&old["email"], &old["phoneNumber"]]).remove(0);
        let has_email = old["email"].is_string();
        let user = shown(json!({
            "loginIds": [login_id, old["localId"]],
            "name": old["displayName"], "picture": old["photoUrl"],
            "email": old["email"], "verifiedEmail": has_email && old["emailVerified"] == true,
            "phone": old["phoneNumber"], "verifiedPhone": old["phoneNumber"].is_string(),
            "status": if old["disabled"] == true { "disabled" } else { "enabled" },
            "createdTime": text(old, "createdAt").parse::<i64>().unwrap() / 1000,
            "password": old["passwordHash"].is_string(),
        }));
        let mut secrets = texts(&[&old["passwordHash"], &old["salt"]]);
        secrets.push(signer.clone());
        Mover { login_id, user, secrets }
    };
    export["users"].as_array().unwrap().iter().map(mover).collect()
}

/// The users of Clerk's export, but for the one whose hash was cut off, which is told by its length.
fn of_clerk() -> Vec<Mover> {
    let mut movers = Vec::new();
    let mut reader = csv::Reader::from_path(sample("clerk-export.csv")).unwrap();
    for old in reader.deserialize() {
        let old: std::collections::BTreeMap<String, String> = old.unwrap();
        let (email, phone) = (&old["primary_email_address"], &old["primary_phone_number"]);
        let verified = |value: &String, list: &str| {
            !value.is_empty() && old[list].split(',').any(|own| own == value)
        };
        let mut login_ids = vec![email, &old["username"], &old["id"]];
        login_ids.retain(|name| !name.is_empty());
        let user = shown(json!({
            "loginIds": login_ids,
            "givenName": old["first_name"], "familyName": old["last_name"],
            "email": email, "verifiedEmail": verified(email, "verified_email_addresses"),
            "phone": phone, "verifiedPhone": verified(phone, "verified_phone_numbers"),
            "password": !old["password_digest"].is_empty(),
            "TOTP": !old["totp_secret"].is_empty(),
        }));
        let mut secrets = vec![old["password_digest"].clone(), old["totp_secret"].clone()];
        secrets.retain(|secret| !secret.is_empty());
        movers.push(Mover { login_id: email.clone(), user, secrets });
    }
    movers
}

fn of(provider: &str) -> Vec<Mover> {
    match provider {
        "auth0" => of_auth0(),
        "firebase" => of_firebase(),
        _ => of_clerk(),
    }
}

/// The users that a provider's job creates, those of whom nothing is sent, and the job's exit code.
fn expected(provider: &str) -> (Vec<Mover>, Vec<Mover>, i32) {
    let is_cut = |mover: &Mover| mover.login_id == "liam.walsh@example.com";
    let (cut, good): (Vec<_>, Vec<_>) = of(provider).into_iter().partition(is_cut);
    let code = i32::from(!cut.is_empty());
    (good, cut, code)
}

/// Checks that a user is exactly as it has to be; tenants are `[ID, roles]` there.
#[track_caller]
fn check_user(desk: &Desk, mover: &Mover) {
    let mut user = desk.simulator.user(&mover.login_id);
    let tenants = user["userTenants"].as_array().unwrap().iter();
    user["userTenants"] = tenants.map(|own| json!([own["tenantId"], own["roleNames"]])).collect();
    for (key, wanted) in mover.user.as_object().unwrap() {
        assert_eq!(&user[key], wanted, "{key} of {}", mover.login_id);
    }
    // Whoever looks for the user by the old provider's ID finds it.
    for name in mover.user["loginIds"].as_array().unwrap() {
        let found = desk.simulator.user(name.as_str().unwrap());
        assert_eq!(found["userId"], user["userId"], "{name}");
    }
}

/// All that a folder holds, by file.
fn contents(folder: &Path) -> Vec<(PathBuf, String)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let content = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        (path, String::from_utf8_lossy(&bytes).into_owned())
    };
    paths.filter(|path| path.is_file()).map(content).collect()
}

/// Checks that no secret is anywhere but in the failures file, which is the user's own rows.
#[track_caller]
fn check_secrets(movers: &[&Mover], desk: &Desk, run: &str, screens: &[&(String, String)]) {
    let mut seen = contents(&desk.path(run));
    seen.retain(|(path, _)| !path.file_name().unwrap().to_str().unwrap().starts_with("failures"));
    assert!(seen.iter().any(|(path, _)| path.ends_with("results.jsonl")));
    for (out, err) in screens {
        seen.push(("stdout".into(), out.clone()));
        seen.push(("stderr".into(), err.clone()));
    }
    let secrets: BTreeSet<&str> =
        movers.iter().flat_map(|mover| &mover.secrets).map(String::as_str).collect();
    assert!(secrets.len() > 5);
    for secret in secrets {
        // A part of it would do harm, too. JSON may write `/` otherwise.
        let part = secret.rsplit(['$', '/', '+']).max_by_key(|part| part.len()).unwrap();
        for (path, content) in &seen {
            assert!(!content.contains(secret), "a secret is in {}", path.display());
            assert!(part.len() < 8 || !content.contains(part), "part of one: {}", path.display());
        }
    }
}

fn users_named(results: &[Value], status: &str) -> usize {
    results.iter().filter(|result| text(result, "status") == status).count()
}

/// Plans, runs and runs again the job of a provider.
fn move_in(provider: &str) {
    let (movers, cut, code) = expected(provider);
    let all: Vec<&Mover> = movers.iter().chain(&cut).collect();
    let secret = movers.iter().filter(|own| own.user["password"] == true).count();
    // One request is sent again, so that there is more to be logged.
    let desk = desk(&["--fault", "503:path=create/batch,first=1"]);
    let job = job(provider);

    let plan = desk.json(&["plan", "--job", &job, "-o", "plan.jsonl"], 1);
    let planned = |name: &str| plan["others"][name].as_u64().unwrap_or(0);
    assert_eq!(planned("secret"), secret as u64, "{plan}");
    assert_eq!(plan["changes"].as_u64().unwrap(), (movers.len() - secret) as u64, "{plan}");
    assert_eq!(planned("invalid"), cut.len() as u64, "{plan}");
    let screens = [
        desk.go(&["check", "--job", &job], 1),
        desk.go(&["plan", "--job", &job, "--all"], 1),
        desk.go(&["run", "--job", &job, "--out", "first", "-vv"], code),
    ];
    let kept = (fs::read_to_string(desk.path("plan.jsonl")).unwrap(), String::new());
    let told = format!("{}{}", screens[1].0, kept.0);
    assert!(!told.contains("hashedPassword"), "{told}");
    check_secrets(&all, &desk, "first", &[&screens[0], &screens[1], &screens[2], &kept]);

    assert_eq!(users_named(&desk.results("first"), "created"), movers.len());
    assert_eq!(users_named(&desk.results("first"), "invalid"), cut.len());
    for mover in &movers {
        check_user(&desk, mover);
    }
    for mover in &cut {
        let failures = fs::read_to_string(desk.path("first/failures.csv")).unwrap();
        assert!(failures.contains(&mover.secrets[0]), "the row is to be corrected there");
        assert_eq!(desk.simulator.user(&mover.login_id), Value::Null);
    }
    let users = desk.simulator.users();
    assert_eq!(users.len(), movers.len(), "nobody else was created");
    desk.go(&["verify", "first"], 0);

    // A second time, nobody is created, and nobody is changed.
    let arrived = desk.simulator.updates().len();
    let again =
        desk.go(&["run", "--job", &job, "--operation", "upsert", "--out", "again", "-vv"], code);
    assert_eq!(users_named(&desk.results("again"), "unchanged"), movers.len());
    assert_eq!(desk.simulator.updates().len(), arrived, "something was sent");
    let twice =
        desk.go(&["run", "--job", &job, "--operation", "create", "--out", "twice", "-vv"], 1);
    assert_eq!(users_named(&desk.results("twice"), "rejected"), movers.len());
    assert_eq!(desk.simulator.users(), users);
    check_secrets(&all, &desk, "again", &[&again]);
    check_secrets(&all, &desk, "twice", &[&twice]);

    // Nothing went out to anybody: the log has the key only where something does.
    for arrival in desk.simulator.arrivals() {
        assert!(arrival.get("invited").is_none(), "{arrival}");
    }
}

#[test]
fn users_of_auth0_move_in() {
    move_in("auth0");
}

#[test]
fn users_of_firebase_move_in() {
    move_in("firebase");
}

#[test]
fn users_of_clerk_move_in() {
    move_in("clerk");
}

/// Who was there before a run is not the run's, and who is gone already needs no undo.
#[test]
fn undo_is_about_those_whom_the_run_created() {
    let desk = desk(&[]);
    let job = job("auth0");
    let first = "loginId=amara.okafor@example.com";
    desk.go(&["run", "--job", &job, "--where", first, "--out", "first"], 0);
    desk.go(&["run", "--job", &job, "--operation", "upsert", "--out", "moved"], 0);
    desk.simulator.delete("orla.byrne@example.com");
    let (shown, _) = desk.go(&["undo", "moved", "-o", "undo.jsonl"], 0);
    assert!(shown.starts_with("13 rows of the run changed a user\n"), "{shown}");
    let deletions = ["--allow-destructive", "--max-deletes", "13", "--out", "back"];
    desk.go(&[&["run", "undo.jsonl"], &deletions[..]].concat(), 0);
    let left = desk.simulator.users();
    assert_eq!(left.len(), 1);
    assert_eq!(left.values().next().unwrap()["email"], "amara.okafor@example.com");
}

/// That the log would show an invitation.
#[test]
fn users_are_invited_only_where_that_is_asked_for() {
    let desk = desk(&[]);
    desk.go(&["run", "--job", &job("auth0"), "--invite", "--out", "out"], 0);
    let invited = |arrival: &Value| arrival["invited"].as_u64();
    let arrivals = desk.simulator.arrivals();
    assert_eq!(arrivals.iter().filter_map(invited).sum::<u64>(), 15);
}

/// As the samples' list says: without an account, from any folder.
#[test]
fn each_job_can_be_rehearsed() {
    for provider in PROVIDERS {
        let (movers, cut, code) = expected(provider);
        let folder = tempfile::tempdir().unwrap();
        let mut run = program();
        run.current_dir(folder.path()).args(["run", "--simulate", "--json", "--job"]);
        let output = run.arg(job(provider)).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{provider}");
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["tally"]["created"], movers.len(), "{provider}");
        assert_eq!(summary["tally"]["invalid"], cut.len(), "{provider}");
    }
    let listed = fs::read_to_string(project("samples/README.md")).unwrap();
    for entry in fs::read_dir(project("samples/migrate")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(listed.contains(&format!("`{name}`")), "not listed: {name}");
    }
}

/// The process dies while users are created, and nobody is created twice or left out.
#[test]
fn a_killed_move_goes_on_where_it_was() {
    let (movers, ..) = expected("firebase");
    let desk = desk(&["--latency", "200ms"]);
    let job = job("firebase");
    let arguments = [
        "run",
        "--job",
        &job,
        "--resume",
        "--out",
        "out",
        "--batch-size",
        "2",
        "--concurrency",
        "2",
    ];
    let mut child =
        desk.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("some users are created", || updates(desk.simulator.arrivals()).len() >= 2);
    signal(&child, "KILL");
    child.wait().unwrap();
    desk.go(&arguments, 0);
    assert_eq!(users_named(&desk.results("out"), "created"), movers.len());
    assert_eq!(desk.simulator.users().len(), movers.len());
    for mover in &movers {
        check_user(&desk, mover);
    }
}

/// The commands of a document that are shown as a shell script, without what stands behind `#`.
fn commands(page: &str) -> Vec<&str> {
    let scripts = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let commands = scripts.flat_map(str::lines).map(|line| line.split("    #").next().unwrap());
    commands.map(str::trim).collect()
}

/// The rows in the samples are what the guide's commands make of the exports. Where jq or Python is
/// missing, the rows were still looked at against the exports, by the tests above.
#[test]
fn the_conversions_make_the_rows() {
    let page = fs::read_to_string(project("docs/move-users-in.md")).unwrap();
    let commands = commands(&page);
    let conversions: Vec<_> = commands.iter().filter(|command| command.contains(" > ")).collect();
    assert_eq!(conversions.len(), 3);
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in contents(&project("samples/migrate")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.contains("-users.") {
            fs::write(folder.path().join(name), content).unwrap();
        }
    }
    for conversion in conversions {
        let (program, rest) = conversion.split_once(' ').unwrap();
        let is_there = Command::new(program).arg("--version").output();
        if !is_there.is_ok_and(|output| output.status.success()) {
            eprintln!("not tried, since there is no {program}: {conversion}");
            continue;
        }
        let mut shell = Command::new("bash");
        let status = shell.current_dir(folder.path()).args(["-c", conversion]).status().unwrap();
        assert!(status.success(), "{conversion}");
        let made = rest.rsplit(' ').next().unwrap();
        let content = fs::read_to_string(folder.path().join(made)).unwrap();
        assert!(content == fs::read_to_string(sample(made)).unwrap(), "make {made} again");
    }
}

/// What the guide shows as the screen behind a command, if it shows one.
fn screen<'p>(page: &'p str, command: &str) -> Option<&'p str> {
    let (_, rest) = page.split_once(&format!("```sh\n{command}\n```\n"))?;
    rest.strip_prefix("\n```text\n")?.split("```").next()
}

/// Every command of the guide, in order, in a folder with the samples, against one simulator.
#[test]
fn the_screens_of_the_guide_are_what_is_shown() {
    let page = fs::read_to_string(project("docs/move-users-in.md")).unwrap();
    let desk = desk(&[]);
    fs::create_dir_all(desk.path("samples/migrate")).unwrap();
    for (path, content) in contents(&project("samples/migrate")) {
        fs::write(desk.path("samples/migrate").join(path.file_name().unwrap()), content).unwrap();
    }
    let leavers = page.split("```csv\n").nth(1).unwrap().split("```").next().unwrap();
    desk.write("leavers.csv", leavers);
    let mut shown = 0;
    for command in commands(&page) {
        let Some(words) = command.strip_prefix("descope-bulk ") else { continue };
        let Some(documented) = screen(&page, command) else {
            assert!(words.starts_with("simulate "), "no screen behind: {command}");
            continue;
        };
        let words: Vec<&str> = words.split_whitespace().collect();
        let code = match words[..] {
            ["check" | "plan", ..]
            | ["run", "leavers.csv", ..]
            | ["run", _, "samples/migrate/clerk.toml", ..] => 1,
            _ => 0,
        };
        let (out, _) = desk.go(&words, code);
        let mut rest = out.as_str();
        for line in documented.lines().filter(|line| *line != "…") {
            let at = rest.find(line);
            let at =
                at.unwrap_or_else(|| panic!("{command}: {line}\nis not, or not there, in\n{out}"));
            rest = &rest[at + line.len()..];
        }
        shown += 1;
    }
    assert_eq!(shown, 13);
}
