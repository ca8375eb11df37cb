//! The spare: the zeros of the next segment, written before it is needed.
//!
//! It is a file with a temporary name. Opening removes it like every such file, so that whatever a
//! crash leaves of it is never taken for data; and since no entry is in it, no failure here stops
//! the journal: then the next segment is made when it is needed.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;

use crate::store::embedded::disk::Disk;
use crate::store::embedded::disk::DiskFile;
use crate::store::embedded::disk::TEMPORARY_EXTENSION;
use crate::store::embedded::journal::Family;
use crate::store::embedded::journal::Preparation;
use crate::store::embedded::journal::segment;

/// So much is synced at a time, so that the syncs of entries never wait for a whole segment.
const PIECE_BYTES: u64 = 1 << 20;

/// The spare of one family, in whatever state it is.
#[derive(Debug)]
pub(super) struct Spare {
    family: Family,
    preparation: Preparation,
    state: State,
}

#[derive(Debug)]
enum State {
    None,
    Underway(JoinHandle<Option<Prepared>>, Arc<AtomicBool>),
    Ready(Prepared),
    /// Preparing failed; not tried again for this segment, since a full disk stays full for a while.
    GivenUp,
}

/// A file full of durable zeros that has only a temporary name.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) path: PathBuf,
    pub(super) capacity_bytes: u64,
}

impl Spare {
    pub(super) fn new(family: Family, preparation: Preparation) -> Self {
        Self {
            family,
            preparation,
            state: State::None,
        }
    }

    /// Begins to prepare a segment of this size, unless one is there, under way or given up.
    pub(super) fn begin(&mut self, disk: &Arc<dyn Disk>, capacity_bytes: u64) {
        let (State::None, family) = (&self.state, self.family) else {
            return;
        };
        let stop = Arc::new(AtomicBool::new(false));
        self.state = match self.preparation {
            Preparation::WhenNeeded => State::None,
            Preparation::InTurn => settled(prepare(&**disk, family, capacity_bytes, &stop)),
            Preparation::Beside => {
                let (disk, stopped) = (Arc::clone(disk), Arc::clone(&stop));
                let work = move || prepare(&*disk, family, capacity_bytes, &stopped);
                match thread::Builder::new().name("spare".to_owned()).spawn(work) {
                    Ok(thread) => State::Underway(thread, stop),
                    Err(error) => {
                        tracing::warn!(%error, "no thread to prepare a segment with");
                        State::GivenUp
                    }
                }
            }
        };
    }

    /// The spare, if there is one of at least this size; waits for one that is under way.
    ///
    /// A new segment begins with this, so a failure is forgotten.
    pub(super) fn take(&mut self, needed_bytes: u64) -> Option<Prepared> {
        let prepared = match std::mem::replace(&mut self.state, State::None) {
            State::None | State::GivenUp => None,
            State::Ready(prepared) => Some(prepared),
            State::Underway(thread, _) => thread.join().unwrap_or_default(),
        }?;
        if prepared.capacity_bytes >= needed_bytes {
            return Some(prepared);
        }
        self.state = State::Ready(prepared);
        None
    }
}

/// Waits for the thread, so that nothing is written once the data directory is another's.
impl Drop for Spare {
    fn drop(&mut self) {
        if let State::Underway(thread, stop) = std::mem::replace(&mut self.state, State::None) {
            stop.store(true, Ordering::Relaxed);
            drop(thread.join());
        }
    }
}

fn settled(prepared: Option<Prepared>) -> State {
    prepared.map_or(State::GivenUp, State::Ready)
}

fn prepare(
    disk: &dyn Disk,
    family: Family,
    capacity_bytes: u64,
    stop: &AtomicBool,
) -> Option<Prepared> {
    let name = format!("spare.{TEMPORARY_EXTENSION}");
    let path = family.directory().join(name);
    let filled = disk.create(&path).and_then(|file| {
        fill(&*file, capacity_bytes, stop)?;
        Ok(file)
    });
    match filled {
        Ok(file) => Some(Prepared {
            file,
            path,
            capacity_bytes,
        }),
        Err(error) => {
            // On a full disk it must not stay in the way; opening removes it too.
            drop(disk.remove(&path));
            if error.kind() != io::ErrorKind::Interrupted {
                tracing::warn!(%error, path = %path.display(), "the next segment was not prepared");
            }
            None
        }
    }
}

fn fill(file: &dyn DiskFile, capacity_bytes: u64, stop: &AtomicBool) -> io::Result<()> {
    let mut done = 0;
    while done < capacity_bytes {
        if stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let end = capacity_bytes.min(done + PIECE_BYTES);
        segment::write_zeros(file, done, end)?;
        file.sync_data()?;
        done = end;
    }
    Ok(())
}
