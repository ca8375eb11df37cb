//! `comity registry`: documents into and out of a running service, and whether agreements fit.

mod mirror;

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use serde_json::Value;
use serde_json::json;

pub use crate::workbench::registry_files::InvalidFile;
pub use crate::workbench::registry_files::InvalidFiles;
pub use crate::workbench::registry_files::read_documents;
pub use crate::workbench::registry_files::write_documents;

use super::client::Client;
use super::client::ClientError;
use super::client::Connection;
use super::exit::Exit;
use super::output;
use crate::app::plausibility::Numbers;
use crate::app::plausibility::Surroundings;
use crate::app::plausibility::check_document;
use crate::domain::identity::McSystemId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;

/// What to do with the registry.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write every document of a directory into a running service, all or none
    #[command(
        after_help = "Example:\n  comity registry import examples/registry/de --token-file data/operator.token"
    )]
    Import(Import),
    /// Write the documents of a running service into a directory; pushed configuration stays behind
    #[command(
        after_help = "Example:\n  comity registry export backup/registry --token-file data/operator.token"
    )]
    Export(Export),
    /// Check the documents of a directory without a service
    #[command(
        after_help = "Example:\n  comity registry validate --system mc.de.example examples/registry/de"
    )]
    Validate(Validate),
    /// Check whether two systems' halves of an agreement fit; 0 they fit, 1 they do not
    #[command(
        after_help = "Example:\n  comity registry mirror examples/registry/nl examples/registry/de"
    )]
    Mirror(mirror::Mirror),
}

/// Arguments of `registry import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The directory, with one folder a kind
    directory: PathBuf,
    #[command(flatten)]
    connection: Connection,
}

/// Arguments of `registry export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The directory to write into
    directory: PathBuf,
    #[command(flatten)]
    connection: Connection,
}

/// Arguments of `registry validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// The directory, with one folder a kind
    directory: PathBuf,
    /// The MC system whose registry it is
    #[arg(long)]
    system: McSystemId,
}

pub(super) fn run(command: &Command) -> Exit {
    match command {
        Command::Import(arguments) => import(arguments),
        Command::Export(arguments) => export(arguments),
        Command::Validate(arguments) => validate(arguments),
        Command::Mirror(arguments) => mirror::run(arguments),
    }
}

fn import(arguments: &Import) -> Exit {
    let documents = match read_documents(&arguments.directory) {
        Ok(documents) => documents,
        Err(error) => return invalid(&error.to_string()),
    };
    let mut body = Vec::with_capacity(documents.len());
    for (key, document) in &documents {
        match document.to_json() {
            Ok(json) => body.push(json!({ "kind": key.kind, "document": json })),
            Err(error) => return invalid(&format!("{key}: {error}")),
        }
    }
    let sent = Client::connect(&arguments.connection)
        .and_then(|client| client.block_on(client.post("/v1/import", &Value::Array(body))));
    match sent {
        Ok(_) => {
            output::say(&format!("{} documents imported", documents.len()));
            Exit::Success
        }
        Err(error) => failed(&error),
    }
}

fn export(arguments: &Export) -> Exit {
    let read = Client::connect(&arguments.connection)
        .and_then(|client| client.block_on(all_documents(&client)));
    let documents = match read {
        Ok(documents) => documents,
        Err(error) => return failed(&error),
    };
    match write_documents(&arguments.directory, &documents) {
        Ok(()) => {
            output::say(&format!("{} documents exported", documents.len()));
            Exit::Success
        }
        Err(error) => {
            output::complain(&format!(
                "cannot write to `{}`: {error}",
                arguments.directory.display()
            ));
            Exit::Broken
        }
    }
}

async fn all_documents(client: &Client) -> Result<Vec<(DocumentKey, Value)>, ClientError> {
    let mut documents = Vec::new();
    for kind in DocumentKind::ALL
        .into_iter()
        .filter(|kind| *kind != DocumentKind::UeConfiguration)
    {
        let mut after = String::new();
        loop {
            let path = format!("/v1/{}?limit=500&after={after}", kind.plural());
            let page = client.get(&path).await?;
            let entries = page
                .get("documents")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let Some(last) = entries
                .last()
                .and_then(|entry| entry.get("id"))
                .and_then(Value::as_str)
            else {
                break;
            };
            after = super::client::encode(last);
            for entry in &entries {
                let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
                let id = id
                    .parse()
                    .map_err(|_| ClientError::Answer(format!("`{id}` is not a document id")))?;
                let document = entry.get("document").cloned().unwrap_or_default();
                documents.push((DocumentKey { kind, id }, document));
            }
        }
    }
    Ok(documents)
}

fn validate(arguments: &Validate) -> Exit {
    let documents = match read_documents(&arguments.directory) {
        Ok(documents) => documents,
        Err(error) => return invalid(&error.to_string()),
    };
    let numbers = Numbers::of(documents.iter().map(|(_, document)| document));
    let surroundings = Surroundings {
        local: &arguments.system,
        numbers: &numbers,
    };
    let mut found = 0;
    for (key, document) in &documents {
        for problem in check_document(surroundings, document) {
            output::complain(&format!("{key}{}: {}", problem.pointer, problem.detail));
            found += 1;
        }
    }
    if found > 0 {
        return Exit::InvalidInput;
    }
    output::say(&format!("{} documents are valid", documents.len()));
    Exit::Success
}

fn invalid(text: &str) -> Exit {
    output::complain(text);
    Exit::InvalidInput
}

fn failed(error: &ClientError) -> Exit {
    output::complain(&error.to_string());
    match error {
        ClientError::Refused { .. } | ClientError::Token(_) => Exit::InvalidInput,
        ClientError::Unreachable { .. } | ClientError::Answer(_) => Exit::Broken,
    }
}
