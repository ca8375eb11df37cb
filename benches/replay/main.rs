//! first profile
#![cfg(test)]
#![expect(clippy::print_stdout, reason = "the tables are what it is run for")]
mod fill;
use std::time::Instant;
fn main() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let began = Instant::now();
    runtime.block_on(fill::fill(directory.path(), 20_000));
    println!("filled in {:?}", began.elapsed());
    let (store, archive) = fill::open(directory.path());
    for _ in 0..3 {
        let began = Instant::now();
        let report = comity::app::replay::replay_all(&store, &archive, |_, _| {}).unwrap();
        println!(
            "{:?} {} identical {}",
            began.elapsed(),
            report.decisions,
            report.identical
        );
    }
}
