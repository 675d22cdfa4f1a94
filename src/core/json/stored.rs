//! How what we store for ourselves is put into JSON: maps by keys that are no text, and bytes that may be no UTF-8.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::BuildHasher;
use std::marker::PhantomData;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, as text where they are UTF-8, else as numbers.
struct Raw<T>(T);

impl<T: AsRef<[u8]>> Serialize for Raw<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0.as_ref()) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_seq(self.0.as_ref()),
        }
    }
}

impl<'de, T: From<Vec<u8>>> Deserialize<'de> for Raw<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: From<Vec<u8>>> Visitor<'de> for Either<T> {
            type Value = Raw<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a list of bytes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw<T>, E> {
                Ok(Raw(text.as_bytes().to_vec().into()))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Raw<T>, E> {
                Ok(Raw(text.into_bytes().into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw<T>, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = list.next_element()? {
                    bytes.push(byte);
                }
                Ok(Raw(bytes.into()))
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// Bytes.
pub(crate) mod bytes {
    use super::{Deserialize as _, Deserializer, Raw, Serialize as _, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        Raw(bytes.as_ref()).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: From<Vec<u8>>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        Raw::deserialize(deserializer).map(|raw| raw.0)
    }
}

/// Bytes that may not be there.
pub(crate) mod optional_bytes {
    use super::{Deserialize as _, Deserializer, Raw, Serialize as _, Serializer};

    pub(crate) fn serialize<T: AsRef<[u8]>, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Raw).serialize(to)
    }

    pub(crate) fn deserialize<'de, T: From<Vec<u8>>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        Option::<Raw<T>>::deserialize(from).map(|value| value.map(|raw| raw.0))
    }
}

/// The number of a line and bytes from there, which may not be there.
pub(crate) mod marked {
    use super::{Deserialize as _, Deserializer, Raw, Serialize as _, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &Option<(u64, Vec<u8>)>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(|(line, bytes)| (line, Raw(bytes))).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<(u64, Vec<u8>)>, D::Error> {
        Option::<(u64, Raw<Vec<u8>>)>::deserialize(from).map(|value| value.map(|(line, raw)| (line, raw.0)))
    }
}

/// A map as a list of pairs, sorted by the keys.
pub(crate) mod pairs {
    use super::{BTreeMap, Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        Vec::<(K, V)>::deserialize(deserializer).map(|pairs| pairs.into_iter().collect())
    }
}

/// [`pairs`] of which the values are bytes.
pub(crate) mod keyed_bytes {
    use super::{BTreeMap, Deserialize, Deserializer, Raw, Serialize, Serializer};

    pub(crate) fn serialize<K: Serialize, S: Serializer>(
        map: &BTreeMap<K, Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map.iter().map(|(key, bytes)| (key, Raw(bytes))))
    }

    pub(crate) fn deserialize<'de, K: Deserialize<'de> + Ord, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<K, Vec<u8>>, D::Error> {
        let pairs = Vec::<(K, Raw<Vec<u8>>)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().map(|(key, raw)| (key, raw.0)).collect())
    }
}

/// Counts by bytes, sorted by these.
pub(crate) mod counts {
    use super::{BTreeMap, BuildHasher, Deserialize as _, Deserializer, HashMap, Raw, Serializer};

    type ByName<H> = HashMap<Box<[u8]>, u64, H>;

    pub(crate) fn serialize<H, S: Serializer>(counts: &ByName<H>, serializer: S) -> Result<S::Ok, S::Error> {
        let sorted: BTreeMap<&[u8], u64> = counts.iter().map(|(name, count)| (&**name, *count)).collect();
        serializer.collect_seq(sorted.into_iter().map(|(name, count)| (Raw(name), count)))
    }

    pub(crate) fn deserialize<'de, H: BuildHasher + Default, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ByName<H>, D::Error> {
        let pairs = Vec::<(Raw<Vec<u8>>, u64)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().map(|(name, count)| (name.0.into(), count)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were() {
        for bytes in [&b""[..], b"plain", "ä".as_bytes(), b"\xff\xfe", b"a\0\"\n\\"] {
            let text = serde_json::to_string(&Raw(bytes)).expect("JSON");
            let back: Raw<Vec<u8>> = serde_json::from_str(&text).expect(&text);
            assert_eq!(back.0, bytes, "{text}");
        }
    }
}
