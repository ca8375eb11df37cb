//! Request for configuration information, a pull (A2, TS 22.280 R-5.16.4-004).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::agreement::DisclosureKind;
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
use crate::domain::wire::words::disclosure_kind;
/// Request for configuration information; one item a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationInformation {
    /// Who asks.
    pub requester: Requester,
    /// Whom they ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The kinds of information.
    pub kinds: Vec<DisclosureKind>,
    /// The groups that are asked about; absent: all that the partner may know of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
}

impl ReadElements for ConfigurationInformation {
    const MEMBERS: &'static [&'static str] = &["requester", "target", "kinds", "groups"];
    const ABOUT_NOBODY: &'static [&'static str] = &["kinds", "groups"];

    fn read(members: &Members<'_>, limits: WireLimits) -> Option<Self> {
        let requester = members
            .required("requester")
            .and_then(|who| requester(&who));
        let target = members.optional("target").and_then(|whom| target(&whom));
        let kinds = members
            .required("kinds")
            .and_then(|list| distinct(&list, DisclosureKind::ALL.len(), "kind", disclosure_kind));
        let groups = members
            .optional("groups")
            .and_then(|list| distinct(&list, limits.members, "group", Element::identity));
        Some(Self {
            requester: requester?,
            target,
            kinds: kinds?,
            groups: groups.unwrap_or_default(),
        })
    }
}

impl InformationElements for ConfigurationInformation {
    fn action(&self) -> &'static str {
        "requestConfigurationInformation"
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

    fn division(&self) -> Division<'_> {
        Division::Kinds(&self.kinds)
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        vec![
            ("addressed", Particular::Bool(self.target.is_some())),
            ("whole_system", Particular::Bool(self.groups.is_empty())),
        ]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Target]
    }
}
