//! Identifiers: those of the sessions, and our own, which are hashes of what they name.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

use crate::digest::hex;

/// An identifier in a session artefact. `3` and `"3"` are different ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    /// The usual case.
    Text(String),
    /// Some writers count.
    Number(Number),
}

impl Id {
    /// The identifier in `value`; `None` for anything but text and numbers.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Number(number) => Some(Self::Number(number.clone())),
            _ => None,
        }
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Number(number) => number.serialize(serializer),
        }
    }
}

/// The SHA-256 of `parts`, each with its length before it, so that `["ab"]` and `["a", "b"]` differ.
fn hash(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

/// A UUID (version 8: by the user's own scheme) made from `parts`.
pub(crate) fn uuid(parts: &[&str]) -> String {
    let mut bytes = hash(parts);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex(&bytes[..16]);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Eight hexadecimal digits made from `parts`.
pub(crate) fn short(parts: &[&str]) -> String {
    hex(&hash(parts)[..4])
}

/// A number from 0 up to, not including, 1, made from `parts`: the seeded dice of the drill.
pub(crate) fn fraction(parts: &[&str]) -> f64 {
    let [a, b, c, d, ..] = hash(parts);
    f64::from(u32::from_be_bytes([a, b, c, d])) / 4_294_967_296.0
}

/// `id` as part of a file name: letters, digits, dots, dashes and underscores; an id that is anything else, or
/// long, keeps its readable part and gets a hash, so that different ids have different names.
pub(crate) fn file_stem(id: &Id) -> String {
    const LONGEST: usize = 80;
    let id = id.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let stem: String = id.chars().map(|c| if plain(c) { c } else { '-' }).take(LONGEST).collect();
    let stem = stem.trim_start_matches(['.', '-']);
    if stem == id && !id.is_empty() {
        id
    } else {
        format!("{stem}-{}", short(&["file", &id])).trim_start_matches('-').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_stay_in_their_folder_and_apart() {
        for (id, expect) in [
            ("qa-batch_1.2", "qa-batch_1.2"),
            ("../outside", "outside-"),
            ("a/b", "a-b-"),
            ("a\\b", "a-b-"),
            ("..", ""),
            ("", ""),
            ("\u{202e}x\n", "x--"),
            ("-rf", "rf-"),
        ] {
            let stem = file_stem(&Id::Text(id.to_owned()));
            assert!(stem.starts_with(expect) && !stem.is_empty(), "{id:?}: {stem}");
            assert!(!stem.contains(['/', '\\']) && !stem.starts_with(['.', '-']), "{id:?}: {stem}");
        }
        assert_ne!(file_stem(&"a/b".to_owned().into()), file_stem(&"a\\b".to_owned().into()));
        assert!(file_stem(&"x".repeat(5000).into()).len() < 100);
    }

    #[test]
    fn ids_depend_on_every_part() {
        assert_eq!(uuid(&["a", "b"]), uuid(&["a", "b"]));
        assert_ne!(uuid(&["a", "b"]), uuid(&["ab"]));
        assert_eq!(uuid(&["a"]).len(), 36);
        assert!((0.0..1.0).contains(&fraction(&["x"])));
    }
}
