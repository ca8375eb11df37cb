//! One JSON value at its place, asked for what the place should hold; what it does not hold is reported.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::Display;
use std::fmt::Write as _;
use std::str::FromStr;

use serde_json::Map;
use serde_json::Value;

use super::Problem;
use super::json::push_token;
use crate::domain::identity::InvalidUri;
use crate::domain::identity::McUri;

const PROBLEMS_MAX: usize = 100;
const QUOTED_CHARACTERS_MAX: usize = 80;
const IDENTIFIER_BYTES_MAX: usize = 255;

/// Gathers problems; beyond a number that helps anyone, only counts them.
#[derive(Debug, Default)]
pub(in crate::domain) struct Report {
    found: RefCell<Found>,
}

#[derive(Debug, Default)]
struct Found {
    problems: Vec<Problem>,
    further: usize,
}

impl Report {
    pub(in crate::domain) fn add(&self, pointer: String, detail: String) {
        let mut found = self.found.borrow_mut();
        if found.problems.len() < PROBLEMS_MAX {
            found.problems.push(Problem { pointer, detail });
        } else {
            found.further += 1;
        }
    }

    /// The value, if nothing was reported.
    pub(in crate::domain) fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        let Found {
            mut problems,
            further,
        } = self.found.into_inner();
        if further > 0 {
            problems.push(Problem {
                pointer: String::new(),
                detail: format!("{further} more problems were found"),
            });
        }
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            Some(_) | None => Err(problems),
        }
    }
}

/// One JSON value at its place.
#[derive(Clone)]
pub(in crate::domain) struct Element<'a> {
    value: &'a Value,
    pointer: String,
    report: &'a Report,
}

impl<'a> Element<'a> {
    pub(in crate::domain) fn root(value: &'a Value, report: &'a Report) -> Self {
        Self {
            value,
            pointer: String::new(),
            report,
        }
    }

    pub(in crate::domain) fn refuse(&self, detail: impl Into<String>) {
        self.report.add(self.pointer.clone(), detail.into());
    }

    pub(in crate::domain) fn pointer(&self) -> &str {
        &self.pointer
    }

    pub(in crate::domain) fn text(&self) -> Option<&'a str> {
        if let Value::String(text) = self.value {
            Some(text)
        } else {
            self.wrong_type("a string")
        }
    }

    /// A text of 1 to that many bytes.
    pub(in crate::domain) fn bounded_text(&self, bytes_max: usize) -> Option<String> {
        let text = self.text()?;
        if text.is_empty() || text.len() > bytes_max {
            self.refuse(format!(
                "is {} bytes long, but must have 1 to {bytes_max}",
                text.len()
            ));
            return None;
        }
        Some(text.to_owned())
    }

    pub(in crate::domain) fn boolean(&self) -> Option<bool> {
        if let Value::Bool(value) = self.value {
            Some(*value)
        } else {
            self.wrong_type("true or false")
        }
    }

    pub(in crate::domain) fn small_number(&self) -> Option<u16> {
        self.number(u16::MAX)
    }

    /// A whole number up to the largest of its type.
    pub(in crate::domain) fn number<T: TryFrom<u64> + Display + Copy>(
        &self,
        largest: T,
    ) -> Option<T> {
        let Value::Number(number) = self.value else {
            return self.wrong_type("a whole number");
        };
        let found = number.as_u64().and_then(|value| T::try_from(value).ok());
        if found.is_none() {
            self.refuse(format!("must be a whole number from 0 to {largest}"));
        }
        found
    }

    pub(in crate::domain) fn octet(&self) -> Option<u8> {
        self.number(u8::MAX)
    }

    pub(in crate::domain) fn count(&self) -> Option<u32> {
        self.number(u32::MAX)
    }

    /// A number of any kind that has a form of its own.
    pub(in crate::domain) fn measure<T>(&self) -> Option<T>
    where
        T: TryFrom<f64, Error: Error + 'static>,
    {
        let Some(number) = self.value.as_f64() else {
            return self.wrong_type("a number");
        };
        self.accepted(T::try_from(number))
    }

    /// What was made of the value, or the reason why nothing was.
    pub(in crate::domain) fn accepted<T, E: Error + 'static>(
        &self,
        made: Result<T, E>,
    ) -> Option<T> {
        made.map_err(|error| self.refuse(with_causes(&error))).ok()
    }

    /// A text in a form of its own.
    pub(in crate::domain) fn parsed<T>(&self) -> Option<T>
    where
        T: FromStr<Err: Error + 'static>,
    {
        self.identifier()?
            .parse()
            .map_err(|error| self.refuse(with_causes(&error)))
            .ok()
    }

    /// A text in a form of its own, never repeated in the problem: the place is beside secrets.
    pub(in crate::domain) fn parsed_unquoted<T: FromStr>(&self, expected: &str) -> Option<T> {
        self.identifier()?
            .parse()
            .map_err(|_| self.refuse(format!("is not {expected}")))
            .ok()
    }

    /// An identity; one that may carry a password is not repeated in the problem.
    pub(in crate::domain) fn identity<T: From<McUri>>(&self) -> Option<T> {
        let text = self.identifier()?;
        let explain = |error: InvalidUri| {
            if may_hold_password(text) {
                "carries a port, parameter, header or password; an identity has none".to_owned()
            } else {
                with_causes(&error)
            }
        };
        text.parse::<McUri>()
            .map(T::from)
            .map_err(|error| self.refuse(explain(error)))
            .ok()
    }

    /// One of some words.
    pub(in crate::domain) fn word<T: Copy>(
        &self,
        noun: &str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let mut detail = format!("{} is not {noun}: {}", quoted(text), known.join(", "));
            suggest(&mut detail, text, &known);
            self.refuse(detail);
        }
        found.map(|(_, value)| *value)
    }

    /// A list of 1 to that many elements.
    pub(in crate::domain) fn list(&self, length_max: usize) -> Option<Vec<Element<'a>>> {
        let Value::Array(items) = self.value else {
            return self.wrong_type("an array");
        };
        if items.is_empty() || items.len() > length_max {
            self.refuse(format!(
                "has {} elements, but must have 1 to {length_max}",
                items.len()
            ));
            return None;
        }
        let place = |(number, value): (usize, &'a Value)| self.child(&number.to_string(), value);
        Some(items.iter().enumerate().map(place).collect())
    }

    /// An object, whatever its members are called.
    pub(in crate::domain) fn object(&self) -> Option<Members<'a>> {
        let Value::Object(members) = self.value else {
            return self.wrong_type("an object");
        };
        Some(Members {
            element: self.clone(),
            members,
        })
    }

    /// An object whose members are all among these.
    pub(in crate::domain) fn object_of(&self, known: &[&str]) -> Option<Members<'a>> {
        let members = self.object()?;
        members.refuse_unknown(known);
        Some(members)
    }

    fn identifier(&self) -> Option<&'a str> {
        let text = self.text()?;
        if text.len() > IDENTIFIER_BYTES_MAX {
            self.refuse(format!(
                "is {} bytes long, more than the {IDENTIFIER_BYTES_MAX} allowed",
                text.len()
            ));
            return None;
        }
        Some(text)
    }

    fn child(&self, token: &str, value: &'a Value) -> Element<'a> {
        let mut pointer = self.pointer.clone();
        push_token(&mut pointer, token);
        Element {
            value,
            pointer,
            report: self.report,
        }
    }

    fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        self.refuse(format!("must be {expected}, not {}", type_of(self.value)));
        None
    }
}

/// The members of one object.
pub(in crate::domain) struct Members<'a> {
    element: Element<'a>,
    members: &'a Map<String, Value>,
}

impl<'a> Members<'a> {
    pub(in crate::domain) fn refuse(&self, detail: &str) {
        self.element.refuse(detail);
    }

    pub(in crate::domain) fn required(&self, name: &str) -> Option<Element<'a>> {
        let found = self.optional(name);
        if found.is_none() {
            self.refuse_member(name, format!("`{name}` is missing"));
        }
        found
    }

    pub(in crate::domain) fn optional(&self, name: &str) -> Option<Element<'a>> {
        let value = self.members.get(name)?;
        Some(self.element.child(name, value))
    }

    pub(in crate::domain) fn refuse_member(&self, name: &str, detail: String) {
        self.element.child(name, &Value::Null).refuse(detail);
    }

    pub(in crate::domain) fn refuse_unknown(&self, known: &[&str]) {
        for name in self.members.keys() {
            if !known.contains(&name.as_str()) {
                let mut detail = format!("unknown member {}", quoted(name));
                suggest(&mut detail, name, known);
                self.refuse_member(name, detail);
            }
        }
    }
}

/// Text in backticks, cut to a length that a message can bear.
pub(in crate::domain) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARACTERS_MAX) {
        Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}

fn suggest(detail: &mut String, text: &str, known: &[&str]) {
    let nearest = known
        .iter()
        .map(|word| (strsim::normalized_damerau_levenshtein(text, word), word))
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    if let Some((likeness, word)) = nearest
        && likeness >= 0.6
        && text.len() <= IDENTIFIER_BYTES_MAX
    {
        detail.push_str("; did you mean `");
        detail.push_str(word);
        detail.push('`');
    }
}

fn may_hold_password(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(_, rest)| rest.contains(':'))
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        if write!(text, ": {error}").is_err() {
            break;
        }
        cause = error.source();
    }
    text
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
