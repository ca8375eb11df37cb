//! How many recorded decisions are made again a second, beside building the same entities and asking the engine alone.
//!
//! `docs/benchmarks.md` says what the table means. Nothing here passes or fails by a time. The log is filled through the
//! use cases, as a service fills it, under the system's directory for temporary files, which `TMPDIR` chooses.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "the tables are what it is run for")]

mod bare;
mod fill;

use std::path::PathBuf;
use std::time::Instant;

use comity::app::recorded::Selection;
use comity::app::replay::Replay;
use comity::app::replay::cores;
use comity::store::embedded::EmbeddedStore;
use comity::store::embedded::archive::Archive;

use crate::bare::Asked;

/// How many requests are recorded, unless an argument says another number.
const RECORDS: u64 = 20_000;

/// How often the sides take turns.
const TURNS: usize = 7;

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let records = numbers.next().unwrap_or(RECORDS);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Some(directory) = kept_directory() {
        runtime.block_on(fill::fill(&directory, records));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    runtime.block_on(fill::fill(directory.path(), records));
    let (store, archive) = fill::open(directory.path());
    let asked = Asked::of(&store, &archive);
    assert_eq!(asked.decisions(), records);
    for workers in [1, cores()] {
        compare(&store, &archive, &asked, workers);
    }
}

/// Where the log is to be left for other programs, if nothing is to be measured.
fn kept_directory() -> Option<PathBuf> {
    let mut arguments = std::env::args_os().skip_while(|argument| argument != "--keep");
    arguments.nth(1).map(PathBuf::from)
}

/// One way of deciding all that was recorded.
struct Side<'a> {
    name: &'static str,
    run: Box<dyn FnMut() + 'a>,
}

fn compare(store: &EmbeddedStore, archive: &Archive, asked: &Asked, workers: usize) {
    let mut sides = [
        Side {
            name: "replay: read, verify, decide, compare",
            run: Box::new(|| replayed(store, archive, workers, asked.decisions())),
        },
        Side {
            name: "bare Cedar: build the same entities and request, ask the whole policy set",
            run: Box::new(|| asked.by_all(workers, bare::whole)),
        },
        Side {
            name: "bare engine: the same, and ask only the policies that can match",
            run: Box::new(|| asked.by_all(workers, bare::sliced)),
        },
        Side {
            name: "of it building entities and request",
            run: Box::new(|| asked.by_all(workers, bare::building)),
        },
    ];
    let mut samples = vec![Vec::new(); sides.len()];
    for turn in 0..=TURNS {
        for step in 0..sides.len() {
            let chosen = (turn + step) % sides.len();
            let began = Instant::now();
            (sides[chosen].run)();
            let took = began.elapsed().as_secs_f64();
            // The first turn warms up.
            if turn > 0 {
                samples[chosen].push(took);
            }
        }
    }
    let decisions = f64::from(u32::try_from(asked.decisions()).unwrap());
    let medians: Vec<f64> = samples.iter_mut().map(|it| median(it)).collect();
    println!("\n{} decisions, {workers} workers\n", asked.decisions());
    println!(
        "| decisions a second | replay to it | µs a decision and worker | |\n| ---: | ---: | ---: | --- |"
    );
    for (side, took) in sides.iter().zip(&medians) {
        let workers = f64::from(u32::try_from(workers).unwrap());
        println!(
            "| {:.0} | {:.2} | {:.1} | {} |",
            decisions / took,
            took / medians[0],
            took * workers * 1e6 / decisions,
            side.name
        );
    }
}

fn replayed(store: &EmbeddedStore, archive: &Archive, workers: usize, decisions: u64) {
    let replay = Replay::of(store, archive, workers);
    let begun = replay.begin(Selection::default());
    let reached = replay.go_on(begun, |_| std::ops::ControlFlow::Continue(()));
    let report = reached.unwrap().into_report();
    assert_eq!((report.identical, report.mismatches), (decisions, 0));
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
