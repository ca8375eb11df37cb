//! What became of a request besides answers to it, read back from the log.

use std::collections::BTreeMap;

use crate::app::acknowledge::Settled;
use crate::app::affected::NEVER_CUT;
use crate::app::answer::EndedAnswer;
use crate::app::answer::ItemAnswer;
use crate::app::requests::DividedParts;
use crate::app::requests::receipt;
use crate::app::revoke::RevocationAnswer;
use crate::app::revoke::RevokedByPart;
use crate::app::revoke::RevokedPart;
use crate::app::undone::UndonePart;
use crate::app::withdraw::WithdrawalAnswer;
use crate::app::withdraw::WithdrawalPart;
use crate::app::withdraw::WithdrawnByPart;
use crate::decision::obligation::Obligation;
use crate::store::command::RequestId;
use crate::store::embedded::StoredEntry;
use crate::store::event::EventBody;

/// What was withdrawn and revoked of a request.
#[derive(Debug, Default)]
pub(in crate::app) struct Afterwards {
    pub(in crate::app) withdrawals: Vec<WithdrawalAnswer>,
    pub(in crate::app) revocations: Vec<RevocationAnswer>,
    pub(in crate::app) settled: Settled,
    /// Which items have ended by themselves.
    pub(in crate::app) ended: BTreeMap<usize, EndedAnswer>,
    /// What has to be undone, by item.
    pub(in crate::app) undo: BTreeMap<usize, Vec<Obligation>>,
}

impl Afterwards {
    /// Takes in an entry after the submission; words that were erased are missing.
    pub(in crate::app) fn take(
        &mut self,
        stored: &StoredEntry,
        parts: &DividedParts,
        id: RequestId,
    ) {
        match &stored.event.body {
            EventBody::Withdrawn { request_id, .. } if *request_id == id => {
                self.withdrawals.extend(withdrawal(stored, parts));
                self.take_undone(parts);
            }
            EventBody::Revoked {
                request_id,
                items,
                ended: true,
                ..
            } if *request_id == id => {
                self.take_ended(stored, items);
                self.take_undone(parts);
            }
            EventBody::Revoked { request_id, .. } if *request_id == id => {
                self.revocations.extend(revocation(stored, parts));
                self.take_undone(parts);
            }
            EventBody::Genesis { .. }
            | EventBody::DocumentsWritten { .. }
            | EventBody::Submitted { .. }
            | EventBody::Responded { .. }
            | EventBody::Reported { .. }
            | EventBody::Withdrawn { .. }
            | EventBody::Revoked { .. }
            | EventBody::Acknowledged { .. }
            | EventBody::Expired { .. }
            | EventBody::ObligationNoted { .. }
            | EventBody::ObligationsOverdue { .. }
            | EventBody::Reminded { .. }
            | EventBody::Published { .. }
            | EventBody::PublicationRefused { .. }
            | EventBody::DryRuns { .. }
            | EventBody::SigningBegun(_)
            | EventBody::Erasure { .. }
            | EventBody::SecretsRead { .. }
            | EventBody::RecordsRead { .. } => {}
        }
    }

    /// Says of an item that it has ended, and what has to be undone of it.
    pub(in crate::app) fn tell(&mut self, number: usize, item: &mut ItemAnswer) {
        item.ended = self.ended.remove(&number);
        item.undo = self.undo.remove(&number).unwrap_or_default();
    }

    fn take_ended(&mut self, stored: &StoredEntry, items: &[u32]) {
        let answer = EndedAnswer {
            ended_at: stored.event.at,
            never_cut: NEVER_CUT,
            record: receipt(stored.index, stored),
        };
        let items = items.iter().filter_map(|item| usize::try_from(*item).ok());
        self.ended.extend(items.map(|item| (item, answer.clone())));
    }

    fn take_undone(&mut self, parts: &DividedParts) {
        let undone = parts.all::<UndonePart>().flat_map(|part| part.undone);
        self.undo
            .extend(undone.map(|undone| (undone.item, undone.obligations)));
    }
}

fn withdrawal(stored: &StoredEntry, parts: &DividedParts) -> Option<WithdrawalAnswer> {
    let said: WithdrawalPart = parts.first()?;
    let words: Option<WithdrawnByPart> = parts.first();
    Some(WithdrawalAnswer {
        items: said.items,
        reason: words.map_or_else(|| "erased".to_owned(), |words| words.reason),
        withdrawn_at: said.withdrawn_at,
        record: receipt(stored.index, stored),
    })
}

fn revocation(stored: &StoredEntry, parts: &DividedParts) -> Option<RevocationAnswer> {
    let said: RevokedPart = parts.first()?;
    let words: Option<RevokedByPart> = parts.first();
    let words = words.map(|words| words.reason);
    let lapse = said.because.map(|lapse| lapse.grant_text().to_owned());
    Some(RevocationAnswer {
        items: said.items,
        reason: lapse.or(words).unwrap_or_else(|| "erased".to_owned()),
        because: said.because,
        revoked_at: said.revoked_at,
        never_cut: NEVER_CUT,
        record: receipt(stored.index, stored),
    })
}
