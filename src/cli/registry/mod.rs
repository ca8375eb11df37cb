//! `comity registry`: documents into and out of a running service, what became of them, and whether agreements fit.

pub(super) mod history;
mod import;
mod mirror;

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use serde_json::Value;

pub use crate::workbench::registry_files::CannotWrite;
pub use crate::workbench::registry_files::InvalidFile;
pub use crate::workbench::registry_files::InvalidFiles;
pub use crate::workbench::registry_files::read_documents;
pub use crate::workbench::registry_files::refuse_filled;
pub use crate::workbench::registry_files::write_documents;

use super::client::Client;
use super::client::ClientError;
use super::client::Connection;
use super::exit::Exit;
use super::output;
use crate::app::coherence::check_registry;
use crate::domain::identity::McSystemId;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::DocumentKind;

/// What to do with the registry.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write every document of a directory into a running service, all or none; more than one call takes are sent in parts
    #[command(
        after_help = "Example:\n  comity registry import examples/registry/de --token-file data/operator.token"
    )]
    Import(import::Import),
    /// Write the documents of a running service into an empty directory; pushed configuration stays behind
    #[command(
        after_help = "Example:\n  comity registry export backup/registry --token-file data/operator.token"
    )]
    Export(Export),
    /// List what became of a document, and by whose doing
    #[command(
        after_help = "Example:\n  comity registry history agreements/mc.nl.example --token-file auditor.token"
    )]
    History(history::History),
    /// Show a document, as it is or as it was
    #[command(
        after_help = "Example:\n  comity registry show agreements/mc.nl.example --at 2026-06-01T00:00:00Z --token-file auditor.token"
    )]
    Show(history::Show),
    /// Show how a document differs between two times
    #[command(
        after_help = "Example:\n  comity registry diff agreements/mc.nl.example --from 2026-06-01T00:00:00Z --token-file auditor.token"
    )]
    Diff(history::Diff),
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

/// Arguments of `registry export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The directory to write into, empty or new
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
        Command::Import(arguments) => import::run(arguments),
        Command::Export(arguments) => export(arguments),
        Command::History(arguments) => history::history(arguments),
        Command::Show(arguments) => history::show(arguments),
        Command::Diff(arguments) => history::diff(arguments),
        Command::Validate(arguments) => validate(arguments),
        Command::Mirror(arguments) => mirror::run(arguments),
    }
}

fn export(arguments: &Export) -> Exit {
    if let Err(error) = refuse_filled(&arguments.directory) {
        return cannot_write(&error);
    }
    let read = Client::connect(&arguments.connection)
        .and_then(|client| client.block_on(all_documents(&client)));
    let (documents, left): (Vec<_>, Vec<_>) = match read {
        Ok(documents) => documents
            .into_iter()
            .partition(|(key, _)| key.kind.is_written_by_hand()),
        Err(error) => return failed(&error),
    };
    for (key, _) in &left {
        output::complain(&format!(
            "`{key}` is left out: only a decision writes it, so that it could not be imported"
        ));
    }
    match write_documents(&arguments.directory, &documents) {
        Ok(()) => {
            output::say(&format!("{} documents exported", documents.len()));
            Exit::Success
        }
        Err(error) => cannot_write(&error),
    }
}

fn cannot_write(error: &CannotWrite) -> Exit {
    output::complain(&super::chain(error));
    match error {
        CannotWrite::NotEmpty(_) => Exit::InvalidInput,
        CannotWrite::Failed { .. } => Exit::Broken,
    }
}

async fn all_documents(client: &Client) -> Result<Vec<(DocumentKey, Value)>, ClientError> {
    let mut documents = Vec::new();
    for kind in DocumentKind::ALL {
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
    let problems = check_registry(&arguments.system, &documents);
    for (key, problem) in &problems {
        output::complain(&format!("{key}{}: {}", problem.pointer, problem.detail));
    }
    if !problems.is_empty() {
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
        ClientError::Refused { .. } | ClientError::Token(_) | ClientError::Invalid(_) => {
            Exit::InvalidInput
        }
        ClientError::Unreachable { .. } | ClientError::Answer(_) => Exit::Broken,
    }
}
