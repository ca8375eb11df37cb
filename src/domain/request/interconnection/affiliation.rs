//! Affiliation of a user to a group defined in another system (I7 to I12, TR 23.781 key issue 1.4).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::words::service;

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

impl ReadElements for Affiliation {
    const MEMBERS: &'static [&'static str] = &["user", "group", "service", "serving_system"];
    const ABOUT_NOBODY: &'static [&'static str] = &["group", "service", "serving_system"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members.required("user").and_then(|id| id.identity());
        let group = members.required("group").and_then(|id| id.identity());
        let service = members.required("service").and_then(|word| service(&word));
        let serving_system = members
            .required("serving_system")
            .and_then(|system| system.parsed());
        Some(Self {
            user: user?,
            group: group?,
            service: service?,
            serving_system: serving_system?,
        })
    }
}

impl InformationElements for Affiliation {
    fn action(&self) -> &'static str {
        "affiliate"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::Group(&self.group)
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.user)
    }

    fn service(&self) -> Option<McService> {
        Some(self.service)
    }

    fn serving(&self) -> Serving<'_> {
        Serving::Named(&self.serving_system)
    }

    fn needs(&self) -> &'static [Need] {
        &[
            Need::Membership,
            Need::Grant,
            Need::HomeAgreement,
            Need::ServingAgreement,
            Need::MigratedProfile,
            Need::CurrentSystem,
            Need::OpenDeletion,
        ]
    }
}
