//! What was found out about texts before: a log says most things many times, with other numbers.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::FixedState;

/// As many texts are remembered, of at most this length in bytes.
const TEXTS: usize = 512;
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

/// What `judge` says of a text, or said of one that differs from it only in numbers that tell nothing.
pub(super) fn remembered<V: Copy>(memory: &Memory<V>, text: &str, judge: impl FnOnce(&str) -> V) -> V {
    if text.len() > LENGTH {
        return judge(text);
    }
    let masked = masked(text);
    if let Some(known) = memory.borrow().get(&masked[..]).copied() {
        return known;
    }
    let value = judge(text);
    let mut memory = memory.borrow_mut();
    if memory.len() >= TEXTS {
        memory.clear();
    }
    memory.insert(masked.into(), value);
    value
}

/// The values by masked text.
pub(super) type Memory<V> = RefCell<HashMap<Box<[u8]>, V, FixedState>>;

/// A text with all numbers made equal that tell nothing by themselves.
fn masked(text: &str) -> Vec<u8> {
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    while let Some(start) = out[at..].iter().position(u8::is_ascii_digit).map(|digit| at + digit) {
        let len = out[start..].iter().take_while(|b| b.is_ascii_digit()).count();
        at = start + len;
        let before = start.checked_sub(1).map_or(b' ', |before| out[before]);
        if !tells(before, &out[start..at]) {
            out[start..at].fill(b'2');
        }
    }
    out
}

/// Whether digits mean something behind this byte.
fn tells(before: u8, digits: &[u8]) -> bool {
    let zero = digits.iter().all(|b| *b == b'0');
    let telling = || match digits.len() {
        1..=3 => TELLING.contains(&digits),
        _ => TELLING_STARTS.iter().any(|start| digits.starts_with(start)),
    };
    zero || TELLING_LETTERS.contains(&before) || before != b'.' && telling()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::markers::RULES;

    #[test]
    fn numbers_that_tell_nothing_are_made_equal() {
        for (text, expect) in [
            ("order 4711 took 19.51 ms, 0 lost", "order 2222 took 22.22 ms, 0 lost"),
            ("exit code 139, signal 11", "exit code 139, signal 11"),
            ("exit code 1, signal 15", "exit code 2, signal 22"),
            ("0xc0000005 -1073741819 6.06", "0xc0000005 -1073741819 6.22"),
            ("account A428 on 2025-01-06", "account A222 on 2222-22-22"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&masked(text)), expect, "{text}");
        }
    }

    /// A number that stands in a row of the rules has to be in the lists above.
    #[test]
    fn masks_change_no_verdict() {
        let corpus = include_str!("../../fixtures/crash/corpus.tsv");
        let corpus =
            corpus.lines().filter_map(|line| line.splitn(3, '\t').nth(2)).map(|text| text.replace("\\n", "\n"));
        let rows = RULES.iter().copied().flatten().flat_map(|rule| [rule.hit, rule.miss]).flatten();
        for text in rows.map(|text| (*text).to_owned()).chain(corpus) {
            let masked = String::from_utf8(masked(&text)).expect("only digits change");
            assert_eq!(super::super::classify::judge(&masked), super::super::classify::judge(&text), "{text}");
        }
    }
}
