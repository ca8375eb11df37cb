//! `MCData` transaction with a user of another system (I5 and I6, TR 23.781 key issues 1.1 and 1.3).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::location::UeLocation;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::request::interconnection::call::CALL_NEEDS;
use crate::domain::request::interconnection::call::words;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::location::location as location_of;

/// `MCData` transaction (TS 23.282).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McdataTransaction {
    /// The sending user, by their home identity.
    pub sender: McServiceId,
    /// The user to whom it is sent.
    pub recipient: McServiceId,
    /// What is sent.
    pub kind: TransactionKind,
    /// How many bytes, where it is known before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// The system that serves the sender, where that is not their home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_system: Option<McSystemId>,
    /// Where the UE of the sender is, where that is known; an agreement may hold in some areas only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<UeLocation>,
}

/// The kind of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransactionKind {
    /// Short data service.
    Sds,
    /// File distribution.
    FileDistribution,
    /// Data streaming.
    DataStreaming,
}

words! {
    TransactionKind, "a kind of transaction":
    Sds = "sds",
    FileDistribution = "file-distribution",
    DataStreaming = "data-streaming",
}

impl ReadElements for McdataTransaction {
    const MEMBERS: &'static [&'static str] = &[
        "sender",
        "recipient",
        "kind",
        "size",
        "serving_system",
        "location",
    ];
    const ABOUT_NOBODY: &'static [&'static str] = &["kind", "size", "serving_system"];
    const ASKED_FOR: Option<&'static str> = Some("recipient");

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let sender = members.required("sender").and_then(|id| id.identity());
        let recipient = members.required("recipient").and_then(|id| id.identity());
        let kind = members.required("kind");
        let kind = kind.and_then(|word| TransactionKind::read(&word));
        let size = members.optional("size").and_then(|size| size.count());
        let serving_system = members.optional("serving_system");
        let location = members.optional("location");
        Some(Self {
            sender: sender?,
            recipient: recipient?,
            kind: kind?,
            size,
            serving_system: serving_system.and_then(|system| system.parsed()),
            location: location.and_then(|element| location_of(&element)),
        })
    }
}

impl InformationElements for McdataTransaction {
    fn action(&self) -> &'static str {
        "sendData"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::User(&self.recipient)
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.sender)
    }

    fn service(&self) -> Option<McService> {
        Some(McService::Mcdata)
    }

    fn serving(&self) -> Serving<'_> {
        Serving::of(self.serving_system.as_ref())
    }

    fn location(&self) -> Option<&UeLocation> {
        self.location.as_ref()
    }

    fn needs(&self) -> &'static [Need] {
        CALL_NEEDS
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let mut particulars = vec![("transaction", Particular::Text(self.kind.as_str()))];
        if let Some(size) = self.size {
            particulars.push(("size", Particular::Long(size.into())));
        }
        particulars
    }
}
