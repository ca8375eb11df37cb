//! `comity completions`: a completion script for a shell.

use clap::Args;
use clap::CommandFactory;
use clap_complete::Shell;

use super::CommandLine;
use super::exit::Exit;
use super::output;

/// Which shell.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The shell to write for
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut CommandLine::command(),
        "comity",
        &mut script,
    );
    output::write(&script)
}
