//! Opening a journal: what is there, what may be cut, and when to refuse.
//!
//! Three steps, and only the last one writes to segments: read everything; judge it against the
//! anchor; then cut, make durable what nobody was told of, and write the anchor.
//!
//! Between two anchors exactly one batch is written, its payloads first, then its leaves. So what a
//! crash can leave above the anchor is: some payload frames of one batch, in any state; or all of
//! them, and some of its leaf frames, in any state. A batch of which not every frame is whole is cut
//! as a whole. Anything else was not left by a crash, and is refused.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::decision_log::merkle;
use crate::decision_log::merkle::LogTree;
use crate::store::embedded::disk;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::journal::ChainHash;
use crate::store::embedded::journal::Family;
use crate::store::embedded::journal::JournalSettings;
use crate::store::embedded::journal::OpenError;
use crate::store::embedded::journal::OpenProgress;
use crate::store::embedded::journal::anchor;
use crate::store::embedded::journal::anchor::Anchor;
use crate::store::embedded::journal::anchor::AnchorFile;
use crate::store::embedded::journal::error::during;
use crate::store::embedded::journal::index::IndexedSegment;
use crate::store::embedded::journal::segment;
use judge::Judged;
use rows::Reading;
use rows::Row;

mod judge;
mod rows;

/// What opening a journal found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// How many entries the journal holds.
    pub size: TreeSize,
    /// How many of them are above the anchor that was found: durable, but nobody was told so.
    pub unacknowledged: u64,
    /// What was cut off because it was not whole, or had no leaf.
    pub cuts: Vec<Cut>,
    /// What was done about the anchor.
    pub anchor: AnchorRepair,
}

/// A range of a segment that was filled with zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The segment's file.
    pub path: PathBuf,
    /// The first byte.
    pub from: u64,
    /// Behind the last byte.
    pub to: u64,
    /// How many whole frames were in it.
    pub frames: u64,
}

/// What was done about the anchor when the journal was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AnchorRepair {
    /// It was whole.
    #[default]
    None,
    /// There was none, as there were no segments.
    Begun,
    /// One of its slots was damaged, as a crash can leave it, and was written anew.
    SlotRewritten,
    /// It was lost, and was made from the segments as the settings asked.
    Rebuilt,
}

/// An opened journal, ready to be written.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) recovery: Recovery,
    pub(super) payload: Vec<IndexedSegment>,
    pub(super) leaf: Vec<IndexedSegment>,
    pub(super) anchor: Anchor,
    pub(super) anchor_file: Arc<dyn DiskFile>,
    pub(super) tree: LogTree,
}

pub(super) fn recover(
    disk: &dyn Disk,
    settings: &JournalSettings,
    progress: &mut dyn FnMut(OpenProgress),
) -> Result<Recovered, OpenError> {
    for directory in [
        Path::new(""),
        Family::Payload.directory(),
        Family::Leaf.directory(),
    ] {
        remove_temporaries(disk, directory)?;
    }
    let found = anchor::read(disk).map_err(during("read", Path::new(anchor::ANCHOR_NAME)))?;
    let headers = rows::read_headers(disk)?;
    let (anchor, file, repair) = expect_anchor(disk, found, settings, headers.is_empty())?;

    let mut chain = ChainHash::default();
    let mut tree = GrowingTree::default();
    let mut anchored_chain = (anchor.size == TreeSize(0)).then_some(chain);
    let mut size = TreeSize(0);
    let mut reading = Reading::new(disk, &headers, (anchor.size, &settings.interrupt), progress);
    let leaf = reading.row(Family::Leaf, &headers.leaf, &mut |leaf| {
        let leaf = merkle::leaf_hash(leaf);
        chain = chain.with(&leaf);
        size = size.next_index().size_including();
        tree.add(leaf, anchor.size.holds(LogIndex(size.0 - 1)));
        if size == anchor.size {
            anchored_chain = Some(chain);
        }
    })?;
    let payload = reading.row(Family::Payload, &headers.payload, &mut |_| {})?;

    let clean_only = repair == AnchorRepair::Rebuilt;
    let judged = judge::judge(&anchor, anchored_chain, leaf, payload, clean_only)?;
    let standing = Standing {
        anchor,
        file,
        repair,
        chain,
    };
    finish(disk, judged, &standing, tree)
}

/// The anchor that the segments are held against, and what is to be done about it.
struct Standing {
    anchor: Anchor,
    file: Option<Arc<dyn DiskFile>>,
    repair: AnchorRepair,
    chain: ChainHash,
}

type ExpectedAnchor = (Anchor, Option<Arc<dyn DiskFile>>, AnchorRepair);

fn expect_anchor(
    disk: &dyn Disk,
    found: AnchorFile,
    settings: &JournalSettings,
    no_segments: bool,
) -> Result<ExpectedAnchor, OpenError> {
    let path = Path::new(anchor::ANCHOR_NAME);
    match found {
        AnchorFile::Found {
            anchor,
            both_whole,
            file,
        } => {
            let repair = if both_whole {
                AnchorRepair::None
            } else {
                AnchorRepair::SlotRewritten
            };
            Ok((anchor, Some(file), repair))
        }
        AnchorFile::Newer(found) => Err(OpenError::NewerFormat {
            path: path.to_owned(),
            found,
        }),
        // Written before the first segment, so that segments without an anchor always mean a loss.
        AnchorFile::Missing if no_segments => {
            let (anchor, file) =
                anchor::create(disk, Anchor::EMPTY).map_err(during("create", path))?;
            Ok((anchor, Some(file), AnchorRepair::Begun))
        }
        AnchorFile::Missing | AnchorFile::Lost if settings.rebuild_anchor => {
            Ok((Anchor::EMPTY, None, AnchorRepair::Rebuilt))
        }
        AnchorFile::Missing | AnchorFile::Lost => Err(OpenError::AnchorLost {
            path: path.to_owned(),
        }),
    }
}

/// Does what was judged: cuts, makes the rest durable, writes the anchor.
fn finish(
    disk: &dyn Disk,
    judged: Judged,
    standing: &Standing,
    tree: GrowingTree,
) -> Result<Recovered, OpenError> {
    let Judged {
        mut leaf,
        mut payload,
        size,
        cuts,
    } = judged;
    for cut in &cuts {
        let file = disk.open(&cut.path).map_err(during("open", &cut.path))?;
        segment::write_zeros(&*file, cut.from, cut.to)
            .and_then(|()| file.sync_data())
            .map_err(during("cut", &cut.path))?;
    }
    payload.truncate(size);
    leaf.truncate(size);
    let unacknowledged = size.0 - standing.anchor.size.0;
    for row in [&payload, &leaf] {
        make_durable(disk, row, standing.anchor.size)?;
        let directory = row.family.directory();
        disk.sync_directory(directory)
            .map_err(during("sync", directory))?;
    }
    let recovery = Recovery {
        size,
        unacknowledged: if standing.repair == AnchorRepair::Rebuilt {
            0
        } else {
            unacknowledged
        },
        cuts,
        anchor: standing.repair,
    };
    let (leaf_segment, leaf_end) = leaf.position();
    let reached = Anchor {
        size,
        chain: if size == standing.anchor.size {
            standing.anchor.chain
        } else {
            standing.chain
        },
        leaf_segment,
        leaf_end,
        ..standing.anchor
    };
    let (anchor, anchor_file) = write_anchor(disk, standing, reached)?;
    Ok(Recovered {
        recovery,
        payload: payload.segments,
        leaf: leaf.segments,
        anchor,
        anchor_file,
        tree: tree.up_to(size),
    })
}

/// The tree over the leaves that are read; those beyond the anchor wait until it is judged which of them stay.
#[derive(Default)]
struct GrowingTree {
    tree: LogTree,
    beyond: Vec<LeafHash>,
}

impl GrowingTree {
    fn add(&mut self, leaf: LeafHash, is_anchored: bool) {
        if is_anchored {
            self.tree.push(leaf);
        } else {
            self.beyond.push(leaf);
        }
    }

    fn up_to(mut self, size: TreeSize) -> LogTree {
        for leaf in self.beyond {
            if self.tree.size() < size {
                self.tree.push(leaf);
            }
        }
        self.tree
    }
}

fn write_anchor(
    disk: &dyn Disk,
    standing: &Standing,
    reached: Anchor,
) -> Result<(Anchor, Arc<dyn DiskFile>), OpenError> {
    let path = Path::new(anchor::ANCHOR_NAME);
    let Some(file) = &standing.file else {
        return anchor::create(disk, reached).map_err(during("create", path));
    };
    let damaged = standing.repair == AnchorRepair::SlotRewritten;
    if reached.size == standing.anchor.size && !damaged {
        return Ok((standing.anchor, Arc::clone(file)));
    }
    let next = reached.next();
    next.write(&**file).map_err(during("write", path))?;
    Ok((next, Arc::clone(file)))
}

/// Writes once more what lies above the anchor, and syncs it.
///
/// Its sync may have failed before. Then it can still be read, but the operating system takes it
/// for clean, and syncing alone would not bring it to the disk.
fn make_durable(disk: &dyn Disk, row: &Row, anchored: TreeSize) -> Result<(), OpenError> {
    for segment in row.segments_beyond(anchored) {
        let header = &segment.header;
        let path = header.path();
        let known = anchored.0.saturating_sub(header.first.0);
        let from = segment
            .offsets
            .start(known)
            .unwrap_or(segment.offsets.end());
        let length = usize::try_from(segment.offsets.end() - from).unwrap_or(usize::MAX);
        let file = disk.open(&path).map_err(during("open", &path))?;
        let mut bytes = vec![0; length];
        disk::read_exact_at(&*file, &mut bytes, from).map_err(during("read", &path))?;
        file.write_all_at(&bytes, from)
            .and_then(|()| file.sync_data())
            .map_err(during("make durable", &path))?;
    }
    Ok(())
}

fn remove_temporaries(disk: &dyn Disk, directory: &Path) -> Result<(), OpenError> {
    let names = disk.list(directory).map_err(during("list", directory))?;
    let ending = format!(".{}", disk::TEMPORARY_EXTENSION);
    for name in names.iter().filter(|name| name.ends_with(&ending)) {
        let path = directory.join(name);
        disk.remove(&path).map_err(during("remove", &path))?;
    }
    Ok(())
}

/// The first index that no entry of a row has.
fn next_after(segment: &IndexedSegment) -> LogIndex {
    LogIndex(segment.header.first.0 + segment.offsets.count())
}
