//! A checkpoint with its signatures: made by the log, added to by witnesses, believed by those who know the keys.

use signed_note::Note;
use signed_note::NoteError;
use signed_note::Signature;
use signed_note::Signer;
use signed_note::VerifierList;

use crate::decision_log::checkpoint::Checkpoint;
use crate::decision_log::checkpoint::LogKey;
use crate::decision_log::checkpoint::Origin;
use crate::decision_log::checkpoint::OriginError;
use crate::decision_log::checkpoint::TREE_SIZE_MAX;
use crate::decision_log::checkpoint::VerifierKey;

/// A checkpoint as it is served: text and signatures, of which nothing is believed yet.
#[derive(Debug, PartialEq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

/// Whom somebody believes: the keys of one log, and of witnesses.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The name that the log must have; absent: any that one of its keys signs for.
    pub origin: Option<Origin>,
    /// The keys of the log, the present one and those before.
    pub log_keys: Vec<VerifierKey>,
    /// The keys of witnesses.
    pub witnesses: Vec<VerifierKey>,
    /// How many of the witnesses must have cosigned.
    pub witnesses_wanted: usize,
}

/// A checkpoint that is believed, and who cosigned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The tree head.
    pub checkpoint: Checkpoint,
    /// The names of the witnesses that cosigned it.
    pub witnesses: Vec<String>,
}

/// Why a text is no checkpoint, or none that is believed.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It is no signed note.
    #[error("not a signed note: text, an empty line, and lines of signatures are expected")]
    Note,
    /// Its text is no checkpoint.
    #[error(
        "not a checkpoint: the lines are the log's name, the number of entries, and the root in Base64"
    )]
    Body,
    /// Its first line can't name a log.
    #[error("not a checkpoint")]
    Origin(#[source] OriginError),
    /// It speaks of more entries than any log has.
    #[error("a log of {size} entries: more than {TREE_SIZE_MAX} are not believed")]
    TooLarge {
        /// How many.
        size: u64,
    },
    /// No key that is trusted signed it.
    #[error(
        "not signed by a key of the log that is trusted: compare the log's verifier key with the one you were given"
    )]
    Untrusted,
    /// A signature by a trusted key is wrong.
    #[error("the signature of `{name}` is wrong: the checkpoint was altered")]
    Forged {
        /// The key's name.
        name: String,
    },
    /// It is the checkpoint of another log.
    #[error("the checkpoint is of log `{found}`, not of `{wanted}`")]
    Foreign {
        /// The log that is meant.
        wanted: Origin,
        /// The log that it is of.
        found: Origin,
    },
    /// Too few witnesses cosigned.
    #[error("{found} of {wanted} witnesses cosigned the checkpoint")]
    TooFewWitnesses {
        /// How many did.
        found: usize,
        /// How many are wanted.
        wanted: usize,
    },
    /// It can't be signed.
    #[error("the checkpoint can't be signed")]
    Unsigned,
}

impl SignedCheckpoint {
    /// Signs a checkpoint by every key given; a later key may take over from an earlier one so.
    pub fn sign(checkpoint: Checkpoint, keys: &[LogKey]) -> Result<Self, CheckpointError> {
        let mut note =
            Note::new(checkpoint.body().as_bytes(), &[]).map_err(|_| CheckpointError::Unsigned)?;
        let signers: Vec<&dyn Signer> = keys
            .iter()
            .map(|key| -> &dyn Signer { key.signer() })
            .collect();
        if signers.is_empty() {
            return Err(CheckpointError::Unsigned);
        }
        note.add_sigs(&signers)
            .map_err(|_| CheckpointError::Unsigned)?;
        Ok(Self { checkpoint, note })
    }

    /// Reads a checkpoint with its signatures, none of which is checked.
    pub fn parse(text: &[u8]) -> Result<Self, CheckpointError> {
        let note = Note::from_bytes(text).map_err(|_| CheckpointError::Note)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { checkpoint, note })
    }

    /// What it says, believed or not.
    pub fn unverified(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The text with its signatures.
    pub fn to_text(&self) -> Vec<u8> {
        self.note.to_bytes()
    }

    /// What it says, if the log and enough witnesses signed it.
    pub fn verify(&self, trust: &Trust) -> Result<Verified, CheckpointError> {
        let signed = self.signed_by(&trust.log_keys)?;
        if signed.is_empty() {
            return Err(CheckpointError::Untrusted);
        }
        let found = &self.checkpoint.origin;
        // A key is for the log that it is named after.
        let is_for = |signature: &Signature| signature.name() == found.as_str();
        let wanted = trust.origin.clone().or_else(|| {
            let name = signed.first().map(Signature::name)?;
            name.parse().ok()
        });
        match wanted {
            Some(wanted) if wanted != *found => {
                return Err(CheckpointError::Foreign {
                    wanted,
                    found: found.clone(),
                });
            }
            Some(_) if signed.iter().any(is_for) => {}
            Some(_) | None => return Err(CheckpointError::Untrusted),
        }
        let witnesses = self.cosigned_by(&trust.witnesses)?;
        if witnesses.len() < trust.witnesses_wanted {
            return Err(CheckpointError::TooFewWitnesses {
                found: witnesses.len(),
                wanted: trust.witnesses_wanted,
            });
        }
        Ok(Verified {
            checkpoint: self.checkpoint.clone(),
            witnesses,
        })
    }

    /// Adds those of a witness's signature lines that are by its key and right; whether there were any.
    pub fn add_cosignatures(&mut self, lines: &[u8], witness: &VerifierKey) -> bool {
        let text = [self.note.text(), b"\n", lines].concat();
        let Ok(answered) = Note::from_bytes(&text) else {
            return false;
        };
        let Some(added) = verified(&answered, std::slice::from_ref(witness)).ok() else {
            return false;
        };
        let mut signatures = self.signatures();
        signatures.retain(|known| !added.iter().any(|new| is_same_key(known, new)));
        signatures.extend(added.iter().cloned());
        match Note::new(self.note.text(), &signatures) {
            Ok(note) if !added.is_empty() => {
                self.note = note;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// The names of the witnesses among these that cosigned, each once; a wrong cosignature is an error.
    pub fn cosigned_by(&self, witnesses: &[VerifierKey]) -> Result<Vec<String>, CheckpointError> {
        let mut names: Vec<String> = self
            .signed_by(witnesses)?
            .iter()
            .map(|signature| signature.name().to_owned())
            .collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn signed_by(&self, keys: &[VerifierKey]) -> Result<Vec<Signature>, CheckpointError> {
        verified(&self.note, keys)
    }

    fn signatures(&self) -> Vec<Signature> {
        let text = self.note.to_bytes();
        let text = String::from_utf8_lossy(&text);
        let lines = text.rsplit_once("\n\n").map(|(_, lines)| lines);
        lines
            .unwrap_or_default()
            .lines()
            .filter_map(|line| Signature::from_bytes(line.as_bytes()).ok())
            .collect()
    }
}

fn is_same_key(one: &Signature, other: &Signature) -> bool {
    one.name() == other.name() && one.id() == other.id()
}

/// The signatures of a note by these keys; a wrong one by any of them condemns the note.
fn verified(note: &Note, keys: &[VerifierKey]) -> Result<Vec<Signature>, CheckpointError> {
    let mut known: Vec<&VerifierKey> = keys.iter().collect();
    known.sort_unstable_by_key(|key| key.as_str());
    known.dedup();
    let verifiers = known
        .into_iter()
        .map(VerifierKey::verifier)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| CheckpointError::Untrusted)?;
    match note.verify(&VerifierList::new(verifiers)) {
        Ok((verified, _)) => Ok(verified),
        Err(NoteError::UnverifiedNote) => Ok(Vec::new()),
        Err(NoteError::InvalidSignature { name, .. }) => Err(CheckpointError::Forged { name }),
        Err(
            NoteError::MalformedNote
            | NoteError::InvalidSigner
            | NoteError::MismatchedVerifier
            | NoteError::VerificationError(_)
            | NoteError::SignatureError(_),
        ) => Err(CheckpointError::Untrusted),
    }
}
