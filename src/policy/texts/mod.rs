//! The two texts of a policy: `@reason` for the partner, `@note` for our own officer.
//!
//! A reason leaves the system, so it must not name anything of ours: no address, no identifier, no policy.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use smol_str::SmolStr;

use crate::policy::annotation::AnnotationError;

/// The most characters of a `@reason`.
pub const REASON_MAX: usize = 160;

/// The most characters of a `@note`.
pub const NOTE_MAX: usize = 400;

/// As many digits in a row are a number that somebody can be called by.
const NUMBER_DIGITS: usize = 5;

/// What a partner is told when a policy refuses or holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PartnerText(SmolStr);

/// What our own officer is told when a policy determines an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Note(SmolStr);

impl PartnerText {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The words of the text, without the punctuation around them.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        words(&self.0)
    }
}

impl Note {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PartnerText {
    type Err = AnnotationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let checked = printable(text, REASON_MAX)?;
        match words(checked).find(|word| names_something(word)) {
            Some(word) => Err(AnnotationError::Identifier(word.to_owned())),
            None => Ok(Self(SmolStr::new(checked))),
        }
    }
}

impl FromStr for Note {
    type Err = AnnotationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        printable(text, NOTE_MAX).map(|text| Self(SmolStr::new(text)))
    }
}

impl fmt::Display for PartnerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One line of text that says something, no longer than so many characters.
fn printable(text: &str, most: usize) -> Result<&str, AnnotationError> {
    let count = text.chars().count();
    if count == 0 || count > most {
        return Err(AnnotationError::Length { count, most });
    }
    let is_blank_at_end = text.trim() != text;
    if is_blank_at_end || text.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err(AnnotationError::NotPrintable);
    }
    Ok(text)
}

/// Characters that show nothing, or turn round how others are shown.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .map(|word| word.trim_matches(['.', ',', ';', ':', '!', '?', '(', ')', '"', '\'', '`']))
        .filter(|word| !word.is_empty())
}

/// Whether a word is an address, a name with dots, a name with a scheme, a number or a quotation of code.
fn names_something(word: &str) -> bool {
    let has_sign = word.contains(['@', '/', '\\', ':', '_', '`', '#', '{', '<', '=']);
    // "e.g." is no name, `mc.nl.example` is one.
    let is_dotted = word.contains('.') && word.split('.').all(|piece| piece.len() > 1);
    let digits = word.chars().filter(char::is_ascii_digit).count();
    has_sign || is_dotted || digits >= NUMBER_DIGITS
}

#[cfg(test)]
mod tests;
