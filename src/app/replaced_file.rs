//! A small file that is written whole or not at all.

use std::ffi::OsString;
use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

/// Puts content in the place of what a file held; durable on return.
///
/// It is written aside first, always under the same name: what a kill leaves there, the next writing takes away. One at a
/// time may write a file. Only its owner may read it.
pub fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let aside = aside(file);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut written = options.open(&aside)?;
    written.write_all(content)?;
    written.sync_all()?;
    fs::rename(&aside, file)?;
    let directory = file.parent().unwrap_or(Path::new("."));
    fs::File::open(directory)?.sync_all()
}

fn aside(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".new");
    name.into()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::aside;
    use super::replace;

    #[test]
    fn what_a_kill_left_aside_does_not_stay() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("note.json");
        for content in ["first", "second, longer", "third"] {
            fs::write(aside(&file), "torn, and longer than all of them").unwrap();
            replace(&file, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
            let files = fs::read_dir(directory.path()).unwrap();
            assert_eq!(files.count(), 1);
        }
        fs::remove_file(&file).unwrap();
        replace(&file, b"private").unwrap();
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
