//! What calls to single users and to groups have in common.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::request::elements::Need;

/// What has to be known of a call or transaction between two users.
pub(super) const CALL_NEEDS: &[Need] = &[
    Need::Calls,
    Need::HomeAgreement,
    Need::ServingAgreement,
    Need::CurrentSystem,
    Need::MigratedProfile,
    Need::Location,
];

/// Gives an enumeration its words, as they are written and as they are read.
macro_rules! words {
    ($name:ident, $noun:literal: $($variant:ident = $word:literal,)+) => {
        impl $name {
            /// The word used on the wire and in policies.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            pub(in crate::domain) fn read(
                element: &crate::domain::wire::element::Element<'_>,
            ) -> Option<Self> {
                element.word($noun, &[$(($word, Self::$variant),)+])
            }
        }
    };
}
pub(super) use words;

/// Whether the called user has to take the call (TS 23.379 clause 10.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommencementMode {
    /// The call begins by itself.
    Automatic,
    /// The called user takes it.
    Manual,
}

words! {
    CommencementMode, "a commencement mode":
    Automatic = "automatic",
    Manual = "manual",
}

/// The state of a call between two users; imminent peril is a state of group calls only (TS 24.379 clause 4.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivateCallState {
    /// As usual.
    #[default]
    Normal,
    /// Life is in danger.
    Emergency,
}

words! {
    PrivateCallState, "the state of a private call":
    Normal = "normal",
    Emergency = "emergency",
}

/// The state of a group call (TS 24.379 clause 4.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupCallState {
    /// As usual.
    #[default]
    Normal,
    /// Life is in danger.
    Emergency,
    /// Life may be in danger.
    ImminentPeril,
    /// Only who starts it speaks.
    Broadcast,
}

words! {
    GroupCallState, "the state of a group call":
    Normal = "normal",
    Emergency = "emergency",
    ImminentPeril = "imminent-peril",
    Broadcast = "broadcast",
}
