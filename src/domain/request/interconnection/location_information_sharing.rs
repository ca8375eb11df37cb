//! Sharing of bearer and location information within a group call (I16, TR 23.781 key issue 1.11).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::agreement::SharedInformation;
use crate::domain::identity::GroupId;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::words::service;

/// Sharing of bearer and location information between the servers that provide service within one group call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocationInformationSharing {
    /// The group that is called.
    pub group: GroupId,
    /// The service of the call.
    pub service: McService,
    /// What is shared.
    pub information: SharedInformation,
}

impl ReadElements for LocationInformationSharing {
    const MEMBERS: &'static [&'static str] = &["group", "service", "information"];
    const ABOUT_NOBODY: &'static [&'static str] = Self::MEMBERS;

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let words = SharedInformation::ALL.map(|kind| (kind.as_str(), kind));
        let group = members.required("group").and_then(|id| id.identity());
        let service = members.required("service").and_then(|word| service(&word));
        let information = members
            .required("information")
            .and_then(|word| word.word("information that is shared", &words));
        Some(Self {
            group: group?,
            service: service?,
            information: information?,
        })
    }
}

impl InformationElements for LocationInformationSharing {
    fn action(&self) -> &'static str {
        "shareLocationInformation"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::Group(&self.group)
    }

    fn service(&self) -> Option<McService> {
        Some(self.service)
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::GroupPartner]
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        vec![("information", Particular::Text(self.information.as_str()))]
    }
}
