//! `comity manual`: the manual pages, generated from the command definition.

use std::path::PathBuf;

use clap::Args;
use clap::CommandFactory;

use super::CommandLine;
use super::exit::Exit;
use super::output;

/// Where to.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The directory to write `comity.1` and one page a subcommand into
    directory: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let written = std::fs::create_dir_all(&arguments.directory)
        .and_then(|()| clap_mangen::generate_to(CommandLine::command(), &arguments.directory));
    match written {
        Ok(()) => Exit::Success,
        Err(error) => {
            output::complain(&format!(
                "cannot write manual pages to `{}`: {error}",
                arguments.directory.display()
            ));
            Exit::Broken
        }
    }
}
