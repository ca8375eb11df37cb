//! Adding and removing users for migration (A6, TS 23.280 clause 10.17.5).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::McServiceId;
use crate::domain::request::MembershipChange;
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
use crate::domain::wire::element::Members;
use crate::domain::wire::people::requester;
use crate::domain::wire::people::target;
use crate::domain::wire::people::users;
use crate::domain::wire::words::services;
/// Add or remove users for migration request; one item a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationUsersUpdate {
    /// Who asks.
    pub requester: Requester,
    /// Whom they ask.
    pub target: Target,
    /// The users concerned.
    pub users: Vec<McServiceId>,
    /// Add to those who may migrate, or take from them.
    pub change: MembershipChange,
    /// The services in which the users shall be able to migrate; absent: all that is agreed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<McService>,
}

impl ReadElements for MigrationUsersUpdate {
    const MEMBERS: &'static [&'static str] =
        &["requester", "target", "users", "change", "services"];
    const ABOUT_NOBODY: &'static [&'static str] = &["change", "services"];
    const LISTED: Option<&'static str> = Some("users");

    fn read(members: &Members<'_>, limits: WireLimits) -> Option<Self> {
        let requester = members
            .required("requester")
            .and_then(|who| requester(&who));
        let target = members.required("target").and_then(|whom| target(&whom));
        let users = members
            .required("users")
            .and_then(|list| users(&list, limits));
        let change = members
            .required("change")
            .and_then(|word| word.word("a change", &MembershipChange::WORDS));
        let services = members
            .optional("services")
            .and_then(|list| services(&list));
        Some(Self {
            requester: requester?,
            target: target?,
            users: users?,
            change: change?,
            services: services.unwrap_or_default(),
        })
    }
}

impl InformationElements for MigrationUsersUpdate {
    fn action(&self) -> &'static str {
        match self.change {
            MembershipChange::Add => "addMigrationUser",
            MembershipChange::Delete => "removeMigrationUser",
        }
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ReceivingSystem
    }

    fn requester(&self) -> Option<&Requester> {
        Some(&self.requester)
    }

    fn target(&self) -> Option<&Target> {
        Some(&self.target)
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
        self.change == MembershipChange::Delete
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let services = self.services.iter().map(|service| service.as_str());
        let count = i64::try_from(self.users.len()).unwrap_or(i64::MAX);
        vec![
            ("addressed", Particular::Bool(true)),
            ("services", Particular::Texts(services.collect())),
            ("user_count", Particular::Long(count)),
        ]
    }
}
