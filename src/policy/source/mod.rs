//! The files of a bundle as they were read: the thing that is archived and named by its digest.
//!
//! An archive is canonical: a header, then the manifest, the schema and the policy files, each as
//! kind, length and path, length and text, in ascending order of kind and path. Reading an archive
//! and writing it again gives the same bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use sha2::Digest;
use sha2::Sha256;

use crate::policy::diagnostics::Diagnostics;
use crate::policy::diagnostics::SourceText;
use crate::policy::manifest;

mod read;

/// Largest file of a bundle.
pub const FILE_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
/// Largest bundle.
pub const BUNDLE_LIMIT_BYTES: u64 = 64 * 1024 * 1024;
/// Most files of a bundle.
pub const BUNDLE_LIMIT_FILES: usize = 10_000;
/// Deepest directory of a bundle.
pub const TREE_LIMIT_DEPTH: usize = 32;

/// Name of the optional file that links templates.
pub const LINKS_FILE_NAME: &str = "links.json";

/// Name under which response settings stand in a bundle; a tree on disk never has them.
pub const SETTINGS_FILE_NAME: &str = "response-settings.toml";

const HEADER: &[u8] = b"comity bundle 1\n";
const KIND_MANIFEST: u8 = 1;
const KIND_SCHEMA: u8 = 2;
const KIND_FILE: u8 = 3;

/// The texts of a bundle, not yet looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleSource {
    /// Where the tree was read, for diagnostics only: no part of the bundle.
    root: PathBuf,
    manifest: String,
    schema_path: String,
    schema: String,
    files: BTreeMap<String, String>,
}

impl BundleSource {
    /// Reads the tree under a directory that holds a manifest.
    pub fn read(root: &Path) -> Result<Self, Diagnostics> {
        read::tree(root)
    }

    /// The texts as given; `files` by their path in the tree.
    pub fn from_texts(
        manifest: impl Into<String>,
        schema_path: impl Into<String>,
        schema: impl Into<String>,
        files: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        Self {
            root: PathBuf::new(),
            manifest: manifest.into(),
            schema_path: schema_path.into(),
            schema: schema.into(),
            files: files.into_iter().collect(),
        }
    }

    /// Where the manifest says that the schema is.
    pub fn schema_path(&self) -> &str {
        &self.schema_path
    }

    /// The same tree with another manifest.
    #[must_use]
    pub fn with_manifest(mut self, manifest: impl Into<String>) -> Self {
        self.manifest = manifest.into();
        self
    }

    /// The same tree with these response settings over the manifest's table, instead of those that it has.
    #[must_use]
    pub fn with_settings(mut self, settings: Option<String>) -> Self {
        self.files.remove(SETTINGS_FILE_NAME);
        if let Some(settings) = settings {
            self.files.insert(SETTINGS_FILE_NAME.to_owned(), settings);
        }
        self
    }

    /// Rebuilds what [`to_archive`](Self::to_archive) wrote.
    pub fn from_archive(archive: &[u8]) -> Result<Self, ArchiveError> {
        let mut rest = archive.strip_prefix(HEADER).ok_or(ArchiveError::Header)?;
        let mut entries = Vec::new();
        while !rest.is_empty() {
            let (kind, after) = rest.split_first().ok_or(ArchiveError::CutShort)?;
            let (path, after) = take_text(after)?;
            let (text, after) = take_text(after)?;
            if entries
                .last()
                .is_some_and(|(last_kind, last_path, _)| (last_kind, last_path) >= (kind, &path))
            {
                return Err(ArchiveError::Order);
            }
            entries.push((*kind, path, text));
            rest = after;
        }
        let mut entries = entries.into_iter();
        let Some((KIND_MANIFEST, name, manifest)) = entries.next() else {
            return Err(ArchiveError::Order);
        };
        if name != manifest::FILE_NAME {
            return Err(ArchiveError::Order);
        }
        let Some((KIND_SCHEMA, schema_path, schema)) = entries.next() else {
            return Err(ArchiveError::Order);
        };
        let files = entries
            .map(|(kind, path, text)| (kind == KIND_FILE).then_some((path, text)))
            .collect::<Option<_>>()
            .ok_or(ArchiveError::Order)?;
        Ok(Self {
            root: PathBuf::new(),
            manifest,
            schema_path,
            schema,
            files,
        })
    }

    /// One string of bytes from which the bundle can be rebuilt.
    pub fn to_archive(&self) -> Vec<u8> {
        let mut archive = HEADER.to_vec();
        put_entry(
            &mut archive,
            KIND_MANIFEST,
            manifest::FILE_NAME,
            &self.manifest,
        );
        put_entry(&mut archive, KIND_SCHEMA, &self.schema_path, &self.schema);
        for (path, text) in &self.files {
            put_entry(&mut archive, KIND_FILE, path, text);
        }
        archive
    }

    /// The bundle's name: a digest over the archive.
    pub fn digest(&self) -> BundleDigest {
        BundleDigest::of(&self.to_archive())
    }

    /// Text of the manifest.
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// Text of the schema.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Policy files (and the links file) by their path in the tree.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    pub(crate) fn manifest_text(&self) -> SourceText {
        SourceText::new(self.root.join(manifest::FILE_NAME), &self.manifest)
    }

    pub(crate) fn schema_text(&self) -> SourceText {
        SourceText::new(self.root.join(&self.schema_path), &self.schema)
    }

    pub(crate) fn file_texts(&self) -> impl Iterator<Item = SourceText> + '_ {
        self.files
            .iter()
            .map(|(path, text)| SourceText::new(self.root.join(path), text))
    }
}

/// Reads policies that are no bundle: one file, or all policy files of a tree in the order of
/// their paths.
pub fn read_loose(path: &Path) -> Result<Vec<(PathBuf, String)>, Diagnostics> {
    if !path.is_dir() {
        let text = read::text(path).map_err(|problem| Diagnostics::new(*problem))?;
        return Ok(vec![(path.to_path_buf(), text)]);
    }
    let mut problems = Vec::new();
    let mut files = read::files(path, &mut problems);
    files.remove(LINKS_FILE_NAME);
    match Diagnostics::from_list(problems, []) {
        Some(problems) => Err(problems),
        None => Ok(files
            .into_iter()
            .map(|(relative, text)| (path.join(relative), text))
            .collect()),
    }
}

/// Reads one text within the limit of a file.
pub fn read_text(path: &Path) -> Result<String, Diagnostics> {
    read::text(path).map_err(|problem| Diagnostics::new(*problem))
}

/// Why bytes are no archive of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Another kind of file, or a version that this program does not know.
    #[error("the archive has an unknown header")]
    Header,
    /// The bytes end too early.
    #[error("the archive is cut short")]
    CutShort,
    /// A text is not UTF-8.
    #[error("a text of the archive is not UTF-8")]
    NotUtf8,
    /// Entries are missing, unknown or not in canonical order.
    #[error("the entries of the archive are not in canonical order")]
    Order,
}

/// SHA-256 over a bundle's archive: its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BundleDigest([u8; 32]);

impl BundleDigest {
    /// The digest of an archive.
    pub fn of(archive: &[u8]) -> Self {
        Self(Sha256::digest(archive).into())
    }

    /// A digest that was computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for BundleDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for BundleDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `sha256:` and 64 lower-case hexadecimal digits")]
pub struct DigestError(String);

impl FromStr for BundleDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("sha256:")
            .and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok())
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| DigestError(text.to_owned()))
    }
}

impl Serialize for BundleDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BundleDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

fn put_entry(archive: &mut Vec<u8>, kind: u8, path: &str, text: &str) {
    archive.push(kind);
    put_text(archive, path);
    put_text(archive, text);
}

fn put_text(archive: &mut Vec<u8>, text: &str) {
    archive.extend_from_slice(&(text.len() as u64).to_be_bytes());
    archive.extend_from_slice(text.as_bytes());
}

fn take_text(bytes: &[u8]) -> Result<(String, &[u8]), ArchiveError> {
    let (length, rest) = bytes.split_first_chunk().ok_or(ArchiveError::CutShort)?;
    let length =
        usize::try_from(u64::from_be_bytes(*length)).map_err(|_| ArchiveError::CutShort)?;
    let (text, rest) = rest
        .split_at_checked(length)
        .ok_or(ArchiveError::CutShort)?;
    let text = std::str::from_utf8(text).map_err(|_| ArchiveError::NotUtf8)?;
    Ok((text.to_owned(), rest))
}
