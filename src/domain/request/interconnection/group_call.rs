//! Start of a call in an interconnection group (I13, TR 23.781 key issues 1.4, 1.6 and 1.8).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::location::UeLocation;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::request::elements::Serving;
use crate::domain::request::interconnection::call::GroupCallState;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::location::location as location_of;
use crate::domain::wire::words::service;

/// Start of a call in an interconnection group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterconnectionGroupCall {
    /// The calling user, by their home identity.
    pub caller: McServiceId,
    /// The group.
    pub group: GroupId,
    /// The service in which the group is called.
    pub service: McService,
    /// Normal unless it is said.
    #[serde(default)]
    pub call_state: GroupCallState,
    /// Whether the caller is affiliated to the group, as the asking MC service server knows it.
    pub affiliated: bool,
    /// The system that serves the caller, where that is not their home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_system: Option<McSystemId>,
    /// Where the UE of the caller is, where that is known; an agreement may hold in some areas only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<UeLocation>,
}

impl ReadElements for InterconnectionGroupCall {
    const MEMBERS: &'static [&'static str] = &[
        "caller",
        "group",
        "service",
        "call_state",
        "affiliated",
        "serving_system",
        "location",
    ];
    const ABOUT_NOBODY: &'static [&'static str] =
        &["group", "service", "call_state", "serving_system"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let caller = members.required("caller").and_then(|id| id.identity());
        let group = members.required("group").and_then(|id| id.identity());
        let service = members.required("service").and_then(|word| service(&word));
        let call_state = members.optional("call_state");
        let call_state = call_state.and_then(|word| GroupCallState::read(&word));
        let affiliated = members.required("affiliated");
        let affiliated = affiliated.and_then(|value| value.boolean());
        let serving_system = members.optional("serving_system");
        let location = members.optional("location");
        Some(Self {
            caller: caller?,
            group: group?,
            service: service?,
            call_state: call_state.unwrap_or_default(),
            affiliated: affiliated?,
            serving_system: serving_system.and_then(|system| system.parsed()),
            location: location.and_then(|element| location_of(&element)),
        })
    }
}

impl InformationElements for InterconnectionGroupCall {
    fn action(&self) -> &'static str {
        "startGroupCall"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::Group(&self.group)
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.caller)
    }

    fn service(&self) -> Option<McService> {
        Some(self.service)
    }

    fn serving(&self) -> Serving<'_> {
        Serving::of(self.serving_system.as_ref())
    }

    fn location(&self) -> Option<&UeLocation> {
        self.location.as_ref()
    }

    fn needs(&self) -> &'static [Need] {
        &[
            Need::Membership,
            Need::Grant,
            Need::HomeAgreement,
            Need::ServingAgreement,
            Need::CurrentSystem,
            Need::OpenDeletion,
            Need::MigratedProfile,
            Need::Location,
        ]
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        vec![
            ("call_state", Particular::Text(self.call_state.as_str())),
            ("affiliated", Particular::Bool(self.affiliated)),
        ]
    }
}
