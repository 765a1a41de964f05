//! Who keeps the limits together: nobody, the runs of this machine, or those of several hosts.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::Environment;
use super::cli::run::{BudgetLost, PaceArgs, Rate};
use super::management_key::{read_secret, warn_if_open};
use super::table::BUDGET_PASSWORD;
use crate::exit::Error;
use crate::limiter::RemoteAddress;

/// Who keeps the limits together.
#[derive(Clone, Debug)]
pub enum BudgetSettings {
    /// Nobody: each run for itself.
    Alone,
    /// The runs of this machine, by a file in this folder.
    Machine(PathBuf),
    /// The runs of several hosts, by a server.
    Hosts(HostBudget),
}

/// A budget that a server keeps for several hosts.
#[derive(Clone, Debug)]
pub struct HostBudget {
    /// The server.
    pub address: RemoteAddress,
    /// By how many hosts the limit is divided while the server is lost; nothing is sent meanwhile if `None`.
    pub shares: Option<NonZeroU32>,
    /// The folder in which the runs of this machine keep their share together meanwhile.
    pub folder: Option<PathBuf>,
}

/// What the arguments mean.
///
/// A rate that was asked for is kept to the letter, and so by each run for itself, unless a server is
/// named.
pub(super) fn budget(
    args: &PaceArgs,
    environment: Environment<'_>,
) -> Result<BudgetSettings, Error> {
    if let Some(url) = &args.budget {
        return hosts(url, args, environment).map(BudgetSettings::Hosts);
    }
    if args.no_shared_budget || args.rate.is_some() {
        return Ok(BudgetSettings::Alone);
    }
    Ok(match state_folder(environment) {
        Some(folder) => BudgetSettings::Machine(folder),
        None => {
            tracing::warn!(
                "neither XDG_STATE_HOME nor HOME is set: limits are not shared with other runs"
            );
            BudgetSettings::Alone
        }
    })
}

fn hosts(url: &str, args: &PaceArgs, environment: Environment<'_>) -> Result<HostBudget, Error> {
    let refuse = |why: &str| Error::refused(format!("--budget: {why}"));
    if args.rate == Some(Rate::Off) {
        return Err(refuse("there is no limit to share with --rate off; omit one of them"));
    }
    let shares = match (args.budget_lost, args.budget_hosts) {
        (BudgetLost::Halt, None) => None,
        (BudgetLost::Share, Some(hosts)) => Some(hosts),
        (BudgetLost::Halt, Some(_)) => {
            return Err(refuse("--budget-hosts is for --budget-lost share"));
        }
        (BudgetLost::Share, None) => {
            return Err(refuse(
                "--budget-lost share needs the number of hosts; give it with --budget-hosts",
            ));
        }
    };
    let password = password(args.budget_password_file.as_deref(), environment)?;
    let address = RemoteAddress::parse(url, password).map_err(|why| refuse(&why))?;
    Ok(HostBudget { address, shares, folder: state_folder(environment) })
}

/// The password of the server: from a file that is named, else from the environment.
fn password(
    file: Option<&Path>,
    environment: Environment<'_>,
) -> Result<Option<SecretString>, Error> {
    const WHAT: &str = "password file";
    let Some(path) = file else {
        return Ok(environment(BUDGET_PASSWORD).map(SecretString::from));
    };
    let text = read_secret(path, WHAT)?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Error::refused(format!("the {WHAT} {} is empty", path.display())));
    }
    warn_if_open(path, WHAT);
    Ok(Some(password.into()))
}

/// The folder for this program's state, below the user's (XDG Base Directory Specification).
fn state_folder(environment: Environment<'_>) -> Option<PathBuf> {
    let below_home = || Some(Path::new(&environment("HOME")?).join(".local/state"));
    let state = environment("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    Some(state.or_else(below_home)?.join("descope-bulk"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        pace: PaceArgs,
    }

    fn settings(words: &str, variables: &[(&str, &str)]) -> Result<BudgetSettings, String> {
        let words = ["x"].into_iter().chain(words.split_whitespace());
        let typed = Typed::try_parse_from(words).map_err(|error| error.to_string())?;
        let find = |name: &str| {
            variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        };
        budget(&typed.pace, &find).map_err(|error| error.to_string())
    }

    #[test]
    fn limits_are_shared_as_widely_as_is_asked_for() {
        use BudgetSettings::{Alone, Hosts, Machine};
        let home = &[("HOME", "/home/ada")];
        assert!(matches!(settings("", home), Ok(Machine(folder))
            if folder == Path::new("/home/ada/.local/state/descope-bulk")));
        assert!(matches!(settings("", &[]), Ok(Alone)));
        assert!(matches!(settings("--rate 3/s", home), Ok(Alone)));
        assert!(matches!(settings("--no-shared-budget", home), Ok(Alone)));
        let Ok(Hosts(HostBudget { address, shares, folder })) = settings(
            "--rate 3/s --budget redis://redis:6379/1 --budget-lost share --budget-hosts 3",
            home,
        ) else {
            panic!("it is shared between hosts");
        };
        assert_eq!(
            (address.to_string().as_str(), shares),
            ("redis://redis:6379/1", NonZeroU32::new(3))
        );
        assert!(folder.is_some());
    }

    #[test]
    fn what_does_not_go_together_is_refused_without_the_password() {
        for (words, why) in [
            ("--budget redis://:s3cret@redis", "--budget-password-file"),
            ("--budget redis://redis --rate off", "no limit"),
            ("--budget redis://redis --budget-hosts 2", "--budget-lost share"),
            ("--budget redis://redis --budget-lost share", "--budget-hosts"),
            ("--budget redis://redis --budget-password-file /nowhere/s", "/nowhere/s"),
            ("--budget-hosts 2 --budget-lost share", "--budget"),
            ("--budget-lost share", "--budget <URL>"),
            ("--budget redis://redis --no-shared-budget", "--no-shared-budget"),
        ] {
            let refused = settings(words, &[(BUDGET_PASSWORD, "s3cret")]).expect_err(words);
            assert!(refused.contains(why) && !refused.contains("s3cret"), "{words}: {refused}");
        }
    }
}
