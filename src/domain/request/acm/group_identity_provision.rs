//! Interconnection group identity provision request (A5, TS 23.280 clause 10.17.4.2.2; TR 23.781 key issue 1.12).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::GroupId;
use crate::domain::request::Requester;
use crate::domain::request::Target;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Element;
use crate::domain::wire::element::Members;
use crate::domain::wire::lists::distinct;
use crate::domain::wire::people::requester;
use crate::domain::wire::people::target;
/// Interconnection group identity provision request; one item a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupIdentityProvision {
    /// Who provides.
    pub requester: Requester,
    /// The authorised user in the partner system who is to know.
    pub target: Target,
    /// The interconnection groups.
    pub groups: Vec<GroupId>,
}

impl ReadElements for GroupIdentityProvision {
    const MEMBERS: &'static [&'static str] = &["requester", "target", "groups"];
    const ABOUT_NOBODY: &'static [&'static str] = &["groups"];

    fn read(members: &Members<'_>, limits: WireLimits) -> Option<Self> {
        let requester = members
            .required("requester")
            .and_then(|who| requester(&who));
        let target = members.required("target").and_then(|whom| target(&whom));
        let groups = members
            .required("groups")
            .and_then(|list| distinct(&list, limits.members, "group", Element::identity));
        Some(Self {
            requester: requester?,
            target: target?,
            groups: groups?,
        })
    }
}

impl InformationElements for GroupIdentityProvision {
    fn action(&self) -> &'static str {
        "provideGroupIdentities"
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

    fn division(&self) -> Division<'_> {
        Division::Groups(&self.groups)
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::GroupPartner, Need::Target]
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        vec![("addressed", Particular::Bool(true))]
    }
}
