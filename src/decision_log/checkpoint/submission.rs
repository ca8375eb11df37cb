//! What a witness is given: a checkpoint, and the proof that it goes on from the one that the witness saw last (C2SP
//! `tlog-witness`, `add-checkpoint`).

use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::decision_log::proof::ConsistencyProof;

/// The body of a call of `add-checkpoint`.
pub fn submission(
    older: TreeSize,
    proof: &ConsistencyProof,
    checkpoint: &SignedCheckpoint,
) -> Vec<u8> {
    let mut body = format!("old {older}\n");
    for hash in &proof.0 {
        body.push_str(&hash.to_string());
        body.push('\n');
    }
    body.push('\n');
    let mut body = body.into_bytes();
    body.extend(checkpoint.to_text());
    body
}
