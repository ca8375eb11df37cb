//! How an event is written in the log: a state part first, its details after it, then the parts of
//! the decision record.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision::record::PartClass as RecordClass;
use crate::decision::record::RecordPart;
use crate::decision_log::Leaf;
use crate::decision_log::LeafError;
use crate::decision_log::LeafKind;
use crate::decision_log::OutcomeCounts;
use crate::decision_log::Part;
use crate::decision_log::PartClass;
use crate::decision_log::Payload;
use crate::decision_log::PayloadError;
use crate::decision_log::SALT_BYTES;
use crate::decision_log::Salt;
use crate::decision_log::StoredPart;
use crate::decision_log::checkpoint::Signing;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Interruption;
use crate::domain::lifecycle::ItemState;
use crate::domain::obligation::Duty;
use crate::domain::obligation::ObligationId;
use crate::domain::obligation::ObligationOutcome;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::registry::DocumentKey;
use crate::domain::role::Role;
use crate::domain::time::Timestamp;
use crate::store::access::Access;
use crate::store::access::Approved;
use crate::store::command::Arising;
use crate::store::command::CorrelationDigest;
use crate::store::command::Idempotency;
use crate::store::command::RequestId;
use crate::store::command::ScopeDigest;
use crate::store::command::Votes;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureStep;
use crate::store::event::DocumentChange;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::event::OverdueObligation;
use crate::store::event::detail;
use crate::store::event::detail::Detail;
use crate::store::event::detail::OpenChange;
use crate::store::records_read::OpenRead;
use crate::store::reminder::Reminder;

const VERSION: u32 = 1;

/// An event as the log keeps it.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The leaf.
    pub leaf: Leaf,
    /// All its parts.
    pub payload: Payload,
}

/// An event read back, with the parts of the decision record that are left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// The event.
    pub event: Event,
    /// The decision record's parts.
    pub record: Vec<StoredPart>,
}

/// Why an event can't be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A document can't be written as JSON.
    #[error("event can't be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The parts are too many or too long.
    #[error("event has parts beyond the limits of an entry")]
    Payload(#[from] PayloadError),
    /// The leaf can't be made.
    #[error("event has no leaf")]
    Leaf(#[from] LeafError),
    /// The time can't be written.
    #[error("time is out of range")]
    Time(#[source] jiff::Error),
    /// No salts could be drawn.
    #[error("no random bytes for salts: {0}")]
    Salts(String),
}

/// Why an entry of the log is no event.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// There is no state part at the head.
    #[error("entry does not begin with a state part")]
    NoState,
    /// The state part is of a later version of the program.
    #[error("event has version {version}, this program knows version {VERSION}")]
    UnknownVersion {
        /// The version that it names.
        version: u32,
    },
    /// A part can't be read.
    #[error("part of an event can't be read")]
    Json(#[from] serde_json::Error),
}

/// The one member that every version keeps.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

/// The members that say where the details end.
#[derive(Deserialize)]
struct Head {
    v: u32,
    details: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateBody {
    v: u32,
    at: Timestamp,
    /// How many of the following parts are details of the event.
    details: usize,
    event: OpenBody,
    /// What waited under agreements that are in force no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    interrupted: Vec<Interruption>,
    /// What it obliges to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    obligations: Vec<Arising>,
    /// What it takes back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ends: Vec<ScopeDigest>,
}

/// The body of an event without its details.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum OpenBody {
    Genesis {
        origin: Uuid,
    },
    DocumentsWritten {
        changes: Vec<OpenChange>,
    },
    Submitted {
        request: RequestId,
        caller: Arc<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        idempotency: Option<Idempotency>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correlation: Option<CorrelationDigest>,
        items: Vec<ItemState>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<OpenChange>,
        counts: OutcomeCounts,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound_to: Option<McSystemId>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reminders: Vec<Reminder>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reduces: Option<McSystemId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        adds: Option<McSystemId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        access: Option<Box<Access>>,
    },
    Responded(OpenTransition),
    Reported(OpenTransition),
    Withdrawn(OpenEnding),
    ObligationNoted {
        request: RequestId,
        obligation: ObligationId,
        duty: Duty,
        outcome: ObligationOutcome,
        by: Arc<str>,
    },
    ObligationsOverdue {
        obligations: Vec<OverdueObligation>,
    },
    Revoked {
        submitter: Arc<str>,
        ending: OpenEnding,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ended: bool,
    },
    Acknowledged {
        request: RequestId,
        version: u64,
    },
    Expired {
        request: RequestId,
        items: Vec<u32>,
    },
    Reminded {
        request: RequestId,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        items: Vec<u32>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        escalated: BTreeMap<Role, Vec<u32>>,
    },
    Published {
        digest: String,
        generation: u64,
    },
    PublicationRefused {
        digest: String,
    },
    DryRuns {
        caller: Arc<str>,
        minute: Timestamp,
        counts: OutcomeCounts,
    },
    SigningBegun(Signing),
    SecretsRead {
        key: DocumentKey,
        version: u64,
    },
    RecordsRead {
        reads: Vec<OpenRead>,
    },
    Erasure {
        id: ErasureId,
        step: Box<ErasureStep>,
    },
}

/// Items that all come to the same end, and what is written with it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenEnding {
    request: RequestId,
    items: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<OpenChange>,
}

/// New states of items, and what is written with them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenTransition {
    request: RequestId,
    items: Vec<(u32, ItemState)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    votes: Option<Votes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<Approved>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reminders: Vec<Reminder>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<OpenChange>,
}

impl OpenEnding {
    fn of(
        request_id: RequestId,
        items: &[u32],
        changes: &[DocumentChange],
        details: &mut Vec<Detail>,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            request: request_id,
            items: items.to_vec(),
            changes: detail::split(changes, details)?,
        })
    }
}

impl OpenTransition {
    fn of(
        request_id: RequestId,
        items: &[(u32, ItemState)],
        changes: &[DocumentChange],
        details: &mut Vec<Detail>,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            request: request_id,
            items: items.to_vec(),
            votes: None,
            reminders: Vec::new(),
            approval: None,
            changes: detail::split(changes, details)?,
        })
    }
}

impl Event {
    /// Writes the event and the parts of its decision record, each under a fresh salt.
    pub fn encode(
        &self,
        record: Vec<RecordPart>,
        salts: impl FnOnce(&mut [u8]) -> Result<(), EncodeError>,
    ) -> Result<Encoded, EncodeError> {
        let mut details = Vec::new();
        let event = self.body.open(&mut details)?;
        let state = StateBody {
            v: VERSION,
            at: self.at,
            details: details.len(),
            event,
            interrupted: self.interrupted.clone(),
            obligations: self.obligations.clone(),
            ends: self.ends.clone(),
        };
        let mut contents = vec![(PartClass::State, serde_json::to_vec(&state)?)];
        for detail in details {
            let subject_key = detail.subject_key();
            contents.push((
                PartClass::Personal { subject_key },
                serde_json::to_vec(&detail)?,
            ));
        }
        contents.extend(record.into_iter().map(|part| match part.class {
            RecordClass::State => (PartClass::State, part.body),
            RecordClass::Personal(subject_key) => (PartClass::Personal { subject_key }, part.body),
        }));
        let payload = salted(contents, salts)?;
        let time = jiff::Timestamp::from_millisecond(self.at.as_milliseconds())
            .map_err(EncodeError::Time)?;
        let leaf = Leaf::new(self.body.kind(), time, self.body.counts(), &payload)?;
        Ok(Encoded { leaf, payload })
    }

    /// Reads an event back; parts that were erased are missing from it.
    pub fn decode(payload: Payload) -> Result<StoredEvent, DecodeError> {
        let mut parts = payload.into_parts().into_iter();
        let head = parts.next().ok_or(DecodeError::NoState)?;
        let head = head
            .present()
            .filter(|part| part.class == PartClass::State)
            .ok_or(DecodeError::NoState)?;
        let Versioned { v: version } = serde_json::from_slice(&head.body)?;
        if version != VERSION {
            return Err(DecodeError::UnknownVersion { version });
        }
        let state: StateBody = serde_json::from_slice(&head.body)?;
        let mut details = Vec::new();
        for part in parts.by_ref().take(state.details) {
            if let StoredPart::Present(part) = part {
                details.push(serde_json::from_slice(&part.body)?);
            }
        }
        Ok(StoredEvent {
            event: Event {
                at: state.at,
                body: state.event.close(details)?,
                interrupted: state.interrupted,
                obligations: state.obligations,
                ends: state.ends,
            },
            record: parts.collect(),
        })
    }

    /// The parts of the decision record alone, for whoever does not ask what happened.
    pub fn record_parts(payload: Payload) -> Result<Vec<StoredPart>, DecodeError> {
        let mut parts = payload.into_parts().into_iter();
        let head = parts.next().ok_or(DecodeError::NoState)?;
        let head = head
            .present()
            .filter(|part| part.class == PartClass::State)
            .ok_or(DecodeError::NoState)?;
        let Head { v, details } = serde_json::from_slice(&head.body)?;
        if v != VERSION {
            return Err(DecodeError::UnknownVersion { version: v });
        }
        Ok(parts.skip(details).collect())
    }
}

/// How many parts are details of the event, and its body as it was written.
pub(super) fn open_parts(payload: &Payload) -> Result<(usize, serde_json::Value), DecodeError> {
    #[derive(Deserialize)]
    struct Open {
        v: u32,
        details: usize,
        event: serde_json::Value,
    }
    let head = payload.parts().first().and_then(StoredPart::present);
    let head = head
        .filter(|part| part.class == PartClass::State)
        .ok_or(DecodeError::NoState)?;
    let Open { v, details, event } = serde_json::from_slice(&head.body)?;
    if v != VERSION {
        return Err(DecodeError::UnknownVersion { version: v });
    }
    Ok((details, event))
}

fn salted(
    contents: Vec<(PartClass, Vec<u8>)>,
    fill: impl FnOnce(&mut [u8]) -> Result<(), EncodeError>,
) -> Result<Payload, EncodeError> {
    let mut salts = vec![0; contents.len() * SALT_BYTES];
    fill(&mut salts)?;
    let (salts, _) = salts.as_chunks::<SALT_BYTES>();
    let part = |((class, body), salt): ((PartClass, Vec<u8>), &Salt)| Part {
        class,
        salt: *salt,
        body,
    };
    Ok(Payload::of(contents.into_iter().zip(salts).map(part))?)
}

impl EventBody {
    /// The kind of its leaf.
    pub fn kind(&self) -> LeafKind {
        match self {
            Self::Genesis { .. } => LeafKind::Genesis,
            Self::DocumentsWritten { .. } => LeafKind::Registry,
            Self::Submitted { .. } => LeafKind::Request,
            Self::Responded { .. } => LeafKind::Review,
            Self::Reported { .. } => LeafKind::Report,
            Self::Withdrawn { .. } => LeafKind::Withdrawal,
            Self::ObligationNoted { .. } | Self::ObligationsOverdue { .. } => LeafKind::Obligation,
            Self::Revoked { .. } => LeafKind::Revocation,
            Self::Acknowledged { .. } => LeafKind::Acknowledgement,
            Self::Expired { .. } => LeafKind::Expiry,
            Self::Reminded { .. } => LeafKind::Reminder,
            Self::Published { .. } => LeafKind::Publication,
            Self::PublicationRefused { .. } => LeafKind::Refusal,
            Self::DryRuns { .. } => LeafKind::DryRunSummary,
            Self::SigningBegun(_)
            | Self::SecretsRead { .. }
            | Self::RecordsRead { .. }
            | Self::Erasure { .. } => LeafKind::Administrative,
        }
    }

    /// How many items came out which way; an expired item counts as rejected.
    pub fn counts(&self) -> OutcomeCounts {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        match self {
            Self::Submitted { counts, .. } | Self::DryRuns { counts, .. } => *counts,
            Self::Responded { items, .. } => {
                let mut counts = OutcomeCounts::default();
                for (_, state) in items {
                    match state {
                        ItemState::Granted | ItemState::AtPartner { .. } => counts.accept += 1,
                        ItemState::Refused | ItemState::Expired => counts.reject += 1,
                        ItemState::Pending { .. } => counts.review += 1,
                        ItemState::Answered { .. } | ItemState::Withdrawn | ItemState::Revoked => {}
                    }
                }
                counts
            }
            Self::Reported { items, .. } => {
                let mut counts = OutcomeCounts::default();
                for (_, state) in items {
                    match state {
                        ItemState::Answered {
                            outcome: PartnerOutcome::Accept,
                            delivered: false,
                        } => counts.accept += 1,
                        ItemState::Answered {
                            outcome: PartnerOutcome::Reject,
                            delivered: false,
                        }
                        | ItemState::Refused => counts.reject += 1,
                        ItemState::Granted
                        | ItemState::Pending { .. }
                        | ItemState::Expired
                        | ItemState::AtPartner { .. }
                        | ItemState::Answered {
                            delivered: true, ..
                        }
                        | ItemState::Withdrawn
                        | ItemState::Revoked => {}
                    }
                }
                counts
            }
            Self::Expired { items, .. } => OutcomeCounts {
                reject: count(items.len()),
                ..OutcomeCounts::default()
            },
            Self::Genesis { .. }
            | Self::DocumentsWritten { .. }
            | Self::Withdrawn { .. }
            | Self::ObligationNoted { .. }
            | Self::ObligationsOverdue { .. }
            | Self::Reminded { .. }
            | Self::Revoked { .. }
            | Self::Acknowledged { .. }
            | Self::Published { .. }
            | Self::PublicationRefused { .. }
            | Self::SigningBegun(_)
            | Self::Erasure { .. }
            | Self::SecretsRead { .. }
            | Self::RecordsRead { .. } => OutcomeCounts::default(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm a kind of event")]
    fn open(&self, details: &mut Vec<Detail>) -> Result<OpenBody, serde_json::Error> {
        Ok(match self {
            Self::Genesis { origin } => OpenBody::Genesis { origin: *origin },
            Self::DocumentsWritten { changes, actor } => {
                details.extend(actor.clone().map(|actor| Detail::Actor { actor }));
                let changes = detail::split(changes, details)?;
                OpenBody::DocumentsWritten { changes }
            }
            Self::Submitted {
                request_id,
                caller,
                idempotency,
                correlation,
                items,
                changes,
                counts,
                bound_to,
                reminders,
                reduces,
                adds,
                access,
            } => OpenBody::Submitted {
                request: *request_id,
                caller: Arc::clone(caller),
                idempotency: *idempotency,
                correlation: *correlation,
                items: items.clone(),
                changes: detail::split(changes, details)?,
                counts: *counts,
                bound_to: bound_to.clone(),
                reminders: reminders.clone(),
                reduces: reduces.clone(),
                adds: adds.clone(),
                access: access.clone(),
            },
            Self::Responded {
                request_id,
                items,
                votes,
                reminders,
                approval,
                changes,
            } => OpenBody::Responded(OpenTransition {
                votes: votes.clone(),
                reminders: reminders.clone(),
                approval: *approval,
                ..OpenTransition::of(*request_id, items, changes, details)?
            }),
            Self::Reported {
                request_id,
                items,
                changes,
            } => OpenBody::Reported(OpenTransition::of(*request_id, items, changes, details)?),
            Self::Withdrawn {
                request_id,
                items,
                changes,
            } => OpenBody::Withdrawn(OpenEnding::of(*request_id, items, changes, details)?),
            Self::Revoked {
                request_id,
                submitter,
                items,
                ended,
                changes,
            } => OpenBody::Revoked {
                submitter: Arc::clone(submitter),
                ended: *ended,
                ending: OpenEnding::of(*request_id, items, changes, details)?,
            },
            Self::ObligationNoted {
                request_id,
                obligation,
                duty,
                outcome,
                by,
            } => OpenBody::ObligationNoted {
                request: *request_id,
                obligation: *obligation,
                duty: duty.clone(),
                outcome: *outcome,
                by: Arc::clone(by),
            },
            Self::ObligationsOverdue { obligations } => OpenBody::ObligationsOverdue {
                obligations: obligations.clone(),
            },
            Self::Acknowledged {
                request_id,
                version,
            } => OpenBody::Acknowledged {
                request: *request_id,
                version: *version,
            },
            Self::Expired { request_id, items } => OpenBody::Expired {
                request: *request_id,
                items: items.clone(),
            },
            Self::Reminded {
                request_id,
                items,
                escalated,
            } => OpenBody::Reminded {
                request: *request_id,
                items: items.clone(),
                escalated: escalated.clone(),
            },
            Self::Published {
                digest,
                generation,
                actor,
                summary,
            } => {
                details.extend(actor.clone().map(|actor| Detail::Actor { actor }));
                details.extend(summary.clone().map(|summary| Detail::Summary { summary }));
                OpenBody::Published {
                    digest: digest.clone(),
                    generation: *generation,
                }
            }
            Self::PublicationRefused { digest, summary } => {
                details.extend(summary.clone().map(|summary| Detail::Summary { summary }));
                OpenBody::PublicationRefused {
                    digest: digest.clone(),
                }
            }
            Self::DryRuns {
                caller,
                minute,
                counts,
            } => OpenBody::DryRuns {
                caller: Arc::clone(caller),
                minute: *minute,
                counts: *counts,
            },
            Self::SigningBegun(signing) => OpenBody::SigningBegun(signing.clone()),
            Self::SecretsRead {
                key,
                version,
                actor,
            } => open_secrets_read((key, *version), actor.as_deref(), details),
            Self::RecordsRead { reads, actor } => {
                details.extend(actor.clone().map(|actor| Detail::Actor { actor }));
                details.extend(detail::sought(reads));
                let reads = reads.iter().map(OpenRead::of).collect();
                OpenBody::RecordsRead { reads }
            }
            Self::Erasure {
                id,
                step,
                actor,
                reason,
                subjects,
            } => {
                let named = (actor.as_deref(), reason.as_deref(), subjects.as_slice());
                open_erasure((*id, step), named, details)
            }
        })
    }
}

fn open_secrets_read(
    (key, version): (&DocumentKey, u64),
    actor: Option<&str>,
    details: &mut Vec<Detail>,
) -> OpenBody {
    let actor = actor.map(str::to_owned);
    details.extend(actor.map(|actor| Detail::Actor { actor }));
    let key = key.clone();
    OpenBody::SecretsRead { key, version }
}

fn open_erasure(
    (id, step): (ErasureId, &ErasureStep),
    (actor, reason, subjects): (Option<&str>, Option<&str>, &[String]),
    details: &mut Vec<Detail>,
) -> OpenBody {
    let actor = actor.map(str::to_owned);
    details.extend(actor.map(|actor| Detail::Actor { actor }));
    details.extend(reason.map(|reason| Detail::ErasureReason {
        erasure: id,
        reason: reason.to_owned(),
    }));
    let subjects = subjects.iter().cloned();
    details.extend(subjects.map(|subject| Detail::ErasedSubject { subject }));
    let step = Box::new(step.clone());
    OpenBody::Erasure { id, step }
}

fn close_erasure(id: ErasureId, step: Box<ErasureStep>, details: Vec<Detail>) -> EventBody {
    let (mut actor, mut reason, mut subjects) = (None, None, Vec::new());
    for detail in details {
        match detail {
            Detail::Actor { actor: found } => actor = Some(found),
            Detail::ErasureReason { reason: found, .. } => reason = Some(found),
            Detail::ErasedSubject { subject } => subjects.push(subject),
            Detail::Summary { .. }
            | Detail::Document { .. }
            | Detail::Member { .. }
            | Detail::ReviewContact { .. }
            | Detail::Sought { .. } => {}
        }
    }
    EventBody::Erasure {
        id,
        step,
        actor,
        reason,
        subjects,
    }
}

impl OpenBody {
    #[expect(clippy::too_many_lines, reason = "one arm a kind of event")]
    fn close(self, mut details: Vec<Detail>) -> Result<EventBody, serde_json::Error> {
        Ok(match self {
            Self::Genesis { origin } => EventBody::Genesis { origin },
            Self::DocumentsWritten { changes } => {
                let changes = detail::join(changes, &mut details)?;
                let (actor, _) = texts(details);
                EventBody::DocumentsWritten { changes, actor }
            }
            Self::Submitted {
                request,
                caller,
                idempotency,
                correlation,
                items,
                changes,
                counts,
                bound_to,
                reminders,
                reduces,
                adds,
                access,
            } => EventBody::Submitted {
                request_id: request,
                caller,
                idempotency,
                correlation,
                items,
                changes: detail::join(changes, &mut details)?,
                counts,
                bound_to,
                reminders,
                reduces,
                adds,
                access,
            },
            Self::Responded(OpenTransition {
                request,
                items,
                votes,
                reminders,
                approval,
                changes,
            }) => EventBody::Responded {
                request_id: request,
                items,
                votes,
                reminders,
                approval,
                changes: detail::join(changes, &mut details)?,
            },
            Self::Reported(OpenTransition {
                request,
                items,
                votes: _,
                reminders: _,
                approval: _,
                changes,
            }) => EventBody::Reported {
                request_id: request,
                items,
                changes: detail::join(changes, &mut details)?,
            },
            Self::Withdrawn(OpenEnding {
                request,
                items,
                changes,
            }) => EventBody::Withdrawn {
                request_id: request,
                items,
                changes: detail::join(changes, &mut details)?,
            },
            Self::ObligationNoted {
                request,
                obligation,
                duty,
                outcome,
                by,
            } => EventBody::ObligationNoted {
                request_id: request,
                obligation,
                duty,
                outcome,
                by,
            },
            Self::ObligationsOverdue { obligations } => {
                EventBody::ObligationsOverdue { obligations }
            }
            Self::Acknowledged { request, version } => EventBody::Acknowledged {
                request_id: request,
                version,
            },
            Self::Revoked {
                submitter,
                ending:
                    OpenEnding {
                        request,
                        items,
                        changes,
                    },
                ended,
            } => EventBody::Revoked {
                request_id: request,
                submitter,
                items,
                ended,
                changes: detail::join(changes, &mut details)?,
            },
            Self::Expired { request, items } => EventBody::Expired {
                request_id: request,
                items,
            },
            Self::Reminded {
                request,
                items,
                escalated,
            } => EventBody::Reminded {
                request_id: request,
                items,
                escalated,
            },
            Self::Published { digest, generation } => {
                let (actor, summary) = texts(details);
                EventBody::Published {
                    digest,
                    generation,
                    actor,
                    summary,
                }
            }
            Self::PublicationRefused { digest } => {
                let (_, summary) = texts(details);
                EventBody::PublicationRefused { digest, summary }
            }
            Self::DryRuns {
                caller,
                minute,
                counts,
            } => EventBody::DryRuns {
                caller,
                minute,
                counts,
            },
            Self::SigningBegun(signing) => EventBody::SigningBegun(signing),
            Self::Erasure { id, step } => close_erasure(id, step, details),
            Self::SecretsRead { key, version } => {
                let (actor, _) = texts(details);
                EventBody::SecretsRead {
                    key,
                    version,
                    actor,
                }
            }
            Self::RecordsRead { reads } => {
                let mut reads: Vec<_> = reads.into_iter().map(OpenRead::close).collect();
                detail::join_sought(&mut reads, &mut details);
                let (actor, _) = texts(details);
                EventBody::RecordsRead { reads, actor }
            }
        })
    }
}

/// The actor and the summary, as far as they are left.
fn texts(details: Vec<Detail>) -> (Option<String>, Option<String>) {
    let (mut actor, mut summary) = (None, None);
    for detail in details {
        match detail {
            Detail::Actor { actor: found } => actor = Some(found),
            Detail::Summary { summary: found } => summary = Some(found),
            Detail::Document { .. }
            | Detail::Member { .. }
            | Detail::ReviewContact { .. }
            | Detail::ErasedSubject { .. }
            | Detail::ErasureReason { .. }
            | Detail::Sought { .. } => {}
        }
    }
    (actor, summary)
}
