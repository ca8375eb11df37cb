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

/// Delivery of logging data, by the system that has it, to another that keeps it for the organisation responsible
/// for a user or a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggingDataDelivery {
    /// What is delivered.
    pub kind: LoggingData,
    /// The service that was used.
    pub service: McService,
    /// The user whose communication it is; either they or a group is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<McServiceId>,
    /// The group whose communication it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The system that serves the user, or members of the group.
    pub serving_system: McSystemId,
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
            members.refuse("must have either `user` or `group`");
            return None;
        }
        let serving_system = members
            .required("serving_system")
            .and_then(|system| system.parsed());
        Some(Self {
            kind: kind?,
            service: service?,
            user: user.and_then(|id| id.identity()),
            group: group.and_then(|id| id.identity()),
            serving_system: serving_system?,
        })
    }
}

impl InformationElements for LoggingDataDelivery {
    fn action(&self) -> &'static str {
        "deliverLoggingData"
    }

    /// Where neither is named, a system is no such resource, and the schema refuses the query.
    fn resource(&self) -> Resource<'_> {
        match (&self.user, &self.group) {
            (Some(user), _) => Resource::User(user),
            (None, Some(group)) => Resource::Group(group),
            (None, None) => Resource::ReceivingSystem,
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
