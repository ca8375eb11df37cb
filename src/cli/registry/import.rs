//! `comity registry import`: a directory's documents into a running service, in as few parts as it takes.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use super::super::client::Client;
use super::super::client::ClientError;
use super::super::client::Connection;
use super::super::exit::Exit;
use super::super::output;
use crate::app::administer::IMPORT_DOCUMENTS_MAX;
use crate::domain::document::Document;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;
use crate::http::settings::HttpSettings;
use crate::workbench::registry_files::read_documents;

/// Arguments of `registry import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The directory, with one folder a kind
    directory: PathBuf,
    #[command(flatten)]
    connection: Connection,
}

/// What one call writes, all or none.
struct Part {
    first: DocumentKey,
    last: DocumentKey,
    entries: Vec<Value>,
    bytes: usize,
}

impl Part {
    fn takes(&self, bytes: usize, limits: Limits) -> bool {
        self.entries.len() < limits.documents && self.bytes + bytes <= limits.bytes
    }
}

/// How much one call may hold.
#[derive(Clone, Copy)]
struct Limits {
    documents: usize,
    bytes: usize,
}

pub(super) fn run(arguments: &Import) -> Exit {
    let documents = match read_documents(&arguments.directory) {
        Ok(documents) => documents,
        Err(error) => return super::invalid(&error.to_string()),
    };
    let limits = Limits {
        documents: IMPORT_DOCUMENTS_MAX,
        bytes: HttpSettings::default().body_bytes_max,
    };
    let count = documents.len();
    if count == 0 {
        let directory = arguments.directory.display();
        return super::invalid(&format!("`{directory}` holds no documents"));
    }
    let parts = match parts(&documents, limits) {
        Ok(parts) => parts,
        Err(text) => return super::invalid(&text),
    };
    let client = match Client::connect(&arguments.connection) {
        Ok(client) => client,
        Err(error) => return super::failed(&error),
    };
    if let [_, _, ..] = parts.as_slice() {
        output::complain(&format!(
            "{count} documents are more than one import takes; {} parts are sent, each written whole or not at all",
            parts.len()
        ));
    }
    match client.block_on(send(&client, parts)) {
        Ok(()) => {
            output::say(&format!("{count} documents imported"));
            Exit::Success
        }
        Err(exit) => exit,
    }
}

/// The documents in the order in which they depend on each other, cut where a call would hold too much.
fn parts(documents: &[(DocumentKey, Document)], limits: Limits) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = Vec::new();
    // An agreement names a profile, which is there before it.
    let (agreements, others): (Vec<_>, Vec<_>) = documents
        .iter()
        .partition(|(key, _)| key.kind == DocumentKind::Agreement);
    for (key, document) in others.into_iter().chain(agreements) {
        let json = document
            .to_json()
            .map_err(|error| format!("{key}: {error}"))?;
        let entry = json!({ "kind": key.kind, "document": json });
        // With the comma or bracket before it, and the bracket at the end.
        let bytes = entry.to_string().len() + 2;
        match parts.last_mut().filter(|part| part.takes(bytes, limits)) {
            Some(part) => {
                part.last = key.clone();
                part.bytes += bytes;
                part.entries.push(entry);
            }
            None => parts.push(Part {
                first: key.clone(),
                last: key.clone(),
                entries: vec![entry],
                bytes,
            }),
        }
    }
    Ok(parts)
}

async fn send(client: &Client, parts: Vec<Part>) -> Result<(), Exit> {
    let count = parts.len();
    for (part, number) in parts.into_iter().zip(1..) {
        let Part {
            first,
            last,
            entries,
            ..
        } = part;
        let documents = entries.len();
        let sent = client.post("/v1/import", &Value::Array(entries)).await;
        let name = format!("part {number} of {count}, `{first}` to `{last}`");
        match sent {
            Ok(_) if count > 1 => {
                output::complain(&format!("{name}: {documents} documents written"));
            }
            Ok(_) => {}
            Err(error) => {
                let exit = super::failed(&error);
                if count > 1 {
                    output::complain(&format!("{name}: {}", fate(&error, number)));
                }
                return Err(exit);
            }
        }
    }
    Ok(())
}

/// What has become of a part that failed and of those before it.
fn fate(error: &ClientError, number: usize) -> String {
    let fate = match error {
        ClientError::Refused { .. } | ClientError::Token(_) | ClientError::Invalid(_) => {
            "not written"
        }
        ClientError::Unreachable { .. } | ClientError::Answer(_) => "perhaps not written",
    };
    let before = match number {
        1 => "nothing before it was sent".to_owned(),
        2 => "the part before it is written".to_owned(),
        _ => format!("the {} parts before it are written", number - 1),
    };
    format!(
        "{fate}; {before}; mend the cause and repeat the import; what is written already is written the same again"
    )
}

#[cfg(test)]
mod tests {
    use super::Limits;
    use super::parts;
    use crate::domain::document::Document;
    use crate::domain::registry::DocumentKey;
    use crate::domain::registry::DocumentKind;
    use serde_json::json;

    fn users(count: usize) -> Vec<(DocumentKey, Document)> {
        let user = |number: usize| {
            let json = json!({ "id": format!("u{number:03}"), "identities": {}, "enabled": true });
            let document = Document::from_json(DocumentKind::User, json).unwrap();
            (document.key().unwrap(), document)
        };
        (0..count).map(user).collect()
    }

    #[test]
    fn parts_hold_everything_once_in_order_and_within_limits() {
        for (count, documents, bytes) in [
            (0, 3, 9999),
            (3, 3, 9999),
            (7, 3, 9999),
            (7, 9, 400),
            (2, 9, 1),
        ] {
            let parts = parts(&users(count), Limits { documents, bytes }).unwrap();
            let sizes: Vec<usize> = parts.iter().map(|part| part.entries.len()).collect();
            assert!(
                sizes.iter().all(|size| (1..=documents).contains(size)),
                "{sizes:?}"
            );
            for part in &parts {
                let body = serde_json::to_string(&part.entries).unwrap();
                assert!(
                    part.entries.len() == 1 || body.len() <= bytes,
                    "{}",
                    body.len()
                );
                assert!(
                    body.contains(part.first.id.as_str()) && body.contains(part.last.id.as_str())
                );
            }
            let ids: Vec<String> = parts
                .iter()
                .flat_map(|part| &part.entries)
                .map(|entry| entry["document"]["id"].as_str().unwrap().to_owned())
                .collect();
            let expected: Vec<String> = (0..count).map(|number| format!("u{number:03}")).collect();
            assert_eq!(ids, expected);
        }
    }
}
