//! Report of the system that serves a user (M11, TR 23.781 clause 5.2.5, key issue 2.5).

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
use crate::domain::time::Timestamp;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::words::service;

/// Report of the system that serves a user now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentSystemReport {
    /// The migrating user, by their home MC service ID.
    pub user: McServiceId,
    /// The system that serves the user.
    pub serving_system: McSystemId,
    /// The service.
    pub service: McService,
    /// When the serving system found it so.
    pub reported_at: Timestamp,
}

impl ReadElements for CurrentSystemReport {
    const MEMBERS: &'static [&'static str] = &["user", "serving_system", "service", "reported_at"];
    const ABOUT_NOBODY: &'static [&'static str] = &["serving_system", "service", "reported_at"];

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
        let reported_at = members
            .required("reported_at")
            .and_then(|element| element.parsed());
        Some(Self {
            user: user?,
            serving_system: serving_system?,
            service: service?,
            reported_at: reported_at?,
        })
    }
}

impl InformationElements for CurrentSystemReport {
    fn action(&self) -> &'static str {
        "reportCurrentSystem"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ServingSystem
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.user)
    }

    fn service(&self) -> Option<McService> {
        Some(self.service)
    }

    fn serving(&self) -> Serving<'_> {
        Serving::Named(&self.serving_system)
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        vec![
            ("serving_system", Particular::System(&self.serving_system)),
            ("reported_at", Particular::Moment(self.reported_at)),
        ]
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Register]
    }
}
