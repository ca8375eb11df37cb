//! `comity log verify`: a published log, read whole.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Failure;
use super::place::PlaceError;
use super::place::Reading;
use super::trust::Trusted;
use super::trust::read_checkpoint;
use crate::cli::chain;
use crate::cli::output;
use crate::decision_log::Leaf;
use crate::decision_log::audit::AuditError;
use crate::decision_log::audit::Audited;
use crate::decision_log::audit::audit;

/// What to verify, and whom to believe.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A directory of the log's files, or the address under which a service has them
    #[arg(value_name = "LOG")]
    log: String,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    trusted: Trusted,
    /// A checkpoint of the log that was kept since: it must only have grown
    #[arg(long, value_name = "FILE")]
    older: Option<PathBuf>,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let trust = arguments.trusted.trust()?;
    let older = arguments
        .older
        .as_deref()
        .map(read_checkpoint)
        .transpose()?;
    let place = arguments.reading.place(&arguments.log)?;
    let mut unknown = 0_u64;
    let audited = audit(&place, &trust, older.as_ref(), &mut |_, entry| {
        if Leaf::parse(entry).is_err() {
            unknown += 1;
        }
    });
    match audited {
        Ok(audited) => {
            say(arguments.json, &audited, unknown);
            Ok(())
        }
        Err(error) => {
            let reason = chain(&error);
            if arguments.json {
                let found = json!({ "in_order": false, "reason": reason });
                output::say(&found.to_string());
            }
            Err(judged(&error, reason))
        }
    }
}

/// A log that lacks something is not in order; one that can't be read is not judged.
fn judged(error: &AuditError<PlaceError>, reason: String) -> Failure {
    match error {
        AuditError::Source(error) if !error.is_missing() => Failure::Broken(reason),
        AuditError::Source(_)
        | AuditError::Checkpoint(_)
        | AuditError::Older(_)
        | AuditError::OlderForeign { .. }
        | AuditError::RolledBack { .. }
        | AuditError::Rewritten { .. }
        | AuditError::Bundle { .. }
        | AuditError::Entries { .. }
        | AuditError::Length { .. }
        | AuditError::Tile { .. }
        | AuditError::Root { .. } => Failure::No(format!("the log is not in order: {reason}")),
    }
}

fn say(as_json: bool, audited: &Audited, unknown: u64) {
    let head = &audited.head.checkpoint;
    let older = audited.goes_on_from.as_ref().map(|older| older.size);
    if as_json {
        let found = json!({
            "in_order": true,
            "origin": head.origin,
            "size": head.size,
            "root": head.root,
            "tiles": audited.tiles,
            "witnesses": audited.head.witnesses,
            "goes_on_from": older,
            "leaves_of_another_form": unknown,
        });
        output::say(&found.to_string());
        return;
    }
    output::say(&format!(
        "{}: {} entries and {} tiles in order, root {}",
        head.origin, head.size, audited.tiles, head.root
    ));
    if let Some(older) = older {
        output::say(&format!(
            "it goes on from the checkpoint of {older} entries"
        ));
    }
    if !audited.head.witnesses.is_empty() {
        let witnesses = audited.head.witnesses.join(", ");
        output::say(&format!("cosigned by {witnesses}"));
    }
    if unknown > 0 {
        output::say(&format!(
            "{unknown} entries are no leaves that this version of the program reads; the log is in order all the same"
        ));
    }
}
