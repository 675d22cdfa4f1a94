//! Logs of the forms that are measured: the same bytes in every run.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

/// The time that a log spans: 72 hours.
pub(super) const SPAN_MICROS: u64 = 72 * 3600 * 1_000_000;

/// A form of log: its name, and what writes its record with a number, so many microseconds after the start.
pub(super) struct Form {
    pub(super) name: &'static str,
    /// About how long a record is, in bytes.
    length: u64,
    line: fn(&mut String, Moment, &mut Random),
}

/// All forms, the plain ones first.
pub(super) const FORMS: [Form; 17] = [
    Form { name: "json", length: 350, line: json },
    Form { name: "dated", length: 112, line: dated },
    Form { name: "syslog", length: 103, line: syslog },
    Form { name: "log4j", length: 118, line: log4j },
    Form { name: "klog", length: 105, line: klog },
    Form { name: "logfmt", length: 132, line: logfmt },
    Form { name: "no-level", length: 85, line: no_level },
    Form { name: "docker", length: 170, line: docker },
    Form { name: "docker-json", length: 230, line: docker_json },
    Form { name: "cri", length: 150, line: cri },
    Form { name: "harmless-word", length: 125, line: harmless_word },
    Form { name: "harmless-prose", length: 145, line: harmless_prose },
    Form { name: "trace-text", length: 520, line: trace_text },
    Form { name: "trace-json", length: 560, line: trace_json },
    Form { name: "errors", length: 150, line: error },
    Form { name: "errors-json", length: 180, line: error_json },
    Form { name: "access", length: 130, line: access },
];

impl Form {
    /// The form with a name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FORMS.iter().find(|form| form.name == name)
    }

    /// Writes a log of at least `size` bytes; gives its length.
    pub(super) fn write(&self, path: &Path, size: u64) -> io::Result<u64> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let mut random = Random(0);
        let step = SPAN_MICROS / (size / self.length).max(1);
        let (mut written, mut number, mut line) = (0, 0, String::new());
        while written < size {
            line.clear();
            (self.line)(&mut line, Moment { number, micros: number * step }, &mut random);
            line.push('\n');
            out.write_all(line.as_bytes())?;
            written += line.len() as u64;
            number += 1;
        }
        out.flush()?;
        Ok(written)
    }

    /// The record with a number.
    pub(super) fn record(&self, number: u64, step: u64, random: &mut Random) -> String {
        let mut line = String::new();
        (self.line)(&mut line, Moment { number, micros: number * step }, random);
        line + "\n"
    }
}

/// Which record it is, and when it happens after the start of the log.
#[derive(Clone, Copy)]
struct Moment {
    number: u64,
    micros: u64,
}

impl Moment {
    fn day(self) -> u64 {
        6 + self.micros / 86_400_000_000
    }

    /// `08:00:00` and the microseconds behind it.
    fn clock(self) -> (String, u64) {
        let seconds = self.micros / 1_000_000;
        let text = format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        (text, self.micros % 1_000_000)
    }

    /// `2025-01-06T08:00:00.000000`, with any mark before the time and before its fraction.
    fn stamp(self, mark: char, point: char, digits: usize) -> String {
        let (clock, micros) = self.clock();
        let fraction = format!("{micros:06}");
        let day = self.day();
        if digits == 0 {
            return format!("2025-01-{day:02}{mark}{clock}");
        }
        format!("2025-01-{day:02}{mark}{clock}{point}{}", &fraction[..digits])
    }

    /// Every ten-thousandth record is a warning.
    fn level(self) -> &'static str {
        match self.number {
            n if n % 10_000 == 9_999 => "WARNING",
            n if n.is_multiple_of(3) => "DEBUG",
            _ => "INFO",
        }
    }
}

const EVENTS: [&str; 8] =
    ["heartbeat", "order_placed", "order_filled", "book_update", "risk_check", "feed_tick", "cache", "position"];

fn event(random: &mut Random) -> &'static str {
    EVENTS[random.below(8) as usize]
}

/// What a service says: `risk_check took 4711 us with result ok for I42 on node-3`.
fn message(random: &mut Random) -> String {
    let event = event(random);
    let (took, instrument, node) = (random.below(10_000), random.below(100), random.below(12));
    format!("{event} took {took} us with result ok for I{instrument} on node-{node}")
}

fn json(out: &mut String, moment: Moment, random: &mut Random) {
    let event = event(random);
    *out = format!(
        "{{\"timestamp\":\"{}+00:00\",\"level\":\"{}\",\"event\":\"{event}\",\"message\":\"{event} took {} us with result \
         ok\",\"logger\":\"runtime.{event}\",\"thread\":\"worker-{}\",\"host\":\"node-{:02}\",\"sequence\":{},\"payload\":\
         {{\"instrument\":\"I{}\",\"price\":{}.{:02},\"quantity\":{},\"tags\":[\"rehearsal\",\"paper\"]}},\
         \"trace_id\":\"{:016x}{:016x}\"}}",
        moment.stamp('T', '.', 6),
        moment.level().to_lowercase(),
        random.below(10_000),
        random.below(8),
        random.below(12),
        moment.number,
        random.below(100),
        random.below(1000),
        random.below(100),
        random.below(1000),
        random.next(),
        random.next(),
    );
}

fn dated(out: &mut String, moment: Moment, random: &mut Random) {
    *out = format!("{} {} runtime.orders: {}", moment.stamp(' ', ',', 3), moment.level(), message(random));
}

fn syslog(out: &mut String, moment: Moment, random: &mut Random) {
    let (clock, _) = moment.clock();
    let (host, pid) = (random.below(3), random.below(99));
    *out = format!("Jan {:2} {clock} host{host} app[{pid}]: {}", moment.day(), message(random));
}

fn log4j(out: &mut String, moment: Moment, random: &mut Random) {
    let (stamp, thread, level) = (moment.stamp(' ', ',', 3), random.below(8), moment.level());
    *out = format!("{stamp} [worker-{thread}] {level:5} runtime.orders - {}", message(random));
}

fn klog(out: &mut String, moment: Moment, random: &mut Random) {
    let (clock, micros) = moment.clock();
    let (level, line) = (&moment.level()[..1], random.below(900));
    *out = format!("{level}01{:02} {clock}.{micros:06}   12 feed.go:{line}] {}", moment.day(), message(random));
}

fn logfmt(out: &mut String, moment: Moment, random: &mut Random) {
    let (stamp, level) = (moment.stamp('T', '.', 3), moment.level().to_lowercase());
    let (count, thread) = (random.below(1000), random.below(8));
    *out = format!("time={stamp}Z level={level} msg=\"{}\" count={count} thread=worker-{thread}", message(random));
}

fn no_level(out: &mut String, moment: Moment, random: &mut Random) {
    *out = format!("{} {}", moment.stamp(' ', '.', 0).replace('-', "/"), message(random));
}

fn docker(out: &mut String, moment: Moment, random: &mut Random) {
    let mut line = String::new();
    dated(&mut line, moment, random);
    *out = format!("{{\"log\":\"{line}\\n\",\"stream\":\"stdout\",\"time\":\"{}000Z\"}}", moment.stamp('T', '.', 6));
}

fn docker_json(out: &mut String, moment: Moment, random: &mut Random) {
    let (level, message) = (moment.level().to_lowercase(), message(random));
    let time = moment.stamp('T', '.', 6);
    *out = format!(
        "{{\"log\":\"{{\\\"time\\\":\\\"{time}Z\\\",\\\"level\\\":\\\"{level}\\\",\\\"msg\\\":\\\"{message}\\\"}}\\n\",\
         \"stream\":\"stdout\",\"time\":\"{time}000Z\"}}"
    );
}

fn cri(out: &mut String, moment: Moment, random: &mut Random) {
    let mut line = String::new();
    dated(&mut line, moment, random);
    *out = format!("{}000Z stdout F {line}", moment.stamp('T', '.', 6));
}

fn harmless_word(out: &mut String, moment: Moment, random: &mut Random) {
    dated(out, moment, random);
    out.push_str(" exceptions=0");
}

/// No two lines say the same, and all hold words that tell of crashes elsewhere.
fn harmless_prose(out: &mut String, moment: Moment, random: &mut Random) {
    const WORDS: [&str; 24] = [
        "signal", "order", "exit", "the", "feed", "of", "symbol", "key", "code", "page", "with", "first", "book",
        "stack", "and", "error", "trace", "handler", "after", "state", "line", "memory", "from", "process",
    ];
    dated(out, moment, random);
    for _ in 0..6 {
        out.push(' ');
        out.push_str(WORDS[random.below(24) as usize]);
    }
    out.push_str(" exceptions=0");
}

/// The frames of a trace, with another line number each time.
fn frames(random: &mut Random, end: &str) -> String {
    let files = ["feed.py", "book.py", "orders.py", "risk.py"];
    let frame = |file: &str, line: u64| {
        format!("  File \"/srv/app/{file}\", line {line}, in handle{end}    handle(message){end}")
    };
    files.iter().map(|file| frame(file, random.below(900))).collect()
}

fn trace_text(out: &mut String, moment: Moment, random: &mut Random) {
    let (stamp, order) = (moment.stamp(' ', ',', 3), random.below(1_000_000));
    let frames = frames(random, "\n");
    *out = format!(
        "{stamp} ERROR runtime.orders: order {order} failed\nTraceback (most recent call last):\n{frames}ValueError: order \
         {order} is crossed"
    );
}

fn trace_json(out: &mut String, moment: Moment, random: &mut Random) {
    let (stamp, order) = (moment.stamp('T', '.', 6), random.below(1_000_000));
    let frames = frames(random, "\\n").replace('"', "\\\"");
    *out = format!(
        "{{\"timestamp\":\"{stamp}Z\",\"level\":\"error\",\"message\":\"order {order} failed\",\"exc_info\":\"Traceback (most \
         recent call last):\\n{frames}ValueError: order {order} is crossed\"}}"
    );
}

/// Two words that no other record has.
fn words(random: &mut Random) -> String {
    let letters = |mut number: u64| -> String {
        let letter = |_| {
            let letter = char::from(b'g' + (number % 20) as u8);
            number /= 20;
            letter
        };
        (0..8).map(letter).collect()
    };
    format!("{} {}", letters(random.next()), letters(random.next()))
}

fn error(out: &mut String, moment: Moment, random: &mut Random) {
    let (stamp, words) = (moment.stamp(' ', ',', 3), words(random));
    *out = format!("{stamp} ERROR runtime.orders: the broker refused {words}: {}", message(random));
}

fn error_json(out: &mut String, moment: Moment, random: &mut Random) {
    let (stamp, words) = (moment.stamp('T', '.', 6), words(random));
    let message = message(random);
    *out = format!(
        "{{\"timestamp\":\"{stamp}Z\",\"level\":\"error\",\"event\":\"refused\",\"message\":\"the broker refused {words}: \
         {message}\"}}"
    );
}

fn access(out: &mut String, moment: Moment, random: &mut Random) {
    let (clock, _) = moment.clock();
    let status = [200, 200, 200, 200, 204, 301, 304, 404][random.below(8) as usize];
    *out = format!(
        "10.0.{}.{} - - [{:02}/Jan/2025:{clock} +0000] \"GET /orders/{} HTTP/1.1\" {status} {} \"-\" \"feed-client/2.1 \
         (linux)\"",
        random.below(256),
        random.below(256),
        moment.day(),
        random.below(100_000),
        random.below(50_000),
    );
}

/// splitmix64: the same numbers in every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
