//! Settings as one source gives them: a file, the environment or flags.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use super::InvalidConfig;
use super::callbacks;
use super::callbacks::WrittenCallback;
use super::place;
use super::retention;
use super::webhooks;
use super::webhooks::WrittenWebhook;
use super::witnesses;
use super::witnesses::WrittenWitness;
use crate::telemetry::tracing::LogFormat;

/// What every variable begins with.
pub const PREFIX: &str = "COMITY_";

/// The settings, each of which a file or a variable can give.
pub const SETTINGS: [&str; 36] = [
    "system",
    "listen",
    "data_dir",
    "policies",
    "access_policies",
    "shadow_policies",
    "configuration_keys",
    "callers",
    "body_bytes_max",
    "members_max",
    "nesting_max",
    "connections_max",
    "head_seconds_max",
    "idle_seconds_max",
    "body_seconds_max",
    "answer_seconds_max",
    "drain_seconds_max",
    "event_streams_max",
    "event_streams_per_caller_max",
    "heartbeat_seconds",
    "require_idempotency_key",
    "dry_runs_per_minute_max",
    "decide_again_grace_seconds",
    "public_url",
    "access_request_seconds_max",
    "access_approval_seconds_max",
    "queue_commands_max",
    "ended_requests_max",
    "watch_quiet_milliseconds",
    "watch_poll_milliseconds",
    "decision_log_origin",
    "decision_log_readers",
    "decision_log_witnesses_wanted",
    "decision_log_witness_milliseconds_max",
    "log_format",
    "log_filter",
];

/// Settings as one source gives them; every one may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Partial {
    /// The MC system that the service decides for.
    pub system: Option<String>,
    /// Where it listens.
    pub listen: Option<String>,
    /// Where it keeps everything.
    pub data_dir: Option<PathBuf>,
    /// The bundle's directory.
    pub policies: Option<PathBuf>,
    /// The access bundle's directory.
    pub access_policies: Option<PathBuf>,
    /// The directory of a bundle that follows what is decided and decides nothing.
    pub shadow_policies: Option<PathBuf>,
    /// The directory of the keys under which accepted configuration is kept.
    pub configuration_keys: Option<PathBuf>,
    /// The list of callers.
    pub callers: Option<PathBuf>,
    /// Where events are sent; only a file can say it.
    pub webhooks: Vec<WrittenWebhook>,
    /// Who may be called when an access request has ended; only a file can say it.
    pub callbacks: Vec<WrittenCallback>,
    /// Bytes of the largest body.
    pub body_bytes_max: Option<u64>,
    /// Members of the longest membership list.
    pub members_max: Option<u64>,
    /// Arrays and objects within each other.
    pub nesting_max: Option<u64>,
    /// Connections open at once.
    pub connections_max: Option<u64>,
    /// How long the first head of a connection may take.
    pub head_seconds_max: Option<u64>,
    /// How long a connection may go on without another request.
    pub idle_seconds_max: Option<u64>,
    /// How long a body may take.
    pub body_seconds_max: Option<u64>,
    /// How long an answer may take.
    pub answer_seconds_max: Option<u64>,
    /// How long requests under way may take to end.
    pub drain_seconds_max: Option<u64>,
    /// Event streams open at once.
    pub event_streams_max: Option<u64>,
    /// Event streams of one caller open at once.
    pub event_streams_per_caller_max: Option<u64>,
    /// How long an event stream may say nothing.
    pub heartbeat_seconds: Option<u64>,
    /// Whether a request is submitted only under an idempotency key.
    pub require_idempotency_key: Option<bool>,
    /// Dry runs of one caller in a minute.
    pub dry_runs_per_minute_max: Option<u64>,
    /// How long a visitor is served unverified once the link to their home is back.
    pub decide_again_grace_seconds: Option<u64>,
    /// Where others reach the service.
    pub public_url: Option<String>,
    /// How long an approval can be asked for after an evaluation was held.
    pub access_request_seconds_max: Option<u64>,
    /// How long an approval can be used.
    pub access_approval_seconds_max: Option<u64>,
    /// Commands that may wait to be sequenced.
    pub queue_commands_max: Option<u64>,
    /// Requests that have ended and stay in memory.
    pub ended_requests_max: Option<u64>,
    /// How long the policy files must rest before they are read.
    pub watch_quiet_milliseconds: Option<u64>,
    /// How often the policy files are looked at, events or not.
    pub watch_poll_milliseconds: Option<u64>,
    /// The name of the decision log.
    pub decision_log_origin: Option<String>,
    /// Who may read the published decision log.
    pub decision_log_readers: Option<String>,
    /// Who cosigns the checkpoints of the decision log; only a file can say it.
    pub witnesses: Vec<WrittenWitness>,
    /// How long personal parts of records are kept, by kind; only a file can say it.
    pub retention: BTreeMap<String, String>,
    /// How many of them shall.
    pub decision_log_witnesses_wanted: Option<u64>,
    /// How long a checkpoint waits for them.
    pub decision_log_witness_milliseconds_max: Option<u64>,
    /// How log lines are written.
    pub log_format: Option<LogFormat>,
    /// Which log lines are written.
    pub log_filter: Option<String>,
}

impl Partial {
    /// Reads a configuration file.
    pub fn from_file(path: &Path) -> Result<Self, InvalidConfig> {
        let text = place::read(path)?;
        Self::from_text(&text).map_err(|InvalidConfig(problems)| place::within(path, problems))
    }

    /// Reads the text of a configuration file.
    pub fn from_text(text: &str) -> Result<Self, InvalidConfig> {
        let table = place::table(text)?;
        let known = [
            SETTINGS.as_slice(),
            &[
                webhooks::TABLE,
                callbacks::TABLE,
                witnesses::TABLE,
                retention::TABLE,
            ],
        ]
        .concat();
        let mut unknown = place::unknown_keys(text, table.get_ref(), &known);
        unknown.extend(webhooks::unknown_members(text, table.get_ref()));
        unknown.extend(callbacks::unknown_members(text, table.get_ref()));
        unknown.extend(witnesses::unknown_members(text, table.get_ref()));
        if !unknown.is_empty() {
            return Err(InvalidConfig(unknown));
        }
        toml::from_str(text).map_err(|error| InvalidConfig(vec![error.to_string()]))
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
                problems.extend(place::meant(&setting, &SETTINGS).map(|meant| {
                    let meant = meant.to_ascii_uppercase();
                    format!("{name}: did you mean `{PREFIX}{meant}`?")
                }));
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
                .parse::<u64>()
                .map_err(|_| format!("`{value}` is not a number"))
        };
        match setting {
            "system" => self.system = Some(value.to_owned()),
            "listen" => self.listen = Some(value.to_owned()),
            "data_dir" => self.data_dir = Some(value.into()),
            "policies" => self.policies = Some(value.into()),
            "access_policies" => self.access_policies = Some(value.into()),
            "shadow_policies" => self.shadow_policies = Some(value.into()),
            "configuration_keys" => self.configuration_keys = Some(value.into()),
            "callers" => self.callers = Some(value.into()),
            "body_bytes_max" => self.body_bytes_max = Some(number(value)?),
            "members_max" => self.members_max = Some(number(value)?),
            "nesting_max" => self.nesting_max = Some(number(value)?),
            "connections_max" => self.connections_max = Some(number(value)?),
            "head_seconds_max" => self.head_seconds_max = Some(number(value)?),
            "idle_seconds_max" => self.idle_seconds_max = Some(number(value)?),
            "body_seconds_max" => self.body_seconds_max = Some(number(value)?),
            "answer_seconds_max" => self.answer_seconds_max = Some(number(value)?),
            "drain_seconds_max" => self.drain_seconds_max = Some(number(value)?),
            "event_streams_max" => self.event_streams_max = Some(number(value)?),
            "event_streams_per_caller_max" => {
                self.event_streams_per_caller_max = Some(number(value)?);
            }
            "heartbeat_seconds" => self.heartbeat_seconds = Some(number(value)?),
            "dry_runs_per_minute_max" => self.dry_runs_per_minute_max = Some(number(value)?),
            "decide_again_grace_seconds" => {
                self.decide_again_grace_seconds = Some(number(value)?);
            }
            "public_url" => self.public_url = Some(value.to_owned()),
            "access_request_seconds_max" => {
                self.access_request_seconds_max = Some(number(value)?);
            }
            "access_approval_seconds_max" => {
                self.access_approval_seconds_max = Some(number(value)?);
            }
            "queue_commands_max" => self.queue_commands_max = Some(number(value)?),
            "ended_requests_max" => self.ended_requests_max = Some(number(value)?),
            "watch_quiet_milliseconds" => self.watch_quiet_milliseconds = Some(number(value)?),
            "watch_poll_milliseconds" => self.watch_poll_milliseconds = Some(number(value)?),
            "require_idempotency_key" => {
                self.require_idempotency_key = Some(match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(format!("`{value}` is neither `true` nor `false`")),
                });
            }
            "decision_log_origin" => self.decision_log_origin = Some(value.to_owned()),
            "decision_log_readers" => self.decision_log_readers = Some(value.to_owned()),
            "decision_log_witnesses_wanted" => {
                self.decision_log_witnesses_wanted = Some(number(value)?);
            }
            "decision_log_witness_milliseconds_max" => {
                self.decision_log_witness_milliseconds_max = Some(number(value)?);
            }
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
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub fn or(self, other: Self) -> Self {
        Self {
            system: self.system.or(other.system),
            listen: self.listen.or(other.listen),
            data_dir: self.data_dir.or(other.data_dir),
            policies: self.policies.or(other.policies),
            access_policies: self.access_policies.or(other.access_policies),
            shadow_policies: self.shadow_policies.or(other.shadow_policies),
            configuration_keys: self.configuration_keys.or(other.configuration_keys),
            callers: self.callers.or(other.callers),
            webhooks: if self.webhooks.is_empty() {
                other.webhooks
            } else {
                self.webhooks
            },
            callbacks: if self.callbacks.is_empty() {
                other.callbacks
            } else {
                self.callbacks
            },
            body_bytes_max: self.body_bytes_max.or(other.body_bytes_max),
            members_max: self.members_max.or(other.members_max),
            nesting_max: self.nesting_max.or(other.nesting_max),
            connections_max: self.connections_max.or(other.connections_max),
            head_seconds_max: self.head_seconds_max.or(other.head_seconds_max),
            idle_seconds_max: self.idle_seconds_max.or(other.idle_seconds_max),
            body_seconds_max: self.body_seconds_max.or(other.body_seconds_max),
            answer_seconds_max: self.answer_seconds_max.or(other.answer_seconds_max),
            drain_seconds_max: self.drain_seconds_max.or(other.drain_seconds_max),
            event_streams_max: self.event_streams_max.or(other.event_streams_max),
            event_streams_per_caller_max: self
                .event_streams_per_caller_max
                .or(other.event_streams_per_caller_max),
            heartbeat_seconds: self.heartbeat_seconds.or(other.heartbeat_seconds),
            require_idempotency_key: self
                .require_idempotency_key
                .or(other.require_idempotency_key),
            dry_runs_per_minute_max: self
                .dry_runs_per_minute_max
                .or(other.dry_runs_per_minute_max),
            decide_again_grace_seconds: self
                .decide_again_grace_seconds
                .or(other.decide_again_grace_seconds),
            public_url: self.public_url.or(other.public_url),
            access_request_seconds_max: self
                .access_request_seconds_max
                .or(other.access_request_seconds_max),
            access_approval_seconds_max: self
                .access_approval_seconds_max
                .or(other.access_approval_seconds_max),
            queue_commands_max: self.queue_commands_max.or(other.queue_commands_max),
            ended_requests_max: self.ended_requests_max.or(other.ended_requests_max),
            watch_quiet_milliseconds: self
                .watch_quiet_milliseconds
                .or(other.watch_quiet_milliseconds),
            watch_poll_milliseconds: self
                .watch_poll_milliseconds
                .or(other.watch_poll_milliseconds),
            decision_log_origin: self.decision_log_origin.or(other.decision_log_origin),
            decision_log_readers: self.decision_log_readers.or(other.decision_log_readers),
            witnesses: if self.witnesses.is_empty() {
                other.witnesses
            } else {
                self.witnesses
            },
            retention: if self.retention.is_empty() {
                other.retention
            } else {
                self.retention
            },
            decision_log_witnesses_wanted: self
                .decision_log_witnesses_wanted
                .or(other.decision_log_witnesses_wanted),
            decision_log_witness_milliseconds_max: self
                .decision_log_witness_milliseconds_max
                .or(other.decision_log_witness_milliseconds_max),
            log_format: self.log_format.or(other.log_format),
            log_filter: self.log_filter.or(other.log_filter),
        }
    }
}
