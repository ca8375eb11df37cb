//! Migration service authorization request (M8, TS 23.280 clause 10.6.3.2.1).

use serde::Deserialize;
use serde::Serialize;

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
use crate::domain::wire::words::services;

/// Migration service authorization request; one item a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationServiceAuthorization {
    /// The migrating user, by their home MC service ID.
    pub user: McServiceId,
    /// The identity that the serving system gave them, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_mc_service_id: Option<McServiceId>,
    /// The services asked for.
    pub services: Vec<McService>,
    /// The user profile asked for, by index; recorded, and decides nothing: profiles of ours have no index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_index: Option<u16>,
    /// Where the UE of the user is, where that is known; an agreement may hold in some areas only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<UeLocation>,
}

impl ReadElements for MigrationServiceAuthorization {
    const MEMBERS: &'static [&'static str] = &[
        "user",
        "serving_mc_service_id",
        "services",
        "profile_index",
        "location",
    ];
    const ABOUT_NOBODY: &'static [&'static str] = &["services", "profile_index"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members.required("user").and_then(|id| id.identity());
        let serving_mc_service_id = members
            .optional("serving_mc_service_id")
            .and_then(|id| id.identity());
        let services = members
            .required("services")
            .and_then(|list| services(&list));
        let profile_index = members
            .optional("profile_index")
            .and_then(|index| index.small_number());
        let location = members.optional("location");
        Some(Self {
            user: user?,
            serving_mc_service_id,
            services: services?,
            profile_index,
            location: location.and_then(|element| location_of(&element)),
        })
    }
}

impl InformationElements for MigrationServiceAuthorization {
    fn action(&self) -> &'static str {
        "authorizeMigrationService"
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

    fn location(&self) -> Option<&UeLocation> {
        self.location.as_ref()
    }

    fn needs(&self) -> &'static [Need] {
        &[
            Need::Grant,
            Need::MigratedProfile,
            Need::Link,
            Need::Visitors,
            Need::ServingIdentity,
            Need::Location,
            Need::Listing,
        ]
    }
}
