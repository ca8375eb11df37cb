//! The file `erasures.json`: orders that are in force, by which a restored backup is erased again, and which segments they
//! were carried out in.
//!
//! It names nobody. A backup does not need it; whoever restores one leaves the newest there is in its place. Without it
//! the orders in the log are carried out again, in every segment.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

use crate::decision_log::LogIndex;
use crate::decision_log::TreeSize;
use crate::store::embedded::EmbeddedStore;
use crate::store::embedded::disk;
use crate::store::embedded::disk::Disk;
use crate::store::embedded::journal::SegmentName;
use crate::store::erasure::ErasureGround;
use crate::store::erasure::ErasureId;
use crate::store::erasure::ErasureOrder;
use crate::store::erasure::ErasureScope;
use crate::store::erasure::OrderStatus;

/// The name of the file of orders, in the data directory.
pub const FILE: &str = "erasures.json";

/// An order in force, as far as it takes to carry it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptOrder {
    /// What is to be erased.
    pub scope: ErasureScope,
    /// On what ground.
    pub ground: ErasureGround,
    /// Entries before this one are reached.
    pub before: TreeSize,
}

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptOrders {
    /// The random name of the log.
    pub log: Uuid,
    /// Orders in force, carried out or not.
    pub orders: BTreeMap<ErasureId, KeptOrder>,
    /// By its first entry: the nonce of each segment's file, and the entry of the newest order that was carried out in it.
    #[serde(default)]
    segments: BTreeMap<LogIndex, (u64, LogIndex)>,
}

impl KeptOrders {
    /// Reads a file; there may be none.
    pub(super) fn read(disk: &dyn Disk) -> io::Result<Option<Self>> {
        let file = match disk.open(Path::new(FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let bytes = disk::read_whole(&*file)?;
        Self::parse(&bytes).map(Some).map_err(io::Error::other)
    }

    /// Its orders and those of a newer file of the same log; nothing if they are of two.
    ///
    /// Which segments they were carried out in is said by neither any more: all are looked at.
    pub fn merged(mut self, newer: Self) -> Option<Self> {
        if self.log != newer.log {
            return None;
        }
        self.orders.extend(newer.orders);
        self.segments.clear();
        Some(self)
    }

    /// Reads what such a file says.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl EmbeddedStore {
    /// The orders in the file beside the log; none without one, or in one of another log.
    ///
    /// One that can't be read is an error: it may name orders that the log does not hold.
    pub fn kept_orders(&self) -> io::Result<KeptOrders> {
        let log = self.started().origin;
        let kept = KeptOrders::read(&**self.disk())?;
        match kept {
            Some(kept) if kept.log == log => Ok(kept),
            Some(_) | None => Ok(KeptOrders {
                log,
                ..KeptOrders::default()
            }),
        }
    }

    /// The orders in force that are not carried out in every file that is there, in their order.
    pub fn erasures_to_carry_out(&self) -> io::Result<Vec<(ErasureId, ErasureOrder)>> {
        let kept = self.kept_orders()?;
        let segments = self.reader().payload_segments();
        let is_due = |order: &ErasureOrder| {
            let (Some(confirmed), Some(before)) = (order.confirmed, order.before) else {
                return false;
            };
            let is_swept = |first: &LogIndex, nonce: u64| {
                let swept = kept.segments.get(first);
                swept.is_some_and(|(of, through)| *of == nonce && *through >= confirmed)
            };
            let mut reached = segments
                .iter()
                .filter(|segment| before.holds(segment.first));
            order.status == OrderStatus::Confirmed
                || reached.any(|segment| !is_swept(&segment.first, segment.nonce))
        };
        let mut due: Vec<(ErasureId, ErasureOrder)> = self.view(|state| {
            let orders = state.erasures().filter(|(_, order)| is_due(order));
            orders.map(|(id, order)| (id, order.clone())).collect()
        });
        due.sort_by_key(|(_, order)| order.confirmed);
        Ok(due)
    }

    /// Keeps an order in the file, so that a restored backup that does not hold it is erased too.
    pub fn keep_order(&self, id: ErasureId, order: KeptOrder) -> io::Result<()> {
        let _alone = self.erasing().file();
        let mut kept = self.kept_orders()?;
        kept.orders.insert(id, order);
        self.write_kept(&kept)
    }

    /// Notes that every order up to the one in an entry is carried out in the files that are there.
    pub fn note_carried_out(&self, confirmed: LogIndex) -> io::Result<()> {
        let _alone = self.erasing().file();
        let mut kept = self.kept_orders()?;
        let before = std::mem::take(&mut kept.segments);
        for segment in self.reader().payload_segments() {
            let known = before.get(&segment.first);
            let through = known.filter(|(nonce, _)| *nonce == segment.nonce);
            let through = through.map_or(confirmed, |(_, through)| confirmed.max(*through));
            kept.segments
                .insert(segment.first, (segment.nonce, through));
        }
        self.write_kept(&kept)
    }

    /// Notes that segments have other files now, in which the same orders are carried out as before.
    pub(super) fn note_rewritten(&self, before: &[SegmentName]) -> io::Result<()> {
        let _alone = self.erasing().file();
        let mut kept = self.kept_orders()?;
        let now = self.reader().payload_segments();
        let mut changed = false;
        for old in before {
            let new = now.iter().find(|segment| segment.first == old.first);
            if let (Some(new), Some(known)) = (new, kept.segments.get_mut(&old.first))
                && known.0 == old.nonce
            {
                known.0 = new.nonce;
                changed = true;
            }
        }
        if changed {
            self.write_kept(&kept)
        } else {
            Ok(())
        }
    }

    fn write_kept(&self, kept: &KeptOrders) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(kept).map_err(io::Error::other)?;
        disk::put_whole(&**self.disk(), Path::new(""), FILE, &bytes)
    }
}
