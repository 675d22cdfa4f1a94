//! The keys of the lines before: lines of one program look alike, so most keys need no reading.

use super::dialect::{self, Dialect};
use crate::json::pull::Members;

/// More keys than this are not remembered.
const LIMIT: usize = 64;

/// What was at each place of the lines before.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    keys: Vec<Known>,
    dialect: Option<((u128, bool), Dialect)>,
    /// The same of the lines inside these.
    inner: Option<Box<Self>>,
}

/// A key as it was in a line, with all that was before its value: `, "level": `.
#[derive(Clone, Debug)]
struct Known {
    lead: Box<[u8]>,
    key: Option<usize>,
}

impl Shape {
    /// Passes over the key at this place, and gives its number among those that matter. None at the end of the object
    /// or when the line is malformed.
    #[inline]
    pub(crate) fn key(&mut self, place: usize, members: &mut Members<'_>) -> Option<Option<usize>> {
        if let Some(known) = self.keys.get(place).filter(|known| members.pass(&known.lead)) {
            return Some(known.key);
        }
        self.new_key(place, members)
    }

    fn new_key(&mut self, place: usize, members: &mut Members<'_>) -> Option<Option<usize>> {
        let (key, lead) = members.key()?;
        let key = dialect::find(key.decode().as_bytes());
        let known = Known { lead: lead.into(), key };
        if let Some(old) = self.keys.get_mut(place) {
            *old = known;
        } else if place == self.keys.len() && place < LIMIT {
            self.keys.push(known);
        }
        Some(key)
    }

    /// The shape of the lines inside.
    pub(crate) fn inner(&mut self) -> &mut Self {
        self.inner.get_or_insert_default()
    }

    /// The dialect of a record with these keys.
    #[inline]
    pub(crate) fn dialect(&mut self, keys: u128, numeric_level: bool) -> Dialect {
        match self.dialect {
            Some((known, dialect)) if known == (keys, numeric_level) => dialect,
            _ => {
                let dialect = dialect::detect(keys, numeric_level);
                self.dialect = Some(((keys, numeric_level), dialect));
                dialect
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::log::layout::{Layout, Memory};
    use crate::log::{parse, record};

    #[test]
    fn remembered_keys_change_nothing() {
        let lines = [
            r#"{"timestamp":"2025-01-06","level":"info","event":"a"}"#,
            r#"{"timestamp":"2025-01-06","level":"error","event":"b"}"#,
            r#"{"timestamp": "2025-01-06","level":"info"}"#,
            r#"{"level":"info","timestamp":"2025-01-06","x":{"y":1}}"#,
            r#"{"timestamp":"2025-01-06","level":}"#,
            r#"{"timestamp":"2025-01-06","level":"info"} x"#,
            r#"{"timestamp":"2025-01-06","level":"info""#,
            r#"{}"#,
        ];
        let (layout, mut memory) = (Layout::default(), Memory::default());
        for line in lines.iter().chain(&lines) {
            let show = |record: Option<record::Record<'_>>| format!("{record:?}");
            let like = layout.read(line.as_bytes(), None, &mut memory);
            assert_eq!(show(like), show(parse::parse(line.as_bytes())), "{line}");
        }
    }
}
