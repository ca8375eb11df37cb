//! Where in a record a value stands, and what that says of it.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;

use crate::app::export::mask::MaskGroup;
use crate::domain::time::Timestamp;

/// Words, counts and digests of the program: what stands there names nobody, and is left as it is.
const OF_THE_PROGRAM: [&str; 44] = [
    "version",
    "v",
    "index",
    "time",
    "kind",
    "leaf",
    "leaf_hash",
    "class",
    "commitment",
    "salt",
    "part",
    "operation",
    "direction",
    "urgency",
    "outcome",
    "state",
    "status",
    "stage",
    "effect",
    "response",
    "service",
    "services",
    "occasion",
    "digest",
    "engine_version",
    "request",
    "request_id",
    "evaluation",
    "approval",
    "task",
    "acm_operations",
    "migration",
    "function",
    "interconnection",
    "certificate",
    "correlation",
    "scope",
    "origin",
    "local_settings",
    "answer",
    "report",
    "report_kind",
    "obligation",
    "lapse",
];

/// Systems and what belongs to them: not about a person, but a text in which one may be named.
const OF_SYSTEMS: [&str; 21] = [
    "system",
    "home",
    "local",
    "partner",
    "provider",
    "peer",
    "home_system",
    "serving_system",
    "requesting_system",
    "receiving_system",
    "partner_system",
    "group_home",
    "member_home",
    "alias_home",
    "mc_system_id",
    "role",
    "roles",
    "kms_uri",
    "external_kms",
    "migration_kms",
    "policy",
];

/// Names of groups.
const OF_GROUPS: [&str; 10] = [
    "group",
    "groups",
    "group_id",
    "groups_requested",
    "mc_group_id",
    "mc_service_group_id",
    "only_members_of",
    "disclosed_groups",
    "temporary_group",
    "group_identity",
];

const OF_REVIEWERS: [&str; 8] = [
    "reviewer",
    "person",
    "withdrawn_by",
    "revoked_by",
    "answered_by",
    "contact",
    "review_contact",
    "answerer",
];

const OF_ACCOUNTS: [&str; 5] = ["caller", "actor", "submitter", "by", "account"];

/// What was written freely, in a part of either class.
const OF_TEXT: [&str; 6] = [
    "justification",
    "comment",
    "summary",
    "message",
    "remarks",
    "correlation_id",
];

/// What was written freely in a part about a person; elsewhere these are words of the program.
const OF_TEXT_ABOUT_PERSONS: [&str; 6] =
    ["reason", "reasons", "detail", "text", "words", "further"];

/// With these, what was masked could be guessed and tried out; or it is no text, so that nobody sees what it says.
const SECRETS_OF_TEXT: [&str; 3] = ["idempotency", "disclosure_salt", "body_base64"];

/// Kinds of documents that are about one person.
const PERSONAL_KINDS: [&str; 8] = [
    "user",
    "migrated-profile",
    "migration",
    "open-deletion",
    "access-grant",
    "home-refusal",
    "membership",
    "migration-user",
];

/// Kinds of documents that are named after a group.
const GROUP_KINDS: [&str; 3] = ["group", "shared-group", "group-override"];

/// In what a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// No part.
    Record,
    /// A part about nobody.
    State,
    /// A part about a person.
    Personal,
    /// A part about a person in a form that callers choose.
    Free,
}

/// A place in a record.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pointer: String,
    depth: usize,
    name: String,
    part: Option<usize>,
    within: Within,
    /// What the members beside it say of it.
    beside: Option<MaskGroup>,
    /// Whether it is the name of an obligation.
    is_obligation: bool,
}

/// Names of systems and groups that a record gives as such.
#[derive(Debug, Default)]
pub(super) struct Systems {
    systems: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Systems {
    pub(super) fn of(record: &Value) -> Self {
        let mut found = Self::default();
        found.look(record, "");
        found
    }

    fn look(&mut self, value: &Value, name: &str) {
        match value {
            Value::String(text) if OF_GROUPS.contains(&name) => {
                self.groups.insert(text.clone());
            }
            Value::String(text) if OF_SYSTEMS.contains(&name) => {
                if !text.contains([':', '@', '/']) && text.contains('.') {
                    self.systems.insert(text.clone());
                }
            }
            Value::Array(elements) => elements.iter().for_each(|it| self.look(it, name)),
            Value::Object(members) => {
                if let (Some(kind), Some(Value::String(id))) = (kind_of(members), members.get("id"))
                    && GROUP_KINDS.contains(&kind)
                {
                    self.groups.insert(id.clone());
                }
                for (name, value) in members {
                    self.look(value, name);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Whether a text in what is masked is found elsewhere for other reasons: a system, a service, a word.
    pub(super) fn says_nothing(&self, text: &str, group: &str) -> bool {
        let is_word = group == MaskGroup::Locations.as_str()
            && !text.bytes().any(|byte| byte.is_ascii_digit());
        let is_system = self.systems.contains(text);
        is_word || is_system || is_service(text) || text.parse::<Timestamp>().is_ok()
    }

    pub(super) fn is_group(&self, text: &str) -> bool {
        self.groups.contains(text)
    }
}

impl Place {
    pub(super) fn root() -> Self {
        Self {
            pointer: String::new(),
            depth: 0,
            name: String::new(),
            part: None,
            within: Within::Record,
            beside: None,
            is_obligation: false,
        }
    }

    /// The place of a member, among the others of its object.
    pub(super) fn member(&self, name: &str, members: &Map<String, Value>) -> Self {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        let mut place = Self {
            pointer: format!("{}/{escaped}", self.pointer),
            depth: self.depth + 1,
            name: name.to_owned(),
            beside: None,
            is_obligation: name == "name" && members.contains_key("function"),
            ..self.clone()
        };
        if self.depth == 2 && self.part.is_some() {
            place.within = within(members);
            place.beside = (name == "subject").then(|| whose(members));
        } else if name == "id" {
            place.beside = match kind_of(members) {
                Some(kind) if PERSONAL_KINDS.contains(&kind) => Some(MaskGroup::Users),
                Some(kind) if GROUP_KINDS.contains(&kind) => Some(MaskGroup::Groups),
                Some(_) | None => None,
            };
        }
        place
    }

    /// The place of an element.
    pub(super) fn element(&self, number: usize) -> Self {
        let is_part = self.depth == 1 && self.name == "parts";
        Self {
            pointer: format!("{}/{number}", self.pointer),
            depth: self.depth + 1,
            part: if is_part { Some(number) } else { self.part },
            ..self.clone()
        }
    }

    pub(super) fn pointer(&self) -> &str {
        &self.pointer
    }

    pub(super) fn part(&self) -> Option<usize> {
        self.part
    }

    pub(super) fn is_secret_of_text(&self) -> bool {
        SECRETS_OF_TEXT.contains(&self.name.as_str())
    }

    /// Whether nothing but what the program writes can stand here.
    pub(super) fn is_of_the_program(&self) -> bool {
        let is_word = OF_THE_PROGRAM.contains(&self.name.as_str());
        let is_code = self.within == Within::State && self.name == "reason";
        let is_free = self.within == Within::Free && self.depth > 3 && self.name != "part";
        (is_word || is_code) && !is_free
    }

    /// The group of values to which the one that stands here belongs.
    pub(super) fn group(&self, value: &Value, systems: &Systems) -> Option<MaskGroup> {
        if self.within == Within::Record {
            return None;
        }
        if self.is_location() && !self.is_of_the_program() {
            return Some(MaskGroup::Locations);
        }
        let Value::String(text) = value else {
            return None;
        };
        if let Some(beside) = self.beside {
            let is_said = beside == MaskGroup::Users && self.name == "subject";
            let is_nobody = matches!(text.as_str(), "text" | "nobody");
            let is_system = systems.systems.contains(text);
            return (!is_said || (!is_nobody && !is_system)).then_some(beside);
        }
        let is_word = is_service(text) || text.parse::<Timestamp>().is_ok();
        if self.is_of_the_program() || self.depth < 4 || is_word {
            return None;
        }
        self.of_body(text, systems)
    }

    fn of_body(&self, text: &str, systems: &Systems) -> Option<MaskGroup> {
        let is = |names: &[&str]| names.contains(&self.name.as_str());
        let is_person = self.within != Within::State;
        if is(&OF_TEXT) || (is_person && is(&OF_TEXT_ABOUT_PERSONS)) {
            return Some(MaskGroup::Reasons);
        }
        if is(&OF_GROUPS) || systems.is_group(text) {
            return Some(MaskGroup::Groups);
        }
        if is(&OF_REVIEWERS) {
            return Some(MaskGroup::Reviewers);
        }
        if is(&OF_ACCOUNTS) && !text.contains(':') {
            return Some(MaskGroup::Accounts);
        }
        match self.within {
            Within::Record | Within::State => None,
            Within::Free => Some(MaskGroup::Users),
            Within::Personal => {
                let is_system = is(&OF_SYSTEMS) || systems.systems.contains(text);
                (!is_system && !self.is_obligation).then_some(MaskGroup::Users)
            }
        }
    }

    fn is_location(&self) -> bool {
        let name = self.name.as_str();
        let is_named =
            name.contains("location") || matches!(name, "selection" | "cell" | "fix" | "plmn");
        is_named && self.depth > 3
    }
}

/// What a part is, by its class and what its body calls itself.
fn within(part: &Map<String, Value>) -> Within {
    let is_state = part.get("class").and_then(Value::as_str) == Some("state");
    let called = part.get("body").and_then(|body| body.get("part"));
    match called.and_then(Value::as_str) {
        Some("access-request" | "access-callback") => Within::Free,
        Some(_) | None if is_state => Within::State,
        Some(_) | None => Within::Personal,
    }
}

/// Whom the subject of a part names.
fn whose(part: &Map<String, Value>) -> MaskGroup {
    let body = part.get("body");
    let has = |name: &str| body.is_some_and(|body| body.get(name).is_some());
    let called = body.and_then(|body| body.get("part"));
    match called.and_then(Value::as_str) {
        Some("reviewer" | "withdrawn-by" | "revoked-by") => MaskGroup::Reviewers,
        Some(_) | None if has("actor") => MaskGroup::Accounts,
        Some(_) | None if has("review-contact") => MaskGroup::Reviewers,
        Some(_) | None => MaskGroup::Users,
    }
}

fn kind_of(members: &Map<String, Value>) -> Option<&str> {
    members.get("kind").and_then(Value::as_str)
}

fn is_service(text: &str) -> bool {
    matches!(text, "mcptt" | "mcvideo" | "mcdata")
}
