//! The catalogue of operations: each one's word, number, family, sides, and elements.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::credential::Credential;
use crate::domain::operation::Direction;
use crate::domain::operation::Family;
use crate::domain::operation::Waiting;
use crate::domain::request::AcmConnection;
use crate::domain::request::Affiliation;
use crate::domain::request::AutomaticResponseChange;
use crate::domain::request::ConfigurationInformation;
use crate::domain::request::CooperationStatusChange;
use crate::domain::request::CurrentSystemReport;
use crate::domain::request::GroupConfigurationShare;
use crate::domain::request::GroupIdentityProvision;
use crate::domain::request::GroupMembershipUpdate;
use crate::domain::request::InboundMigrationIdentities;
use crate::domain::request::InterDomainUserAuthorization;
use crate::domain::request::InterconnectionGroupCall;
use crate::domain::request::JointGroupCreation;
use crate::domain::request::LimitedMigration;
use crate::domain::request::LinkFailureMigration;
use crate::domain::request::LocationInformationSharing;
use crate::domain::request::LoggingDataDelivery;
use crate::domain::request::McdataTransaction;
use crate::domain::request::McpttPrivateCall;
use crate::domain::request::McvideoCall;
use crate::domain::request::MigratingUserProfileRetrieval;
use crate::domain::request::MigrationReturn;
use crate::domain::request::MigrationServiceAuthorization;
use crate::domain::request::MigrationUsersUpdate;
use crate::domain::request::OutboundMigrationIdentities;
use crate::domain::request::PartnerConnectionDetails;
use crate::domain::request::PartnerKeyMaterial;
use crate::domain::request::PartnerSystemAccess;
use crate::domain::request::PreconfiguredRegroup;
use crate::domain::request::SipRegistration;
use crate::domain::request::UeConfigurationPush;
use crate::domain::request::UeRelease;
use crate::domain::request::UserConfigurationChange;
use crate::domain::request::VisitingServiceChange;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::ReadElements;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;

macro_rules! catalogue {
    ($($(#[$doc:meta])+ $name:ident = $word:literal: $number:literal, $family:ident, [$($direction:ident),+], $waiting:ident;)+) => {
        /// An operation of the catalogue.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Operation {
            $($(#[$doc])+ #[serde(rename = $word)] $name,)+
        }

        /// The information elements of each operation.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "operation")]
        pub enum OperationBody {
            $($(#[$doc])+ #[serde(rename = $word)] $name($name),)+
        }

        impl Operation {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word used on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// The number in the catalogue of `docs/operations.md`.
            pub fn number(self) -> &'static str {
                match self { $(Self::$name => $number),+ }
            }

            /// The family.
            pub fn family(self) -> Family {
                match self { $(Self::$name => Family::$family),+ }
            }

            /// The sides on which the operation is decided.
            pub fn directions(self) -> &'static [Direction] {
                match self { $(Self::$name => &[$(Direction::$direction),+]),+ }
            }

            /// Whether the asker waits on the line, so that nothing may be held (ruling 12).
            pub fn is_interactive(self) -> bool {
                let waiting = match self { $(Self::$name => Waiting::$waiting),+ };
                waiting == Waiting::Never
            }

            /// The names of its own members.
            pub fn members(self) -> &'static [&'static str] {
                match self { $(Self::$name => $name::MEMBERS),+ }
            }

            /// Those of its members that are about nobody.
            pub fn members_about_nobody(self) -> &'static [&'static str] {
                match self { $(Self::$name => $name::ABOUT_NOBODY),+ }
            }

            /// The member that lists users, one item each.
            pub fn listing_member(self) -> Option<&'static str> {
                match self { $(Self::$name => $name::LISTED),+ }
            }

            /// The member that names the user who is asked for.
            pub fn asked_for_member(self) -> Option<&'static str> {
                match self { $(Self::$name => $name::ASKED_FOR),+ }
            }

            pub(in crate::domain) fn read(self, members: &Members<'_>, limits: WireLimits) -> Option<OperationBody> {
                match self { $(Self::$name => $name::read(members, limits).map(OperationBody::$name)),+ }
            }
        }

        impl OperationBody {
            /// The operation.
            pub fn operation(&self) -> Operation {
                match self { $(Self::$name(_) => Operation::$name),+ }
            }

            /// What the operation tells about its elements.
            pub fn elements(&self) -> &dyn InformationElements {
                match self { $(Self::$name(elements) => elements),+ }
            }
        }
    };
}

catalogue! {
    /// Connection authorization between ACM clients and servers (TR 23.700-38, preconditions).
    AcmConnection = "acm-connection": "A0", Acm, [Outbound, Inbound], Never;
    /// Initial MC service UE configuration data request, a push (TR 23.700-38, R-5.16.4-005).
    UeConfigurationPush = "ue-configuration-push": "A1", Acm, [Outbound, Inbound], Possible;
    /// Request for configuration information, a pull (TS 22.280 R-5.16.4-004).
    ConfigurationInformation = "configuration-information": "A2", Acm, [Outbound, Inbound], Possible;
    /// MCX user configuration change request (TR 22.881 PR X.1.6.1).
    UserConfigurationChange = "user-configuration-change": "A3", Acm, [Outbound, Inbound], Possible;
    /// Group membership update (TS 23.280 clause 10.17.4).
    GroupMembershipUpdate = "group-membership-update": "A4", Acm, [Outbound, Inbound], Possible;
    /// Interconnection group identity provision request (TS 23.280 clause 10.17.4.2.2).
    GroupIdentityProvision = "interconnection-group-identity-provision": "A5", Acm, [Outbound, Inbound], Possible;
    /// Adding and removing users for migration (TS 23.280 clause 10.17.5).
    MigrationUsersUpdate = "migration-users-update": "A6", Acm, [Outbound, Inbound], Possible;
    /// Joint creation of an interconnection group (study item on sharing administrative configuration).
    JointGroupCreation = "joint-group-creation": "A7", Acm, [Outbound, Inbound], Possible;
    /// Enabling and disabling services for visiting users (study item on sharing administrative configuration).
    VisitingServiceChange = "visiting-service-change": "A8", Acm, [Outbound, Inbound], Possible;
    /// Change of status of the cooperation (study item on sharing administrative configuration).
    CooperationStatusChange = "cooperation-status-change": "A9", Acm, [Outbound, Inbound], Possible;
    /// Configuration of automatic responses (TR 22.881 PR X.1.6.3; TS 23.280 clause 10.17.3).
    AutomaticResponseChange = "automatic-response-change": "A12", Acm, [Outbound], Possible;
    /// Get partner MC system connection details request (TR 23.781 clause 6.2.1 steps 1 to 3).
    PartnerConnectionDetails = "partner-connection-details": "M1", Migration, [Outbound], Never;
    /// Get outbound migration SIP identities request (TR 23.781 clause 6.2.1 steps 4 to 6).
    OutboundMigrationIdentities = "outbound-migration-identities": "M3", Migration, [Outbound], Never;
    /// Partner MC system access request (TR 23.781 clause 6.2.1 steps 7 and 8).
    PartnerSystemAccess = "partner-system-access": "M4", Migration, [Inbound], Never;
    /// Get inbound migration SIP identities request (TR 23.781 clause 6.2.1 steps 9 to 11).
    InboundMigrationIdentities = "inbound-migration-identities": "M5", Migration, [Inbound], Never;
    /// SIP registration in the partner system, asked at home (TR 23.781 clause 6.2.1 steps 15 to 19).
    SipRegistration = "sip-registration": "M6", Migration, [HomeConsent], Never;
    /// Inter-domain user service authorization (TS 33.180 clause 5.1.4).
    InterDomainUserAuthorization = "inter-domain-user-authorization": "M7", Migration, [Outbound, Inbound], Never;
    /// Migration service authorization (TS 23.280 clause 10.6.3.2.1).
    MigrationServiceAuthorization = "migration-service-authorization": "M8", Migration, [Inbound, HomeConsent], Never;
    /// Migration while the link to the home is down (TR 23.781 key issue 2.10).
    LinkFailureMigration = "link-failure-migration": "M9", Migration, [Inbound], Never;
    /// Service authorization for limited-migration (TR 23.700-90 clause 7.X.2).
    LimitedMigration = "limited-migration": "M10", Migration, [Outbound, Inbound], Never;
    /// Report of the system that serves a user (TR 23.781 key issue 2.5).
    CurrentSystemReport = "current-system-report": "M11", Migration, [Inbound], Never;
    /// Return of a migrated user, or forced end (TR 23.781 key issue 2.5).
    MigrationReturn = "migration-return": "M12", Migration, [Outbound, Inbound], Never;
    /// Release of a partner's configuration from a shared UE (TR 23.781 key issue 2.4).
    UeRelease = "ue-release": "M13", Migration, [Outbound, Inbound], Never;
    /// Retrieval of the profile of a migrating user (CSC-17).
    MigratingUserProfileRetrieval = "migrating-user-profile-retrieval": "M14", Migration, [Outbound, Inbound], Never;
    /// MCPTT private call to a user of another system (TR 23.781 key issue 1.3).
    McpttPrivateCall = "mcptt-private-call": "I1-I2", Interconnection, [Outbound, Inbound], Never;
    /// `MCVideo` call to a user of another system (TR 23.781 key issue 1.3).
    McvideoCall = "mcvideo-call": "I3-I4", Interconnection, [Outbound, Inbound], Never;
    /// `MCData` transaction with a user of another system (TR 23.781 key issue 1.3).
    McdataTransaction = "mcdata-transaction": "I5-I6", Interconnection, [Outbound, Inbound], Never;
    /// Affiliation to a group defined in a partner system (TR 23.781 key issue 1.4).
    Affiliation = "affiliation": "I7-I12", Interconnection, [Outbound, Inbound], Never;
    /// Start of a call in an interconnection group (TR 23.781 key issue 1.6).
    InterconnectionGroupCall = "interconnection-group-call": "I13", Interconnection, [Outbound, Inbound], Never;
    /// Sharing of a group's configuration over CSC-16 (TR 23.781 key issue 1.5).
    GroupConfigurationShare = "group-configuration-share": "I14", Interconnection, [Outbound, Inbound], Possible;
    /// Key material of a partner's security domain for a user (TR 23.781 key issue 1.9).
    PartnerKeyMaterial = "partner-key-material": "I15", Interconnection, [Outbound, Inbound], Possible;
    /// Sharing of bearer and location information within a group call (TR 23.781 key issue 1.11).
    LocationInformationSharing = "location-information-sharing": "I16", Interconnection, [Outbound, Inbound], Possible;
    /// Delivery of media or metadata for logging (TR 23.781 key issues 1.7, 1.8 and 2.11).
    LoggingDataDelivery = "logging-data-delivery": "I17", Interconnection, [Outbound, Inbound], Possible;
    /// Preconfigured regroup with groups or users of a partner (TS 23.280 clause 10.15).
    PreconfiguredRegroup = "preconfigured-regroup": "I18", Interconnection, [Outbound, Inbound], Never;
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl OperationBody {
    /// The push of configuration data, if it is one.
    pub fn push(&self) -> Option<&UeConfigurationPush> {
        if let Self::UeConfigurationPush(push) = self {
            Some(push)
        } else {
            None
        }
    }

    /// What the user presents, to be examined.
    pub fn credential_mut(&mut self) -> Option<&mut Credential> {
        if let Self::InterDomainUserAuthorization(InterDomainUserAuthorization { token, .. })
        | Self::LinkFailureMigration(LinkFailureMigration { token, .. })
        | Self::LimitedMigration(LimitedMigration { token, .. }) = self
        {
            token.as_mut()
        } else {
            None
        }
    }
}
