//! Reading the range, entry by entry.

use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::app::error::AppError;
use crate::app::export::ExportSettings;
use crate::app::export::Format;
use crate::app::export::LINE_VERSION;
use crate::app::export::line;
use crate::app::export::mask::Masker;
use crate::app::export::ocsf;
use crate::app::export::trailer::Trailer;
use crate::app::sealing::SealingKey;
use crate::decision_log::Leaf;
use crate::decision_log::LogIndex;
use crate::domain::time::Timestamp;
use crate::store::embedded::journal::Entries;
use crate::store::embedded::journal::Entry;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::journal::ReadError;
use crate::store::embedded::journal::verify_entry;
use crate::telemetry::chain::chain;

/// An export under way: an iterator over its lines, each with a line feed at its end.
///
/// Each entry is checked against its leaf before it is written; the first that is not what its leaf commits to ends the
/// export, and the trailer says so.
#[derive(Debug)]
pub struct Export {
    reader: JournalReader,
    entries: Option<Entries>,
    settings: ExportSettings,
    masker: Option<Masker>,
    next: u64,
    end: u64,
    trailer: Trailer,
    /// When the last record was recorded.
    at: Timestamp,
    is_over: bool,
}

impl Export {
    pub(super) fn new(
        reader: JournalReader,
        log: Uuid,
        key: &SealingKey,
        settings: ExportSettings,
    ) -> Result<Self, AppError> {
        let size = reader.size().0;
        let end = settings.last.map_or(size, |last| last.saturating_add(1));
        let end = end.min(size);
        let next = settings.first.unwrap_or(0).min(end);
        let masker = Masker::new(&settings.mask, settings.mask_label.as_deref(), key)?;
        Ok(Self {
            reader,
            entries: None,
            trailer: Trailer {
                log,
                format: settings.format,
                first: next,
                next,
                records: 0,
                complete: false,
                error: None,
                mask: None,
            },
            settings,
            masker,
            next,
            end,
            at: Timestamp::from_milliseconds(0),
            is_over: false,
        })
    }

    /// How many entries it has yet to look at.
    pub fn left(&self) -> u64 {
        self.end.saturating_sub(self.next)
    }

    /// What the export held so far.
    pub fn trailer(&self) -> Trailer {
        let mut trailer = self.trailer.clone();
        trailer.next = self.next;
        trailer.mask = self.masker.as_ref().map(Masker::report);
        trailer
    }

    /// The next entry as it was appended; read again alone where reading ahead met with another that is damaged.
    fn read(&mut self) -> Result<Entry, ReadError> {
        let index = LogIndex(self.next);
        let reader = &self.reader;
        let entries = self.entries.get_or_insert_with(|| reader.entries(index));
        match entries.next() {
            Some(Ok(entry)) if entry.index == index => Ok(entry),
            Some(_) | None => {
                self.entries = None;
                Ok(Entry {
                    index,
                    leaf: reader.read_leaf(index)?,
                    payload: reader.read_payload(index)?,
                })
            }
        }
    }

    /// The lines of the next entry; none where it is of another time.
    fn lines(&mut self) -> Result<Option<Vec<Value>>, String> {
        let entry = self.read().map_err(|error| chain(&error))?;
        let leaf = Leaf::parse(&entry.leaf)
            .map_err(|error| format!("entry {}: {}", self.next, chain(&error)))?;
        let at = Timestamp::from_milliseconds(leaf.time().as_millisecond());
        let is_early = self.settings.from.is_some_and(|from| at < from);
        let is_late = self.settings.until.is_some_and(|until| at >= until);
        if is_early || is_late {
            return Ok(None);
        }
        self.at = at;
        let (leaf, payload) = verify_entry(&entry).map_err(|error| chain(&error))?;
        let mut record = line::record(entry.index, &leaf, &payload);
        if let Some(masker) = &mut self.masker {
            masker.mask(&mut record);
        }
        Ok(Some(match self.settings.format {
            Format::Ndjson => vec![record],
            Format::Ocsf => ocsf::events(&record, self.trailer.log),
        }))
    }

    fn last_line(&self) -> Value {
        let trailer = self.trailer();
        match self.settings.format {
            Format::Ndjson => json!({ "version": LINE_VERSION, "export": trailer }),
            Format::Ocsf => ocsf::trailer(&trailer, self.at),
        }
    }
}

impl Iterator for Export {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        while self.next < self.end && self.trailer.error.is_none() {
            match self.lines() {
                Ok(lines) => {
                    self.next += 1;
                    if let Some(lines) = lines {
                        self.trailer.records += 1;
                        return Some(written(&lines));
                    }
                }
                Err(error) => self.trailer.error = Some(error),
            }
        }
        if self.is_over {
            return None;
        }
        self.is_over = true;
        self.trailer.complete = self.trailer.error.is_none();
        Some(written(&[self.last_line()]))
    }
}

fn written(lines: &[Value]) -> Vec<u8> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    text.into_bytes()
}
