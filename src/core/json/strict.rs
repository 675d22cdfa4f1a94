//! JSON documents that must say one thing only: the same key twice in one object is refused.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::sanitize::shorten;

/// What a value takes in memory, a member of an object, and an object: about, in bytes.
const VALUE: usize = 64;
const MEMBER: usize = 64;
const OBJECT: usize = 512;

/// One JSON value in UTF-8.
///
/// # Errors
/// It is not one JSON value, or an object of it has a key twice; the message says where.
pub fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    parse_within(bytes, usize::MAX)
}

/// [`parse`] of a value that takes at most about `budget` bytes of memory: thirty times as much as its text, in bad
/// cases.
///
/// # Errors
/// As for [`parse`], and when it takes more.
pub(crate) fn parse_within(bytes: &[u8], budget: usize) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let left = Cell::new(budget);
    let value = Strict { left: &left, budget }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// The file `name` of a run, a document of ours of this schema that tells of `what`; the file may be missing.
///
/// # Errors
/// Why it cannot be read, in words that name the file.
pub fn stated<T: DeserializeOwned>(
    file: Result<&[u8], String>,
    (name, schema): (&str, &str),
    what: &str,
) -> Result<T, String> {
    let bytes = file.map_err(|why| format!("{name}, which tells of the {what} of this run, cannot be read: {why}"))?;
    let wrong = |why: String| format!("{name} is no document of {what}: {why}");
    let value = parse(bytes).map_err(|error| wrong(error.to_string()))?;
    match value.get("schema").and_then(Value::as_str) {
        Some(stated) if stated == schema => serde_json::from_value(value).map_err(|error| wrong(error.to_string())),
        Some(other) => Err(wrong(format!("its schema is {}, expected {schema}", shorten(other, 80)))),
        None => Err(wrong(format!("it names no schema, expected {schema}"))),
    }
}

#[derive(Clone, Copy)]
struct Strict<'b> {
    /// How many bytes are left of the budget.
    left: &'b Cell<usize>,
    budget: usize,
}

impl Strict<'_> {
    fn take<E: de::Error>(self, bytes: usize) -> Result<(), E> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(E::custom(format_args!(
                "it holds more than fits into {} MiB of memory: give the part of it that matters",
                self.budget >> 20
            ))),
        }
    }

    fn made<E: de::Error>(self, value: Value) -> Result<Value, E> {
        self.take(VALUE + value.as_str().map_or(0, str::len))?;
        Ok(value)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        self.made(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, yes: bool) -> Result<Value, E> {
        self.made(yes.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        self.made(number.into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        self.made(number.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        self.made(number.into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        self.made(text.into())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        self.made(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.take(VALUE)?;
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.take(OBJECT)?;
        let mut all = Map::new();
        while let Some(key) = items.next_key::<String>()? {
            self.take(MEMBER + key.len())?;
            if all.contains_key(&key) {
                return Err(de::Error::custom(format_args!(
                    "the key `{key}` is in one object twice, for the second time"
                )));
            }
            let value = items.next_value_seed(self)?;
            all.insert(key, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_there_twice_is_refused_at_any_depth() {
        for (text, expect) in [
            (r#"{"a": [1, -2, 1.5, "x", null, true, {"b": {}}]}"#, ""),
            (r#"{"a": 1, "a": 1}"#, "the key `a` is in one object twice, for the second time at line 1 column 12"),
            (
                r#"{"a": [{"b": 1, "c": 2, "\u0062": 3}]}"#,
                "the key `b` is in one object twice, for the second time at line 1 column 32",
            ),
            (r#"{"a": 1} {"a": 1}"#, "trailing characters"),
            ("{\"a\": 1", "EOF"),
            ("", "EOF"),
        ] {
            match parse(text.as_bytes()) {
                Ok(value) => assert_eq!((value, ""), (serde_json::from_str(text).unwrap(), expect), "{text}"),
                Err(error) => assert!(!expect.is_empty() && error.to_string().contains(expect), "{text}: {error}"),
            }
        }
    }

    #[test]
    fn a_value_that_takes_too_much_memory_is_refused() {
        let text = format!("[{}]", vec!["{\"a\": 1}"; 10_000].join(","));
        assert!(parse(text.as_bytes()).is_ok());
        let error = parse_within(text.as_bytes(), 1 << 20).expect_err("10,000 objects").to_string();
        assert!(error.contains("more than fits into 1 MiB of memory"), "{error}");
        assert!(parse_within(text.as_bytes(), 8 << 20).is_ok());
    }
}
