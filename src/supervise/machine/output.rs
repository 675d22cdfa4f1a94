//! Captured lines: counts, and incidents for those that need a look.

use std::time::Duration;

use serde_json::json;

use super::Machine;
use crate::finding::Status;
use crate::supervise::event::{Batch, Now};
use crate::supervise::incidents::incident;
use crate::time::human_duration;

impl Machine {
    pub(super) fn output(&mut self, now: Now, batch: &Batch) {
        if batch.total() == 0 && batch.bytes == 0 {
            return;
        }
        self.settle_uptime(now);
        self.silence_reported = false;
        self.attempts.lines(batch.total(), batch.first_at);
        let capture = &mut self.capture;
        capture.total_lines += batch.total();
        for (stream, lines) in &batch.lines {
            *capture.line_counts.entry((*stream).to_owned()).or_default() += lines;
        }
        for (level, lines) in &batch.levels {
            *capture.level_counts.entry(level.clone()).or_default() += lines;
        }
        capture.bytes += batch.bytes;
        *capture.raw_bytes.get_or_insert_default() += batch.raw_bytes;
        capture.cut_lines += batch.cut;
        capture.invalid_utf8_lines += batch.invalid_utf8;
        capture.first_line_at = capture.first_line_at.or(batch.first_at);
        capture.last_line_at = batch.last_at.or(capture.last_line_at);
        if batch.cut > 0 {
            let message = "lines longer than 1 MiB were cut";
            self.raise("cut", incident(Status::Warn, "capture", now.wall, message));
        }
        if let Some(skew) = batch.skew {
            let apart = Duration::from_micros(skew.stated.micros().abs_diff(skew.arrived.micros()));
            let message = format!(
                "lines state a time that is {} from their arrival (a wrong clock, or a time zone that they do not state); \
                 the time of arrival is kept",
                human_duration(apart)
            );
            let mut found = incident(Status::Warn, "clock", now.wall, message);
            found.count = skew.lines;
            found.metadata.insert("stated".to_owned(), json!(skew.stated));
            found.metadata.insert("arrived".to_owned(), json!(skew.arrived));
            self.raise("skew", found);
        }
        if !self.plan.monitor_log {
            return;
        }
        for line in &batch.incidents {
            let mut found = incident(line.severity, line.kind, line.at, line.message.as_str());
            found.count = line.count;
            found.metadata.insert("level".to_owned(), json!(line.level));
            found.metadata.insert("stream".to_owned(), json!(line.stream));
            found.metadata.insert("event".to_owned(), json!(line.event));
            if let Some(service) = &line.service {
                found.metadata.insert("service".to_owned(), json!(service));
            }
            let service = line.service.as_deref().unwrap_or_default();
            self.raise(&format!("{}/{service}/{}", line.stream, line.key), found);
        }
        for ((kind, severity), count) in &batch.more_incidents {
            let message = format!("further lines of the kind {kind} (not listed one by one)");
            let mut found = incident(*severity, kind, now.wall, message);
            found.count = *count;
            self.raise("", found);
        }
    }
}
