//! What callers are told about requests, in the words of TS 23.280 clause 10.17.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;

use crate::app::affected::Affected;
use crate::app::clock::ExpiryPaused;
use crate::app::decide_again::Revoked;
use crate::app::disclosure::DisclosureAnswer;
use crate::app::obligations::ObligationAnswer;
use crate::app::outward::PartnerReason;
use crate::app::report::PartnerAnswer;
use crate::app::report::ReportAnswer;
use crate::app::respond::Verdict;
use crate::app::reviews::AnswerableBy;
use crate::app::revoke::RevocationAnswer;
use crate::app::taken_back::TakenBackItem;
use crate::app::withdraw::WithdrawalAnswer;
use crate::decision::attention::Attention;
use crate::decision::decide::DeterminingPolicy;
use crate::decision::decide::ItemDecision;
use crate::decision::decide::ItemKey;
use crate::decision::decide::PolicyError;
use crate::decision::decide::Selection;
use crate::decision::obligation::Limits;
use crate::decision::obligation::Obligation;
use crate::decision::quorum::Count;
use crate::decision::quorum::Progress;
use crate::decision::quorum::Quorum;
use crate::decision::reason::ReasonCode;
use crate::domain::lapse::Lapse;
use crate::domain::lifecycle::ItemState;
use crate::domain::operation::Direction;
use crate::domain::operation::Operation;
use crate::domain::outcome::Outcome;
use crate::domain::outcome::RequestStatus;
use crate::domain::request::InterSystemRequest;
use crate::domain::role::Role;
use crate::domain::time::Timestamp;
use crate::store::access::Access;
use crate::store::command::PersonDigest;
use crate::store::state::RequestEntry;
use crate::store::state::Tally;

/// A request and where it stands.
#[derive(Clone, Debug, Serialize)]
pub struct RequestAnswer {
    /// The request's own identifier, unguessable and meaningless.
    pub id: String,
    /// A pure function of the items.
    pub status: RequestStatus,
    /// Where it stands, in words for people: the status, and what of its obligations is not done.
    pub summary: String,
    /// The operation.
    pub operation: Operation,
    /// The side on which it was decided.
    pub direction: Direction,
    /// Joins what both systems record about one exchange.
    pub correlation_id: String,
    /// The items, in the order of the request.
    pub items: Vec<ItemAnswer>,
    /// What was chosen among the systems to which the user might migrate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// The bundle that decided.
    pub bundle: BundleAnswer,
    /// Where the record of the decision is.
    pub record: Receipt,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// What reviewers answered, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<ResponseAnswer>,
    /// What became of it at the partner, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<ReportAnswer>,
    /// What whoever asked withdrew, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withdrawals: Vec<WithdrawalAnswer>,
    /// What it obliges to, and what became of that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub obligations: Vec<ObligationAnswer>,
    /// What was revoked, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revocations: Vec<RevocationAnswer>,
    /// What it has to do with access requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessAnswer>,
    /// What an interruption of the cooperation affects now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected: Option<Affected>,
    /// What was disclosed to the partner, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disclosed: Vec<DisclosureAnswer>,
    /// Since when nothing expires, while it waits and the clock has just jumped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_paused: Option<ExpiryPaused>,
    /// What is seen of it now, for `If-Match`, told where a request that waits is read by whoever may answer it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// What was asked, told with `seen`: whoever answers sees who asks whom for what, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Box<InterSystemRequest>>,
    /// The version up to which whoever asked has acknowledged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<u64>,
    /// Grows with every change of the request; the entity tag.
    pub version: u64,
}

/// What a request has to do with access requests.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessAnswer {
    /// It is an evaluation: what was held of it waited for nobody.
    Evaluation {
        /// Until when an approval could be asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        requestable_until: Option<Timestamp>,
        /// The request that asked for the approval that it used.
        #[serde(skip_serializing_if = "Option::is_none")]
        used: Option<String>,
    },
    /// It asks for an approval: nothing else follows from its grant.
    Approval {
        /// The evaluation that was held.
        evaluation: String,
        /// The task that it belongs to.
        task: String,
        /// Until when the approval can be used, once it is given.
        #[serde(skip_serializing_if = "Option::is_none")]
        approved_until: Option<Timestamp>,
    },
}

impl AccessAnswer {
    /// What a submission has to do with access requests. The approval itself is for whoever asked.
    pub fn new(access: &Access) -> Self {
        match access {
            Access::Evaluation {
                requestable_until,
                uses,
                ..
            } => Self::Evaluation {
                requestable_until: *requestable_until,
                used: uses.map(|used| used.request.to_string()),
            },
            Access::Approval(asked) => Self::Approval {
                evaluation: asked.evaluation.to_string(),
                task: asked.task.to_string(),
                approved_until: asked.approval.map(|approved| approved.until),
            },
        }
    }
}

/// One item: what was decided and where it stands now.
#[derive(Clone, Debug, Serialize)]
pub struct ItemAnswer {
    /// What was last decided, and why; a reject at the approval overrules it.
    #[serde(flatten)]
    pub decision: DecisionAnswer,
    /// Where the item stands.
    pub state: &'static str,
    /// What the partner answered, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<PartnerAnswer>,
    /// What ended with the decision: a service that was granted before without asking the home.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
    /// That the time of what was granted was over, if that was written down: it is granted no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndedAnswer>,
    /// Why it was refused although nobody answered it, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalAnswer>,
    /// Whether whoever asked has acknowledged what became of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub delivered: bool,
    /// What has to be undone, since it was withdrawn or revoked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<Obligation>,
    /// Who has to agree before it is granted, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<QuorumAnswer>,
    /// When people were reminded of it and who else was turned to, while it waits.
    #[serde(flatten)]
    pub reminded: ReminderAnswer,
    /// What policy says of it now, where it waits and that is no longer what was last decided; told with `seen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<DecisionAnswer>,
    /// Who can approve it, while it waits; told where a request is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answerable_by: Option<AnswerableBy>,
}

/// Who has to agree before an item is granted, and who has.
#[derive(Clone, Debug, Serialize)]
pub struct QuorumAnswer {
    /// Sets of approvals by distinct persons, any one of which suffices.
    pub approvals: Vec<Progress>,
    /// How many denials refuse it.
    pub denials: Count,
}

impl QuorumAnswer {
    /// What is asked for, and how far that has come.
    pub fn new(quorum: &Quorum, tally: &Tally) -> Self {
        Self {
            approvals: quorum.progress(&tally.given()),
            denials: Count {
                needed: usize::from(quorum.denials().persons()),
                given: tally.denials.len(),
            },
        }
    }
}

/// What was done so that an item that waits is not forgotten.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReminderAnswer {
    /// When people were reminded of it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminded_at: Option<Timestamp>,
    /// The roles that were turned to, and when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub escalated_to: BTreeMap<Role, Timestamp>,
}

impl ReminderAnswer {
    /// What was done about an item.
    pub fn of(entry: &RequestEntry, number: usize) -> Self {
        let number = u32::try_from(number).ok();
        let reminder = number.and_then(|number| entry.reminder(number));
        reminder.map_or_else(Self::default, |reminder| Self {
            reminded_at: reminder.reminded_at,
            escalated_to: reminder.escalated.clone(),
        })
    }
}

/// That a grant ended by itself.
#[derive(Clone, Debug, Serialize)]
pub struct EndedAnswer {
    /// When that was written down.
    pub ended_at: Timestamp,
    /// Calls that undoing does not cut: a person decides about them.
    pub never_cut: [&'static str; 2],
    /// Where the record of it is.
    pub record: Receipt,
}

/// That an item was refused while it waited, because the agreement under which it waited lapsed.
#[derive(Clone, Debug, Serialize)]
pub struct RefusalAnswer {
    /// Why.
    pub reason: Lapse,
    /// When.
    pub refused_at: Timestamp,
    /// The entry that did it.
    pub record: Receipt,
    /// What has to be done because of it, where the partner had been asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub obligations: Vec<Obligation>,
}

impl ItemAnswer {
    /// Of an evaluation, that nobody denied what was held; of a request for an approval, that nothing has to be done.
    ///
    /// `decided` is the reason as it was decided.
    pub fn of_access(&mut self, access: &Access, state: ItemState, decided: PartnerReason) {
        match access {
            Access::Evaluation { .. } if state == ItemState::Refused => {
                self.decision.partner_reason = decided;
            }
            Access::Evaluation { .. } => {}
            Access::Approval(_) => self.decision.obligations.clear(),
        }
    }

    /// An item as it was decided, where it stands now.
    ///
    /// `lapse` says why it was refused although nobody answered it.
    pub fn new(decision: DecisionAnswer, state: ItemState, lapse: Option<Lapse>) -> Self {
        let partner_reason = PartnerReason::standing(&decision, state, lapse);
        // A hold that appeared since may have shortened it, or the partner waits for a time of its own.
        let expires_at = match state {
            ItemState::Pending { expires_at } | ItemState::AtPartner { expires_at, .. } => {
                expires_at
            }
            ItemState::Granted
            | ItemState::Refused
            | ItemState::Expired
            | ItemState::Answered { .. }
            | ItemState::Withdrawn
            | ItemState::Revoked => decision.expires_at,
        };
        Self {
            decision: DecisionAnswer {
                partner_reason,
                expires_at,
                ..decision
            },
            state: state.as_str(),
            partner: None,
            revoked: None,
            ended: None,
            refusal: None,
            delivered: false,
            undo: Vec::new(),
            quorum: None,
            reminded: ReminderAnswer::default(),
            now: None,
            answerable_by: None,
        }
    }
}

/// What was decided about one item, and why.
#[derive(Clone, Debug, Serialize)]
pub struct DecisionAnswer {
    /// What the item is about: `subject` and, where it is decided service by service, `service`.
    #[serde(flatten)]
    pub item: ItemKey,
    /// Accept, reject or review.
    pub outcome: Outcome,
    /// Why, in one word.
    pub reason: ReasonCode,
    /// Why, as the partner may be told it; nothing else of an item is written for partners.
    pub partner_reason: PartnerReason,
    /// What the determining policies tell our own officer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// When a held item can no longer be approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Who has to agree before a held item is granted; a request tells it with what was given.
    #[serde(skip)]
    pub quorum: Quorum,
    /// The categories of the permits that apply.
    pub categories: Vec<String>,
    /// The policies that made it so.
    pub policies: Vec<DeterminingPolicy>,
    /// Permits that apply to an item that is refused.
    pub would_permit: Vec<String>,
    /// How the grant is less than what was asked.
    pub limits: Limits,
    /// What has to be done once the item is granted, or once it may be sent.
    pub obligations: Vec<Obligation>,
    /// The policies that could not be evaluated.
    pub errors: Vec<PolicyError>,
}

impl From<ItemDecision> for DecisionAnswer {
    fn from(decision: ItemDecision) -> Self {
        Self {
            item: decision.item,
            outcome: decision.outcome,
            reason: decision.reason,
            partner_reason: PartnerReason::of(decision.reason, decision.partner_text.as_deref()),
            notes: decision.notes,
            expires_at: decision.expires_at,
            quorum: decision.quorum,
            categories: decision.categories,
            policies: decision.policies,
            would_permit: decision.would_permit,
            limits: decision.limits,
            obligations: decision.obligations,
            errors: decision.errors,
        }
    }
}

/// The bundle under which something was decided.
#[derive(Clone, Debug, Serialize)]
pub struct BundleAnswer {
    /// Counts publications.
    pub generation: u64,
    /// Names the content.
    pub digest: String,
}

/// Enough to demand the record later: its index and the hash of its leaf.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt {
    /// The index in the log.
    pub index: u64,
    /// The RFC 6962 leaf hash.
    pub leaf_hash: String,
}

/// What a reviewer answered.
#[derive(Clone, Debug, Serialize)]
pub struct ResponseAnswer {
    /// Approve or deny.
    pub answer: Verdict,
    /// Why.
    pub reason: String,
    /// The items answered, by number.
    pub items: Vec<usize>,
    /// Those of them that were not granted because a later request took them back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken_back: Vec<usize>,
    /// By what, as far as that was written down.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken_back_by: Vec<TakenBackItem>,
    /// Who answered, as the store tells them from others.
    #[serde(skip)]
    pub person: Option<PersonDigest>,
    /// Whose approvals of which items counted no more by then.
    #[serde(skip)]
    pub lapsed: Vec<(usize, PersonDigest)>,
    /// What policy said about them at that moment; a reject overrules an approval.
    pub evaluated: Vec<DecisionAnswer>,
    /// Those of them that it did not settle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingAnswer>,
    /// When.
    pub answered_at: Timestamp,
    /// Where the record of the answer is.
    pub record: Receipt,
}

/// How an answer counts for an item that it did not settle.
#[derive(Clone, Debug, Serialize)]
pub struct WaitingAnswer {
    /// The item, by number.
    pub item: usize,
    /// Whether it counts towards the quorum.
    pub counts: bool,
    /// The groups for one of which it counts.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Role>,
    /// Whether approvals before it count no more, since something holds the item that nobody had seen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub afresh: bool,
    /// Whether it counts no more, because the person may not answer any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lapsed: bool,
}

/// What an item would be answered.
#[derive(Clone, Debug, Serialize)]
pub struct DryRunItem {
    /// The decision.
    #[serde(flatten)]
    pub decision: DecisionAnswer,
    /// Who would have to agree, where it would wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<QuorumAnswer>,
    /// What would be done meanwhile so that it is not forgotten.
    #[serde(skip_serializing_if = "Attention::is_none")]
    pub attention: Attention,
}

impl From<ItemDecision> for DryRunItem {
    fn from(mut decision: ItemDecision) -> Self {
        let waits = decision.outcome == Outcome::Review;
        let none = Tally::default();
        Self {
            quorum: waits.then(|| QuorumAnswer::new(&decision.quorum, &none)),
            attention: std::mem::take(&mut decision.attention),
            decision: decision.into(),
        }
    }
}

/// A dry run: what would be answered now, explained; nothing is recorded of it but its count.
#[derive(Clone, Debug, Serialize)]
pub struct DryRunAnswer {
    /// What each item would be answered.
    pub items: Vec<DryRunItem>,
    /// How many items have each outcome.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// What would be chosen among the systems to which the user might migrate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// The bundle that would decide.
    pub bundle: BundleAnswer,
    /// The moment for which it holds.
    pub now: Timestamp,
}
