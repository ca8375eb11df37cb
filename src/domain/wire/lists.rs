//! Lists in a request, in which nothing may stand twice.

use std::collections::HashMap;
use std::hash::Hash;

use super::element::Element;

/// What stands in a list of 1 to that many elements; what stands there again is reported with its first place.
pub(in crate::domain) fn distinct<'a, T: Clone + Eq + Hash>(
    element: &Element<'a>,
    length_max: usize,
    noun: &str,
    read: impl Fn(&Element<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    distinct_by(element, length_max, noun, read, Clone::clone)
}

/// The same, where elements are told apart by a part of them.
pub(in crate::domain) fn distinct_by<'a, T, K: Eq + Hash>(
    element: &Element<'a>,
    length_max: usize,
    noun: &str,
    read: impl Fn(&Element<'a>) -> Option<T>,
    key: impl Fn(&T) -> K,
) -> Option<Vec<T>> {
    let elements = element.list(length_max)?;
    let mut first_places: HashMap<K, String> = HashMap::with_capacity(elements.len());
    let mut values = Vec::with_capacity(elements.len());
    for element in elements {
        let Some(value) = read(&element) else {
            continue;
        };
        let key = key(&value);
        if let Some(first) = first_places.get(&key) {
            element.refuse(format!("names the same {noun} as `{first}`"));
        } else {
            first_places.insert(key, element.pointer().to_owned());
            values.push(value);
        }
    }
    Some(values)
}
