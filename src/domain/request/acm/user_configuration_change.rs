//! MCX user configuration change request (A3, TR 22.881 PR X.1.6.1; TR 23.700-38 key issue 3).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::McServiceId;
use crate::domain::request::Requester;
use crate::domain::request::Target;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Element;
use crate::domain::wire::element::Members;
use crate::domain::wire::lists::distinct_by;
use crate::domain::wire::people::requester;
use crate::domain::wire::people::target;
use crate::domain::wire::words::services;
/// MCX user configuration change request; one item a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserConfigurationChange {
    /// Who asks.
    pub requester: Requester,
    /// Whom they ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What shall hold for each user in the system that is asked.
    pub changes: Vec<ProposedProfile>,
}

/// The profile that is proposed for one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposedProfile {
    /// The user.
    pub user: McServiceId,
    /// The services that they shall have.
    pub services: Vec<McService>,
    /// The priority that they shall have, on the scale of the system that is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// The user profile at home that the proposal follows, by index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_index: Option<u16>,
}

impl ReadElements for UserConfigurationChange {
    const MEMBERS: &'static [&'static str] = &["requester", "target", "changes"];
    const ABOUT_NOBODY: &'static [&'static str] = &[];
    const LISTED: Option<&'static str> = Some("changes");

    fn read(members: &Members<'_>, limits: WireLimits) -> Option<Self> {
        let requester = members
            .required("requester")
            .and_then(|who| requester(&who));
        let target = members.optional("target").and_then(|whom| target(&whom));
        let changes = members.required("changes").and_then(|list| {
            distinct_by(&list, limits.members, "user", proposed_profile, |change| {
                change.user.uri().subscriber().to_owned()
            })
        });
        Some(Self {
            requester: requester?,
            target,
            changes: changes?,
        })
    }
}

fn proposed_profile(element: &Element<'_>) -> Option<ProposedProfile> {
    let members = element.object_of(&["user", "services", "priority", "profile_index"])?;
    let user = members.required("user").and_then(|id| id.identity());
    let services = members
        .required("services")
        .and_then(|list| services(&list));
    let priority = members.optional("priority").and_then(|it| it.octet());
    let profile_index = members
        .optional("profile_index")
        .and_then(|it| it.small_number());
    Some(ProposedProfile {
        user: user?,
        services: services?,
        priority,
        profile_index,
    })
}

impl InformationElements for UserConfigurationChange {
    fn action(&self) -> &'static str {
        "changeUserConfiguration"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ReceivingSystem
    }

    fn requester(&self) -> Option<&Requester> {
        Some(&self.requester)
    }

    fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    fn listed(&self) -> usize {
        self.changes.len()
    }

    fn listed_subject(&self, number: usize) -> Option<&McServiceId> {
        self.changes.get(number).map(|change| &change.user)
    }

    fn division(&self) -> Division<'_> {
        Division::Users
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Subject, Need::Grant, Need::Target]
    }

    fn item_particulars(&self, number: usize) -> Vec<(&'static str, Particular<'_>)> {
        let Some(change) = self.changes.get(number) else {
            return Vec::new();
        };
        let services = change.services.iter().map(|service| service.as_str());
        let mut particulars = vec![("services", Particular::Texts(services.collect()))];
        if let Some(priority) = change.priority {
            particulars.push(("priority", Particular::Long(i64::from(priority))));
        }
        particulars
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        vec![("addressed", Particular::Bool(self.target.is_some()))]
    }
}
