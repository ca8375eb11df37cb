//! `comity log`: the published log, read and verified by somebody who trusts nobody.

mod calling;
mod erase;
mod export;
mod keys;
mod place;
mod proof;
mod prove;
mod records;
mod search;
mod show;
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
    /// Show one record of a running service: leaf, parts, decision; 0 its hashes are right, 1 they are not
    #[command(after_help = "Example:\n  comity log show 4711 --token-file auditor.token")]
    Show(show::Arguments),
    /// Find records of a running service, the newest first; that it was done is recorded
    #[command(
        after_help = "Example:\n  comity log search --partner mc.nl.example --outcome reject --from 2026-03-01T00:00:00Z --token-file auditor.token"
    )]
    Search(Box<search::Arguments>),
    /// Check a proof against the hash of a leaf; 0 proven, 1 not
    #[command(
        after_help = "Example:\n  comity log check-proof entry-4711.tlog-proof --leaf-hash 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= --key example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    )]
    CheckProof(proof::Arguments),
    /// Erase personal parts of records: one person asks, another confirms; proofs hold afterwards
    #[command(
        after_help = "Example:\n  comity log erase --subject users/officer-114 --ground no-longer-needed --reason retired --by sip:dpo@mc.de.example --token-file privacy.token"
    )]
    Erase(Box<erase::Arguments>),
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
        Command::Show(arguments) => show::run(arguments),
        Command::Search(arguments) => search::run(arguments),
        Command::CheckProof(arguments) => proof::run(arguments),
        Command::Erase(arguments) => erase::run(arguments),
        Command::RotateKey(arguments) => keys::rotate(arguments),
        Command::BeginOrigin(arguments) => keys::begin_origin(arguments),
    };
    match ended {
        Ok(()) => Exit::Success,
        Err(failure) => failure.told(),
    }
}
