//! `comity log check-proof`: a proof, checked offline.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::trust::Trusted;
use crate::cli::chain;
use crate::cli::output;
use crate::decision_log::LeafHash;
use crate::decision_log::merkle;
use crate::decision_log::proof::ProofTextError;
use crate::decision_log::proof::TlogProof;

/// Which proof, of what, and whom to believe.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The proof
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// The hash of the leaf, as the answer to the decision gave it
    #[arg(long, value_name = "HASH", required_unless_present = "leaf")]
    leaf_hash: Option<LeafHash>,
    /// Instead: a file with the bytes of the leaf
    #[arg(long, value_name = "FILE", conflicts_with = "leaf_hash")]
    leaf: Option<PathBuf>,
    #[command(flatten)]
    trusted: Trusted,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let trust = arguments.trusted.trust()?;
    let file = arguments.proof.display();
    let unreadable = |error| Failure::Input(format!("cannot read `{file}`: {error}"));
    let text = fs::read_to_string(&arguments.proof).map_err(unreadable)?;
    let proof: TlogProof = text
        .parse()
        .map_err(|error: ProofTextError| Failure::Input(format!("`{file}`: {}", chain(&error))))?;
    let leaf = leaf_hash(arguments)?;
    let verified = proof
        .verify(&leaf, &trust)
        .map_err(|error| Failure::No(format!("not proven: {}", chain(&error))))?;
    output::say(&format!(
        "entry {} with leaf hash {leaf} is in `{}`, whose checkpoint covers {} entries",
        proof.index, verified.checkpoint.origin, verified.checkpoint.size
    ));
    if !verified.witnesses.is_empty() {
        output::say(&format!("cosigned by {}", verified.witnesses.join(", ")));
    }
    Ok(())
}

fn leaf_hash(arguments: &Arguments) -> Result<LeafHash, Failure> {
    if let Some(hash) = arguments.leaf_hash {
        return Ok(hash);
    }
    let file = arguments.leaf.clone().unwrap_or_default();
    let bytes = fs::read(&file)
        .map_err(|error| Failure::Input(format!("cannot read `{}`: {error}", file.display())))?;
    Ok(merkle::leaf_hash(&bytes))
}
