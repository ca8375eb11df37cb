//! What a service is started on: policies, schemas and a data directory, in a directory of their own.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use tempfile::TempDir;

/// The directory; removed with the value that made it.
pub(crate) struct Home {
    path: PathBuf,
    _directory: Option<TempDir>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = Self {
            path: directory.path().to_owned(),
            _directory: Some(directory),
        };
        for folder in ["policies", "schemas"] {
            copy_tree(&repository().join(folder), &home.path().join(folder));
        }
        home
    }

    /// The home that another process made.
    pub(crate) fn existing(path: PathBuf) -> Self {
        Self {
            path,
            _directory: None,
        }
    }

    /// Another home with the same data.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        copy_tree(&self.data(), &copy.data());
        copy
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Settings in a file; there is none unless a test writes it.
    pub(crate) fn config(&self) -> PathBuf {
        self.path().join("comity.toml")
    }

    pub(crate) fn policies(&self) -> PathBuf {
        self.path().join("policies")
    }
}

/// Where this project is.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The German half of the example registry.
pub(crate) fn german_registry() -> PathBuf {
    repository().join("examples/registry/de")
}

/// Every file under a directory with its content.
pub(crate) fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    found
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
