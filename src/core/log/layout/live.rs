//! The layout of a stream while it is read: it is learnt again as more lines come.

use super::{HEADS, Layout, Memory, head, is_head};
use crate::level::Level;
use crate::log::ansi;
use crate::log::record::{self, Record};
use crate::log::scan::{damaged, unread};
use crate::time::Stamp;

/// While there are fewer lines than this, each new one may change the layout.
const FEW: usize = 24;

/// Learns from the first lines of a stream.
#[derive(Clone, Debug, Default)]
pub struct Learner {
    layout: Layout,
    heads: Vec<Vec<u8>>,
    /// How many lines there were when the layout was learnt.
    learnt: usize,
}

impl Learner {
    /// The layout so far.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether there were enough lines to trust the layout.
    pub fn is_sure(&self) -> bool {
        self.heads.len() >= FEW
    }

    /// Whether the first lines tell no more.
    pub fn is_settled(&self) -> bool {
        self.heads.len() >= HEADS
    }

    /// Takes in whole lines that came at `arrived`, and learns again where they may tell more, at the `end` in any case.
    /// Says whether they did.
    pub fn add(&mut self, lines: &[u8], arrived: Stamp, end: bool) -> bool {
        if self.is_settled() {
            return false;
        }
        let plain = ansi::strip_bytes(lines);
        let heads = plain.split(|b| matches!(b, b'\n' | b'\r')).map(head).filter(|line| is_head(line));
        self.heads.extend(heads.take(HEADS - self.heads.len()).map(<[u8]>::to_vec));
        let count = self.heads.len();
        if count > self.learnt && (count < FEW || count >= 2 * self.learnt || count == HEADS || end) {
            let heads: Vec<&[u8]> = self.heads.iter().map(Vec::as_slice).collect();
            let before = std::mem::replace(&mut self.layout, Layout::of_lines(&heads, latest(arrived)));
            self.learnt = count;
            let mut memory = Memory::default();
            let silent = |line: &&[u8]| self.read(line, &mut memory).0.is_none_or(|record| !record.states_level());
            let silent: Vec<&[u8]> = heads.iter().copied().filter(silent).collect();
            if unread::are_enough(silent.len() as u64, count as u64) {
                self.layout.learn_late(&silent, latest(arrived));
            }
            return before != self.layout;
        }
        false
    }

    /// Learns from lines that came late and whose level is not read. Says whether they tell more.
    pub fn add_late(&mut self, lines: &[&[u8]], arrived: Stamp) -> bool {
        self.layout.learn_late(lines, latest(arrived))
    }

    /// Reads a line: its record, or else the worst level that is to be seen in a damaged one.
    pub fn read<'a>(&self, line: &'a [u8], memory: &mut Memory) -> (Option<Record<'a>>, Option<Level>) {
        let line = self.layout.unwrap(line).1;
        let record = self.layout.read(line, None, memory);
        let json = self.layout.is_json() || record::trim(line).first() == Some(&b'{');
        let damage =
            if record.is_none() && json { damaged::pieces(line).and_then(|pieces| pieces.worst()) } else { None };
        (record, damage)
    }
}

impl Layout {
    /// Adds what lines tell that it does not read. Says whether that is anything.
    fn learn_late(&mut self, lines: &[&[u8]], latest: Stamp) -> bool {
        let lines: Vec<&[u8]> = lines.iter().map(|line| self.unwrap(line).1).collect();
        // A stream may go on for days: it may have several such writers.
        let more = Self { again: false, ..self.clone() }.learn_again(&lines, latest);
        more.map(|layout| *self = layout).is_some()
    }
}

/// Later times are in the future. Clocks may differ by a day of time zones.
fn latest(arrived: Stamp) -> Stamp {
    arrived.plus(std::time::Duration::from_secs(86_400))
}
