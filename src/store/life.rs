//! What becomes of a request besides answers to it: it is withdrawn, what was granted is revoked, and its
//! caller acknowledges what became of it.

use crate::decision::record::RecordPart;
use crate::domain::time::Timestamp;
use crate::store::command::Arising;
use crate::store::command::RequestId;
use crate::store::command::ScopeDigest;
use crate::store::command::Write;

/// Items that whoever asked wants no longer.
#[derive(Clone, Debug)]
pub struct Withdraw {
    /// The request.
    pub request_id: RequestId,
    /// The version on which it was judged.
    pub expected_version: u64,
    /// The items; each must wait, here or for the partner's answer.
    pub items: Vec<u32>,
    /// Documents that are written with it.
    pub writes: Vec<Write>,
    /// The record of the withdrawal.
    pub parts: Vec<RecordPart>,
    /// What has to be undone.
    pub obligations: Vec<Arising>,
    /// What it takes back, by which an approval that is not used yet is superseded.
    pub ends: Vec<ScopeDigest>,
    /// When it was withdrawn.
    pub at: Timestamp,
    /// The moment at which the items must still wait, which a clock that jumped may tell apart from the former.
    pub in_time_at: Timestamp,
}

/// Items that were granted, and are to be so no longer.
#[derive(Clone, Debug)]
pub struct Revoke {
    /// The request; it may have been put away.
    pub request_id: RequestId,
    /// The version on which it was judged.
    pub expected_version: u64,
    /// The items; each must be granted, here or by the partner, and not have ended.
    pub items: Vec<u32>,
    /// Whether their time is over: then nobody revokes them, they have ended by themselves.
    pub ended: bool,
    /// Documents that are written with it.
    pub writes: Vec<Write>,
    /// The record of the revocation.
    pub parts: Vec<RecordPart>,
    /// What has to be undone.
    pub obligations: Vec<Arising>,
    /// What it takes back, by which an approval that is not used yet is superseded.
    pub ends: Vec<ScopeDigest>,
    /// When it was revoked.
    pub at: Timestamp,
}

/// That whoever asked has fetched what became of a request.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledge {
    /// The request; it may have been put away.
    pub request_id: RequestId,
    /// The version that they have seen.
    pub version: u64,
    /// When they said so.
    pub at: Timestamp,
}
