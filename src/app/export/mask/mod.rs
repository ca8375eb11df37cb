//! Masking: what is about people is taken out of a record before anybody is given it.
//!
//! It fails closed. In a part that is about a person every text is taken for the person's unless it is known to be a
//! word of the program, a time or a random name; and what was masked in one place of a record is masked wherever else
//! in the record it occurs, in the middle of a text too. What would let somebody try out guesses (the salt of a part
//! that was masked, the digest of what was submitted) goes with it.

mod asked;
mod place;
mod pseudonym;
mod text;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::app::error::AppError;
use crate::app::export::trailer::MaskReport;
use crate::app::sealing::SealingKey;

pub use self::asked::InvalidMask;
pub use self::asked::Mask;
pub use self::asked::MaskGroup;
pub use self::asked::Treatment;
use self::place::Place;
use self::place::Systems;
use self::pseudonym::Pseudonyms;
use self::text::Known;

/// What takes the place of a value that was removed, in the middle of a text.
const REMOVED: &str = "[masked]";

/// Masks records of one export.
#[derive(Debug)]
pub(super) struct Masker {
    mask: Mask,
    pseudonyms: Pseudonyms,
    report: MaskReport,
}

/// What is masked in one record.
struct Masking<'a> {
    masker: &'a Masker,
    systems: Systems,
    known: Known,
    /// The places, by what they are called in the list.
    masked: BTreeMap<String, Vec<String>>,
    /// The parts of which something was masked.
    parts: BTreeSet<usize>,
}

impl Masker {
    /// Nothing where nothing is to be masked.
    pub(super) fn new(
        mask: &Mask,
        label: Option<&str>,
        key: &SealingKey,
    ) -> Result<Option<Self>, AppError> {
        if mask.is_empty() {
            return Ok(None);
        }
        let label = label.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
        let key = key.pseudonyms(&label);
        let key = key.ok_or_else(|| AppError::Broken("no key for pseudonyms".into()))?;
        Ok(Some(Self {
            mask: mask.clone(),
            pseudonyms: Pseudonyms::new(key),
            report: MaskReport {
                asked: mask.words(),
                label,
                values: BTreeMap::new(),
            },
        }))
    }

    pub(super) fn report(&self) -> MaskReport {
        self.report.clone()
    }

    /// Masks a record, and lists in it what was masked.
    pub(super) fn mask(&mut self, record: &mut Value) {
        let mut masking = Masking {
            masker: self,
            systems: Systems::of(record),
            known: Known::default(),
            masked: BTreeMap::new(),
            parts: BTreeSet::new(),
        };
        masking.collect(record, &Place::root());
        masking.known.settle();
        masking.cover(record, &Place::root());
        let Masking { masked, parts, .. } = masking;
        forget_salts(record, &parts);
        for (group, places) in &masked {
            let count = self.report.values.entry(group.clone()).or_default();
            *count += places.len() as u64;
        }
        if let Value::Object(members) = record {
            members.insert("masked".to_owned(), json!(masked));
        }
    }
}

impl Masking<'_> {
    /// Finds what is to be masked, before anything is.
    fn collect(&mut self, value: &Value, place: &Place) {
        match self.asked(value, place) {
            Some((name, Treatment::Pseudonym)) => self.learn(value, &name, true),
            Some((name, Treatment::Remove)) => self.learn(value, &name, false),
            None => match value {
                Value::Object(members) => {
                    for (name, value) in members {
                        self.collect(value, &place.member(name, members));
                    }
                }
                Value::Array(elements) => {
                    for (number, value) in elements.iter().enumerate() {
                        self.collect(value, &place.element(number));
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            },
        }
    }

    /// Every text in what is masked is masked elsewhere too.
    fn learn(&mut self, value: &Value, name: &str, is_named: bool) {
        match value {
            Value::String(text) if self.systems.says_nothing(text, name) => {}
            Value::String(text) => {
                let instead = if is_named {
                    self.masker.pseudonyms.of(text)
                } else {
                    REMOVED.to_owned()
                };
                self.known.add(text, &instead, name);
            }
            Value::Array(elements) => {
                for element in elements {
                    self.learn(element, name, is_named);
                }
            }
            Value::Object(members) => {
                for value in members.values() {
                    self.learn(value, name, is_named);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// What masks the value at a place, if anything does.
    fn asked(&self, value: &Value, place: &Place) -> Option<(String, Treatment)> {
        if let Some((pointer, treatment)) = self.masker.mask.at_pointer(place.pointer()) {
            return Some((pointer, treatment));
        }
        let group = place.group(value, &self.systems)?;
        let treatment = self.masker.mask.of(group)?;
        Some((group.as_str().to_owned(), treatment))
    }

    /// Masks what was found, and what of it occurs elsewhere.
    fn cover(&mut self, value: &mut Value, place: &Place) {
        match value {
            Value::Object(members) => self.cover_members(members, place),
            Value::Array(elements) => {
                let mut kept = Vec::with_capacity(elements.len());
                for (number, mut element) in std::mem::take(elements).into_iter().enumerate() {
                    if self.covered(&mut element, &place.element(number)) {
                        kept.push(element);
                    }
                }
                *elements = kept;
            }
            Value::String(text) => self.cover_text(text, place),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn cover_members(&mut self, members: &mut Map<String, Value>, place: &Place) {
        let before = std::mem::take(members);
        let places: Vec<Place> = before
            .keys()
            .map(|name| place.member(name, &before))
            .collect();
        for ((name, mut value), place) in before.into_iter().zip(places) {
            if place.is_secret_of_text() {
                self.note("digests", &place);
                continue;
            }
            if self.covered(&mut value, &place) {
                // Names of members are the program's, unless they could not be.
                let is_plain = name
                    .bytes()
                    .all(|it| it.is_ascii_alphabetic() || it == b'_');
                let hidden = if is_plain {
                    None
                } else {
                    self.known.hide(&name)
                };
                let name = hidden.unwrap_or(name);
                members.insert(name, value);
            }
        }
    }

    /// Masks a value; whether it stays.
    fn covered(&mut self, value: &mut Value, place: &Place) -> bool {
        match self.asked(value, place) {
            Some((name, Treatment::Pseudonym)) => {
                self.note(&name, place);
                self.rename(value);
                true
            }
            Some((name, Treatment::Remove)) => {
                self.note(&name, place);
                false
            }
            None => {
                self.cover(value, place);
                true
            }
        }
    }

    /// Pseudonyms instead of every text; numbers say who it is as well, so nothing is left of them.
    fn rename(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.masker.pseudonyms.of(text),
            Value::Array(elements) => {
                for element in elements {
                    self.rename(element);
                }
            }
            Value::Object(members) => {
                for (_, value) in members.iter_mut() {
                    self.rename(value);
                }
            }
            Value::Number(_) => *value = Value::Null,
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn cover_text(&mut self, text: &mut String, place: &Place) {
        if place.is_of_the_program() {
            return;
        }
        let mut is_changed = false;
        if let Some(hidden) = self.known.hide(text) {
            *text = hidden;
            is_changed = true;
        }
        if let Some(treatment) = self.masker.mask.of(MaskGroup::Users) {
            let instead = |identity: &str| match treatment {
                Treatment::Pseudonym => self.masker.pseudonyms.of(identity),
                Treatment::Remove => REMOVED.to_owned(),
            };
            let is_kept = |identity: &str| self.systems.is_group(identity);
            if let Some(hidden) = text::hide_identities(text, is_kept, instead) {
                *text = hidden;
                is_changed = true;
            }
        }
        if is_changed {
            self.note("elsewhere", place);
        }
    }

    fn note(&mut self, name: &str, place: &Place) {
        self.parts.extend(place.part());
        let places = self.masked.entry(name.to_owned()).or_default();
        places.push(
            self.known
                .hide(place.pointer())
                .unwrap_or_else(|| place.pointer().to_owned()),
        );
    }
}

/// With the salt of a part and the rest of its body, a guess at what was masked could be tried out.
fn forget_salts(record: &mut Value, parts: &BTreeSet<usize>) {
    let Some(all) = record.get_mut("parts").and_then(Value::as_array_mut) else {
        return;
    };
    for number in parts {
        if let Some(Value::Object(part)) = all.get_mut(*number) {
            part.shift_remove("salt");
        }
    }
}
