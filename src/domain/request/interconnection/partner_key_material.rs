//! Key material of a partner's security domain for a user (I15, TR 23.781 key issues 1.9 and 2.9).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::McServiceId;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::interconnection::call::words;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;

const URI_BYTES_MAX: usize = 255;

/// Key material of a partner's security domain for a user.
///
/// The key between a client and its own server is no such material: no partner ever gets it (TR 23.781 clause 5.1.9.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerKeyMaterial {
    /// The user, by their home identity.
    pub user: McServiceId,
    /// The key management server of the partner.
    pub kms_uri: String,
    /// For whom it is a key management server.
    pub kind: KeyServerKind,
}

/// What a key management server is to a user beside that of their home (TS 33.180 clause 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyServerKind {
    /// Of those whom the user communicates with while served at home.
    External,
    /// Of the system to which the user migrates.
    Migration,
}

words! {
    KeyServerKind, "a kind of key management server":
    External = "external",
    Migration = "migration",
}

impl ReadElements for PartnerKeyMaterial {
    const MEMBERS: &'static [&'static str] = &["user", "kms_uri", "kind"];
    const ABOUT_NOBODY: &'static [&'static str] = &["kind"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let user = members.required("user").and_then(|id| id.identity());
        let kms_uri = members.required("kms_uri");
        let kms_uri = kms_uri.and_then(|uri| uri.bounded_text(URI_BYTES_MAX));
        let kind = members.required("kind");
        let kind = kind.and_then(|word| KeyServerKind::read(&word));
        Some(Self {
            user: user?,
            kms_uri: kms_uri?,
            kind: kind?,
        })
    }
}

impl InformationElements for PartnerKeyMaterial {
    fn action(&self) -> &'static str {
        "obtainKeyMaterial"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ReceivingSystem
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.user)
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Grant, Need::MigratedProfile]
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        vec![
            ("kms_uri", Particular::Text(&self.kms_uri)),
            ("kms_kind", Particular::Text(self.kind.as_str())),
        ]
    }
}
