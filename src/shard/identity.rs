//! Which shard a run is, in words: those that are typed, and those in its files.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

pub(crate) use crate::store::journal::SHARD;

/// One of the shards of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    index: u32,
    of: u32,
}

/// The most shards that a job may have: as many as the largest array of AWS Batch.
const MOST: u64 = 10_000;

/// The setting of a run that says how its rows were split.
pub(crate) const SPLIT: &str = "split";

/// What stands in the place of the shard's number in the settings of merged shards.
const MERGED: &str = "merged";

impl Shard {
    /// The shard of this number, the first being 0, of so many.
    pub(crate) fn new(index: u64, of: u64) -> Result<Self, String> {
        if of == 0 {
            return Err("there is no shard of 0".to_owned());
        }
        if of > MOST {
            return Err(format!("{MOST} shards are the most"));
        }
        if index >= of {
            let last = of - 1;
            return Err(format!(
                "there is no shard {index} of {of}: they are 0/{of} to {last}/{of}"
            ));
        }
        let number = |number: u64| u32::try_from(number).map_err(|_| "too large".to_owned());
        Ok(Self { index: number(index)?, of: number(of)? })
    }

    /// Its number, from 0.
    pub(crate) fn index(self) -> u32 {
        self.index
    }

    /// How many there are.
    pub(crate) fn of(self) -> u32 {
        self.of
    }

    /// Whether something with a name of its own is in it.
    pub(crate) fn has(self, name: &str) -> bool {
        xxh3_64(name.as_bytes()) % u64::from(self.of) == u64::from(self.index)
    }

    /// The shard of a run by its settings; `None` if it is not one.
    pub(crate) fn of_settings(settings: &Map<String, Value>) -> Option<Self> {
        settings.get(SHARD)?.as_str()?.parse().ok()
    }

    /// What the settings of all its shards say, once they are merged.
    pub(crate) fn merged(self) -> String {
        format!("{MERGED}/{}", self.of)
    }

    /// The stem of the name of a shard's run folder, from that of the run.
    pub(crate) fn folder(self, name: &str) -> String {
        format!("{name}-{}of{}", self.index, self.of)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u64>().ok().filter(|_| is_plain)
        };
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(index, of)| number(index).zip(number(of)));
        let (index, of) = numbers
            .ok_or("write its number, from 0, and how many there are, such as 0/4; or auto")?;
        Self::new(index, of)
    }
}

/// Whether runs of these settings are different parts of one split, or all of its parts merged: none
/// of them is an earlier run of the other.
pub(crate) fn are_siblings(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let shard = one.get(SHARD).and_then(Value::as_str);
    shard.is_some_and(|shard| is_sibling(shard, other))
}

/// The same of a run of which only its shard is known, as its settings say it.
pub(crate) fn is_sibling(shard: &str, other: &Map<String, Value>) -> bool {
    let other = other.get(SHARD).and_then(Value::as_str);
    match (shard.split_once('/'), other.and_then(|other| other.split_once('/'))) {
        (Some((part, of)), Some((other, of_other))) => of == of_other && part != other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_a_number_from_0_of_so_many() {
        for (text, expected) in [
            ("0/4", Ok((0, 4))),
            ("3/4", Ok((3, 4))),
            ("0/1", Ok((0, 1))),
            ("4/4", Err("there is no shard 4 of 4: they are 0/4 to 3/4")),
            ("1/1", Err("there is no shard 1 of 1: they are 0/1 to 0/1")),
            ("0/0", Err("there is no shard of 0")),
            ("0/10001", Err("10000 shards are the most")),
            ("+0/4", Err("write its number")),
            ("0", Err("write its number")),
            ("-1/4", Err("write its number")),
            ("0/99999999999999999999", Err("write its number")),
        ] {
            match (text.parse::<Shard>(), expected) {
                (Ok(shard), Ok(expected)) => {
                    assert_eq!((shard.index(), shard.of()), expected);
                    assert_eq!(shard.to_string(), text);
                }
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{text}: {error}"),
                (shard, _) => panic!("{text}: {shard:?}"),
            }
        }
    }

    #[test]
    fn parts_of_one_split_are_siblings() {
        let of = |text: &str| serde_json::json!({ SHARD: text }).as_object().unwrap().clone();
        for (one, other, expected) in [
            ("0/4", "1/4", true),
            ("0/4", "merged/4", true),
            ("0/4", "0/4", false),
            ("0/4", "1/8", false),
        ] {
            assert_eq!(are_siblings(&of(one), &of(other)), expected, "{one} {other}");
        }
        assert!(!are_siblings(&of("0/4"), &Map::new()));
    }
}
