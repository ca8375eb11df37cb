//! Records as events of the Open Cybersecurity Schema Framework, for a SIEM.
//!
//! What is decided becomes *API Activity* with the security control profile, one event an item; what is written becomes
//! *Entity Management*, one event a document. `docs/audit.md` has the table. Made of the exported form of a record,
//! after it was masked: what is not there is not in the event either.

mod entity;
mod envelope;
mod item;

use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::app::export::ocsf::envelope::Envelope;
use crate::app::export::trailer::Trailer;
use crate::domain::time::Timestamp;

/// The version of the framework.
pub const OCSF_VERSION: &str = "1.8.0";

/// The events of a record; at least one.
pub(super) fn events(record: &Value, log: Uuid) -> Vec<Value> {
    let envelope = Envelope::new(record, log);
    let mut items = item::events(&envelope);
    if items.is_empty() {
        return entity::events(&envelope);
    }
    items.extend(entity::written_with(&envelope));
    items
}

/// The end of an export, as a base event.
///
/// It has the time of the last record, as an export of the same records is the same whenever it is made.
pub(super) fn trailer(trailer: &Trailer, at: Timestamp) -> Value {
    let (status_id, status) = if trailer.complete {
        (1, "Success")
    } else {
        (2, "Failure")
    };
    json!({
        "activity_id": 99,
        "activity_name": "Export",
        "category_uid": 0,
        "category_name": "Uncategorized",
        "class_uid": 0,
        "class_name": "Base Event",
        "type_uid": 99,
        "severity_id": 1,
        "status_id": status_id,
        "status": status,
        "time": at.as_milliseconds(),
        "message": "end of an export of decision records",
        "metadata": envelope::metadata(trailer.log),
        "unmapped": { "comity": { "export": trailer } },
    })
}
