//! The journal alone: batches of entries, and the longest that one append took.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use comity::store::embedded::disk::RealDisk;
use comity::store::embedded::journal::EntryBytes;
use comity::store::embedded::journal::Journal;
use comity::store::embedded::journal::JournalSettings;
use comity::store::embedded::journal::Preparation;

use crate::syncs::floor;
use crate::syncs::rate;

/// About what a decision takes.
fn entry() -> EntryBytes {
    EntryBytes {
        leaf: vec![b'l'; 200],
        payload: vec![b'p'; 4_000],
    }
}

fn open(directory: &Path, preparation: Preparation) -> Journal {
    let settings = JournalSettings {
        preparation,
        ..JournalSettings::default()
    };
    let disk = Arc::new(RealDisk::new(directory));
    Journal::open(disk, &settings, &mut |_| {}).unwrap().0
}

pub(crate) fn print(directory: &Path) {
    println!("\n## Journal\n\n| entries a batch | batches/s | entries/s | batches to syncs |");
    println!("| ---: | ---: | ---: | ---: |");
    for entries in [1, 16, 64, 256] {
        let mut journal = open(
            &directory.join(format!("journal-{entries}")),
            Preparation::Beside,
        );
        let batch = vec![entry(); entries];
        let before = floor(directory);
        let batches = rate(Duration::from_secs(2), || {
            journal.append(&batch).unwrap();
        });
        let syncs = f64::midpoint(before, floor(directory));
        let (each, ratio) = (
            batches * f64::from(u32::try_from(entries).unwrap()),
            batches / syncs,
        );
        println!("| {entries} | {batches:.0} | {each:.0} | {ratio:.2} |");
    }
    println!("\n| the next segment | appends | median ms | longest ms |");
    println!("| --- | ---: | ---: | ---: |");
    for (name, preparation) in [
        ("prepared beside", Preparation::Beside),
        ("made when needed", Preparation::WhenNeeded),
    ] {
        let mut journal = open(
            &directory.join(format!("stall-{preparation:?}")),
            preparation,
        );
        let batch = vec![entry(); 16];
        // Enough for segments of 4, 8, 16, 32 and twice 64 MiB.
        let mut took: Vec<f64> = (0..2_500)
            .map(|_| {
                let began = Instant::now();
                journal.append(&batch).unwrap();
                began.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        took.sort_by(f64::total_cmp);
        let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
        println!("| {name} | {} | {median:.2} | {longest:.1} |", took.len());
    }
}
