//! API tokens: 32 random bytes, known to the service by their hash alone.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use subtle::ConstantTimeEq;

const PREFIX: &str = "comity_";

/// A token; it is shown once, to whom it belongs.
#[derive(Clone)]
pub struct Token(String);

/// Why a text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token: `{PREFIX}` and 43 characters of base64url")]
pub struct InvalidToken;

impl Token {
    /// A token of 32 random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes)))
    }

    /// The token of an `Authorization` header.
    pub fn from_authorization(header: &str) -> Result<Self, InvalidToken> {
        let (scheme, token) = header.split_once(' ').ok_or(InvalidToken)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(InvalidToken);
        }
        token.trim().parse()
    }

    /// The text of the token, for whom it belongs to.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the service keeps.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidToken)?;
        match BASE64URL_NOPAD.decode(encoded.as_bytes()) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text.to_owned())),
            Ok(_) | Err(_) => Err(InvalidToken),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The SHA-256 hash of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Whether two hashes are equal, in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl Serialize for TokenHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        HEXLOWER
            .decode(text.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a token hash has 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn only_whole_tokens_are_taken_and_none_is_printed() {
        let token = Token::from_random([9; 32]);
        let header = format!("Bearer {}", token.reveal());
        assert!(
            Token::from_authorization(&header)
                .unwrap()
                .hash()
                .matches(&token.hash())
        );
        for wrong in [
            "",
            "Bearer",
            "Bearer comity_",
            "Basic abc",
            "Bearer comity_AAAA",
            header.get(..header.len() - 1).unwrap(),
        ] {
            assert!(
                Token::from_authorization(wrong).is_err(),
                "{wrong:?} was taken"
            );
        }
        assert!(!format!("{token:?}").contains(token.reveal()));
    }
}
