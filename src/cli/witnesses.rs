//! Witnesses of the decision log, as they are set up at the start.

use super::service::ServiceError;
use super::webhooks::authorities;
use crate::app::log::Witness;
use crate::app::log::Witnesses;
use crate::config::published_log::PublishedLogSettings;
use crate::config::witnesses::WitnessSettings;
use crate::outbound::sender::Target;
use crate::outbound::witness::WitnessClient;

/// Sets up all of them; one that cannot be is an error.
pub(super) fn set_up(settings: &PublishedLogSettings) -> Result<Witnesses, ServiceError> {
    let witnesses = settings.witnesses.iter();
    let witnesses = witnesses.map(|witness| one(witness, settings));
    let witnesses = witnesses.collect::<Result<Vec<_>, _>>()?;
    let wanted = settings.witnesses_wanted.unwrap_or(witnesses.len());
    Ok(Witnesses::new(witnesses, wanted, settings.witness_patience))
}

fn one(
    witness: &WitnessSettings,
    settings: &PublishedLogSettings,
) -> Result<Witness, ServiceError> {
    let target = Target {
        url: witness.url.clone(),
        secrets: Vec::new(),
        allowed: witness.allow_addresses.clone(),
        authorities: authorities(witness.ca_file.as_ref())?,
        timeout: settings.witness_patience,
    };
    let client = WitnessClient::new(&target)
        .map_err(|error| ServiceError::Witness(witness.key.name().to_owned(), Box::new(error)))?;
    Ok(Witness::new(witness.key.clone(), client))
}
