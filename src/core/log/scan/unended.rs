//! The last line of a file that has no line end: whole, or cut off while it was written.

use serde::{Deserialize, Serialize};

use crate::json::stored;
use crate::log::dialect::Dialect;
use crate::log::record::Record;

/// As much of the line is kept, in bytes.
const KEPT: usize = 512;
/// A line that starts with as many bytes as a record does starts like it.
const ALIKE: usize = 4;

/// A last line without its line end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unended {
    pub(crate) number: u64,
    /// Its start.
    #[serde(with = "stored::bytes")]
    pub(crate) text: Vec<u8>,
    /// Whether it is a JSON object that is whole, or lacks its end: that shows without its neighbours.
    object: bool,
    /// Whether a pair of quotes was opened in a value and not closed.
    open: bool,
    /// Whether it is a record, and whether it is one that a container wrote.
    record: bool,
    carried: bool,
}

impl Unended {
    /// Looks at the line as `record` reads it.
    pub(crate) fn of(number: u64, line: &[u8], record: Option<&Record<'_>>) -> Self {
        let dialect = record.filter(|record| record.at.is_some()).map(|record| record.dialect);
        Self {
            number,
            text: line[..line.len().min(KEPT)].to_vec(),
            object: line.trim_ascii_start().first() == Some(&b'{'),
            open: dialect == Some(Dialect::Logfmt) && leaves_open(line),
            record: dialect.is_some(),
            carried: dialect == Some(Dialect::Cri),
        }
    }

    /// Whether it is the start of a record of a file whose records are mostly of `dialect`; `records` are some of them.
    pub(crate) fn is_cut<'a>(&self, dialect: Option<Dialect>, mut records: impl Iterator<Item = &'a [u8]>) -> bool {
        let alike = |record: &[u8]| {
            let same = record.iter().zip(&self.text).take_while(|(a, b)| a == b).count();
            same >= self.text.len().min(ALIKE)
        };
        // A line of a container may lack what the container puts before the text.
        let bare = dialect == Some(Dialect::Cri) && !self.carried;
        !self.object && if self.record { self.open || bare } else { records.any(alike) }
    }
}

/// Whether the quotes of a line of pairs are not closed.
fn leaves_open(line: &[u8]) -> bool {
    let (mut open, mut escaped) = (false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = open,
            b'"' => open = !open,
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::parse::parse;

    #[test]
    fn a_line_that_starts_like_a_record_and_is_none_was_cut() {
        let dated = b"2025-03-03T08:00:00Z INFO tick";
        let pairs = b"time=2025-03-03T08:00:00Z level=info msg=\"tick\"";
        let container = b"2025-03-03T08:00:00Z stdout F INFO tick";
        for (line, before, expect) in [
            ("2025-03-03T08:06:0", &dated[..], true),
            ("2", dated, true),
            ("2025-03-03T08:06:00Z INFO ti", dated, false),
            ("Good bye", dated, false),
            ("time=2025-03-03T08:06:00Z level=info msg=\"ti", pairs, true),
            ("time=2025-03-03T08:06:00Z level=info msg=\"tick\"", pairs, false),
            ("time=2025-03-03T08:06:00Z level=info msg=\"a \\\"b\\\"\"", pairs, false),
            ("2025-03-03T08:06:00Z std", container, true),
            ("2025-03-03T08:06:00Z stdout F INFO ti", container, false),
            ("{\"time\":\"2025-03-03T08:06:00Z\"", b"{\"time\":\"2025-03-03T08:00:00Z\"}", false),
        ] {
            let dialect = parse(before).map(|record| record.dialect);
            let found = Unended::of(7, line.as_bytes(), parse(line.as_bytes()).as_ref());
            assert_eq!(found.is_cut(dialect, [before].into_iter()), expect, "{line}");
        }
    }
}
