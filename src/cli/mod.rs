//! The command line: one file a subcommand. Only this floor prints.

mod callbacks;
pub mod check;
pub mod client;
pub mod completions;
mod configuration_keys;
mod data_directory;
pub mod demo;
pub mod eval;
pub mod exit;
pub mod explain;
mod failure;
pub mod impact;
pub mod log;
mod log_key;
pub mod manual;
pub mod output;
mod plain;
pub mod policies;
mod problem;
mod recorded;
pub mod registry;
pub mod replay;
pub mod review;
pub mod serve;
pub mod service;
pub mod shadow;
mod sse;
pub mod test;
mod webhooks;
mod witnesses;

use clap::Parser;
use clap::Subcommand;

use self::exit::Exit;
use crate::telemetry::chain::chain;

/// Decides what one mission critical (MC) service system lets another do.
///
/// Exit codes: 0 as expected, 1 the answer is no, 2 the input is invalid, 3 something is broken.
#[derive(Debug, Parser)]
#[command(
    name = "comity",
    version,
    max_term_width = 100,
    propagate_version = true
)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    #[command(
        after_help = "Example:\n  comity serve --system mc.de.example --data-dir /var/lib/comity --policies policies"
    )]
    Serve(serve::Arguments),
    /// Run the Dutch-officer story end to end on embedded stores
    #[command(after_help = "Example:\n  comity demo --once")]
    Demo(demo::Arguments),
    /// Load and validate a bundle; diagnostics with file, line and column
    #[command(after_help = "Example:\n  comity check policies/")]
    Check(check::Arguments),
    /// Decide scenarios on a bundle and compare; 0 all as expected, 1 some not
    #[command(
        after_help = "Example:\n  comity test tests/scenarios --policies policies --coverage"
    )]
    Test(test::Arguments),
    /// Decide one request offline and say why it came out so
    #[command(
        after_help = "Example:\n  comity explain --system mc.de.example --registry examples/registry/de request.json"
    )]
    Explain(explain::Arguments),
    /// Answer many queries offline on any Cedar bundle, one JSON a line
    #[command(
        after_help = "Example:\n  comity eval --policies p.cedar --entities e.json --lenient < queries.ndjson"
    )]
    Eval(eval::Args),
    /// Import and export registry documents, check them, compare agreements
    #[command(
        subcommand,
        after_help = "Example:\n  comity registry import examples/registry/de --url http://127.0.0.1:8470 --token-file operator.token"
    )]
    Registry(registry::Command),
    /// Which policies were in force when, and how bundles differ
    #[command(
        subcommand,
        after_help = "Example:\n  comity policies history --token-file officer.token"
    )]
    Policies(policies::Command),
    /// List, show and answer what waits for a person in a running service
    #[command(
        subcommand,
        after_help = "Example:\n  comity review list --reviewer sip:duty@mc.de.example --token-file reviewer.token"
    )]
    Review(review::Command),
    /// Verify, export and prove the published log
    #[command(
        subcommand,
        after_help = "Example:\n  comity log verify /media/audit/log --key example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    )]
    Log(log::Command),
    /// Decide recorded requests under another bundle, or with other agreements: what would change
    #[command(
        after_help = "Example:\n  comity impact --bundle policies --from 2026-06-01T00:00:00Z --data-dir /var/lib/comity --html impact.html"
    )]
    Impact(impact::Arguments),
    /// What would come out under the bundle that follows a running service and decides nothing
    #[command(after_help = "Example:\n  comity shadow --token-file operator.token")]
    Shadow(shadow::Arguments),
    /// Decide recorded decisions again, each under its own archived bundle; 0 all identical, 1 some not
    #[command(after_help = "Example:\n  comity replay --data-dir /var/lib/comity")]
    Replay(replay::Arguments),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  comity completions bash > /usr/share/bash-completion/completions/comity"
    )]
    Completions(completions::Arguments),
    /// Write the manual pages to a directory
    #[command(after_help = "Example:\n  comity manual target/man")]
    Manual(manual::Arguments),
}

/// Runs the command that the arguments name.
pub fn run() -> Exit {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            let is_help = !error.use_stderr();
            return match error.print() {
                Ok(()) if is_help => Exit::Success,
                Ok(()) => Exit::InvalidInput,
                Err(_) => Exit::Broken,
            };
        }
    };
    match line.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Eval(arguments) => evaluate(&arguments),
        Command::Registry(command) => registry::run(&command),
        Command::Policies(command) => policies::run(&command),
        Command::Review(command) => review::run(&command),
        Command::Log(command) => log::run(&command),
        Command::Impact(arguments) => impact::run(&arguments),
        Command::Shadow(arguments) => shadow::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Manual(arguments) => manual::run(&arguments),
    }
}

fn evaluate(arguments: &eval::Args) -> Exit {
    let answered = eval::run(
        arguments,
        std::io::stdin().lock(),
        std::io::BufWriter::new(std::io::stdout().lock()),
    );
    match answered {
        Ok(eval::Queries::AllAnswered) => Exit::Success,
        Ok(eval::Queries::SomeInvalid) => Exit::InvalidInput,
        Err(eval::EvalError::Stream(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Exit::Success
        }
        Err(error @ eval::EvalError::Stream(_)) => {
            output::complain(&chain(&error));
            Exit::Broken
        }
        Err(error) => {
            let rendered = error
                .diagnostics()
                .map(|diagnostics| diagnostics.render(false));
            output::complain(&rendered.unwrap_or_else(|| chain(&error)));
            Exit::InvalidInput
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::CommandLine;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
