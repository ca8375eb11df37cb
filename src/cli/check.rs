//! `comity check`: load and validate a bundle; diagnostics with file, line and column.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;

use super::exit::Exit;
use super::output;
use crate::app::publish::read_and_compile;
use crate::policy::bundle::Bundle;
use crate::policy::diagnostics::Diagnostics;

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
        match read_and_compile(directory) {
            Ok((_, bundle)) => {
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

fn summary(directory: &std::path::Path, bundle: &Bundle) -> String {
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
