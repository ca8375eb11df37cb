//! Migration on a credential that is verified without the home (M9 and M10).

use std::marker::PhantomData;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::credential::Credential;
use crate::domain::identity::McServiceId;
use crate::domain::location::UeLocation;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::location::location as location_of;
use crate::domain::wire::words::presented_token;
use crate::domain::wire::words::services;

/// Why the home is not asked.
pub trait Occasion {
    /// The action in the schema.
    const ACTION: &'static str;
    /// What has to be known.
    const NEEDS: &'static [Need];
}

/// The link to the home is down (TR 23.781 clause 5.2.10, key issue 2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFailure {}

/// There is no interconnection (TR 23.700-90 clause 7.X.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoInterconnection {}

/// Migration while the link to the home is down (M9).
pub type LinkFailureMigration = CredentialedMigration<LinkFailure>;

/// Service authorization for limited-migration (M10). Outbound the home decides beforehand, inbound the partner on
/// what is presented.
pub type LimitedMigration = CredentialedMigration<NoInterconnection>;

impl Occasion for LinkFailure {
    const ACTION: &'static str = "migrateDuringLinkFailure";
    const NEEDS: &'static [Need] = &[
        Need::LinkFailureProfile,
        Need::Link,
        Need::Visitors,
        Need::ServingIdentity,
        Need::Credential,
        Need::TokenUse,
        Need::HomeRefusal,
        Need::Location,
        Need::Listing,
    ];
}

impl Occasion for NoInterconnection {
    const ACTION: &'static str = "migrateWithoutInterconnection";
    const NEEDS: &'static [Need] = &[
        Need::Grant,
        Need::MigratedProfile,
        Need::Link,
        Need::Visitors,
        Need::ServingIdentity,
        Need::Credential,
        Need::TokenUse,
        Need::HomeRefusal,
        Need::Location,
        Need::Listing,
    ];
}

/// Migration on a credential; one item a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct CredentialedMigration<O> {
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
    /// Where the UE of the user is, where that is known; an agreement may hold in some areas only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<UeLocation>,
    #[serde(skip)]
    occasion: PhantomData<O>,
}

impl<O: Occasion> ReadElements for CredentialedMigration<O> {
    const MEMBERS: &'static [&'static str] = &[
        "user",
        "serving_mc_service_id",
        "services",
        "token",
        "presented_at",
        "location",
    ];
    const ABOUT_NOBODY: &'static [&'static str] = &["services"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members.required("user").and_then(|id| id.identity());
        let serving_mc_service_id = members
            .optional("serving_mc_service_id")
            .and_then(|id| id.identity());
        let services = members
            .required("services")
            .and_then(|list| services(&list));
        let (token, presented_at) = presented_token(members);
        let location = members.optional("location");
        Some(Self {
            user: user?,
            serving_mc_service_id,
            services: services?,
            token,
            presented_at,
            location: location.and_then(|element| location_of(&element)),
            occasion: PhantomData,
        })
    }
}

impl<O: Occasion> InformationElements for CredentialedMigration<O> {
    fn action(&self) -> &'static str {
        O::ACTION
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

    fn location(&self) -> Option<&UeLocation> {
        self.location.as_ref()
    }

    fn needs(&self) -> &'static [Need] {
        O::NEEDS
    }
}
