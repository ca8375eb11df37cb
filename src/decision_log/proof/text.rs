//! A proof that somebody can carry away and check offline (C2SP `tlog-proof`).

use std::str::FromStr;

use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::RootHash;
use crate::decision_log::checkpoint::CheckpointError;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::decision_log::checkpoint::Trust;
use crate::decision_log::checkpoint::Verified;
use crate::decision_log::proof::InclusionProof;
use crate::decision_log::proof::PROOF_HASHES_MAX;
use crate::decision_log::proof::Unproven;
use crate::decision_log::tile::decimal;

const HEAD: &str = "c2sp.org/tlog-proof@v1";

/// That an entry is in a log: its place, the hashes up to the root, and the checkpoint that names the root.
#[derive(Debug, PartialEq)]
pub struct TlogProof {
    /// The place of the entry.
    pub index: LogIndex,
    /// The hashes up to the root.
    pub inclusion: InclusionProof,
    /// The checkpoint, believed or not.
    pub checkpoint: SignedCheckpoint,
}

/// Why a text is no proof, or proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofTextError {
    /// It is not written as a proof is.
    #[error("line {line} is not that of a proof: {expected} is expected")]
    Form {
        /// The line, counted from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The checkpoint in it is none, or not believed.
    #[error("the checkpoint of the proof does not count")]
    Checkpoint(#[source] CheckpointError),
    /// The hashes lead elsewhere.
    #[error(transparent)]
    Unproven(Unproven),
}

impl TlogProof {
    /// The text of the proof.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\nindex {}\n", self.index);
        for hash in &self.inclusion.0 {
            text.push_str(&hash.to_string());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&String::from_utf8_lossy(&self.checkpoint.to_text()));
        text
    }

    /// Checks that the entry with this hash is in the log that is trusted.
    pub fn verify(&self, leaf: &LeafHash, trust: &Trust) -> Result<Verified, ProofTextError> {
        let verified = self
            .checkpoint
            .verify(trust)
            .map_err(ProofTextError::Checkpoint)?;
        let head = &verified.checkpoint;
        self.inclusion
            .verify((head.size, &head.root), (self.index, leaf))
            .map_err(ProofTextError::Unproven)?;
        Ok(verified)
    }
}

impl FromStr for TlogProof {
    type Err = ProofTextError;

    fn from_str(text: &str) -> Result<Self, ProofTextError> {
        let form = |line, expected| ProofTextError::Form { line, expected };
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or_else(|| form(1, "a head, an empty line and a checkpoint"))?;
        let mut lines = (1_usize..).zip(head.split('\n')).peekable();
        match lines.next() {
            Some((_, HEAD)) => {}
            Some(_) | None => return Err(form(1, "`c2sp.org/tlog-proof@v1`")),
        }
        // What is extra is authenticated by nobody, and nothing here needs it.
        let extra = |(_, line): &(usize, &str)| line.starts_with("extra ");
        lines.next_if(extra);
        let (number, line) = lines.next().unwrap_or((2, ""));
        let index = line
            .strip_prefix("index ")
            .and_then(decimal)
            .ok_or_else(|| form(number, "`index` and a number"))?;
        let hashes: Vec<RootHash> = lines
            .map(|(number, line)| {
                line.parse()
                    .map_err(|_| form(number, "a hash in standard Base64"))
            })
            .collect::<Result<_, _>>()?;
        if hashes.len() > PROOF_HASHES_MAX {
            return Err(form(PROOF_HASHES_MAX + 3, "an empty line"));
        }
        let checkpoint =
            SignedCheckpoint::parse(checkpoint.as_bytes()).map_err(ProofTextError::Checkpoint)?;
        Ok(Self {
            index: LogIndex(index),
            inclusion: InclusionProof(hashes),
            checkpoint,
        })
    }
}
