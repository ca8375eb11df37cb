//! The hashes of the log, one type for each meaning; written in standard Base64, as C2SP does.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;

/// A text that is no SHA-256 hash in Base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a SHA-256 hash in standard Base64")]
pub struct DigestError {
    text: String,
}

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The bytes of the hash.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                BASE64.encode_display(&self.0).fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = DigestError;

            fn from_str(text: &str) -> Result<Self, DigestError> {
                decode(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

digest! {
    /// The hash of a leaf, as RFC 6962 defines it: SHA-256 over a zero byte and the leaf.
    LeafHash
}

digest! {
    /// The root of a Merkle tree, as RFC 6962 defines it.
    RootHash
}

digest! {
    /// What binds a part to its leaf without telling anything about it.
    Commitment
}

fn decode(text: &str) -> Result<[u8; 32], DigestError> {
    BASE64
        .decode(text.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| DigestError {
            text: text.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_anything_else_is_refused() {
        let hash = LeafHash([0xa5; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for text in [
            "",
            "AAAA",
            "not base64",
            &"A".repeat(44),
            &format!("{hash}="),
        ] {
            assert!(text.parse::<LeafHash>().is_err(), "{text}");
        }
    }
}
