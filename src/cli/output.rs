//! Writing to standard output and standard error; a reader that went away is not an error.

use std::io;
use std::io::Write;

use super::exit::Exit;

/// Writes to standard output.
pub(super) fn write(bytes: &[u8]) -> Exit {
    write_more(bytes).unwrap_or(Exit::Success)
}

/// Writes to standard output, of which there is more to come: tells how to end if nobody takes it any more.
pub(super) fn write_more(bytes: &[u8]) -> Option<Exit> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => None,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Some(Exit::Success),
        Err(_) => Some(Exit::Broken),
    }
}

/// Writes a line to standard output.
pub(super) fn say(line: &str) {
    let _exit = write(format!("{line}\n").as_bytes());
}

/// Writes a line to standard error.
pub(super) fn complain(line: &str) {
    let mut out = io::stderr().lock();
    // When standard error is gone there is nowhere left to say so.
    drop(writeln!(out, "{line}"));
}
