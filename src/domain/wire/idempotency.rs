//! The key by which a caller names one submission, so that a repetition does not happen twice.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;
use smol_str::SmolStr;

const KEY_BYTES_MAX: usize = 255;

/// A caller's key for one submission: 1 to 255 visible ASCII characters.
///
/// In a header it may also stand as a quoted string, as the IETF draft on `Idempotency-Key` writes it; the
/// key is what is between the quotes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct IdempotencyKey(SmolStr);

/// Why a text is not an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdempotencyKey {
    /// Empty, too long, or with a space or control character.
    #[error("an idempotency key has 1 to {KEY_BYTES_MAX} visible ASCII characters")]
    Characters,
    /// Begins with a quote but is not one quoted string.
    #[error("the quoted idempotency key does not end with its quote, or has a bare quote within")]
    Quoting,
}

impl IdempotencyKey {
    /// The key, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let key = match text.strip_prefix('"') {
            Some(rest) => unquoted(rest)?,
            None => text.to_owned(),
        };
        if key.is_empty()
            || key.len() > KEY_BYTES_MAX
            || !key.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(InvalidIdempotencyKey::Characters);
        }
        Ok(Self(SmolStr::new(key)))
    }
}

fn unquoted(rest: &str) -> Result<String, InvalidIdempotencyKey> {
    let body = rest
        .strip_suffix('"')
        .ok_or(InvalidIdempotencyKey::Quoting)?;
    let mut key = String::with_capacity(body.len());
    let mut characters = body.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Err(InvalidIdempotencyKey::Quoting),
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\')) => key.push(escaped),
                Some(_) | None => return Err(InvalidIdempotencyKey::Quoting),
            },
            other => key.push(other),
        }
    }
    Ok(key)
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for IdempotencyKey {
    /// Reads the key itself, never its quoted form.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        let well_formed = (1..=KEY_BYTES_MAX).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_graphic());
        if well_formed {
            Ok(Self(SmolStr::new(key)))
        } else {
            Err(serde::de::Error::custom(InvalidIdempotencyKey::Characters))
        }
    }
}
