//! Names of SIP databases, SIP identities and UEs, as migration requests carry them (TR 23.781 clause 6.2.1).
//!
//! Comity compares them and passes them on; what they say is the business of the SIP core.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;
use smol_str::SmolStr;

use super::identity::McUri;

const NAME_BYTES_MAX: usize = 255;

/// Why a text is not such a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {NAME_BYTES_MAX} visible ASCII characters")]
pub struct InvalidName;

macro_rules! names {
    ($($(#[$doc:meta])+ $name:ident;)+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
            #[serde(transparent)]
            pub struct $name(SmolStr);

            impl $name {
                /// The text.
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl FromStr for $name {
                type Err = InvalidName;

                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    visible(text).map(Self)
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                }
            }
        )+
    };
}

names! {
    /// The SIP database of a user, or the subscription locator function (SLF) that finds it.
    SipDatabase;
    /// A SIP private user identity.
    SipPrivateIdentity;
    /// A SIP public user identity.
    SipPublicIdentity;
    /// A UE, by a name that its owner gives it.
    UeId;
}

impl SipPublicIdentity {
    /// The identity as a URI, in which it compares; a text that is none cannot be told from others.
    pub fn uri(&self) -> Option<McUri> {
        self.as_str().parse().ok()
    }
}

/// Under which identities a user is known to a SIP database; they may stand in for the real ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipIdentities {
    /// The database in the user's home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_sip_database: Option<SipDatabase>,
    /// The private identity.
    pub sip_private_identity: SipPrivateIdentity,
    /// The public identity.
    pub sip_public_identity: SipPublicIdentity,
}

fn visible(text: &str) -> Result<SmolStr, InvalidName> {
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > NAME_BYTES_MAX || !is_visible {
        return Err(InvalidName);
    }
    Ok(SmolStr::new(text))
}

#[cfg(test)]
mod tests {
    use super::InvalidName;
    use super::UeId;

    #[test]
    fn names_are_visible_and_bounded() {
        assert_eq!("ue-7".parse::<UeId>().unwrap().as_str(), "ue-7");
        assert!("u".repeat(255).parse::<UeId>().is_ok());
        for wrong in ["", "a b", "ü", "a\n", &"u".repeat(256)] {
            assert_eq!(wrong.parse::<UeId>(), Err(InvalidName));
        }
    }
}
