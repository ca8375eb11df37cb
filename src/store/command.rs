//! What can be asked of the store, and how it answers.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use uuid::Uuid;

use crate::decision::facts::ReadKey;
use crate::decision::facts::ReadSet;
use crate::decision::record::RecordPart;
use crate::decision_log::LeafHash;
use crate::decision_log::LogIndex;
use crate::decision_log::OutcomeCounts;
use crate::decision_log::checkpoint::Signing;
use crate::domain::document::Document;
use crate::domain::identity::McSystemId;
use crate::domain::lifecycle::ItemState;
use crate::domain::obligation::Due;
use crate::domain::obligation::Duty;
use crate::domain::obligation::ObligationId;
use crate::domain::obligation::ObligationOutcome;
use crate::domain::obligation::Occasion;
use crate::domain::registry::DocumentKey;
use crate::domain::registry::Revision;
use crate::domain::role::Role;
use crate::domain::time::Timestamp;
use crate::store::access::Access;
use crate::store::access::ApprovalId;
use crate::store::access::Approved;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureRefusal;
use crate::store::erasure::ErasureStep;
use crate::store::records_read::RecordsRead;
use crate::store::reminder::Reminder;
use crate::store::state::Claim;

pub use crate::store::life::Acknowledge;
pub use crate::store::life::Revoke;
pub use crate::store::life::Withdraw;

/// The most documents that one command may write.
pub const WRITES_LIMIT: usize = 10_000;

/// The most items that one request may have.
pub const ITEMS_LIMIT: usize = 10_000;

/// The name of a request: random, so that it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub Uuid);

impl std::str::FromStr for RequestId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A caller's idempotency key as the store keeps it: a digest over caller and key.
///
/// Callers choose their keys and may put anything into them, so the text itself is never kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The digest of a key, scoped by its caller.
    pub fn of(caller: &str, key: &str) -> Self {
        let length = (caller.len() as u64).to_be_bytes();
        let hasher = Sha256::new().chain_update(length).chain_update(caller);
        Self(hasher.chain_update(key).finalize().into())
    }

    /// A digest that was kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The digest of a submitted body: tells a repetition from another request under the same key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BodyDigest([u8; 32]);

impl BodyDigest {
    /// The digest of a body.
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// A digest that was kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A correlation id as the store keeps it: a digest under a key that the store does not have.
///
/// Whoever asks chooses the text and may name anybody in it, so it is kept in a part that can be erased; without the
/// key nobody tells from the digest what it was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CorrelationDigest([u8; 32]);

impl CorrelationDigest {
    /// A digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// What exactly an evaluation asked, as the store keeps it: a digest under a key that the store does not have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeDigest([u8; 32]);

impl ScopeDigest {
    /// A digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// A person as the store tells them from others who answer the same request: a digest under a key that the store
/// does not have, another one for each request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonDigest([u8; 32]);

impl PersonDigest {
    /// A digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

macro_rules! hexadecimal {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                data_encoding::HEXLOWER.encode_display(&self.0).fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                data_encoding::HEXLOWER
                    .decode(text.as_bytes())
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok())
                    .map(Self)
                    .ok_or_else(|| serde::de::Error::custom("not 64 hexadecimal digits"))
            }
        }
    };
}

hexadecimal!(KeyDigest);
hexadecimal!(BodyDigest);
hexadecimal!(CorrelationDigest);
hexadecimal!(PersonDigest);
hexadecimal!(ScopeDigest);

/// How a submission is known again when it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The caller's key.
    pub key: KeyDigest,
    /// What was submitted under it.
    pub body: BodyDigest,
}

/// What must be true of a document before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Any,
    /// It is not there.
    Absent,
    /// It is there, in this revision.
    Revision(Revision),
}

/// One write of a registry document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which document.
    pub key: DocumentKey,
    /// The precondition.
    pub expected: Expected,
    /// The new content; `None` deletes.
    pub document: Option<Arc<Document>>,
}

/// Documents to write, all or none.
#[derive(Clone, Debug)]
pub struct WriteDocuments {
    /// The writes; each document at most once.
    pub writes: Vec<Write>,
    /// Who asked for them.
    pub actor: String,
    /// What they take back, by which an approval that is not used yet is superseded.
    pub ends: Vec<ScopeDigest>,
    /// When.
    pub at: Timestamp,
}

/// A decided request.
#[derive(Clone, Debug)]
pub struct Submit {
    /// A random name that was never used.
    pub request_id: RequestId,
    /// The account that submitted it; an account of a system, not of a person.
    pub caller: Arc<str>,
    /// How a repetition is known.
    pub idempotency: Option<Idempotency>,
    /// By what it is found again.
    pub correlation: Option<CorrelationDigest>,
    /// What the decision was made on; it must still be true.
    pub read_set: ReadSet,
    /// The states of the items, by number.
    pub items: Vec<ItemState>,
    /// Documents that are written with it.
    pub writes: Vec<Write>,
    /// The decision record.
    pub parts: Vec<RecordPart>,
    /// How many items came out which way.
    pub counts: OutcomeCounts,
    /// The partner under whose agreement its pending items wait; what only takes away waits under none.
    pub bound_to: Option<McSystemId>,
    /// The reminders of its pending items.
    pub reminders: Vec<Reminder>,
    /// The partner with whom it takes away, if an item that is granted, or waits, does: what waited before is judged by it.
    pub reduces: Option<McSystemId>,
    /// The partner with whom it gives what such a request takes away, or sets something, if an item that is granted, or
    /// waits, does.
    pub adds: Option<McSystemId>,
    /// What it obliges to.
    pub obligations: Vec<Arising>,
    /// What it has to do with access requests.
    pub access: Option<Box<Access>>,
    /// What was looked at of what turns it round; nothing may have changed since.
    pub turned: Vec<Turned>,
    /// The moment at which an approval that it uses must still be in time: while the clock is unsettled, another one than that
    /// of the entry.
    pub in_time_at: Timestamp,
    /// When it was decided.
    pub at: Timestamp,
}

/// What a request does with what another asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Turn {
    /// It takes that away.
    Reduces,
    /// It gives what the other takes away, or sets what the other sets.
    Adds,
}

/// Up to where the requests of a kind were looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// The partner with whom it was exchanged.
    pub partner: McSystemId,
    /// What it does.
    pub turn: Turn,
    /// The last entry that submitted or changed such a request, if there was any.
    pub last: Option<LogIndex>,
}

/// A reviewer's answer to a held request.
#[derive(Clone, Debug)]
pub struct Respond {
    /// The request.
    pub request_id: RequestId,
    /// The version that the reviewer saw.
    pub expected_version: u64,
    /// The new states of items that were pending.
    pub items: Vec<(u32, ItemState)>,
    /// How it counts for those of them that go on waiting.
    pub votes: Option<Votes>,
    /// The reminders of those of them that go on waiting, where they change.
    pub reminders: Vec<Reminder>,
    /// The approval that it gives, where an approval is all that was asked for.
    pub approval: Option<Approved>,
    /// What the answer was decided on; it must still be true.
    pub read_set: ReadSet,
    /// What was looked at of what turns it round; nothing may have changed since.
    pub turned: Vec<Turned>,
    /// Documents that are written with it.
    pub writes: Vec<Write>,
    /// What it obliges to.
    pub obligations: Vec<Arising>,
    /// The record of the answer.
    pub parts: Vec<RecordPart>,
    /// When it was answered.
    pub at: Timestamp,
    /// The moment at which the items must still be in time, which a clock that jumped may tell apart from the former.
    pub in_time_at: Timestamp,
}

/// Somebody who answers, by their document and by every name that they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// By their document.
    pub id: PersonDigest,
    /// By their names, which a document of another name may have later.
    pub also: BTreeSet<PersonDigest>,
}

impl From<PersonDigest> for Person {
    fn from(id: PersonDigest) -> Self {
        Self {
            id,
            also: BTreeSet::new(),
        }
    }
}

/// How one person's answer counts for items that go on waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Votes {
    /// Who answered.
    pub person: PersonDigest,
    /// The same person by their names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub also: BTreeSet<PersonDigest>,
    /// How, by number of the item.
    pub items: Vec<(u32, Vote)>,
    /// Whose approvals of which items count no more, because they may not answer any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lapsed: Vec<(u32, PersonDigest)>,
}

impl Votes {
    /// What somebody answered.
    pub fn new(person: Person, items: Vec<(u32, Vote)>) -> Self {
        Self {
            person: person.id,
            also: person.also,
            items,
            lapsed: Vec::new(),
        }
    }

    /// Who answered.
    pub fn who(&self) -> Person {
        Person {
            id: self.person,
            also: self.also.clone(),
        }
    }

    /// Whose approvals of an item count no more.
    pub fn lapsed_of(&self, item: u32) -> impl Iterator<Item = PersonDigest> {
        let of_item = self.lapsed.iter().filter(move |(other, _)| *other == item);
        of_item.map(|(_, person)| *person)
    }
}

/// How an answer counts for an item that goes on waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Vote {
    /// As an approval.
    Approval {
        /// Those of the person's roles that the item waits for.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        roles: BTreeSet<Role>,
    },
    /// As a denial.
    Denial {
        /// Whether the approvals before count no more, since the item waits for more than their persons saw.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        afresh: bool,
    },
    /// Not at all, and neither do the approvals before: the item waits for more than their persons saw.
    Afresh,
}

/// What became of items at the partner.
#[derive(Clone, Debug)]
pub struct Report {
    /// The request.
    pub request_id: RequestId,
    /// The version on which it was judged.
    pub expected_version: u64,
    /// The new states of items that were the partner's to answer, or were answered and not delivered.
    pub items: Vec<(u32, ItemState)>,
    /// What it was judged on; it must still be true.
    pub read_set: ReadSet,
    /// Documents that are written with it.
    pub writes: Vec<Write>,
    /// What it obliges to.
    pub obligations: Vec<Arising>,
    /// The record of the report.
    pub parts: Vec<RecordPart>,
    /// When it was reported.
    pub at: Timestamp,
    /// The moment at which the items must still be in time.
    pub in_time_at: Timestamp,
}

/// One duty that arises of items of a request, or may arise; nothing personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arising {
    /// The request.
    #[serde(rename = "request")]
    pub request_id: RequestId,
    /// Why it arises.
    pub occasion: Occasion,
    /// What is to be done, and by whom.
    pub duty: Duty,
    /// By when. What a partner's refusal obliges to has no moment before it comes.
    pub due: Due,
    /// Of which items, and its place among what arises of each; none stands for the request as a whole.
    pub of: Vec<(Option<u32>, u32)>,
}

/// What became of an obligation.
#[derive(Clone, Debug)]
pub struct NoteObligation {
    /// The request.
    pub request_id: RequestId,
    /// The version of the request on which whoever reports relies, if they say so.
    pub expected_version: Option<u64>,
    /// The obligation.
    pub obligation: ObligationId,
    /// Whether it was done.
    pub outcome: ObligationOutcome,
    /// The account that reports it; an account of a system, not of a person.
    pub caller: Arc<str>,
    /// The record of the report.
    pub parts: Vec<RecordPart>,
    /// When it was reported.
    pub at: Timestamp,
}

/// Obligations whose time is over.
#[derive(Clone, Debug)]
pub struct TellOverdue {
    /// The moment at which they are overdue.
    pub at: Timestamp,
    /// How many are told at most.
    pub limit: usize,
}

/// Held items whose time has passed.
#[derive(Clone, Debug)]
pub struct Expire {
    /// The request.
    pub request_id: RequestId,
    /// The items; those that no longer wait, or still have time, are left alone.
    pub items: Vec<u32>,
    /// The moment at which they are overdue.
    pub at: Timestamp,
}

/// It is time to remind of what waits.
#[derive(Clone, Debug)]
pub struct Remind {
    /// The request; what is due of it is settled when this is sequenced.
    pub request_id: RequestId,
    /// The moment at which it is due.
    pub at: Timestamp,
}

/// Agreements that are in force no longer, by their time, while requests wait under them.
#[derive(Clone, Debug)]
pub struct Interrupt {
    /// The partners; those whose agreement is in force, or under whose nothing waits, are left alone.
    pub partners: Vec<McSystemId>,
    /// Who noticed.
    pub actor: String,
    /// The moment at which the agreements are not in force.
    pub at: Timestamp,
}

/// A bundle that comes into force.
#[derive(Clone, Debug)]
pub struct Publish {
    /// Its digest, `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// Its generation: one more than that in force.
    pub generation: u64,
    /// Who published it.
    pub actor: String,
    /// What changed, in words.
    pub summary: String,
    /// When.
    pub at: Timestamp,
}

/// A bundle that was refused.
#[derive(Clone, Debug)]
pub struct RefusePublication {
    /// The digest of the diagnostics, or of the bundle where it could be read.
    pub digest: String,
    /// Why it was refused, in words.
    pub summary: String,
    /// When.
    pub at: Timestamp,
}

/// The dry runs of one caller in one minute.
#[derive(Clone, Debug)]
pub struct DryRuns {
    /// The account.
    pub caller: Arc<str>,
    /// The minute, by its first moment.
    pub minute: Timestamp,
    /// How many items came out which way.
    pub counts: OutcomeCounts,
    /// When it was written down.
    pub at: Timestamp,
}

/// As whom the log signs from here on.
#[derive(Clone, Debug)]
pub struct BeginSigning {
    /// Name and keys.
    pub signing: Signing,
    /// When.
    pub at: Timestamp,
}

/// The secrets of a document were read.
#[derive(Clone, Debug)]
pub struct NoteSecretsRead {
    /// Which document.
    pub key: DocumentKey,
    /// Which version of it.
    pub version: u64,
    /// Who read them.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// Records of the log were read.
#[derive(Clone, Debug)]
pub struct NoteRecordsRead {
    /// What was read.
    pub reads: Vec<RecordsRead>,
    /// Who read it.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// Something happens to an order to erase.
#[derive(Clone, Debug)]
pub struct NoteErasure {
    /// The order.
    pub id: ErasureId,
    /// What.
    pub step: ErasureStep,
    /// Who does it.
    pub actor: String,
    /// Why, if that is said.
    pub reason: Option<String>,
    /// Whose parts are to be erased, in clear.
    pub subjects: Vec<String>,
    /// When.
    pub at: Timestamp,
}

/// A change that the store is asked for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Write registry documents.
    WriteDocuments(WriteDocuments),
    /// Sequence a decided request.
    Submit(Submit),
    /// Sequence requests for approvals that were asked for together: all of them or none, whatever happens.
    ///
    /// Each becomes an entry of its own. Only the first may have an idempotency key; its entry answers for all.
    SubmitTogether(Vec<Submit>),
    /// Answer held items.
    Respond(Respond),
    /// Write down what became of items at the partner.
    Report(Report),
    /// Withdraw what waits.
    Withdraw(Withdraw),
    /// Write down what became of an obligation.
    NoteObligation(NoteObligation),
    /// Write down which obligations are overdue, each once.
    TellOverdue(TellOverdue),
    /// Revoke what is granted.
    Revoke(Revoke),
    /// Note what the caller has fetched.
    Acknowledge(Acknowledge),
    /// Let held items expire.
    Expire(Expire),
    /// Remind of held items, or turn to others about them.
    Remind(Remind),
    /// Refuse what waits under agreements that are in force no longer.
    Interrupt(Interrupt),
    /// Put a bundle in force.
    Publish(Publish),
    /// Write down that a bundle was refused.
    RefusePublication(RefusePublication),
    /// Write down dry runs.
    DryRuns(DryRuns),
    /// Write down that secrets were read.
    NoteSecretsRead(NoteSecretsRead),
    /// Write down that records were read.
    NoteRecordsRead(NoteRecordsRead),
    /// From here on checkpoints are signed otherwise.
    BeginSigning(BeginSigning),
    /// Ask for an erasure, confirm it, or write down what became of it.
    Erasure(NoteErasure),
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// It was sequenced: durable and applied.
    Sequenced,
    /// The same was submitted before under the same key; nothing was written.
    Duplicate {
        /// The request that was sequenced then.
        request_id: RequestId,
    },
}

/// Where a command stands in the log; for a duplicate, where the first one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The index of the entry.
    pub index: LogIndex,
    /// The hash of its leaf.
    pub leaf_hash: LeafHash,
    /// Whether it was sequenced now.
    pub outcome: CommandOutcome,
}

/// Why a command was not committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The state does not allow it; nothing was written.
    #[error("command does not fit the state")]
    Refused(#[from] Refusal),
    /// It could not be written; nothing happened, and it is safe to repeat.
    #[error("nothing was recorded: {0}")]
    NotRecorded(String),
    /// The disk has no room for it; nothing happened, and it is safe to repeat when there is.
    #[error("nothing was recorded, there is no space left: {0}")]
    NoSpace(String),
    /// Whether it was written is unknown; repeat it with the same key once the store is back.
    #[error("outcome is unknown: {0}")]
    OutcomeUnknown(String),
    /// Too many commands wait; nothing happened, and it is safe to repeat.
    #[error("too many commands wait")]
    QueueFull,
    /// The store is closed or closing; nothing happened.
    #[error("store is closed")]
    Closed,
}

/// Why the state does not allow a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What the decision was made on is no longer true; decide anew.
    #[error("{0} changed since it was read")]
    Stale(StaleRead),
    /// A document is not in the expected revision.
    #[error("`{key}` is not in the expected revision")]
    Revision {
        /// Which document.
        key: DocumentKey,
        /// The revision in which it is; `None` if it is not there.
        current: Option<Revision>,
    },
    /// A request is not in the expected version.
    #[error("request `{request_id}` is in version {current}")]
    Version {
        /// The request.
        request_id: RequestId,
        /// The version in which it is.
        current: u64,
    },
    /// A publication does not follow the bundle in force.
    #[error("generation {current} is in force")]
    Generation {
        /// The generation in force.
        current: u64,
    },
    /// Another document has what only one may have.
    #[error("`{wanted}` cannot have {claim}: it belongs to `{holder}`")]
    Taken {
        /// What it is.
        claim: Box<Claim>,
        /// Who has it.
        holder: DocumentKey,
        /// Who wants it.
        wanted: DocumentKey,
    },
    /// The key was used for another body.
    #[error("the idempotency key was used for another request")]
    KeyReused {
        /// The request that has it.
        request_id: RequestId,
    },
    /// There is no such request.
    #[error("there is no request `{0}`")]
    UnknownRequest(RequestId),
    /// There is a request of this name already.
    #[error("there is a request `{0}` already")]
    RequestExists(RequestId),
    /// An approval cannot be used (any more) for what is asked.
    #[error("approval `{0}` cannot be used")]
    Approval(ApprovalId),
    /// An item does not wait for an answer (any more).
    #[error("item {item} does not wait for an answer")]
    NotPending {
        /// Its number.
        item: u32,
    },
    /// The person has answered the item already.
    #[error("item {item} was answered by the same person")]
    AnsweredBefore {
        /// Its number.
        item: u32,
    },
    /// An item is not at the partner, or has no such step before it.
    #[error("item {item} is not the partner's to answer")]
    NotAtPartner {
        /// Its number.
        item: u32,
    },
    /// The request has no such obligation.
    #[error("there is no obligation `{0}`")]
    UnknownObligation(ObligationId),
    /// An obligation was done already.
    #[error("obligation `{0}` was done")]
    ObligationDone(ObligationId),
    /// An item is not granted (any more).
    #[error("item {item} is not granted")]
    NotGranted {
        /// Its number.
        item: u32,
    },
    /// As much was acknowledged before.
    #[error("version {acknowledged} was acknowledged")]
    Acknowledged {
        /// The version that was.
        acknowledged: u64,
    },
    /// The order to erase is not in a state for that.
    #[error(transparent)]
    Erasure(#[from] ErasureRefusal),
    /// None of the items is to be expired, or nothing to be interrupted or told.
    #[error("nothing is overdue")]
    NothingDue,
    /// The command makes no sense in any state.
    #[error("invalid command: {0}")]
    Invalid(String),
}

/// What was found changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaleRead {
    /// A look-up.
    Key(ReadKey),
    /// The requests that take something away.
    Turns,
    /// The bundle in force.
    Bundle {
        /// The generation that is in force now.
        current: u64,
    },
}

/// Says what changed without naming whom.
impl fmt::Display for StaleRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(ReadKey::Document(key)) => {
                write!(f, "a document among {}", key.kind.plural())
            }
            Self::Key(ReadKey::Identity(_)) => f.write_str("the holder of an identity"),
            Self::Turns => f.write_str("the requests that take something away, or give it again"),
            Self::Key(ReadKey::Number(_)) => f.write_str("the home of a number"),
            Self::Key(ReadKey::MigratedProfile { .. }) => f.write_str("a migrated-user profile"),
            Self::Key(ReadKey::Alias(_)) => f.write_str("the holder of a functional alias"),
            Self::Key(ReadKey::Visitors(_) | ReadKey::ServedAs(_)) => {
                f.write_str("the register of current systems")
            }
            Self::Key(ReadKey::Access(_)) => f.write_str("an access grant"),
            Self::Bundle { current } => write!(f, "the bundle (now generation {current})"),
        }
    }
}
