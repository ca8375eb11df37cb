//! The index against a plain reading of the same entries.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::gathered::Gathered;
use super::*;
use crate::decision::record::PartClass;
use crate::decision::record::RecordPart;
use crate::decision_log::LeafKind;
use crate::decision_log::OutcomeCounts;
use crate::domain::time::Timestamp;
use crate::store::command::RequestId;
use crate::store::embedded::disk::Fault as DiskFault;
use crate::store::embedded::disk::FaultMode;
use crate::store::embedded::disk::FaultyDisk;
use crate::store::embedded::disk::MemoryDisk;
use crate::store::embedded::disk::Operation as DiskOperation;
use crate::store::embedded::journal::EntryBytes;
use crate::store::embedded::journal::Journal;
use crate::store::embedded::journal::JournalSettings;
use crate::store::embedded::journal::Preparation;
use crate::store::embedded::journal::SegmentSizes;
use crate::store::event::Event;
use crate::store::event::EventBody;

const OUTCOMES: [&str; 3] = ["accept", "reject", "review"];
const OPERATIONS: [&str; 2] = ["affiliation", "group-membership-update"];
const START: i64 = 1_767_225_600_000;
const HOUR: i64 = 3_600_000;

/// An entry as a test wants it.
#[derive(Clone, Debug)]
struct Spec {
    hour: i64,
    /// With the parts of a decision; else with its request alone.
    is_decision: bool,
    request: u128,
    operation: usize,
    partner: usize,
    outcome: usize,
    policy: usize,
    user: usize,
    is_answered: bool,
}

fn partner(number: usize) -> String {
    format!("mc{number}.example")
}

fn user(number: usize) -> String {
    format!("sip:user{number}@mc1.example")
}

impl Spec {
    fn time(&self) -> Timestamp {
        Timestamp::from_milliseconds(START + self.hour * HOUR / 4)
    }

    fn entry(&self) -> EntryBytes {
        let (body, record) = if self.is_decision {
            let count = |number: usize| u32::from(self.outcome == number);
            let counts = OutcomeCounts {
                accept: count(0),
                reject: count(1),
                review: count(2),
            };
            let body = EventBody::DryRuns {
                caller: "acms".into(),
                minute: self.time(),
                counts,
            };
            (body, self.parts())
        } else {
            let request_id = RequestId(Uuid::from_u128(self.request));
            let body = EventBody::Acknowledged {
                request_id,
                version: 1,
            };
            (body, Vec::new())
        };
        let event = Event::new(self.time(), body);
        let encoded = event.encode(record, |salts| {
            salts.fill(7);
            Ok(())
        });
        let encoded = encoded.unwrap();
        EntryBytes {
            leaf: encoded.leaf.encode(),
            payload: encoded.payload.encode(),
        }
    }

    fn parts(&self) -> Vec<RecordPart> {
        let state = json!({
            "request_id": Uuid::from_u128(self.request),
            "direction": "inbound",
            "requesting_system": partner(self.partner),
            "receiving_system": "mc9.example",
            "operation": {
                "operation": OPERATIONS[self.operation],
                "elements": { "group": format!("sip:group{}@mc9.example", self.policy) },
            },
            "caller": "acms",
            "bundle": { "digest": "sha256:00" },
            "items": [{
                "outcome": OUTCOMES[self.outcome],
                "policies": [{ "id": format!("policy.{}", self.policy) }],
                "categories": ["some.category"],
            }],
        });
        let personal = PartClass::Personal(user(self.user));
        let mut parts = vec![
            (PartClass::State, state),
            (personal, json!({ "part": "subject" })),
        ];
        if self.is_answered {
            let reviewer = user(9);
            parts.push((
                PartClass::Personal(reviewer.clone()),
                json!({ "part": "reviewer", "reviewer": reviewer, "reason": "seen" }),
            ));
        }
        let parts = parts.into_iter();
        parts
            .map(|(class, body)| RecordPart {
                class,
                body: serde_json::to_vec(&body).unwrap(),
            })
            .collect()
    }

    /// What it should be found by, written down apart from how the index reads it.
    fn terms(&self) -> BTreeSet<Term> {
        let mut terms = BTreeSet::new();
        let mut add = |dimension, value: String| terms.insert(Term::new(dimension, value));
        if !self.is_decision {
            let request = Uuid::from_u128(self.request);
            add(Dimension::Kind, LeafKind::Acknowledgement.to_string());
            add(Dimension::Request, request.to_string());
            return terms;
        }
        add(Dimension::Kind, LeafKind::DryRunSummary.to_string());
        let request = Uuid::from_u128(self.request);
        add(Dimension::Request, request.to_string());
        add(Dimension::Operation, OPERATIONS[self.operation].to_owned());
        add(Dimension::Partner, partner(self.partner));
        add(Dimension::Outcome, OUTCOMES[self.outcome].to_owned());
        add(Dimension::Policy, format!("policy.{}", self.policy));
        add(Dimension::Category, "some.category".to_owned());
        add(Dimension::Bundle, "sha256:00".to_owned());
        add(Dimension::Caller, "acms".to_owned());
        let group = format!("sip:group{}@mc9.example", self.policy);
        add(Dimension::Group, group);
        add(Dimension::User, user(self.user));
        if self.is_answered {
            add(Dimension::Reviewer, user(9));
            add(Dimension::User, user(9));
        }
        terms
    }
}

fn specs(most: usize) -> impl Strategy<Value = Vec<Spec>> {
    let spec = (
        (0..100_i64, any::<bool>(), 0..40_u128, 0..2_usize),
        (0..4_usize, 0..3_usize, 0..5_usize, 0..8_usize),
        any::<bool>(),
    );
    let spec = spec.prop_map(|(first, second, is_answered)| Spec {
        hour: first.0,
        is_decision: first.1,
        request: first.2,
        operation: first.3,
        partner: second.0,
        outcome: second.1,
        policy: second.2,
        user: second.3,
        is_answered,
    });
    prop::collection::vec(spec, 1..most)
}

fn queries() -> impl Strategy<Value = Query> {
    let term = prop_oneof![
        (0..2_usize).prop_map(|it| Term::new(Dimension::Operation, OPERATIONS[it])),
        (0..4_usize).prop_map(|it| Term::new(Dimension::Partner, partner(it))),
        (0..3_usize).prop_map(|it| Term::new(Dimension::Outcome, OUTCOMES[it])),
        (0..6_usize).prop_map(|it| Term::new(Dimension::Policy, format!("policy.{it}"))),
        (0..10_usize).prop_map(|it| Term::new(Dimension::User, user(it))),
        Just(Term::new(Dimension::Reviewer, user(9))),
        Just(Term::new(Dimension::Kind, "dry-run-summary")),
        Just(Term::new(Dimension::Kind, "acknowledgement")),
        Just(Term::new(Dimension::Caller, "acms")),
        (0..40_u128).prop_map(|it| {
            let request = Uuid::from_u128(it).to_string();
            Term::new(Dimension::Request, request)
        }),
    ];
    let moment = prop::option::of(0..30_i64);
    let moment = move || {
        let moment = moment.clone();
        moment.prop_map(|hour| hour.map(|hour| Timestamp::from_milliseconds(START + hour * HOUR)))
    };
    let terms = prop::collection::vec(term, 0..3);
    (terms, moment(), moment()).prop_map(|(terms, from, until)| Query { terms, from, until })
}

fn fits(query: &Query, spec: &Spec) -> bool {
    let terms = spec.terms();
    query.terms.iter().all(|term| terms.contains(term))
        && query.from.is_none_or(|from| spec.time() >= from)
        && query.until.is_none_or(|until| spec.time() < until)
}

fn settings() -> JournalSettings {
    let sizes = |bytes| SegmentSizes {
        first_bytes: bytes,
        largest_bytes: bytes,
    };
    JournalSettings {
        leaf_segments: sizes(2_048),
        payload_segments: sizes(4_096),
        preparation: Preparation::WhenNeeded,
        ..JournalSettings::default()
    }
}

/// A log and its index.
struct Bench {
    disk: MemoryDisk,
    faulty: FaultyDisk,
    journal: Journal,
    index: SearchIndex,
    specs: Vec<Spec>,
}

impl Bench {
    fn new(specs: &[Spec]) -> Self {
        let disk = MemoryDisk::default();
        let faulty = FaultyDisk::new(Arc::new(disk.clone()));
        let opened = Journal::open(Arc::new(disk.clone()), &settings(), &mut |_| {});
        let (journal, _) = opened.unwrap();
        let index = Self::index(&faulty, &journal, 1);
        let mut bench = Self {
            disk,
            faulty,
            journal,
            index,
            specs: Vec::new(),
        };
        bench.append(specs);
        bench
    }

    fn index(disk: &FaultyDisk, journal: &Journal, origin: u128) -> SearchIndex {
        let origin = Uuid::from_u128(origin);
        SearchIndex::new(Arc::new(disk.clone()), journal.reader(), origin)
    }

    fn append(&mut self, specs: &[Spec]) {
        for spec in specs {
            self.journal.append(&[spec.entry()]).unwrap();
        }
        self.specs.extend_from_slice(specs);
    }

    /// Another process over the same files.
    fn restart(&mut self, origin: u128) {
        self.index.stop();
        self.index = Self::index(&self.faulty, &self.journal, origin);
    }

    fn expected(&self, query: &Query) -> Vec<u64> {
        let specs = self.specs.iter().enumerate().rev();
        let fitting = specs.filter(|(_, spec)| fits(query, spec));
        fitting.map(|(index, _)| index as u64).collect()
    }

    fn pages(&self, query: &Query, limit: usize) -> Vec<u64> {
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let found = self.index.find(query, before, limit).unwrap();
            assert!(found.indexes.len() <= limit);
            all.extend(found.indexes.iter().map(|index| index.0));
            if !found.has_more {
                return all;
            }
            before = found.indexes.last().copied();
            assert!(before.is_some());
        }
    }

    fn files(&self) -> Vec<std::path::PathBuf> {
        let mut paths = self.disk.paths();
        paths.retain(|path| path.starts_with(file::DIRECTORY));
        paths
    }

    /// Waits until all that is sealed is in files.
    fn settled(&self) -> Vec<std::path::PathBuf> {
        self.index.find(&Query::default(), None, 1).unwrap();
        let sealed = self.journal.reader().sealed_leaf_segments().len();
        for _ in 0..2_000 {
            let catalog = self.index.shared.catalog();
            let is_unwritten = catalog.unwritten().is_some();
            let slots = catalog.slots.len();
            drop(catalog);
            if !is_unwritten && slots == sealed {
                return self.files();
            }
            self.index.shared.wake();
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the index was never written: {:?}", self.index.status());
    }
}

/// Entries of all sorts, in several segments.
fn many(count: usize) -> Vec<Spec> {
    let specs = (0..count).map(|number| Spec {
        hour: i64::try_from(number / 3).unwrap(),
        is_decision: number % 5 != 4,
        request: number as u128,
        operation: number % 2,
        partner: number % 4,
        outcome: number % 3,
        policy: number % 5,
        user: number % 8,
        is_answered: number % 7 == 0,
    });
    specs.collect()
}

fn all_queries() -> Vec<Query> {
    let by = |dimension, value: &str| Query {
        terms: vec![Term::new(dimension, value)],
        ..Query::default()
    };
    vec![
        Query::default(),
        by(Dimension::Partner, "mc1.example"),
        by(Dimension::User, &user(3)),
        by(Dimension::Reviewer, &user(9)),
        by(Dimension::Category, "some.category"),
        by(Dimension::Bundle, "sha256:00"),
        by(Dimension::Group, "sip:group2@mc9.example"),
        by(Dimension::Request, &Uuid::from_u128(11).to_string()),
        Query {
            from: Some(Timestamp::from_milliseconds(START + 2 * HOUR)),
            until: Some(Timestamp::from_milliseconds(START + 4 * HOUR)),
            ..by(Dimension::Outcome, "review")
        },
    ]
}

fn assert_right(bench: &Bench) {
    for query in all_queries() {
        assert_eq!(bench.pages(&query, 7), bench.expected(&query), "{query:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn what_is_found_is_what_reading_every_entry_finds(
        specs in specs(60),
        queries in prop::collection::vec(queries(), 1..12),
        limit in 1..20_usize,
    ) {
        let mut bench = Bench::new(&specs);
        for is_restarted in [false, true] {
            if is_restarted {
                bench.settled();
                bench.restart(1);
            }
            for query in &queries {
                prop_assert_eq!(bench.pages(query, limit), bench.expected(query), "{:?}", query);
            }
        }
    }

    #[test]
    fn counts_are_those_of_reading_every_entry(
        specs in specs(60),
        query in queries(),
        month in any::<bool>(),
    ) {
        let bench = Bench::new(&specs);
        let bucket = if month { Bucket::Month } else { Bucket::Every(HOUR) };
        let counts = bench.index.count(&query, bucket, Some(Dimension::Partner), 1_000).unwrap();
        let mut expected: BTreeMap<Timestamp, BucketCount> = BTreeMap::new();
        for spec in specs.iter().filter(|spec| fits(&query, spec)) {
            let count = expected.entry(bucket.start(spec.time())).or_default();
            count.entries += 1;
            if !spec.is_decision {
                continue;
            }
            *[&mut count.accept, &mut count.reject, &mut count.review][spec.outcome] += 1;
            *count.by.entry(partner(spec.partner)).or_default() += 1;
        }
        prop_assert_eq!(counts, expected);
    }
}

#[test]
fn an_index_that_is_lost_damaged_or_foreign_is_made_anew() {
    let mut bench = Bench::new(&many(120));
    let files = bench.settled();
    assert!(files.len() > 5, "{files:?}");
    let whole: Vec<Vec<u8>> = files.iter().map(|path| bench.read(path)).collect();
    let [lost, flipped, cut, swapped, empty, newer] = [0, 1, 2, 3, 4, 5];
    bench.index.stop();
    bench.disk.remove(&files[lost]).unwrap();
    bench.edit(&files[flipped], |bytes| bytes[200] ^= 1);
    bench.edit(&files[cut], |bytes| bytes.truncate(bytes.len() - 9));
    bench.edit(&files[swapped], |bytes| bytes.clone_from(&whole[0]));
    bench.edit(&files[empty], Vec::clear);
    bench.edit(&files[newer], |bytes| bytes[9] = 2);
    bench.restart(1);
    assert_right(&bench);
    let after = bench.settled();
    assert_eq!(after, files);
    for (path, before) in after.iter().zip(&whole) {
        // Each has a salt of its own; its length and what it is of are the same.
        let bytes = bench.read(path);
        assert_eq!(bytes[16..80], before[16..80], "{path:?}");
        assert_eq!(bytes.len(), before.len(), "{path:?}");
    }
    // Of another log, all of them are foreign.
    bench.restart(2);
    assert_right(&bench);
    for (path, before) in bench.settled().iter().zip(&whole) {
        assert_ne!(bench.read(path)[16..32], before[16..32], "{path:?}");
    }
}

#[test]
fn an_index_that_is_damaged_while_it_is_used_heals() {
    let bench = Bench::new(&many(120));
    let files = bench.settled();
    for path in &files {
        bench.edit(path, |bytes| {
            for byte in bytes.iter_mut().skip(152) {
                *byte ^= 1;
            }
        });
    }
    let query = Query {
        terms: vec![Term::new(Dimension::Partner, "mc1.example")],
        ..Query::default()
    };
    let mut refused = 0;
    while bench.index.find(&query, None, 500).is_err() {
        refused += 1;
        assert!(refused <= files.len(), "it never healed");
    }
    assert_eq!(refused, files.len());
    assert_right(&bench);
}

#[test]
fn pages_stay_where_they_are_while_entries_are_added() {
    let mut bench = Bench::new(&many(60));
    let query = Query::default();
    let first = bench.index.find(&query, None, 10).unwrap();
    let mut seen: Vec<u64> = first.indexes.iter().map(|index| index.0).collect();
    let expected = bench.expected(&query);
    let mut before = first.indexes.last().copied();
    while let Some(place) = before {
        bench.append(&many(25));
        let page = bench.index.find(&query, Some(place), 10).unwrap();
        seen.extend(page.indexes.iter().map(|index| index.0));
        before = page.indexes.last().copied().filter(|_| page.has_more);
    }
    assert_eq!(seen, expected);
}

#[test]
fn a_disk_that_takes_no_index_keeps_nobody_from_finding() {
    let bench = Bench::new(&many(120));
    bench.faulty.inject(DiskFault {
        operation: Some(DiskOperation::Create),
        path_contains: "index".to_owned(),
        skip: 0,
        mode: FaultMode::Failed,
    });
    assert_right(&bench);
    // It is tried again, and written.
    assert!(!bench.settled().is_empty());
    assert_eq!(bench.faulty.fired(), 1);
}

#[test]
fn what_is_to_be_indexed_anew_is_found_again_and_its_files_are_gone_at_once() {
    let bench = Bench::new(&many(120));
    let files = bench.settled();
    bench.index.stop();
    let all = LogIndex(0)..LogIndex(120);
    bench.index.rebuild(all).unwrap();
    assert!(bench.files().is_empty());
    let status = bench.index.status();
    assert_eq!(status.indexed, TreeSize(0));
    assert!(bench.index.find(&Query::default(), None, 1).is_err());

    let bench = Bench::new(&many(120));
    assert_eq!(bench.settled(), files);
    let second = bench.journal.reader().sealed_leaf_segments()[1].clone();
    let only = LogIndex(second.start)..LogIndex(second.start + 1);
    bench.index.rebuild(only).unwrap();
    assert_right(&bench);
    assert_eq!(bench.settled(), files);
}

#[test]
fn what_was_erased_is_found_no_longer_and_the_rest_still_is() {
    let spec = &many(8)[7];
    let entry = spec.entry();
    let payload = crate::decision_log::Payload::parse(&entry.payload).unwrap();
    let erased = payload.into_parts().into_iter();
    let erased = erased.map(crate::decision_log::StoredPart::erased);
    let erased = crate::decision_log::Payload::new(erased.collect()).unwrap();
    let described = describe(&entry.leaf, &erased.encode()).unwrap();
    let mut expected = spec.terms();
    expected.retain(|term| !matches!(term.dimension, Dimension::User | Dimension::Reviewer));
    assert_eq!(described.terms, expected);
    assert_eq!(
        describe(&entry.leaf, &entry.payload).unwrap().terms,
        spec.terms()
    );
}

impl Bench {
    fn read(&self, path: &std::path::Path) -> Vec<u8> {
        self.disk.edit(path, |bytes| bytes.clone()).unwrap()
    }

    fn edit(&self, path: &std::path::Path, edit: impl FnOnce(&mut Vec<u8>)) {
        self.disk.edit(path, edit);
    }
}

#[test]
fn what_is_gathered_from_a_file_that_was_written_anew_is_known() {
    let mut gathered = Gathered::new(0);
    assert!(gathered.is_read_from(&BTreeMap::from([(0, 1)])));
    assert!(gathered.is_read_from(&BTreeMap::from([(0, 1), (5, 2)])));
    assert!(!gathered.is_read_from(&BTreeMap::from([(5, 3)])));
}
