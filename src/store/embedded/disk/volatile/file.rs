//! One file of a volatile disk: sectors that were written, over what is durable.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::random::Random;
use crate::store::embedded::disk::DiskFile;

/// The unit that a power cut either keeps or loses.
pub const SECTOR_BYTES: u64 = 512;

const SECTOR: usize = 512;

type Sector = [u8; SECTOR];

#[derive(Debug)]
pub(super) struct FileState {
    /// The durable file; absent while its name is not durable.
    place: Option<Arc<dyn DiskFile>>,
    /// What was synced while there was no place.
    synced: BTreeMap<u64, Sector>,
    synced_length: u64,
    /// What was written since the last sync, all versions of each sector, the newest one last: the
    /// disk may have got any of them.
    unsynced: BTreeMap<u64, Vec<Sector>>,
    /// What a failed sync left in memory, taken for clean.
    adrift: BTreeMap<u64, Sector>,
    length: u64,
}

impl FileState {
    pub(super) fn new() -> Self {
        Self {
            place: None,
            synced: BTreeMap::new(),
            synced_length: 0,
            unsynced: BTreeMap::new(),
            adrift: BTreeMap::new(),
            length: 0,
        }
    }

    pub(super) fn existing(place: Arc<dyn DiskFile>) -> io::Result<Self> {
        let length = place.length()?;
        Ok(Self {
            place: Some(place),
            synced_length: length,
            length,
            ..Self::new()
        })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.length.saturating_sub(offset);
        let count = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut done = 0;
        while done < count {
            let position = offset + done as u64;
            let sector = self.sector(position / SECTOR_BYTES)?;
            let from = within(position);
            let piece = (SECTOR - from).min(count - done);
            copy(&sector, from, buffer, done, piece);
            done += piece;
        }
        Ok(count)
    }

    pub(super) fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            let position = offset + done as u64;
            let number = position / SECTOR_BYTES;
            let mut sector = self.sector(number)?;
            let from = within(position);
            let piece = (SECTOR - from).min(bytes.len() - done);
            copy(bytes, done, &mut sector, from, piece);
            self.unsynced.entry(number).or_default().push(sector);
            self.adrift.remove(&number);
            done += piece;
        }
        self.length = self.length.max(offset + bytes.len() as u64);
        Ok(())
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.synced_length = self.length;
        let sectors = self.take_newest();
        self.keep(sectors)?;
        self.place
            .as_ref()
            .map_or(Ok(()), |place| place.sync_data())
    }

    pub(super) fn fail_sync(&mut self) {
        let sectors = self.take_newest();
        self.adrift.extend(sectors);
    }

    /// The name became durable: what was synced moves to the file beneath.
    pub(super) fn give_place(&mut self, place: Arc<dyn DiskFile>) -> io::Result<()> {
        self.place = Some(place);
        let sectors = std::mem::take(&mut self.synced);
        self.keep(sectors)?;
        self.place
            .as_ref()
            .map_or(Ok(()), |place| place.sync_data())
    }

    /// Keeps some of what was not synced: often a few sectors, now and then all or none.
    pub(super) fn tear(&mut self, random: &mut Random) -> io::Result<()> {
        let kept_of_four = random.below(5);
        let mut sectors = BTreeMap::new();
        for (number, versions) in std::mem::take(&mut self.unsynced) {
            let chosen = usize::try_from(random.below(versions.len() as u64)).unwrap_or(0);
            if let Some(sector) = versions
                .get(chosen)
                .filter(|_| random.below(4) < kept_of_four)
            {
                sectors.insert(number, *sector);
            }
        }
        let end = sectors
            .last_key_value()
            .map_or(0, |(number, _)| (number + 1) * SECTOR_BYTES);
        self.synced_length = self.synced_length.max(end.min(self.length));
        self.keep(sectors)
    }

    fn take_newest(&mut self) -> BTreeMap<u64, Sector> {
        let sectors = std::mem::take(&mut self.unsynced).into_iter();
        sectors
            .filter_map(|(number, versions)| Some((number, *versions.last()?)))
            .collect()
    }

    fn keep(&mut self, sectors: BTreeMap<u64, Sector>) -> io::Result<()> {
        let Some(place) = &self.place else {
            self.synced.extend(sectors);
            return Ok(());
        };
        let mut sectors = sectors.into_iter().peekable();
        while let Some((first, sector)) = sectors.next() {
            let mut run = sector.to_vec();
            let mut next = first + 1;
            while let Some((_, sector)) = sectors.next_if(|(number, _)| *number == next) {
                run.extend(sector);
                next += 1;
            }
            let offset = first * SECTOR_BYTES;
            let left = self.synced_length.saturating_sub(offset);
            run.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            place.write_all_at(&run, offset)?;
        }
        Ok(())
    }

    fn sector(&self, number: u64) -> io::Result<Sector> {
        let newest = self
            .unsynced
            .get(&number)
            .and_then(|versions| versions.last());
        let written = newest.or_else(|| self.adrift.get(&number));
        if let Some(sector) = written.or_else(|| self.synced.get(&number)) {
            return Ok(*sector);
        }
        let mut sector = [0; SECTOR];
        if let Some(place) = &self.place {
            let mut done = 0;
            while let Some(rest) = sector.get_mut(done..).filter(|rest| !rest.is_empty()) {
                match place.read_at(rest, number * SECTOR_BYTES + done as u64)? {
                    0 => break,
                    count => done += count,
                }
            }
        }
        Ok(sector)
    }
}

fn within(position: u64) -> usize {
    usize::try_from(position % SECTOR_BYTES).unwrap_or(0)
}

fn copy(from: &[u8], from_offset: usize, to: &mut [u8], to_offset: usize, count: usize) {
    let source = from.get(from_offset..from_offset + count);
    let target = to.get_mut(to_offset..to_offset + count);
    if let (Some(source), Some(target)) = (source, target) {
        target.copy_from_slice(source);
    }
}
