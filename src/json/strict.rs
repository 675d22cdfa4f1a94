//! JSON documents that must say one thing only: the same key twice in one object is refused.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// One JSON value in UTF-8.
///
/// # Errors
/// It is not one JSON value, or an object of it has a key twice; the message says where.
pub fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(yes.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = items.next_key::<String>()? {
            if all.contains_key(&key) {
                return Err(de::Error::custom(format_args!(
                    "the key `{key}` is in one object twice, for the second time"
                )));
            }
            let value = items.next_value_seed(Self)?;
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
}
