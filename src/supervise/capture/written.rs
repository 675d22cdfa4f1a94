//! How a record of the structured log is written: by hand, as this is done for every line that a run prints.

use std::time::Duration;

use serde_json::{Value, json};

use crate::json::inert::{append_document, append_string};
use crate::time::Stamp;

/// When lines arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// By the wall clock, which may be set.
    pub at: Stamp,
    /// Since the start of the run, by the monotonic clock.
    pub since_start: Duration,
}

impl Arrival {
    /// The two instants as they are in a record.
    pub(super) fn texts(self) -> [String; 2] {
        let since = self.since_start;
        [self.at.to_string(), format!("{}.{:06}", since.as_secs(), since.subsec_micros())]
    }
}

/// Whose line it is.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    source: String,
    attempt: u64,
    /// Both as they are in each record.
    keys: Vec<u8>,
}

impl Origin {
    /// A line of this start of a workload.
    pub(crate) fn new(source: &str, attempt: u64) -> Self {
        let mut keys = b",\"source\":".to_vec();
        append_string(&mut keys, source);
        number(&mut keys, ",\"attempt\":", Some(attempt));
        Self { source: source.to_owned(), attempt, keys }
    }

    /// Adds it to a record, where there is one.
    pub(super) fn mark(origin: Option<&Self>, record: &mut Value) {
        if let Some(origin) = origin {
            (record["source"], record["attempt"]) = (json!(origin.source), json!(origin.attempt));
        }
    }
}

/// What a line of the structured log says.
pub(super) struct Line<'a> {
    /// The time that the line itself states, where it is credible.
    pub(super) own_time: Option<Stamp>,
    /// When it arrived: a time, and seconds since the start of the run.
    pub(super) arrived: &'a [String; 2],
    pub(super) level: &'a str,
    pub(super) event: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    pub(super) stream: &'static str,
    pub(super) service: Option<&'a str>,
    /// Whose it is, where there are several workloads.
    pub(super) origin: Option<&'a Origin>,
    /// How many equal lines it stands for, and how many lines each of them joins.
    pub(super) folded: (u64, u64),
    /// How long the line was before it was cut, in bytes.
    pub(super) cut_from: Option<u64>,
    /// Whether it goes on with the stack trace of the record before it in its stream.
    pub(super) continues: bool,
    /// Whether a record before it is of the same line, whose level was not known then.
    pub(super) restates: bool,
    /// Whether the line is an object that has a key twice.
    pub(super) has_twins: bool,
    /// The line as it came, without secrets, where it is a JSON object; otherwise the message is the line.
    pub(super) object: Option<&'a str>,
}

impl Line<'_> {
    /// Appends it to `out`, with its line end.
    pub(super) fn append(&self, out: &mut Vec<u8>) {
        let [arrived, received] = self.arrived;
        out.extend_from_slice(b"{\"timestamp\":\"");
        match self.own_time {
            Some(at) => out.extend_from_slice(at.to_string().as_bytes()),
            None => out.extend_from_slice(arrived.as_bytes()),
        }
        out.extend_from_slice(b"\",\"received\":");
        out.extend_from_slice(received.as_bytes());
        out.extend_from_slice(b",\"level\":");
        append_string(out, self.level);
        out.extend_from_slice(b",\"event\":");
        optional(out, self.event);
        out.extend_from_slice(b",\"message\":");
        optional(out, self.message);
        out.extend_from_slice(b",\"stream\":");
        append_string(out, self.stream);
        if let Some(service) = self.service {
            out.extend_from_slice(b",\"service\":");
            append_string(out, service);
        }
        if let Some(origin) = self.origin {
            out.extend_from_slice(&origin.keys);
        }
        let (repeated, lines) = self.folded;
        number(out, ",\"repeated\":", (repeated > 1).then_some(repeated));
        number(out, ",\"lines\":", (lines > 1).then_some(lines));
        number(out, ",\"cut_from\":", self.cut_from);
        if self.continues {
            out.extend_from_slice(b",\"continues\":true");
        }
        if self.restates {
            out.extend_from_slice(b",\"restates\":true");
        }
        if self.has_twins {
            out.extend_from_slice(b",\"twin_keys\":true");
        }
        out.extend_from_slice(b",\"payload\":{\"stream\":");
        append_string(out, self.stream);
        out.extend_from_slice(b",\"ingested_at\":\"");
        out.extend_from_slice(arrived.as_bytes());
        out.push(b'"');
        if let Some(object) = self.object {
            out.extend_from_slice(b",\"structured\":");
            append_document(out, object);
        } else if self.message == Some("") {
            // An empty line is told from an object without a message.
            out.extend_from_slice(b",\"raw\":\"\"");
        }
        out.extend_from_slice(b"}}\n");
    }
}

fn optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => append_string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

fn number(out: &mut Vec<u8>, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(value.to_string().as_bytes());
    }
}
