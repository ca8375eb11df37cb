//! What of an answer may leave our system: the partner's view of a request.
//!
//! It is made from what the partner said and from texts that were written for partners. It names no policy, no category, no
//! fact, no profile, and nobody of ours whom the partner did not name itself.

use serde::Serialize;

use crate::app::answer::DecisionAnswer;
use crate::decision::decide::ItemDecision;
use crate::decision::obligation::Limits;
use crate::decision::reason::ReasonCode;
use crate::domain::agreement::DisclosureKind;
use crate::domain::identity::GroupId;
use crate::domain::identity::McServiceId;
use crate::domain::identity::McSystemId;
use crate::domain::lapse::Lapse;
use crate::domain::lifecycle::ItemState;
use crate::domain::lifecycle::Received;
use crate::domain::operation::Operation;
use crate::domain::outcome::Outcome;
use crate::domain::outcome::PartnerOutcome;
use crate::domain::outcome::RequestStatus;
use crate::domain::request::InterSystemRequest;
use crate::domain::service::McService;
use crate::domain::time::Timestamp;

/// Why, as a partner may be told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartnerReason {
    /// One stable word.
    pub code: &'static str,
    /// A sentence for people.
    pub text: String,
}

impl PartnerReason {
    /// The reason of a decision: the text of a determining policy, else the fixed one of the code.
    pub fn of(code: ReasonCode, text: Option<&str>) -> Self {
        Self {
            code: code.as_str(),
            text: text.unwrap_or_else(|| code.partner_text()).to_owned(),
        }
    }

    /// The reason why what was granted is so no longer: it was for a time.
    pub fn ended() -> Self {
        Self {
            code: "ended",
            text: "It was granted for a time, which is over.".to_owned(),
        }
    }

    /// The reason for where an item stands, which what became of it since can overrule.
    ///
    /// `lapse` says why an item was refused although nobody answered it.
    pub fn standing(decision: &DecisionAnswer, state: ItemState, lapse: Option<Lapse>) -> Self {
        let fixed = |code, text: &str| Self {
            code,
            text: text.to_owned(),
        };
        if let (ItemState::Refused, Some(lapse)) = (state, lapse) {
            return fixed(lapse.as_str(), lapse.partner_text());
        }
        match (state, decision.outcome) {
            (ItemState::Granted, Outcome::Review | Outcome::Reject) => {
                fixed("approved", "An authorised user agreed.")
            }
            (ItemState::Refused, Outcome::Review | Outcome::Accept) => {
                fixed("denied", "An authorised user did not agree.")
            }
            (ItemState::Expired, _) => fixed("expired", "Nobody answered in time."),
            (ItemState::Withdrawn, _) => fixed("withdrawn", "Whoever asked withdrew it."),
            (ItemState::Revoked, _) => fixed("revoked", "It was granted, and is no longer."),
            (
                ItemState::Answered {
                    outcome: PartnerOutcome::Reject,
                    ..
                },
                _,
            ) => fixed("refused-there", "Your system refused."),
            (
                ItemState::AtPartner { .. } | ItemState::Answered { .. },
                Outcome::Review | Outcome::Reject,
            ) => fixed("approved", "An authorised user agreed."),
            (
                ItemState::AtPartner { .. } | ItemState::Answered { .. } | ItemState::Granted,
                Outcome::Accept,
            )
            | (ItemState::Refused, Outcome::Reject)
            | (ItemState::Pending { .. }, _) => decision.partner_reason.clone(),
        }
    }
}

/// An item as it was decided, and where it stands.
#[derive(Clone, Debug)]
pub struct Stands {
    /// What was last decided.
    pub decision: DecisionAnswer,
    /// Where it stands.
    pub state: ItemState,
    /// Why it was refused although nobody answered it, if so.
    pub lapse: Option<Lapse>,
    /// Whether it was only evaluated: what was held of it, nobody denied.
    pub waits_for_nobody: bool,
}

/// A request as the partner may see it.
#[derive(Clone, Debug, Serialize)]
pub struct PartnerView {
    /// What joins both systems' records; the partner's own.
    pub correlation_id: String,
    /// The operation.
    pub operation: Operation,
    /// A pure function of the items.
    pub status: RequestStatus,
    /// The items, in the order of the request.
    pub items: Vec<PartnerItem>,
}

/// An item as the partner may see it.
#[derive(Clone, Debug, Serialize)]
pub struct PartnerItem {
    /// The user, as the request named them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<McServiceId>,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<McService>,
    /// The group, as the request named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The kind of information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<DisclosureKind>,
    /// The system, if the request named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<McSystemId>,
    /// How it stands: accept, reject, or review while it waits.
    pub outcome: Outcome,
    /// Why.
    pub reason: PartnerReason,
    /// How the grant is less than what was asked; absent while nothing is granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<PartnerLimits>,
}

/// The limits of a grant that concern the partner; which profile of ours applies does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartnerLimits {
    /// The services that are granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<McService>>,
    /// The highest priority that is granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_cap: Option<u8>,
    /// When the grant ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
}

impl PartnerLimits {
    fn new(limits: &Limits) -> Option<Self> {
        let services = limits.services.as_ref();
        let told = Self {
            services: services.map(|services| services.iter().copied().collect()),
            priority_cap: limits.priority_cap,
            end_time: limits.end_time,
        };
        let is_empty = told.services.is_none() && told.priority_cap.is_none();
        (!is_empty || told.end_time.is_some()).then_some(told)
    }
}

impl PartnerItem {
    /// An item as it stands; a candidate system that the request did not name stays ours.
    pub fn new(request: &InterSystemRequest, stands: &Stands) -> Self {
        let Stands {
            decision,
            state,
            lapse,
            waits_for_nobody,
        } = stands;
        let state = *state;
        let item = decision.item.clone();
        let elements = request.body.elements();
        let named = elements.requested_system();
        let outcome = match state {
            ItemState::Granted
            | ItemState::AtPartner { .. }
            | ItemState::Answered {
                outcome: PartnerOutcome::Accept,
                ..
            } => Outcome::Accept,
            ItemState::Refused
            | ItemState::Expired
            | ItemState::Answered {
                outcome: PartnerOutcome::Reject,
                ..
            }
            | ItemState::Withdrawn
            | ItemState::Revoked => Outcome::Reject,
            ItemState::Pending { .. } => Outcome::Review,
        };
        let is_granted = outcome == Outcome::Accept;
        Self {
            subject: item.subject,
            service: item.service,
            group: item.group,
            kind: item.kind,
            system: item.system.filter(|system| Some(system) == named),
            outcome,
            reason: if *waits_for_nobody && state == ItemState::Refused {
                decision.partner_reason.clone()
            } else {
                PartnerReason::standing(decision, state, *lapse)
            },
            limits: PartnerLimits::new(&decision.limits).filter(|_| is_granted),
        }
    }
}

impl PartnerView {
    /// What the partner would be told of a request that was just decided.
    pub fn of_decisions(
        request: &InterSystemRequest,
        decisions: impl IntoIterator<Item = ItemDecision>,
    ) -> Self {
        let items: Vec<Stands> = decisions
            .into_iter()
            .map(|decision| {
                let received = Received::new();
                let state = match decision.outcome {
                    Outcome::Accept => received.grant().into(),
                    Outcome::Reject => received.refuse().into(),
                    Outcome::Review => received.hold(decision.expires_at).into(),
                };
                Stands {
                    decision: DecisionAnswer::from(decision),
                    state,
                    lapse: None,
                    waits_for_nobody: false,
                }
            })
            .collect();
        Self::new(request, &items)
    }

    /// What the partner may see of items where they stand.
    pub fn new(request: &InterSystemRequest, items: &[Stands]) -> Self {
        Self {
            correlation_id: request.correlation_id.clone(),
            operation: request.body.operation(),
            status: crate::domain::lifecycle::status(items.iter().map(|it| it.state)),
            items: items
                .iter()
                .map(|stands| PartnerItem::new(request, stands))
                .collect(),
        }
    }
}
