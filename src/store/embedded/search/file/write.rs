//! Writing an index as a file.

use roaring::RoaringBitmap;

use super::BLOCK_TERMS;
use super::Binding;
use super::HEADER_BYTES;
use super::Header;
use super::TERM_BYTES;
use super::TermDigest;
use super::digest;
use crate::store::embedded::search::fault::Fault;
use crate::store::embedded::search::gathered::Gathered;

/// The bytes of the file of what was gathered.
pub(in crate::store::embedded::search) fn encode(
    gathered: &Gathered,
    binding: Binding,
    salt: [u8; 16],
) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    let times = gathered.all_times();
    let least = times.iter().copied().min().unwrap_or_default();
    let most = times.iter().copied().max().unwrap_or_default();
    let time_bytes = write_times(times, (least, most), &mut body);
    let times_checksum = crc32c::crc32c(&body);
    let mut table: Vec<(TermDigest, [u8; TERM_BYTES - 16])> = Vec::new();
    let mut names = Vec::new();
    for (term, entries) in gathered.postings() {
        let (place, length, checksum) = match entries {
            [only] => (u64::from(*only), 0, 0),
            several => {
                let place = (HEADER_BYTES + body.len()) as u64;
                let posting = serialized(several)?;
                body.extend_from_slice(&posting);
                let length = u32::try_from(posting.len());
                let length = length.map_err(|_| Fault::Damaged("a posting is too long"))?;
                (place, length, crc32c::crc32c(&posting))
            }
        };
        let mut rest = [0; TERM_BYTES - 16];
        let fields = place.to_be_bytes().into_iter();
        let fields = fields.chain(length.to_be_bytes());
        for (to, from) in rest.iter_mut().zip(fields.chain(checksum.to_be_bytes())) {
            *to = from;
        }
        table.push((digest(&salt, term), rest));
        if term.dimension.is_named() {
            names.push((term.dimension.as_str(), term.value.as_str()));
        }
    }
    table.sort_unstable();
    let table_at = (HEADER_BYTES + body.len()) as u64;
    for block in table.chunks(usize::try_from(BLOCK_TERMS).unwrap_or(usize::MAX)) {
        let start = body.len();
        for (digest, rest) in block {
            body.extend(digest);
            body.extend(rest);
        }
        let checksum = crc32c::crc32c(body.get(start..).unwrap_or_default());
        body.extend(checksum.to_be_bytes());
    }
    let names_at = (HEADER_BYTES + body.len()) as u64;
    let names = serde_json::to_vec(&names).map_err(std::io::Error::other)?;
    body.extend_from_slice(&names);
    let terms = u32::try_from(table.len());
    let header = Header {
        binding,
        time_bytes,
        terms: terms.map_err(|_| Fault::Damaged("there are too many terms"))?,
        salt,
        span: (least, most),
        table: table_at,
        names: names_at,
        length: (HEADER_BYTES + body.len()) as u64,
        body_checksum: crc32c::crc32c(&body),
        times_checksum,
        names_checksum: crc32c::crc32c(&names),
    };
    let mut bytes = header.encode();
    bytes.append(&mut body);
    Ok(bytes)
}

/// Writes the times, and says in how many bytes each.
fn write_times(times: &[i64], (least, most): (i64, i64), body: &mut Vec<u8>) -> u16 {
    let is_short = u32::try_from(most - least).is_ok();
    for time in times {
        let after = time - least;
        match u32::try_from(after) {
            Ok(short) if is_short => body.extend(short.to_be_bytes()),
            Ok(_) | Err(_) => body.extend(after.to_be_bytes()),
        }
    }
    if is_short { 4 } else { 8 }
}

fn serialized(entries: &[u32]) -> Result<Vec<u8>, Fault> {
    let mut posting: RoaringBitmap = entries.iter().copied().collect();
    posting.optimize();
    let mut bytes = Vec::with_capacity(posting.serialized_size());
    posting.serialize_into(&mut bytes)?;
    Ok(bytes)
}
