//! `comity check`: load and validate a bundle; diagnostics with file, line and column.

use std::io::IsTerminal;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::ValueEnum;

use super::exit::Exit;
use super::output;
use crate::app::access_bundle::read_for_its_purpose;
use crate::policy::bundle::Bundle;
use crate::policy::diagnostics::Code;
use crate::policy::diagnostics::Diagnostic;
use crate::policy::diagnostics::Diagnostics;
use crate::workbench::scenario::read::read_scenarios;

/// What to check.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Bundle directories, each with a `bundle.toml`
    #[arg(required = true, value_name = "DIR")]
    bundles: Vec<PathBuf>,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Treat warnings as errors
    #[arg(long)]
    deny_warnings: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, in the manner of rustc
    Text,
    /// One JSON array of diagnostics a bundle
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let mut exit = Exit::Success;
    for directory in &arguments.bundles {
        match checked(directory) {
            Ok(bundle) => {
                let warned = bundle
                    .warnings()
                    .is_some_and(|warnings| report(warnings, arguments.format));
                if warned && arguments.deny_warnings {
                    exit = Exit::InvalidInput;
                }
                match arguments.format {
                    Format::Text => output::complain(&summary(directory, &bundle)),
                    Format::Json if bundle.warnings().is_none() => output::say("[]"),
                    Format::Json => {}
                }
            }
            Err(diagnostics) => {
                report(&diagnostics, arguments.format);
                exit = Exit::InvalidInput;
            }
        }
    }
    exit
}

/// A bundle that passes the service's gate, and whose scenarios `comity test` can read.
fn checked(directory: &Path) -> Result<Arc<Bundle>, Diagnostics> {
    let (source, bundle) = read_for_its_purpose(directory)?;
    let text = source.manifest_text();
    let unreadable = bundle.manifest().tests().filter_map(|(path, place)| {
        let error = read_scenarios(&[directory.join(path)]).err()?;
        let message = format!(
            "`{}` holds no scenarios that can be decided: {error}",
            path.display()
        );
        Some(Diagnostic::error(Code::Tests, message).at(text.place(place)))
    });
    match Diagnostics::from_list(unreadable.collect(), [text.clone()]) {
        Some(problems) => Err(problems),
        None => Ok(bundle),
    }
}

fn summary(directory: &Path, bundle: &Bundle) -> String {
    format!(
        "{}: `{}` is valid, {} policies, {}",
        directory.display(),
        bundle.manifest().name(),
        bundle.policies().len(),
        bundle.digest()
    )
}

fn report(diagnostics: &Diagnostics, format: Format) -> bool {
    match format {
        Format::Text => output::complain(&diagnostics.render(std::io::stderr().is_terminal())),
        Format::Json => output::say(&serde_json::to_string(diagnostics).unwrap_or_default()),
    }
    diagnostics.iter().next().is_some()
}
