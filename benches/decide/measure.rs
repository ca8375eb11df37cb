//! Medians of several calls that take turns, so that drift of the machine falls on all of them alike.

use std::time::Instant;

/// One of the calls that are compared.
pub(crate) struct Side<'a> {
    name: String,
    call: Box<dyn FnMut() + 'a>,
}

impl<'a> Side<'a> {
    pub(crate) fn new(name: impl Into<String>, call: impl FnMut() + 'a) -> Self {
        Self {
            name: name.into(),
            call: Box::new(call),
        }
    }
}

/// How often the sides take turns, and how many calls a turn is.
#[derive(Clone, Copy)]
pub(crate) struct Turns {
    pub(crate) count: usize,
    pub(crate) calls: u32,
}

/// Whether this is a bench, not a test that only asks whether it would run.
pub(crate) fn is_measuring() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

impl Turns {
    /// Two turns of a call where nothing is measured.
    pub(crate) fn or_few(self) -> Self {
        if is_measuring() {
            self
        } else {
            Self { count: 2, calls: 1 }
        }
    }

    /// Turns that are not counted, at the beginning.
    fn warming(self) -> usize {
        self.count.div_ceil(10)
    }

    /// How many calls each side makes in all.
    pub(crate) fn calls_of_each(self) -> usize {
        (self.count + self.warming()) * self.calls as usize
    }
}

/// What was measured of one side, in microseconds a call.
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) median: f64,
    pub(crate) ninetieth: f64,
}

/// Lets the sides take turns; who begins changes with every turn.
pub(crate) fn interleave(mut sides: Vec<Side<'_>>, turns: Turns) -> Vec<Figure> {
    let mut samples = vec![Vec::with_capacity(turns.count); sides.len()];
    for turn in 0..turns.warming() + turns.count {
        for step in 0..sides.len() {
            let chosen = (turn + step) % sides.len();
            let side = &mut sides[chosen];
            let began = Instant::now();
            for _ in 0..turns.calls {
                (side.call)();
            }
            let took = began.elapsed();
            if turn >= turns.warming() {
                samples[chosen].push(took.as_secs_f64() * 1e6 / f64::from(turns.calls));
            }
        }
    }
    sides
        .into_iter()
        .zip(samples)
        .map(|(side, mut samples)| {
            samples.sort_by(f64::total_cmp);
            Figure {
                name: side.name,
                median: samples[samples.len() / 2],
                ninetieth: samples[samples.len() * 9 / 10],
            }
        })
        .collect()
}

/// Prints the figures, each with its ratio to the first.
pub(crate) fn print(title: &str, figures: &[Figure]) {
    println!("\n{title}\n");
    println!("| ratio | median µs | 90 % µs | |\n| ---: | ---: | ---: | --- |");
    for figure in figures {
        println!(
            "| {:.3} | {:.1} | {:.1} | {} |",
            figure.median / figures[0].median,
            figure.median,
            figure.ninetieth,
            figure.name
        );
    }
}

/// Numbers that look random and are the same in every run (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below the bound; the bias of the remainder is far below what is measured.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

/// Memory of this process that is resident, in bytes; unknown where the system does not say.
pub(crate) fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
