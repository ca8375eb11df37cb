//! What every event of a record has, and where in the record the rest stands.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::app::export::ocsf::OCSF_VERSION;

/// A record, opened.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    record: &'a Value,
    log: Uuid,
    bodies: Vec<&'a Value>,
    event: Option<(&'a str, &'a Value)>,
}

/// A class of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    pub(super) uid: u64,
    pub(super) name: &'static str,
    pub(super) category_uid: u64,
    pub(super) category_name: &'static str,
    pub(super) profiles: &'static [&'static str],
}

/// How something went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Status {
    pub(super) id: u64,
    pub(super) name: &'static str,
}

impl Status {
    pub(super) const SUCCESS: Self = Self {
        id: 1,
        name: "Success",
    };
    pub(super) const FAILURE: Self = Self {
        id: 2,
        name: "Failure",
    };
}

impl<'a> Envelope<'a> {
    pub(super) fn new(record: &'a Value, log: Uuid) -> Self {
        let parts = record.get("parts").and_then(Value::as_array);
        let parts = parts.map(Vec::as_slice).unwrap_or_default();
        let bodies: Vec<&Value> = parts.iter().filter_map(|part| part.get("body")).collect();
        // What happened has one member, named after its kind; or is nothing but the name.
        let event = bodies.first().and_then(|head| head.get("event"));
        let event = event.and_then(|event| event.as_object()?.iter().next());
        Self {
            record,
            log,
            bodies,
            event: event.map(|(name, value)| (name.as_str(), value)),
        }
    }

    /// The name of what happened, and its members.
    pub(super) fn event(&self) -> Option<(&'a str, &'a Value)> {
        self.event
    }

    /// The parts that concern persons, and those about nobody, as far as they are left.
    pub(super) fn bodies(&self) -> &[&'a Value] {
        &self.bodies
    }

    /// The body of the first part that calls itself so.
    pub(super) fn part(&self, called: &str) -> Option<&'a Value> {
        let mut bodies = self.bodies.iter();
        let is_called = |body: &&&Value| body.get("part").and_then(Value::as_str) == Some(called);
        bodies.find(is_called).copied()
    }

    /// Whose the part is that calls itself so.
    pub(super) fn subject_of_part(&self, called: &str) -> Option<&'a str> {
        let parts = self.record.get("parts")?.as_array()?;
        let part = parts.iter().find(|part| {
            let name = part.get("body").and_then(|body| body.get("part"));
            name.and_then(Value::as_str) == Some(called)
        });
        part?.get("subject")?.as_str()
    }

    pub(super) fn kind(&self) -> &'a str {
        self.record
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn index(&self) -> u64 {
        self.record
            .get("index")
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    /// When it was recorded, in milliseconds.
    fn time(&self) -> i64 {
        let time = self.record.get("time").and_then(Value::as_str);
        let time = time.and_then(|time| time.parse::<jiff::Timestamp>().ok());
        time.map_or(0, jiff::Timestamp::as_millisecond)
    }

    /// The account by which it came, where the record says so.
    pub(super) fn account(&self) -> Option<&'a str> {
        let of_decision = self
            .bodies
            .iter()
            .find_map(|body| body.get("caller")?.as_str());
        let of_event = self.event.and_then(|(_, event)| {
            let named = event.get("caller").or_else(|| event.get("by"));
            named.or_else(|| event.get("submitter"))?.as_str()
        });
        let actor = self
            .bodies
            .iter()
            .find_map(|body| body.get("actor")?.get("actor")?.as_str());
        of_decision.or(of_event).or(actor)
    }

    /// Whether a part was erased.
    fn is_erased(&self) -> bool {
        let parts = self.record.get("parts").and_then(Value::as_array);
        parts.is_some_and(|parts| parts.iter().any(|part| part.get("erased").is_some()))
    }

    /// An event of a class; `number` tells it from the others of its record.
    pub(super) fn event_of(
        &self,
        class: Class,
        (activity_id, activity_name): (u64, &str),
        status: Status,
        number: Option<String>,
    ) -> Map<String, Value> {
        let mut metadata = metadata(self.log);
        if let Value::Object(members) = &mut metadata {
            let number = number.map(|number| format!(":{number}"));
            let number = number.unwrap_or_default();
            members.insert(
                "uid".to_owned(),
                json!(format!("{}:{}{number}", self.log, self.index())),
            );
            members.insert("sequence".to_owned(), json!(self.index()));
            members.insert("event_code".to_owned(), json!(self.kind()));
            members.insert("profiles".to_owned(), json!(class.profiles));
            if let Some(request) = self.request() {
                members.insert("correlation_uid".to_owned(), json!(request));
            }
        }
        let event = json!({
            "activity_id": activity_id,
            "activity_name": activity_name,
            "category_uid": class.category_uid,
            "category_name": class.category_name,
            "class_uid": class.uid,
            "class_name": class.name,
            "type_uid": class.uid * 100 + activity_id,
            "type_name": format!("{}: {activity_name}", class.name),
            "severity_id": 1,
            "severity": "Informational",
            "status_id": status.id,
            "status": status.name,
            "time": self.time(),
            "metadata": metadata,
        });
        match event {
            Value::Object(members) => members,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Map::new(),
        }
    }

    /// The request that an entry is about.
    pub(super) fn request(&self) -> Option<&'a str> {
        let (_, event) = self.event?;
        let direct = event.get("request");
        let within = || event.get("ending")?.get("request");
        direct.or_else(within)?.as_str()
    }

    /// What has no place in the framework, under one name.
    pub(super) fn unmapped(&self, mut own: Map<String, Value>) -> Value {
        own.insert("index".to_owned(), json!(self.index()));
        own.insert("kind".to_owned(), json!(self.kind()));
        for name in ["leaf_hash", "outcomes"] {
            if let Some(value) = self.record.get(name) {
                own.insert(name.to_owned(), value.clone());
            }
        }
        if self.is_erased() {
            own.insert("erased".to_owned(), json!(true));
        }
        if let Some(masked) = self.record.get("masked") {
            own.insert("masked".to_owned(), masked.clone());
        }
        json!({ "comity": own })
    }
}

/// From what the events come.
pub(super) fn metadata(log: Uuid) -> Value {
    json!({
        "version": OCSF_VERSION,
        "product": {
            "name": "Comity",
            "vendor_name": "Comity",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "log_name": "decision log",
        "log_provider": log,
        "log_format": "comity-record/1",
    })
}

/// Puts a member where there is something to put.
pub(super) fn put(members: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value.filter(|value| !value.is_null()) {
        members.insert(name.to_owned(), value);
    }
}
