//! An error with its causes, in one line: for logs, answers and the command line.

use std::error::Error;

/// What an error says, and each of its causes after it.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
