//! Limits, and the place where runs are kept.

use super::diagnosis::Diagnosis;
use crate::figures::{size, thousands};
use crate::limiter::limit::Limit;
use crate::limiter::{BudgetUsage, Rates};
use crate::store::{FileSystem, Site};

/// What is known of the limits.
#[derive(Debug)]
pub(crate) struct LimitFacts<'a> {
    /// The limits that are kept.
    pub(crate) rates: &'a Rates,
    /// The share of the server's limits, in percent, unless a rate was asked for.
    pub(crate) share: Option<u32>,
    /// The rate-limit tier, if the server tells one.
    pub(crate) tier: Option<&'a str>,
}

/// What is known of a shared budget.
#[derive(Debug)]
pub(crate) struct BudgetFacts {
    /// Where it is kept, such as "in FOLDER".
    pub(crate) place: String,
    /// What is used of it; nothing before the first run.
    pub(crate) usage: Result<Option<BudgetUsage>, String>,
    /// What to do where that cannot be read.
    pub(crate) advice: &'static str,
}

/// What a row takes in a run folder, by the files that are written: the user of about 1 KB before and
/// after, what was sent and answered, and a line of the journal.
const BYTES_A_ROW: u64 = 3 << 10;

/// Rows that should fit where nobody has said how many there are.
const ROWS: u64 = 10_000;

/// The limits in force.
pub(crate) fn limits(facts: &LimitFacts<'_>) -> [Diagnosis; 2] {
    [rates(facts), tier(facts)]
}

fn rates(facts: &LimitFacts<'_>) -> Diagnosis {
    let Some(users) = facts.rates.users else {
        return Diagnosis::warning(
            "limits",
            "no limit is kept (--rate off, or the server has none)",
            "keep to the documented limits where others use the project, too",
        );
    };
    let window = |limit: Limit| humantime::format_duration(limit.window);
    let lower = facts.rates.lower.iter().map(|(class, limit)| {
        format!("{}: {} in {}", class.name(), limit.requests, window(*limit))
    });
    let lower: Vec<String> = lower.collect();
    let share = match facts.share {
        Some(share) => format!("{share}% of the server's limits"),
        None => "as --rate says".to_owned(),
    };
    let lower = if lower.is_empty() { String::new() } else { format!("; {}", lower.join(", ")) };
    let most = format!("{} requests in {}", users.requests, window(users));
    Diagnosis::ok("limits", format!("{most}, {share}{lower}"))
}

fn tier(facts: &LimitFacts<'_>) -> Diagnosis {
    match facts.tier {
        Some(tier) => Diagnosis::ok("tier", format!("the project's rate-limit tier is {tier}")),
        None => Diagnosis::warning(
            "tier",
            "the server does not tell the project's rate-limit tier, so requests count in its lowest bucket",
            "try again later; if it stays so, expect refusals for the rate (429), and lower --max-share",
        ),
    }
}

/// The budget that runs share, if they share one, and who uses it.
pub(crate) fn budget(facts: Option<&BudgetFacts>) -> Diagnosis {
    match facts {
        None => Diagnosis::warning(
            "budget",
            "limits are not shared with other runs of this machine",
            "set HOME or XDG_STATE_HOME to a folder that can be written, and give neither --no-shared-budget nor --rate",
        ),
        Some(BudgetFacts { place, usage: Err(why), advice }) => Diagnosis::warning(
            "budget",
            format!("the shared budget {place} cannot be read: {why}"),
            *advice,
        ),
        Some(BudgetFacts { place, usage: Ok(None), .. }) => {
            Diagnosis::ok("budget", format!("shared {place}; no run uses it just now"))
        }
        Some(BudgetFacts { place, usage: Ok(Some(usage)), .. }) => used(place, usage),
    }
}

fn used(place: &str, usage: &BudgetUsage) -> Diagnosis {
    let BudgetUsage { requests, processes, closed_for } = usage;
    if !closed_for.is_zero() {
        let seconds = closed_for.as_secs().max(1);
        return Diagnosis::warning(
            "budget",
            format!("shared {place}; nobody may send for another {seconds} s"),
            "wait; if the server has refused requests for the rate, find out who else sends to this project",
        );
    }
    let pids: Vec<&str> = processes.iter().map(String::as_str).collect();
    let who = match pids.as_slice() {
        [] => "no process sends just now".to_owned(),
        [pid] => format!("process {pid} sends just now"),
        pids => format!("processes {} send just now", pids.join(", ")),
    };
    Diagnosis::ok("budget", format!("shared {place}; {requests} requests count, {who}"))
}

/// Whether there is room for so many rows.
pub(crate) fn disk(site: Option<&Site>, rows: Option<u64>) -> Diagnosis {
    let Some((site, free)) = site.and_then(|site| site.free.map(|free| (site, free))) else {
        return Diagnosis::not_checked("disk", "nobody says how much room there is");
    };
    let path = site.path.display();
    let fit = free / BYTES_A_ROW;
    let found = format!("{} free in {path}, enough for about {} rows", size(free), about(fit));
    let advice = "make room, or name a folder on another disk with --runs-dir; a run that finds the disk full stops, and can be resumed";
    match rows {
        Some(rows) if rows > fit => {
            let (rows, needed) = (thousands(rows), size(rows.saturating_mul(BYTES_A_ROW)));
            Diagnosis::failed("disk", format!("{found}, and {rows} rows take {needed}"), advice)
        }
        Some(rows) => {
            let (rows, needed) = (thousands(rows), size(rows.saturating_mul(BYTES_A_ROW)));
            Diagnosis::ok(
                "disk",
                format!("{} free in {path}; {rows} rows take {needed}", size(free)),
            )
        }
        None if fit < ROWS => Diagnosis::warning("disk", found, advice),
        None => Diagnosis::ok("disk", found),
    }
}

fn about(rows: u64) -> String {
    match rows {
        0..10_000 => thousands(rows),
        10_000..1_000_000 => thousands(rows / 1000 * 1000),
        _ => format!("{} million", thousands(rows / 1_000_000)),
    }
}

/// Whether runs can be kept in a folder, and nobody else can remove them.
pub(crate) fn folder(name: &str, site: Option<&Site>) -> Diagnosis {
    let Some(site) = site else {
        return Diagnosis::failed(
            "runs-folder",
            format!("{name} cannot be looked at"),
            "name another folder with --runs-dir",
        );
    };
    let path = site.path.display();
    let place =
        if site.exists { format!("{path}") } else { format!("{name}, to be made in {path}") };
    if !site.is_writable {
        return Diagnosis::failed(
            "runs-folder",
            format!("{place}: this user cannot create files there"),
            "change the folder's owner, or name another one with --runs-dir",
        );
    }
    if site.others_can_write {
        return Diagnosis::warning(
            "runs-folder",
            format!("{place}: all users can write there, and take runs away"),
            format!("chmod o-w {path}"),
        );
    }
    match site.kind {
        FileSystem::Network => Diagnosis::warning(
            "runs-folder",
            format!("{place}: on another machine, where locks may not hold"),
            "keep runs on a local disk (--runs-dir)",
        ),
        FileSystem::Memory => Diagnosis::warning(
            "runs-folder",
            format!("{place}: in memory, so a run cannot be resumed after a reboot"),
            "keep runs on a disk (--runs-dir)",
        ),
        FileSystem::Disk => Diagnosis::ok("runs-folder", place),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::doctor::CheckStatus::{Failed, NotChecked, Ok as Fine, Warning};

    fn site() -> Site {
        Site {
            path: "/srv/runs".into(),
            exists: true,
            is_writable: true,
            others_can_write: false,
            free: Some(1 << 30),
            kind: FileSystem::Disk,
        }
    }

    #[test]
    fn rows_have_to_fit() {
        for (free, rows, status) in [
            (Some(1 << 30), None, Fine),
            (Some(1 << 30), Some(1000), Fine),
            (Some(1 << 30), Some(1_000_000), Failed),
            (Some(1 << 20), None, Warning),
            (Some(1 << 20), Some(100), Fine),
            (None, Some(1), NotChecked),
        ] {
            let told = disk(Some(&Site { free, ..site() }), rows);
            assert_eq!(told.status, status, "{told:?}");
        }
        assert_eq!(disk(None, None).status, NotChecked);
        let told = disk(Some(&site()), Some(1_000_000));
        assert!(told.found.contains("349,000 rows, and 1,000,000 rows take 3.0 GB"), "{told:?}");
    }

    #[test]
    fn a_folder_has_to_be_ones_own_and_to_last() {
        for (site, status) in [
            (site(), Fine),
            (Site { exists: false, ..site() }, Fine),
            (Site { is_writable: false, ..site() }, Failed),
            (Site { others_can_write: true, ..site() }, Warning),
            (Site { kind: FileSystem::Network, ..site() }, Warning),
            (Site { kind: FileSystem::Memory, ..site() }, Warning),
        ] {
            let told = folder("runs", Some(&site));
            assert_eq!(told.status, status, "{told:?}");
        }
        assert_eq!(folder("runs", None).status, Failed);
    }

    #[test]
    fn limits_say_who_uses_them() {
        let rates = Rates::documented(80);
        let usage = |pids: &[u32], seconds| BudgetUsage {
            requests: 380,
            processes: pids.iter().map(u32::to_string).collect(),
            closed_for: Duration::from_secs(seconds),
        };
        let told = |facts: Option<BudgetFacts>| budget(facts.as_ref());
        let shared = |usage| {
            let place = "in /state".to_owned();
            Some(BudgetFacts { place, usage, advice: "mend it" })
        };
        assert_eq!(told(None).status, Warning);
        assert_eq!(told(shared(Ok(None))).status, Fine);
        let busy = told(shared(Ok(Some(usage(&[7, 9], 0)))));
        assert_eq!(busy.status, Fine);
        assert!(busy.found.contains("380") && busy.found.contains("processes 7, 9"), "{busy:?}");
        assert_eq!(told(shared(Ok(Some(usage(&[], 30))))).status, Warning);
        assert_eq!(told(shared(Err("no".to_owned()))).status, Warning);
        let all = limits(&LimitFacts { rates: &rates, share: Some(80), tier: None });
        assert!(all[0].found.starts_with("400 requests in 1m, 80%"), "{all:?}");
        assert_eq!(all[1].status, Warning, "no tier");
        let off = Rates::default();
        let facts = LimitFacts { rates: &off, share: None, tier: Some("tier3") };
        assert_eq!((limits(&facts)[0].status, limits(&facts)[1].status), (Warning, Fine));
    }
}
