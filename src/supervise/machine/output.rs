//! Captured lines: counts, and incidents for those that need a look.

use std::time::Duration;

use serde_json::json;

use super::Machine;
use crate::finding::Status;
use crate::supervise::event::{Action, Batch, Now};
use crate::supervise::incidents::incident;
use crate::supervise::record::Capture;
use crate::time::human_duration;

impl Machine {
    pub(super) fn output(&mut self, now: Now, number: usize, batch: &Batch, todo: &mut Vec<Action>) {
        if batch.total() == 0 && batch.bytes == 0 {
            return;
        }
        let workload = &mut self.workloads[number];
        workload.last_output = now.mono;
        workload.silence_reported = false;
        workload.attempts.lines(batch.total(), batch.first_at);
        workload.capture.add(batch);
        if batch.ready {
            self.ready_by_log(now, number, todo);
        }
        for (condition, at) in &batch.met {
            self.met(now, *condition, *at);
        }
        for (guard, came) in &batch.figures {
            self.figures(now, *guard, came);
        }
        if batch.cut > 0 {
            let message = "lines longer than 1 MiB were cut";
            self.raise_of(number, "cut", incident(Status::Warn, "capture", now.wall, message));
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
            self.raise_of(number, "skew", found);
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
            self.raise_of(number, &format!("{}/{service}/{}", line.stream, line.key), found);
        }
        for ((kind, severity), count) in &batch.more_incidents {
            let message = format!("further lines of the kind {kind} (not listed one by one)");
            let mut found = incident(*severity, kind, now.wall, message);
            found.count = *count;
            self.raise_of(number, "", found);
        }
    }
}

impl Capture {
    /// Counts the lines of a batch.
    fn add(&mut self, batch: &Batch) {
        self.total_lines += batch.total();
        for (stream, lines) in &batch.lines {
            *self.line_counts.entry((*stream).to_owned()).or_default() += lines;
        }
        for (level, lines) in &batch.levels {
            *self.level_counts.entry(level.clone()).or_default() += lines;
        }
        self.bytes += batch.bytes;
        *self.raw_bytes.get_or_insert_default() += batch.raw_bytes;
        self.cut_lines += batch.cut;
        self.invalid_utf8_lines += batch.invalid_utf8;
        self.first_line_at = self.first_line_at.or(batch.first_at);
        self.last_line_at = batch.last_at.or(self.last_line_at);
    }
}
