//! `MCVideo` call to a user of another system (I3 and I4, TR 23.781 key issues 1.1 and 1.3).

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
use crate::domain::request::interconnection::call::CommencementMode;
use crate::domain::request::interconnection::call::PrivateCallState;
use crate::domain::service::McService;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::location::location as location_of;

/// `MCVideo` private call (TS 23.281).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McvideoCall {
    /// The calling user, by their home identity.
    pub caller: McServiceId,
    /// The called user.
    pub called_user: McServiceId,
    /// Whether the called user has to take the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commencement_mode: Option<CommencementMode>,
    /// Whether who transmits is controlled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transmission_control: Option<bool>,
    /// Normal unless it is said.
    #[serde(default)]
    pub call_state: PrivateCallState,
    /// The system that serves the caller, where that is not their home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving_system: Option<McSystemId>,
    /// Where the UE of the caller is, where that is known; an agreement may hold in some areas only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<UeLocation>,
}

impl ReadElements for McvideoCall {
    const MEMBERS: &'static [&'static str] = &[
        "caller",
        "called_user",
        "commencement_mode",
        "transmission_control",
        "call_state",
        "serving_system",
        "location",
    ];
    const ABOUT_NOBODY: &'static [&'static str] = &[
        "commencement_mode",
        "transmission_control",
        "call_state",
        "serving_system",
    ];
    const ASKED_FOR: Option<&'static str> = Some("called_user");

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let caller = members.required("caller").and_then(|id| id.identity());
        let called_user = members.required("called_user").and_then(|id| id.identity());
        let commencement_mode = members.optional("commencement_mode");
        let commencement_mode = commencement_mode.and_then(|word| CommencementMode::read(&word));
        let transmission_control = members.optional("transmission_control");
        let call_state = members.optional("call_state");
        let call_state = call_state.and_then(|word| PrivateCallState::read(&word));
        let serving_system = members.optional("serving_system");
        let location = members.optional("location");
        Some(Self {
            caller: caller?,
            called_user: called_user?,
            commencement_mode,
            transmission_control: transmission_control.and_then(|value| value.boolean()),
            call_state: call_state.unwrap_or_default(),
            serving_system: serving_system.and_then(|system| system.parsed()),
            location: location.and_then(|element| location_of(&element)),
        })
    }
}

impl InformationElements for McvideoCall {
    fn action(&self) -> &'static str {
        "callByVideo"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::User(&self.called_user)
    }

    fn subject(&self) -> Option<&McServiceId> {
        Some(&self.caller)
    }

    fn service(&self) -> Option<McService> {
        Some(McService::Mcvideo)
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
        let mut particulars = vec![("call_state", Particular::Text(self.call_state.as_str()))];
        if let Some(mode) = self.commencement_mode {
            particulars.push(("commencement_mode", Particular::Text(mode.as_str())));
        }
        if let Some(is_there) = self.transmission_control {
            particulars.push(("transmission_control", Particular::Bool(is_there)));
        }
        particulars
    }
}
