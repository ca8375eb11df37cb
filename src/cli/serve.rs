//! `comity serve`: run the service until it is told to stop.

use std::io;
use std::path::PathBuf;
use std::pin::pin;

use clap::Args;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use super::exit::Exit;
use super::output;
use super::service::Service;
use super::service::ServiceError;
use super::service::ServiceSettings;
use crate::config::Config;
use crate::config::InvalidConfig;
use crate::config::callers;
use crate::config::environment;
use crate::config::partial::Partial;
use crate::identity::caller::CallerList;
use crate::store::embedded::Interrupt;
use crate::telemetry::tracing::LogFormat;

/// Flags win over `COMITY_…` variables, and those over the configuration file.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The MC system that this service decides for
    #[arg(long, value_name = "MC_SYSTEM_ID")]
    system: Option<String>,
    /// Address and port; loopback only
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where everything is kept
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The bundle's directory
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// The access bundle's directory
    #[arg(long, value_name = "DIR")]
    access_policies: Option<PathBuf>,
    /// The directory of a bundle that follows what is decided and decides nothing
    #[arg(long, value_name = "DIR")]
    shadow_policies: Option<PathBuf>,
    /// The directory of the keys under which accepted configuration is kept
    #[arg(long, value_name = "DIR")]
    configuration_keys: Option<PathBuf>,
    /// The list of callers (TOML)
    #[arg(long, value_name = "FILE")]
    callers: Option<PathBuf>,
    /// How log lines are written
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
    /// Which log lines are written, such as `info` or `comity=debug`
    #[arg(long, value_name = "FILTER")]
    log_filter: Option<String>,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    let prepared = config(arguments).and_then(|config| Ok((caller_list(&config)?, config)));
    let (callers, config) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            output::complain(&error.to_string());
            return Exit::InvalidInput;
        }
    };
    if let Err(error) = crate::telemetry::tracing::init(config.log_format, &config.log_filter) {
        output::complain(&error.to_string());
        return Exit::InvalidInput;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("cannot start: {error}"));
            return Exit::Broken;
        }
    };
    match runtime.block_on(serve(settings(&config, callers))) {
        Ok(()) => Exit::Success,
        Err(error) => {
            output::complain(&super::chain(&error));
            Exit::Broken
        }
    }
}

fn config(arguments: Arguments) -> Result<Config, InvalidConfig> {
    let file = match &arguments.config {
        Some(path) => Partial::from_file(path)?,
        None => Partial::default(),
    };
    let flags = Partial {
        system: arguments.system,
        listen: arguments.listen,
        data_dir: arguments.data_dir,
        policies: arguments.policies,
        access_policies: arguments.access_policies,
        shadow_policies: arguments.shadow_policies,
        configuration_keys: arguments.configuration_keys,
        callers: arguments.callers,
        log_format: arguments.log_format,
        log_filter: arguments.log_filter,
        ..Partial::default()
    };
    flags
        .or(Partial::from_environment(&environment())?)
        .or(file)
        .complete()
}

fn caller_list(config: &Config) -> Result<CallerList, InvalidConfig> {
    let Some(path) = &config.callers else {
        return Ok(CallerList::default());
    };
    callers::from_file(path)
}

fn settings(config: &Config, callers: CallerList) -> ServiceSettings {
    ServiceSettings {
        system: config.system.clone(),
        listen: config.listen,
        data_directory: config.data_dir.clone(),
        policies: config.policies.clone(),
        access_policies: config.access_policies.clone(),
        shadow_policies: config.shadow_policies.clone(),
        configuration_keys: config.configuration_keys.clone(),
        callers,
        webhooks: config.webhooks.clone(),
        callbacks: config.callbacks.clone(),
        http: config.http,
        dry_runs_per_minute_max: config.dry_runs_per_minute_max,
        decide_again_grace_seconds: config.decide_again_grace_seconds,
        retention: config.retention.clone(),
        access_offer: config.access_offer.clone(),
        queue_commands_max: config.queue_commands_max,
        published_log: config.published_log.clone(),
        patience: config.patience,
        ended_requests: config.ended_requests_max,
        interrupt: Interrupt::default(),
    }
}

async fn serve(settings: ServiceSettings) -> Result<(), ServiceError> {
    let token_file = settings
        .data_directory
        .join(super::service::OPERATOR_TOKEN_FILE);
    let mut signals = Signals::new().map_err(ServiceError::Stop)?;
    let interrupt = settings.interrupt.clone();
    let mut starting = pin!(Service::start(settings));
    let service = tokio::select! {
        started = &mut starting => started?,
        told = signals.told_to_stop() => {
            told?;
            interrupt.raise();
            return match starting.await {
                Ok(service) => service.stop().await,
                Err(error) if error.is_interruption() => {
                    tracing::info!("stopped before the start was done");
                    Ok(())
                }
                Err(error) => Err(error),
            };
        }
    };
    output::say(&format!("listening on http://{}", service.address()));
    output::say(&format!("operator token in {}", token_file.display()));
    signals.told_to_stop().await?;
    tracing::info!("stopping; requests under way end first");
    service.stop().await
}

/// What the system tells a service to stop by; its terminal going away is one of them.
struct Signals {
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn told_to_stop(&mut self) -> Result<(), ServiceError> {
        tokio::select! {
            _ = self.terminate.recv() => Ok(()),
            _ = self.hang_up.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(ServiceError::Stop),
        }
    }
}
