//! Settings: a TOML file, then the environment, then flags; the only module that reads the environment.

pub mod callbacks;
pub mod callers;
pub mod partial;
mod place;
pub mod published_log;
mod retention;
pub mod webhooks;
pub mod witnesses;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use self::callbacks::CallbackSettings;
use self::partial::Partial;
use self::published_log::PublishedLogSettings;
use self::webhooks::WebhookSettings;
use crate::app::access_request::Offer;
use crate::app::erasure::Retention;
use crate::domain::identity::McSystemId;
use crate::domain::public_url::PublicUrl;
use crate::domain::wire::WireLimits;
use crate::http::settings::HttpSettings;
use crate::policy::watch::Patience;
use crate::telemetry::tracing::LogFormat;

/// Where the service listens unless it is told otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:8470";

const SECONDS: RangeInclusive<u64> = 1..=3_600;
const MILLISECONDS: RangeInclusive<u64> = 10..=60_000;
const COUNT: RangeInclusive<u64> = 1..=1_000_000;
/// A change that never rests is taken over after so many times the rest that it should have.
const LONGEST_QUIETS: u32 = 4;

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
    /// The directory of a bundle that follows what is decided and decides nothing; absent: none does.
    pub shadow_policies: Option<PathBuf>,
    /// The directory of the keys under which accepted configuration is kept; absent: in the data directory.
    pub configuration_keys: Option<PathBuf>,
    /// The list of callers; absent: the local operator alone.
    pub callers: Option<PathBuf>,
    /// Where events are sent.
    pub webhooks: Vec<WebhookSettings>,
    /// Who may be called when an access request has ended.
    pub callbacks: Vec<CallbackSettings>,
    /// How much and how long the interface takes.
    pub http: HttpSettings,
    /// Dry runs of one caller in a minute.
    pub dry_runs_per_minute_max: u64,
    /// How long a visitor is served unverified once the link to their home is back.
    pub decide_again_grace_seconds: u64,
    /// What is offered of access requests; absent: nothing.
    pub access_offer: Option<Offer>,
    /// Commands that may wait to be sequenced.
    pub queue_commands_max: usize,
    /// When a change of the policy files is taken over.
    pub patience: Patience,
    /// How many requests that have ended stay in memory; those before are read from the log.
    pub ended_requests_max: usize,
    /// How the decision log is published.
    pub published_log: PublishedLogSettings,
    /// How long personal parts of records are kept.
    pub retention: Retention,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Which log lines are written.
    pub log_filter: String,
}

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct InvalidConfig(pub Vec<String>);

impl Partial {
    /// The settings, checked; every problem is reported at once, before anything is opened.
    pub fn complete(mut self) -> Result<Config, InvalidConfig> {
        let mut problems = Vec::new();
        let http = self.http(&mut problems);
        let dry_runs_per_minute_max = Bounded {
            name: "dry_runs_per_minute_max",
            value: self.dry_runs_per_minute_max,
            range: COUNT,
        }
        .or(600, &mut problems);
        let decide_again_grace_seconds = Bounded {
            name: "decide_again_grace_seconds",
            value: self.decide_again_grace_seconds,
            range: 0..=86_400,
        }
        .or(600, &mut problems);
        let access_offer = self.access_offer(&mut problems);
        let queue_commands_max = Bounded {
            name: "queue_commands_max",
            value: self.queue_commands_max,
            range: COUNT,
        }
        .or(4_096, &mut problems);
        let ended_requests_max = Bounded {
            name: "ended_requests_max",
            value: self.ended_requests_max,
            range: 0..=1_000_000_000,
        }
        .or(100_000, &mut problems);
        let patience = self.patience(&mut problems);
        let system = self.system(&mut problems);
        let listen = loopback(self.listen.as_deref().unwrap_or(LISTEN_DEFAULT))
            .map_err(|problem| problems.push(problem));
        let published_log = self.published_log(system.as_ref(), &mut problems);
        let webhooks = webhooks::checked(self.webhooks)
            .map_err(|InvalidConfig(found)| problems.extend(found))
            .unwrap_or_default();
        let callbacks = callbacks::checked(self.callbacks, self.public_url.is_some())
            .map_err(|InvalidConfig(found)| problems.extend(found))
            .unwrap_or_default();
        let retention = retention::checked(&self.retention, &mut problems);
        let policies = self.policies.unwrap_or_else(|| "policies".into());
        let (Some(system), Some(published_log), Ok(listen), true) =
            (system, published_log, listen, problems.is_empty())
        else {
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
            shadow_policies: self.shadow_policies,
            configuration_keys: self.configuration_keys,
            callers: self.callers,
            webhooks,
            callbacks,
            http,
            dry_runs_per_minute_max,
            decide_again_grace_seconds,
            access_offer,
            queue_commands_max: size(queue_commands_max),
            ended_requests_max: size(ended_requests_max),
            patience,
            published_log,
            retention,
            log_format: self.log_format.unwrap_or_default(),
            log_filter: self.log_filter.unwrap_or_else(|| "info".to_owned()),
        })
    }

    fn access_offer(&self, problems: &mut Vec<String>) -> Option<Offer> {
        let denial_seconds = Bounded {
            name: "access_request_seconds_max",
            value: self.access_request_seconds_max,
            range: 10..=86_400,
        }
        .or(600, problems);
        let approval_seconds = Bounded {
            name: "access_approval_seconds_max",
            value: self.access_approval_seconds_max,
            range: 10..=2_592_000,
        }
        .or(3_600, problems);
        let public_url = match self.public_url.as_deref()?.parse::<PublicUrl>() {
            Ok(public_url) => public_url,
            Err(error) => {
                problems.push(format!("public_url: {error}"));
                return None;
            }
        };
        Some(Offer {
            public_url,
            denial_seconds,
            approval_seconds,
        })
    }

    fn system(&self, problems: &mut Vec<String>) -> Option<McSystemId> {
        match self.system.as_deref().map(str::parse::<McSystemId>) {
            Some(Ok(system)) => return Some(system),
            Some(Err(error)) => problems.push(format!("system: {error}")),
            None => problems
                .push("system: say which MC system this is, such as `mc.de.example`".to_owned()),
        }
        None
    }

    fn patience(&self, problems: &mut Vec<String>) -> Patience {
        let mut time = |name, value, usual: Duration| {
            let usual = u64::try_from(usual.as_millis()).unwrap_or(u64::MAX);
            let range = MILLISECONDS;
            Duration::from_millis(Bounded { name, value, range }.or(usual, problems))
        };
        let usual = Patience::default();
        let quiet = time(
            "watch_quiet_milliseconds",
            self.watch_quiet_milliseconds,
            usual.quiet,
        );
        Patience {
            quiet,
            longest: quiet * LONGEST_QUIETS,
            poll: time(
                "watch_poll_milliseconds",
                self.watch_poll_milliseconds,
                usual.poll,
            ),
        }
    }

    fn http(&self, problems: &mut Vec<String>) -> HttpSettings {
        let usual = HttpSettings::default();
        let mut number = |name, value, range, usual| {
            let usual = u64::try_from(usual).unwrap_or(u64::MAX);
            size(Bounded { name, value, range }.or(usual, problems))
        };
        let nesting = 1..=u64::try_from(WireLimits::NESTING_MAX).unwrap_or(u64::MAX);
        let body_bytes_max = number(
            "body_bytes_max",
            self.body_bytes_max,
            1_024..=1_073_741_824,
            usual.body_bytes_max,
        );
        let wire = WireLimits {
            members: number("members_max", self.members_max, COUNT, usual.wire.members),
            nesting: number("nesting_max", self.nesting_max, nesting, usual.wire.nesting),
        };
        let connections_max = number(
            "connections_max",
            self.connections_max,
            1..=65_536,
            usual.connections_max,
        );
        let event_streams_max = number(
            "event_streams_max",
            self.event_streams_max,
            1..=65_536,
            usual.event_streams_max,
        );
        let event_streams_per_caller_max = number(
            "event_streams_per_caller_max",
            self.event_streams_per_caller_max,
            1..=65_536,
            usual.event_streams_per_caller_max,
        );
        let mut time = |name, value, usual: Duration| {
            let range = SECONDS;
            Duration::from_secs(Bounded { name, value, range }.or(usual.as_secs(), problems))
        };
        let settings = HttpSettings {
            body_bytes_max,
            wire,
            connections_max,
            head_max: time("head_seconds_max", self.head_seconds_max, usual.head_max),
            idle_max: time("idle_seconds_max", self.idle_seconds_max, usual.idle_max),
            body_max: time("body_seconds_max", self.body_seconds_max, usual.body_max),
            answer_max: time(
                "answer_seconds_max",
                self.answer_seconds_max,
                usual.answer_max,
            ),
            drain_max: time("drain_seconds_max", self.drain_seconds_max, usual.drain_max),
            event_streams_max,
            event_streams_per_caller_max,
            heartbeat: time("heartbeat_seconds", self.heartbeat_seconds, usual.heartbeat),
            require_idempotency_key: self
                .require_idempotency_key
                .unwrap_or(usual.require_idempotency_key),
        };
        if settings.body_max >= settings.answer_max {
            problems.push(
                "body_seconds_max: must be less than answer_seconds_max, which the body is part of"
                    .to_owned(),
            );
        }
        settings
    }
}

/// A number that a setting gives, and which numbers it may give.
struct Bounded {
    name: &'static str,
    value: Option<u64>,
    range: RangeInclusive<u64>,
}

impl Bounded {
    /// The number, or the usual one.
    fn or(self, usual: u64, problems: &mut Vec<String>) -> u64 {
        let value = self.value.unwrap_or(usual);
        if !self.range.contains(&value) {
            let (least, most) = self.range.into_inner();
            problems.push(format!(
                "{}: `{value}` is not from {least} to {most}",
                self.name
            ));
        }
        value
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
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
mod tests;
