//! Settings: a TOML file, then the environment, then flags; the only module that reads the environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::identity::McSystemId;
use crate::telemetry::tracing::LogFormat;

/// Where the service listens unless it is told otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:8470";

const PREFIX: &str = "COMITY_";

/// The settings that a variable can give.
const SETTINGS: [&str; 11] = [
    "system",
    "listen",
    "data_dir",
    "policies",
    "access_policies",
    "callers",
    "body_bytes_max",
    "members_max",
    "ended_requests_max",
    "log_format",
    "log_filter",
];

/// The settings of `comity serve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The MC system that the service decides for.
    pub system: McSystemId,
    /// Where it listens; loopback only.
    pub listen: SocketAddr,
    /// Where it keeps everything.
    pub data_dir: PathBuf,
    /// The bundle's directory.
    pub policies: PathBuf,
    /// The access bundle's directory.
    pub access_policies: PathBuf,
    /// The list of callers; absent: the local operator alone.
    pub callers: Option<PathBuf>,
    /// Bytes of the largest body.
    pub body_bytes_max: usize,
    /// Members of the longest membership list.
    pub members_max: usize,
    /// How many requests that have ended stay in memory; those before are read from the log.
    pub ended_requests_max: usize,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Which log lines are written.
    pub log_filter: String,
}

/// Settings as one source gives them; every one may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Partial {
    /// See [`Config::system`].
    pub system: Option<String>,
    /// See [`Config::listen`].
    pub listen: Option<String>,
    /// See [`Config::data_dir`].
    pub data_dir: Option<PathBuf>,
    /// See [`Config::policies`].
    pub policies: Option<PathBuf>,
    /// See [`Config::access_policies`].
    pub access_policies: Option<PathBuf>,
    /// See [`Config::callers`].
    pub callers: Option<PathBuf>,
    /// See [`Config::body_bytes_max`].
    pub body_bytes_max: Option<usize>,
    /// See [`Config::members_max`].
    pub members_max: Option<usize>,
    /// See [`Config::ended_requests_max`].
    pub ended_requests_max: Option<usize>,
    /// See [`Config::log_format`].
    pub log_format: Option<LogFormat>,
    /// See [`Config::log_filter`].
    pub log_filter: Option<String>,
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct InvalidConfig(pub Vec<String>);

impl Partial {
    /// Reads a configuration file.
    pub fn from_file(path: &Path) -> Result<Self, InvalidConfig> {
        let wrong = |detail: String| InvalidConfig(vec![format!("{}: {detail}", path.display())]);
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        toml::from_str(&text).map_err(|error| wrong(error.to_string()))
    }

    /// Reads `COMITY_…` variables; one that looks like a misspelt setting is an error.
    ///
    /// Others are passed over: Kubernetes sets `COMITY_SERVICE_HOST`, `COMITY_PORT` and more by itself
    /// wherever a service is called `comity`.
    pub fn from_environment(variables: &BTreeMap<String, String>) -> Result<Self, InvalidConfig> {
        let mut partial = Self::default();
        let mut problems = Vec::new();
        for (name, value) in variables {
            let Some(setting) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let setting = setting.to_ascii_lowercase();
            if !SETTINGS.contains(&setting.as_str()) {
                problems.extend(
                    misspelt(&setting).map(|meant| format!("{name}: did you mean `{meant}`?")),
                );
            } else if let Err(problem) = partial.set(&setting, value) {
                problems.push(format!("{name}: {problem}"));
            }
        }
        if problems.is_empty() {
            Ok(partial)
        } else {
            Err(InvalidConfig(problems))
        }
    }

    fn set(&mut self, setting: &str, value: &str) -> Result<(), String> {
        let number = |value: &str| {
            value
                .parse::<usize>()
                .map_err(|_| format!("`{value}` is not a number"))
        };
        match setting {
            "system" => self.system = Some(value.to_owned()),
            "listen" => self.listen = Some(value.to_owned()),
            "data_dir" => self.data_dir = Some(value.into()),
            "policies" => self.policies = Some(value.into()),
            "access_policies" => self.access_policies = Some(value.into()),
            "callers" => self.callers = Some(value.into()),
            "body_bytes_max" => self.body_bytes_max = Some(number(value)?),
            "members_max" => self.members_max = Some(number(value)?),
            "ended_requests_max" => self.ended_requests_max = Some(number(value)?),
            "log_filter" => self.log_filter = Some(value.to_owned()),
            "log_format" => {
                self.log_format = Some(match value {
                    "text" => LogFormat::Text,
                    "json" => LogFormat::Json,
                    _ => return Err(format!("`{value}` is neither `text` nor `json`")),
                });
            }
            _ => return Err("there is no such setting".to_owned()),
        }
        Ok(())
    }

    /// These settings, and `other` where they are silent.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            system: self.system.or(other.system),
            listen: self.listen.or(other.listen),
            data_dir: self.data_dir.or(other.data_dir),
            policies: self.policies.or(other.policies),
            access_policies: self.access_policies.or(other.access_policies),
            callers: self.callers.or(other.callers),
            body_bytes_max: self.body_bytes_max.or(other.body_bytes_max),
            members_max: self.members_max.or(other.members_max),
            ended_requests_max: self.ended_requests_max.or(other.ended_requests_max),
            log_format: self.log_format.or(other.log_format),
            log_filter: self.log_filter.or(other.log_filter),
        }
    }

    /// The settings, checked; every problem is reported at once, before anything is opened.
    pub fn complete(self) -> Result<Config, InvalidConfig> {
        let mut problems = Vec::new();
        let system = match self.system.as_deref().map(str::parse::<McSystemId>) {
            Some(Ok(system)) => Some(system),
            Some(Err(error)) => {
                problems.push(format!("system: {error}"));
                None
            }
            None => {
                problems.push(
                    "system: say which MC system this is, such as `mc.de.example`".to_owned(),
                );
                None
            }
        };
        let listen = loopback(self.listen.as_deref().unwrap_or(LISTEN_DEFAULT))
            .map_err(|problem| problems.push(problem));
        let policies = self.policies.unwrap_or_else(|| "policies".into());
        let (Some(system), Ok(listen), true) = (system, listen, problems.is_empty()) else {
            return Err(InvalidConfig(problems));
        };
        Ok(Config {
            system,
            listen,
            data_dir: self.data_dir.unwrap_or_else(|| "data".into()),
            access_policies: self
                .access_policies
                .unwrap_or_else(|| policies.join("access")),
            policies,
            callers: self.callers,
            body_bytes_max: self.body_bytes_max.unwrap_or(4 * 1024 * 1024),
            members_max: self.members_max.unwrap_or(10_000),
            ended_requests_max: self.ended_requests_max.unwrap_or(100_000),
            log_format: self.log_format.unwrap_or_default(),
            log_filter: self.log_filter.unwrap_or_else(|| "info".to_owned()),
        })
    }
}

/// The variable that was meant, if the name is close to one.
fn misspelt(setting: &str) -> Option<String> {
    SETTINGS
        .iter()
        .find(|known| strsim::normalized_damerau_levenshtein(setting, known) >= 0.75)
        .map(|known| format!("{PREFIX}{}", known.to_ascii_uppercase()))
}

/// The process's environment.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| {
        format!("listen: `{text}` is not an address and port such as `{LISTEN_DEFAULT}`")
    })?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!(
            "listen: `{address}` is not a loopback address; without TLS the service listens nowhere else"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Partial;
    use super::SETTINGS;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let partial = Partial {
            system: Some("no system".to_owned()),
            listen: Some("0.0.0.0:80".to_owned()),
            ..Partial::default()
        };
        let problems = partial.complete().unwrap_err().0;
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[1].contains("loopback"), "{problems:?}");
    }

    #[test]
    fn flags_win_over_the_environment_and_it_over_the_file() {
        let file: Partial =
            toml::from_str("system = \"a.example\"\nmembers_max = 5\nlisten = \"[::1]:0\"")
                .unwrap();
        let variables = environment(&[
            ("COMITY_SYSTEM", "b.example"),
            ("COMITY_MEMBERS_MAX", "6"),
            ("PATH", "x"),
        ]);
        let flags = Partial {
            system: Some("c.example".to_owned()),
            ..Partial::default()
        };
        let config = flags
            .or(Partial::from_environment(&variables).unwrap())
            .or(file)
            .complete()
            .unwrap();
        assert_eq!(
            (config.system.as_str(), config.members_max),
            ("c.example", 6)
        );
        assert!(config.listen.ip().is_ipv6());
    }

    #[test]
    fn every_setting_can_come_from_a_variable() {
        let pairs = SETTINGS.map(|setting| {
            let value = if setting == "log_format" { "json" } else { "7" };
            (
                format!("COMITY_{}", setting.to_ascii_uppercase()),
                value.to_owned(),
            )
        });
        let partial = Partial::from_environment(&pairs.into()).unwrap();
        assert_eq!(partial.clone().or(Partial::default()), partial);
        assert!(!format!("{partial:?}").contains("None"), "{partial:?}");
    }

    #[test]
    fn variables_that_a_cluster_sets_are_passed_over() {
        let cluster = [
            ("COMITY_SERVICE_HOST", "10.0.0.7"),
            ("COMITY_SERVICE_PORT", "8470"),
            ("COMITY_SERVICE_PORT_HTTP", "8470"),
            ("COMITY_PORT", "tcp://10.0.0.7:8470"),
            ("COMITY_PORT_8470_TCP_ADDR", "10.0.0.7"),
            ("COMITY_PORT_8470_TCP_PROTO", "tcp"),
        ];
        assert_eq!(
            Partial::from_environment(&environment(&cluster)),
            Ok(Partial::default())
        );
    }

    #[test]
    fn misspelt_settings_are_not_passed_over() {
        assert!(Partial::from_environment(&environment(&[("COMITY_SYSTM", "x")])).is_err());
        assert!(
            Partial::from_environment(&environment(&[("COMITY_MEMBERS_MAX", "many")])).is_err()
        );
        assert!(toml::from_str::<Partial>("sytem = \"x\"").is_err());
    }
}
