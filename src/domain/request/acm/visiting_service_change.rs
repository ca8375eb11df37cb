//! Enabling and disabling services for visiting users (A8, study item on sharing administrative configuration).

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
use crate::domain::time::Timestamp;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::people::requester;
use crate::domain::wire::people::target;
use crate::domain::wire::people::users;
use crate::domain::wire::words::services;
/// Request to enable or disable services for visiting users; one item a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitingServiceChange {
    /// Who asks, in the system that serves the users.
    pub requester: Requester,
    /// Whom they ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The visiting users, home in the system that is asked.
    pub users: Vec<McServiceId>,
    /// The services.
    pub services: Vec<McService>,
    /// Whether they are to be enabled.
    pub enable: bool,
    /// The first moment of the change; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The first moment after it; absent: until the next change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl ReadElements for VisitingServiceChange {
    const MEMBERS: &'static [&'static str] = &[
        "requester",
        "target",
        "users",
        "services",
        "enable",
        "from",
        "until",
    ];
    const ABOUT_NOBODY: &'static [&'static str] = &["services", "enable", "from", "until"];
    const LISTED: Option<&'static str> = Some("users");

    fn read(members: &Members<'_>, limits: WireLimits) -> Option<Self> {
        let requester = members
            .required("requester")
            .and_then(|who| requester(&who));
        let target = members.optional("target").and_then(|whom| target(&whom));
        let users = members
            .required("users")
            .and_then(|list| users(&list, limits));
        let services = members
            .required("services")
            .and_then(|list| services(&list));
        let enable = members.required("enable").and_then(|flag| flag.boolean());
        let from: Option<Timestamp> = members.optional("from").and_then(|at| at.parsed());
        let until: Option<Timestamp> = members.optional("until").and_then(|at| at.parsed());
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            members.refuse_member("until", "the period ends before it begins".to_owned());
        }
        Some(Self {
            requester: requester?,
            target,
            users: users?,
            services: services?,
            enable: enable?,
            from,
            until,
        })
    }
}

impl InformationElements for VisitingServiceChange {
    fn action(&self) -> &'static str {
        if self.enable {
            "enableVisitingService"
        } else {
            "disableVisitingService"
        }
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
        self.users.len()
    }

    fn listed_subject(&self, number: usize) -> Option<&McServiceId> {
        self.users.get(number)
    }

    fn division(&self) -> Division<'_> {
        Division::Users
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Subject, Need::Grant, Need::Target]
    }

    fn is_reducing(&self) -> bool {
        !self.enable
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let services = self.services.iter().map(|service| service.as_str());
        let mut particulars = vec![
            ("addressed", Particular::Bool(self.target.is_some())),
            ("services", Particular::Texts(services.collect())),
        ];
        if let Some(until) = self.until {
            particulars.push(("until", Particular::Moment(until)));
        }
        particulars
    }
}
