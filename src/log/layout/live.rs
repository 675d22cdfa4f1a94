//! The layout of a stream while it is read: it is learnt again as more lines come.

use super::{HEADS, Layout, Memory, head, is_head};
use crate::level::Level;
use crate::log::ansi;
use crate::log::record::{self, Record};
use crate::log::scan::damaged;
use crate::time::Stamp;

/// While there are fewer lines than this, each new one may change the layout.
const FEW: usize = 24;

/// Learns from the first lines of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learner {
    layout: Layout,
    heads: Vec<Vec<u8>>,
    /// How many lines there were when the layout was learnt.
    learnt: usize,
}

impl Learner {
    /// The layout so far.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Takes in whole lines that came at `arrived`, and learns again where they may tell more.
    pub(crate) fn add(&mut self, lines: &[u8], arrived: Stamp) {
        if self.heads.len() >= HEADS {
            return;
        }
        let plain = ansi::strip_bytes(lines);
        let heads = plain.split(|b| matches!(b, b'\n' | b'\r')).map(head).filter(|line| is_head(line));
        self.heads.extend(heads.take(HEADS - self.heads.len()).map(<[u8]>::to_vec));
        let count = self.heads.len();
        if count > self.learnt && (count < FEW || count >= 2 * self.learnt || count == HEADS) {
            let heads: Vec<&[u8]> = self.heads.iter().map(Vec::as_slice).collect();
            // Clocks may differ by a day of time zones.
            self.layout = Layout::of_lines(&heads, arrived.plus(std::time::Duration::from_secs(86_400)));
            self.learnt = count;
        }
    }

    /// Reads a line: its record, or else the worst level that is to be seen in a damaged one.
    pub(crate) fn read<'a>(&self, line: &'a [u8], memory: &mut Memory) -> (Option<Record<'a>>, Option<Level>) {
        let line = self.layout.unwrap(line).1;
        let record = self.layout.read(line, None, memory);
        let json = self.layout.is_json() || record::trim(line).first() == Some(&b'{');
        let damage =
            if record.is_none() && json { damaged::pieces(line).and_then(|pieces| pieces.worst()) } else { None };
        (record, damage)
    }
}
