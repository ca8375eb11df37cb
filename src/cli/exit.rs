//! The exit codes of every subcommand.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// As expected.
    Success,
    /// The answer is no: denied, a test failed, a mismatch was found.
    No,
    /// The input is invalid.
    InvalidInput,
    /// Something is broken.
    Broken,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::No => 1,
            Exit::InvalidInput => 2,
            Exit::Broken => 3,
        })
    }
}
