//! Cell identities (TS 23.003 clauses 19.6 and 19.6A).

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::PlmnId;

/// The cell that serves the UE. A cell names no place by itself: no area is chosen by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// E-UTRAN cell global identifier.
    Ecgi(Ecgi),
    /// NR cell global identifier.
    Ncgi(Ncgi),
}

/// E-UTRAN cell global identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ecgi {
    /// The PLMN of the cell, which need not be the registered one.
    pub plmn: PlmnId,
    /// The E-UTRAN cell identity.
    pub eutra_cell_id: EutraCellId,
}

/// NR cell global identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ncgi {
    /// The PLMN of the cell, which need not be the registered one.
    pub plmn: PlmnId,
    /// The NR cell identity.
    pub nr_cell_id: NrCellId,
}

/// Why a text is not a cell identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCellId {
    /// 28 bits are seven digits.
    #[error("`{0}` is not an E-UTRAN cell identity: seven hexadecimal digits")]
    Eutra(String),
    /// 36 bits are nine digits.
    #[error("`{0}` is not an NR cell identity: nine hexadecimal digits")]
    Nr(String),
}

macro_rules! cell_identity {
    ($(#[$doc:meta])* $name:ident, $digits:literal, $error:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u64);

        impl FromStr for $name {
            type Err = InvalidCellId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let invalid = || InvalidCellId::$error(text.to_owned());
                if text.len() != $digits || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(invalid());
                }
                u64::from_str_radix(text, 16).map(Self).map_err(|_| invalid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:0width$x}", self.0, width = $digits)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

cell_identity! {
    /// An E-UTRAN cell identity: 28 bits, written as seven hexadecimal digits.
    EutraCellId, 7, Eutra
}

cell_identity! {
    /// An NR cell identity: 36 bits, written as nine hexadecimal digits.
    NrCellId, 9, Nr
}
