//! Planning: what rows would do to users as they are now, without doing it.
//!
//! Users are read a hundred rows at a time, over a wire that cannot write. Rows are taken in the
//! order of the file, so that what a row finds is what the rows before it would have left. Each row
//! is a line of a plan file, which a run takes.

mod class;
pub(crate) mod file;
mod fold;
mod look;
mod named;
mod row;
mod totals;

use futures_util::stream::{FuturesOrdered, StreamExt};

pub(crate) use class::{ChangeClass, classes};
pub(crate) use row::{PlanOutcome, PlannedRow, shown};
pub(crate) use totals::{Example, PlanTotals};

use crate::api::transport::ReadWire;
use crate::exit::Error;
use crate::input::Input;
use crate::input::record::Record;
use crate::requester::Requester;
use crate::rows::Builder;
use crate::stop::Stop;
use fold::Fold;
use look::Looked;
use named::NamedThings;
use row::Understood;

/// Rows that are read for together; as many users fit into one answer of a search.
const TOGETHER: usize = crate::catalog::NAMES_A_SEARCH;

/// Searches that are under way at a time.
const AHEAD: usize = 4;

/// Plans the rows of an input, of which so many are expected, in order; `each` takes what comes of them.
/// Returns what rows name and could not be looked at, such as roles, and why.
///
/// # Errors
///
/// An input that cannot be read to its end, users who cannot be read, and what `each` fails with.
pub(crate) async fn plan<W: ReadWire>(
    input: Input,
    builder: Builder,
    requester: &Requester<W>,
    (expected, stop): (u64, &Stop),
    each: &mut dyn FnMut(&PlannedRow) -> Result<(), Error>,
) -> Result<Vec<(&'static str, String)>, Error> {
    let mut rows = PlanInput { input, builder };
    let mut fold = Fold::new(expected)?;
    let mut named = NamedThings::default();
    let mut ahead = FuturesOrdered::new();
    loop {
        while ahead.len() < AHEAD {
            let Some(chunk) = rows.chunk()? else { break };
            ahead.push_back(look::look(chunk, requester, stop));
        }
        let Some(looked) = ahead.next().await else { break };
        let Looked { rows, users } = looked?;
        for row in rows {
            let refused = match &row {
                Ok(instruction) => named.refuse(instruction, requester, stop).await?,
                Err(_) => None,
            };
            let planned = match refused {
                Some(verdict) => PlannedRow { row, verdict },
                None => fold.take(row, &users, requester, stop).await?,
            };
            each(&planned)?;
        }
    }
    let unchecked = named.unchecked().into_iter();
    Ok(unchecked.map(|(what, why)| (what, why.to_owned())).collect())
}

/// The rows of an input, understood.
struct PlanInput {
    input: Input,
    builder: Builder,
}

impl PlanInput {
    /// The next rows; `None` at the end.
    fn chunk(&mut self) -> Result<Option<Vec<Understood>>, Error> {
        let mut chunk = Vec::with_capacity(TOGETHER);
        while chunk.len() < TOGETHER {
            match self.input.next() {
                Some(record) => {
                    let record: Record = record.map_err(|error| {
                        Error::Stopped(format!("the plan cannot continue: {error}"))
                    })?;
                    chunk.push(self.builder.build(record));
                }
                None => break,
            }
        }
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}
