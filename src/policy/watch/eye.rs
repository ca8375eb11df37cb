//! What the files of some trees hold, told by a fingerprint.
//!
//! Contents count, not times: a file that was only touched is the same. A file is read again when its
//! metadata differ, and for some seconds after, because a second change within one tick of a file system's
//! clock leaves them as they were.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs;
use std::fs::Metadata;
use std::io;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use sha2::Digest;
use sha2::Sha256;

const DEPTH_MAX: usize = 16;
const FILES_MAX: usize = 100_000;
const READ_BYTES: usize = 64 * 1024;

/// Coarser than the time stamps of any file system in use.
const DOUBT: Duration = Duration::from_secs(3);

/// What each file holds, by path.
pub(super) type Fingerprint = BTreeMap<PathBuf, Trace>;

/// Device and inode.
pub(super) type FileIdentity = (u64, u64);

/// What one place of a tree holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    /// A directory that is watched is there.
    Directory,
    /// A file with contents of this hash.
    File([u8; 32]),
    /// Something that cannot be read.
    Unreadable,
}

/// What was seen in one look.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) fingerprint: Fingerprint,
    /// The directories in which a change would show: those of the trees, and what holds each root.
    pub(super) directories: BTreeMap<PathBuf, FileIdentity>,
}

/// Looks at trees, remembering what needs no second reading.
#[derive(Debug, Default)]
pub(super) struct Eye {
    known: HashMap<PathBuf, Known>,
}

#[derive(Clone, Debug)]
struct Known {
    stamp: Stamp,
    since: Instant,
    trace: Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    identity: FileIdentity,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            identity: identity(metadata),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Eye {
    /// Looks at every tree and file; what is not there leaves no trace.
    pub(super) fn look(&mut self, roots: &[PathBuf], now: Instant) -> Seen {
        let mut look = Look {
            known: std::mem::take(&mut self.known),
            still_known: HashMap::new(),
            now,
            seen: Seen::default(),
        };
        for root in roots {
            look.holder(root);
            if let Ok(metadata) = fs::metadata(root)
                && metadata.is_dir()
            {
                look.seen.fingerprint.insert(root.clone(), Trace::Directory);
                look.directory(root, &metadata, &mut Vec::new());
            } else {
                look.file(root);
            }
        }
        self.known = look.still_known;
        look.seen
    }
}

struct Look {
    known: HashMap<PathBuf, Known>,
    still_known: HashMap<PathBuf, Known>,
    now: Instant,
    seen: Seen,
}

impl Look {
    /// Notes the nearest directory above a root that is there: its entries tell when the root comes or goes.
    fn holder(&mut self, root: &Path) {
        for above in root.ancestors().skip(1) {
            let above = if above.as_os_str().is_empty() {
                Path::new(".")
            } else {
                above
            };
            if let Ok(metadata) = fs::metadata(above) {
                self.seen
                    .directories
                    .insert(above.to_owned(), identity(&metadata));
                return;
            }
        }
    }

    fn directory(&mut self, directory: &Path, metadata: &Metadata, above: &mut Vec<FileIdentity>) {
        let this = identity(metadata);
        if above.contains(&this) || above.len() >= DEPTH_MAX {
            return;
        }
        self.seen.directories.insert(directory.to_owned(), this);
        let Ok(entries) = fs::read_dir(directory) else {
            self.seen
                .fingerprint
                .insert(directory.to_owned(), Trace::Unreadable);
            return;
        };
        above.push(this);
        for entry in entries.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.directory(&path, &metadata, above),
                Ok(_) | Err(_) => self.file(&path),
            }
        }
        above.pop();
    }

    fn file(&mut self, path: &Path) {
        if self.seen.fingerprint.len() >= FILES_MAX {
            return;
        }
        let trace = match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => self.content(path, Stamp::of(&metadata)),
            Ok(_) => return,
            Err(error) => unreadable(&error),
        };
        if let Some(trace) = trace {
            self.seen.fingerprint.insert(path.to_owned(), trace);
        }
    }

    fn content(&mut self, path: &Path, stamp: Stamp) -> Option<Trace> {
        let known = self.known.remove(path).filter(|known| known.stamp == stamp);
        let since = known.as_ref().map_or(self.now, |known| known.since);
        let trace = match known {
            Some(known) if self.now.saturating_duration_since(since) > DOUBT => known.trace,
            Some(_) | None => match hash(path) {
                Ok(hash) => Trace::File(hash),
                Err(error) => unreadable(&error)?,
            },
        };
        let known = Known {
            stamp,
            since,
            trace: trace.clone(),
        };
        self.still_known.insert(path.to_owned(), known);
        Some(trace)
    }
}

fn unreadable(error: &io::Error) -> Option<Trace> {
    (error.kind() != io::ErrorKind::NotFound).then_some(Trace::Unreadable)
}

fn identity(metadata: &Metadata) -> FileIdentity {
    (metadata.dev(), metadata.ino())
}

fn hash(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::path::PathBuf;
    use std::time::Duration;
    use std::time::Instant;

    use super::Eye;
    use super::Fingerprint;

    fn look(eye: &mut Eye, root: &Path) -> Fingerprint {
        eye.look(&[root.to_owned()], Instant::now()).fingerprint
    }

    #[test]
    fn contents_count_and_times_do_not() {
        let tree = tempfile::tempdir().unwrap();
        let file = tree.path().join("a.cedar");
        fs::write(&file, "permit").unwrap();
        let mut eye = Eye::default();
        let first = look(&mut eye, tree.path());
        fs::File::open(&file)
            .unwrap()
            .set_modified(std::time::UNIX_EPOCH)
            .unwrap();
        assert_eq!(look(&mut eye, tree.path()), first);
        fs::write(&file, "forbid").unwrap();
        assert_ne!(look(&mut eye, tree.path()), first);
    }

    #[test]
    fn a_change_that_leaves_the_metadata_is_seen_while_in_doubt() {
        let tree = tempfile::tempdir().unwrap();
        let file = tree.path().join("a.cedar");
        fs::write(&file, "permit").unwrap();
        let (mut eye, now) = (Eye::default(), Instant::now());
        let roots = [tree.path().to_owned()];
        let first = eye.look(&roots, now).fingerprint;
        let known = eye.known.get_mut(&file).unwrap();
        known.trace = super::Trace::File([0; 32]);
        let again = eye.look(&roots, now + Duration::from_secs(1)).fingerprint;
        assert_eq!(again, first);
        eye.known.get_mut(&file).unwrap().trace = super::Trace::File([0; 32]);
        let trusted = eye.look(&roots, now + Duration::from_mins(1)).fingerprint;
        assert_ne!(trusted, first, "an old file was read again");
    }

    #[test]
    fn a_missing_tree_differs_from_an_empty_one() {
        let parent = tempfile::tempdir().unwrap();
        let tree = parent.path().join("policies");
        let mut eye = Eye::default();
        let missing = look(&mut eye, &tree);
        assert!(missing.is_empty());
        fs::create_dir(&tree).unwrap();
        assert_ne!(look(&mut eye, &tree), missing);
    }

    #[test]
    fn hidden_names_are_passed_over_but_links_through_them_are_not() {
        let tree = tempfile::tempdir().unwrap();
        let mut eye = Eye::default();
        for (version, text) in [("..1", "permit"), ("..2", "forbid")] {
            fs::create_dir(tree.path().join(version)).unwrap();
            fs::write(tree.path().join(version).join("a.cedar"), text).unwrap();
        }
        fs::write(tree.path().join(".a.cedar.swp"), "x").unwrap();
        symlink("..1", tree.path().join("..data")).unwrap();
        symlink("..data/a.cedar", tree.path().join("a.cedar")).unwrap();
        let first = look(&mut eye, tree.path());
        assert_eq!(
            first.keys().cloned().collect::<Vec<PathBuf>>(),
            [tree.path().to_owned(), tree.path().join("a.cedar")]
        );
        symlink("..2", tree.path().join("..data_tmp")).unwrap();
        fs::rename(tree.path().join("..data_tmp"), tree.path().join("..data")).unwrap();
        assert_ne!(look(&mut eye, tree.path()), first);
    }

    #[test]
    fn links_in_a_circle_end() {
        let tree = tempfile::tempdir().unwrap();
        symlink(".", tree.path().join("x")).unwrap();
        symlink(".", tree.path().join("y")).unwrap();
        symlink("nowhere", tree.path().join("z")).unwrap();
        assert_eq!(look(&mut Eye::default(), tree.path()).len(), 1);
    }

    #[test]
    fn what_holds_a_root_is_listened_to_even_if_it_is_far_above() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("etc/comity/policies");
        let seen = Eye::default().look(&[root], Instant::now());
        assert_eq!(seen.directories.keys().collect::<Vec<_>>(), [parent.path()]);
    }
}
