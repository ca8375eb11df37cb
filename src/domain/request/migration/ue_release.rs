//! Release of a partner's configuration from a shared UE (M13, TR 23.781 clause 5.2.4.2; ruling 13).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::sip::UeId;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;

/// The user of a shared UE is no longer the one to whom a partner's configuration was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UeRelease {
    /// The user to whom it was given, by their home MC service ID.
    pub user: McServiceId,
    /// The UE.
    pub ue: UeId,
    /// The system whose configuration it holds.
    pub serving_system: McSystemId,
}

impl ReadElements for UeRelease {
    const MEMBERS: &'static [&'static str] = &["user", "ue", "serving_system"];
    const ABOUT_NOBODY: &'static [&'static str] = &["serving_system"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members
            .required("user")
            .and_then(|element| element.identity());
        let ue = members.required("ue").and_then(|element| element.parsed());
        let serving_system = members
            .required("serving_system")
            .and_then(|element| element.parsed());
        Some(Self {
            user: user?,
            ue: ue?,
            serving_system: serving_system?,
        })
    }
}

impl InformationElements for UeRelease {
    fn action(&self) -> &'static str {
        "releasePartnerConfiguration"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ServingSystem
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.user)
    }

    fn serving(&self) -> Serving<'_> {
        Serving::Named(&self.serving_system)
    }

    fn ue(&self) -> Option<&UeId> {
        Some(&self.ue)
    }

    fn is_reducing(&self) -> bool {
        true
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Access]
    }
}
