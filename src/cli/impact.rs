//! `comity impact`: what recorded requests would have got under other policies, or with other agreements.

use std::fs;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use super::data_directory::used;
use super::exit::Exit;
use super::failure::Failure;
use super::output;
use super::recorded::Which;
use super::replay::progress_bar;
use super::service::open_store;
use crate::app::error::AppError;
use crate::app::impact::Impact;
use crate::app::impact::ImpactReport;
use crate::app::impact::Tried;
use crate::app::recorded::Selection;
use crate::app::replay::cores;
use crate::domain::agreement::Agreement;
use crate::policy::source::BundleSource;
use crate::workbench::impact::page;
use crate::workbench::impact::text;
use crate::workbench::registry_files::read_documents;

/// What to try, and on what.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The data directory of a service that is not running, or a copy of one
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The bundle to try; without it, each request is decided under its own
    #[arg(long, value_name = "DIR", required_unless_present = "registry")]
    bundle: Option<PathBuf>,
    /// A registry directory, whose agreements are tried
    #[arg(long, value_name = "DIR")]
    registry: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
    /// Write the report as a page that prints, too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    match found(arguments) {
        Ok(report) => print(arguments, &report),
        Err(failure) => failure.told(),
    }
}

fn print(arguments: &Arguments, report: &ImpactReport) -> Exit {
    if let Some(file) = &arguments.html
        && let Err(error) = fs::write(file, page::page(report))
    {
        output::complain(&format!("`{}` cannot be written: {error}", file.display()));
        return Exit::Broken;
    }
    if arguments.json {
        output::say(&serde_json::to_string_pretty(report).unwrap_or_default());
    } else {
        for line in text::lines(report) {
            output::say(&line);
        }
    }
    Exit::Success
}

fn found(arguments: &Arguments) -> Result<ImpactReport, Failure> {
    let directory = used(&arguments.data_dir)?;
    let selection = arguments.which.selection(None).map_err(Failure::Input)?;
    let bundle = arguments.bundle.as_deref().map(bundle).transpose()?;
    let registry = arguments.registry.as_deref();
    let agreements = registry.map(agreements).transpose()?.unwrap_or_default();
    let (store, archive) =
        open_store(directory, |_| {}).map_err(|error| Failure::Broken(super::chain(&error)))?;
    let tried = Tried::new(&store, bundle, agreements).map_err(|error| refused(&error))?;
    let impact = Impact::of(&store, &archive, cores());
    find(&impact, &tried, &selection).map_err(|error| Failure::Broken(super::chain(&error)))
}

fn find(
    impact: &Impact<'_>,
    tried: &Tried,
    selection: &Selection,
) -> Result<ImpactReport, AppError> {
    let bar = progress_bar(0, "deciding");
    let report = impact.find(tried, selection, |done, entries| {
        bar.set_length(entries);
        bar.set_position(done);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    report
}

fn bundle(directory: &Path) -> Result<BundleSource, Failure> {
    let colours = std::io::stderr().is_terminal();
    BundleSource::read(directory).map_err(|problems| Failure::Input(problems.render(colours)))
}

fn agreements(directory: &Path) -> Result<Vec<Agreement>, Failure> {
    let documents = read_documents(directory).map_err(|error| Failure::Input(error.to_string()))?;
    let agreements = documents.iter().filter_map(|(_, it)| it.agreement());
    let agreements: Vec<Agreement> = agreements.cloned().collect();
    if agreements.is_empty() {
        return Err(Failure::Input(format!(
            "`{}` holds no agreement to try; agreements are files of its folder `agreements`",
            directory.display()
        )));
    }
    Ok(agreements)
}

/// What the gate says, as `comity check` says it.
fn refused(error: &AppError) -> Failure {
    if let AppError::Refused(problems) = error {
        return Failure::Input(problems.render(std::io::stderr().is_terminal()));
    }
    if let AppError::Invalid(problems) = error {
        let details = problems.iter().map(|problem| problem.detail.as_str());
        return Failure::Input(details.collect::<Vec<_>>().join("\n"));
    }
    Failure::Broken(super::chain(error))
}
