//! What is kept of pushed UE configuration once it is accepted: digests, and where its data lies.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use super::identity::McSystemId;
use super::registry::Revision;
use super::time::Timestamp;
use super::ue_configuration::ConfigurationElement;
use super::ue_configuration::StoredUeConfiguration;

/// How many earlier versions are found from the newest one; what is older is in the log alone.
pub const EARLIER_VERSIONS_MAX: usize = 1_000;

/// The newest configuration that a partner pushed and that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptUeConfiguration {
    /// The system that provided the data and that the data describes.
    pub provider: McSystemId,
    /// A keyed digest of each element; the next push is compared with them.
    pub digests: BTreeMap<ConfigurationElement, String>,
    /// Where the data is; absent if it was accepted when only digests were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ConfigurationVersion>,
}

/// One accepted push. Its data is sealed in the entry of the log that submitted it, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationVersion {
    /// Counts the accepted pushes of this provider, from 1.
    pub number: u64,
    /// The request that pushed it; the seal is bound to it.
    pub request_id: Uuid,
    /// The entry that submitted it; absent if that is the entry that accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<Revision>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The entries that wrote the versions before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Revision>,
}

impl KeptUeConfiguration {
    /// What decisions see: the digests alone.
    pub fn stored(&self) -> StoredUeConfiguration {
        StoredUeConfiguration {
            provider: self.provider.clone(),
            digests: self.digests.clone(),
        }
    }
}

impl From<StoredUeConfiguration> for KeptUeConfiguration {
    fn from(stored: StoredUeConfiguration) -> Self {
        Self {
            provider: stored.provider,
            digests: stored.digests,
            version: None,
        }
    }
}

impl ConfigurationVersion {
    /// The version that comes after what is kept under a revision.
    pub fn after(
        kept: Option<(Revision, &KeptUeConfiguration)>,
        request_id: Uuid,
        submitted: Option<Revision>,
        accepted_at: Timestamp,
    ) -> Self {
        let before = kept.and_then(|(at, kept)| Some((at, kept.version.as_ref()?)));
        let mut earlier = before.map_or_else(Vec::new, |(at, version)| {
            let mut earlier = version.earlier.clone();
            earlier.push(at);
            earlier
        });
        let excess = earlier.len().saturating_sub(EARLIER_VERSIONS_MAX);
        earlier.drain(..excess);
        Self {
            number: before.map_or(1, |(_, version)| version.number.saturating_add(1)),
            request_id,
            submitted,
            accepted_at,
            earlier,
        }
    }

    /// The entry that wrote a version, if it is this one (written by `at`) or one before that is still found.
    pub fn entry_of(&self, number: u64, at: Revision) -> Option<Revision> {
        let back = self.number.checked_sub(number)?;
        match usize::try_from(back).ok()?.checked_sub(1) {
            None => Some(at),
            Some(place) => self.earlier.iter().rev().nth(place).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::ConfigurationVersion;
    use super::EARLIER_VERSIONS_MAX;
    use super::KeptUeConfiguration;
    use crate::domain::registry::Revision;
    use crate::domain::time::Timestamp;

    fn push(kept: Option<(Revision, &KeptUeConfiguration)>) -> KeptUeConfiguration {
        KeptUeConfiguration {
            provider: "mc.de.example".parse().unwrap(),
            digests: std::collections::BTreeMap::new(),
            version: Some(ConfigurationVersion::after(
                kept,
                Uuid::from_u128(1),
                None,
                Timestamp::from_milliseconds(0),
            )),
        }
    }

    #[test]
    fn versions_are_counted_and_found() {
        let mut kept = push(None);
        assert_eq!(kept.version.as_ref().unwrap().number, 1);
        let last = u64::try_from(EARLIER_VERSIONS_MAX).unwrap() + 5;
        for number in 2..=last {
            // Version n was written by entry 10 n.
            kept = push(Some((Revision(10 * (number - 1)), &kept)));
        }
        let version = kept.version.unwrap();
        let at = Revision(10 * last);
        assert_eq!(version.number, last);
        assert_eq!(version.earlier.len(), EARLIER_VERSIONS_MAX);
        assert_eq!(version.entry_of(last, at), Some(at));
        assert_eq!(
            version.entry_of(last - 1, at),
            Some(Revision(10 * (last - 1)))
        );
        assert_eq!(version.entry_of(5, at), Some(Revision(50)));
        for missing in [0, 4, last + 1] {
            assert_eq!(version.entry_of(missing, at), None, "{missing}");
        }
    }

    #[test]
    fn what_was_kept_before_there_were_versions_is_no_version() {
        let digests_only = KeptUeConfiguration {
            version: None,
            ..push(None)
        };
        let next = push(Some((Revision(7), &digests_only))).version.unwrap();
        assert_eq!((next.number, next.earlier.len()), (1, 0));
    }
}
