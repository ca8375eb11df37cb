//! Finding in a text what must not stand there: values that were masked elsewhere, and identities by their form.

/// By what an identity begins.
const SCHEMES: [&str; 5] = ["sips:", "sip:", "tel:", "imei:", "urn:gsma:"];

/// Shorter names of a value are not looked for: they would be found in words that have nothing to do with it.
const SHORT_BYTES: usize = 4;

/// Values that were masked in one record, and what takes their place.
#[derive(Debug, Default)]
pub(super) struct Known {
    values: Vec<(String, String)>,
}

impl Known {
    /// Notes a value; of an identity also what it is without its scheme, and the user alone.
    pub(super) fn add(&mut self, value: &str, instead: &str, group: &str) {
        self.note(value, instead);
        let has_scheme = SCHEMES.iter().any(|scheme| value.starts_with(scheme));
        if !has_scheme || group == super::MaskGroup::Reasons.as_str() {
            return;
        }
        let Some((_, rest)) = value.split_once(':') else {
            return;
        };
        for shorter in [Some(rest), rest.split_once('@').map(|(user, _)| user)] {
            if let Some(shorter) = shorter.filter(|it| it.len() >= SHORT_BYTES) {
                self.note(shorter, instead);
            }
        }
    }

    fn note(&mut self, value: &str, instead: &str) {
        if value.len() < SHORT_BYTES {
            return;
        }
        self.values.push((value.to_owned(), instead.to_owned()));
        let encoded: String = value.bytes().map(percent).collect();
        if encoded != value {
            self.values.push((encoded, instead.to_owned()));
        }
    }

    /// Longer values first, so that none is left in part.
    pub(super) fn settle(&mut self) {
        self.values
            .sort_unstable_by(|one, other| other.0.len().cmp(&one.0.len()).then(one.cmp(other)));
        self.values.dedup();
    }

    /// The text without any of them; nothing if it holds none.
    pub(super) fn hide(&self, text: &str) -> Option<String> {
        let mut hidden: Option<String> = None;
        for (value, instead) in &self.values {
            let present = hidden.as_deref().unwrap_or(text);
            if present.contains(value.as_str()) {
                hidden = Some(present.replace(value.as_str(), instead));
            }
        }
        hidden
    }
}

fn percent(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

/// The text with something else in the place of each identity in it; nothing if it holds none.
pub(super) fn hide_identities(
    text: &str,
    is_kept: impl Fn(&str) -> bool,
    instead: impl Fn(&str) -> String,
) -> Option<String> {
    let mut hidden = String::new();
    let mut rest = text;
    let mut is_changed = false;
    while let Some((before, identity, after)) = next_identity(rest) {
        hidden.push_str(before);
        if is_kept(identity) {
            hidden.push_str(identity);
        } else {
            hidden.push_str(&instead(identity));
            is_changed = true;
        }
        rest = after;
    }
    hidden.push_str(rest);
    is_changed.then_some(hidden)
}

/// What is before the first identity in a text, the identity, and what is after it.
fn next_identity(text: &str) -> Option<(&str, &str, &str)> {
    let lower = text.to_ascii_lowercase();
    let starts = SCHEMES.iter().filter_map(|scheme| lower.find(scheme));
    let start = starts.min()?;
    let (before, rest) = text.split_at_checked(start)?;
    let ends = |it: char| it.is_whitespace() || "\"'`<>(){}[]|,".contains(it);
    let length = rest.find(ends).unwrap_or(rest.len());
    let (identity, after) = rest.split_at_checked(length)?;
    // The full stop at the end of a sentence is not part of it.
    let bare = identity.trim_end_matches(['.', ';', ':', '!', '?', '/']);
    let (identity, point) = identity.split_at_checked(bare.len())?;
    let after_length = point.len() + after.len();
    let (_, after) = text.split_at_checked(text.len() - after_length)?;
    (!identity.is_empty()).then_some((before, identity, after))
}
