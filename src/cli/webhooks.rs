//! Webhooks as they are set up at the start: who they speak for, and their secrets.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use uuid::Uuid;

use super::data_directory::read_private;
use super::service::ServiceError;
use super::service::ServiceSettings;
use crate::app::webhooks::Endpoint;
use crate::app::webhooks::Webhooks;
use crate::config::webhooks::WebhookSettings;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::identity::caller::LOCAL_OPERATOR;
use crate::identity::caller::OPERATOR_ROLE;
use crate::outbound::sender::Target;
use crate::outbound::signature::Secret;

/// The directory in the data directory that says how far webhooks have come.
const DIRECTORY: &str = "webhooks";

/// Sets up all webhooks; one that cannot be is an error.
pub(super) fn set_up(settings: &ServiceSettings, log: Uuid) -> Result<Webhooks, ServiceError> {
    let endpoints = settings.webhooks.iter();
    let endpoints = endpoints.map(|webhook| endpoint(webhook, settings));
    let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
    let directory = settings.data_directory.join(DIRECTORY);
    Webhooks::new(endpoints, &directory, log)
        .map_err(|error| ServiceError::Webhook(error.name, Box::new(error.source)))
}

fn endpoint(
    webhook: &WebhookSettings,
    settings: &ServiceSettings,
) -> Result<Endpoint, ServiceError> {
    let invalid = |detail: String| ServiceError::Webhook(webhook.name.clone(), detail.into());
    let (caller, caller_until) = caller_called(&webhook.caller, settings).map_err(invalid)?;
    let previous = webhook.previous_secret_file.as_ref();
    let secrets = secrets(&webhook.secret_file, previous, invalid)?;
    Ok(Endpoint {
        name: webhook.name.clone(),
        caller,
        caller_until,
        wanted: webhook.wanted.clone(),
        begin_after: webhook.begin_after,
        target: Target {
            url: webhook.url.clone(),
            secrets,
            allowed: webhook.allow_addresses.clone(),
            authorities: authorities(webhook.ca_file.as_ref())?,
            timeout: webhook.timeout,
        },
        backoff: webhook.backoff,
    })
}

/// The caller by whose right something is sent, and until when that is good.
pub(super) fn caller_called(
    name: &str,
    settings: &ServiceSettings,
) -> Result<(Caller, Option<Timestamp>), String> {
    if name == LOCAL_OPERATOR {
        return Ok((Caller::new(name, [OPERATOR_ROLE]), None));
    }
    let mut callers = settings.callers.callers.iter();
    let entry = callers.find(|entry| entry.name == *name);
    let entry = entry
        .ok_or_else(|| format!("no caller is called `{name}`; name one of the callers file"))?;
    let caller = Caller {
        name: entry.name.clone(),
        roles: entry.roles.clone(),
    };
    Ok((caller, entry.not_after))
}

/// The secrets under which something is signed: the one in force, and the one before it as long as it is named.
pub(super) fn secrets(
    file: &Path,
    previous: Option<&PathBuf>,
    invalid: impl Fn(String) -> ServiceError,
) -> Result<Vec<Secret>, ServiceError> {
    let mut secrets = Vec::new();
    for file in [Some(file), previous.map(PathBuf::as_path)] {
        let Some(file) = file else { continue };
        let bytes = read_private(file)?;
        let text = String::from_utf8_lossy(&bytes);
        let secret = text.trim().parse();
        secrets.push(secret.map_err(|error| invalid(format!("{}: {error}", file.display())))?);
    }
    Ok(secrets)
}

/// The authorities in a file, if one is named.
pub(super) fn authorities(file: Option<&PathBuf>) -> Result<Option<Vec<u8>>, ServiceError> {
    let read =
        |file: &PathBuf| fs::read(file).map_err(|error| ServiceError::File(file.clone(), error));
    file.map(read).transpose()
}
