//! `comity log export`: the published log as files, or records as lines.

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use tempfile::NamedTempFile;

use super::Failure;
use super::place::Reading;
use super::records;
use super::trust::read_checkpoint;
use crate::app::export::Format;
use crate::cli::chain;
use crate::cli::data_directory::used;
use crate::cli::output;
use crate::cli::service::open_store;
use crate::decision_log::LogSource;
use crate::decision_log::TreeSize;
use crate::decision_log::checkpoint::SignedCheckpoint;
use crate::decision_log::tile::Resource;
use crate::decision_log::tile::Span;
use crate::decision_log::tile::hashes_at;
use crate::decision_log::tile::levels;

/// What to write, and where.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The directory; one that holds an earlier export of the same log is brought up to date. Of records the file, or `-`
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Records instead of the published log: `ndjson` whole, `ocsf` as events for a SIEM
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// A directory of the log's files, or the address under which a service has them
    #[arg(long, value_name = "LOG", required_unless_present = "data_dir")]
    from: Option<String>,
    /// Instead: the data directory of a service that is not running
    #[arg(long, value_name = "DIR", conflicts_with = "from")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    records: records::Wanted,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(format) = arguments.format {
        let (from, data) = (arguments.from.as_deref(), arguments.data_dir.as_deref());
        let place = (from, data, &arguments.reading);
        return records::write(&arguments.directory, (format, &arguments.records), place);
    }
    let directory = &arguments.directory;
    let size = if let Some(data) = &arguments.data_dir {
        let (store, _) =
            open_store(used(data)?, |_| {}).map_err(|error| Failure::Broken(chain(&error)))?;
        let (log, _) = store.published_log().ok_or_else(|| {
            let reason = "no checkpoint was published yet: run the service once";
            Failure::No(reason.to_owned())
        })?;
        export(&log, directory)?
    } else {
        let named = arguments.from.as_deref().unwrap_or_default();
        export(&arguments.reading.place(named)?, directory)?
    };
    output::say(&format!(
        "{size} entries in `{}`; verify them with `comity log verify`",
        directory.display()
    ));
    Ok(())
}

/// Writes everything that the checkpoint needs, then the checkpoint: what is there is never ahead of its files.
fn export<S: LogSource>(source: &S, directory: &Path) -> Result<TreeSize, Failure> {
    let unreadable = |error: S::Error| Failure::Broken(chain(&error));
    let text = source.read(Resource::Checkpoint).map_err(unreadable)?;
    let signed = SignedCheckpoint::parse(&text).map_err(|error| Failure::No(chain(&error)))?;
    let head = signed.unverified();
    refuse_other_log(directory, &signed)?;
    let tiles = levels(head.size).flat_map(|level| {
        let spans = Span::over(hashes_at(level, head.size));
        spans.map(move |span| Resource::Tile { level, span })
    });
    let entries = Span::over(head.size.0).map(Resource::Entries);
    for resource in tiles.chain(entries) {
        let path = directory.join(resource.to_string());
        if path.exists() {
            continue;
        }
        let bytes = source.read(resource).map_err(unreadable)?;
        write(&path, &bytes).map_err(|error| unwritable(&path, &error))?;
    }
    let path = directory.join(Resource::Checkpoint.to_string());
    write(&path, &text).map_err(|error| unwritable(&path, &error))?;
    Ok(head.size)
}

fn refuse_other_log(directory: &Path, signed: &SignedCheckpoint) -> Result<(), Failure> {
    let file = directory.join(Resource::Checkpoint.to_string());
    if file.exists() {
        let there = read_checkpoint(&file)?;
        let (there, now) = (there.unverified(), signed.unverified());
        if there.origin != now.origin || there.size > now.size {
            return Err(Failure::Input(format!(
                "`{}` holds {} entries of log `{}`, which {} entries of log `{}` do not go on from: give another directory",
                directory.display(),
                there.size,
                there.origin,
                now.size,
                now.origin
            )));
        }
        return Ok(());
    }
    let names = fs::read_dir(directory).map(|mut names| names.next().is_some());
    match names {
        Ok(true) if !directory.join("tile").is_dir() => Err(Failure::Input(format!(
            "`{}` holds something else: give an empty directory",
            directory.display()
        ))),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unwritable(directory, &error)),
    }
}

/// A file is there whole or not at all, so that an export that was broken off can go on.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Broken(format!("cannot write `{}`: {error}", path.display()))
}
