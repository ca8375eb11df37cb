//! What is asked for, and answering it from one index.

use std::collections::BTreeMap;
use std::ops::Range;

use roaring::RoaringBitmap;

use super::buckets::Bucket;
use super::fault::Fault;
use super::term::Dimension;
use super::term::Term;
use crate::domain::outcome::Outcome;
use crate::domain::time::Timestamp;

/// Which entries are wanted: those that have all terms and were made in the period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What they are found by.
    pub terms: Vec<Term>,
    /// Made no earlier.
    pub from: Option<Timestamp>,
    /// Made earlier.
    pub until: Option<Timestamp>,
}

/// How many entries are in a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketCount {
    /// All of them.
    pub entries: u64,
    /// Those of which at least one item was accepted.
    pub accept: u64,
    /// Those of which at least one item was rejected.
    pub reject: u64,
    /// Those of which at least one item waits, or waited.
    pub review: u64,
    /// How many have each value of the dimension that was asked for.
    pub by: BTreeMap<String, u64>,
}

/// How many entries there are, by the beginnings of the buckets.
pub type BucketCounts = BTreeMap<Timestamp, BucketCount>;

/// An index of a run of entries.
pub(super) trait Indexed {
    /// The entries.
    fn range(&self) -> Range<u64>;

    /// The first and the last moment at which one was made; nothing if there are none.
    fn span(&self) -> Option<(i64, i64)>;

    /// Which of them have a term, counted from the first.
    fn posting(&self, term: &Term) -> Result<RoaringBitmap, Fault>;

    /// When each was made.
    fn times(&self) -> Result<Vec<i64>, Fault>;

    /// The values that they have in a dimension whose values are said in the open.
    fn values(&self, dimension: Dimension) -> Result<Vec<String>, Fault>;
}

impl Query {
    /// Which entries of an index are wanted, counted from its first.
    pub(super) fn matches(&self, index: &dyn Indexed) -> Result<RoaringBitmap, Fault> {
        let Some((least, most)) = index.span() else {
            return Ok(RoaringBitmap::new());
        };
        if !self.overlaps(least, most) {
            return Ok(RoaringBitmap::new());
        }
        let range = index.range();
        let count = u32::try_from(range.end - range.start).unwrap_or(u32::MAX);
        let mut found = RoaringBitmap::new();
        found.insert_range(0..count);
        for term in &self.terms {
            found &= index.posting(term)?;
            if found.is_empty() {
                return Ok(found);
            }
        }
        if self.holds(least) && self.holds(most) {
            return Ok(found);
        }
        let times = index.times()?;
        let in_time = found.iter().filter(|number| {
            let time = usize::try_from(*number).ok().and_then(|at| times.get(at));
            time.is_some_and(|time| self.holds(*time))
        });
        Ok(in_time.collect())
    }

    /// Adds up the wanted entries of an index.
    pub(super) fn count(
        &self,
        index: &dyn Indexed,
        bucket: Bucket,
        by: Option<Dimension>,
        counts: &mut BucketCounts,
    ) -> Result<(), Fault> {
        let found = self.matches(index)?;
        if found.is_empty() {
            return Ok(());
        }
        let outcomes = [
            index.posting(&outcome(Outcome::Accept))?,
            index.posting(&outcome(Outcome::Reject))?,
            index.posting(&outcome(Outcome::Review))?,
        ];
        let mut values = Vec::new();
        if let Some(dimension) = by {
            for value in index.values(dimension)? {
                let posting = index.posting(&Term::new(dimension, value.clone()))?;
                values.push((value, posting));
            }
        }
        for (start, entries) in divided(index, bucket, found)? {
            let [accept, reject, review] = outcomes
                .each_ref()
                .map(|posting| entries.intersection_len(posting));
            let sum = counts.entry(start).or_default();
            sum.entries += entries.len();
            sum.accept += accept;
            sum.reject += reject;
            sum.review += review;
            for (value, posting) in &values {
                let more = entries.intersection_len(posting);
                if more > 0 {
                    *sum.by.entry(value.clone()).or_default() += more;
                }
            }
        }
        Ok(())
    }

    /// Whether any entry of these times can be wanted.
    pub(super) fn can_be_in(&self, (least, most): (i64, i64)) -> bool {
        self.overlaps(least, most)
    }

    fn overlaps(&self, least: i64, most: i64) -> bool {
        self.from.is_none_or(|from| most >= from.as_milliseconds())
            && self
                .until
                .is_none_or(|until| least < until.as_milliseconds())
    }

    fn holds(&self, time: i64) -> bool {
        self.from.is_none_or(|from| time >= from.as_milliseconds())
            && self
                .until
                .is_none_or(|until| time < until.as_milliseconds())
    }
}

fn outcome(outcome: Outcome) -> Term {
    Term::new(Dimension::Outcome, outcome.as_str())
}

/// Entries by the buckets that they were made in.
fn divided(
    index: &dyn Indexed,
    bucket: Bucket,
    found: RoaringBitmap,
) -> Result<BTreeMap<Timestamp, RoaringBitmap>, Fault> {
    let start = |time: i64| bucket.start(Timestamp::from_milliseconds(time));
    if let Some((least, most)) = index.span()
        && start(least) == start(most)
    {
        return Ok(BTreeMap::from([(start(least), found)]));
    }
    let times = index.times()?;
    let mut divided: BTreeMap<Timestamp, RoaringBitmap> = BTreeMap::new();
    for number in found {
        let at = usize::try_from(number).ok();
        let time = at.and_then(|at| times.get(at)).copied();
        let time = time.ok_or(Fault::Damaged("it has too few times"))?;
        divided.entry(start(time)).or_default().insert(number);
    }
    Ok(divided)
}
