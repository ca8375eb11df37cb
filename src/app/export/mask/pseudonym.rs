//! Names that say nothing, the same for the same value.

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;

/// How much of the digest a pseudonym shows: enough that no two of a log's people are the same.
const SHOWN_BYTES: usize = 12;

/// Gives pseudonyms under one key.
pub(super) struct Pseudonyms([u8; 32]);

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}

impl Pseudonyms {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The pseudonym of a value; nobody without the key tells whose it is, or tries it out.
    pub(super) fn of(&self, value: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            // A key of 32 bytes always fits; without one nothing is told apart.
            return "masked".to_owned();
        };
        mac.update(value.as_bytes());
        let digest = mac.finalize().into_bytes();
        let shown: Vec<u8> = digest.into_iter().take(SHOWN_BYTES).collect();
        format!("masked-{}", HEXLOWER.encode(&shown))
    }
}
