//! Encryption of accepted UE configuration at rest: AES-256-GCM under a key derived for each push.
//!
//! The key of a push is derived by HKDF-SHA-256 from a master key, a random salt and the provider. Document and
//! secrets are sealed apart, so that the one is read without the other. Provider, request and field are associated
//! data: what was sealed for one place opens in no other. Master keys are known by an identifier that is derived
//! from them, so that another key in a key's place is never mistaken for it.

mod binding;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::aead::AES_256_GCM;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::NONCE_LEN;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::RandomizedNonceKey;
use aws_lc_rs::hkdf::HKDF_SHA256;
use aws_lc_rs::hkdf::Salt;
use data_encoding::BASE64;
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroizing;

pub use binding::Binding;
pub use binding::Field;

use crate::domain::ue_configuration::Secrets;
use crate::domain::ue_configuration::UeConfigurationData;

/// How long a master key is.
pub const MASTER_KEY_BYTES: usize = 32;

const SALT_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 8;

/// Why data cannot be sealed, or sealed data not be read.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The master key is not there.
    #[error(
        "it is sealed with the configuration key `{0}`, which is not there; restore its file and start the service again"
    )]
    UnknownKey(String),
    /// The seal does not fit the data or the place.
    #[error(
        "its seal is broken: this is not what was sealed there; `comity replay` shows what the log says, and the partner can push again"
    )]
    Broken,
    /// The data was sealed in a form that this program does not know.
    #[error("what was sealed cannot be read or written")]
    Json(#[from] serde_json::Error),
    /// No random bytes, or no key.
    #[error("the data cannot be sealed: {0}")]
    NotSealed(&'static str),
}

/// The master keys: the newest seals, all of them open.
pub struct Vault {
    newest: MasterKey,
    older: BTreeMap<String, MasterKey>,
}

struct MasterKey {
    id: String,
    bytes: Zeroizing<[u8; MASTER_KEY_BYTES]>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("newest", &self.newest.id)
            .field("older", &self.older.keys())
            .finish()
    }
}

/// Sealed configuration data, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedConfiguration {
    /// Names the master key.
    pub key_id: String,
    salt: String,
    document: SealedField,
    secrets: SealedField,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedField {
    nonce: String,
    ciphertext: String,
}

/// Configuration data without its secrets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenDocument {
    /// The data.
    pub configuration: UeConfigurationData,
    /// Where in the data a secret is left out.
    pub withheld: Vec<String>,
}

impl Vault {
    /// A vault from its master keys.
    pub fn new(
        newest: Zeroizing<[u8; MASTER_KEY_BYTES]>,
        older: impl IntoIterator<Item = Zeroizing<[u8; MASTER_KEY_BYTES]>>,
    ) -> Result<Self, VaultError> {
        let older = older
            .into_iter()
            .map(|bytes| MasterKey::new(bytes).map(|key| (key.id.clone(), key)));
        Ok(Self {
            newest: MasterKey::new(newest)?,
            older: older.collect::<Result<_, _>>()?,
        })
    }

    /// Names the key that seals.
    pub fn newest_key(&self) -> &str {
        &self.newest.id
    }

    /// Seals configuration data for one place.
    pub fn seal(
        &self,
        binding: &Binding<'_>,
        data: &UeConfigurationData,
    ) -> Result<SealedConfiguration, VaultError> {
        let mut configuration = data.clone();
        let secrets = configuration.take_secrets();
        let document = OpenDocument {
            configuration,
            withheld: secrets.keys().cloned().collect(),
        };
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| VaultError::NotSealed("no random bytes"))?;
        let key = self.newest.of(&salt, binding)?;
        Ok(SealedConfiguration {
            key_id: self.newest.id.clone(),
            salt: BASE64.encode(&salt),
            document: seal(&key, &binding.of(Field::Document), &document)?,
            secrets: seal(&key, &binding.of(Field::Secrets), &secrets)?,
        })
    }

    /// The data without its secrets.
    pub fn document(
        &self,
        binding: &Binding<'_>,
        sealed: &SealedConfiguration,
    ) -> Result<OpenDocument, VaultError> {
        let plain = self.open(binding, sealed, Field::Document)?;
        Ok(serde_json::from_slice(&plain)?)
    }

    /// The secrets.
    pub fn secrets(
        &self,
        binding: &Binding<'_>,
        sealed: &SealedConfiguration,
    ) -> Result<Secrets, VaultError> {
        let plain = self.open(binding, sealed, Field::Secrets)?;
        Ok(serde_json::from_slice(&plain)?)
    }

    fn open(
        &self,
        binding: &Binding<'_>,
        sealed: &SealedConfiguration,
        field: Field,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let master = if sealed.key_id == self.newest.id {
            &self.newest
        } else {
            self.older
                .get(&sealed.key_id)
                .ok_or_else(|| VaultError::UnknownKey(sealed.key_id.clone()))?
        };
        let salt = decoded(&sealed.salt)?;
        let key = master.of(&salt, binding)?;
        let part = match field {
            Field::Document => &sealed.document,
            Field::Secrets => &sealed.secrets,
        };
        let nonce: [u8; NONCE_LEN] = decoded(&part.nonce)?
            .try_into()
            .map_err(|_| VaultError::Broken)?;
        let mut bytes = Zeroizing::new(decoded(&part.ciphertext)?);
        let length = key
            .open_in_place(
                Nonce::from(&nonce),
                Aad::from(binding.of(field)),
                &mut bytes,
            )
            .map_err(|_| VaultError::Broken)?
            .len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl MasterKey {
    fn new(bytes: Zeroizing<[u8; MASTER_KEY_BYTES]>) -> Result<Self, VaultError> {
        let mut id = [0; MASTER_KEY_BYTES];
        derive(&*bytes, b"", &[b"comity configuration key id 1"], &mut id)?;
        let id = HEXLOWER.encode(id.first_chunk::<KEY_ID_BYTES>().unwrap_or(&[0; _]));
        Ok(Self { id, bytes })
    }

    /// The key of one push.
    fn of(&self, salt: &[u8], binding: &Binding<'_>) -> Result<RandomizedNonceKey, VaultError> {
        let mut key = Zeroizing::new([0; MASTER_KEY_BYTES]);
        let info = [
            b"comity ue-configuration 1\0".as_slice(),
            binding.provider.as_str().as_bytes(),
        ];
        derive(&*self.bytes, salt, &info, &mut key)?;
        RandomizedNonceKey::new(&AES_256_GCM, &*key)
            .map_err(|_| VaultError::NotSealed("no key can be made"))
    }
}

fn derive(
    master: &[u8],
    salt: &[u8],
    info: &[&[u8]],
    out: &mut [u8; MASTER_KEY_BYTES],
) -> Result<(), VaultError> {
    let derived = Salt::new(HKDF_SHA256, salt).extract(master);
    let filled = derived
        .expand(info, &AES_256_GCM)
        .and_then(|material| material.fill(out));
    filled.map_err(|_| VaultError::NotSealed("no key can be derived"))
}

fn seal(
    key: &RandomizedNonceKey,
    associated: &[u8],
    plain: &impl Serialize,
) -> Result<SealedField, VaultError> {
    // In place: the buffer is the ciphertext before it could be dropped.
    let mut bytes = Zeroizing::new(serde_json::to_vec(plain)?);
    let nonce = key
        .seal_in_place_append_tag(Aad::from(associated), &mut *bytes)
        .map_err(|_| VaultError::NotSealed("encryption failed"))?;
    Ok(SealedField {
        nonce: BASE64.encode(nonce.as_ref()),
        ciphertext: BASE64.encode(&bytes),
    })
}

fn decoded(text: &str) -> Result<Vec<u8>, VaultError> {
    BASE64
        .decode(text.as_bytes())
        .map_err(|_| VaultError::Broken)
}
