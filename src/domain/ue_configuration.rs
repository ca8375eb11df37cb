//! Initial MC service UE configuration data (TS 23.280 Annex A.6), and what a push of it changes.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::identity::McSystemId;
use super::identity::PlmnId;
use super::secret::Secret;

/// The data that a UE needs before it can reach the MC services of the system that it describes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UeConfigurationData {
    /// The system that the data describes.
    pub mc_system_id: McSystemId,
    /// The PDN connections, one for each home (and visited) network they are for.
    pub pdn_connectivity: Vec<PdnConnectivity>,
    /// Application-plane addresses.
    pub servers: ServerUris,
    /// The profile used before a user is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_user_profile: Option<String>,
}

impl fmt::Debug for UeConfigurationData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UeConfigurationData")
            .field("mc_system_id", &self.mc_system_id)
            .finish_non_exhaustive()
    }
}

/// Access point names and credentials in one network.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_debug_implementations,
    reason = "may hold credentials, which are never printed"
)]
pub struct PdnConnectivity {
    /// The home PLMN to which the data pertains.
    pub hplmn: PlmnId,
    /// The visited PLMN, where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vplmn: Option<PlmnId>,
    /// Access point for the MC services (SIP-1).
    pub mc_services: AccessPoint,
    /// Access point for the MC common core services (HTTP-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mc_common_core_services: Option<AccessPoint>,
    /// Access point for MC identity management (CSC-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mc_identity_management: Option<AccessPoint>,
}

impl PdnConnectivity {
    fn access_points(&mut self) -> impl Iterator<Item = (&'static str, &mut AccessPoint)> {
        [
            ("mc_services", Some(&mut self.mc_services)),
            (
                "mc_common_core_services",
                self.mc_common_core_services.as_mut(),
            ),
            (
                "mc_identity_management",
                self.mc_identity_management.as_mut(),
            ),
        ]
        .into_iter()
        .filter_map(|(name, point)| Some((name, point?)))
    }
}

/// An access point name and the credentials for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_debug_implementations,
    reason = "may hold credentials, which are never printed"
)]
pub struct AccessPoint {
    /// The access point name.
    pub apn: String,
    /// Credentials; a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Secret>,
}

/// Addresses of the servers that a UE contacts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_debug_implementations,
    reason = "may hold credentials, which are never printed"
)]
pub struct ServerUris {
    /// Whether the servers are reached over IPv6.
    #[serde(default)]
    pub ipv6: bool,
    /// MC service servers by service name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mc_service_servers: BTreeMap<super::service::McService, String>,
    /// Identity management server.
    pub idms: String,
    /// Group management server.
    pub gms: String,
    /// Configuration management server.
    pub cms: String,
    /// Key management server.
    pub kms: String,
}

/// An element of the configuration by whose change policies tell pushes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigurationElement {
    /// Access point names and the networks they are for.
    Apn,
    /// Access point credentials.
    ApnCredentials,
    /// MC service server URIs and the IP version.
    ServerUri,
    /// Identity management server URI.
    IdmsUri,
    /// Group management server URI.
    GmsUri,
    /// Configuration management server URI.
    CmsUri,
    /// Key management server URI.
    KmsUri,
    /// The default user profile.
    DefaultUserProfile,
}

impl ConfigurationElement {
    /// Every element.
    pub const ALL: [Self; 8] = [
        Self::Apn,
        Self::ApnCredentials,
        Self::ServerUri,
        Self::IdmsUri,
        Self::GmsUri,
        Self::CmsUri,
        Self::KmsUri,
        Self::DefaultUserProfile,
    ];

    /// The word used on the wire and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apn => "apn",
            Self::ApnCredentials => "apn-credentials",
            Self::ServerUri => "server-uri",
            Self::IdmsUri => "idms-uri",
            Self::GmsUri => "gms-uri",
            Self::CmsUri => "cms-uri",
            Self::KmsUri => "kms-uri",
            Self::DefaultUserProfile => "default-user-profile",
        }
    }
}

/// What is kept of a pushed configuration: a keyed digest of each element, never the element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredUeConfiguration {
    /// The system that provided the data and that the data describes.
    pub provider: McSystemId,
    /// `hmac-sha256:` digests under a key that never leaves the data directory.
    pub digests: BTreeMap<ConfigurationElement, String>,
}

/// Secrets by JSON pointer into the data that they belong to.
pub type Secrets = BTreeMap<String, Secret>;

impl UeConfigurationData {
    /// Takes every secret out of the data.
    pub fn take_secrets(&mut self) -> Secrets {
        let mut secrets = Secrets::new();
        for (number, pdn) in self.pdn_connectivity.iter_mut().enumerate() {
            for (name, point) in pdn.access_points() {
                if let Some(secret) = point.credentials.take() {
                    secrets.insert(
                        format!("/pdn_connectivity/{number}/{name}/credentials"),
                        secret,
                    );
                }
            }
        }
        secrets
    }

    /// The part of the data that one element covers, as canonical JSON text.
    pub fn element(&self, element: ConfigurationElement) -> serde_json::Value {
        use serde_json::json;
        let access_points = |pdn: &PdnConnectivity, of: fn(&AccessPoint) -> serde_json::Value| {
            json!([
                pdn.hplmn,
                pdn.vplmn,
                of(&pdn.mc_services),
                pdn.mc_common_core_services.as_ref().map(of),
                pdn.mc_identity_management.as_ref().map(of),
            ])
        };
        match element {
            ConfigurationElement::Apn => self
                .pdn_connectivity
                .iter()
                .map(|pdn| access_points(pdn, |point| json!(point.apn)))
                .collect(),
            ConfigurationElement::ApnCredentials => self
                .pdn_connectivity
                .iter()
                .map(|pdn| access_points(pdn, |point| json!(point.credentials)))
                .collect(),
            ConfigurationElement::ServerUri => {
                json!([self.servers.ipv6, self.servers.mc_service_servers])
            }
            ConfigurationElement::IdmsUri => json!(self.servers.idms),
            ConfigurationElement::GmsUri => json!(self.servers.gms),
            ConfigurationElement::CmsUri => json!(self.servers.cms),
            ConfigurationElement::KmsUri => json!(self.servers.kms),
            ConfigurationElement::DefaultUserProfile => json!(self.default_user_profile),
        }
    }
}

impl StoredUeConfiguration {
    /// Which elements differ from what is stored; without anything stored, all of them (ruling 24).
    pub fn changes(stored: Option<&Self>, pushed: &Self) -> BTreeSet<ConfigurationElement> {
        ConfigurationElement::ALL
            .into_iter()
            .filter(|element| {
                stored.is_none_or(|stored| {
                    stored
                        .digests
                        .get(element)
                        .is_none_or(|digest| pushed.digests.get(element) != Some(digest))
                })
            })
            .collect()
    }
}
