//! Witnesses: others who cosign each checkpoint once they saw that the log only grew (C2SP `tlog-witness`).

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use crate::decision_log::RootHash;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::decision_log::checkpoint::VerifierKey;
use crate::decision_log::checkpoint::submission;
use crate::outbound::witness::Answer;
use crate::outbound::witness::WitnessClient;
use crate::store::embedded::LogReader;

/// One witness.
#[derive(Debug)]
pub struct Witness {
    key: VerifierKey,
    client: WitnessClient,
    /// The size of the tree that it cosigned last, as far as is known.
    seen: AtomicU64,
}

/// All of them, and how many are wanted.
#[derive(Clone, Debug)]
pub struct Witnesses {
    all: Vec<Arc<Witness>>,
    wanted: usize,
    patience: Duration,
}

/// Why a witness did not cosign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Uncosigned {
    /// The witness's name.
    pub witness: String,
    /// Why.
    pub reason: String,
}

/// A witness saw a larger log: this one lost entries that others have seen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "witness `{witness}` has cosigned {seen} entries of this log, which has {ours}: entries that others have seen are lost; \
     restore a newer backup, or begin a new origin"
)]
pub struct Ahead {
    witness: String,
    seen: TreeSize,
    ours: TreeSize,
}

/// What the witnesses did.
#[derive(Debug)]
pub(in crate::app) struct Gathered {
    /// The checkpoint with the cosignatures that came.
    pub(in crate::app) checkpoint: SignedCheckpoint,
    /// Who did not cosign.
    pub(in crate::app) uncosigned: Vec<Uncosigned>,
}

enum Missed {
    Ahead(TreeSize),
    Reason(String),
}

impl Witness {
    /// A witness by its key, called as the client says.
    pub fn new(key: VerifierKey, client: WitnessClient) -> Self {
        Self {
            key,
            client,
            seen: AtomicU64::new(0),
        }
    }

    /// The signature lines by which it cosigns.
    async fn cosign(
        &self,
        log: &LogReader,
        root: RootHash,
        checkpoint: &[u8],
    ) -> Result<Vec<u8>, Missed> {
        let mut older = TreeSize(self.seen.load(Ordering::Relaxed));
        // It says what it saw last; then it is given the proof from there.
        for _ in 0..3 {
            let body = self.body(log, root, (older, checkpoint)).await?;
            match self.client.add_checkpoint(body).await {
                Ok(Answer::Cosigned(lines)) => {
                    self.seen.store(log.size().0, Ordering::Relaxed);
                    return Ok(lines);
                }
                Ok(Answer::Conflict(seen)) if seen > log.size() => return Err(Missed::Ahead(seen)),
                Ok(Answer::Conflict(seen)) => older = seen,
                Err(error) => return Err(Missed::Reason(error.to_string())),
            }
        }
        let reason = "it names another last size each time";
        Err(Missed::Reason(reason.to_owned()))
    }

    async fn body(
        &self,
        log: &LogReader,
        root: RootHash,
        (older, checkpoint): (TreeSize, &[u8]),
    ) -> Result<Vec<u8>, Missed> {
        let (log, checkpoint) = (log.clone(), checkpoint.to_vec());
        let made = tokio::task::spawn_blocking(move || {
            let (proof, _) = log
                .tree(root)
                .consistency(older)
                .map_err(|error| error.to_string())?;
            let signed = SignedCheckpoint::parse(&checkpoint).map_err(|error| error.to_string())?;
            Ok(submission(older, &proof, &signed))
        });
        let made = made.await.unwrap_or_else(|error| Err(error.to_string()));
        made.map_err(Missed::Reason)
    }
}

impl Witnesses {
    /// These witnesses, of whom so many are wanted, and how long a checkpoint waits for them.
    pub fn new(witnesses: Vec<Witness>, wanted: usize, patience: Duration) -> Self {
        Self {
            all: witnesses.into_iter().map(Arc::new).collect(),
            wanted,
            patience,
        }
    }

    /// Nobody.
    pub fn none() -> Self {
        Self::new(Vec::new(), 0, Duration::ZERO)
    }

    /// How many are wanted.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// The keys of those who cosigned a checkpoint.
    pub(in crate::app) fn cosigned(&self, checkpoint: &SignedCheckpoint) -> Vec<String> {
        let keys: Vec<VerifierKey> = self.all.iter().map(|it| it.key.clone()).collect();
        checkpoint.cosigned_by(&keys).unwrap_or_default()
    }

    /// Asks all of them at once, and waits until all have answered or the time is up.
    pub(in crate::app) async fn gather(
        &self,
        log: &LogReader,
        root: RootHash,
        mut checkpoint: SignedCheckpoint,
    ) -> Result<Gathered, Ahead> {
        let text: Arc<[u8]> = checkpoint.to_text().into();
        let mut asked = JoinSet::new();
        for witness in &self.all {
            let (witness, log, text) = (Arc::clone(witness), log.clone(), Arc::clone(&text));
            let patience = self.patience;
            asked.spawn(async move {
                let cosigned = witness.cosign(&log, root, &text);
                let cosigned = tokio::time::timeout(patience, cosigned).await;
                let late = || Missed::Reason("it did not answer in time".to_owned());
                (witness, cosigned.unwrap_or_else(|_| Err(late())))
            });
        }
        let mut uncosigned = Vec::new();
        while let Some(answered) = asked.join_next().await {
            let Ok((witness, cosigned)) = answered else {
                continue;
            };
            let name = witness.key.name();
            let reason = match cosigned {
                Ok(lines) if checkpoint.add_cosignatures(&lines, &witness.key) => continue,
                Ok(_) => "its answer is no cosignature by its key".to_owned(),
                Err(Missed::Reason(reason)) => reason,
                Err(Missed::Ahead(seen)) => {
                    return Err(Ahead {
                        witness: name.to_owned(),
                        seen,
                        ours: log.size(),
                    });
                }
            };
            uncosigned.push(Uncosigned {
                witness: name.to_owned(),
                reason,
            });
        }
        uncosigned.sort_unstable_by(|one, other| one.witness.cmp(&other.witness));
        Ok(Gathered {
            checkpoint,
            uncosigned,
        })
    }
}
