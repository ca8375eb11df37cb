//! Delivery of logging data between a serving system and a home (I17, TR 23.781 key issues 1.7, 1.8 and 2.11).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::request::interconnection::call::words;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::words::service;

const EITHER: &str = "must have either `user` or `group`";

/// Delivery of logging data, by the system that has it, to another that keeps it for the organisation responsible
/// for a user or a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct LoggingDataDelivery {
    /// What is delivered.
    pub kind: LoggingData,
    /// The service that was used.
    pub service: McService,
    /// Whose communication it is.
    pub party: LoggedParty,
    /// The system that serves the user, or members of the group.
    pub serving_system: McSystemId,
}

/// Whose communication is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoggedParty {
    /// A user's.
    User(McServiceId),
    /// A group's.
    Group(GroupId),
}

/// As it is written: the party by one of two members.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: LoggingData,
    service: McService,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<McServiceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<GroupId>,
    serving_system: McSystemId,
}

impl LoggedParty {
    fn of(user: Option<McServiceId>, group: Option<GroupId>) -> Option<Self> {
        match (user, group) {
            (Some(user), None) => Some(Self::User(user)),
            (None, Some(group)) => Some(Self::Group(group)),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

impl TryFrom<Written> for LoggingDataDelivery {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        Ok(Self {
            kind: written.kind,
            service: written.service,
            party: LoggedParty::of(written.user, written.group).ok_or(EITHER)?,
            serving_system: written.serving_system,
        })
    }
}

impl From<LoggingDataDelivery> for Written {
    fn from(delivery: LoggingDataDelivery) -> Self {
        let (user, group) = match delivery.party {
            LoggedParty::User(user) => (Some(user), None),
            LoggedParty::Group(group) => (None, Some(group)),
        };
        Self {
            kind: delivery.kind,
            service: delivery.service,
            user,
            group,
            serving_system: delivery.serving_system,
        }
    }
}

/// What is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoggingData {
    /// Speech, video or data.
    Media,
    /// Who communicated when.
    Metadata,
}

words! {
    LoggingData, "a kind of logging data":
    Media = "media",
    Metadata = "metadata",
}

impl ReadElements for LoggingDataDelivery {
    const MEMBERS: &'static [&'static str] =
        &["kind", "service", "user", "group", "serving_system"];
    const ABOUT_NOBODY: &'static [&'static str] = &["kind", "service", "group", "serving_system"];
    const ASKED_FOR: Option<&'static str> = Some("user");

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let kind = members.required("kind");
        let kind = kind.and_then(|word| LoggingData::read(&word));
        let service = members.required("service").and_then(|word| service(&word));
        let user = members.optional("user");
        let group = members.optional("group");
        if user.is_some() == group.is_some() {
            members.refuse(EITHER);
            return None;
        }
        let serving_system = members
            .required("serving_system")
            .and_then(|system| system.parsed());
        Some(Self {
            kind: kind?,
            service: service?,
            party: LoggedParty::of(
                user.and_then(|id| id.identity()),
                group.and_then(|id| id.identity()),
            )?,
            serving_system: serving_system?,
        })
    }
}

impl InformationElements for LoggingDataDelivery {
    fn action(&self) -> &'static str {
        "deliverLoggingData"
    }

    fn resource(&self) -> Resource<'_> {
        match &self.party {
            LoggedParty::User(user) => Resource::User(user),
            LoggedParty::Group(group) => Resource::Group(group),
        }
    }

    fn service(&self) -> Option<McService> {
        Some(self.service)
    }

    fn serving(&self) -> Serving<'_> {
        Serving::Named(&self.serving_system)
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::GroupPartner]
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        vec![
            ("logging_data", Particular::Text(self.kind.as_str())),
            ("serving_system", Particular::System(&self.serving_system)),
        ]
    }
}
