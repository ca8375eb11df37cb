//! What is wrong with scenario files, each with its file and place.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// Everything that is wrong with the scenarios that were to be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct InvalidScenarios(pub Vec<ScenarioProblem>);

/// What is wrong at one place of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScenarioProblem {
    /// The file or directory.
    pub file: PathBuf,
    /// JSON pointer to the place; empty means the whole file.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

impl fmt::Display for ScenarioProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if !self.pointer.is_empty() {
            write!(f, ": {}", self.pointer)?;
        }
        write!(f, ": {}", self.detail)
    }
}
