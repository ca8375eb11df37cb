//! Inter-system requests with their information elements (names after TS 23.280 clause 10.17).

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::agreement::CertificateThumbprint;
use super::identity::FunctionalAlias;
use super::identity::GroupId;
use super::identity::McServiceId;
use super::identity::McSystemId;
use super::operation::Direction;
use super::operation::Operation;
use super::service::McService;
use super::ue_configuration::StoredUeConfiguration;
use super::ue_configuration::UeConfigurationData;

/// A request as a front-end submits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterSystemRequest {
    /// On which side the question is asked.
    pub direction: Direction,
    /// Joins what both systems record about one exchange.
    pub correlation_id: String,
    /// What the authenticated front-end attests about the other system (ruling 2); inbound and home consent only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
    /// The system that asks.
    pub requesting_system: McSystemId,
    /// The system that is asked.
    pub receiving_system: McSystemId,
    /// The operation and its own information elements.
    pub body: OperationBody,
    /// How urgent the requester says it is; sorts and notifies, never raises authority (ruling 23).
    #[serde(default)]
    pub urgency: Urgency,
    /// Why the requester asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
}

/// The other system as the front-end authenticated it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its MC system ID.
    pub system: McSystemId,
    /// The thumbprint of its certificate.
    pub certificate: CertificateThumbprint,
}

/// An authorised user at an ACM client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requester {
    /// MC service ID.
    pub mc_service_id: McServiceId,
    /// Functional alias under which the user acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub functional_alias: Option<FunctionalAlias>,
    /// What the requesting system asserts about the user; policies may use it, and it is marked as asserted (ruling 3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
}

/// Whom an ACM request is addressed to: at least one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// MC service ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mc_service_id: Option<McServiceId>,
    /// Functional alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub functional_alias: Option<FunctionalAlias>,
}

/// The information elements of each operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub enum OperationBody {
    /// A4, TS 23.280 clause 10.17.4.
    GroupMembershipUpdate(GroupMembershipUpdate),
    /// I7 and I8, TR 23.781 key issue 1.4.
    Affiliation(Affiliation),
    /// M8, TS 23.280 clause 10.6.3.2.1.
    MigrationServiceAuthorization(MigrationServiceAuthorization),
    /// A1, TR 23.700-38 solution for key issues 3 and 5.
    UeConfigurationPush(UeConfigurationPush),
}

/// Group membership update request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupMembershipUpdate {
    /// Who asks.
    pub requester: Requester,
    /// Whom they ask.
    pub target: Target,
    /// The group.
    pub group: GroupId,
    /// The users concerned; one item each.
    pub members: Vec<McServiceId>,
    /// Add or delete.
    pub change: MembershipChange,
}

/// The operation element of a group membership update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MembershipChange {
    /// The users become members.
    Add,
    /// The users cease to be members.
    Delete,
}

/// Affiliation of a user to a group defined in another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affiliation {
    /// The affiliating user, by their home identity.
    pub user: McServiceId,
    /// The group.
    pub group: GroupId,
    /// The service in which the user affiliates.
    pub service: McService,
    /// The system that serves the user now.
    pub serving_system: McSystemId,
}

/// Migration service authorization request; one item a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationServiceAuthorization {
    /// The migrating user, by their home MC service ID.
    pub user: McServiceId,
    /// The identity that the serving system gave them, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_mc_service_id: Option<McServiceId>,
    /// The services asked for.
    pub services: Vec<McService>,
    /// The user profile asked for, by index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_index: Option<u16>,
}

/// Initial MC service UE configuration data request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UeConfigurationPush {
    /// Who asks.
    pub requester: Requester,
    /// The system that provides the data.
    pub mc_system_id: McSystemId,
    /// The data, or what is kept of it.
    pub configuration: PushedConfiguration,
}

/// Pushed configuration data: clear as it arrives, sealed before anything is decided or kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushedConfiguration {
    /// The data itself, with its secrets; it cannot be serialized.
    Clear(Box<UeConfigurationData>),
    /// Keyed digests of its elements.
    Sealed(StoredUeConfiguration),
}

impl PushedConfiguration {
    /// The system that the data describes.
    pub fn describes(&self) -> &McSystemId {
        match self {
            Self::Clear(data) => &data.mc_system_id,
            Self::Sealed(stored) => &stored.provider,
        }
    }
}

impl Serialize for PushedConfiguration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear(_) => Err(serde::ser::Error::custom(
                "configuration data in clear is never written down",
            )),
            Self::Sealed(stored) => stored.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for PushedConfiguration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StoredUeConfiguration::deserialize(deserializer).map(Self::Sealed)
    }
}

/// Operational urgency; absent is normal.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// It can wait.
    Low,
    /// As usual.
    #[default]
    Normal,
    /// Soon.
    High,
    /// At once.
    Critical,
}

impl Urgency {
    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl OperationBody {
    /// The operation.
    pub fn operation(&self) -> Operation {
        match self {
            Self::GroupMembershipUpdate(_) => Operation::GroupMembershipUpdate,
            Self::Affiliation(_) => Operation::Affiliation,
            Self::MigrationServiceAuthorization(_) => Operation::MigrationServiceAuthorization,
            Self::UeConfigurationPush(_) => Operation::UeConfigurationPush,
        }
    }

    /// The user who asks: the requester of an ACM exchange, else the user who migrates or affiliates.
    pub fn requesting_user(&self) -> &McServiceId {
        match self {
            Self::GroupMembershipUpdate(update) => &update.requester.mc_service_id,
            Self::Affiliation(affiliation) => &affiliation.user,
            Self::MigrationServiceAuthorization(authorization) => &authorization.user,
            Self::UeConfigurationPush(push) => &push.requester.mc_service_id,
        }
    }
}
