//! Records for others: each entry of a range as one line, in order, with nothing but one entry in memory.
//!
//! An entry is first written as the JSON object that `schemas/record/` describes, then masked, then put into the form
//! that is asked for. So no form can show what another one masks.

mod line;
pub mod mask;
mod ocsf;
mod read;
mod trailer;

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;

use crate::app::App;
use crate::app::error::AppError;
use crate::app::error::Invalid;
use crate::app::permission::Action;
use crate::app::permission::Object;
use crate::app::sealing::SealingKey;
use crate::domain::time::Timestamp;
use crate::identity::caller::Caller;
use crate::store::embedded::EmbeddedStore;
use crate::store::records_read::ReadWay;
use crate::store::records_read::WhatRead;

pub use self::line::LINE_VERSION;
pub use self::mask::Mask;
pub use self::ocsf::OCSF_VERSION;
pub use self::read::Export;
pub use self::trailer::Trailer;

/// In which form records are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Each record whole, one JSON object a line.
    Ndjson,
    /// Events of the Open Cybersecurity Schema Framework, one JSON object a line.
    Ocsf,
}

impl Format {
    /// Every form.
    pub const ALL: [Self; 2] = [Self::Ndjson, Self::Ocsf];

    /// The word by which it is asked for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Ocsf => "ocsf",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no form of records: ask for `ndjson` or `ocsf`"))
    }
}

/// Which records, and how. What is absent does not matter.
#[derive(Clone, Debug)]
pub struct ExportSettings {
    /// In which form.
    pub format: Format,
    /// From this entry on.
    pub first: Option<u64>,
    /// Up to this entry, with it.
    pub last: Option<u64>,
    /// Recorded no earlier.
    pub from: Option<Timestamp>,
    /// Recorded earlier.
    pub until: Option<Timestamp>,
    /// What is masked.
    pub mask: Mask,
    /// Under which label people are given pseudonyms; a random one where there is none.
    pub mask_label: Option<String>,
}

impl ExportSettings {
    /// Everything, in a form.
    pub fn whole(format: Format) -> Self {
        Self {
            format,
            first: None,
            last: None,
            from: None,
            until: None,
            mask: Mask::default(),
            mask_label: None,
        }
    }

    /// What is read, as it is written down.
    fn read(&self) -> WhatRead {
        let number = |name: &str, number: Option<u64>| Some((name.to_owned(), number?.to_string()));
        let terms = [number("first", self.first), number("last", self.last)];
        let form = ("format".to_owned(), self.format.as_str().to_owned());
        WhatRead {
            way: ReadWay::Export,
            index: None,
            from: self.from,
            until: self.until,
            terms: terms.into_iter().flatten().chain([form]).collect(),
            people: BTreeMap::new(),
        }
    }

    /// What cannot be meant.
    pub fn check(&self) -> Result<(), Vec<Invalid>> {
        let mut problems = Vec::new();
        if let (Some(first), Some(last)) = (self.first, self.last)
            && last < first
        {
            let detail = format!("the last entry, {last}, is before the first, {first}");
            problems.push(Invalid::at("/last", detail));
        }
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until <= from
        {
            let detail = format!("nothing is from {from} on and before {until}");
            problems.push(Invalid::at("/until", detail));
        }
        if let Some(label) = &self.mask_label {
            let is_short = (1..=LABEL_BYTES_MAX).contains(&label.len());
            if !is_short || !label.bytes().all(|byte| byte.is_ascii_graphic()) {
                let detail = format!("a label has 1 to {LABEL_BYTES_MAX} visible ASCII characters");
                problems.push(Invalid::at("/mask_label", detail));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }
}

/// The longest label of an export.
const LABEL_BYTES_MAX: usize = 128;

impl App {
    /// Whether a caller may read records.
    pub fn may_export(&self, caller: &Caller) -> Result<(), AppError> {
        self.0
            .access
            .permit(caller, Action::ReadRecords, Object::Service)?;
        Ok(())
    }

    /// An export of records, for who may read records. That they are read is written down before the first is given.
    pub async fn export(
        &self,
        caller: &Caller,
        settings: ExportSettings,
    ) -> Result<Export, AppError> {
        self.may_export(caller)?;
        settings.check().map_err(AppError::Invalid)?;
        let read = settings.read();
        let export = export(self.store(), self.sealing_key(), settings)?;
        let records = usize::try_from(export.left()).unwrap_or(usize::MAX);
        self.note_read(caller, read, records).await?;
        Ok(export)
    }
}

/// An export from a store that nobody serves.
///
/// The range ends where the log ends now: what is appended meanwhile is left to the next export.
pub fn export(
    store: &EmbeddedStore,
    key: &SealingKey,
    settings: ExportSettings,
) -> Result<Export, AppError> {
    let reader = store.reader();
    Export::new(reader, store.started().origin, key, settings)
}
