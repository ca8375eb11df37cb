//! How long it takes to find records in a log that was filled through the use cases, beside reading the whole of it.
//!
//! `docs/benchmarks.md` says what the table means. Nothing here passes or fails by a time. The log is filled as a service
//! fills it, under the system's directory for temporary files, which `TMPDIR` chooses.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "the tables are what it is run for")]

#[path = "../replay/fill.rs"]
mod fill;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use comity::app::App;
use comity::app::records::RecordFilter;
use comity::decision_log::LeafKind;
use comity::decision_log::LogIndex;
use comity::domain::outcome::Outcome;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::search::Bucket;
use comity::store::embedded::search::Dimension;
use comity::store::embedded::search::Query;
use comity::store::embedded::search::Term;
use comity::store::embedded::search::describe;

/// How many requests are recorded, unless an argument says another number; a quarter of them first.
const RECORDS: u64 = 40_000;

/// How often each question is asked.
const TIMES: usize = 101;

/// How many records a page has.
const PAGE: usize = 100;

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let records = numbers.next().unwrap_or(RECORDS);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for records in [records / 4, records] {
        let directory = tempfile::tempdir().unwrap();
        runtime.block_on(fill::fill(directory.path(), records));
        let (store, archive) = fill::open(directory.path());
        make_index(directory.path(), &store);
        compare(&store, PAGE);
        runtime.block_on(store.close());
        drop((store, archive));
        runtime.block_on(through_use_cases(directory.path()));
    }
}

/// Indexes the whole log, and tells what that takes.
fn make_index(directory: &Path, store: &EmbeddedStore) {
    let index = directory.join("index");
    if index.exists() {
        std::fs::remove_dir_all(&index).unwrap();
    }
    let size = store.reader().size().0;
    let began = Instant::now();
    while store.search().find(&Query::default(), None, 1).is_err() {}
    let took = began.elapsed().as_secs_f64();
    let sealed = || {
        let files = std::fs::read_dir(&index).map(|files| files.map(Result::unwrap).collect());
        let files: Vec<std::fs::DirEntry> = files.unwrap_or_default();
        let bytes = files.iter().map(|file| file.metadata().unwrap().len());
        (files.len(), bytes.sum::<u64>())
    };
    // What is sealed is written soon after it is indexed.
    let mut files = sealed();
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = sealed();
        if now == files {
            break;
        }
        files = now;
    }
    let per_second = number(size) / took;
    println!(
        "\n{size} entries: indexed in {took:.1} s ({per_second:.0} a second); {} files with {} bytes",
        files.0, files.1
    );
}

fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn by(terms: &[(Dimension, &str)]) -> Query {
    let terms = terms.iter();
    Query {
        terms: terms
            .map(|(dimension, value)| Term::new(*dimension, *value))
            .collect(),
        ..Query::default()
    }
}

/// Each question of the index, and of all entries one after the other.
fn compare(store: &EmbeddedStore, page: usize) {
    let questions = [
        ("everything, the newest page", Query::default()),
        (
            "an officer",
            by(&[(Dimension::User, "sip:officer.77@mc.nl.example")]),
        ),
        (
            "an officer whom nobody knows",
            by(&[(Dimension::User, "sip:nobody@mc.nl.example")]),
        ),
        (
            "a request that there is not",
            by(&[(Dimension::Request, "00000000-0000-4000-8000-000000000000")]),
        ),
        (
            "a group and an outcome",
            by(&[
                (Dimension::Group, "sip:unfall-07@mc.de.example"),
                (Dimension::Outcome, "reject"),
            ]),
        ),
    ];
    println!(
        "\n| index, median µs | p99 µs | all entries read, ms | |\n| ---: | ---: | ---: | --- |"
    );
    for (name, query) in &questions {
        let find = || store.search().find(query, None, page).unwrap().indexes;
        let (median, worst) = timed(|| drop(find()));
        let began = Instant::now();
        let scanned = scan(store, query, page);
        let took = began.elapsed().as_secs_f64() * 1e3;
        assert_eq!(find(), scanned, "{name}");
        println!("| {median:.0} | {worst:.0} | {took:.0} | {name} |");
    }
    let counted = [
        ("counts by hour", Dimension::Operation, Query::default()),
        (
            "counts by hour of a category",
            Dimension::Policy,
            by(&[(Dimension::Operation, "affiliation")]),
        ),
    ];
    for (name, dimension, query) in &counted {
        let hour = "hour".parse::<Bucket>().unwrap();
        let count = || store.search().count(query, hour, Some(*dimension), 1_000);
        let (median, worst) = timed(|| drop(count().unwrap()));
        println!(
            "| {median:.0} | {worst:.0} | | {name}, and by {} |",
            dimension.as_str()
        );
    }
}

/// Reads all entries, and keeps the newest that fit.
fn scan(store: &EmbeddedStore, query: &Query, page: usize) -> Vec<LogIndex> {
    let wanted: BTreeSet<&Term> = query.terms.iter().collect();
    let mut found = Vec::new();
    for entry in store.reader().entries(LogIndex(0)) {
        let entry = entry.unwrap();
        let described = describe(&entry.leaf, &entry.payload).unwrap();
        if wanted.iter().all(|term| described.terms.contains(*term)) {
            found.push(entry.index);
        }
    }
    found.reverse();
    found.truncate(page);
    found
}

/// Whole pages, with the records read and the reading recorded.
async fn through_use_cases(directory: &Path) {
    let app: App = fill::serve(directory).await;
    let caller = fill::operator();
    let filters = [
        RecordFilter {
            user: Some("sip:officer.77@mc.nl.example".parse().unwrap()),
            ..RecordFilter::default()
        },
        RecordFilter {
            outcome: Some(Outcome::Reject),
            kind: Some(LeafKind::Request),
            ..RecordFilter::default()
        },
    ];
    println!("\n| page, median µs | p99 µs | records | |\n| ---: | ---: | ---: | --- |");
    for filter in filters {
        let mut samples = Vec::new();
        let mut records = 0;
        // Until the index was read back.
        while app
            .search_records(&caller, filter.clone(), None, PAGE)
            .await
            .is_err()
        {}
        for _ in 0..TIMES {
            let began = Instant::now();
            let page = app.search_records(&caller, filter.clone(), None, PAGE);
            records = page.await.unwrap().records.len();
            samples.push(began.elapsed().as_secs_f64() * 1e6);
        }
        let (median, worst) = spread(samples);
        let user = filter.user.map_or("an outcome", |_| "an officer");
        println!("| {median:.0} | {worst:.0} | {records} | {user} |");
    }
    app.close().await;
}

fn timed(mut ask: impl FnMut()) -> (f64, f64) {
    ask();
    let samples = (0..TIMES).map(|_| {
        let began = Instant::now();
        ask();
        began.elapsed().as_secs_f64() * 1e6
    });
    spread(samples.collect())
}

/// The median, and what one in a hundred exceeds.
fn spread(mut samples: Vec<f64>) -> (f64, f64) {
    samples.sort_by(f64::total_cmp);
    let at = |part: usize| samples[samples.len() * part / 100];
    (at(50), at(99))
}
