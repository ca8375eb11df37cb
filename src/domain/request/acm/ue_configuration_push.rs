//! Initial MC service UE configuration data request, a push (A1, TR 23.700-38; TS 22.280 R-5.16.4-005).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::McSystemId;
use crate::domain::request::Requester;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::ue_configuration::StoredUeConfiguration;
use crate::domain::ue_configuration::UeConfigurationData;
use crate::domain::wire::WireLimits;
use crate::domain::wire::configuration::configuration;
use crate::domain::wire::element::Members;
use crate::domain::wire::people::requester;

/// Initial MC service UE configuration data request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UeConfigurationPush {
    /// Who asks.
    pub requester: Requester,
    /// The system that provides the data.
    pub mc_system_id: McSystemId,
    /// The data, or what is kept of it.
    pub configuration: PushedConfiguration,
}

/// Pushed configuration data: clear as it arrives, sealed before anything is decided or kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushedConfiguration {
    /// The data itself, with its secrets; it cannot be serialized.
    Clear(Box<UeConfigurationData>),
    /// Keyed digests of its elements.
    Sealed(StoredUeConfiguration),
}

impl PushedConfiguration {
    /// The system that the data describes.
    pub fn describes(&self) -> &McSystemId {
        match self {
            Self::Clear(data) => &data.mc_system_id,
            Self::Sealed(stored) => &stored.provider,
        }
    }
}

impl Serialize for PushedConfiguration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear(_) => Err(serde::ser::Error::custom(
                "configuration data in clear is never written down",
            )),
            Self::Sealed(stored) => stored.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for PushedConfiguration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StoredUeConfiguration::deserialize(deserializer).map(Self::Sealed)
    }
}

impl ReadElements for UeConfigurationPush {
    const MEMBERS: &'static [&'static str] = &["requester", "mc_system_id", "configuration"];
    const ABOUT_NOBODY: &'static [&'static str] = &["mc_system_id", "configuration"];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let requester = members
            .required("requester")
            .and_then(|who| requester(&who));
        let mc_system_id = members
            .required("mc_system_id")
            .and_then(|system| system.parsed());
        let configuration = members
            .required("configuration")
            .and_then(|data| configuration(&data));
        Some(Self {
            requester: requester?,
            mc_system_id: mc_system_id?,
            configuration: PushedConfiguration::Clear(Box::new(configuration?)),
        })
    }
}

impl InformationElements for UeConfigurationPush {
    fn action(&self) -> &'static str {
        "pushUeConfiguration"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::ReceivingSystem
    }

    fn requester(&self) -> Option<&Requester> {
        Some(&self.requester)
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Configuration]
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        vec![
            ("provider", Particular::System(&self.mc_system_id)),
            (
                "describes",
                Particular::System(self.configuration.describes()),
            ),
        ]
    }
}
