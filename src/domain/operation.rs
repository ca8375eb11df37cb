//! The inter-system operations, and the side on which each is decided.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// An operation of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Group membership update (TS 23.280 clause 10.17.4).
    GroupMembershipUpdate,
    /// Affiliation to a group defined in a partner system (TR 23.781 key issue 1.4).
    Affiliation,
    /// Migration service authorization (TS 23.280 clause 10.6.3.2.1).
    MigrationServiceAuthorization,
    /// Initial MC service UE configuration data request, a push (TR 23.700-38, R-5.16.4-005).
    UeConfigurationPush,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 4] = [
        Self::GroupMembershipUpdate,
        Self::Affiliation,
        Self::MigrationServiceAuthorization,
        Self::UeConfigurationPush,
    ];

    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GroupMembershipUpdate => "group-membership-update",
            Self::Affiliation => "affiliation",
            Self::MigrationServiceAuthorization => "migration-service-authorization",
            Self::UeConfigurationPush => "ue-configuration-push",
        }
    }

    /// Whether the asker waits on the line, so that nothing may be held (ruling 12).
    pub fn is_interactive(self) -> bool {
        match self {
            Self::Affiliation | Self::MigrationServiceAuthorization => true,
            Self::GroupMembershipUpdate | Self::UeConfigurationPush => false,
        }
    }

    /// The sides on which the operation is decided.
    pub fn directions(self) -> &'static [Direction] {
        match self {
            Self::GroupMembershipUpdate | Self::UeConfigurationPush | Self::Affiliation => {
                &[Direction::Outbound, Direction::Inbound]
            }
            Self::MigrationServiceAuthorization => &[Direction::Inbound, Direction::HomeConsent],
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which question is asked of this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// May our user ask?
    Outbound,
    /// Do we agree?
    Inbound,
    /// Does our user's migration stand?
    HomeConsent,
}

impl Direction {
    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
            Self::HomeConsent => "home-consent",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
