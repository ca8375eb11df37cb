//! Sealing of pushed configuration: a keyed digest of each element takes the place of the data.
//!
//! The key is made once, kept in the data directory with mode 0600, and never leaves it, so the
//! digests in the log say *that* an element changed and nothing about what it is.

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;

use crate::domain::registry::DocumentId;
use crate::domain::request::InterSystemRequest;
use crate::domain::request::OperationBody;
use crate::domain::request::PushedConfiguration;
use crate::domain::ue_configuration::ConfigurationElement;
use crate::domain::ue_configuration::StoredUeConfiguration;
use crate::domain::ue_configuration::UeConfigurationData;
use crate::store::command::CorrelationDigest;
use crate::store::command::PersonDigest;
use crate::store::command::RequestId;
use crate::store::command::ScopeDigest;
use crate::store::erasure::SubjectDigest;

/// The key under which configuration elements are digested.
pub struct SealingKey([u8; 32]);

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

impl SealingKey {
    /// A key from its bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The same request with its configuration sealed; others are unchanged.
    #[must_use]
    pub fn seal(&self, mut request: InterSystemRequest) -> InterSystemRequest {
        if let OperationBody::UeConfigurationPush(push) = &mut request.body
            && let PushedConfiguration::Clear(data) = &push.configuration
        {
            push.configuration = PushedConfiguration::Sealed(self.digests(data));
        }
        request
    }

    /// Digests of the elements of configuration data.
    pub fn digests(&self, data: &UeConfigurationData) -> StoredUeConfiguration {
        let digests = ConfigurationElement::ALL
            .into_iter()
            .map(|element| (element, self.digest(data, element)))
            .collect();
        StoredUeConfiguration {
            provider: data.mc_system_id.clone(),
            digests,
        }
    }

    /// A correlation id as the store keeps it; nobody without the key tells what it was.
    pub fn correlation(&self, id: &str) -> Option<CorrelationDigest> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(b"correlation-id");
        mac.update(&[0]);
        mac.update(id.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        Some(CorrelationDigest::from_bytes(digest))
    }

    /// A person as the store tells them from others who answer the same request: by the document of the registry.
    pub fn document(&self, request: RequestId, person: &DocumentId) -> Option<PersonDigest> {
        self.person(b"person-who-answers", request, person.as_str())
    }

    /// The same, by a name under which they are known, which another document may take over.
    pub fn name(&self, request: RequestId, name: &str) -> Option<PersonDigest> {
        self.person(b"name-of-who-answers", request, name)
    }

    fn person(&self, purpose: &[u8], request: RequestId, name: &str) -> Option<PersonDigest> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(purpose);
        mac.update(&[0]);
        mac.update(request.0.as_bytes());
        mac.update(name.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        Some(PersonDigest::from_bytes(digest))
    }

    /// What was seen of a request, in eight bytes.
    pub(in crate::app) fn seen(
        &self,
        request: RequestId,
        what: &str,
        seen: &[u8],
    ) -> Option<[u8; 8]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(b"seen-by-a-reviewer");
        mac.update(&[0]);
        mac.update(request.0.as_bytes());
        mac.update(what.as_bytes());
        mac.update(&[0]);
        mac.update(seen);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        digest.first_chunk().copied()
    }

    /// What exactly an evaluation asked, as the store keeps it.
    pub fn scope(&self, asked: &str) -> Option<ScopeDigest> {
        let digest = self.keyed(b"access-scope", asked.as_bytes())?;
        Some(ScopeDigest::from_bytes(digest))
    }

    /// What a grant gives, as the store tells it from other things.
    pub fn thing(&self, given: &str) -> Option<ScopeDigest> {
        let digest = self.keyed(b"thing-given", given.as_bytes())?;
        Some(ScopeDigest::from_bytes(digest))
    }

    /// The key of a subject as an order to erase keeps it.
    pub fn subject(&self, subject: &str) -> Option<SubjectDigest> {
        let digest = self.keyed(b"subject-of-an-erasure", subject.as_bytes())?;
        Some(SubjectDigest::from_bytes(digest))
    }

    /// The name of the one request that can ask for an approval on an evaluation; nobody without the key guesses it.
    pub fn request_of_evaluation(&self, evaluation: RequestId) -> Option<RequestId> {
        let digest = self.keyed(b"access-request", evaluation.0.as_bytes())?;
        let random = *digest.first_chunk()?;
        Some(RequestId(
            uuid::Builder::from_random_bytes(random).into_uuid(),
        ))
    }

    /// The key under which the exports of one label give people pseudonyms.
    pub(in crate::app) fn pseudonyms(&self, label: &str) -> Option<[u8; 32]> {
        self.keyed(b"pseudonyms-of-an-export", label.as_bytes())
    }

    fn keyed(&self, purpose: &[u8], bytes: &[u8]) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(purpose);
        mac.update(&[0]);
        mac.update(bytes);
        Some(mac.finalize().into_bytes().into())
    }

    fn digest(&self, data: &UeConfigurationData, element: ConfigurationElement) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(element.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(data.element(element).to_string().as_bytes());
        format!(
            "hmac-sha256:{}",
            HEXLOWER.encode(&mac.finalize().into_bytes())
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::SealingKey;
    use crate::domain::ue_configuration::ConfigurationElement;
    use crate::domain::ue_configuration::StoredUeConfiguration;
    use crate::domain::ue_configuration::UeConfigurationData;

    fn data(kms: &str, credentials: &str) -> UeConfigurationData {
        serde_json::from_value(serde_json::json!({
            "mc_system_id": "mc.de.example",
            "pdn_connectivity": [{ "hplmn": "262-01", "mc_services": { "apn": "mcx", "credentials": credentials } }],
            "servers": { "idms": "https://idms", "gms": "https://gms", "cms": "https://cms", "kms": kms }
        }))
        .unwrap()
    }

    #[test]
    fn changes_are_seen_and_values_are_not() {
        let key = SealingKey::from_bytes([7; 32]);
        let before = key.digests(&data("https://kms", "hunter2"));
        let after = key.digests(&data("https://evil", "hunter2"));
        assert_eq!(
            StoredUeConfiguration::changes(Some(&before), &before),
            BTreeSet::new()
        );
        assert_eq!(
            StoredUeConfiguration::changes(Some(&before), &after),
            BTreeSet::from([ConfigurationElement::KmsUri])
        );
        assert_eq!(
            StoredUeConfiguration::changes(None, &after).len(),
            ConfigurationElement::ALL.len()
        );
        assert!(!serde_json::to_string(&before).unwrap().contains("hunter2"));
        assert_ne!(
            before,
            SealingKey::from_bytes([8; 32]).digests(&data("https://kms", "hunter2"))
        );
    }
}
