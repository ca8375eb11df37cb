//! Group membership update request (A4, TS 23.280 clause 10.17.4).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::request::Requester;
use crate::domain::request::Target;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::people::requester;
use crate::domain::wire::people::target;
use crate::domain::wire::people::users;

/// Group membership update request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupMembershipUpdate {
    /// Who asks.
    pub requester: Requester,
    /// Whom they ask.
    pub target: Target,
    /// The group.
    pub group: GroupId,
    /// The users concerned; one item each.
    pub members: Vec<McServiceId>,
    /// Add or delete.
    pub change: MembershipChange,
}

/// The operation element of a group membership update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MembershipChange {
    /// The users become members.
    Add,
    /// The users cease to be members.
    Delete,
}

impl MembershipChange {
    /// Every change, by its word.
    pub const WORDS: [(&'static str, Self); 2] = [("add", Self::Add), ("delete", Self::Delete)];
}

impl ReadElements for GroupMembershipUpdate {
    const MEMBERS: &'static [&'static str] = &["requester", "target", "group", "members", "change"];
    const ABOUT_NOBODY: &'static [&'static str] = &["group", "change"];
    const LISTED: Option<&'static str> = Some("members");

    fn read(members: &Members<'_>, limits: WireLimits) -> Option<Self> {
        let requester = members
            .required("requester")
            .and_then(|who| requester(&who));
        let target = members.required("target").and_then(|whom| target(&whom));
        let group = members.required("group").and_then(|id| id.identity());
        let users = members
            .required("members")
            .and_then(|list| users(&list, limits));
        let change = members
            .required("change")
            .and_then(|word| word.word("a change", &MembershipChange::WORDS));
        Some(Self {
            requester: requester?,
            target: target?,
            group: group?,
            members: users?,
            change: change?,
        })
    }
}

impl InformationElements for GroupMembershipUpdate {
    fn action(&self) -> &'static str {
        match self.change {
            MembershipChange::Add => "addGroupMember",
            MembershipChange::Delete => "removeGroupMember",
        }
    }

    fn resource(&self) -> Resource<'_> {
        Resource::Group(&self.group)
    }

    fn requester(&self) -> Option<&Requester> {
        Some(&self.requester)
    }

    fn target(&self) -> Option<&Target> {
        Some(&self.target)
    }

    fn listed(&self) -> usize {
        self.members.len()
    }

    fn listed_subject(&self, number: usize) -> Option<&McServiceId> {
        self.members.get(number)
    }

    fn division(&self) -> Division<'_> {
        Division::Users
    }

    fn needs(&self) -> &'static [Need] {
        &[
            Need::Subject,
            Need::Membership,
            Need::Grant,
            Need::GroupPartner,
            Need::Target,
            Need::OpenDeletion,
        ]
    }

    fn is_reducing(&self) -> bool {
        self.change == MembershipChange::Delete
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let count = i64::try_from(self.members.len()).unwrap_or(i64::MAX);
        vec![("member_count", Particular::Long(count))]
    }
}
