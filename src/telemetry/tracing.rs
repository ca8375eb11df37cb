//! Structured logs on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging was not set up.
#[derive(Debug, thiserror::Error)]
pub enum TracingError {
    /// The filter cannot be read.
    #[error("`{0}` is not a log filter such as `info` or `comity=debug`")]
    Filter(String),
    /// Somebody else did it before.
    #[error("logging is set up already")]
    Twice,
}

/// Sets up logging for the process.
pub fn init(format: LogFormat, filter: &str) -> Result<(), TracingError> {
    let parsed = EnvFilter::try_new(filter).map_err(|_| TracingError::Filter(filter.to_owned()))?;
    let mut builder = tracing_subscriber::fmt()
        .with_env_filter(parsed)
        .with_writer(std::io::stderr);
    // Colours are for people who look at a terminal; whether those want any, the builder finds out.
    if !std::io::stderr().is_terminal() {
        builder = builder.with_ansi(false);
    }
    let set = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    set.map_err(|_| TracingError::Twice)
}
