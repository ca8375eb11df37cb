//! Whom a verifier believes, as the command line says it.

use std::fs;
use std::path::Path;

use clap::Args;

use super::Failure;
use crate::cli::chain;
use crate::decision_log::checkpoint::Origin;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::decision_log::checkpoint::Trust;
use crate::decision_log::checkpoint::VerifierKey;

/// The keys that are trusted.
#[derive(Debug, Args)]
pub(super) struct Trusted {
    /// A verifier key of the log, as you were given it; several while one takes over from another
    #[arg(long = "key", value_name = "VKEY", required = true)]
    keys: Vec<VerifierKey>,
    /// The name that the log must have; otherwise that of its key
    #[arg(long, value_name = "NAME")]
    origin: Option<Origin>,
    /// A verifier key of a witness
    #[arg(long = "witness", value_name = "VKEY")]
    witnesses: Vec<VerifierKey>,
    /// How many of the witnesses must have cosigned the checkpoint
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    witnesses_wanted: usize,
}

impl Trusted {
    pub(super) fn trust(&self) -> Result<Trust, Failure> {
        let cosigner = self.keys.iter().find(|key| key.is_cosigner());
        if let Some(key) = cosigner {
            return Err(Failure::Input(format!(
                "`{key}` is the key of a witness: give it as `--witness`"
            )));
        }
        let log = self.witnesses.iter().find(|key| !key.is_cosigner());
        if let Some(key) = log {
            return Err(Failure::Input(format!(
                "`{key}` is no key of a witness: cosignatures are by Ed25519 (4) or ML-DSA-44 (6)"
            )));
        }
        if self.witnesses_wanted > self.witnesses.len() {
            return Err(Failure::Input(format!(
                "{} witnesses are wanted and {} named: name them with `--witness`",
                self.witnesses_wanted,
                self.witnesses.len()
            )));
        }
        Ok(Trust {
            origin: self.origin.clone(),
            log_keys: self.keys.clone(),
            witnesses: self.witnesses.clone(),
            witnesses_wanted: self.witnesses_wanted,
        })
    }
}

/// A checkpoint in a file.
pub(super) fn read_checkpoint(file: &Path) -> Result<SignedCheckpoint, Failure> {
    let wrong = |detail: String| Failure::Input(format!("`{}`: {detail}", file.display()));
    let text = fs::read(file).map_err(|error| wrong(error.to_string()))?;
    SignedCheckpoint::parse(&text).map_err(|error| wrong(chain(&error)))
}
