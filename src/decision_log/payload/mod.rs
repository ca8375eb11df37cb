//! The payload of an entry: all its parts, in their order, as one run of bytes.

use crate::decision_log::Commitment;
use crate::decision_log::Leaf;
use crate::decision_log::Part;
use crate::decision_log::PartClass;
use crate::decision_log::RootHash;
use crate::decision_log::SUBJECT_KEY_LIMIT_BYTES;
use crate::decision_log::Salt;
use crate::decision_log::StoredPart;
use crate::decision_log::merkle;
use crate::decision_log::part::PERSONAL_TAG;
use crate::decision_log::part::STATE_TAG;

/// The most parts that one entry may have.
pub const PARTS_LIMIT: usize = 1 << 20;

const VERSION: u8 = 1;
const PRESENT: u8 = 0;
const ERASED: u8 = 1;

/// The parts of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    // INVARIANT (within limits): no more than `PARTS_LIMIT` parts, each key and body in its limit.
    parts: Vec<StoredPart>,
}

/// Why bytes are no payload, or parts can't be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// There are more parts than an entry may have.
    #[error("payload has {count} parts, more than {PARTS_LIMIT}")]
    TooManyParts {
        /// How many there are.
        count: usize,
    },
    /// The key of a subject is too long.
    #[error("part {part} has a subject key of {length} bytes, more than {SUBJECT_KEY_LIMIT_BYTES}")]
    SubjectKeyTooLong {
        /// Which part, counted from zero.
        part: usize,
        /// How many bytes the key has.
        length: usize,
    },
    /// The body of a part is too long for its length field.
    #[error("part {part} has a body of {length} bytes, more than {}", u32::MAX)]
    BodyTooLong {
        /// Which part, counted from zero.
        part: usize,
        /// How many bytes the body has.
        length: usize,
    },
    /// The payload was written by a later version of the program.
    #[error("payload has version {version}, this program knows version {VERSION}")]
    UnknownVersion {
        /// The version that the payload names.
        version: u8,
    },
    /// The bytes end before the payload does.
    #[error("payload ends early, at byte {offset}")]
    Ends {
        /// Where.
        offset: usize,
    },
    /// The bytes go on after the payload has ended.
    #[error("payload is followed by {length} bytes that do not belong to it")]
    Trailing {
        /// How many.
        length: usize,
    },
    /// A part is of a class or form that does not exist.
    #[error("part {part} has class {class} and form {form}, which do not exist together")]
    UnknownForm {
        /// Which part, counted from zero.
        part: usize,
        /// The byte for its class.
        class: u8,
        /// The byte for its form.
        form: u8,
    },
    /// The key of a subject is not UTF-8.
    #[error("part {part} has a subject key that is not UTF-8")]
    SubjectKeyNotText {
        /// Which part, counted from zero.
        part: usize,
    },
}

/// Why parts are not those that a leaf commits to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MismatchError {
    /// The leaf speaks of another number of parts.
    #[error("leaf commits to {expected} parts, the payload has {found}")]
    Count {
        /// How many the leaf commits to.
        expected: u32,
        /// How many there are.
        found: u32,
    },
    /// The parts, or their order, are not those of the leaf.
    #[error("leaf commits to parts with root {expected}, those of the payload have {found}")]
    Root {
        /// The root in the leaf.
        expected: RootHash,
        /// The root over the parts.
        found: RootHash,
    },
}

impl Payload {
    /// Makes a payload of these parts, in this order.
    pub fn new(parts: Vec<StoredPart>) -> Result<Self, PayloadError> {
        if parts.len() > PARTS_LIMIT {
            return Err(PayloadError::TooManyParts { count: parts.len() });
        }
        for (number, stored) in parts.iter().enumerate() {
            if let StoredPart::Present(part) = stored {
                check_lengths(number, part)?;
            }
        }
        Ok(Self { parts })
    }

    /// Makes a payload of parts that were just made.
    pub fn of(parts: impl IntoIterator<Item = Part>) -> Result<Self, PayloadError> {
        Self::new(parts.into_iter().map(StoredPart::Present).collect())
    }

    /// The parts, in their order.
    pub fn parts(&self) -> &[StoredPart] {
        &self.parts
    }

    /// The parts, taken out.
    pub fn into_parts(self) -> Vec<StoredPart> {
        self.parts
    }

    /// How many parts there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }

    /// The RFC 6962 root over the commitments of the parts.
    pub fn root(&self) -> RootHash {
        let commitments = self.parts.iter().map(StoredPart::commitment);
        merkle::root(commitments.map(|commitment| merkle::leaf_hash(commitment.as_bytes())))
    }

    /// Writes the payload as it is kept.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.count().to_be_bytes());
        for part in &self.parts {
            match part {
                StoredPart::Present(part) => encode_present(part, &mut bytes),
                StoredPart::Erased(commitment) => {
                    bytes.extend([PERSONAL_TAG, ERASED]);
                    bytes.extend(commitment.as_bytes());
                }
            }
        }
        bytes
    }

    /// Reads a payload; takes nothing but what [`Payload::encode`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, PayloadError> {
        let mut input = Input { bytes, offset: 0 };
        let [version] = input.array()?;
        if version != VERSION {
            return Err(PayloadError::UnknownVersion { version });
        }
        let count = u32::from_be_bytes(input.array()?) as usize;
        if count > PARTS_LIMIT {
            return Err(PayloadError::TooManyParts { count });
        }
        let parts = (0..count)
            .map(|number| parse_part(number, &mut input))
            .collect::<Result<_, _>>()?;
        match bytes.len() - input.offset {
            0 => Self::new(parts),
            length => Err(PayloadError::Trailing { length }),
        }
    }
}

/// Checks that a payload holds exactly the parts that the leaf commits to.
pub fn verify(leaf: &Leaf, payload: &Payload) -> Result<(), MismatchError> {
    if leaf.parts() != payload.count() {
        return Err(MismatchError::Count {
            expected: leaf.parts(),
            found: payload.count(),
        });
    }
    let found = payload.root();
    if leaf.parts_root() == found {
        Ok(())
    } else {
        Err(MismatchError::Root {
            expected: leaf.parts_root(),
            found,
        })
    }
}

fn check_lengths(number: usize, part: &Part) -> Result<(), PayloadError> {
    if let PartClass::Personal { subject_key } = &part.class
        && subject_key.len() > SUBJECT_KEY_LIMIT_BYTES
    {
        return Err(PayloadError::SubjectKeyTooLong {
            part: number,
            length: subject_key.len(),
        });
    }
    if u32::try_from(part.body.len()).is_err() {
        return Err(PayloadError::BodyTooLong {
            part: number,
            length: part.body.len(),
        });
    }
    Ok(())
}

/// Lengths fit their fields by the invariant *within limits*.
fn encode_present(part: &Part, bytes: &mut Vec<u8>) {
    bytes.extend([part.class.tag(), PRESENT]);
    bytes.extend(part.salt);
    match &part.class {
        PartClass::State => {}
        PartClass::Personal { subject_key } => {
            let length = u16::try_from(subject_key.len()).unwrap_or(u16::MAX);
            bytes.extend(length.to_be_bytes());
            bytes.extend(subject_key.as_bytes());
        }
    }
    let length = u32::try_from(part.body.len()).unwrap_or(u32::MAX);
    bytes.extend(length.to_be_bytes());
    bytes.extend(&part.body);
}

fn parse_part(number: usize, input: &mut Input<'_>) -> Result<StoredPart, PayloadError> {
    let [class, form] = input.array()?;
    match (class, form) {
        (STATE_TAG, PRESENT) => parse_present(PartClass::State, input),
        (PERSONAL_TAG, PRESENT) => {
            let salt: Salt = input.array()?;
            let length = u16::from_be_bytes(input.array()?);
            let key = input.take(usize::from(length))?.to_vec();
            let subject_key = String::from_utf8(key)
                .map_err(|_| PayloadError::SubjectKeyNotText { part: number })?;
            parse_body(PartClass::Personal { subject_key }, salt, input)
        }
        (PERSONAL_TAG, ERASED) => Ok(StoredPart::Erased(Commitment(input.array()?))),
        _ => Err(PayloadError::UnknownForm {
            part: number,
            class,
            form,
        }),
    }
}

fn parse_present(class: PartClass, input: &mut Input<'_>) -> Result<StoredPart, PayloadError> {
    let salt = input.array()?;
    parse_body(class, salt, input)
}

fn parse_body(
    class: PartClass,
    salt: Salt,
    input: &mut Input<'_>,
) -> Result<StoredPart, PayloadError> {
    let length = u32::from_be_bytes(input.array()?) as usize;
    let body = input.take(length)?.to_vec();
    Ok(StoredPart::Present(Part { class, salt, body }))
}

struct Input<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], PayloadError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let taken = rest.get(..length).ok_or(PayloadError::Ends {
            offset: self.bytes.len(),
        })?;
        self.offset += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PayloadError> {
        let offset = self.bytes.len();
        self.take(N)?
            .try_into()
            .map_err(|_| PayloadError::Ends { offset })
    }
}

#[cfg(test)]
mod tests;
