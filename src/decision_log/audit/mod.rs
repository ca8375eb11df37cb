//! The audit of a published log: from its resources alone, by whoever holds its key.
//!
//! Every entry is read and hashed, every tile is made anew from them and held against the published one, and the root
//! against the signed checkpoint. An older checkpoint, kept by somebody since, shows that the log only ever grew.

mod error;

use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::LogSource;
use crate::decision_log::RootHash;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::Checkpoint;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::decision_log::checkpoint::Trust;
use crate::decision_log::checkpoint::Verified;
use crate::decision_log::merkle;
use crate::decision_log::merkle::LogTree;
use crate::decision_log::tile::HASH_BYTES;
use crate::decision_log::tile::Resource;
use crate::decision_log::tile::Span;
use crate::decision_log::tile::read_bundle;

pub use self::error::AuditError;

/// What an audit found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// The tree head, and who cosigned it.
    pub head: Verified,
    /// How many tiles were held against the entries.
    pub tiles: u64,
    /// The older checkpoint that the log goes on from, if one was given.
    pub goes_on_from: Option<Checkpoint>,
}

/// Audits a log; `visit` is told each entry, with its place, in their order.
///
/// The older checkpoint must be one that is trusted too: it is verified like the present one.
pub fn audit<S: LogSource>(
    source: &S,
    trust: &Trust,
    older: Option<&SignedCheckpoint>,
    visit: &mut dyn FnMut(LogIndex, &[u8]),
) -> Result<Audited, AuditError<S::Error>> {
    let text = source
        .read(Resource::Checkpoint)
        .map_err(AuditError::Source)?;
    let head = SignedCheckpoint::parse(&text)
        .and_then(|signed| signed.verify(trust))
        .map_err(AuditError::Checkpoint)?;
    let older = older.map(|older| trusted_older(older, trust, &head.checkpoint));
    let mut audit = Audit {
        source,
        tree: LogTree::default(),
        older: older.transpose()?,
        tiles: 0,
    };
    audit.entries(head.checkpoint.size, visit)?;
    audit.higher_levels()?;
    if audit.tree.root() != head.checkpoint.root {
        return Err(AuditError::Root {
            size: head.checkpoint.size,
            signed: head.checkpoint.root,
            found: audit.tree.root(),
        });
    }
    Ok(Audited {
        head,
        tiles: audit.tiles,
        goes_on_from: audit.older,
    })
}

fn trusted_older<E: std::error::Error + 'static>(
    older: &SignedCheckpoint,
    trust: &Trust,
    head: &Checkpoint,
) -> Result<Checkpoint, AuditError<E>> {
    // Whether it was cosigned then is of no interest now.
    let trust = Trust {
        witnesses: Vec::new(),
        witnesses_wanted: 0,
        ..trust.clone()
    };
    let older = older.verify(&trust).map_err(AuditError::Older)?.checkpoint;
    if older.origin != head.origin {
        return Err(AuditError::OlderForeign {
            older: older.origin,
            found: head.origin.clone(),
        });
    }
    if older.size > head.size {
        return Err(AuditError::RolledBack {
            older: older.size,
            found: head.size,
        });
    }
    Ok(older)
}

struct Audit<'a, S> {
    source: &'a S,
    tree: LogTree,
    older: Option<Checkpoint>,
    tiles: u64,
}

impl<S: LogSource> Audit<'_, S> {
    fn entries(
        &mut self,
        size: TreeSize,
        visit: &mut dyn FnMut(LogIndex, &[u8]),
    ) -> Result<(), AuditError<S::Error>> {
        self.check_older()?;
        for span in Span::over(size.0) {
            let bundle = self.source.read(Resource::Entries(span));
            let bundle = bundle.map_err(AuditError::Source)?;
            let path = || Resource::Entries(span).to_string();
            let entries = read_bundle(&bundle).map_err(|source| AuditError::Bundle {
                path: path(),
                source,
            })?;
            if entries.len() != usize::from(span.width()) {
                return Err(AuditError::Entries {
                    path: path(),
                    found: entries.len(),
                    wanted: span.width(),
                });
            }
            let leaves: Vec<LeafHash> = entries
                .iter()
                .map(|entry| merkle::leaf_hash(entry))
                .collect();
            let hashes: Vec<RootHash> = leaves.iter().map(|leaf| RootHash(leaf.0)).collect();
            self.check_tile(0, span, &hashes)?;
            for (entry, leaf) in entries.iter().zip(leaves) {
                visit(self.tree.size().next_index(), entry);
                self.tree.push(leaf);
                self.check_older()?;
            }
        }
        Ok(())
    }

    fn higher_levels(&mut self) -> Result<(), AuditError<S::Error>> {
        let tree = std::mem::take(&mut self.tree);
        for (level, hashes) in tree.levels() {
            for span in Span::over(hashes.len() as u64) {
                let first = usize::try_from(span.first().unwrap_or(0)).unwrap_or(usize::MAX);
                let wanted = hashes.get(first..).unwrap_or_default();
                let wanted = wanted.get(..usize::from(span.width())).unwrap_or_default();
                self.check_tile(level, span, wanted)?;
            }
        }
        self.tree = tree;
        Ok(())
    }

    fn check_tile(
        &mut self,
        level: u8,
        span: Span,
        wanted: &[RootHash],
    ) -> Result<(), AuditError<S::Error>> {
        let resource = Resource::Tile { level, span };
        let tile = self.source.read(resource).map_err(AuditError::Source)?;
        if tile.len() != wanted.len() * HASH_BYTES {
            return Err(AuditError::Length {
                path: resource.to_string(),
                found: tile.len(),
                wanted: wanted.len() * HASH_BYTES,
            });
        }
        let found = tile.chunks_exact(HASH_BYTES);
        let differs = found
            .zip(wanted)
            .position(|(found, wanted)| *found != wanted.0);
        if let Some(place) = differs {
            return Err(AuditError::Tile {
                path: resource.to_string(),
                place,
            });
        }
        self.tiles += 1;
        Ok(())
    }

    /// Once as many entries are read as the older checkpoint had, its root must be theirs.
    fn check_older(&self) -> Result<(), AuditError<S::Error>> {
        match &self.older {
            Some(older) if older.size == self.tree.size() && older.root != self.tree.root() => {
                Err(AuditError::Rewritten { older: older.size })
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
