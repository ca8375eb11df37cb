//! Partner agreements: our half only (TR 23.781 solution 1; ruling 6).
//!
//! Every flag is false unless it is set: what an agreement does not say is not granted.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::area::AreaId;
use super::identity::McSystemId;
use super::time::Timestamp;

/// What we grant one partner, and under which terms.
///
/// The parts are independent: a missing part grants nothing and voids no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// The partner: the domain portion of the MC service IDs for which it is home.
    pub partner: McSystemId,
    /// Whether the cooperation is in force.
    pub status: AgreementStatus,
    /// The first moment at which it holds.
    pub valid_from: Timestamp,
    /// The first moment at which it no longer holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// SHA-256 thumbprints of the certificates by which the partner's peers are known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub certificates: BTreeSet<CertificateThumbprint>,
    /// The interconnection flags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interconnection: Option<InterconnectionTerms>,
    /// The migration flags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<MigrationTerms>,
    /// Migration without interconnection (TR 23.700-90).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_migration: Option<LimitedMigrationTerms>,
    /// The administrative exchanges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acm: Option<AcmTerms>,
    /// Addresses and signalling-plane addresses of the partner's servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<PartnerAddress>,
    /// Key management servers of the partner that our users may use.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kms_uris: BTreeSet<String>,
    /// Our key management servers from which the partner's users may obtain key material.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub offered_kms_uris: BTreeSet<String>,
    /// What the servers of both systems may tell each other about bearers and places (TR 23.781 key issue 1.11).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub information_sharing: BTreeSet<SharedInformation>,
    /// The highest local priority that a user of the partner may be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_ceiling: Option<u8>,
    /// Areas of our area map in which the agreement holds for migration, calls and regroups; empty means everywhere.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub areas: BTreeSet<AreaId>,
    /// Whether data for logging may be delivered to the partner.
    #[serde(default)]
    pub logging_delivery: bool,
    /// Whom to ask about a held request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_contact: Option<String>,
}

/// The status of the cooperation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgreementStatus {
    /// Written down, not yet in force.
    Draft,
    /// In force.
    Active,
    /// Interrupted; resuming restores our half.
    Suspended,
    /// Over.
    Ended,
}

impl AgreementStatus {
    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Ended => "ended",
        }
    }
}

/// The ten interconnection flags of TR 23.781 solution 1, and those that it lacks: for `MCData` groups and regroups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the source names each flag by itself"
)]
pub struct InterconnectionTerms {
    /// Outgoing MCPTT private calls to users in the partner system.
    pub mcptt_private_outgoing: bool,
    /// Incoming MCPTT private calls from users in the partner system.
    pub mcptt_private_incoming: bool,
    /// Our users may affiliate to MCPTT groups defined in the partner system.
    pub mcptt_group_outgoing: bool,
    /// MCPTT groups defined here permit affiliation from the partner system.
    pub mcptt_group_incoming: bool,
    /// Outgoing `MCVideo` calls.
    pub mcvideo_private_outgoing: bool,
    /// Incoming `MCVideo` calls.
    pub mcvideo_private_incoming: bool,
    /// Our users may affiliate to `MCVideo` groups defined in the partner system.
    pub mcvideo_group_outgoing: bool,
    /// `MCVideo` groups defined here permit affiliation from the partner system.
    pub mcvideo_group_incoming: bool,
    /// Outgoing `MCData` transactions.
    pub mcdata_private_outgoing: bool,
    /// Incoming `MCData` transactions.
    pub mcdata_private_incoming: bool,
    /// Our users may affiliate to `MCData` groups defined in the partner system.
    pub mcdata_group_outgoing: bool,
    /// `MCData` groups defined here permit affiliation from the partner system.
    pub mcdata_group_incoming: bool,
    /// Our users may ask for preconfigured regroups with groups and users of the partner system.
    pub regroup_outgoing: bool,
    /// The partner's users may ask for preconfigured regroups with our groups and users.
    pub regroup_incoming: bool,
}

/// The five migration flags of TR 23.781 solution 1, and the terms that it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the source names each flag by itself"
)]
pub struct MigrationTerms {
    /// The partner's users may migrate to us.
    pub inbound: bool,
    /// They may take part in MCPTT private calls here.
    pub mcptt_private: bool,
    /// They may affiliate to MCPTT groups and join MCPTT group calls here.
    pub mcptt_group: bool,
    /// They may take part in `MCVideo` calls here.
    pub mcvideo: bool,
    /// They may affiliate to `MCVideo` groups here.
    pub mcvideo_group: bool,
    /// They may send and receive `MCData` transactions here.
    pub mcdata: bool,
    /// They may affiliate to `MCData` groups here.
    pub mcdata_group: bool,
    /// Our users may migrate to the partner.
    pub outbound: bool,
    /// The partner's users may migrate while the link to their home is down, under a reduced profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_failure: Option<LinkFailureTerms>,
    /// Only users whom the partner has listed for migration (A6) may come, not all of whom it is home.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub listed_users_only: bool,
    /// How many of the partner's users may be migrated here at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<u32>,
    /// How long access to the other system may last from when it is given (M1, M4), in minutes; absent: as long as the
    /// profile for migrated users says, and a day where there is none that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_minutes_max: Option<u32>,
    /// How old a measurement of the link may be and still count, in seconds; absent: five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_age_seconds_max: Option<u32>,
}

/// Terms of migration during link failure (TR 23.781 key issue 2.10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkFailureTerms {
    /// The migrated-user profile that applies.
    pub profile: String,
    /// How long an unverified grant may last, in minutes.
    pub life_minutes_max: u32,
}

/// Terms of migration without interconnection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitedMigrationTerms {
    /// The partner's users may come.
    pub inbound: bool,
    /// Our users may go.
    pub outbound: bool,
}

/// Which administrative exchanges are agreed, and how much at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the source names each exchange by itself"
)]
pub struct AcmTerms {
    /// Group membership updates (A4).
    pub group_membership: bool,
    /// Pushes of initial MC service UE configuration data (A1).
    pub configuration_push: bool,
    /// Requests for configuration information (A2), by kind.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub disclosure: BTreeSet<DisclosureKind>,
    /// User configuration changes (A3).
    pub user_configuration: bool,
    /// Adding users for migration (A6).
    pub migration_users: bool,
    /// Joint groups (A7).
    pub joint_groups: bool,
    /// The largest membership list that may be answered automatically.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members_max: Option<u32>,
}

/// A kind of information that may be disclosed (R-5.16.4-004).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisclosureKind {
    /// Users.
    Users,
    /// Groups.
    Groups,
    /// The security level.
    SecurityLevel,
}

impl DisclosureKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Users, Self::Groups, Self::SecurityLevel];

    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::SecurityLevel => "security-level",
        }
    }
}

/// What one server may tell another within a group call (TR 23.781 clause 5.1.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharedInformation {
    /// Multicast channels.
    Multicast,
    /// Cells in which there are members.
    Cell,
    /// Where the served users are.
    Location,
}

impl SharedInformation {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Multicast, Self::Cell, Self::Location];

    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Multicast => "multicast",
            Self::Cell => "cell",
            Self::Location => "location",
        }
    }
}

/// Where a server of the partner is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerAddress {
    /// The function reached there, such as `MC-service-server` or `SIP-core`.
    pub function: String,
    /// An IP address or URI.
    pub address: String,
    /// The PDN within which it can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdn: Option<String>,
}

/// The SHA-256 thumbprint of a certificate, written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct CertificateThumbprint(String);

/// Why a text is not a certificate thumbprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a thumbprint: `sha256:` and 64 hexadecimal digits")]
pub struct InvalidThumbprint(String);

impl CertificateThumbprint {
    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for CertificateThumbprint {
    type Err = InvalidThumbprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        let digits = lower.strip_prefix("sha256:").unwrap_or_default();
        if digits.len() != 64 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(InvalidThumbprint(text.to_owned()));
        }
        Ok(Self(lower))
    }
}

impl<'de> Deserialize<'de> for CertificateThumbprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
