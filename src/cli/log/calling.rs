//! Calling the service whose log it is.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Failure;
use crate::cli::client::ClientError;

/// What an error of a call means: 1 where the service says no, 2 where the call was wrong, 3 where something is broken.
pub(super) fn failure(error: &ClientError) -> Failure {
    let reason = error.to_string();
    match error {
        ClientError::Refused { status, .. } => match status {
            401 | 403 | 404 => Failure::No(reason),
            400..=499 => Failure::Input(reason),
            _ => Failure::Broken(reason),
        },
        ClientError::Token(_) | ClientError::Invalid(_) => Failure::Input(reason),
        ClientError::Unreachable { .. } | ClientError::Answer(_) => Failure::Broken(reason),
    }
}

/// An answer as what it should be.
pub(super) fn understood<T: DeserializeOwned>(body: Value) -> Result<T, Failure> {
    serde_json::from_value(body).map_err(|error| failure(&ClientError::Answer(error.to_string())))
}
