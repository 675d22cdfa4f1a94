//! Lines that were told before their format was known. Where it is learnt later that one of them states a warning or an
//! error, that is said once more, so that the run is judged by it.

use super::pending::Pending;
use super::text::{lossy, plain};
use super::{Chunk, Formatter};
use crate::finding::Status;
use crate::level::Level;
use crate::log::layout::Memory;
use crate::log::scan::unread;
use crate::time::Stamp;

/// So many lines and bytes are kept.
const KEPT: usize = 256;
const BYTES: usize = 1 << 20;

/// So many lines without a level must have come before they are learnt from.
const FEW: usize = 8;

/// The lines, and when to learn from them.
#[derive(Default)]
pub(super) struct Early {
    lines: Vec<Pending<'static>>,
    bytes: usize,
    /// All lines that were told.
    told: u64,
    /// How many lines were kept when they were learnt from.
    tried: usize,
    /// Whether more was learnt since they were told.
    news: bool,
    /// Whether what was learnt is to be trusted: there are enough lines, or no more of them.
    sure: bool,
    /// Whether the first lines told all they can. From then on lines without a level are kept.
    settled: bool,
    /// Whether nothing more will be learnt.
    over: bool,
}

impl Formatter {
    /// Learns how the lines that have come look, before they are judged; `lines` are whole. `over` says whether they are
    /// the last.
    pub(crate) fn learn(&mut self, lines: &[u8], arrived: Stamp, over: bool) {
        let mut news = self.learner.add(lines, arrived, over);
        self.early.sure = over || self.learner.is_sure();
        let (kept, tried) = (self.early.lines.len(), self.early.tried);
        let more = kept >= FEW.max(2 * tried) || over && kept > tried || kept == KEPT;
        if self.early.settled && !self.early.over && more {
            self.early.tried = kept;
            let texts: Vec<_> = self.early.lines.iter().map(|line| plain(&line.text, line.lines)).collect();
            let lines: Vec<&[u8]> = texts.iter().map(AsRef::as_ref).collect();
            let enough = unread::are_enough(kept as u64, self.early.told);
            news |= enough && self.learner.add_late(&lines, arrived);
            self.early.over = kept == KEPT;
        }
        if news {
            // What is remembered belongs to the layout before.
            self.memory = Memory::default();
            self.early.news = true;
        }
    }

    /// Keeps a line that was told at `level`, where more may be learnt of it. `stated` says whether the line states that.
    pub(super) fn keep(&mut self, line: &Pending<'_>, level: Level, stated: bool) {
        let early = &mut self.early;
        early.told += line.repeated;
        let open = !early.over && early.lines.len() < KEPT && early.bytes + line.text.len() <= BYTES;
        let unsure = if early.settled { !stated } else { level.status() < Status::Fail };
        if open && unsure && line.lines == 1 && !(line.trace || line.divided || line.continues) {
            early.bytes += line.text.len();
            early.lines.push(Pending { worst: level.status(), ..line.clone().into_owned() });
        }
    }
}

impl Chunk<'_, '_> {
    /// Says again what is now known to be worse than it was told.
    pub(super) fn restate(&mut self) {
        let early = &mut self.formatter.early;
        let settles = self.formatter.learner.is_settled() && !early.settled;
        let mut lines = Vec::new();
        if early.sure && std::mem::take(&mut early.news) {
            lines = std::mem::take(&mut early.lines);
        }
        for line in &mut lines {
            let text = plain(&line.text, line.lines);
            let (record, damage) = self.formatter.read(line, &text);
            // What is behind the name of a service may state a level too, though it is no record.
            let inner = lossy(self.formatter.learner.layout().unwrap(&text).1);
            let level = line.level(record.and_then(|record| record.level()), damage, &inner);
            let status = level.map_or(Status::Pass, Level::status);
            if status > line.worst {
                line.worst = status;
                // Each of equal lines counts.
                for _ in 0..line.repeated {
                    let (repeated, arrived) = (1, self.arrived);
                    self.tell(&Pending { repeated, arrived, restates: true, ..line.clone() });
                }
            }
        }
        let early = &mut self.formatter.early;
        if settles || early.settled && !lines.is_empty() {
            *early = Early { told: early.told, settled: true, over: early.over, ..Early::default() };
        } else if !lines.is_empty() {
            early.lines = lines;
        }
    }
}
