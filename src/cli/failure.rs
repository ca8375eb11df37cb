//! Why a command came to nothing, and the exit code that says so.

use super::exit::Exit;
use super::output;

/// Why a command came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The answer is no.
    No(String),
    /// What was given cannot be meant.
    Input(String),
    /// Something is broken.
    Broken(String),
}

impl Failure {
    /// Says why, and ends so.
    pub(super) fn told(self) -> Exit {
        let (exit, reason) = match self {
            Self::No(reason) => (Exit::No, reason),
            Self::Input(reason) => (Exit::InvalidInput, reason),
            Self::Broken(reason) => (Exit::Broken, reason),
        };
        output::complain(&reason);
        exit
    }
}
