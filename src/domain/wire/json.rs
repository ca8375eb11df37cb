//! A JSON reader that refuses what others pass over: repeated members and bottomless nesting.

use std::fmt;

use serde::de::DeserializeSeed;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

use super::Problem;
use super::WireLimits;
use super::element::quoted;

/// Reads one JSON text in which no object has a member twice and nothing nests beyond the limit.
pub fn strict_json(bytes: &[u8], limits: WireLimits) -> Result<Value, Problem> {
    let mut place = Place {
        pointer: String::new(),
        nesting_left: limits.nesting.min(WireLimits::NESTING_MAX),
        detail: None,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = Strict { place: &mut place }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|error| match place.detail {
        Some(detail) => Problem {
            pointer: place.pointer,
            detail,
        },
        None => Problem {
            pointer: String::new(),
            detail: format!("not a JSON text: {error}"),
        },
    })
}

/// Where the reader is, left standing where a problem was found.
struct Place {
    pointer: String,
    nesting_left: usize,
    detail: Option<String>,
}

impl Place {
    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        match self.nesting_left.checked_sub(1) {
            Some(left) => {
                self.nesting_left = left;
                Ok(())
            }
            None => Err(self.refuse("nested too deeply".to_owned())),
        }
    }

    fn leave(&mut self) {
        self.nesting_left += 1;
    }

    fn refuse<E: serde::de::Error>(&mut self, detail: String) -> E {
        let error = E::custom(&detail);
        self.detail = Some(detail);
        error
    }
}

struct Strict<'a> {
    place: &'a mut Place,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.place.enter()?;
        let mut array = Vec::new();
        let length = self.place.pointer.len();
        loop {
            push_token(&mut self.place.pointer, &array.len().to_string());
            let seed = Strict { place: self.place };
            let Some(value) = items.next_element_seed(seed)? else {
                break;
            };
            array.push(value);
            self.place.pointer.truncate(length);
        }
        self.place.pointer.truncate(length);
        self.place.leave();
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        self.place.enter()?;
        let mut object = Map::new();
        let length = self.place.pointer.len();
        while let Some(name) = members.next_key::<String>()? {
            push_token(&mut self.place.pointer, &name);
            if object.contains_key(&name) {
                let detail = format!("the member {} appears twice", quoted(&name));
                return Err(self.place.refuse(detail));
            }
            let value = members.next_value_seed(Strict { place: self.place })?;
            object.insert(name, value);
            self.place.pointer.truncate(length);
        }
        self.place.leave();
        Ok(Value::Object(object))
    }
}

/// Adds one reference token to a JSON pointer.
pub(super) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}
