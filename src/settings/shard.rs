//! Which shard a run is: as it is said, or as the engine that has started it says in the environment.

use super::Environment;
use super::cli::shard::ShardChoice;
use crate::exit::Error;
use crate::shard::Shard;

/// The variable that states how many shards there are, for engines that do not say.
const STATED: &str = "DESCOPE_BULK_SHARDS";

/// An engine that starts one program many times, and what it tells each.
struct ArrayEngine {
    name: &'static str,
    /// The variable with the number of the task.
    index: &'static str,
    /// The variables with the first number, the last and the step, where it lets them be chosen.
    range: Option<[&'static str; 3]>,
    /// The variable with the number of tasks.
    count: Option<&'static str>,
}

const ENGINES: [ArrayEngine; 5] = [
    ArrayEngine {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        range: Some(["SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP"]),
        count: Some("SLURM_ARRAY_TASK_COUNT"),
    },
    ArrayEngine { name: "Kubernetes", index: "JOB_COMPLETION_INDEX", range: None, count: None },
    ArrayEngine {
        name: "AWS Batch",
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        range: None,
        count: Some("AWS_BATCH_JOB_ARRAY_SIZE"),
    },
    ArrayEngine {
        name: "Cloud Run",
        index: "CLOUD_RUN_TASK_INDEX",
        range: None,
        count: Some("CLOUD_RUN_TASK_COUNT"),
    },
    ArrayEngine { name: "Nomad", index: "NOMAD_ALLOC_INDEX", range: None, count: None },
];

/// The shard that a run is, if it is one.
///
/// # Errors
///
/// An environment that does not say, or contradicts itself.
pub(crate) fn shard(
    choice: Option<ShardChoice>,
    environment: Environment<'_>,
) -> Result<Option<Shard>, Error> {
    match choice {
        None => Ok(None),
        Some(ShardChoice::Stated(shard)) => Ok(Some(shard)),
        Some(ShardChoice::Auto) => {
            let shard = of_environment(environment);
            shard.map(Some).map_err(|why| Error::refused(format!("--shard auto: {why}")))
        }
    }
}

fn of_environment(environment: Environment<'_>) -> Result<Shard, String> {
    let mut present = ENGINES.iter().filter(|engine| environment(engine.index).is_some());
    let Some(engine) = present.next() else {
        let names = ENGINES.map(|engine| engine.index).join(", ");
        return Err(format!(
            "nothing says which shard this is: none of {names} is set\n  state it, such as --shard 0/4"
        ));
    };
    if let Some(other) = present.next() {
        return Err(format!(
            "{} ({}) and {} ({}) both say which shard this is\n  state it, such as --shard 0/4, or unset one of them",
            engine.name, engine.index, other.name, other.index
        ));
    }
    let index = engine.index(environment)?;
    let of = engine.size(environment)?;
    Shard::new(index, of)
        .map_err(|why| format!("{}: {} says {index}: {why}", engine.name, engine.index))
}

impl ArrayEngine {
    /// The number of the task, counted from 0.
    fn index(&self, environment: Environment<'_>) -> Result<u64, String> {
        let id = self.number(self.index, environment)?.unwrap_or_default();
        let Some([first, last, step]) = self.range else { return Ok(id) };
        let missing = || self.wrong(&format!("{first} is not set"));
        let first = self.number(first, environment)?.ok_or_else(missing)?;
        let step = self.number(step, environment)?.unwrap_or(1).max(1);
        let count = self.count.map(|count| self.number(count, environment)).transpose()?.flatten();
        let last = self.number(last, environment)?;
        let is_even = |number: u64| number >= first && (number - first).is_multiple_of(step);
        let is_whole = last
            .zip(count)
            .is_none_or(|(last, count)| is_even(last) && (last - first) / step + 1 == count);
        if !is_even(id) || !is_whole {
            return Err(self.wrong(
                "its numbers do not follow each other: start an array such as --array=0-3",
            ));
        }
        Ok((id - first) / step)
    }

    /// How many tasks there are: as the engine says, or as is stated.
    fn size(&self, environment: Environment<'_>) -> Result<u64, String> {
        let stated = self.number(STATED, environment)?;
        let Some(variable) = self.count else {
            return stated.ok_or_else(|| {
                self.wrong(&format!(
                    "it does not say how many shards there are\n  state it: {STATED}=4, the same for all"
                ))
            });
        };
        match (self.number(variable, environment)?, stated) {
            (Some(told), Some(stated)) if told != stated => Err(self.wrong(&format!(
                "{variable} says {told} and {STATED} says {stated}\n  to start some of the tasks again, state which one each is, such as --shard 2/{stated}"
            ))),
            (Some(of), _) | (None, Some(of)) => Ok(of),
            (None, None) => Err(self.wrong(&format!(
                "{variable} is not set\n  start it as an array, or state the shard, such as --shard 0/4"
            ))),
        }
    }

    /// The number in a variable, if it is set.
    fn number(&self, variable: &str, environment: Environment<'_>) -> Result<Option<u64>, String> {
        let Some(text) = environment(variable) else { return Ok(None) };
        let number = text.trim().parse().ok().filter(|_| !text.trim().starts_with('+'));
        number.map(Some).ok_or_else(|| self.wrong(&format!("{variable} is not a number: {text:?}")))
    }

    fn wrong(&self, what: &str) -> String {
        format!("{} ({}): {what}", self.name, self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an environment says, such as `A=1 B=2`.
    fn told(variables: &str) -> Result<String, String> {
        let value = |name: &str| {
            let mut pairs = variables.split_whitespace().filter_map(|pair| pair.split_once('='));
            pairs.find(|(own, _)| *own == name).map(|(_, value)| value.to_owned())
        };
        of_environment(&value).map(|shard| shard.to_string())
    }

    #[test]
    fn each_engine_says_which_shard_it_is() {
        for (variables, expected) in [
            ("JOB_COMPLETION_INDEX=2 DESCOPE_BULK_SHARDS=4", "2/4"),
            ("SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=4", "3/4"),
            (
                "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=4 SLURM_ARRAY_TASK_COUNT=4",
                "0/4",
            ),
            (
                "SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=9 SLURM_ARRAY_TASK_STEP=3 SLURM_ARRAY_TASK_COUNT=3",
                "2/3",
            ),
            ("AWS_BATCH_JOB_ARRAY_INDEX=7 AWS_BATCH_JOB_ARRAY_SIZE=8 DESCOPE_BULK_SHARDS=8", "7/8"),
            ("CLOUD_RUN_TASK_INDEX=0 CLOUD_RUN_TASK_COUNT=1", "0/1"),
            ("NOMAD_ALLOC_INDEX=1 DESCOPE_BULK_SHARDS=2", "1/2"),
        ] {
            assert_eq!(told(variables).as_deref(), Ok(expected), "{variables}");
        }
    }

    #[test]
    fn what_is_missing_or_contradicts_itself_is_refused() {
        for (variables, expected) in [
            ("", "none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX"),
            ("DESCOPE_BULK_SHARDS=4", "nothing says which shard this is"),
            ("JOB_COMPLETION_INDEX=2", "state it: DESCOPE_BULK_SHARDS=4"),
            ("NOMAD_ALLOC_INDEX=2", "state it: DESCOPE_BULK_SHARDS=4"),
            ("JOB_COMPLETION_INDEX=4 DESCOPE_BULK_SHARDS=4", "there is no shard 4 of 4"),
            ("JOB_COMPLETION_INDEX=0 DESCOPE_BULK_SHARDS=0", "there is no shard of 0"),
            (
                "JOB_COMPLETION_INDEX=x DESCOPE_BULK_SHARDS=4",
                "JOB_COMPLETION_INDEX is not a number",
            ),
            ("JOB_COMPLETION_INDEX=-1 DESCOPE_BULK_SHARDS=4", "is not a number"),
            ("CLOUD_RUN_TASK_INDEX=1", "CLOUD_RUN_TASK_COUNT is not set"),
            ("AWS_BATCH_JOB_ARRAY_INDEX=1", "AWS_BATCH_JOB_ARRAY_SIZE is not set"),
            ("SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4", "SLURM_ARRAY_TASK_MIN is not set"),
            (
                "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=3",
                "do not follow each other",
            ),
            (
                "SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_COUNT=3",
                "do not follow each other",
            ),
            // One task of an array, started again by itself, is not the whole job.
            (
                "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=2 SLURM_ARRAY_TASK_MAX=2 SLURM_ARRAY_TASK_COUNT=1 DESCOPE_BULK_SHARDS=4",
                "says 1 and DESCOPE_BULK_SHARDS says 4",
            ),
            (
                "JOB_COMPLETION_INDEX=0 SLURM_ARRAY_TASK_ID=0 DESCOPE_BULK_SHARDS=4",
                "both say which shard",
            ),
        ] {
            let refused = told(variables).unwrap_err();
            assert!(refused.contains(expected), "{variables}: {refused}");
        }
    }
}
