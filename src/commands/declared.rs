//! What `check` and `plan` learn of the project before the first row: the types of custom attributes.

use super::caller::Caller;
use super::runtime::runtime;
use crate::api::transport::Endpoint;
use crate::check;
use crate::connect;
use crate::exit::Error;
use crate::input::InputRequest;
use crate::report::logging::{self, LogLook};
use crate::rows::Mapping;
use crate::settings::config::PaceSettings;
use crate::stop::Stop;

/// The project that is asked, and how.
pub(super) struct Asked {
    pub(super) endpoint: Endpoint,
    pub(super) pace: PaceSettings,
    pub(super) unreachable: Unreachable,
}

/// What is done where a project cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreachable {
    /// It is an error.
    Refuse,
    /// It is a warning, and the types are told from the values.
    Warn,
}

/// The same mapping, knowing which custom attributes the rows of files set, and what the project
/// declares of them, if there is one to ask: one request, and none where rows set no attribute.
///
/// No signal is caught meanwhile: nothing is being changed.
pub(super) fn declaring(
    mapping: Mapping,
    requests: &[InputRequest],
    caller: &Caller<'_>,
    project: impl FnOnce() -> Result<Option<Asked>, Error>,
) -> Result<Mapping, Error> {
    let used = check::attribute_names(&mapping, requests, &|| false)?;
    let project = if used.is_empty() { None } else { project()? };
    let declared = match project {
        None => None,
        Some(Asked { endpoint, pace, unreachable }) => {
            let _log = logging::start(0, false, LogLook::Screen(caller.log_color()));
            let runtime = runtime()?;
            if unreachable == Unreachable::Warn {
                let project = &endpoint.project_id;
                anstream::eprintln!(
                    "reading the custom attributes of project {project}; --offline does without"
                );
            }
            match runtime.block_on(connect::declared(&endpoint, &pace, &Stop::default())) {
                Err(error) if unreachable == Unreachable::Warn => {
                    tracing::warn!(
                        "{error}\n  the types of custom attributes are told from the values"
                    );
                    None
                }
                declared => declared?,
            }
        }
    };
    mapping.declaring(used, declared)
}
