//! What becomes of a start when the directory of sled was damaged.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use comity::store::State;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::Settings;
use comity::store::embedded::Source;
use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::projection::SledBackend;

use super::support::at;
use super::support::commit_all;
use super::support::mixed;
use super::support::projected;
use super::support::small_segments;
use super::support::state;

struct Place {
    _directory: tempfile::TempDir,
    data: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        fs::create_dir(&data).unwrap();
        Self {
            _directory: directory,
            data,
        }
    }

    fn copy(&self) -> Self {
        let copy = Self::new();
        copy_directory(&self.data, &copy.data);
        copy
    }

    fn open(&self) -> EmbeddedStore {
        let mut settings = Settings::new(Arc::new(SledBackend::new(&self.data)), at(0));
        settings.journal = small_segments();
        let disk = Arc::new(RealDisk::new(&self.data));
        EmbeddedStore::open(disk, &settings, &mut |_| {}).unwrap()
    }

    /// The one directory of a projection.
    fn projection(&self) -> PathBuf {
        let mut found: Vec<PathBuf> = fs::read_dir(&self.data)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("projection-"))
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    fn projection_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut directories = vec![self.projection()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files.sort();
        files
    }
}

fn copy_directory(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&to).unwrap();
            copy_directory(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

async fn filled() -> (Place, State) {
    let place = Place::new();
    let store = place.open();
    for answer in commit_all(&store, (0..300).map(mixed)).await {
        answer.unwrap();
    }
    projected(&store).await;
    let live = state(&store);
    store.close().await;
    drop(store);
    (place, live)
}

/// Opens what is left, and expects everything to be there, now and at the next start.
async fn check(place: &Place, live: &State, what: &str) -> Source {
    let store = place.open();
    assert_eq!(state(&store), *live, "{what}");
    let source = store.started().source;
    projected(&store).await;
    store.commit(mixed(0)).await.unwrap();
    let live = state(&store);
    store.close().await;
    drop(store);
    let again = place.open();
    assert_eq!(again.started().source, Source::Projection, "{what}");
    assert_eq!(state(&again), live, "{what}");
    source
}

#[tokio::test]
async fn an_undamaged_projection_is_used() {
    let (place, live) = filled().await;
    let source = check(&place.copy(), &live, "undamaged").await;
    assert_eq!(source, Source::Projection);
}

#[tokio::test]
async fn flipped_bytes_lose_nothing() {
    let (place, live) = filled().await;
    let mut noticed = 0;
    for file in place.projection_files() {
        let length = fs::metadata(&file).unwrap().len();
        let name = file.strip_prefix(&place.data).unwrap();
        for step in 0..12 {
            let offset = usize::try_from(length * step / 12).unwrap();
            let place = place.copy();
            let path = place.data.join(name);
            let mut bytes = fs::read(&path).unwrap();
            let Some(byte) = bytes.get_mut(offset) else {
                continue;
            };
            *byte ^= 0xff;
            fs::write(&path, bytes).unwrap();
            let what = format!("byte {offset} of {}", name.display());
            noticed += u64::from(check(&place, &live, &what).await != Source::Projection);
        }
    }
    assert!(noticed > 0, "no flipped byte was noticed");
}

#[tokio::test]
async fn cut_files_lose_nothing() {
    let (place, live) = filled().await;
    let mut noticed = 0;
    for file in place.projection_files() {
        let length = fs::metadata(&file).unwrap().len();
        let name = file.strip_prefix(&place.data).unwrap();
        for left in [0, length / 2, length.saturating_sub(4_096), length.saturating_sub(1)] {
            let place = place.copy();
            let path = place.data.join(name);
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(left).unwrap();
            let what = format!("{} cut to {left}", name.display());
            noticed += u64::from(check(&place, &live, &what).await != Source::Projection);
        }
    }
    assert!(noticed > 0, "no cut was noticed");
}

#[tokio::test]
async fn deleted_or_replaced_files_lose_nothing() {
    let (place, live) = filled().await;
    for file in place.projection_files() {
        let name = file.strip_prefix(&place.data).unwrap();
        let deleted = place.copy();
        fs::remove_file(deleted.data.join(name)).unwrap();
        check(&deleted, &live, &format!("{} deleted", name.display())).await;
        let replaced = place.copy();
        let garbage: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0] ^ 0x5a).collect();
        fs::write(replaced.data.join(name), garbage).unwrap();
        check(&replaced, &live, &format!("{} replaced", name.display())).await;
    }
    let gone = place.copy();
    fs::remove_dir_all(gone.projection()).unwrap();
    assert_eq!(check(&gone, &live, "directory gone").await, Source::Log);
    let file = place.copy();
    let path = file.projection();
    fs::remove_dir_all(&path).unwrap();
    fs::write(&path, "not a directory").unwrap();
    assert_eq!(check(&file, &live, "a file in its place").await, Source::Log);
}
