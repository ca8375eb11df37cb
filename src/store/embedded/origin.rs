//! The name of the log, which the data directory and the first entry both give.

use uuid::Uuid;

use crate::decision_log::LogIndex;
use crate::decision_log::Payload;
use crate::domain::time::Timestamp;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::error::OpenError;
use crate::store::embedded::error::during;
use crate::store::embedded::journal::EntryBytes;
use crate::store::embedded::journal::Journal;
use crate::store::embedded::journal::JournalReader;
use crate::store::embedded::meta;
use crate::store::embedded::meta::Meta;
use crate::store::embedded::meta::MetaError;
use crate::store::event::EncodeError;
use crate::store::event::Event;
use crate::store::event::EventBody;

pub(super) fn read_meta(disk: &dyn Disk) -> Result<Option<Meta>, OpenError> {
    Meta::read(disk).map_err(|error| match error {
        MetaError::Newer { found } => OpenError::NewerFormat { found },
        MetaError::Older { found } => OpenError::OlderFormat { found },
        MetaError::Damaged(source) => OpenError::MetaDamaged(source),
        MetaError::Io(source) => during("read what the data directory is")(source),
    })
}

/// The name of the log: as the file and the first entry have it, or a new one where there is no log yet.
pub(super) fn establish(
    disk: &dyn Disk,
    journal: &mut Journal,
    meta: Option<Meta>,
    now: Timestamp,
) -> Result<Uuid, OpenError> {
    let first = LogIndex(0);
    let found = if journal.size().holds(first) {
        Some(read_origin(&journal.reader(), first)?)
    } else {
        None
    };
    let named = meta.map(|meta| meta.origin);
    if let (Some(named), Some(found)) = (named, found)
        && named != found
    {
        return Err(OpenError::OriginMismatch { named, found });
    }
    let origin = found.or(named).unwrap_or_else(Uuid::new_v4);
    if named.is_none() {
        if found.is_some() {
            tracing::warn!(
                %origin,
                "`{}` is missing; it is written again from the first entry of the log",
                meta::META_NAME
            );
        }
        let meta = Meta {
            format_version: meta::FORMAT_VERSION,
            origin,
        };
        meta.write(disk)
            .map_err(during("write what the data directory is"))?;
    }
    if found.is_none() {
        append_genesis(journal, origin, now)?;
    }
    Ok(origin)
}

fn read_origin(reader: &JournalReader, first: LogIndex) -> Result<Uuid, OpenError> {
    let payload = reader.read_payload(first).map_err(OpenError::Read)?;
    let index = first;
    let payload =
        Payload::parse(&payload).map_err(|source| OpenError::Payload { index, source })?;
    let stored = Event::decode(payload).map_err(|source| OpenError::Event { index, source })?;
    match stored.event.body {
        EventBody::Genesis { origin } => Ok(origin),
        EventBody::DocumentsWritten { .. }
        | EventBody::Submitted { .. }
        | EventBody::Responded { .. }
        | EventBody::Reported { .. }
        | EventBody::Withdrawn { .. }
        | EventBody::ObligationNoted { .. }
        | EventBody::ObligationsOverdue { .. }
        | EventBody::Revoked { .. }
        | EventBody::Acknowledged { .. }
        | EventBody::Expired { .. }
        | EventBody::Reminded { .. }
        | EventBody::Published { .. }
        | EventBody::PublicationRefused { .. }
        | EventBody::DryRuns { .. }
        | EventBody::SigningBegun(_)
        | EventBody::Erasure { .. }
        | EventBody::SecretsRead { .. }
        | EventBody::RecordsRead { .. } => Err(OpenError::NoGenesis),
    }
}

fn append_genesis(journal: &mut Journal, origin: Uuid, now: Timestamp) -> Result<(), OpenError> {
    let event = Event::new(now, EventBody::Genesis { origin });
    let salts = |bytes: &mut [u8]| {
        getrandom::fill(bytes).map_err(|error| EncodeError::Salts(error.to_string()))
    };
    let encoded = event.encode(Vec::new(), salts).map_err(OpenError::Encode)?;
    let entry = EntryBytes {
        leaf: encoded.leaf.encode(),
        payload: encoded.payload.encode(),
    };
    journal.append(&[entry]).map_err(OpenError::Append)?;
    Ok(())
}
