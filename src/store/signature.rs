//! Signing the summary of a run with an SSH key, by `ssh-keygen -Y`.
//!
//! Nobody is ever asked for anything: a key with a passphrase has to be in an agent.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::names::{SIGNATURE, SUMMARY};

/// What the signature is for, so that it cannot be taken for one of something else.
const NAMESPACE: &str = "descope-bulk";

/// The longest that the program may take: an agent may wait for somebody to touch a key.
const MOST: Duration = Duration::from_secs(60);

/// Signs the summary in the folder of a run with a private key, or with an agent's key whose public
/// key this is; gives back where the signature is.
///
/// # Errors
///
/// Why it could not be signed, in words.
pub(crate) fn sign(folder: &Path, key: &Path) -> Result<PathBuf, String> {
    let key = std::path::absolute(key).map_err(|error| error.to_string())?;
    let signature = folder.join(SIGNATURE);
    let _ = fs::remove_file(&signature);
    let mut program = keygen(folder, "sign");
    program.arg("-n").arg(NAMESPACE).arg("-f").arg(key).arg(SUMMARY);
    output_of(program.stdin(Stdio::null()))?;
    private(&signature).map_err(|error| error.to_string())?;
    Ok(signature)
}

/// Checks the signature of the summary in the folder of a run against a file of allowed signers; gives
/// back who has signed it. `signer` says who must have.
///
/// # Errors
///
/// Why nobody who is allowed has signed it, in words.
pub(crate) fn check(folder: &Path, allowed: &Path, signer: Option<&str>) -> Result<String, String> {
    let allowed = std::path::absolute(allowed).map_err(|error| error.to_string())?;
    if !folder.join(SIGNATURE).exists() {
        return Err("the run is not signed".to_owned());
    }
    let signer = match signer {
        Some(signer) => signer.to_owned(),
        None => principal(folder, &allowed)?,
    };
    let summary =
        File::open(folder.join(SUMMARY)).map_err(|error| format!("{SUMMARY}: {error}"))?;
    let mut program = keygen(folder, "verify");
    program.arg("-n").arg(NAMESPACE).arg("-f").arg(allowed).arg("-I").arg(&signer);
    output_of(program.arg("-s").arg(SIGNATURE).stdin(summary))?;
    Ok(signer)
}

/// Whose key the signature is of, among those who are allowed.
fn principal(folder: &Path, allowed: &Path) -> Result<String, String> {
    let mut program = keygen(folder, "find-principals");
    let found =
        output_of(program.arg("-s").arg(SIGNATURE).arg("-f").arg(allowed).stdin(Stdio::null()))
            .map_err(|why| format!("its key is none of those who are allowed: {why}"))?;
    let first = found.lines().next().map(str::trim).filter(|first| !first.is_empty());
    // Several identities of one key stand on a line.
    let first = first.and_then(|first| first.split(',').next());
    first.map(str::to_owned).ok_or_else(|| "its key is none of those who are allowed".to_owned())
}

fn keygen(folder: &Path, what: &str) -> Command {
    let mut program = Command::new("ssh-keygen");
    program.arg("-Y").arg(what).current_dir(folder);
    // A passphrase is asked for by a program that gives none, and so not at all.
    program.env("SSH_ASKPASS_REQUIRE", "force").env("SSH_ASKPASS", "false");
    program
}

/// What the program prints, once it has ended well.
fn output_of(program: &mut Command) -> Result<String, String> {
    let child = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("ssh-keygen cannot be started: {error}"))?;
    let Some(complaint) = complaint_of(&mut child) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("ssh-keygen took longer than {} seconds", MOST.as_secs()));
    };
    let ended = child.wait_with_output().map_err(|error| error.to_string())?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    // What it says goes on one line, and is bounded.
    let words = complaint.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: String = words.chars().take(300).collect();
    Err(if words.is_empty() {
        "ssh-keygen has failed".into()
    } else {
        format!("ssh-keygen: {words}")
    })
}

/// What the program says on stderr until it ends; `None` when it takes too long.
fn complaint_of(child: &mut Child) -> Option<String> {
    let mut stderr = child.stderr.take()?;
    let (to, from) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut said = Vec::new();
        // What can be read is enough.
        let _ = stderr.read_to_end(&mut said);
        // Nobody may wait for it any more.
        let _ = to.send(String::from_utf8_lossy(&said).into_owned());
    });
    from.recv_timeout(MOST).ok()
}

/// Lets its owner alone read a file.
fn private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    File::open(path)?.sync_all()
}
