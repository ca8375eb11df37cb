//! Retrieval of the profile of a migrating user (M14, TS 23.280 reference point CSC-17).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::words::service;

/// Retrieval of the profile of a migrating user; the system that serves them asks the home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigratingUserProfileRetrieval {
    /// The migrating user, by their home MC service ID.
    pub user: McServiceId,
    /// The system that serves the user.
    pub serving_system: McSystemId,
    /// The service.
    pub service: McService,
}

impl ReadElements for MigratingUserProfileRetrieval {
    const MEMBERS: &'static [&'static str] = &["user", "serving_system", "service"];
    const ABOUT_NOBODY: &'static [&'static str] = &["serving_system", "service"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members
            .required("user")
            .and_then(|element| element.identity());
        let serving_system = members
            .required("serving_system")
            .and_then(|element| element.parsed());
        let service = members
            .required("service")
            .and_then(|element| service(&element));
        Some(Self {
            user: user?,
            serving_system: serving_system?,
            service: service?,
        })
    }
}

impl InformationElements for MigratingUserProfileRetrieval {
    fn action(&self) -> &'static str {
        "retrieveMigratingUserProfile"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ReceivingSystem
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.user)
    }

    fn serving(&self) -> Serving<'_> {
        Serving::Named(&self.serving_system)
    }

    fn service(&self) -> Option<McService> {
        Some(self.service)
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        vec![("serving_system", Particular::System(&self.serving_system))]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Register, Need::Access, Need::Grant, Need::Listing]
    }
}
