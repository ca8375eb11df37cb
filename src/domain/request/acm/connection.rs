//! Connection authorization between ACM clients and servers (A0, TR 23.700-38 clause 7.x.1.3, preconditions).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::request::Requester;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::people::requester;
/// Connection authorization: of an ACM client to its own server, or of a partner's ACM server to ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcmConnection {
    /// The authorised user at the ACM client; absent between servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Requester>,
}

impl ReadElements for AcmConnection {
    const MEMBERS: &'static [&'static str] = &["requester"];
    const ABOUT_NOBODY: &'static [&'static str] = &[];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let requester = members
            .optional("requester")
            .and_then(|who| requester(&who));
        Some(Self { requester })
    }
}

impl InformationElements for AcmConnection {
    fn action(&self) -> &'static str {
        "connectAcm"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ReceivingSystem
    }

    fn requester(&self) -> Option<&Requester> {
        self.requester.as_ref()
    }
}
