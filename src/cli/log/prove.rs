//! `comity log prove`: that an entry is in a published log.

use clap::Args;

use super::Failure;
use super::place::PlaceError;
use super::place::Reading;
use crate::cli::chain;
use crate::cli::output;
use crate::decision_log::LogIndex;
use crate::decision_log::LogSource;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::decision_log::proof::TlogProof;
use crate::decision_log::proof::Tree;
use crate::decision_log::proof::TreeError;
use crate::decision_log::tile::Resource;

/// Which entry, of which log.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The place of the entry, as the answer to a decision names it
    #[arg(value_name = "INDEX")]
    index: u64,
    /// A directory of the log's files, or the address under which a service has them
    #[arg(long, value_name = "LOG")]
    from: String,
    #[command(flatten)]
    reading: Reading,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let place = arguments.reading.place(&arguments.from)?;
    let text = place
        .read(Resource::Checkpoint)
        .map_err(|error| unread(&error))?;
    let checkpoint = SignedCheckpoint::parse(&text).map_err(|error| Failure::No(chain(&error)))?;
    let head = checkpoint.unverified();
    let index = LogIndex(arguments.index);
    let inclusion = Tree::new(&place, head.size, head.root)
        .inclusion(index)
        .map_err(|error| match error {
            TreeError::Source(error) => unread(&error),
            TreeError::Beyond { .. } => Failure::Input(format!(
                "the log has {} published entries, and none with index {index}",
                head.size
            )),
            TreeError::Length { .. } | TreeError::Inconsistent { .. } => {
                Failure::No(format!("the log is not in order: {}", chain(&error)))
            }
        })?;
    let proof = TlogProof {
        index,
        inclusion,
        checkpoint,
    };
    let _exit = output::write(proof.to_text().as_bytes());
    Ok(())
}

fn unread(error: &PlaceError) -> Failure {
    let reason = chain(error);
    if error.is_missing() {
        Failure::No(format!("the log is not in order: {reason}"))
    } else {
        Failure::Broken(reason)
    }
}
