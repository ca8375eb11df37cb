//! The baseline: the recorded requests and facts in memory, built into entities and asked; nothing read, nothing compared.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use cedar_policy::Authorizer;
use cedar_policy::Entities;
use cedar_policy::PolicySet;
use cedar_policy::Request;
use comity::app::replay::archived_bundle;
use comity::decision::derived::subset;
use comity::decision::engine::Engine;
use comity::decision::query::Prepared;
use comity::decision::query::Query;
use comity::decision::record::DecisionRecord;
use comity::decision::record::PartClass;
use comity::decision::record::RecordPart;
use comity::decision_log::LogIndex;
use comity::decision_log::PartClass as LeafPartClass;
use comity::decision_log::StoredPart;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::archive::Archive;

/// How many records a worker takes at once.
const PIECE: usize = 512;

/// All that was asked, and a copy of the engine for each worker.
pub(crate) struct Asked {
    records: Vec<DecisionRecord>,
    engines: Vec<(Engine, PolicySet)>,
}

/// One worker of the baseline.
pub(crate) struct Bare<'a> {
    engine: &'a Engine,
    policies: &'a PolicySet,
    authorizer: Authorizer,
}

impl Asked {
    /// What a log holds; all of it was decided under one bundle.
    pub(crate) fn of(store: &EmbeddedStore, archive: &Archive) -> Self {
        let size = store.reader().size().0;
        let records: Vec<_> = (0..size).filter_map(|index| record(store, index)).collect();
        let digest = &records[0].bundle.digest;
        assert!(records.iter().all(|record| record.bundle.digest == *digest));
        let engines = (0..comity::app::replay::cores().max(1)).map(|_| {
            let (_, bundle) = archived_bundle(archive, digest).unwrap();
            let engine = Engine::new(Arc::new(bundle));
            let policies = subset(engine.bundle(), |_| true).unwrap();
            (engine, policies)
        });
        Self {
            engines: engines.collect(),
            records,
        }
    }

    pub(crate) fn decisions(&self) -> u64 {
        self.records.len() as u64
    }

    /// Lets so many workers ask all of it.
    pub(crate) fn by_all(&self, workers: usize, ask: fn(&Bare<'_>, &DecisionRecord)) {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for (engine, policies) in self.engines.iter().take(workers) {
                let next = &next;
                scope.spawn(move || {
                    let bare = Bare {
                        engine,
                        policies,
                        authorizer: Authorizer::new(),
                    };
                    loop {
                        let start = next.fetch_add(PIECE, Ordering::Relaxed);
                        let piece = self.records.iter().skip(start).take(PIECE);
                        if piece.len() == 0 {
                            return;
                        }
                        piece.for_each(|record| ask(&bare, record));
                    }
                });
            }
        });
    }
}

fn record(store: &EmbeddedStore, index: u64) -> Option<DecisionRecord> {
    let stored = store.record(LogIndex(index)).unwrap();
    let parts = stored.record.iter().filter_map(StoredPart::present);
    let parts = parts.map(|part| RecordPart {
        class: match &part.class {
            LeafPartClass::State => PartClass::State,
            LeafPartClass::Personal { subject_key } => PartClass::Personal(subject_key.clone()),
        },
        body: part.body.clone(),
    });
    DecisionRecord::from_parts(&parts.collect::<Vec<_>>()).ok()
}

/// Asks the whole set at once.
pub(crate) fn whole(bare: &Bare<'_>, record: &DecisionRecord) {
    bare.asked(record, |request, entities| {
        let policies = bare.policies;
        black_box(bare.authorizer.is_authorized(request, policies, entities));
    });
}

/// Asks what can match.
pub(crate) fn sliced(bare: &Bare<'_>, record: &DecisionRecord) {
    bare.asked(record, |request, entities| {
        black_box(bare.engine.evaluate(request, entities));
    });
}

/// Asks nothing.
pub(crate) fn building(bare: &Bare<'_>, record: &DecisionRecord) {
    bare.asked(record, |request, entities| {
        black_box((request, entities));
    });
}

impl Bare<'_> {
    fn asked(&self, record: &DecisionRecord, ask: impl Fn(&Request, &Entities)) {
        let bundle = self.engine.bundle();
        let prepared = Prepared::new(bundle, &record.request, &record.facts, record.now);
        let asked = prepared.queries(0..prepared.item_count());
        for (_, query) in &asked.queries {
            let Query::Ask(request) = query else {
                panic!("nothing is asked: {query:?}");
            };
            ask(request, &asked.entities);
        }
    }
}
