//! Webhooks as they are set up at the start: who they speak for, and their secrets.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use uuid::Uuid;

use super::chain;
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
use crate::outbound::sender::InvalidTarget;
use crate::outbound::sender::Target;
use crate::outbound::signature::Secret;

/// The directory in the data directory that says how far webhooks have come.
const DIRECTORY: &str = "webhooks";

/// What is wrong with webhooks: of each, everything.
#[derive(Debug, thiserror::Error)]
#[error("webhooks cannot be set up: {}", .0.join("; "))]
pub struct InvalidWebhooks(Vec<String>);

/// Reads what all webhooks need, before anything is written; everything that is wrong is named at once.
pub(super) fn checked(settings: &ServiceSettings) -> Result<Vec<Endpoint>, InvalidWebhooks> {
    let (mut endpoints, mut problems) = (Vec::new(), Vec::new());
    for webhook in &settings.webhooks {
        let name = &webhook.name;
        match endpoint(webhook, settings) {
            Ok(endpoint) => endpoints.push(endpoint),
            Err(found) => problems.extend(found.into_iter().map(|it| format!("`{name}`: {it}"))),
        }
    }
    if problems.is_empty() {
        Ok(endpoints)
    } else {
        Err(InvalidWebhooks(problems))
    }
}

/// Sets up all webhooks.
pub(super) fn set_up(
    endpoints: Vec<Endpoint>,
    settings: &ServiceSettings,
    log: Uuid,
) -> Result<Webhooks, ServiceError> {
    let directory = settings.data_directory.join(DIRECTORY);
    let webhooks = Webhooks::new(endpoints, &directory, log);
    webhooks.map_err(|error| {
        let problem = format!("`{}`: {}", error.name, error.source);
        ServiceError::Webhooks(InvalidWebhooks(vec![problem]))
    })
}

fn endpoint(
    webhook: &WebhookSettings,
    settings: &ServiceSettings,
) -> Result<Endpoint, Vec<String>> {
    let mut problems = Vec::new();
    let caller = caller_called(&webhook.caller, settings).map_err(|problem| problems.push(problem));
    let files = [
        Some(&webhook.secret_file),
        webhook.previous_secret_file.as_ref(),
    ];
    let mut secrets = Vec::new();
    for file in files.into_iter().flatten() {
        match secret(file) {
            Ok(secret) => secrets.push(secret),
            Err(problem) => problems.push(problem),
        }
    }
    let authorities = authorities(webhook.ca_file.as_ref());
    let authorities = authorities.map_err(|error| problems.push(chain(&error)));
    let target = Target {
        url: webhook.url.clone(),
        secrets,
        allowed: webhook.allow_addresses.clone(),
        authorities: authorities.unwrap_or_default(),
        timeout: webhook.timeout,
    };
    let (caller, caller_until) = caller.unwrap_or_else(|()| (Caller::new("", [""]), None));
    let endpoint = Endpoint {
        name: webhook.name.clone(),
        caller,
        caller_until,
        wanted: webhook.wanted.clone(),
        begin_after: webhook.begin_after,
        target,
        backoff: webhook.backoff,
    };
    match endpoint.check() {
        // Why there is none was said.
        Ok(()) | Err(InvalidTarget::NoSecret) => {}
        Err(error) => problems.push(chain(&error)),
    }
    if problems.is_empty() {
        Ok(endpoint)
    } else {
        Err(problems)
    }
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
    let files = [Some(file), previous.map(PathBuf::as_path)];
    let files = files.into_iter().flatten();
    files.map(|file| secret(file).map_err(&invalid)).collect()
}

/// The authorities in a file, if one is named.
pub(super) fn authorities(file: Option<&PathBuf>) -> Result<Option<Vec<u8>>, ServiceError> {
    let read =
        |file: &PathBuf| fs::read(file).map_err(|error| ServiceError::File(file.clone(), error));
    file.map(read).transpose()
}

fn secret(file: &Path) -> Result<Secret, String> {
    let bytes = read_private(file).map_err(|error| chain(&error))?;
    let text = String::from_utf8_lossy(&bytes);
    let read = text.trim().parse();
    read.map_err(|error| format!("{}: {error}", file.display()))
}
