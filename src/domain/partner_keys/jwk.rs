//! A JSON Web Key (RFC 7517, RFC 7518 clause 6, RFC 8037 clause 2), public members only.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::Serialize;
use serde::de::IgnoredAny;

use super::error::InvalidPartnerKeys;
use super::error::KeyProblem;
use super::public_key::Curve;
use super::public_key::EcPublicKey;
use super::public_key::Ed25519PublicKey;
use super::public_key::PublicKey;
use super::public_key::RsaPublicKey;

const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// A JWK as it is written. What is not known by name is kept by name alone, never by value.
#[derive(Default, Deserialize, Serialize)]
#[expect(
    clippy::zero_sized_map_values,
    reason = "serde flattens the remaining members into maps alone"
)]
pub(super) struct WrittenJwk {
    kty: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) alg: Option<String>,
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    intended_use: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(flatten, skip_serializing)]
    others: BTreeMap<String, IgnoredAny>,
}

impl WrittenJwk {
    /// The public members of a key.
    pub(super) fn of(key: &PublicKey) -> Self {
        let encoded = |bytes: &[u8]| Some(BASE64URL_NOPAD.encode(bytes));
        match key {
            PublicKey::Rsa(key) => Self {
                kty: "RSA".to_owned(),
                n: encoded(key.modulus()),
                e: encoded(key.exponent()),
                ..Self::default()
            },
            PublicKey::Ec(key) => {
                let (x, y) = key.coordinates();
                Self {
                    kty: "EC".to_owned(),
                    crv: Some(key.curve().as_str().to_owned()),
                    x: encoded(x),
                    y: encoded(y),
                    ..Self::default()
                }
            }
            PublicKey::Ed25519(key) => Self {
                kty: "OKP".to_owned(),
                crv: Some("Ed25519".to_owned()),
                x: encoded(key.as_bytes()),
                ..Self::default()
            },
        }
    }

    /// The key, at a place.
    pub(super) fn public_key(&self, place: &str) -> Result<PublicKey, InvalidPartnerKeys> {
        self.refuse_secrets(place)?;
        self.refuse_other_uses(place)?;
        match self.kty.as_str() {
            "RSA" => self.rsa(place),
            "EC" => self.ec(place),
            "OKP" => self.okp(place),
            other => Err(KeyProblem::KeyType(other.to_owned()).at(format!("{place}/kty"))),
        }
    }

    fn refuse_secrets(&self, place: &str) -> Result<(), InvalidPartnerKeys> {
        if self.kty == "oct" || self.others.contains_key("k") {
            return Err(KeyProblem::Symmetric.at(place));
        }
        let is_private = |name: &String| PRIVATE_MEMBERS.contains(&name.as_str());
        if self.others.keys().any(is_private) {
            return Err(KeyProblem::PrivateKey.at(place));
        }
        match self.others.keys().next() {
            Some(name) => Err(KeyProblem::UnknownMember(name.clone()).at(place)),
            None => Ok(()),
        }
    }

    fn refuse_other_uses(&self, place: &str) -> Result<(), InvalidPartnerKeys> {
        if self
            .intended_use
            .as_deref()
            .is_some_and(|text| text != "sig")
        {
            return Err(KeyProblem::NotForSignatures.at(format!("{place}/use")));
        }
        let verifies_only = |operations: &Vec<String>| operations.as_slice() == ["verify"];
        if self
            .key_ops
            .as_ref()
            .is_some_and(|operations| !verifies_only(operations))
        {
            return Err(KeyProblem::NotForSignatures.at(format!("{place}/key_ops")));
        }
        Ok(())
    }

    fn rsa(&self, place: &str) -> Result<PublicKey, InvalidPartnerKeys> {
        refuse_stray(&[("crv", &self.crv), ("x", &self.x), ("y", &self.y)], place)?;
        let modulus = decoded(self.n.as_deref(), "n", place)?;
        let exponent = decoded(self.e.as_deref(), "e", place)?;
        RsaPublicKey::new(&modulus, &exponent)
            .map(PublicKey::Rsa)
            .map_err(|problem| problem.at(place))
    }

    fn ec(&self, place: &str) -> Result<PublicKey, InvalidPartnerKeys> {
        refuse_stray(&[("n", &self.n), ("e", &self.e)], place)?;
        let curve = match self.curve(place)? {
            "P-256" => Curve::P256,
            "P-384" => Curve::P384,
            other => return Err(KeyProblem::Curve(other.to_owned()).at(format!("{place}/crv"))),
        };
        let x = decoded(self.x.as_deref(), "x", place)?;
        let y = decoded(self.y.as_deref(), "y", place)?;
        EcPublicKey::from_coordinates(curve, &x, &y)
            .map(PublicKey::Ec)
            .map_err(|problem| problem.at(place))
    }

    fn okp(&self, place: &str) -> Result<PublicKey, InvalidPartnerKeys> {
        refuse_stray(&[("n", &self.n), ("e", &self.e), ("y", &self.y)], place)?;
        match self.curve(place)? {
            "Ed25519" => {}
            other => return Err(KeyProblem::Curve(other.to_owned()).at(format!("{place}/crv"))),
        }
        let x = decoded(self.x.as_deref(), "x", place)?;
        Ed25519PublicKey::new(&x)
            .map(PublicKey::Ed25519)
            .map_err(|problem| problem.at(place))
    }

    fn curve(&self, place: &str) -> Result<&str, InvalidPartnerKeys> {
        self.crv
            .as_deref()
            .ok_or_else(|| KeyProblem::MissingMember("crv").at(place))
    }
}

fn refuse_stray(
    members: &[(&'static str, &Option<String>)],
    place: &str,
) -> Result<(), InvalidPartnerKeys> {
    match members.iter().find(|(_, member)| member.is_some()) {
        Some((name, _)) => Err(KeyProblem::StrayMember(name).at(place)),
        None => Ok(()),
    }
}

fn decoded(
    member: Option<&str>,
    name: &'static str,
    place: &str,
) -> Result<Vec<u8>, InvalidPartnerKeys> {
    let text = member.ok_or_else(|| KeyProblem::MissingMember(name).at(place))?;
    BASE64URL_NOPAD
        .decode(text.as_bytes())
        .map_err(|_| KeyProblem::Base64.at(format!("{place}/{name}")))
}
