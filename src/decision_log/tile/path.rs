//! Paths of resources: `checkpoint`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`.

use std::fmt;
use std::str::FromStr;

use crate::decision_log::tile::LEVEL_MAX;
use crate::decision_log::tile::Resource;
use crate::decision_log::tile::Span;

const CHECKPOINT: &str = "checkpoint";
const GROUP: u64 = 1_000;

/// A path that names no resource of a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no path of a log: there are `checkpoint`, `tile/<L>/<N>` and `tile/entries/<N>`, each tile with `.p/<W>` if \
     it is partial, where <N> is written as in `x001/x234/067`"
)]
pub struct PathError(String);

pub(super) fn write(resource: Resource, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let span = match resource {
        Resource::Checkpoint => return f.write_str(CHECKPOINT),
        Resource::Tile { level, span } => {
            write!(f, "tile/{level}/")?;
            span
        }
        Resource::Entries(span) => {
            f.write_str("tile/entries/")?;
            span
        }
    };
    write_index(span.index(), f)?;
    if span.is_full() {
        return Ok(());
    }
    write!(f, ".p/{}", span.width())
}

fn write_index(index: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut groups = vec![index % GROUP];
    let mut rest = index / GROUP;
    while rest > 0 {
        groups.push(rest % GROUP);
        rest /= GROUP;
    }
    for (number, group) in groups.iter().enumerate().rev() {
        match number {
            0 => write!(f, "{group:03}")?,
            _ => write!(f, "x{group:03}/")?,
        }
    }
    Ok(())
}

impl FromStr for Resource {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        parse(path).ok_or_else(|| PathError(path.to_owned()))
    }
}

fn parse(path: &str) -> Option<Resource> {
    if path == CHECKPOINT {
        return Some(Resource::Checkpoint);
    }
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, decimal(width).filter(|width| *width < 256)?),
        None => (rest, 256),
    };
    let span = Span::new(parse_index(index)?, u16::try_from(width).ok()?)?;
    if level == "entries" {
        return Some(Resource::Entries(span));
    }
    let level = u8::try_from(decimal(level)?).ok()?;
    (level <= LEVEL_MAX).then_some(Resource::Tile { level, span })
}

/// Only the one way of writing an index counts: no group of zeros before the first that says something.
fn parse_index(text: &str) -> Option<u64> {
    let mut index = 0_u64;
    let mut groups = text.split('/').peekable();
    let mut is_first = true;
    while let Some(group) = groups.next() {
        let digits = match groups.peek() {
            Some(_) => group.strip_prefix('x')?,
            None => group,
        };
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if is_first && groups.peek().is_some() && digits == "000" {
            return None;
        }
        is_first = false;
        let value: u64 = digits.parse().ok()?;
        index = index.checked_mul(GROUP)?.checked_add(value)?;
    }
    Some(index)
}

/// A number without leading zeros, sign or anything else.
pub(in crate::decision_log) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
