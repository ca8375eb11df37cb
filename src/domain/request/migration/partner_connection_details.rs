//! Get partner MC system connection details request (M1, TR 23.781 clause 6.2.1 steps 1 to 3).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::location::UeLocation;
use crate::domain::request::elements::Division;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::service::McService;
use crate::domain::sip::UeId;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::location::location;
use crate::domain::wire::words::services;

/// Get partner MC system connection details request; one item a system to which the user might migrate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerConnectionDetails {
    /// The migrating user, by their home MC service ID.
    pub user: McServiceId,
    /// Where the UE is.
    pub location: UeLocation,
    /// The system that the user names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<McSystemId>,
    /// The services; empty: whichever the user may use there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<McService>,
    /// The UE to which the grant is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ue: Option<UeId>,
}

impl ReadElements for PartnerConnectionDetails {
    const MEMBERS: &'static [&'static str] = &["user", "location", "partner", "services", "ue"];
    const ABOUT_NOBODY: &'static [&'static str] = &["services"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members
            .required("user")
            .and_then(|element| element.identity());
        let location = members
            .required("location")
            .and_then(|element| location(&element));
        let partner = members
            .optional("partner")
            .and_then(|element| element.parsed());
        let services = members
            .optional("services")
            .and_then(|element| services(&element));
        let ue = members.optional("ue").and_then(|element| element.parsed());
        Some(Self {
            user: user?,
            location: location?,
            partner,
            services: services.unwrap_or_default(),
            ue,
        })
    }
}

impl InformationElements for PartnerConnectionDetails {
    fn action(&self) -> &'static str {
        "getPartnerConnectionDetails"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ReceivingSystem
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.user)
    }

    fn ue(&self) -> Option<&UeId> {
        self.ue.as_ref()
    }

    fn location(&self) -> Option<&UeLocation> {
        Some(&self.location)
    }

    fn services(&self) -> &[McService] {
        &self.services
    }

    fn requested_system(&self) -> Option<&McSystemId> {
        self.partner.as_ref()
    }

    fn division(&self) -> Division<'_> {
        Division::Candidates
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let services = self.services.iter().map(|service| service.as_str());
        let mut particulars = vec![("services", Particular::Texts(services.collect()))];
        if let Some(partner) = &self.partner {
            particulars.push(("requested_system", Particular::System(partner)));
        }
        particulars
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Location, Need::Binding]
    }
}
