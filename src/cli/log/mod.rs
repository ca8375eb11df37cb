//! `comity log`: the published log, read and verified by somebody who trusts nobody.

mod export;
mod keys;
mod place;
mod proof;
mod prove;
mod records;
mod trust;
mod verify;

use clap::Subcommand;

use super::exit::Exit;
use super::failure::Failure;

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read a published log whole and hold every entry, tile and signature against each other; 0 in order, 1 not
    #[command(
        after_help = "Example:\n  comity log verify /media/audit/log --key example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k --older checkpoint.2026-01"
    )]
    Verify(verify::Arguments),
    /// Write the published log to a directory, as the files that any reader of C2SP logs takes, or records to a file
    #[command(
        after_help = "Example:\n  comity log export /media/audit/log --from http://127.0.0.1:8470/log --token-file auditor.token"
    )]
    Export(export::Arguments),
    /// Prove that an entry is in a published log; the proof is checked offline
    #[command(
        after_help = "Example:\n  comity log prove 4711 --from /media/audit/log > entry-4711.tlog-proof"
    )]
    Prove(prove::Arguments),
    /// Check a proof against the hash of a leaf; 0 proven, 1 not
    #[command(
        after_help = "Example:\n  comity log check-proof entry-4711.tlog-proof --leaf-hash 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= --key example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    )]
    CheckProof(proof::Arguments),
    /// Have the log signed by a new key; the old one signs beside it until it is retired
    #[command(after_help = "Example:\n  comity log rotate-key --data-dir /var/lib/comity")]
    RotateKey(keys::Rotation),
    /// After a restore to an older state: go on under another name, so that nothing contradicts what was published
    #[command(
        after_help = "Example:\n  comity log begin-origin --data-dir /var/lib/comity --origin mc.de.example/log-2026-11"
    )]
    BeginOrigin(keys::Beginning),
}

pub(super) fn run(command: &Command) -> Exit {
    let ended = match command {
        Command::Verify(arguments) => verify::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Prove(arguments) => prove::run(arguments),
        Command::CheckProof(arguments) => proof::run(arguments),
        Command::RotateKey(arguments) => keys::rotate(arguments),
        Command::BeginOrigin(arguments) => keys::begin_origin(arguments),
    };
    match ended {
        Ok(()) => Exit::Success,
        Err(failure) => failure.told(),
    }
}
