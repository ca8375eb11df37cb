//! Choices that a seed decides; the seed is told when a round fails.

#![cfg(test)]

/// The generator "splitmix64".
#[derive(Debug)]
pub(crate) struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// From `COMITY_CAMPAIGN_SEED` if it is given, else from the operating system.
    pub(crate) fn new() -> Self {
        let given = std::env::var_os("COMITY_CAMPAIGN_SEED");
        let seed = match given.map(|text| text.to_string_lossy().parse()) {
            Some(number) => number.expect("COMITY_CAMPAIGN_SEED is a number"),
            None => getrandom::u64().unwrap(),
        };
        Self::from_seed(seed)
    }

    pub(crate) fn from_seed(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in a range, which must not be empty.
    pub(crate) fn within(&mut self, range: std::ops::Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// An index into something of this length.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.within(0..length as u64)).unwrap()
    }
}

/// A failing test prints what is on standard error, and so the seed.
impl Drop for Random {
    #[expect(clippy::print_stderr, reason = "told only when a round fails")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the choices came from COMITY_CAMPAIGN_SEED={}", self.seed);
        }
    }
}
