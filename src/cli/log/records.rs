//! `comity log export --format`: records to a file, from a running service or from a data directory.

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use clap::Args;

use super::Failure;
use super::place::Reading;
use crate::app::export::ExportSettings;
use crate::app::export::Format;
use crate::app::export::Mask;
use crate::app::export::export;
use crate::app::sealing::SealingKey;
use crate::cli::chain;
use crate::cli::client::encode;
use crate::cli::data_directory;
use crate::cli::output;
use crate::cli::service::open_store;
use crate::domain::time::Timestamp;

/// In place of a file: standard output.
const STANDARD_OUTPUT: &str = "-";

/// Which records, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Records (--format ndjson or ocsf)")]
pub(super) struct Wanted {
    /// From this entry on; an export that was broken off goes on with the entry after its last line
    #[arg(long, value_name = "INDEX", requires = "format")]
    first: Option<u64>,
    /// Up to this entry, with it
    #[arg(long, value_name = "INDEX", requires = "format")]
    last: Option<u64>,
    /// Recorded at this time or later (RFC 3339)
    #[arg(long, value_name = "TIME", requires = "format")]
    since: Option<Timestamp>,
    /// Recorded before this time (RFC 3339)
    #[arg(long, value_name = "TIME", requires = "format")]
    until: Option<Timestamp>,
    /// Mask users, groups, reviewers, accounts, locations, reasons or a JSON pointer, each perhaps with =remove or =pseudonym
    #[arg(long, value_name = "WHAT", requires = "format", value_parser = mask)]
    mask: Vec<Mask>,
    /// Another export under the same label gives the same pseudonyms
    #[arg(long, value_name = "LABEL", requires = "mask")]
    mask_label: Option<String>,
}

fn mask(text: &str) -> Result<Mask, String> {
    text.parse::<Mask>().map_err(|error| error.to_string())
}

impl Wanted {
    fn settings(&self, format: Format) -> Result<ExportSettings, Failure> {
        let masks = self.mask.iter().cloned();
        let settings = ExportSettings {
            format,
            first: self.first,
            last: self.last,
            from: self.since,
            until: self.until,
            mask: masks.fold(Mask::default(), Mask::and),
            mask_label: self.mask_label.clone(),
        };
        settings.check().map_err(|problems| {
            let problems = problems.iter().map(|problem| problem.detail.as_str());
            Failure::Input(problems.collect::<Vec<_>>().join("; "))
        })?;
        Ok(settings)
    }

    /// The parameters with which a service is asked for the same.
    fn parameters(&self, format: Format) -> String {
        let mut words = vec![format!("format={}", format.as_str())];
        let mut add = |name: &str, value: Option<String>| {
            words.extend(value.map(|value| format!("{name}={}", encode(&value))));
        };
        add("first", self.first.map(|index| index.to_string()));
        add("last", self.last.map(|index| index.to_string()));
        add("from", self.since.map(|time| time.to_string()));
        add("until", self.until.map(|time| time.to_string()));
        let masks = self.mask.iter().cloned().fold(Mask::default(), Mask::and);
        add("mask", (!masks.is_empty()).then(|| masks.to_string()));
        add("mask_label", self.mask_label.clone());
        words.join("&")
    }
}

/// Writes records to a file, or to standard output.
pub(super) fn write(
    file: &Path,
    (format, wanted): (Format, &Wanted),
    (from, data, reading): (Option<&str>, Option<&Path>, &Reading),
) -> Result<(), Failure> {
    let settings = wanted.settings(format)?;
    let mut sink = Sink::open(file)?;
    if let Some(data) = data {
        of_data_directory(data, settings, &mut sink)?;
    } else {
        let from = from.unwrap_or_default();
        let base = from.trim_end_matches('/');
        let base = base.strip_suffix("/log").unwrap_or(base);
        let url = format!("{base}/v1/records/export?{}", wanted.parameters(format));
        reading.copy(from, &url, &mut |piece| sink.take(piece))?;
    }
    sink.end(file)
}

fn of_data_directory(
    data: &Path,
    settings: ExportSettings,
    sink: &mut Sink,
) -> Result<(), Failure> {
    let broken = |error: &dyn std::error::Error| Failure::Broken(chain(error));
    let data = data_directory::used(data)?;
    // Nothing else is done with the key; without it, nothing can be masked.
    let key = if settings.mask.is_empty() {
        SealingKey::from_bytes([0; 32])
    } else {
        data_directory::sealing_key(data, true).map_err(|error| broken(&error))?
    };
    let (store, _) = open_store(data, |_| {}).map_err(|error| broken(&error))?;
    let lines = export(&store, &key, settings).map_err(|error| broken(&error))?;
    for line in lines {
        sink.take(&line).map_err(|error| broken(&error))?;
    }
    Ok(())
}

/// Where the lines go; it keeps the last one, which says how the export ended.
struct Sink {
    out: BufWriter<Box<dyn Write>>,
    line: Vec<u8>,
    last: Vec<u8>,
    lines: u64,
}

impl Sink {
    fn open(file: &Path) -> Result<Self, Failure> {
        let out: Box<dyn Write> = if file == Path::new(STANDARD_OUTPUT) {
            Box::new(io::stdout())
        } else {
            let opened = File::create_new(file);
            Box::new(opened.map_err(|error| {
                let file = file.display();
                let remedy = if error.kind() == io::ErrorKind::AlreadyExists {
                    "; give another name, and `--first` to go on"
                } else {
                    ""
                };
                Failure::Input(format!("cannot write `{file}`: {error}{remedy}"))
            })?)
        };
        Ok(Self {
            out: BufWriter::new(out),
            line: Vec::new(),
            last: Vec::new(),
            lines: 0,
        })
    }

    fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        self.out.write_all(piece)?;
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.lines += 1;
                self.last = std::mem::take(&mut self.line);
            }
        }
        Ok(())
    }

    /// Tells how it ended; one that was broken off is no success.
    fn end(mut self, file: &Path) -> Result<(), Failure> {
        self.out
            .flush()
            .map_err(|error| Failure::Broken(format!("cannot write: {error}")))?;
        let last: serde_json::Value = serde_json::from_slice(&self.last).unwrap_or_default();
        let trailer = last.get("export");
        let trailer = trailer.or_else(|| last.pointer("/unmapped/comity/export"));
        let Some(trailer) = trailer.filter(|_| self.line.is_empty()) else {
            let detail = "the export was broken off: its last line is missing";
            let remedy = "go on with `--first` and the index after the last whole line";
            return Err(Failure::Broken(format!("{detail}; {remedy}")));
        };
        if let Some(error) = trailer.get("error").and_then(serde_json::Value::as_str) {
            let next = trailer.get("next").and_then(serde_json::Value::as_u64);
            let next = next.unwrap_or_default();
            return Err(Failure::Broken(format!(
                "the export ends before entry {next}: {error}; what comes after it is had with `--first {}`",
                next + 1
            )));
        }
        if file != Path::new(STANDARD_OUTPUT) {
            output::say(&format!("{} lines in `{}`", self.lines, file.display()));
        }
        Ok(())
    }
}
