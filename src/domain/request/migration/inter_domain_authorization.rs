//! Inter-domain user service authorization (M7, TS 33.180 clause 5.1.4 and annex C.2).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::credential::Credential;
use crate::domain::identity::McServiceId;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::words::presented_token;
use crate::domain::wire::words::services;

/// Inter-domain user service authorization; one item a service. Outbound the home is asked whether it issues the token, inbound the partner whether it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterDomainUserAuthorization {
    /// The migrating user, by their home MC service ID.
    pub user: McServiceId,
    /// The services asked for.
    pub services: Vec<McService>,
    /// The security token that the user presents; inbound only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Credential>,
    /// The address of our identity management server where it was presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presented_at: Option<String>,
}

impl ReadElements for InterDomainUserAuthorization {
    const MEMBERS: &'static [&'static str] = &["user", "services", "token", "presented_at"];
    const ABOUT_NOBODY: &'static [&'static str] = &["services"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members
            .required("user")
            .and_then(|element| element.identity());
        let services = members
            .required("services")
            .and_then(|element| services(&element));
        let (token, presented_at) = presented_token(members);
        Some(Self {
            user: user?,
            services: services?,
            token,
            presented_at,
        })
    }
}

impl InformationElements for InterDomainUserAuthorization {
    fn action(&self) -> &'static str {
        "authorizeInterDomainUser"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ReceivingSystem
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

    fn credential(&self) -> Option<&Credential> {
        self.token.as_ref()
    }

    fn presented_at(&self) -> Option<&str> {
        self.presented_at.as_deref()
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Grant, Need::Credential]
    }
}
