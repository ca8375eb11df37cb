//! Inter-system requests with their information elements (names after TS 23.280 clause 10.17).
//!
//! Each operation is one file under its family: the elements, how they are read, and their anatomy.

mod acm;
pub mod elements;
mod interconnection;
mod migration;

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::agreement::CertificateThumbprint;
use super::identity::FunctionalAlias;
use super::identity::McServiceId;
use super::identity::McSystemId;
use super::operation::Direction;
use super::operation::Family;
use super::operation::Operation;

pub use super::catalogue::OperationBody;
pub use acm::automatic_response_change::AutomaticResponseChange;
pub use acm::automatic_response_change::CategoryResponse;
pub use acm::automatic_response_change::ConfiguredResponse;
pub use acm::configuration_information::ConfigurationInformation;
pub use acm::connection::AcmConnection;
pub use acm::cooperation_status_change::CooperationChange;
pub use acm::cooperation_status_change::CooperationStatusChange;
pub use acm::cooperation_status_change::RunningSessions;
pub use acm::group_identity_provision::GroupIdentityProvision;
pub use acm::group_membership_update::GroupMembershipUpdate;
pub use acm::group_membership_update::MembershipChange;
pub use acm::joint_group_creation::JointGroupCreation;
pub use acm::migration_users_update::MigrationUsersUpdate;
pub use acm::ue_configuration_push::PushedConfiguration;
pub use acm::ue_configuration_push::UeConfigurationPush;
pub use acm::user_configuration_change::ProposedProfile;
pub use acm::user_configuration_change::UserConfigurationChange;
pub use acm::visiting_service_change::VisitingServiceChange;
pub use interconnection::affiliation::Affiliation;
pub use interconnection::call::CommencementMode;
pub use interconnection::call::GroupCallState;
pub use interconnection::call::PrivateCallState;
pub use interconnection::data_transaction::McdataTransaction;
pub use interconnection::data_transaction::TransactionKind;
pub use interconnection::group_call::InterconnectionGroupCall;
pub use interconnection::group_configuration_share::GroupConfigurationShare;
pub use interconnection::location_information_sharing::LocationInformationSharing;
pub use interconnection::logging_data_delivery::LoggedParty;
pub use interconnection::logging_data_delivery::LoggingData;
pub use interconnection::logging_data_delivery::LoggingDataDelivery;
pub use interconnection::partner_key_material::KeyServerKind;
pub use interconnection::partner_key_material::PartnerKeyMaterial;
pub use interconnection::preconfigured_regroup::PreconfiguredRegroup;
pub use interconnection::preconfigured_regroup::RegroupCriteria;
pub use interconnection::preconfigured_regroup::Regrouped;
pub use interconnection::private_call::McpttPrivateCall;
pub use interconnection::video_call::McvideoCall;
pub use migration::credentialed::LimitedMigration;
pub use migration::credentialed::LinkFailureMigration;
pub use migration::current_system_report::CurrentSystemReport;
pub use migration::inbound_identities::InboundMigrationIdentities;
pub use migration::inter_domain_authorization::InterDomainUserAuthorization;
pub use migration::migration_return::MigrationReturn;
pub use migration::outbound_identities::OutboundMigrationIdentities;
pub use migration::partner_connection_details::PartnerConnectionDetails;
pub use migration::partner_system_access::PartnerSystemAccess;
pub use migration::profile_retrieval::MigratingUserProfileRetrieval;
pub use migration::service_authorization::MigrationServiceAuthorization;
pub use migration::sip_registration::SipRegistration;
pub use migration::ue_release::UeRelease;

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

impl InterSystemRequest {
    /// Whether the other system answers what is accepted here, so that it is granted only then: what we ask of a
    /// partner (ruling 8), and a visitor's migration, to which their home consents (ruling 11).
    ///
    /// What waits for nobody is answered on the line where it is asked, and is no matter of reports.
    pub fn is_answered_by_partner(&self) -> bool {
        let operation = self.body.operation();
        match self.direction {
            Direction::Outbound => {
                operation.family() == Family::Acm
                    && !operation.is_interactive()
                    && self.requesting_system != self.receiving_system
            }
            Direction::Inbound => operation == Operation::MigrationServiceAuthorization,
            Direction::HomeConsent => false,
        }
    }
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// MC service ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mc_service_id: Option<McServiceId>,
    /// Functional alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub functional_alias: Option<FunctionalAlias>,
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
