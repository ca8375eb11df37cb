//! Who may be called when an access request has ended, as it is set up at the start.

use uuid::Uuid;

use super::service::ServiceError;
use super::service::ServiceSettings;
use super::webhooks::authorities;
use super::webhooks::caller_called;
use super::webhooks::secrets;
use crate::app::callbacks::Callbacks;
use crate::app::callbacks::Receiver;
use crate::config::callbacks::CallbackSettings;

/// The directory in the data directory that says how far callbacks have come.
const DIRECTORY: &str = "callbacks";

/// Sets up all of them; one that cannot be is an error.
pub(super) fn set_up(settings: &ServiceSettings, log: Uuid) -> Result<Callbacks, ServiceError> {
    let receivers = settings.callbacks.iter();
    let receivers = receivers.map(|callback| receiver(callback, settings));
    let receivers = receivers.collect::<Result<Vec<_>, _>>()?;
    let directory = settings.data_directory.join(DIRECTORY);
    Callbacks::new(receivers, &directory, log)
        .map_err(|error| ServiceError::Callbacks(error.name, Box::new(error.source)))
}

fn receiver(
    callback: &CallbackSettings,
    settings: &ServiceSettings,
) -> Result<Receiver, ServiceError> {
    let invalid = |detail: String| ServiceError::Callbacks(callback.name.clone(), detail.into());
    let (caller, caller_until) = caller_called(&callback.caller, settings).map_err(invalid)?;
    let previous = callback.previous_secret_file.as_ref();
    Ok(Receiver {
        name: callback.name.clone(),
        caller,
        caller_until,
        hosts: callback.hosts.clone(),
        secrets: secrets(&callback.secret_file, previous, invalid)?,
        allowed: callback.allow_addresses.clone(),
        authorities: authorities(callback.ca_file.as_ref())?,
        timeout: callback.timeout,
        backoff: callback.backoff,
    })
}
