//! Registry documents as files: one document a file, one folder a kind, JSON or YAML.

use std::fs;
use std::io;
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

/// Writes documents into a directory, one file each; what was there before stays.
pub fn write_documents(directory: &Path, documents: &[(DocumentKey, Value)]) -> io::Result<()> {
    for (key, document) in documents {
        let folder = directory.join(key.kind.plural());
        fs::create_dir_all(&folder)?;
        let mut text = serde_json::to_string_pretty(document)?;
        text.push('\n');
        fs::write(
            folder.join(format!("{}.json", file_name(key.id.as_str()))),
            text,
        )?;
    }
    Ok(())
}

/// A name that file systems take; what it loses of a long or unusual id, a digest keeps apart.
fn file_name(id: &str) -> String {
    let name: String = id
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.@+".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let lost = id.chars().zip(name.chars()).filter(|(c, kept)| c != kept);
    if lost.count() <= 1 && name.len() <= FILE_NAME_BYTES_MAX {
        return name;
    }
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(id));
    let short: String = name.chars().take(FILE_NAME_BYTES_MAX).collect();
    let mark: String = digest.chars().take(16).collect();
    format!("{short}-{mark}")
}

fn entries(directory: &Path, problems: &mut Vec<InvalidFile>) -> Vec<PathBuf> {
    let read = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    match read {
        Ok(entries) => {
            let mut paths: Vec<PathBuf> = entries
                .iter()
                .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
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
mod tests {
    use super::file_name;

    #[test]
    fn file_names_are_short_and_apart() {
        assert_eq!(file_name("officer-114"), "officer-114");
        let group = "sip:unfall-07@mc.de.example";
        assert_eq!(file_name(group), "sip_unfall-07@mc.de.example");
        let entry = "mcptt:officer.114@mc.nl.example";
        assert_eq!(file_name(entry), "mcptt_officer.114@mc.nl.example");
        assert_ne!(
            file_name("mcptt:a*b@mc.example"),
            file_name("mcptt:a!b@mc.example")
        );
        let long = |last: &str| format!("{};{last}", "g".repeat(400));
        assert!(file_name(&long("a")).len() < 250);
        assert_ne!(file_name(&long("a")), file_name(&long("b")));
    }
}
