//! Making directories so that they outlive a power cut.

use std::fmt;
use std::io;
use std::path::Path;

/// What it takes to make directories.
pub(super) trait Directories: fmt::Debug {
    /// Makes one directory; [`io::ErrorKind::AlreadyExists`] if it is there.
    fn make(&mut self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync(&mut self, path: &Path) -> io::Result<()>;
}

/// Makes a directory and those above it; on return all of them are durable.
///
/// The directory above is synced even if there was nothing to make: whoever made it before may have
/// failed, or been killed, before its own sync.
pub(super) fn create_durably(directories: &mut dyn Directories, path: &Path) -> io::Result<()> {
    let mut ancestors: Vec<_> = path.ancestors().collect();
    ancestors.reverse();
    for directory in ancestors {
        let (Some(parent), true) = (directory.parent(), directory != Path::new("")) else {
            continue;
        };
        let made = match directories.make(directory) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error),
        };
        let parent = if parent == Path::new("") {
            Path::new(".")
        } else {
            parent
        };
        match directories.sync(parent) {
            Err(error) if !made && is_not_ours(&error) => {}
            synced => synced?,
        }
    }
    Ok(())
}

/// Whether a directory that was there before is one that this process may not sync.
fn is_not_ours(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Unsupported
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;

    /// Directories of which one operation fails, or after which the process is gone.
    #[derive(Debug, Default)]
    struct Failing {
        there: BTreeSet<PathBuf>,
        durable: BTreeSet<PathBuf>,
        operations: u32,
        fails_at: Option<u32>,
        but_done: bool,
        fired: u32,
    }

    impl Failing {
        fn perform(&mut self, act: impl FnOnce(&mut Self)) -> io::Result<()> {
            self.operations += 1;
            let fails = self.fails_at == Some(self.operations);
            if !fails || self.but_done {
                act(self);
            }
            if !fails {
                return Ok(());
            }
            self.fired += 1;
            Err(io::Error::other("injected fault"))
        }
    }

    impl Directories for Failing {
        fn make(&mut self, path: &Path) -> io::Result<()> {
            if path == Path::new("/") || self.there.contains(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            self.perform(|directories| directories.there.extend([path.to_owned()]))
        }

        fn sync(&mut self, path: &Path) -> io::Result<()> {
            self.perform(|directories| {
                let inside = |child: &&PathBuf| child.parent() == Some(path);
                let inside: Vec<_> = directories.there.iter().filter(inside).cloned().collect();
                directories.durable.extend(inside);
            })
        }
    }

    #[test]
    fn whatever_failed_before_a_directory_is_durable_in_the_end() {
        let path = Path::new("/srv/comity/data/leaf");
        let mut fired = 0;
        for but_done in [false, true] {
            for fails_at in 1.. {
                let mut directories = Failing {
                    fails_at: Some(fails_at),
                    but_done,
                    ..Failing::default()
                };
                if create_durably(&mut directories, path).is_ok() {
                    assert_eq!(directories.fired, 0, "a fault was passed over");
                    break;
                }
                fired += directories.fired;
                create_durably(&mut directories, path).unwrap();
                assert_eq!(directories.durable, directories.there, "at {fails_at}");
                assert!(directories.durable.contains(path));
            }
        }
        assert_eq!(fired, 16, "four directories, each made and synced");
    }

    #[derive(Debug)]
    struct Foreign(bool);

    impl Directories for Foreign {
        fn make(&mut self, path: &Path) -> io::Result<()> {
            if path == Path::new("data") && self.0 {
                return Ok(());
            }
            Err(io::ErrorKind::AlreadyExists.into())
        }

        fn sync(&mut self, _path: &Path) -> io::Result<()> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    #[test]
    fn a_directory_above_that_may_not_be_synced_matters_only_for_what_was_made_in_it() {
        assert!(create_durably(&mut Foreign(false), Path::new("data")).is_ok());
        assert!(create_durably(&mut Foreign(true), Path::new("data")).is_err());
    }
}
