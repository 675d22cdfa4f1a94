//! Turns captured lines into records of the structured log.
//!
//! The lines of a stack trace become one record, and equal lines that come in one burst become one record with a
//! count: the structured log stays readable, and a flood costs little. The raw log keeps every line.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::json;

use super::event::{Batch, LineIncident, Skew};
use super::redact::Redactor;
use crate::evidence::classify::{self, Kind};
use crate::evidence::leading;
use crate::evidence::level::Level;
use crate::evidence::record::{self, Record};
use crate::finding::Status;
use crate::time::Stamp;

/// Longer lines are cut, in bytes.
pub const LINE_LIMIT: usize = 1 << 20;

/// A line's own time counts when it is this close to its arrival, in microseconds; otherwise its clock or time zone
/// is off, and the time of arrival counts.
const CLOSE: u64 = 60_000_000;

/// The most lines and bytes that are joined into one stack trace.
const TRACE_LINES: u64 = 2000;
const TRACE_BYTES: usize = 256 << 10;

/// How much of a message an incident shows, in characters.
const SHOWN: usize = 500;

/// Turns the lines of one stream into records.
pub struct Formatter {
    stream: &'static str,
    level: Level,
    redactor: Arc<Redactor>,
    trace: Trace,
    /// A stack trace whose next lines may still come.
    held: Option<Pending<'static>>,
}

/// Whether the lines at hand belong to a stack trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Trace {
    #[default]
    None,
    /// Frames follow.
    Open {
        /// The exception comes after the frames, as Python has it.
        closing_line: bool,
    },
}

/// The lines that arrived together.
pub struct Chunk<'a, 'l> {
    formatter: &'a mut Formatter,
    out: &'a mut Vec<u8>,
    batch: &'a mut Batch,
    arrived: Stamp,
    arrived_text: String,
    interrupted: bool,
    pending: Option<Pending<'l>>,
}

/// The line that was seen last; what follows may belong to it.
struct Pending<'l> {
    text: Cow<'l, [u8]>,
    arrived: Stamp,
    /// Whether the command had been asked to stop before.
    interrupted: bool,
    repeated: u64,
    lines: u64,
    cut_from: Option<u64>,
    trace: bool,
    /// What the first line shows, where it is plain text.
    crash: Option<Kind>,
    /// Whether equal lines may be counted in its record; not decided before there is one.
    foldable: Option<bool>,
}

impl Formatter {
    /// A formatter for `stream`; lines that state no level get `level`, and what `redactor` knows is not written.
    pub fn new(stream: &'static str, level: Level, redactor: Arc<Redactor>) -> Self {
        Self { stream, level, redactor, trace: Trace::None, held: None }
    }

    /// Begins a chunk of lines that arrived at `arrived`. Records go to `out`, counts and incidents to `batch`.
    /// `interrupted` says whether the command was asked to stop before.
    pub fn chunk<'a, 'l>(
        &'a mut self,
        arrived: Stamp,
        interrupted: bool,
        out: &'a mut Vec<u8>,
        batch: &'a mut Batch,
    ) -> Chunk<'a, 'l> {
        let pending = self.held.take();
        Chunk { formatter: self, out, batch, arrived, arrived_text: arrived.to_string(), interrupted, pending }
    }

    /// Whether a stack trace waits for its next lines. It must not wait long, because its incident waits with it.
    pub fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// What lines are written with: see [`Redactor`].
    pub fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }
}

impl<'l> Chunk<'_, 'l> {
    /// Takes the next line, without its line end. `cut_from` is its full length where it was cut.
    pub fn line(&mut self, line: &'l [u8], cut_from: Option<u64>) {
        self.batch.cut += u64::from(cut_from.is_some());
        let mut trace = false;
        if let Some(pending) = &mut self.pending {
            if !pending.trace && cut_from.is_none() && *pending.text == *line {
                let level = self.formatter.level;
                if *pending.foldable.get_or_insert_with(|| foldable(line, pending.crash, level)) {
                    pending.repeated += 1;
                    return;
                }
            }
            trace = self.formatter.trace.takes(line);
            if trace && pending.lines < TRACE_LINES && pending.text.len() + line.len() < TRACE_BYTES {
                let text = pending.text.to_mut();
                text.push(b'\n');
                text.extend_from_slice(line);
                pending.lines += 1;
                pending.trace = true;
                return;
            }
        }
        self.emit();
        let crash = if line.first() == Some(&b'{') { None } else { classify::text(&String::from_utf8_lossy(line)) };
        if !trace {
            self.formatter.trace = Trace::begins(line, crash);
        }
        let (text, arrived, interrupted) = (Cow::Borrowed(line), self.arrived, self.interrupted);
        let (repeated, lines, foldable) = (1, 1, None);
        self.pending = Some(Pending { text, arrived, interrupted, repeated, lines, cut_from, trace, crash, foldable });
    }

    /// Ends the chunk: everything taken is in `out` and `batch`, except for a stack trace at its end. That is over only
    /// where the stream pauses or ends.
    pub fn finish(mut self, pause: bool) {
        let open = !pause && self.formatter.trace != Trace::None;
        match self.pending.take() {
            Some(pending) if open => self.formatter.held = Some(pending.into_owned()),
            pending => {
                self.pending = pending;
                self.emit();
                self.formatter.trace = Trace::None;
            }
        }
        if self.batch.total() > 0 {
            self.batch.last_at = Some(self.arrived);
        }
    }

    fn emit(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let stream = self.formatter.stream;
        let redactor = Arc::clone(&self.formatter.redactor);
        self.batch.first_at.get_or_insert(pending.arrived);
        let line: &[u8] = &pending.text;
        let text = String::from_utf8_lossy(line);
        let lines = pending.repeated * pending.lines;
        let later = (pending.arrived != self.arrived).then(|| pending.arrived.to_string());
        let arrived_text = later.as_deref().unwrap_or(&self.arrived_text);
        *self.batch.lines.entry(stream).or_default() += lines;
        self.batch.invalid_utf8 += if matches!(text, Cow::Owned(_)) { pending.repeated } else { 0 };
        if pending.interrupted && is_own_interrupt(&text) {
            *self.batch.levels.entry(Level::Info.word().to_owned()).or_default() += 1;
            return self.own_interrupt(pending.lines, pending.arrived);
        }
        let record = if pending.lines == 1 { record::parse(line) } else { None };
        let stated = record.as_ref().and_then(Record::level);
        let level = stated.or_else(|| leading::level(&text));
        let word = match (&record, stated) {
            (Some(record), Some(level)) => match record.level_word() {
                // Any text can stand there; but known words must not be lost.
                word if level == Level::Unknown => redactor.text(word),
                // Numbers mean nothing outside their dialect.
                word if word.parse::<f64>().is_ok() => Cow::Borrowed(level.word()),
                word => word,
            },
            _ => Cow::Borrowed(level.unwrap_or(self.formatter.level).word()),
        };
        let own_time = record.as_ref().and_then(|r| r.at);
        let at = own_time.filter(|at| at.micros().abs_diff(pending.arrived.micros()) <= CLOSE);
        if let (Some(stated), None) = (own_time, at) {
            let lines = lines + self.batch.skew.map_or(0, |s| s.lines);
            let first = self.batch.skew.map_or((stated, pending.arrived), |s| (s.stated, s.arrived));
            self.batch.skew = Some(Skew { lines, stated: first.0, arrived: first.1 });
        }
        let structured = line.first() == Some(&b'{')
            && matches!(text, Cow::Borrowed(_))
            && serde_json::from_str::<IgnoredAny>(&text).is_ok();
        let object = record.as_ref().filter(|_| structured);
        let crash = match &record {
            Some(record) if object.is_some() || record.wraps() => {
                suspected(line).and_then(|()| record.crash()).or_else(|| record.frame())
            }
            _ if pending.lines == 1 && line.first() != Some(&b'{') => pending.crash,
            _ => classify::text(&text),
        };
        // Judged as it came, written as it may be seen.
        let plain = match redactor.line(text.as_bytes(), pending.cut_from.is_some()) {
            Cow::Borrowed(_) => Cow::Borrowed(&*text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        };
        let event = object.and_then(Record::event).map(|event| redactor.text(event));
        let message = match object {
            Some(record) => record.message().map(|message| redactor.text(message)),
            None => Some(Cow::Borrowed(&*plain)),
        };
        *self.batch.levels.entry(word.to_string()).or_default() += pending.repeated;

        let out = &mut *self.out;
        out.extend_from_slice(b"{\"timestamp\":\"");
        match at {
            Some(at) => out.extend_from_slice(at.to_string().as_bytes()),
            None => out.extend_from_slice(arrived_text.as_bytes()),
        }
        out.extend_from_slice(b"\",\"level\":");
        string(out, &word);
        out.extend_from_slice(b",\"event\":");
        optional(out, event.as_deref());
        out.extend_from_slice(b",\"message\":");
        optional(out, message.as_deref());
        out.extend_from_slice(b",\"stream\":");
        string(out, stream);
        number(out, ",\"repeated\":", (pending.repeated > 1).then_some(pending.repeated));
        number(out, ",\"lines\":", (pending.lines > 1).then_some(pending.lines));
        number(out, ",\"cut_from\":", pending.cut_from);
        out.extend_from_slice(b",\"payload\":{\"stream\":");
        string(out, stream);
        out.extend_from_slice(b",\"ingested_at\":\"");
        out.extend_from_slice(arrived_text.as_bytes());
        if structured {
            out.extend_from_slice(b"\",\"structured\":");
            out.extend_from_slice(redactor.json(text.trim()).as_bytes());
        } else {
            out.extend_from_slice(b"\",\"raw\":");
            string(out, &plain);
        }
        out.extend_from_slice(b"}}\n");

        let severity = level.unwrap_or(self.formatter.level).status();
        let trace = pending.trace || crash.is_some();
        if !trace && severity == Status::Pass {
            return;
        }
        let shown = message.or(event.clone()).unwrap_or_else(|| word.clone());
        let headline = if trace { headline(&shown) } else { &shown };
        self.batch.incident(LineIncident {
            severity: if trace { Status::Fail } else { severity },
            kind: if trace { "stack_trace" } else { "log_level" },
            stream,
            level: word.into_owned(),
            event: event.map(Cow::into_owned),
            message: headline.chars().take(SHOWN).collect(),
            key: mask(headline),
            at: pending.arrived,
            count: pending.repeated,
        });
    }
}

impl Chunk<'_, '_> {
    /// Keeps a trace for which emp-ops itself is the reason as what it is. Its frames are in the raw log.
    fn own_interrupt(&mut self, lines: u64, arrived: Stamp) {
        let (stream, arrived) = (self.formatter.stream, arrived.to_string());
        let record = json!({
            "timestamp": arrived, "level": Level::Info.word(), "event": null,
            "message": "KeyboardInterrupt: the command ended on the SIGINT that emp-ops sent", "stream": stream,
            "lines": lines, "payload": {"stream": stream, "ingested_at": arrived, "raw": "KeyboardInterrupt"},
        });
        let _ = serde_json::to_writer(&mut *self.out, &record);
        self.out.push(b'\n');
    }
}

/// Whether a text is what Python writes when SIGINT ends it, and nothing else: every exception in it is that one, or
/// the cancellation of tasks that comes with it.
fn is_own_interrupt(text: &str) -> bool {
    const PROSE: [&str; 3] = ["Traceback (most recent call last):", "During handling of", "The above exception"];
    const CANCELLED: [&str; 2] = ["asyncio.exceptions.CancelledError", "concurrent.futures._base.CancelledError"];
    let outer = |line: &&str| !line.is_empty() && !line.starts_with([' ', '\t']);
    let exceptions = text.lines().filter(outer).filter(|line| !PROSE.iter().any(|start| line.starts_with(start)));
    let mut last = None;
    for exception in exceptions {
        if exception != "KeyboardInterrupt" && !CANCELLED.contains(&exception) {
            return false;
        }
        last = Some(exception);
    }
    text.starts_with(PROSE[0]) && last == Some("KeyboardInterrupt")
}

impl Pending<'_> {
    fn into_owned(self) -> Pending<'static> {
        Pending { text: Cow::Owned(self.text.into_owned()), ..self }
    }
}

impl Trace {
    /// The state after a line that belongs to nothing before it.
    fn begins(line: &[u8], crash: Option<Kind>) -> Self {
        let Ok(text) = std::str::from_utf8(line) else { return Self::None };
        if crash.is_some() || classify::is_frame(text) {
            return Self::Open { closing_line: text.trim_start().starts_with("Traceback (") };
        }
        Self::None
    }

    /// Whether `line` goes on with the trace.
    fn takes(&mut self, line: &[u8]) -> bool {
        let Self::Open { closing_line } = *self else { return false };
        let Ok(text) = std::str::from_utf8(line) else { return false };
        let chained =
            ["Traceback (", "During handling of", "The above exception", "Caused by: ", "goroutine ", "note: run with"];
        if text.starts_with([' ', '\t']) || text.is_empty() || classify::is_frame(text) {
            return true;
        }
        if chained.iter().any(|start| text.starts_with(start)) {
            *self = Self::Open { closing_line: closing_line || text.starts_with("Traceback (") };
            return true;
        }
        *self = if closing_line { Self::Open { closing_line: false } } else { Self::None };
        closing_line
    }
}

/// Whether equal lines may be counted in one record: each warning, error and crash keeps its own.
fn foldable(line: &[u8], crash: Option<Kind>, default: Level) -> bool {
    let record = record::parse(line);
    let stated = record.as_ref().and_then(Record::level).or_else(|| leading::level(&String::from_utf8_lossy(line)));
    let level = stated.unwrap_or(default);
    let crash = crash.or_else(|| suspected(line).and_then(|()| record.as_ref()?.crash()));
    crash.is_none() && level.status() == Status::Pass
}

/// Whether a line of JSON may tell of a crash; most need no closer look.
fn suspected(line: &[u8]) -> Option<()> {
    classify::suspect(line, 0).map(|_| ())
}

/// The line of a stack trace that says what happened: the last one of Python's, the first of all others.
fn headline(text: &str) -> &str {
    let mut lines = text.lines().filter(|l| !l.trim().is_empty());
    if text.trim_start().starts_with("Traceback (") {
        lines.rfind(|l| !l.starts_with([' ', '\t'])).unwrap_or(text)
    } else {
        lines.next().unwrap_or(text)
    }
}

/// What makes two messages equal: everything but numbers.
fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len().min(SHOWN));
    let mut digits = false;
    for c in text.chars().take(SHOWN) {
        if !c.is_ascii_digit() {
            masked.push(c);
        } else if !digits {
            masked.push('#');
        }
        digits = c.is_ascii_digit();
    }
    masked
}

fn string(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

fn optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

fn number(out: &mut Vec<u8>, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(value.to_string().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn capture(stream: &'static str, lines: &[&str]) -> (Vec<Value>, Batch) {
        capture_with(&[], stream, &[lines])
    }

    /// What becomes of lines that arrive in pieces, one second apart, without a pause; then the stream ends.
    fn capture_with(secrets: &[&str], stream: &'static str, pieces: &[&[&str]]) -> (Vec<Value>, Batch) {
        let redactor = Arc::new(Redactor::new(secrets.iter().copied()));
        let level = if stream == "stderr" { Level::Error } else { Level::Info };
        let mut formatter = Formatter::new(stream, level, redactor);
        take(&mut formatter, false, &[pieces, &[&[]]].concat())
    }

    /// Takes pieces; the stream pauses after the last.
    fn take(formatter: &mut Formatter, interrupted: bool, pieces: &[&[&str]]) -> (Vec<Value>, Batch) {
        let (mut out, mut all) = (Vec::new(), Batch::default());
        let mut at = Stamp::parse("2025-01-06T00:00:00Z").unwrap();
        for (i, lines) in pieces.iter().enumerate() {
            let mut batch = Batch::default();
            let mut chunk = formatter.chunk(at, interrupted, &mut out, &mut batch);
            for line in *lines {
                chunk.line(line.as_bytes(), None);
            }
            chunk.finish(i + 1 == pieces.len());
            all.merge(batch);
            at = at.plus(std::time::Duration::from_secs(1));
        }
        let records = String::from_utf8(out).unwrap();
        (records.lines().map(|l| serde_json::from_str(l).unwrap()).collect(), all)
    }

    #[test]
    fn a_plain_line_is_kept_with_its_arrival() {
        let (records, batch) = capture("stdout", &["hello \"world\""]);
        assert_eq!(
            records,
            [json!({
                "timestamp": "2025-01-06T00:00:00+00:00", "level": "info", "event": null,
                "message": "hello \"world\"", "stream": "stdout",
                "payload": {"stream": "stdout", "ingested_at": "2025-01-06T00:00:00+00:00", "raw": "hello \"world\""},
            })]
        );
        assert_eq!(batch.total(), 1);
        assert!(batch.incidents.is_empty());
    }

    #[test]
    fn levels_of_every_spelling_reach_the_record() {
        for (line, level, severity) in [
            (r#"{"lvl":"error","msg":"order rejected"}"#, "error", Some(Status::Fail)),
            (r#"{"level":50,"time":1736121600000,"msg":"db down"}"#, "error", Some(Status::Fail)),
            (r#"{"levelname":"ERROR","levelno":40,"message":"order rejected"}"#, "error", Some(Status::Fail)),
            (r#"{"level":"warn","msg":"slow"}"#, "warn", Some(Status::Warn)),
            ("WARNING:root:slow", "warning", Some(Status::Warn)),
            ("INFO:root:fine", "info", None),
            ("all is well", "info", None),
            ("ERROR: database gone", "error", Some(Status::Fail)),
            ("05:51:29.123 [main] WARN com.x.Y - slow", "warning", Some(Status::Warn)),
        ] {
            let (records, batch) = capture("stdout", &[line]);
            assert_eq!(records[0]["level"], level, "{line}");
            assert_eq!(batch.incidents.first().map(|i| i.severity), severity, "{line}");
        }
    }

    #[test]
    fn a_stderr_line_that_states_its_level_keeps_it() {
        let (_, batch) = capture("stderr", &[r#"{"level":"info","message":"started"}"#, "INFO:root:ready"]);
        assert!(batch.incidents.is_empty(), "{batch:?}");
        let (_, batch) = capture("stderr", &["something odd"]);
        assert_eq!(batch.incidents[0].severity, Status::Fail);
    }

    #[test]
    fn a_stack_trace_is_one_record_and_one_incident_named_by_its_exception() {
        let trace = ["Traceback (most recent call last):", "  File \"a.py\", line 1, in f", "ValueError: boom"];
        let (records, batch) = capture("stderr", &[trace[0], trace[1], trace[2], "INFO:root:going on"]);
        assert_eq!(records.len(), 2);
        assert_eq!(records[0]["lines"], 3);
        assert_eq!(records[0]["message"], trace.join("\n"));
        assert_eq!(batch.total(), 4);
        assert_eq!(batch.incidents.len(), 1);
        assert_eq!((batch.incidents[0].kind, &*batch.incidents[0].message), ("stack_trace", "ValueError: boom"));
    }

    const TRACE: [&str; 3] =
        ["Traceback (most recent call last):", "  File \"a.py\", line 1, in f", "ValueError: boom"];

    #[test]
    fn a_stack_trace_in_pieces_is_still_one() {
        let pieces: [&[&str]; 5] = [&TRACE[..1], &TRACE[1..2], &[], &TRACE[2..], &["INFO:root:going on"]];
        let (records, batch) = capture_with(&[], "stderr", &pieces);
        assert_eq!((records.len(), &records[0]["message"]), (2, &json!(TRACE.join("\n"))));
        assert_eq!(records[0]["timestamp"], "2025-01-06T00:00:00+00:00", "that of its first line");
        assert_eq!((batch.total(), batch.levels["error"]), (4, 1));
        let found: Vec<_> = batch.incidents.iter().map(|i| (i.kind, &*i.message, i.count)).collect();
        assert_eq!(found, [("stack_trace", "ValueError: boom", 1)]);
    }

    #[test]
    fn a_stack_trace_is_over_after_a_pause() {
        let mut formatter = Formatter::new("stdout", Level::Info, Arc::default());
        let (records, batch) = take(&mut formatter, false, &[&TRACE]);
        assert_eq!((records.len(), batch.incidents.len()), (1, 1));
        let (records, batch) = take(&mut formatter, false, &[&["  indented, but nothing is wrong"]]);
        assert_eq!((&records[0]["level"], batch.incidents), (&json!("info"), vec![]));
    }

    #[test]
    fn an_endless_stack_trace_is_cut_into_records() {
        let frame = format!("  at {}", "x".repeat(1 << 10));
        let lines: Vec<&str> = std::iter::once("panic: boom").chain(std::iter::repeat_n(&*frame, 600)).collect();
        let (records, batch) = capture("stdout", &lines);
        assert_eq!((records.len(), batch.total()), (3, 601));
        assert!(batch.incidents.iter().all(|i| i.kind == "stack_trace"), "{:?}", batch.incidents);
    }

    #[test]
    fn secrets_are_hidden_and_cost_no_level() {
        for (secret, line, level, shown) in [
            ("500000", r#"{"level":"error","value":500000,"msg":"db gone"}"#, "error", "db gone"),
            ("WARNING", "WARNING:root:order book slow", "warning", "*******:root:order book slow"),
            ("critical", r#"{"time":"2025-01-06T00:00:01Z","level":"critical","msg":"x"}"#, "critical", "x"),
            ("timestamp", r#"{"timestamp":"2025-01-06T00:00:01Z","level":"warn","msg":"x"}"#, "warn", "x"),
            ("hunter2secret", "ERROR: no hunter2secret", "error", "ERROR: no *************"),
            ("hunter2secret", r#"{"level":"error","msg":"no hunter2secret"}"#, "error", "no *************"),
            ("hunter2secret", r#"{"level":"hunter2secret","msg":"x"}"#, "*************", "x"),
        ] {
            let (records, batch) = capture_with(&[secret], "stdout", &[&[line]]);
            assert_eq!((&records[0]["level"], &records[0]["message"]), (&json!(level), &json!(shown)), "{line}");
            assert_eq!(batch.levels.keys().collect::<Vec<_>>(), [level], "{line}");
            assert_eq!(records[0]["payload"]["structured"].is_object(), line.starts_with('{'), "{line}");
            if line.contains("00:01") {
                assert_eq!(records[0]["timestamp"], "2025-01-06T00:00:01+00:00");
            }
            if !level.starts_with('*') {
                assert_eq!((batch.incidents.len(), &*batch.incidents[0].message), (1, shown), "{line}");
            }
            let written = format!("{:?}", records[0]["payload"]);
            assert!(secret == "timestamp" || !written.contains(secret), "{written}");
        }
    }

    #[test]
    fn an_interrupt_that_emp_ops_sent_is_no_crash() {
        let interrupt = [TRACE[0], TRACE[1], "KeyboardInterrupt"];
        let asyncio = "asyncio.exceptions.CancelledError";
        let during = "During handling of the above exception, another exception occurred:";
        let chained = [TRACE[0], TRACE[1], asyncio, "", during, "", TRACE[0], TRACE[1], "KeyboardInterrupt"];
        let masked = [TRACE[0], TRACE[1], TRACE[2], "", during, "", TRACE[0], TRACE[1], "KeyboardInterrupt"];
        let cut = [TRACE[0], "KeyboardInterrupt", "ValueError: boom"];
        for (asked, lines, harmless) in [
            (true, &interrupt[..], true),
            (true, &chained, true),
            (false, &interrupt, false),
            (true, &masked, false),
            (true, &TRACE, false),
            (true, &cut, false),
        ] {
            let mut formatter = Formatter::new("stderr", Level::Error, Arc::default());
            let (records, batch) = take(&mut formatter, asked, &[&lines[..1], &lines[1..]]);
            assert_eq!(batch.incidents.is_empty(), harmless, "{lines:?}");
            assert_eq!(records.iter().all(|r| r["level"] == "info"), harmless, "{lines:?}");
            assert_eq!(batch.total(), lines.len() as u64);
            let crashes = |r: &Value| record::parse(r.to_string().as_bytes()).unwrap().crash().is_some();
            let seen = records.iter().any(|r| r["level"] == "error" || crashes(r));
            assert_eq!(seen, !harmless, "the audit agrees: {records:?}");
        }
    }

    #[test]
    fn a_crash_is_an_incident_wherever_the_line_tells_of_it() {
        for line in [
            r#"{"level":"info","msg":"done","err":"boom\n\tat a.B.c(D.java:1)"}"#,
            r#"level=info msg=done err="boom\n\tat a.B.c(D.java:1)""#,
            "{worker} panicked at src/main.rs:4:5",
            "\tat a.B.c(D.java:1)",
            "Fatal Error: cannot continue",
        ] {
            let (records, batch) = capture("stdout", &[line]);
            assert_eq!(batch.incidents.first().map(|i| i.kind), Some("stack_trace"), "{line}");
            // The audit of what was kept comes to the same end.
            let kept = records[0].to_string();
            let crash = record::parse(kept.as_bytes()).and_then(|record| record.crash());
            assert!(crash.is_some() && classify::suspect(kept.as_bytes(), 0).is_some(), "{kept}");
        }
    }

    #[test]
    fn equal_lines_of_a_burst_are_counted() {
        let (records, batch) = capture("stdout", &["y", "y", "y", "n"]);
        assert_eq!((records.len(), &records[0]["repeated"]), (2, &json!(3)));
        assert_eq!((batch.total(), batch.levels["info"]), (4, 4));
        let (records, _) = capture("stdout", &["ERROR:root:x"; 3]);
        assert_eq!(records.len(), 3, "each error keeps its own record");
    }

    #[test]
    fn a_time_far_from_arrival_is_not_trusted() {
        let (records, batch) = capture("stdout", &[r#"{"timestamp":"2025-01-06T05:30:00","level":"info"}"#]);
        assert_eq!(records[0]["timestamp"], "2025-01-06T00:00:00+00:00");
        assert_eq!(batch.skew.map(|s| s.lines), Some(1));
        let (records, _) = capture("stdout", &[r#"{"level":30,"time":1736121601500,"msg":"hi"}"#]);
        assert_eq!(records[0]["timestamp"], "2025-01-06T00:00:01.500000+00:00");
    }
}
