//! The document as it is written, and the way from there to checked keys.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::Error as _;
use serde::de::SeqAccess;
use serde::de::Visitor;

use super::AUDIENCES_MAX;
use super::KEYS_MAX;
use super::KeyId;
use super::KeyMaterial;
use super::NAME_BYTES_MAX;
use super::PartnerKey;
use super::PartnerKeys;
use super::algorithm::SignatureAlgorithm;
use super::certificate::KeyCertificate;
use super::error::InvalidPartnerKeys;
use super::error::KeyProblem;
use super::jwk::WrittenJwk;
use super::public_key::PublicKey;
use crate::domain::identity::McSystemId;
use crate::domain::time::Timestamp;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPartnerKeys {
    partner: McSystemId,
    issuer: String,
    audiences: Vec<String>,
    #[serde(deserialize_with = "keys_with_their_place")]
    keys: Vec<WrittenKey>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    key_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jwk: Option<WrittenJwk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_after: Option<Timestamp>,
}

impl TryFrom<WrittenPartnerKeys> for PartnerKeys {
    type Error = InvalidPartnerKeys;

    fn try_from(written: WrittenPartnerKeys) -> Result<Self, Self::Error> {
        if !is_name(&written.issuer) {
            return Err(KeyProblem::Name.at("/issuer"));
        }
        check_audiences(&written.audiences)?;
        if written.keys.is_empty() || written.keys.len() > KEYS_MAX {
            return Err(KeyProblem::KeyCount.at("/keys"));
        }
        let mut keys = Vec::with_capacity(written.keys.len());
        let mut ids = HashSet::new();
        for (index, key) in written.keys.iter().enumerate() {
            let place = format!("/keys/{index}");
            let key = checked(key, &place)?;
            if !ids.insert(key.key_id.clone()) {
                return Err(KeyProblem::KeyIdTwice.at(format!("{place}/key_id")));
            }
            keys.push(key);
        }
        Ok(Self {
            partner: written.partner,
            issuer: written.issuer,
            audiences: written.audiences,
            keys,
        })
    }
}

impl From<PartnerKeys> for WrittenPartnerKeys {
    fn from(keys: PartnerKeys) -> Self {
        Self {
            partner: keys.partner,
            issuer: keys.issuer,
            audiences: keys.audiences,
            keys: keys.keys.into_iter().map(WrittenKey::from).collect(),
        }
    }
}

impl From<PartnerKey> for WrittenKey {
    fn from(key: PartnerKey) -> Self {
        let (jwk, certificate) = match &key.material {
            KeyMaterial::Jwk(public_key) => (Some(WrittenJwk::of(public_key)), None),
            KeyMaterial::Certificate(certificate) => (None, Some(certificate.pem().to_owned())),
        };
        Self {
            key_id: key.key_id.0,
            jwk,
            certificate,
            algorithm: Some(key.algorithm.as_str().to_owned()),
            not_before: key.not_before,
            not_after: key.not_after,
        }
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn check_audiences(audiences: &[String]) -> Result<(), InvalidPartnerKeys> {
    if audiences.is_empty() || audiences.len() > AUDIENCES_MAX {
        return Err(KeyProblem::AudienceCount.at("/audiences"));
    }
    let mut seen = HashSet::new();
    for (index, audience) in audiences.iter().enumerate() {
        let place = || format!("/audiences/{index}");
        if !is_name(audience) {
            return Err(KeyProblem::Name.at(place()));
        }
        if !seen.insert(audience) {
            return Err(KeyProblem::AudienceTwice.at(place()));
        }
    }
    Ok(())
}

fn checked(written: &WrittenKey, place: &str) -> Result<PartnerKey, InvalidPartnerKeys> {
    if !is_name(&written.key_id) {
        return Err(KeyProblem::Name.at(format!("{place}/key_id")));
    }
    let material = match (&written.jwk, &written.certificate) {
        (Some(jwk), None) => {
            let place = format!("{place}/jwk");
            if jwk.kid.as_ref().is_some_and(|kid| *kid != written.key_id) {
                return Err(KeyProblem::KeyIdDiffers.at(format!("{place}/kid")));
            }
            KeyMaterial::Jwk(jwk.public_key(&place)?)
        }
        (None, Some(pem)) => KeyCertificate::from_pem(pem)
            .map(KeyMaterial::Certificate)
            .map_err(|problem| problem.at(format!("{place}/certificate")))?,
        (None, None) | (Some(_), Some(_)) => return Err(KeyProblem::Material.at(place)),
    };
    if let (Some(begins), Some(ends)) = (written.not_before, written.not_after)
        && ends < begins
    {
        return Err(KeyProblem::Period.at(format!("{place}/not_after")));
    }
    Ok(PartnerKey {
        key_id: KeyId(written.key_id.clone()),
        algorithm: algorithm(written, material.public_key(), place)?,
        material,
        not_before: written.not_before,
        not_after: written.not_after,
    })
}

/// The algorithm that the entry or its JWK names, or else the usual one.
fn algorithm(
    written: &WrittenKey,
    key: &PublicKey,
    place: &str,
) -> Result<SignatureAlgorithm, InvalidPartnerKeys> {
    let in_jwk = written.jwk.as_ref().and_then(|jwk| jwk.alg.as_deref());
    let named = [
        (in_jwk, "jwk/alg"),
        (written.algorithm.as_deref(), "algorithm"),
    ];
    let mut chosen = None;
    for (name, member) in named {
        let Some(name) = name else { continue };
        let place = format!("{place}/{member}");
        let Some(algorithm) = SignatureAlgorithm::from_name(name) else {
            return Err(KeyProblem::Algorithm.at(place));
        };
        if !algorithm.fits(key) || chosen.is_some_and(|other| other != algorithm) {
            return Err(KeyProblem::AlgorithmMismatch.at(place));
        }
        chosen = Some(algorithm);
    }
    Ok(chosen.unwrap_or_else(|| SignatureAlgorithm::usual_for(key)))
}

/// Reads the keys so that a problem of form names the key in which it is.
fn keys_with_their_place<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<WrittenKey>, D::Error> {
    struct Keys;

    impl<'de> Visitor<'de> for Keys {
        type Value = Vec<WrittenKey>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of keys")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut keys = Vec::new();
            loop {
                match items.next_element() {
                    Ok(Some(key)) => keys.push(key),
                    Ok(None) => return Ok(keys),
                    Err(error) => {
                        return Err(A::Error::custom(format_args!(
                            "/keys/{}: {error}",
                            keys.len()
                        )));
                    }
                }
            }
        }
    }

    deserializer.deserialize_seq(Keys)
}
