//! Registry documents as files: one document a file, one folder a kind, JSON or YAML.

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

use crate::domain::document::Document;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::domain::wire;

/// The longest name of a file without its digest and ending; ids can be longer than names of files.
const FILE_NAME_BYTES_MAX: usize = 200;

/// How much of its digest tells a cut name from others.
const DIGEST_LETTERS: usize = 32;

/// Why a directory is not a registry.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct InvalidFiles(pub Vec<InvalidFile>);

/// What is wrong with one file or folder.
#[derive(Debug, thiserror::Error)]
#[error("{}: {detail}", file.display())]
pub struct InvalidFile {
    /// The file or folder.
    pub file: PathBuf,
    /// What is wrong.
    pub detail: String,
}

/// Reads every document of a directory, in the order in which they depend on each other.
///
/// A folder that names no kind is an error, so that a misspelt one is not passed over.
pub fn read_documents(directory: &Path) -> Result<Vec<(DocumentKey, Document)>, InvalidFiles> {
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    for folder in entries(directory, &mut problems) {
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some(kind) = DocumentKind::from_plural(&name) else {
            let known: Vec<&str> = DocumentKind::ALL
                .into_iter()
                .map(DocumentKind::plural)
                .collect();
            problems.push(problem(
                &folder,
                format!("`{name}` is not one of {}", known.join(", ")),
            ));
            continue;
        };
        for file in entries(&folder, &mut problems) {
            match read_document(kind, &file) {
                Ok(document) => documents.push((document, file)),
                Err(error) => problems.push(error),
            }
        }
    }
    let mut keyed = Vec::new();
    for (document, file) in documents {
        match document.key() {
            Ok(key) => keyed.push((key, document, file)),
            Err(error) => problems.push(problem(&file, error.to_string())),
        }
    }
    keyed.sort_by(|one, other| one.0.cmp(&other.0));
    for pair in keyed.windows(2) {
        if let [(key, _, file), (next, _, other)] = pair
            && key == next
        {
            problems.push(problem(
                other,
                format!("`{key}` is in `{}` too", file.display()),
            ));
        }
    }
    if problems.is_empty() {
        Ok(keyed
            .into_iter()
            .map(|(key, document, _)| (key, document))
            .collect())
    } else {
        Err(InvalidFiles(problems))
    }
}

/// Why documents cannot be written into a directory.
#[derive(Debug, thiserror::Error)]
pub enum CannotWrite {
    /// What lies there would be taken for a part of the registry by the next import.
    #[error(
        "`{}` is not empty, and what lies in it would come back with the next import; \
         name an empty or a new directory",
        .0.display()
    )]
    NotEmpty(PathBuf),
    /// A file or folder could not be written.
    #[error("`{}` cannot be written", file.display())]
    Failed {
        /// The file or folder.
        file: PathBuf,
        /// What happened.
        #[source]
        error: io::Error,
    },
}

/// Refuses a directory in which an import would find something already; none at all is empty.
pub fn refuse_filled(directory: &Path) -> Result<(), CannotWrite> {
    let read = match fs::read_dir(directory) {
        Ok(read) => read.collect::<io::Result<Vec<_>>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
    };
    let entries = read.map_err(|error| failed(directory, error))?;
    if entries.iter().all(is_hidden) {
        return Ok(());
    }
    Err(CannotWrite::NotEmpty(directory.to_owned()))
}

/// Writes documents into an empty directory, one file each.
pub fn write_documents(
    directory: &Path,
    documents: &[(DocumentKey, Value)],
) -> Result<(), CannotWrite> {
    refuse_filled(directory)?;
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for (key, document) in documents {
        let folder = directory.join(key.kind.plural());
        let file = folder.join(format!("{}.json", file_name(key.id.as_str())));
        let write = || {
            fs::create_dir_all(&folder)?;
            let mut text = serde_json::to_string_pretty(document)?;
            text.push('\n');
            // Two names can be one where file systems are blind to case.
            fs::File::create_new(&file)?.write_all(text.as_bytes())
        };
        write().map_err(|error| failed(&file, error))?;
    }
    Ok(())
}

fn failed(file: &Path, error: io::Error) -> CannotWrite {
    CannotWrite::Failed {
        file: file.to_owned(),
        error,
    }
}

/// A name of its own for every id, which file systems take and no listing hides: what is unusual is percent-encoded,
/// and what is too long is cut and told apart by its digest.
fn file_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for (index, c) in id.char_indices() {
        let is_usual = c.is_ascii_alphanumeric() || "-_.@+".contains(c);
        if is_usual && !(index == 0 && c == '.') {
            name.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                name.push('%');
                name.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
            }
        }
    }
    if name.len() <= FILE_NAME_BYTES_MAX {
        return name;
    }
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(id));
    let short: String = name.chars().take(FILE_NAME_BYTES_MAX).collect();
    let mark: String = digest.chars().take(DIGEST_LETTERS).collect();
    format!("{short}-{mark}")
}

fn is_hidden(entry: &fs::DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with('.')
}

fn entries(directory: &Path, problems: &mut Vec<InvalidFile>) -> Vec<PathBuf> {
    let read = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    match read {
        Ok(entries) => {
            let mut paths: Vec<PathBuf> = entries
                .iter()
                .filter(|entry| !is_hidden(entry))
                .map(fs::DirEntry::path)
                .collect();
            paths.sort();
            paths
        }
        Err(error) => {
            problems.push(problem(directory, format!("cannot be read: {error}")));
            Vec::new()
        }
    }
}

/// Reads one document of a kind.
pub fn read_document(kind: DocumentKind, file: &Path) -> Result<Document, InvalidFile> {
    let bytes =
        fs::read(file).map_err(|error| problem(file, format!("cannot be read: {error}")))?;
    let extension = file
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    let json: Value = match extension {
        "json" => wire::strict_json(&bytes, wire::WireLimits::default())
            .map_err(|error| problem(file, error.to_string()))?,
        "yaml" | "yml" => {
            serde_saphyr::from_slice(&bytes).map_err(|error| problem(file, error.to_string()))?
        }
        _ => return Err(problem(file, "is neither `.json` nor `.yaml`".to_owned())),
    };
    Document::from_json(kind, json).map_err(|error| problem(file, error.to_string()))
}

fn problem(file: &Path, detail: String) -> InvalidFile {
    InvalidFile {
        file: file.to_owned(),
        detail,
    }
}

#[cfg(test)]
mod tests;
