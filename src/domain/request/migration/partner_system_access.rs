//! Partner MC system access request (M4, TR 23.781 clause 6.2.1 steps 7 and 8).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::McServiceId;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::service::McService;
use crate::domain::sip::SipDatabase;
use crate::domain::sip::SipIdentities;
use crate::domain::sip::SipPrivateIdentity;
use crate::domain::sip::SipPublicIdentity;
use crate::domain::sip::UeId;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::words::services;

/// Partner MC system access request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerSystemAccess {
    /// The migrating user, by their home MC service ID.
    pub user: McServiceId,
    /// The SIP database in the user's home, or what finds it.
    pub home_sip_database: SipDatabase,
    /// The SIP private user identity, or one that stands in for it.
    pub sip_private_identity: SipPrivateIdentity,
    /// The SIP public user identity, or one that stands in for it.
    pub sip_public_identity: SipPublicIdentity,
    /// The UE to which the grant is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ue: Option<UeId>,
    /// The services; empty: whichever the user may use there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<McService>,
}

impl ReadElements for PartnerSystemAccess {
    const MEMBERS: &'static [&'static str] = &[
        "user",
        "home_sip_database",
        "sip_private_identity",
        "sip_public_identity",
        "ue",
        "services",
    ];
    const ABOUT_NOBODY: &'static [&'static str] = &["home_sip_database", "services"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members
            .required("user")
            .and_then(|element| element.identity());
        let home_sip_database = members
            .required("home_sip_database")
            .and_then(|element| element.parsed());
        let sip_private_identity = members
            .required("sip_private_identity")
            .and_then(|element| element.parsed());
        let sip_public_identity = members
            .required("sip_public_identity")
            .and_then(|element| element.parsed());
        let ue = members.optional("ue").and_then(|element| element.parsed());
        let services = members
            .optional("services")
            .and_then(|element| services(&element));
        Some(Self {
            user: user?,
            home_sip_database: home_sip_database?,
            sip_private_identity: sip_private_identity?,
            sip_public_identity: sip_public_identity?,
            ue,
            services: services.unwrap_or_default(),
        })
    }
}

impl InformationElements for PartnerSystemAccess {
    fn action(&self) -> &'static str {
        "requestPartnerAccess"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ServingSystem
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.user)
    }

    fn serving(&self) -> Serving<'_> {
        Serving::Migration
    }

    fn ue(&self) -> Option<&UeId> {
        self.ue.as_ref()
    }

    fn sip(&self) -> Option<SipIdentities> {
        Some(SipIdentities {
            home_sip_database: Some(self.home_sip_database.clone()),
            sip_private_identity: self.sip_private_identity.clone(),
            sip_public_identity: self.sip_public_identity.clone(),
        })
    }

    fn services(&self) -> &[McService] {
        &self.services
    }
    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let services = self.services.iter().map(|service| service.as_str());
        vec![("services", Particular::Texts(services.collect()))]
    }

    fn needs(&self) -> &'static [Need] {
        &[
            Need::MigratedProfile,
            Need::Visitors,
            Need::Access,
            Need::Binding,
            Need::Listing,
        ]
    }
}
