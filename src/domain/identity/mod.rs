//! Identities as parsed types (TS 23.280 clause 8.1): two that compare equal are the same, two that
//! name different things never compare equal.

mod plmn;
mod system_id;
mod uri;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

pub use plmn::InvalidPlmnId;
pub use plmn::PlmnId;
pub use system_id::InvalidSystemId;
pub use system_id::McSystemId;
pub use uri::InvalidUri;
pub use uri::McUri;

macro_rules! uri_identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(McUri);

        impl $name {
            /// The URI itself.
            pub fn uri(&self) -> &McUri {
                &self.0
            }

            /// The normalised text of the URI.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl From<McUri> for $name {
            fn from(uri: McUri) -> Self {
                Self(uri)
            }
        }

        impl FromStr for $name {
            type Err = InvalidUri;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

uri_identity! {
    /// An MC service ID (MCPTT ID, MCVideo ID or MCData ID): one service identity of a person.
    McServiceId
}

uri_identity! {
    /// An MC service group ID; its domain names the system where the group is defined.
    GroupId
}

uri_identity! {
    /// A functional alias: a URI bound to users while they hold a function.
    FunctionalAlias
}
