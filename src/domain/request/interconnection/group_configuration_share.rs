//! Sharing of a group's configuration with a partner (I14, CSC-16, TR 23.781 key issue 1.5).

use serde::Deserialize;
use serde::Serialize;

use crate::domain::identity::GroupId;
use crate::domain::request::elements::InformationElements;
use crate::domain::request::elements::Need;
use crate::domain::request::elements::Particular;
use crate::domain::request::elements::ReadElements;
use crate::domain::request::elements::Resource;
use crate::domain::service::McService;
use crate::domain::shared_group::GroupSetting;
use crate::domain::wire::WireLimits;
use crate::domain::wire::element::Members;
use crate::domain::wire::lists::distinct;
use crate::domain::wire::words::services;

const REFERENCE_BYTES_MAX: usize = 255;

/// Sharing of a group's configuration, from the group's home to the group management server of a partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupConfigurationShare {
    /// The group.
    pub group: GroupId,
    /// The services of the group that are shared.
    pub services: Vec<McService>,
    /// The priority of the group among those of its home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_priority: Option<u8>,
    /// The priority of a user in the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_priority: Option<u8>,
    /// What the group's home lets the receiving system set for itself (TR 23.781 clause 5.1.5.2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local_settings: Vec<GroupSetting>,
    /// Where the security parameters of the group are found; never the parameters themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_parameters: Option<String>,
}

impl ReadElements for GroupConfigurationShare {
    const MEMBERS: &'static [&'static str] = &[
        "group",
        "services",
        "group_priority",
        "user_priority",
        "local_settings",
        "security_parameters",
    ];
    const ABOUT_NOBODY: &'static [&'static str] = &[
        "group",
        "services",
        "group_priority",
        "user_priority",
        "local_settings",
    ];

    fn read(members: &Members<'_>, _limits: WireLimits) -> Option<Self> {
        let group = members.required("group").and_then(|id| id.identity());
        let shared = members.required("services");
        let shared = shared.and_then(|list| services(&list));
        let priority = |name: &str| {
            let element = members.optional(name);
            element.and_then(|priority| priority.octet())
        };
        let local_settings = members.optional("local_settings");
        let local_settings = local_settings.and_then(|list| {
            distinct(&list, GroupSetting::WORDS.len(), "setting", |word| {
                word.word("a setting", &GroupSetting::WORDS)
            })
        });
        let security_parameters = members.optional("security_parameters");
        Some(Self {
            group: group?,
            services: shared?,
            group_priority: priority("group_priority"),
            user_priority: priority("user_priority"),
            local_settings: local_settings.unwrap_or_default(),
            security_parameters: security_parameters
                .and_then(|reference| reference.bounded_text(REFERENCE_BYTES_MAX)),
        })
    }
}

impl InformationElements for GroupConfigurationShare {
    fn action(&self) -> &'static str {
        "shareGroupConfiguration"
    }

    fn resource(&self) -> Resource<'_> {
        Resource::Group(&self.group)
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::GroupPartner, Need::GroupOverride]
    }

    fn particulars(&self) -> Vec<(&'static str, Particular<'_>)> {
        let services = self.services.iter().map(|service| service.as_str());
        let settings = self.local_settings.iter().map(|setting| setting.as_str());
        let mut particulars = vec![
            ("services", Particular::Texts(services.collect())),
            ("local_settings", Particular::Texts(settings.collect())),
        ];
        let priorities = [
            ("group_priority", self.group_priority),
            ("user_priority", self.user_priority),
        ];
        for (name, priority) in priorities {
            if let Some(priority) = priority {
                particulars.push((name, Particular::Long(priority.into())));
            }
        }
        let secured = self.security_parameters.is_some();
        particulars.push(("security_parameters", Particular::Bool(secured)));
        particulars
    }
}
