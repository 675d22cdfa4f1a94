//! What was found out about texts before: a log says most things many times, with other numbers.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::FixedState;

/// So many bytes of texts are remembered, and texts of at most this length.
const BYTES: usize = 1 << 20;
const LENGTH: usize = 4096;

/// Numbers that mean something by themselves: signals, and exit codes that tell of one.
const TELLING: &[&[u8]] = &[
    b"4", b"5", b"6", b"7", b"8", b"9", b"11", b"24", b"25", b"31", b"132", b"133", b"134", b"135", b"136", b"137",
    b"138", b"139", b"159",
];
/// The same as signed numbers of 32 bits, by how they start.
const TELLING_STARTS: [&[u8]; 2] = [b"32212", b"10737"];
/// Letters before digits that mean something with them: `F0106`, `0xc0000005`, `v8`, `int3`, `R6025`, `BEX64`.
const TELLING_LETTERS: &[u8] = b"FfxXvVtTrRcC";

/// What `judge` says of a text with all numbers made equal that tell nothing, now or before: it is never asked about the
/// text itself, so that the answer does not depend on what was read before.
pub(super) fn remembered<V: Copy>(memory: &RefCell<Memory<V>>, text: &str, judge: impl FnOnce(&str) -> V) -> V {
    if text.len() > LENGTH {
        return judge(text);
    }
    let Memory { known, bytes, masked } = &mut *memory.borrow_mut();
    mask(text, masked);
    if let Some(known) = known.get(masked.as_str()) {
        return *known;
    }
    let value = judge(masked);
    *bytes += masked.len();
    if *bytes > BYTES {
        known.clear();
        *bytes = masked.len();
    }
    known.insert(masked.as_str().into(), value);
    value
}

/// The values by masked text.
#[derive(Debug)]
pub(super) struct Memory<V> {
    known: HashMap<Box<str>, V, FixedState>,
    /// How long they are together.
    bytes: usize,
    /// The text that was asked about last, kept for its room.
    masked: String,
}

impl<V> Default for Memory<V> {
    fn default() -> Self {
        Self { known: HashMap::default(), bytes: 0, masked: String::new() }
    }
}

/// Puts a text into `out` with all numbers made equal that tell nothing by themselves.
fn mask(text: &str, out: &mut String) {
    out.clear();
    let mut rest = text;
    while let Some(start) = rest.bytes().position(|b| b.is_ascii_digit()) {
        out.push_str(&rest[..start]);
        let mut behind = out.bytes().rev();
        let (before, further) = (behind.next().unwrap_or(b' '), behind.next().unwrap_or(b' '));
        let len = rest[start..].bytes().take_while(u8::is_ascii_digit).count();
        let (digits, after) = rest[start..].split_at(len);
        rest = after;
        if tells(further, before, digits.as_bytes()) {
            out.push_str(digits);
            continue;
        }
        // A digest is told by its length, `ABC-123` is the number of a ticket and `ORA-00600` none; those in between are
        // alike.
        let joined = before.is_ascii_alphabetic() || after.starts_with(|c: char| c.is_ascii_alphabetic());
        let len = match len {
            _ if joined => len,
            1 => 1,
            2..=4 => 2,
            5..=6 => 5,
            _ => 7,
        };
        out.extend(std::iter::repeat_n('2', len));
    }
    out.push_str(rest);
}

/// Whether digits mean something behind these two bytes: those of a name (`node-5`, `I9`) mean nothing.
fn tells(further: u8, before: u8, digits: &[u8]) -> bool {
    let zero = digits.iter().all(|b| *b == b'0');
    let named = before == b'.' || before.is_ascii_alphabetic() || before == b'-' && further.is_ascii_alphanumeric();
    let telling = || match digits.len() {
        1..=3 => TELLING.contains(&digits),
        _ => TELLING_STARTS.iter().any(|start| digits.starts_with(start)),
    };
    zero || TELLING_LETTERS.contains(&before) || !named && telling()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::markers::RULES;

    #[test]
    fn numbers_that_tell_nothing_are_made_equal() {
        for (text, expect) in [
            ("order 4711 took 19.51 ms, 0 lost", "order 22 took 22.22 ms, 0 lost"),
            ("exit code 139, signal 11", "exit code 139, signal 11"),
            ("exit code 1, signal 15", "exit code 2, signal 22"),
            ("0xc0000005 -1073741819 6.06", "0xc0000005 -1073741819 6.22"),
            ("worker-5 of node-11 took I9", "worker-2 of node-22 took I2"),
            ("account A428 on 2025-01-06", "account A222 on 22-22-22"),
            ("", ""),
        ] {
            let mut masked = String::from("what was asked before");
            mask(text, &mut masked);
            assert_eq!(masked, expect, "{text}");
        }
    }

    /// A number that is in a row of the rules has to be in the lists above.
    #[test]
    fn masks_change_no_verdict() {
        let corpus = include_str!("../../../fixtures/crash/corpus.tsv");
        let corpus =
            corpus.lines().filter_map(|line| line.splitn(3, '\t').nth(2)).map(|text| text.replace("\\n", "\n"));
        let rows = RULES.iter().copied().flatten().flat_map(|rule| [rule.hit, rule.miss]).flatten();
        for text in rows.map(|text| (*text).to_owned()).chain(corpus) {
            let mut masked = String::new();
            mask(&text, &mut masked);
            assert_eq!(super::super::classify::judge(&masked), super::super::classify::judge(&text), "{text}");
        }
    }
}
