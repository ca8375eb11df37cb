//! Return of a migrated user, or forced end by the serving system (M12, TR 23.781 clause 5.2.5).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::words::services;

/// Return of a migrated user; one item a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationReturn {
    /// The migrating user, by their home MC service ID.
    pub user: McServiceId,
    /// The system that serves the user, and does no longer.
    pub serving_system: McSystemId,
    /// The services that end; empty: every service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<McService>,
}

impl ReadElements for MigrationReturn {
    const MEMBERS: &'static [&'static str] = &["user", "serving_system", "services"];
    const ABOUT_NOBODY: &'static [&'static str] = &["serving_system", "services"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members
            .required("user")
            .and_then(|element| element.identity());
        let serving_system = members
            .required("serving_system")
            .and_then(|element| element.parsed());
        let services = members
            .optional("services")
            .and_then(|element| services(&element));
        Some(Self {
            user: user?,
            serving_system: serving_system?,
            services: services.unwrap_or_default(),
        })
    }
}

impl InformationElements for MigrationReturn {
    fn action(&self) -> &'static str {
        "returnFromMigration"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ServingSystem
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.user)
    }

    fn division(&self) -> Division<'_> {
        if self.services.is_empty() {
            Division::Services(&McService::ALL)
        } else {
            Division::Services(&self.services)
        }
    }

    fn serving(&self) -> Serving<'_> {
        Serving::Named(&self.serving_system)
    }

    fn is_reducing(&self) -> bool {
        true
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Register]
    }
}
