//! `comity replay`: every recorded decision again, under its own archived bundle.

use std::io::IsTerminal;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;

use super::data_directory::is_data_directory;
use super::exit::Exit;
use super::output;
use crate::app::error::AppError;
use crate::app::replay::ReplayReport;
use crate::app::replay::replay_all;

/// What to replay.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The data directory of a service that is not running
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    if !is_data_directory(&arguments.data_dir) {
        output::complain(&format!(
            "`{}` is not the data directory of a service: it holds no log",
            arguments.data_dir.display()
        ));
        return Exit::InvalidInput;
    }
    let bar = progress_bar();
    let replayed = replay_directory(&arguments.data_dir, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let report = match replayed {
        Ok(report) => report,
        Err(error) => {
            output::complain(&super::chain(&error));
            return Exit::Broken;
        }
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
    let (store, archive) = super::service::open_store(directory, |_| {})
        .map_err(|error| AppError::Broken(Box::new(error)))?;
    replay_all(&store, &archive, progress)
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template(
        "replaying {bar:40} {pos}/{len} entries, {per_sec}, {eta} left",
    );
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
    for mismatch in &report.examples {
        output::say(&format!(
            "entry {} ({}):",
            mismatch.index,
            match &mismatch.engine_version {
                Some(version) => format!("decided by {version}"),
                None => "not what was recorded".to_owned(),
            }
        ));
        for difference in &mismatch.differences {
            output::say(&format!("  {difference}"));
        }
    }
}
