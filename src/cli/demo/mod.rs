//! `comity demo`: the story of the Dutch officer, two services, through their own HTTP interfaces.
//!
//! It asserts what it shows: any surprise is a non-zero exit.

mod exchange;
mod party;
mod review;
mod story;
mod telling;

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::output;

/// How the demonstration ends.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Leave both services running at the end, until interrupted
    #[arg(long, conflicts_with = "once")]
    keep: bool,
    /// End at once and remove everything, as a test does
    #[arg(long)]
    once: bool,
    /// Where the shipped `policies`, `schemas` and `examples` folders are
    #[arg(long, default_value = ".", value_name = "DIR")]
    from: PathBuf,
}

/// What went otherwise than the story says.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Surprise(pub(super) String);

impl Surprise {
    pub(super) fn from_error(doing: &str, error: &dyn std::error::Error) -> Self {
        Self(format!("{doing}: {}", crate::cli::chain(error)))
    }
}

pub(super) fn run(arguments: &Arguments) -> Exit {
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
    match runtime.block_on(story::tell(arguments)) {
        Ok(()) => Exit::Success,
        Err(surprise) => {
            output::complain(&format!("\nThe story went wrong: {surprise}"));
            Exit::No
        }
    }
}
