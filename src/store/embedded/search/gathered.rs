//! The index of entries that are not in a file: of the segment that is still written, or of one that is being indexed.

use std::collections::BTreeMap;
use std::ops::Range;

use roaring::RoaringBitmap;

use super::describe::Described;
use super::fault::Fault;
use super::query::Indexed;
use super::term::Dimension;
use super::term::Term;

/// What was gathered of a run of entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    first: u64,
    times: Vec<i64>,
    span: Option<(i64, i64)>,
    /// Which entries have a term, counted from the first.
    postings: BTreeMap<Term, Vec<u32>>,
    sources: Sources,
}

/// Which files the parts of the entries were read from: the nonce of each payload segment, by its first entry.
pub(super) type Sources = BTreeMap<u64, u64>;

impl Gathered {
    /// Nothing yet, from an entry on.
    pub(super) fn new(first: u64) -> Self {
        Self {
            first,
            ..Self::default()
        }
    }

    /// Adds the next entry; of one that can't be described only that it is there.
    pub(super) fn push(&mut self, described: Option<Described>) {
        let number = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        let Described { time, terms } = described.unwrap_or_else(|| Described {
            time: self.times.last().copied().unwrap_or_default(),
            terms: [].into(),
        });
        self.times.push(time);
        let (least, most) = self.span.unwrap_or((time, time));
        self.span = Some((least.min(time), most.max(time)));
        for term in terms {
            self.postings.entry(term).or_default().push(number);
        }
    }

    /// Notes from which files the next entries are read; says whether one of them was written anew since others were.
    pub(super) fn is_read_from(&mut self, sources: &Sources) -> bool {
        let is_same = sources.iter().all(|(first, nonce)| {
            let known = self.sources.get(first);
            known.is_none_or(|known| known == nonce)
        });
        self.sources.extend(sources);
        is_same
    }

    /// Which files it was read from.
    pub(super) fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The entries that it is about.
    pub(super) fn range(&self) -> Range<u64> {
        self.first..self.first + self.times.len() as u64
    }

    /// When each entry was made.
    pub(super) fn all_times(&self) -> &[i64] {
        &self.times
    }

    /// The terms in order, each with the entries that have it.
    pub(super) fn postings(&self) -> impl Iterator<Item = (&Term, &[u32])> {
        let postings = self.postings.iter();
        postings.map(|(term, entries)| (term, entries.as_slice()))
    }
}

impl Indexed for Gathered {
    fn range(&self) -> Range<u64> {
        Gathered::range(self)
    }

    fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    fn posting(&self, term: &Term) -> Result<RoaringBitmap, Fault> {
        let entries = self.postings.get(term);
        Ok(entries.into_iter().flatten().copied().collect())
    }

    fn times(&self) -> Result<Vec<i64>, Fault> {
        Ok(self.times.clone())
    }

    fn values(&self, dimension: Dimension) -> Result<Vec<String>, Fault> {
        let terms = self.postings.keys();
        let terms = terms.filter(|term| term.dimension == dimension);
        Ok(terms.map(|term| term.value.clone()).collect())
    }
}
