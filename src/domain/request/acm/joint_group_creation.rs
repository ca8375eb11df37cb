//! Joint creation of an interconnection group (A7, study item on sharing administrative configuration; TR 23.781 clause 5.1.12).

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::group::Group;
use crate::domain::group::GroupPartner;
use crate::domain::identity::GroupId;
use crate::domain::identity::McSystemId;
use crate::domain::request::Requester;
use crate::domain::request::Target;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Element;
use crate::domain::wire::element::Members;
use crate::domain::wire::lists::distinct;
use crate::domain::wire::people::requester;
use crate::domain::wire::people::target;
use crate::domain::wire::words::services;
/// Request to create an interconnection group together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointGroupCreation {
    /// Who asks.
    pub requester: Requester,
    /// Whom they ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The new group.
    pub group: GroupId,
    /// The system in which it is to be defined.
    pub home_system: McSystemId,
    /// The other systems that may have members.
    pub partners: Vec<McSystemId>,
    /// The services of the group.
    pub services: Vec<McService>,
    /// Whether additions by partners are reviewed.
    pub review_additions: bool,
    /// Whether deletions by partners are reviewed.
    pub review_deletions: bool,
    /// Whether the group's communication is protected end to end.
    pub end_to_end_security: bool,
    /// The priority that the group shall have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
}

impl JointGroupCreation {
    /// The group as its home defines it, with a priority of the cap at the most.
    pub fn defined(&self, priority_cap: Option<u8>) -> Group {
        let partners = self.others().into_iter().map(|system| GroupPartner {
            system,
            review_additions: self.review_additions,
            review_deletions: self.review_deletions,
            local_settings: BTreeSet::new(),
            members: BTreeSet::new(),
        });
        let capped = |priority: u8| priority_cap.map_or(priority, |cap| priority.min(cap));
        Group {
            id: self.group.clone(),
            enabled: true,
            interconnection: true,
            services: self.services.iter().copied().collect(),
            organisation: None,
            tags: BTreeSet::new(),
            priority: self.priority.map(capped),
            members: BTreeSet::new(),
            partners: partners.collect(),
        }
    }

    /// Whether a group that is there is this one: in use, and shared with the same systems on the same terms.
    pub fn is_same(&self, group: &Group) -> bool {
        let services: BTreeSet<McService> = self.services.iter().copied().collect();
        let partners = group.partners.iter();
        let shared: BTreeSet<McSystemId> = partners.map(|it| it.system.clone()).collect();
        group.enabled
            && group.interconnection
            && group.services == services
            && shared == self.others()
            && group.partners.iter().all(|it| {
                it.review_additions == self.review_additions
                    && it.review_deletions == self.review_deletions
            })
    }

    fn others(&self) -> BTreeSet<McSystemId> {
        let partners = self.partners.iter();
        let others = partners.filter(|system| **system != self.home_system);
        others.cloned().collect()
    }
}

impl ReadElements for JointGroupCreation {
    const MEMBERS: &'static [&'static str] = &[
        "requester",
        "target",
        "group",
        "home_system",
        "partners",
        "services",
        "review_additions",
        "review_deletions",
        "end_to_end_security",
        "priority",
    ];
    const ABOUT_NOBODY: &'static [&'static str] = &[
        "group",
        "home_system",
        "partners",
        "services",
        "review_additions",
        "review_deletions",
        "end_to_end_security",
        "priority",
    ];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let requester = members
            .required("requester")
            .and_then(|who| requester(&who));
        let target = members.optional("target").and_then(|whom| target(&whom));
        let group = members.required("group").and_then(|id| id.identity());
        let home_system = members.required("home_system").and_then(|id| id.parsed());
        let partners = members
            .required("partners")
            .and_then(|list| distinct(&list, PARTNERS_MAX, "system", Element::parsed));
        let services = members
            .required("services")
            .and_then(|list| services(&list));
        let flag = |name| members.required(name).and_then(|flag| flag.boolean());
        let review_additions = flag("review_additions");
        let review_deletions = flag("review_deletions");
        let end_to_end_security = flag("end_to_end_security");
        let priority = members.optional("priority").and_then(|it| it.octet());
        Some(Self {
            requester: requester?,
            target,
            group: group?,
            home_system: home_system?,
            partners: partners?,
            services: services?,
            review_additions: review_additions?,
            review_deletions: review_deletions?,
            end_to_end_security: end_to_end_security?,
            priority,
        })
    }
}

const PARTNERS_MAX: usize = 64;

impl InformationElements for JointGroupCreation {
    fn action(&self) -> &'static str {
        "createJointGroup"
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

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let services = self.services.iter().map(|service| service.as_str());
        let mut particulars = vec![
            ("addressed", Particular::Bool(self.target.is_some())),
            ("home_system", Particular::System(&self.home_system)),
            (
                "partners",
                Particular::Systems(self.partners.iter().collect()),
            ),
            ("services", Particular::Texts(services.collect())),
            (
                "end_to_end_security",
                Particular::Bool(self.end_to_end_security),
            ),
        ];
        if let Some(home) = self.group.uri().domain() {
            particulars.push(("group_home", Particular::System(home)));
        }
        if let Some(priority) = self.priority {
            particulars.push(("priority", Particular::Long(i64::from(priority))));
        }
        particulars
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Target, Need::JointGroup]
    }
}
