//! The `comity` program: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    comity::cli::run().into()
}
