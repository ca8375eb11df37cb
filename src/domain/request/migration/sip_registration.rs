//! SIP registration in a partner system, asked at home for authentication information (M6, TR 23.781 clause 6.2.1 steps 15 to 19).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::McServiceId;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::sip::SipIdentities;
use crate::domain::sip::SipPrivateIdentity;
use crate::domain::sip::SipPublicIdentity;
use crate::domain::sip::UeId;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;

/// SIP registration in the requesting system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipRegistration {
    /// The migrating user, by their home MC service ID.
    pub user: McServiceId,
    /// The SIP private user identity, or one that stands in for it.
    pub sip_private_identity: SipPrivateIdentity,
    /// The SIP public user identity, or one that stands in for it.
    pub sip_public_identity: SipPublicIdentity,
    /// The UE to which the grant is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ue: Option<UeId>,
}

impl ReadElements for SipRegistration {
    const MEMBERS: &'static [&'static str] =
        &["user", "sip_private_identity", "sip_public_identity", "ue"];
    const ABOUT_NOBODY: &'static [&'static str] = &[];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members
            .required("user")
            .and_then(|element| element.identity());
        let sip_private_identity = members
            .required("sip_private_identity")
            .and_then(|element| element.parsed());
        let sip_public_identity = members
            .required("sip_public_identity")
            .and_then(|element| element.parsed());
        let ue = members.optional("ue").and_then(|element| element.parsed());
        Some(Self {
            user: user?,
            sip_private_identity: sip_private_identity?,
            sip_public_identity: sip_public_identity?,
            ue,
        })
    }
}

impl InformationElements for SipRegistration {
    fn action(&self) -> &'static str {
        "registerInPartnerSystem"
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
            home_sip_database: None,
            sip_private_identity: self.sip_private_identity.clone(),
            sip_public_identity: self.sip_public_identity.clone(),
        })
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Grant, Need::Access, Need::Binding, Need::Listing]
    }
}
