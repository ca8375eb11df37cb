//! Serving what was accepted: the newest version, versions before it, and what differs between two.

use serde::Serialize;
use uuid::Uuid;

use super::kept_of;
use super::sealed_among;
use crate::app::App;
use crate::app::error::AppError;
use crate::app::permission::Action;
use crate::app::requests::decision_record;
use crate::app::requests::record_parts;
use crate::app::requests::reviewer_of;
use crate::app::vault::Binding;
use crate::app::vault::SealedConfiguration;
use crate::app::vault::VaultError;
use crate::decision_log::LogIndex;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::kept_configuration::ConfigurationVersion;
use crate::domain::kept_configuration::KeptUeConfiguration;
use crate::domain::registry::Revision;
use crate::domain::registry::Versioned;
use crate::domain::time::Timestamp;
use crate::domain::ue_configuration::ConfigurationElement;
use crate::domain::ue_configuration::Secrets;
use crate::domain::ue_configuration::StoredUeConfiguration;
use crate::domain::ue_configuration::UeConfigurationData;
use crate::identity::caller::Caller;
use crate::store::embedded::StoredEntry;
use crate::store::event::DocumentChange;

/// One accepted push.
#[derive(Clone, Debug, Serialize)]
pub struct VersionAnswer {
    /// Who provided the data.
    pub provider: McSystemId,
    /// Its number, from 1.
    pub version: u64,
    /// The entry of the log that accepted it.
    pub record: u64,
    /// The request that pushed it.
    pub request_id: Uuid,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The account that submitted it; absent once its record is erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_by: Option<String>,
    /// The authorised user who pushed it; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requester: Option<McServiceId>,
    /// The authorised user of ours who approved it, where somebody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<McServiceId>,
    /// The key under which its data is sealed; absent if the data is not kept (any more).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
}

/// A version with its data.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigurationAnswer {
    /// Which it is.
    #[serde(flatten)]
    pub version: VersionAnswer,
    /// The data, without its secrets.
    pub configuration: UeConfigurationData,
    /// Where a secret is left out.
    pub withheld: Vec<String>,
}

/// The versions of a provider, newest first.
#[derive(Clone, Debug, Serialize)]
pub struct VersionsAnswer {
    /// The versions.
    pub versions: Vec<VersionAnswer>,
}

/// The secrets of a version.
#[derive(Debug, Serialize)]
pub struct SecretsAnswer {
    /// Who provided the data.
    pub provider: McSystemId,
    /// The number of the version.
    pub version: u64,
    /// The entry of the log that says who read them.
    pub record: u64,
    /// The secrets, by their places in the data.
    pub secrets: Secrets,
}

/// Which elements differ between two versions.
#[derive(Clone, Debug, Serialize)]
pub struct ChangesAnswer {
    /// Who provided the data.
    pub provider: McSystemId,
    /// The version before; 0 is nothing.
    pub from: u64,
    /// The version after.
    pub to: u64,
    /// What differs; never the values.
    pub changes: Vec<ConfigurationElement>,
}

/// A version, and the entry that accepted it.
pub(super) struct Accepted {
    pub(super) kept: KeptUeConfiguration,
    pub(super) version: ConfigurationVersion,
    pub(super) entry: StoredEntry,
}

impl App {
    /// A version with its data, the newest unless one is named; its revision.
    pub fn ue_configuration(
        &self,
        caller: &Caller,
        provider: &McSystemId,
        number: Option<u64>,
    ) -> Result<Versioned<ConfigurationAnswer>, AppError> {
        self.permit(caller, Action::ReadUeConfiguration)?;
        let accepted = self.accepted(provider, number)?;
        let sealed = self.sealed(&accepted)?;
        let opened = self.vault().document(&accepted.binding(), &sealed);
        let opened = opened.map_err(|error| unreadable(&error))?;
        Ok(Versioned {
            revision: Revision(accepted.entry.index.0),
            value: ConfigurationAnswer {
                version: self.told(&accepted)?,
                configuration: opened.configuration,
                withheld: opened.withheld,
            },
        })
    }

    /// Some versions of a provider, newest first, from the one before `before` on.
    pub fn ue_configuration_versions(
        &self,
        caller: &Caller,
        provider: &McSystemId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<VersionsAnswer, AppError> {
        self.permit(caller, Action::ReadUeConfiguration)?;
        let newest = self.accepted(provider, None)?;
        let (at, newest) = (Revision(newest.entry.index.0), newest.version);
        let first = before.map_or(newest.number, |before| before.saturating_sub(1));
        let entries = (1..=first.min(newest.number))
            .rev()
            .map_while(|number| newest.entry_of(number, at));
        let versions = entries
            .take(limit)
            .map(|at| self.told(&self.accepted_by(provider, at)?));
        Ok(VersionsAnswer {
            versions: versions.collect::<Result<_, _>>()?,
        })
    }

    /// Which elements differ between two versions; absent, the newest and the one before it.
    pub fn ue_configuration_changes(
        &self,
        caller: &Caller,
        provider: &McSystemId,
        from: Option<u64>,
        to: Option<u64>,
    ) -> Result<ChangesAnswer, AppError> {
        self.permit(caller, Action::ReadUeConfiguration)?;
        let after = self.accepted(provider, to)?;
        let from = from.unwrap_or(after.version.number - 1);
        let before = match from {
            0 => None,
            number => Some(self.accepted(provider, Some(number))?.kept.stored()),
        };
        let changes = StoredUeConfiguration::changes(before.as_ref(), &after.kept.stored());
        Ok(ChangesAnswer {
            provider: after.kept.provider,
            from,
            to: after.version.number,
            changes: changes.into_iter().collect(),
        })
    }

    /// A version as the log has it: the projection only says where to look.
    pub(super) fn accepted(
        &self,
        provider: &McSystemId,
        number: Option<u64>,
    ) -> Result<Accepted, AppError> {
        let found = self.store().view(|state| kept_of(provider, state));
        let found =
            found.ok_or_else(|| missing(format!("`{provider}` has pushed no configuration")))?;
        let newest = found.value.version.as_ref().ok_or_else(|| {
            missing(format!(
                "of the configuration that `{provider}` pushed only digests were kept then; it can push again"
            ))
        })?;
        let at = match number {
            None => Some(found.revision),
            Some(number) => newest.entry_of(number, found.revision),
        };
        let at = at.ok_or_else(|| missing(format!("`{provider}` has no such version")))?;
        self.accepted_by(provider, at)
    }

    fn accepted_by(&self, provider: &McSystemId, at: Revision) -> Result<Accepted, AppError> {
        let entry = self.entry(LogIndex(at.0))?;
        let changes = entry.event.body.changes().iter();
        let kept = changes.filter_map(|change| match change {
            DocumentChange::Put(_, document) => document.ue_configuration(),
            DocumentChange::Deleted(_) => None,
        });
        let mut kept = kept.filter(|kept| kept.provider == *provider).cloned();
        let kept = kept.next();
        let version = kept.as_ref().and_then(|kept| kept.version.clone());
        match (kept, version) {
            (Some(kept), Some(version)) => Ok(Accepted {
                kept,
                version,
                entry,
            }),
            _ => Err(AppError::Broken(
                format!("entry {at} accepted no configuration").into(),
            )),
        }
    }

    fn submission_of(&self, accepted: &Accepted) -> Result<StoredEntry, AppError> {
        match accepted.version.submitted {
            None => Ok(accepted.entry.clone()),
            Some(submitted) => self.entry(LogIndex(submitted.0)),
        }
    }

    pub(super) fn sealed(&self, accepted: &Accepted) -> Result<SealedConfiguration, AppError> {
        let parts = record_parts(&self.submission_of(accepted)?);
        sealed_among(&parts).ok_or_else(|| {
            let Accepted { kept, version, .. } = accepted;
            missing(format!(
                "the data of version {} of `{}` was erased, or was never kept",
                version.number, kept.provider
            ))
        })
    }

    fn told(&self, accepted: &Accepted) -> Result<VersionAnswer, AppError> {
        let submission = self.submission_of(accepted)?;
        let sealed = sealed_among(&record_parts(&submission));
        let record = decision_record(&submission).ok();
        let Accepted {
            kept,
            version,
            entry,
        } = accepted;
        Ok(VersionAnswer {
            provider: kept.provider.clone(),
            version: version.number,
            record: entry.index.0,
            request_id: version.request_id,
            accepted_at: version.accepted_at,
            submitted_by: record.as_ref().map(|record| record.caller.clone()),
            requester: record.as_ref().and_then(|record| {
                let elements = record.request.body.elements();
                elements.requesting_user().cloned()
            }),
            approved_by: reviewer_of(entry),
            key_id: sealed.map(|sealed| sealed.key_id),
        })
    }
}

impl Accepted {
    pub(super) fn binding(&self) -> Binding<'_> {
        Binding {
            provider: &self.kept.provider,
            request_id: self.version.request_id,
        }
    }
}

fn missing(detail: String) -> AppError {
    AppError::NoConfiguration(detail)
}

pub(super) fn unreadable(error: &VaultError) -> AppError {
    AppError::ConfigurationUnreadable(error.to_string())
}
