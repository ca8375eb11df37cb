//! What is known about the SIP identities and the UE that a request would bind to a user.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::access_grant::AccessGrant;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::registry::DocumentId;
use crate::domain::registry::Revision;
use crate::domain::sip::SipIdentities;
use crate::domain::sip::UeId;

/// By what access grants are found beside their own key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessKey {
    /// A SIP private user identity.
    PrivateIdentity(String),
    /// A SIP public user identity, in normalised form where it has one.
    PublicIdentity(String),
    /// A UE: its name is given by the user's home, and means nothing beside it.
    Ue {
        /// The home.
        home: McSystemId,
        /// The name.
        ue: UeId,
    },
    /// A user, whatever the scheme of the identity.
    User(String),
}

/// The access grants that are found under a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessGrants {
    /// The keys of the grants, in order.
    pub ids: Vec<DocumentId>,
    /// The revision of the newest of them.
    pub revision: Option<Revision>,
}

/// What a request would bind to a user, as far as others are concerned. It names nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingFacts {
    /// The MC system in whose domain the public identity is, if it is a system that we know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<McSystemId>,
    /// Whether an identity is somebody else's, or none that can be told from others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identity_taken: bool,
    /// Whether the UE is what another user of the same home has access from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ue_taken: bool,
}

impl AccessKey {
    /// The keys of the identities under which a user is known to a SIP database.
    pub fn of_identities(sip: &SipIdentities) -> [Self; 2] {
        let public = &sip.sip_public_identity;
        let normalised = public.uri().map(|uri| uri.to_string());
        [
            Self::PrivateIdentity(sip.sip_private_identity.as_str().to_owned()),
            Self::PublicIdentity(normalised.unwrap_or_else(|| public.as_str().to_owned())),
        ]
    }

    /// The key of a user.
    pub fn of_user(user: &McServiceId) -> Self {
        Self::User(user.uri().subscriber().to_owned())
    }

    /// Every key under which a grant is found.
    pub fn all_of(grant: &AccessGrant) -> Vec<Self> {
        let mut keys = vec![Self::of_user(&grant.user)];
        keys.extend(grant.sip.iter().flat_map(Self::of_identities));
        keys.extend(grant.ue.iter().map(|ue| Self::Ue {
            home: grant.home_system.clone(),
            ue: ue.clone(),
        }));
        keys
    }
}
