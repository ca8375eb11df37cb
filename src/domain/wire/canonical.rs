//! JSON in its one canonical form (RFC 8785), to be digested and compared.

use std::fmt::Write;

use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

/// The canonical text of a value: members in the order of their UTF-16 names, numbers as ECMAScript writes them.
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(number, text),
        Value::String(string) => write_string(string, text),
        Value::Array(elements) => {
            text.push('[');
            for (position, element) in elements.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write_value(element, text);
            }
            text.push(']');
        }
        Value::Object(members) => write_object(members, text),
    }
}

fn write_object(members: &Map<String, Value>, text: &mut String) {
    let mut sorted: Vec<(Vec<u16>, &String, &Value)> = members
        .iter()
        .map(|(name, value)| (name.encode_utf16().collect(), name, value))
        .collect();
    sorted.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    text.push('{');
    for (position, (_, name, value)) in sorted.into_iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        write_string(name, text);
        text.push(':');
        write_value(value, text);
    }
    text.push('}');
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => {
                // Writing to a string cannot fail.
                let _written = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

/// Beyond it, integers that differ are one double.
const EXACT_MAX: u64 = 1 << 53;

/// A number as the double that it is, since that is what RFC 8785 compares; an integer that no double is, as it stands.
fn write_number(number: &Number, text: &mut String) {
    let beyond = |exact: u64| exact > EXACT_MAX;
    let is_inexact = number.as_u64().is_some_and(beyond)
        || number
            .as_i64()
            .is_some_and(|exact| beyond(exact.unsigned_abs()));
    match number.as_f64() {
        Some(double) if !is_inexact => text.push_str(&double_text(double)),
        Some(_) | None => text.push_str(&number.to_string()),
    }
}

/// The shortest digits that give the double back, laid out by ECMAScript's rules.
fn double_text(double: f64) -> String {
    if double == 0.0 {
        return "0".to_owned();
    }
    let shortest = format!("{:e}", double.abs());
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    // Where the decimal point stands, counted from before the first digit.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let sign = if double < 0.0 { "-" } else { "" };
    let magnitude = if (length..=21).contains(&point) {
        format!("{digits}{}", zeros(point - length))
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = split(&digits, point);
        format!("{whole}.{fraction}")
    } else if (-5..=0).contains(&point) {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = split(&digits, 1);
        let rest = if rest.is_empty() {
            rest
        } else {
            format!(".{rest}")
        };
        format!("{first}{rest}e{:+}", point - 1)
    };
    format!("{sign}{magnitude}")
}

fn split(digits: &str, at: i32) -> (String, String) {
    let at = usize::try_from(at).unwrap_or(0);
    (
        digits.chars().take(at).collect(),
        digits.chars().skip(at).collect(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::json;

    use super::canonical_json;
    use super::double_text;

    #[test]
    fn numbers_are_those_of_rfc_8785() {
        for (bits, text) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        ] {
            assert_eq!(double_text(f64::from_bits(bits)), text);
        }
    }

    #[test]
    fn members_stand_in_the_order_of_their_utf16_names() {
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control",
            "\u{f6}": "Latin Small Letter O With Diaeresis",
        });
        assert_eq!(
            canonical_json(&value),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
             \"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
             \"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}"
        );
    }

    #[test]
    fn what_says_the_same_is_written_the_same() {
        let one = serde_json::from_str("{ \"b\": [1.0, 1e2, null], \"a\": \"\\u00e9\\/\\u0007\" }");
        let other = serde_json::from_str("{\"a\":\"\u{e9}/\\u0007\",\"b\":[1,100,null]}");
        let (one, other): (Value, Value) = (one.unwrap(), other.unwrap());
        assert_eq!(
            canonical_json(&one),
            "{\"a\":\"\u{e9}/\\u0007\",\"b\":[1,100,null]}"
        );
        assert_eq!(canonical_json(&one), canonical_json(&other));
        assert_ne!(
            canonical_json(&json!({ "a": null })),
            canonical_json(&json!({}))
        );
    }
}
