//! What is noted of lines that are not read in full.

use super::Reader;
use crate::finding::Status;
use crate::json::pull::Raw;
use crate::level::Level;
use crate::log::access;
use crate::log::dialect::Dialect;
use crate::log::record::{self, LevelSource, Record};
use crate::log::scan::continuation::Tie;
use crate::log::scan::damaged;
use crate::log::scan::line::is_blank;
use crate::log::scan::unended::Unended;

/// A level as it was met, with what it was found to mean.
pub(super) struct Met<'t> {
    pub source: LevelSource<'t>,
    pub level: Option<Level>,
    pub word: Box<[u8]>,
    pub count: u64,
}

impl<'t> Reader<'t> {
    /// Notes the last line, which lacks its line end.
    pub(super) fn end(&mut self, line: &'t [u8]) {
        if !is_blank(line) && Tie::of(line) != Tie::Close {
            let (_, text) = self.layout.unwrap(line);
            let record = self.layout.read(text, self.part.context.written, &mut self.memory);
            self.part.unended = Some(Unended::of(self.part.tally.lines, line, record.as_ref()));
        }
    }

    /// Notes what a record tells beside its level: of a response with a status of 5xx, or in its message of an error.
    #[inline]
    pub(super) fn look_beside_level(&mut self, record: &Record<'t>, severity: Status, number: u64) {
        if self.hinted && severity == Status::Pass && access::is_server_error(record) {
            self.part.odd.server_errors.add(number);
        }
        let holds = |text: &[u8]| damaged::holds_error(text) || self.shouted && damaged::holds_line_of_error(text);
        if severity < Status::Fail && matches!(record.message, Raw::Text(text) if holds(text.bytes)) {
            self.part.odd.nested.add(number);
        }
    }

    /// Notes a record that states no level where the layout looks for one.
    pub(super) fn unread(&mut self, number: u64, record: &Record<'t>) {
        let line = record::trim(record.source());
        let tells = |text: &[u8]| {
            let text = damaged::narrowed(text);
            damaged::may_tell_of_error(&text) && damaged::tells_of_error(&text)
        };
        if record.dialect == Dialect::Syslog3164 {
            // Most programs state no level there, and nothing more is to be learnt of their lines.
            if tells(line) {
                self.part.odd.telling.add(number);
            }
            return;
        }
        if self.layout.may_learn() {
            self.part.unread.add(number, line);
        }
        if record.dialect.is_json() {
            if record.message().is_some_and(|message| tells(message.as_bytes())) {
                self.part.odd.telling.add(number);
            }
        } else if let Some(level) = self.layout.bare_level(line) {
            self.part.odd.bare.add(number);
            if level.status() > Status::Pass {
                self.part.odd.bare_errors.add(number);
            }
        } else if tells(line) {
            self.part.odd.telling.add(number);
        }
    }
}
