//! Approvals of access requests: kept until their time is over, and a while longer, so that it can be said why one
//! does not help.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use crate::decision_log::LogIndex;
use crate::domain::time::Timestamp;
use crate::store::access::Access;
use crate::store::access::ApprovalId;
use crate::store::access::Approved;
use crate::store::access::Asked;
use crate::store::access::Fate;
use crate::store::access::KeptApproval;
use crate::store::command::RequestId;
use crate::store::command::ScopeDigest;
use crate::store::event::Event;
use crate::store::event::EventBody;
use crate::store::state::RequestEntry;
use crate::store::state::RowKey;
use crate::store::state::requests::KEY_RETENTION_MILLISECONDS;

/// All approvals, and what follows from them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Approvals {
    entries: BTreeMap<ApprovalId, KeptApproval>,
    ending: BTreeSet<(Timestamp, ApprovalId)>,
    of_request: BTreeSet<(RequestId, ApprovalId)>,
    of_thing: BTreeSet<(ScopeDigest, ApprovalId)>,
}

impl Approvals {
    /// Takes in what an event gives and uses.
    pub(super) fn take_in(
        &mut self,
        event: &Event,
        index: LogIndex,
        entry: Option<&Arc<RequestEntry>>,
        changed: &mut Vec<RowKey>,
    ) {
        match &event.body {
            EventBody::Submitted { access, .. } => match access.as_deref() {
                Some(Access::Evaluation { uses: Some(it), .. }) => {
                    self.end(it.approval, Fate::Used(index), changed);
                }
                Some(Access::Approval(Asked {
                    approval: Some(approval),
                    ..
                })) => self.give(*approval, entry, changed),
                Some(
                    Access::Evaluation { uses: None, .. }
                    | Access::Approval(Asked { approval: None, .. }),
                )
                | None => {}
            },
            EventBody::Responded {
                approval: Some(approval),
                ..
            } => self.give(*approval, entry, changed),
            EventBody::Revoked {
                request_id,
                ended: false,
                ..
            } => self.revoke(*request_id, changed),
            EventBody::Revoked { ended: true, .. }
            | EventBody::Responded { approval: None, .. }
            | EventBody::Genesis { .. }
            | EventBody::DocumentsWritten { .. }
            | EventBody::Reported { .. }
            | EventBody::Withdrawn { .. }
            | EventBody::Expired { .. }
            | EventBody::ObligationNoted { .. }
            | EventBody::ObligationsOverdue { .. }
            | EventBody::Reminded { .. }
            | EventBody::Acknowledged { .. }
            | EventBody::Published { .. }
            | EventBody::PublicationRefused { .. }
            | EventBody::DryRuns { .. }
            | EventBody::SigningBegun(_)
            | EventBody::Erasure { .. }
            | EventBody::SecretsRead { .. }
            | EventBody::RecordsRead { .. } => {}
        }
        self.supersede(event, index, changed);
    }

    fn give(
        &mut self,
        approved: Approved,
        entry: Option<&Arc<RequestEntry>>,
        changed: &mut Vec<RowKey>,
    ) {
        let Some((entry, asked)) = entry.and_then(|entry| Some((entry, entry.asked()?))) else {
            return;
        };
        let kept = KeptApproval {
            request: entry.id,
            caller: Arc::clone(&entry.caller),
            scope: asked.scope,
            thing: asked.thing,
            until: approved.until,
            fate: Fate::Open,
        };
        self.insert(approved.id, kept);
        changed.push(RowKey::Approval(approved.id));
    }

    /// Whether an approval that a request gave can still be used at a moment.
    pub(super) fn is_usable(&self, request: RequestId, at: Timestamp) -> bool {
        let first = (request, ApprovalId(uuid::Uuid::nil()));
        let last = (request, ApprovalId(uuid::Uuid::max()));
        let mut given = self.of_request.range(first..=last);
        given.any(|(_, id)| {
            let kept = self.entries.get(id);
            kept.is_some_and(|kept| kept.fate == Fate::Open && at < kept.until)
        })
    }

    fn end(&mut self, id: ApprovalId, fate: Fate, changed: &mut Vec<RowKey>) {
        if let Some(kept) = self.entries.get_mut(&id)
            && kept.fate == Fate::Open
        {
            kept.fate = fate;
            changed.push(RowKey::Approval(id));
        }
    }

    /// Revokes the approvals that a request gave; it has one item.
    fn revoke(&mut self, request: RequestId, changed: &mut Vec<RowKey>) {
        let first = (request, ApprovalId(uuid::Uuid::nil()));
        let last = (request, ApprovalId(uuid::Uuid::max()));
        let given = self.of_request.range(first..=last);
        let given: Vec<ApprovalId> = given.map(|(_, id)| *id).collect();
        for id in given {
            self.end(id, Fate::Revoked, changed);
        }
    }

    /// Those that would grant something.
    pub(super) fn of_thing(&self, thing: ScopeDigest) -> impl Iterator<Item = ApprovalId> {
        let first = (thing, ApprovalId(uuid::Uuid::nil()));
        let last = (thing, ApprovalId(uuid::Uuid::max()));
        self.of_thing.range(first..=last).map(|(_, id)| *id)
    }

    /// Ends those that would grant what an event takes back.
    fn supersede(&mut self, event: &Event, index: LogIndex, changed: &mut Vec<RowKey>) {
        let mut superseded = Vec::new();
        for thing in &event.ends {
            superseded.extend(self.of_thing(*thing));
        }
        for id in superseded {
            self.end(id, Fate::Superseded(index), changed);
        }
    }

    /// Drops those whose time has been over for a while.
    pub(super) fn forget(&mut self, time: Timestamp, changed: &mut Vec<RowKey>) {
        while let Some((end, id)) = self.ending.first().copied() {
            if end > time {
                break;
            }
            self.remove(id);
            changed.push(RowKey::Approval(id));
        }
    }

    /// Puts an approval as it is, with what follows from it.
    pub(super) fn insert(&mut self, id: ApprovalId, kept: KeptApproval) {
        self.remove(id);
        self.ending.insert((end(&kept), id));
        self.of_request.insert((kept.request, id));
        self.of_thing.extend(kept.thing.map(|thing| (thing, id)));
        self.entries.insert(id, kept);
    }

    fn remove(&mut self, id: ApprovalId) {
        if let Some(kept) = self.entries.remove(&id) {
            self.ending.remove(&(end(&kept), id));
            self.of_request.remove(&(kept.request, id));
            if let Some(thing) = kept.thing {
                self.of_thing.remove(&(thing, id));
            }
        }
    }

    pub(super) fn get(&self, id: ApprovalId) -> Option<&KeptApproval> {
        self.entries.get(&id)
    }

    pub(super) fn names_after(
        &self,
        after: Option<ApprovalId>,
    ) -> impl Iterator<Item = ApprovalId> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.entries.range((from, Bound::Unbounded));
        range.map(|(id, _)| *id)
    }
}

/// When an approval is forgotten.
fn end(kept: &KeptApproval) -> Timestamp {
    kept.until.plus_milliseconds(KEY_RETENTION_MILLISECONDS)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::Approvals;
    use crate::domain::time::Timestamp;
    use crate::store::access::ApprovalId;
    use crate::store::access::Fate;
    use crate::store::access::KeptApproval;
    use crate::store::command::RequestId;
    use crate::store::command::ScopeDigest;
    use crate::store::state::RowKey;

    const ID: ApprovalId = ApprovalId(Uuid::from_u128(7));

    #[test]
    fn an_approval_ends_with_the_grant_that_gave_it() {
        let kept = |fate| KeptApproval {
            request: RequestId(Uuid::from_u128(1)),
            caller: "acms".into(),
            scope: ScopeDigest::from_bytes([1; 32]),
            thing: None,
            until: Timestamp::from_milliseconds(9),
            fate,
        };
        let mut approvals = Approvals::default();
        approvals.insert(ID, kept(Fate::Open));
        let mut changed = Vec::new();
        approvals.revoke(RequestId(Uuid::from_u128(2)), &mut changed);
        assert_eq!(
            (approvals.get(ID), changed.len()),
            (Some(&kept(Fate::Open)), 0)
        );
        approvals.revoke(RequestId(Uuid::from_u128(1)), &mut changed);
        assert_eq!(approvals.get(ID), Some(&kept(Fate::Revoked)));
        assert_eq!(changed, [RowKey::Approval(ID)]);
        approvals.revoke(RequestId(Uuid::from_u128(1)), &mut changed);
        assert_eq!(changed.len(), 1, "once");
    }
}
