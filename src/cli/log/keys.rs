//! `comity log rotate-key` and `comity log begin-origin`: the signing key and the name of a log, of a service that does not run.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::trust::read_checkpoint;
use crate::app::replaced_file::replace;
use crate::cli::chain;
use crate::cli::data_directory::random_bytes;
use crate::cli::data_directory::read_private;
use crate::cli::data_directory::used;
use crate::cli::log_key::LOG_KEY_FILE;
use crate::cli::log_key::PREVIOUS_CHECKPOINT_FILE;
use crate::cli::output;
use crate::decision_log::checkpoint::LogKey;
use crate::decision_log::checkpoint::Origin;
use crate::decision_log::checkpoint::signing_key_text;
use crate::store::embedded::CHECKPOINT_FILE;

/// Which log's key, and what becomes of the one before.
#[derive(Debug, Args)]
pub struct Rotation {
    /// The data directory of a service that is not running
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The key before is lost: only the new one signs
    #[arg(long)]
    lost: bool,
    /// Make no key: the one before the present one signs no longer
    #[arg(long, conflicts_with = "lost")]
    retire: bool,
}

/// Which log, and its new name.
#[derive(Debug, Args)]
pub struct Beginning {
    /// The data directory of a service that is not running
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The new name, for `decision_log_origin` as well
    #[arg(long, value_name = "NAME")]
    origin: Origin,
    /// The newest checkpoint under the old name that anybody kept; otherwise that of the data directory
    #[arg(long, value_name = "FILE")]
    after: Option<PathBuf>,
}

pub(super) fn rotate(arguments: &Rotation) -> Result<(), Failure> {
    let directory = used(&arguments.data_dir)?;
    let file = directory.join(LOG_KEY_FILE);
    let keys = if arguments.lost {
        if file.exists() {
            return Err(Failure::Input(format!(
                "`{}` is there: rotate it without `--lost`, so that both keys sign for a while",
                file.display()
            )));
        }
        vec![new_key(&published_origin(directory)?)?]
    } else {
        let present = present_keys(&file)?;
        let first = present.first().cloned().unwrap_or_default();
        if arguments.retire {
            if present.len() < 2 {
                return Err(Failure::Input(
                    "there is no key to retire: only one signs".to_owned(),
                ));
            }
            vec![first]
        } else {
            let key = LogKey::parse(&first).map_err(|error| Failure::Input(error.to_string()))?;
            let origin = key.name().parse();
            let origin = origin.map_err(|error| Failure::Input(format!("{error}")))?;
            vec![new_key(&origin)?, first]
        }
    };
    write_keys(&file, &keys)
}

pub(super) fn begin_origin(arguments: &Beginning) -> Result<(), Failure> {
    let directory = used(&arguments.data_dir)?;
    let published = directory.join(CHECKPOINT_FILE);
    let before = arguments.after.as_ref().unwrap_or(&published);
    let signed = read_checkpoint(before)?;
    if signed.unverified().origin == arguments.origin {
        return Err(Failure::Input(format!(
            "the log is called `{}` already: give it another name, since its checkpoints would contradict those from before",
            arguments.origin
        )));
    }
    let previous = directory.join(PREVIOUS_CHECKPOINT_FILE);
    let failed = |path: &Path, error: io::Error| {
        Failure::Broken(format!("cannot write `{}`: {error}", path.display()))
    };
    replace(&previous, &signed.to_text()).map_err(|error| failed(&previous, error))?;
    write_keys(
        &directory.join(LOG_KEY_FILE),
        &[new_key(&arguments.origin)?],
    )?;
    match fs::remove_file(&published) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&published, error)),
        Ok(()) | Err(_) => {
            output::say(&format!(
                "the first entry from here on names the old checkpoint of {} entries; start the service with \
                 `decision_log_origin = \"{}\"`",
                signed.unverified().size,
                arguments.origin
            ));
            Ok(())
        }
    }
}

fn published_origin(directory: &Path) -> Result<Origin, Failure> {
    let signed = read_checkpoint(&directory.join(CHECKPOINT_FILE))?;
    Ok(signed.unverified().origin.clone())
}

fn present_keys(file: &Path) -> Result<Vec<String>, Failure> {
    let bytes = read_private(file).map_err(|error| Failure::Input(chain(&error)))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines = text.lines().map(str::trim);
    let keys: Vec<String> = lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if keys.is_empty() {
        return Err(Failure::Input(format!("`{}` holds no key", file.display())));
    }
    Ok(keys)
}

fn new_key(origin: &Origin) -> Result<String, Failure> {
    let seed = random_bytes().map_err(|error| Failure::Broken(error.to_string()))?;
    let text = signing_key_text(origin, &seed);
    let text = text.map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(text.to_string())
}

fn write_keys(file: &Path, keys: &[String]) -> Result<(), Failure> {
    let text = format!("{}\n", keys.join("\n"));
    replace(file, text.as_bytes())
        .map_err(|error| Failure::Broken(format!("cannot write `{}`: {error}", file.display())))?;
    for key in keys {
        let key = LogKey::parse(key).map_err(|error| Failure::Broken(error.to_string()))?;
        output::say(key.public().as_str());
    }
    Ok(())
}
