//! Service authorization for limited-migration (M10, TR 23.700-90 clause 7.X.2).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::credential::Credential;
use crate::domain::identity::McServiceId;
use crate::domain::partner_keys::NAME_BYTES_MAX;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::words::credential;
use crate::domain::wire::words::services;

/// Migration without interconnection; one item a service. Outbound the home decides beforehand, inbound the partner on what is presented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitedMigration {
    /// The migrating user, by their home MC service ID.
    pub user: McServiceId,
    /// The identity that the serving system gave them, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_mc_service_id: Option<McServiceId>,
    /// The services asked for.
    pub services: Vec<McService>,
    /// The security token that the user presents; inbound only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Credential>,
    /// The address of our identity management server where it was presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presented_at: Option<String>,
}

impl ReadElements for LimitedMigration {
    const MEMBERS: &'static [&'static str] = &[
        "user",
        "serving_mc_service_id",
        "services",
        "token",
        "presented_at",
    ];
    const ABOUT_NOBODY: &'static [&'static str] = &["services"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members
            .required("user")
            .and_then(|element| element.identity());
        let serving_mc_service_id = members
            .optional("serving_mc_service_id")
            .and_then(|element| element.identity());
        let services = members
            .required("services")
            .and_then(|element| services(&element));
        let token = members
            .optional("token")
            .and_then(|element| credential(&element));
        let presented_at = members
            .optional("presented_at")
            .and_then(|element| element.bounded_text(NAME_BYTES_MAX));
        Some(Self {
            user: user?,
            serving_mc_service_id,
            services: services?,
            token,
            presented_at,
        })
    }
}

impl InformationElements for LimitedMigration {
    fn action(&self) -> &'static str {
        "migrateWithoutInterconnection"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ServingSystem
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.user)
    }

    fn division(&self) -> Division<'_> {
        Division::Services(&self.services)
    }

    fn serving(&self) -> Serving<'_> {
        Serving::Migration
    }

    fn serving_identity(&self) -> Option<&McServiceId> {
        self.serving_mc_service_id.as_ref()
    }

    fn credential(&self) -> Option<&Credential> {
        self.token.as_ref()
    }

    fn presented_at(&self) -> Option<&str> {
        self.presented_at.as_deref()
    }

    fn needs(&self) -> &'static [Need] {
        &[
            Need::Grant,
            Need::MigratedProfile,
            Need::Link,
            Need::Visitors,
            Need::ServingIdentity,
            Need::Credential,
        ]
    }
}
