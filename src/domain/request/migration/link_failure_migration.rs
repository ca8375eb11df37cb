//! Migration while the link to the home is down (M9, TR 23.781 clause 5.2.10, key issue 2.10).

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

/// Migration while the link to the home is down; one item a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkFailureMigration {
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

impl ReadElements for LinkFailureMigration {
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

impl InformationElements for LinkFailureMigration {
    fn action(&self) -> &'static str {
        "migrateDuringLinkFailure"
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
            Need::LinkFailureProfile,
            Need::Link,
            Need::Visitors,
            Need::ServingIdentity,
            Need::Credential,
        ]
    }
}
