//! Security tokens are verified as they arrive: what they vouch for goes on, the tokens do not.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::Digest;
use sha2::Sha256;

use crate::app::App;
use crate::decision::facts::Lookup;
use crate::domain::credential::Credential;
use crate::domain::credential::Examined;
use crate::domain::credential::VerifiedCredential;
use crate::domain::document::Document;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::request::InterSystemRequest;
use crate::domain::time::Timestamp;
use crate::identity::security_token::Expected;
use crate::identity::security_token::Leeway;
use crate::identity::security_token::TokenError;
use crate::identity::security_token::VerifiedToken;
use crate::identity::security_token::verify;

/// A request without its token, and the token.
pub(in crate::app) struct Presented {
    /// In the token's place is its hash, so that one request has one digest however often it is sent.
    pub(in crate::app) request: InterSystemRequest,
    token: Option<String>,
}

impl Presented {
    /// Takes the token out of a request.
    pub(in crate::app) fn new(mut request: InterSystemRequest) -> Self {
        let mut token = None;
        if let Some(credential) = request.body.credential_mut()
            && let Credential::Clear(text) = credential
        {
            let hash = HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
            token = Some(std::mem::take(text));
            *credential = Credential::Examined(Examined::Refused(hash));
        }
        Self { request, token }
    }

    /// Puts what the token vouches for in its place, or why it counts for nothing.
    fn examined(
        self,
        now: Timestamp,
        document: impl FnOnce(&DocumentKey) -> Option<Arc<Document>>,
    ) -> InterSystemRequest {
        let Self { mut request, token } = self;
        if let Some(token) = token {
            let examined = match verified(&request, &token, now, document) {
                Ok(verified) => Examined::Verified(Box::new(credential(&verified))),
                Err(word) => Examined::Refused(word.to_owned()),
            };
            if let Some(credential) = request.body.credential_mut() {
                *credential = Credential::Examined(examined);
            }
        }
        request
    }
}

/// A request with what its token vouches for in the token's place, by the keys among the documents given.
pub fn examined(
    request: InterSystemRequest,
    now: Timestamp,
    document: impl FnOnce(&DocumentKey) -> Option<Arc<Document>>,
) -> InterSystemRequest {
    Presented::new(request).examined(now, document)
}

impl App {
    /// Puts what the token vouches for in its place, or why it counts for nothing.
    pub(in crate::app) fn examined(&self, presented: Presented) -> InterSystemRequest {
        presented.examined(self.now(), |key| {
            let found = self.store().view(|state| state.document(key))?;
            Some(found.value)
        })
    }
}

/// The keys are those of the peer that is attested, never those of the issuer that the token names (ruling 2).
fn verified(
    request: &InterSystemRequest,
    token: &str,
    now: Timestamp,
    document: impl FnOnce(&DocumentKey) -> Option<Arc<Document>>,
) -> Result<VerifiedToken, &'static str> {
    let peer = request.peer.as_ref().ok_or("peer-missing")?;
    let audience = request.body.elements().presented_at();
    let audience = audience.ok_or("audience-missing")?;
    let id = peer.system.as_str().parse().map_err(|_| "keys-missing")?;
    let key = DocumentKey {
        kind: DocumentKind::PartnerKeys,
        id,
    };
    let found = document(&key).ok_or("keys-missing")?;
    let Document::PartnerKeys(keys) = found.as_ref() else {
        return Err("keys-missing");
    };
    let expected = Expected {
        audience,
        // Which services the token names, policies ask for each of them.
        services: &[],
        now,
        leeway: Leeway::MAX,
    };
    verify(token, keys, &expected).map_err(TokenError::word)
}

fn credential(verified: &VerifiedToken) -> VerifiedCredential {
    VerifiedCredential {
        token_id_hash: verified.token_id_hash().to_string(),
        partner: verified.partner().clone(),
        issuer: verified.issuer().to_owned(),
        key_id: verified.key_id().to_string(),
        client_id: verified.client_id().to_owned(),
        subject: verified.subject().to_owned(),
        identities: verified.identities().clone(),
        issued_at: verified.issued_at(),
        expires_at: verified.expires_at(),
    }
}
