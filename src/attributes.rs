//! The custom attributes that a project declares: read, compared with a file, and created.
//!
//! Creating is idempotent by reading first only: what is there is not sent, and after a lost answer
//! the project is read again, never the request sent again.

mod comparison;
mod definition;
mod file;

use bytes::Bytes;

pub(crate) use comparison::Comparison;
pub(crate) use definition::AttributeDefinition;
pub(crate) use file::read_file;

use crate::api::explain;
use crate::api::response::Reply;
use crate::api::transport::{ReadWire, Wire};
use crate::catalog::{CREATE_ATTRIBUTES, Operation, ProjectList};
use crate::exit::Error;
use crate::outcome::Status;
use crate::read::Listing;
use crate::requester::{End, Request, Requester, Tries};
use crate::rows::DeclaredAttribute;
use crate::stop::Stop;

/// What a project declares, as far as it can be read.
async fn listed<W: ReadWire>(
    requester: &Requester<W>,
    stop: &Stop,
) -> Result<Result<Vec<AttributeDefinition>, String>, Error> {
    match requester.list(ProjectList::Attributes, stop).await {
        None => Err(stopped(stop)),
        Some(Listing::Failed(why)) => Err(Error::Stopped(format!(
            "the project's custom attributes cannot be read: {why}; nothing was sent: run it again"
        ))),
        Some(Listing::Refused(why)) => Ok(Err(why)),
        Some(Listing::Read(list)) => Ok(AttributeDefinition::read_all(&list)
            .ok_or_else(|| "the answer is not a list of definitions".to_owned())),
    }
}

/// What a project declares.
///
/// # Errors
///
/// Where the server does not say.
pub(crate) async fn definitions<W: ReadWire>(
    requester: &Requester<W>,
    stop: &Stop,
) -> Result<Vec<AttributeDefinition>, Error> {
    listed(requester, stop).await?.map_err(|why| {
        Error::Stopped(format!(
            "the project's custom attributes cannot be read: {why}\n  check that the key may read them"
        ))
    })
}

/// What a project declares, for rows; nothing, with a warning, where the server does not say.
///
/// # Errors
///
/// Where it cannot be known this time: another time rows would be understood otherwise.
pub(crate) async fn declared<W: ReadWire>(
    requester: &Requester<W>,
    stop: &Stop,
) -> Result<Option<Vec<DeclaredAttribute>>, Error> {
    match listed(requester, stop).await? {
        Ok(definitions) => {
            Ok(Some(definitions.into_iter().map(AttributeDefinition::declared).collect()))
        }
        Err(why) => {
            tracing::warn!(
                "the project's custom attributes cannot be read ({why}): their types are told from the values"
            );
            Ok(None)
        }
    }
}

fn stopped(stop: &Stop) -> Error {
    let why = stop.reason().map_or_else(|| "stopped".to_owned(), |reason| reason.to_string());
    Error::Stopped(format!("{why}; nothing was sent"))
}

struct CreateRequest(Bytes);

impl<W: Wire> Request<W> for CreateRequest {
    fn operation(&self) -> &'static Operation {
        &CREATE_ATTRIBUTES
    }

    async fn send(&self, wire: &W) -> Reply {
        wire.send(&CREATE_ATTRIBUTES, self.0.clone()).await
    }
}

/// Creates definitions in one request, and reads back what is there then.
///
/// # Errors
///
/// Where not all of them are there, or nobody can tell.
pub(crate) async fn create<W: Wire>(
    requester: &Requester<W>,
    new: &[&AttributeDefinition],
    stop: &Stop,
) -> Result<(), Error> {
    let request = CreateRequest(definition::creation(new));
    let mut tries = Tries::default();
    let Some((end, reply)) = requester.insist(&request, &mut tries, stop).await else {
        return Err(stopped(stop));
    };
    let now = definitions(requester, stop).await.map_err(|error| {
        Error::Stopped(format!(
            "the request was sent, and whether the attributes are there is not known: {error}\n  run it again: what is there is not created twice"
        ))
    })?;
    let missing = comparison::missing(new, &now);
    if missing.is_empty() {
        return Ok(());
    }
    let why = match end {
        End::Done => "the server took the request and does not show them".to_owned(),
        End::Ambiguous { .. } => "the answer was lost, and it was not sent again".to_owned(),
        End::Failed(_) => explain::failure(&reply, Status::GaveUp).message.into_owned(),
    };
    Err(Error::Stopped(format!(
        "not created: {}: {why}\n  run it again: what is there is not created twice",
        missing.join(", ")
    )))
}
