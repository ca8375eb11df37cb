//! What the disk does by itself: small overwrites of prewritten files, each synced.

use std::fs::File;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

const FILE_BYTES: usize = 4 << 20;
const TURNS: usize = 150;

const BATCHES: u32 = 10;

const WRITE: &[u8] = &[7; 4_096];

/// A file of which every byte is on the disk.
pub(crate) struct Prewritten {
    file: File,
    next: u64,
}

impl Prewritten {
    pub(crate) fn new(directory: &Path, name: &str) -> Self {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(true);
        let file = options.open(directory.join(name)).unwrap();
        file.write_all_at(&vec![0; FILE_BYTES], 0).unwrap();
        file.sync_all().unwrap();
        Self { file, next: 0 }
    }

    pub(crate) fn write_and_sync(&mut self) {
        self.file.write_all_at(WRITE, self.next).unwrap();
        self.next = (self.next + WRITE.len() as u64) % FILE_BYTES as u64;
        self.file.sync_data().unwrap();
    }
}

/// How often a second something can be done.
pub(crate) fn rate(lasting: Duration, mut act: impl FnMut()) -> f64 {
    let began = Instant::now();
    let mut count = 0_u32;
    while began.elapsed() < lasting {
        act();
        count += 1;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

/// The rate that everything is compared with.
pub(crate) fn floor(directory: &Path) -> f64 {
    let mut file = Prewritten::new(directory, "floor");
    rate(Duration::from_millis(700), || file.write_and_sync())
}

/// Several files synced in turn, and two of them at once.
pub(crate) fn print(directory: &Path) {
    let mut files: Vec<_> = (0..3)
        .map(|number| Prewritten::new(directory, &format!("sync-{number}")))
        .collect();
    let mut other = Prewritten::new(directory, "sync-other");
    let (ask, asked) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel::<()>();
    let beside = thread::spawn(move || {
        while asked.recv().is_ok() {
            other.write_and_sync();
            tell.send(()).unwrap();
        }
    });
    let names = [
        "one sync",
        "three in turn",
        "two at once, then one",
        "two at once",
    ];
    let mut took = names.map(|_| Vec::new());
    // Short turns, so that drift of the machine falls on all rows alike.
    for turn in 0..TURNS {
        for step in 0..names.len() {
            let row = (turn + step) % names.len();
            let began = Instant::now();
            for _ in 0..BATCHES {
                match row {
                    0 => files[0].write_and_sync(),
                    1 => files.iter_mut().for_each(Prewritten::write_and_sync),
                    _ => {
                        ask.send(()).unwrap();
                        files[0].write_and_sync();
                        told.recv().unwrap();
                        if row == 2 {
                            files[1].write_and_sync();
                        }
                    }
                }
            }
            took[row].push(began.elapsed().as_secs_f64() / f64::from(BATCHES));
        }
    }
    drop(ask);
    beside.join().unwrap();
    println!("\n## Syncs\n\n| a batch is | median µs | ratio |\n| --- | ---: | ---: |");
    let medians = took.map(median);
    for (name, seconds) in names.iter().zip(medians) {
        println!(
            "| {name} | {:.0} | {:.2} |",
            seconds * 1e6,
            seconds / medians[0]
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
