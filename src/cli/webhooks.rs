//! Webhooks as they are set up at the start: who they speak for, and their secrets.

use std::fs;
use std::path::Path;

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
    let (caller, caller_until) = caller(webhook, settings)?;
    let mut secrets = vec![secret(webhook, &webhook.secret_file)?];
    if let Some(file) = &webhook.previous_secret_file {
        secrets.push(secret(webhook, file)?);
    }
    let authorities = webhook
        .ca_file
        .as_ref()
        .map(|file| fs::read(file).map_err(|error| ServiceError::File(file.clone(), error)));
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
            authorities: authorities.transpose()?,
            timeout: webhook.timeout,
        },
        backoff: webhook.backoff,
    })
}

/// The caller by whose right it sends, and until when that is good.
fn caller(
    webhook: &WebhookSettings,
    settings: &ServiceSettings,
) -> Result<(Caller, Option<Timestamp>), ServiceError> {
    let name = &webhook.caller;
    if name == LOCAL_OPERATOR {
        return Ok((Caller::new(name, [OPERATOR_ROLE]), None));
    }
    let mut callers = settings.callers.callers.iter();
    let entry = callers.find(|entry| entry.name == *name);
    let entry = entry.ok_or_else(|| {
        let detail = format!("no caller is called `{name}`; name one of the callers file");
        ServiceError::Webhook(webhook.name.clone(), detail.into())
    })?;
    let caller = Caller {
        name: entry.name.clone(),
        roles: entry.roles.clone(),
    };
    Ok((caller, entry.not_after))
}

fn secret(webhook: &WebhookSettings, file: &Path) -> Result<Secret, ServiceError> {
    let bytes = read_private(file)?;
    let text = String::from_utf8_lossy(&bytes);
    text.trim().parse().map_err(|error| {
        let detail = format!("{}: {error}", file.display());
        ServiceError::Webhook(webhook.name.clone(), detail.into())
    })
}
