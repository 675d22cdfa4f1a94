//! What is said of a line live is what the audit says of it later.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;
use crate::log::layout::{Layout, SAMPLE};
use crate::log::scan::chunk::{ChunkReport, Context};
use crate::log::totals::tally::{Limits, Tally};

type Words = [&'static str; 4];
const UP: Words = ["DEBUG", "INFO", "WARN", "ERROR"];
const LOW: Words = ["debug", "info", "warn", "error"];
const LONG: Words = ["Debug", "Information", "Warning", "Error"];
const LETTER: Words = ["D", "I", "W", "E"];
const PINO: Words = ["20", "30", "40", "50"];
const SYSLOG: Words = ["31", "30", "28", "27"];

/// Words for levels, and a line: `{L}` is the word, `{T}` the second, `{M}` the text.
const FORMATS: &[(Words, &str)] = &[
    (UP, "2025-01-06 00:00:{T} {L} app: {M}"),
    (UP, "2025-01-06T00:00:{T}Z [main] {L} a.B - {M}"),
    (LOW, "2025-01-06 00:00:{T} {L} {M}"),
    (LOW, "2025-01-06 00:00:{T} app {L} {M}"),
    (LOW, "2025-01-06 00:00:{T},123 app.core {L} {M}"),
    (LONG, "2025-01-06 00:00:{T}, {L}   CBS   {M}"),
    (LONG, "1/6/2025 12:00:{T} AM {L} app {M}"),
    (LETTER, "2025-01-06 00:00:{T} {L} app {M}"),
    (LETTER, "{L}0106 00:00:{T}.000000   1 a.go:3] {M}"),
    (LETTER, "{L}/App ( 12): {M}"),
    (LOW, "[{L}] {M}"),
    (LOW, "{L} {M}"),
    (LOW, "{L}: {M}"),
    (UP, "{L} {M}"),
    (LOW, "00:00:{T} {L} {M}"),
    (UP, "app|{L}|{M}"),
    (LOW, "app {L} {M}"),
    (LOW, r#"{"level":"{L}","msg":"{M}"}"#),
    (LOW, r#"{"time":"2025-01-06T00:00:{T}Z","criticality":"{L}","msg":"{M}"}"#),
    (PINO, r#"{"level":{L},"time":17361216{T}000,"msg":"{M}","pid":1}"#),
    (LOW, r#"ts=2025-01-06T00:00:{T}Z lvl={L} msg="{M}""#),
    (LOW, r#"{"time":"2025-01-06T00:00:{T}Z","message":"2025-01-06 00:00:{T} {L} {M}"}"#),
    (SYSLOG, "<{L}>Jan  6 00:00:{T} host app[12]: {M}"),
    (UP, "{M}"),
];
const TEXTS: &[&str] = &["started", "order 17 accepted", "no error so far", "warn limit is 3", "failed over in 3 ms"];
const TRACE: &str = "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\nValueError: boom";

/// The lines of a stream: of one to three formats, perhaps with the names of services before them.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let formats = prop::collection::vec(prop::sample::select(FORMATS), 1..4);
    let level = prop::sample::select(&[1_usize, 1, 1, 1, 1, 1, 0, 2, 3][..]);
    let line = (0..3_usize, level, prop::sample::select(TEXTS), 0..40_u8, any::<bool>());
    (formats, any::<bool>(), prop::collection::vec(line, 1..60)).prop_map(|(formats, named, lines)| {
        let mut all = Vec::new();
        for (second, (format, level, text, dice, first)) in lines.into_iter().enumerate() {
            let (words, form) = formats[format % formats.len()];
            let line = form.replace("{L}", words[level]).replace("{T}", &format!("{second:02}")).replace("{M}", text);
            let name = if !named {
                ""
            } else if first {
                "api-1  | "
            } else {
                "web-1  | "
            };
            let trace = TRACE.lines().filter(|_| dice == 0);
            all.extend(std::iter::once(line.as_str()).chain(trace).map(|line| format!("{name}{line}")));
        }
        all
    })
}

/// What the audit makes of a text.
fn audit(text: &str) -> Tally {
    let latest = Stamp::parse("2025-01-07").unwrap();
    let read = |layout: Layout| {
        let limits = Limits { silence: Duration::from_secs(1), listed: 1000, sources: false };
        let (layout, written) = (Arc::new(layout), Some(latest));
        ChunkReport::read(text.as_bytes(), Context { limits, written, latest, layout, ..Context::none() })
    };
    let mut part = read(Layout::learn(&text.as_bytes()[..text.len().min(SAMPLE)], latest));
    part = part.learn_again().map_or(part, read);
    part.close_ends();
    part.tally
}

/// The structured log of streams whose lines come in pieces, one after the other, and what was said of them.
fn live(streams: [(&[String], &[usize]); 2]) -> (String, Batch) {
    let formatter = |stream| Formatter::new(stream, Level::Info, Arc::new(Redactor::new([])));
    let mut formatters = [formatter("stdout"), formatter("stderr")];
    let (mut out, mut all) = (Vec::new(), Batch::default());
    let mut at = Stamp::parse("2025-01-06T00:00:00Z").unwrap();
    let mut from = [0, 0];
    for piece in 0..=streams[0].1.len().max(streams[1].1.len()) {
        for ((formatter, (lines, cuts)), from) in formatters.iter_mut().zip(streams).zip(&mut from) {
            let to = cuts.get(piece).map_or(lines.len(), |cut| (*from).max(cut % (lines.len() + 1)));
            let mut batch = Batch::default();
            let piece = &lines[*from..to];
            formatter.learn((piece.join("\n") + "\n").as_bytes(), at, to == lines.len());
            let arrived = Arrival { at, since_start: Duration::from_millis(1500) };
            let mut chunk = formatter.chunk(arrived, false, &mut out, &mut batch);
            piece.iter().for_each(|line| chunk.line(line.as_bytes(), None));
            chunk.finish(to == lines.len());
            all.merge(batch);
            at = at.plus(Duration::from_millis(100));
            *from = to;
        }
    }
    (String::from_utf8(out).unwrap(), all)
}

/// How often each service said something so bad.
fn services(said: impl Iterator<Item = (Option<String>, u64)>) -> BTreeMap<String, u64> {
    let mut services = BTreeMap::new();
    said.for_each(|(service, count)| *services.entry(service.unwrap_or_default()).or_default() += count);
    services
}

proptest! {
    #![proptest_config(Config { cases: 120, failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_is_said_live_is_what_the_audit_says_later(
        (out_lines, err_lines) in (lines(), lines()),
        cuts in prop::array::uniform2(prop::collection::vec(0..60_usize, 0..12)),
    ) {
        let mut cuts = cuts;
        cuts.iter_mut().for_each(|cuts| cuts.sort_unstable());
        let (log, said) = live([(&out_lines, &cuts[0]), (&err_lines, &cuts[1])]);
        let later = audit(&log);
        let (levels, _) = later.levels.finish();
        prop_assert_eq!(&said.levels, &levels, "{}", log);
        let of = |severity, kind| said.incidents.iter().filter(move |i| (i.severity, i.kind) == (severity, kind));
        let total = |severity, kind| of(severity, kind).map(|i| i.count).sum::<u64>();
        let (errors, crashes) = (total(Status::Fail, "log_level"), total(Status::Fail, "stack_trace"));
        prop_assert_eq!((total(Status::Warn, "log_level"), crashes), (later.warnings.total(), later.crashes.total()), "{}", log);
        // The record of a crash may state an error too.
        let both = later.errors.total() - errors;
        prop_assert!(both <= crashes, "{} errors live, {} later\n{}", errors, later.errors.total(), log);
        if both == 0 {
            let by_service = |service: Option<&serde_json::Value>| Some(service?.as_str()?.to_owned());
            let found = later.errors.clone().finish(&[]).into_iter().map(|found| (by_service(found.metadata.get("service")), 1));
            let shown = of(Status::Fail, "log_level").map(|i| (i.service.clone(), i.count));
            prop_assert_eq!(services(shown), services(found), "{}", log);
        }
        // The lines as they were printed tell no warning or error that was not told live.
        let (mut warned, mut failed) = (0, 0);
        for lines in [&out_lines, &err_lines] {
            let raw = audit(&(lines.join("\n") + "\n"));
            (warned, failed) = (warned + raw.warnings.total(), failed + raw.errors.total());
        }
        let told = later.warnings.total() + later.errors.total() + later.crashes.total();
        prop_assert!(failed <= later.errors.total() + crashes && warned + failed <= told, "{failed} errors and {warned} warnings\n{log}");
    }
}
