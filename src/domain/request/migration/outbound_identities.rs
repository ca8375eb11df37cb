//! Get outbound migration SIP identities request (M3, TR 23.781 clause 6.2.1 steps 4 to 6).

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
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;

/// Get outbound migration SIP identities request, for use in the receiving system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboundMigrationIdentities {
    /// The migrating user, by their home MC service ID.
    pub user: McServiceId,
    /// The SIP private user identity, or one that stands in for it.
    pub sip_private_identity: SipPrivateIdentity,
    /// The SIP public user identity, or one that stands in for it.
    pub sip_public_identity: SipPublicIdentity,
}

impl ReadElements for OutboundMigrationIdentities {
    const MEMBERS: &'static [&'static str] =
        &["user", "sip_private_identity", "sip_public_identity"];
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
        Some(Self {
            user: user?,
            sip_private_identity: sip_private_identity?,
            sip_public_identity: sip_public_identity?,
        })
    }
}

impl InformationElements for OutboundMigrationIdentities {
    fn action(&self) -> &'static str {
        "allocateOutboundIdentities"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ReceivingSystem
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.user)
    }

    fn serving(&self) -> Serving<'_> {
        Serving::Migration
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
