//! Canonical JSON (RFC 8785) for the values that Sago writes: objects, arrays, strings, booleans, null, integers.
//!
//! Numbers with a fraction or an exponent are refused, so the one hard part of the standard is not needed.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The greatest integer that every JSON reader keeps exactly: 2^53 - 1 (RFC 7493, section 2.2).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why a value has no canonical bytes, or bytes are not canonical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// A number that is not an integer between -(2^53 - 1) and 2^53 - 1.
    #[error("{0} is not an integer between -(2^53 - 1) and 2^53 - 1")]
    Number(String),
    /// Bytes that are no JSON.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// JSON whose bytes are not the canonical ones: spaces, order of members, escapes or a repeated member.
    #[error("not canonical JSON (RFC 8785)")]
    NotCanonical,
}

/// Writes a value as canonical JSON: members sorted by UTF-16 code units, no spaces (RFC 8785, section 3.2).
pub fn canonical_json(value: &Value) -> Result<Vec<u8>, JsonError> {
    let mut text = String::new();
    write_value(&mut text, value)?;
    Ok(text.into_bytes())
}

/// Reads a value whose bytes are exactly its canonical ones.
pub fn parse_canonical(bytes: &[u8]) -> Result<Value, JsonError> {
    let value = serde_json::from_slice(bytes).map_err(|error| JsonError::Syntax(error.to_string()))?;
    if canonical_json(&value)? == bytes { Ok(value) } else { Err(JsonError::NotCanonical) }
}

fn write_value(out: &mut String, value: &Value) -> Result<(), JsonError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            match magnitude {
                Some(magnitude) if magnitude <= MAX_INTEGER => out.push_str(&number.to_string()),
                _ => return Err(JsonError::Number(number.to_string())),
            }
        }
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write_value(out, item)?;
            }
            out.push(']');
        }
        Value::Object(members) => write_object(out, members)?,
    }
    Ok(())
}

fn write_object(out: &mut String, members: &Map<String, Value>) -> Result<(), JsonError> {
    let mut sorted: Vec<_> = members.iter().collect();
    // UTF-16 order differs from UTF-8 order where a character lies beyond U+FFFF (RFC 8785, section 3.2.3).
    sorted.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push('{');
    for (position, (name, value)) in sorted.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write_string(out, name);
        out.push(':');
        write_value(out, value)?;
    }
    out.push('}');
    Ok(())
}

/// Writes a string with the only escapes that RFC 8785, section 3.2.2.2 allows.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{08}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{0c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expect: &str) {
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(String::from_utf8(canonical_json(&value).unwrap()).unwrap(), expect);
    }

    #[test]
    fn strings_are_escaped_as_in_the_standard() {
        // The string and literals of RFC 8785, section 3.2.2, without its fractions.
        check(
            r#"{ "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false] }"#,
            "{\"literals\":[null,true,false],\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
        );
        check(r#""\b\t\n\f\r\u0000\u001f\u007f\u2028""#, "\"\\b\\t\\n\\f\\r\\u0000\\u001f\u{7f}\u{2028}\"");
        check(r#""진술서 \ud83d\ude02""#, "\"진술서 😂\"");
    }

    #[test]
    fn members_are_sorted_by_utf16_code_units() {
        // The example of RFC 8785, section 3.2.3.
        check(
            r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
                "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",
                "\u00f6":"Latin Small Letter O With Diaeresis"}"#,
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
             \"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\
             \"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
        );
        check(r#"{"b":{"z":1,"a":[ ]},"":2,"aa":{ },"a":3}"#, r#"{"":2,"a":3,"aa":{},"b":{"a":[],"z":1}}"#);
    }

    #[test]
    fn only_exact_integers_have_canonical_bytes() {
        check("[0, -1, 9007199254740991, -9007199254740991]", "[0,-1,9007199254740991,-9007199254740991]");
        for number in ["1.0", "1e3", "-0", "9007199254740992", "-9007199254740992", "18446744073709551615"] {
            let value: Value = serde_json::from_str(number).unwrap();
            assert!(matches!(canonical_json(&value), Err(JsonError::Number(_))), "{number}");
        }
    }

    #[test]
    fn only_canonical_bytes_are_read() {
        assert!(parse_canonical(br#"{"a":1,"b":[true,"x"]}"#).is_ok());
        for text in [r#"{"b":1,"a":2}"#, r#"{"a":1,"a":1}"#, r#"{"a": 1}"#, "[1]\n", r#""\u0041""#, r#""\/""#] {
            assert_eq!(parse_canonical(text.as_bytes()), Err(JsonError::NotCanonical), "{text}");
        }
        assert!(matches!(parse_canonical(b"{"), Err(JsonError::Syntax(_))));
        assert!(matches!(parse_canonical(b"\"\xff\""), Err(JsonError::Syntax(_))));
    }
}
