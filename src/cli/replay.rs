//! `comity replay`: recorded decisions again, each under its own archived bundle.

use std::fs;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use tempfile::NamedTempFile;

use super::data_directory::used;
use super::exit::Exit;
use super::failure::Failure;
use super::output;
use super::recorded::Which;
use super::service::open_store;
use crate::app::error::AppError;
use crate::app::recorded::Selection;
use crate::app::replay::MismatchKind;
use crate::app::replay::Reached;
use crate::app::replay::Replay;
use crate::app::replay::ReplayReport;
use crate::app::replay::cores;
use crate::app::replay::replay_all;

/// What to replay.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The data directory of a service that is not running
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    which: Which,
    /// Decided by the bundle of this digest
    #[arg(long, value_name = "DIGEST", help_heading = "Which decisions")]
    bundle: Option<String>,
    /// Where to write how far it has come; it goes on there if the file is there already
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// On so many cores; without it, on all
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let report = match replayed(arguments) {
        Ok(report) => report,
        Err(failure) => return failure.told(),
    };
    if arguments.json {
        output::say(&serde_json::to_string_pretty(&report).unwrap_or_default());
    } else {
        print(&report);
    }
    if report.mismatches == 0 {
        Exit::Success
    } else {
        Exit::No
    }
}

/// Replays the decisions in a data directory; refuses while a service uses it.
pub(super) fn replay_directory(
    directory: &Path,
    progress: impl FnMut(u64, u64),
) -> Result<ReplayReport, AppError> {
    let (store, archive) =
        open_store(directory, |_| {}).map_err(|error| AppError::Broken(Box::new(error)))?;
    replay_all(&store, &archive, progress)
}

fn replayed(arguments: &Arguments) -> Result<ReplayReport, Failure> {
    let directory = used(&arguments.data_dir)?;
    let bundle = arguments.bundle.as_deref();
    let selection = arguments.which.selection(bundle).map_err(Failure::Input)?;
    let (store, archive) =
        open_store(directory, |_| {}).map_err(|error| Failure::Broken(super::chain(&error)))?;
    let workers = arguments.workers.map_or_else(cores, usize::from);
    let replay = Replay::of(&store, &archive, workers);
    let begun = match &arguments.resume {
        Some(file) => resumed(&replay, file, selection)?,
        None => replay.begin(selection),
    };
    let bar = progress_bar(begun.entries(), "replaying");
    bar.set_position(begun.done());
    let mut unwritten = None;
    let reached = replay.go_on(begun, |reached| {
        bar.set_position(reached.done());
        let file = arguments.resume.as_deref();
        match file.map_or(Ok(()), |file| write_down(reached, file)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                unwritten = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    bar.finish_and_clear();
    if let (Some(error), Some(file)) = (unwritten, &arguments.resume) {
        let problem = format!("`{}` cannot be written: {error}", file.display());
        return Err(Failure::Broken(problem));
    }
    let reached = reached.map_err(|error| Failure::Broken(super::chain(&error)))?;
    Ok(reached.into_report())
}

/// The run that a file tells of, or a new one.
fn resumed(replay: &Replay<'_>, file: &Path, selection: Selection) -> Result<Reached, Failure> {
    let written = match fs::read(file) {
        Ok(written) => written,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(replay.begin(selection));
        }
        Err(error) => {
            let problem = format!("`{}` cannot be read: {error}", file.display());
            return Err(Failure::Input(problem));
        }
    };
    replay.resume(&written, &selection).map_err(|error| {
        Failure::Input(format!(
            "`{}` cannot be gone on with: {}; remove it to begin anew, or name another file",
            file.display(),
            super::chain(&error)
        ))
    })
}

/// Writes how far a run has come; whoever reads the file finds this or what was there before.
fn write_down(reached: &Reached, file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|path| !path.as_os_str().is_empty());
    let mut whole = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    whole.write_all(&reached.to_json()?)?;
    whole.as_file().sync_all()?;
    whole.persist(file)?;
    Ok(())
}

/// A bar on a terminal; elsewhere nothing.
pub(super) fn progress_bar(entries: u64, doing: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(entries);
    let style = ProgressStyle::with_template(&format!(
        "{doing} {{bar:40}} {{pos}}/{{len}} entries, {{per_sec}}, {{eta}} left"
    ));
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn print(report: &ReplayReport) {
    output::say(&format!(
        "{} entries, {} decisions with {} items: {} identical, {} different, {} erased",
        report.entries,
        report.decisions,
        report.items,
        report.identical,
        report.mismatches,
        report.erased
    ));
    for (digest, decisions) in &report.bundles {
        output::say(&format!("  {decisions} under {digest}"));
    }
    for (version, count) in &report.engines {
        let which = if *version == report.engine_version {
            "this engine"
        } else {
            "another engine"
        };
        output::say(&format!(
            "  {} decided by {version}, {which}: {} identical",
            count.decisions, count.identical
        ));
    }
    for (member, decisions) in &report.differing {
        output::say(&format!("  {member} differs in {decisions}"));
    }
    for mismatch in &report.examples {
        let what = match mismatch.kind {
            MismatchKind::Decision => "decided otherwise",
            MismatchKind::Engine => "decided otherwise, by another engine",
            MismatchKind::Record => "not what was recorded",
            MismatchKind::Bundle => "its bundle is missing",
        };
        let request = mismatch.request_id;
        let request = request.map_or_else(String::new, |id| format!(", request {id}"));
        output::say(&format!("entry {} ({what}{request}):", mismatch.index));
        for difference in &mismatch.differences {
            output::say(&format!("  {difference}"));
        }
    }
}
