//! Logs of all kinds, from the file to the summary.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use emp_ops::finding::Status;
use emp_ops::io::read::scan::{ScanOptions, expand, scan};
use emp_ops::log::scan::chunk::{ChunkReport, Context};
use emp_ops::log::summary::LogSummary;
use emp_ops::log::totals::summarise::{self, Terms};
use emp_ops::log::totals::tally::Limits;
use emp_ops::time::Stamp;
use proptest::prelude::*;

use crate::harness::{Bench, fixture};

fn read(paths: &[PathBuf], options: &ScanOptions) -> LogSummary {
    let (sources, mut findings) = expand(paths, None);
    let mut summary = scan(&sources, options);
    summary.findings.append(&mut findings);
    summary
}

fn read_one(path: &Path) -> LogSummary {
    read(&[path.to_owned()], &ScanOptions::default())
}

/// Each fixture tells of two ordinary records, a warning, an error, and a crash.
#[test]
fn every_dialect_is_recognised_and_understood() {
    for (name, dialect, records, warnings, errors) in [
        ("apache-error.log", "dated text", 5, 1, 2),
        ("bunyan.jsonl", "bunyan", 5, 1, 2),
        ("capture.jsonl", "emp-ops capture", 5, 1, 1),
        ("clef.jsonl", "Serilog CLEF", 5, 1, 2),
        ("cri.log", "Kubernetes CRI", 5, 1, 1),
        ("docker.jsonl", "Docker json-file", 5, 1, 1),
        ("dotnet.jsonl", ".NET console JSON", 5, 1, 2),
        ("ecs.jsonl", "ECS", 5, 1, 2),
        ("env-logger.log", "dated text", 4, 1, 1),
        ("gcp.jsonl", "Google Cloud logging", 5, 1, 2),
        ("gelf.jsonl", "GELF", 5, 1, 2),
        ("journald.jsonl", "journald export JSON", 5, 1, 2),
        ("klog.log", "klog", 5, 1, 2),
        ("logback.log", "dated text", 5, 1, 2),
        ("logfmt.log", "logfmt", 5, 1, 2),
        ("loguru.jsonl", "loguru serialize", 5, 1, 2),
        ("loguru.log", "dated text", 5, 1, 2),
        ("nginx-error.log", "dated text", 5, 1, 2),
        ("otlp.jsonl", "OTLP JSON", 5, 1, 1),
        ("own-form.jsonl", "structured log", 5, 1, 1),
        ("pino.jsonl", "pino", 5, 1, 1),
        ("python-json-logger.jsonl", "python-json-logger", 5, 1, 2),
        ("python-logging.log", "dated text", 5, 1, 2),
        ("slog.jsonl", "Go slog JSON", 5, 1, 2),
        ("structlog-dict.jsonl", "structlog", 5, 1, 2),
        ("structlog.jsonl", "structlog", 5, 1, 2),
        ("syslog-3164.log", "syslog RFC 3164", 5, 1, 2),
        ("syslog-5424.log", "syslog RFC 5424", 5, 1, 2),
        ("tracing.jsonl", "Rust tracing JSON", 5, 1, 2),
        ("winston.jsonl", "winston", 5, 1, 2),
        ("winston.log", "dated text", 5, 1, 2),
        ("zap.jsonl", "zap", 5, 1, 2),
        ("zerolog.jsonl", "zerolog", 5, 1, 2),
    ] {
        let summary = read_one(&fixture("logs").join(name));
        let file = &summary.files[0];
        let totals = summary.totals;
        // The crash of these is their level alone: a JSON line that only says `panic` shows no trace.
        let crashes = u64::from(!matches!(name, "apache-error.log" | "nginx-error.log" | "zerolog.jsonl"));
        assert_eq!(
            (file.dialect.as_str(), summary.records, totals.warnings, totals.errors, totals.content_incidents),
            (dialect, records, warnings, errors, crashes),
            "{name}: {summary:#?}"
        );
        assert_eq!((file.first_ignored.len(), file.complete), (0, true), "{name}");
        assert_eq!((summary.status, summary.unknown_levels.len()), (Status::Fail, 0), "{name}");
    }
}

#[test]
fn lines_without_a_time_are_ignored_but_their_errors_are_not() {
    let summary = read_one(&fixture("logs/python-basic.log"));
    assert_eq!((summary.records, summary.totals.errors, summary.totals.content_incidents), (0, 2, 1));
    assert!(summary.findings.iter().any(|finding| finding.summary.contains("no usable record")), "{summary:#?}");
}

#[test]
fn bad_files_are_findings_that_name_them() {
    let bench = Bench::new();
    let good = "{\"timestamp\":\"2025-01-06T00:00:00Z\",\"level\":\"info\",\"event\":\"a\"}\n\
                {\"timestamp\":\"2025-01-06T00:10:00Z\",\"level\":\"info\",\"event\":\"b\"}\n";
    let many: String = (0..24).map(|hour| good.replace("T00:", &format!("T{hour:02}:"))).collect();
    let gz = pack_gz(many.as_bytes());
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(good.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let mut long = vec![b'x'; 17 << 20];
    long.extend_from_slice(b"\n");
    long.extend_from_slice(good.as_bytes());
    let mut zeros = gz.clone();
    zeros[40..60].fill(0);
    let deep = good.to_owned()
        + "{\"timestamp\":\"2025-01-06T00:10:01Z\",\"level\":\"info\",\"x\":"
        + &"[".repeat(100_000)
        + &"]".repeat(100_000)
        + "}\n";
    let huge = format!("{good}{{\"timestamp\":\"2025-01-06T00:10:01Z\",\"n\":{}}}\n", "9".repeat(5000));
    let cases: Vec<(&str, Vec<u8>, Status, &str)> = vec![
        ("good.jsonl", good.into(), Status::Pass, ""),
        ("named.gz", good.into(), Status::Pass, ""),
        ("packed.jsonl.gz.1", gz.clone(), Status::Pass, ""),
        ("two.gz", [gz.clone(), gz.clone()].concat(), Status::Warn, "goes back"),
        ("cut.gz", gz[..gz.len() - 10].to_vec(), Status::Fail, "end too early"),
        ("broken.gz", zeros, Status::Fail, "corrupt"),
        ("head.gz", gz[..5].to_vec(), Status::Fail, "end too early"),
        ("empty.jsonl", Vec::new(), Status::Fail, "no usable record"),
        ("blank.jsonl", b"\n\n \n".to_vec(), Status::Fail, "no usable record"),
        ("archive.zip", b"PK\x03\x04rest".to_vec(), Status::Fail, "a zip archive"),
        ("binary.log", b"\x01\x02\0\x03\x04 data".to_vec(), Status::Fail, "binary data"),
        ("bom.jsonl", [b"\xef\xbb\xbf", good.as_bytes()].concat(), Status::Pass, ""),
        ("utf16.log", utf16, Status::Pass, ""),
        ("long.jsonl", long, Status::Fail, "longer than 16 MiB"),
        (
            "latin1.jsonl",
            good.replace("\"a\"", "\"\u{fffd}\"")
                .replace('\u{fffd}', "?")
                .into_bytes()
                .into_iter()
                .map(|b| if b == b'?' { 0xe9 } else { b })
                .collect(),
            Status::Warn,
            "not valid UTF-8",
        ),
        (
            "garbage.jsonl",
            good.to_owned().into_bytes().into_iter().chain(b"garbage\n".repeat(5000)).collect(),
            Status::Fail,
            "no usable records",
        ),
        ("back.jsonl", (good.to_owned() + good).into_bytes(), Status::Warn, "goes back"),
        ("future.jsonl", good.replace("2025", "2998").into_bytes(), Status::Warn, "in the future"),
        ("ancient.jsonl", good.replace("2025", "1970").into_bytes(), Status::Warn, "before the year 2000"),
        ("true.jsonl", b"{\"timestamp\":true}\n".to_vec(), Status::Fail, "no usable record"),
        ("millis.jsonl", b"{\"level\":30,\"time\":1736121600000,\"msg\":\"hi\"}\n".to_vec(), Status::Pass, ""),
        ("deep.jsonl", deep.into_bytes(), Status::Pass, ""),
        ("huge.jsonl", huge.into_bytes(), Status::Pass, ""),
        ("cr.jsonl", good.replace('\n', "\r").into_bytes(), Status::Pass, ""),
        ("crlf.jsonl", good.replace('\n', "\r\n").into_bytes(), Status::Pass, ""),
        ("cut.jsonl", good[..good.len() - 20].into(), Status::Fail, "no usable records"),
    ];
    for (name, bytes, status, says) in cases {
        let path = bench.write(name, bytes);
        let summary = read_one(&path);
        assert_eq!(summary.status, status, "{name}: {:#?}", summary.findings);
        let found = summary.findings.iter().find(|finding| finding.summary.contains(says));
        assert!(says.is_empty() || found.is_some(), "{name}: {:#?}", summary.findings);
        assert!(
            found.is_none_or(|f| f.place.as_ref().is_some_and(|place| place.path.ends_with(name))),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn paths_that_lead_nowhere_and_files_given_twice_are_findings() {
    let bench = Bench::new();
    let log = bench.write("a.jsonl", "{\"timestamp\":\"2025-01-06T00:00:00Z\"}\n");
    let copy = bench.write("b.jsonl", "{\"timestamp\":\"2025-01-06T00:00:00Z\"}\n");
    let summary = read(&[copy, log, bench.path().join("none.jsonl")], &ScanOptions::default());
    assert_eq!((summary.records, summary.files.len()), (1, 1));
    let shown: Vec<String> = summary.findings.iter().map(|f| format!("{} {}", f.severity, f.summary)).collect();
    assert!(shown.iter().any(|s| s.starts_with("WARN") && s.contains("same bytes")), "{shown:?}");
    assert!(shown.iter().any(|s| s.starts_with("FAIL") && s.contains("cannot be read")), "{shown:?}");
    assert!(summary.findings.iter().any(|f| f.place.as_ref().is_some_and(|place| place.path.ends_with("none.jsonl"))));
}

#[test]
fn a_log_beside_its_packed_copy_is_noticed() {
    let bench = Bench::new();
    let text = "{\"timestamp\":\"2025-01-06T00:00:00Z\",\"event\":\"a\"}\n";
    let plain = bench.write("a.jsonl", text);
    let packed = bench.write("a.jsonl.gz", pack_gz(text.as_bytes()));
    let summary = read(&[plain, packed], &ScanOptions::default());
    assert_eq!(summary.status, Status::Warn);
    assert!(summary.findings.iter().any(|finding| finding.summary.contains("same text as")), "{summary:#?}");
}

fn pack_gz(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Lines of all sorts, with times in any order.
fn line() -> impl Strategy<Value = String> {
    let time = (0..200_000_i64).prop_map(|seconds| Stamp::from_seconds(1_736_000_000 + seconds).unwrap());
    prop_oneof![
        6 => (time.clone(), 0..6_usize, 0..9_u8).prop_map(|(at, level, event)| {
            let level = ["info", "debug", "warning", "error", "40", "purple"][level];
            format!("{{\"timestamp\":\"{at}\",\"level\":\"{level}\",\"event\":\"e{event}\",\"message\":\"order {event}1 done\"}}")
        }),
        2 => time.clone().prop_map(|at| format!("{} ERROR feed - lost", at.utc().format("%Y-%m-%d %H:%M:%S"))),
        1 => time.prop_map(|at| format!("{{\"ts\":\"{at}\",\"msg\":\"panic: boom\"}}\r{{\"ts\":\"{at}\"}}")),
        1 => Just("{\"level\":\"error\",\"time\":\"12:00\"}".to_owned()),
        1 => Just("Traceback (most recent call last):".to_owned()),
        1 => Just("  File \"a.py\", line 1, in f".to_owned()),
        1 => Just("ValueError: boom".to_owned()),
        1 => Just("ERROR: lost".to_owned()),
        1 => Just("10%\r20%\r[warn] lost".to_owned()),
        1 => Just("\u{feff}{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{},{}]}]}]}".to_owned()),
        1 => Just(String::new()),
        1 => Just("noise".to_owned()),
        1 => Just("   ".to_owned()),
    ]
}

const LIMITS: Limits = Limits { silence: Duration::from_secs(900), listed: 7, sources: false };

fn context(file: u32) -> Context {
    Context {
        limits: LIMITS,
        file,
        written: None,
        latest: Stamp::parse("2030-01-01").unwrap(),
        layout: Arc::default(),
        ignore: Arc::default(),
        statuses: Arc::default(),
        years: Arc::default(),
        bounds: Arc::default(),
        offset: 0,
    }
}

fn summarise(mut part: ChunkReport) -> LogSummary {
    part.close_ends();
    let terms = Terms {
        drills: Vec::new(),
        warn_gap: LIMITS.silence,
        fail_gap: Duration::from_secs(3600),
        listed: LIMITS.listed,
        window: None,
        drain: std::time::Duration::ZERO,
        receipt: None,
        pauses: Vec::new(),
        ignore: Vec::new(),
    };
    summarise::summary(part.tally, Vec::new(), Vec::new(), &["a".to_owned()], &terms)
}

/// The texts with their line ends, cut before the given lines.
fn cut(lines: &[String], cuts: &[usize]) -> Vec<String> {
    let mut texts = vec![String::new()];
    for (number, line) in lines.iter().enumerate() {
        if cuts.contains(&number) {
            texts.push(String::new());
        }
        let text = texts.last_mut().unwrap();
        text.push_str(line);
        text.push('\n');
    }
    texts
}

#[test]
fn a_crash_keeps_its_line_when_pieces_are_joined() {
    let lines: Vec<String> = [("info", "start"), ("info", "go"), ("fatal", "panic: position missing"), ("info", "end")]
        .iter()
        .zip(0..)
        .map(|((level, message), n)| format!("time=2025-01-06T00:00:0{n}Z level={level} msg=\"{message}\""))
        .collect();
    for cuts in [vec![], vec![1], vec![2], vec![3], vec![1, 2, 3]] {
        let mut parts = cut(&lines, &cuts).into_iter().map(|text| ChunkReport::read(text.as_bytes(), context(0)));
        let mut joined = parts.next().unwrap();
        parts.for_each(|part| joined.append(part));
        let crashes = summarise(joined).content_incidents;
        let places: Vec<Option<u64>> = crashes.iter().map(|crash| crash.place.as_ref().unwrap().line).collect();
        assert_eq!(places, [Some(3)], "{cuts:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_size_of_the_pieces_does_not_matter(
        lines in prop::collection::vec(line(), 0..60),
        cuts in prop::collection::vec(0..60_usize, 0..8),
    ) {
        let whole = summarise(ChunkReport::read(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes(), context(0)));
        let mut parts = cut(&lines, &cuts).into_iter().map(|text| ChunkReport::read(text.as_bytes(), context(0)));
        let mut joined = parts.next().unwrap();
        parts.for_each(|part| joined.append(part));
        prop_assert_eq!(&summarise(joined), &whole);
        prop_assert_eq!(whole.records + whole.ignored_lines + whole.continued_lines, whole.lines);
    }

    #[test]
    fn the_order_and_the_number_of_the_files_do_not_matter(
        lines in prop::collection::vec(line(), 1..60),
        cuts in prop::collection::vec(1..60_usize, 0..8),
        threads in 1..5_usize,
    ) {
        // Cut before records only: lines after a record belong to it.
        let cuts: Vec<usize> = cuts.into_iter().filter(|at| lines.get(*at).is_some_and(|line| line.starts_with("{\"timestamp"))).collect();
        let bench = Bench::new();
        let mut paths = vec![bench.write("whole/a.jsonl", lines.iter().map(|line| format!("{line}\n")).collect::<String>())];
        let options = |threads| ScanOptions { threads, warn_gap: LIMITS.silence, max_listed: 1000, ..ScanOptions::default() };
        let whole = read(&paths, &options(1));
        paths = cut(&lines, &cuts).iter().zip(0..).map(|(text, n)| bench.write(&format!("cut/{n:02}.jsonl"), text)).collect();
        let forward = read(&paths, &options(threads));
        paths.reverse();
        prop_assert_eq!(serde_json::to_string(&read(&paths, &options(1))).unwrap(), serde_json::to_string(&forward).unwrap());
        prop_assume!(!forward.findings.iter().any(|finding| finding.summary.contains("same bytes")));
        prop_assert_eq!((forward.lines, forward.records, forward.ignored_lines, forward.continued_lines), (whole.lines, whole.records, whole.ignored_lines, whole.continued_lines));
        prop_assert_eq!((&forward.level_counts, &forward.event_counts, &forward.totals, &forward.histogram), (&whole.level_counts, &whole.event_counts, &whole.totals, &whole.histogram));
        prop_assert_eq!((forward.duration_seconds, forward.uptime_ratio), (whole.duration_seconds, whole.uptime_ratio));
        let gaps = |summary: &LogSummary| summary.gap_incidents.iter().map(|gap| (gap.severity, gap.occurred_at, gap.metadata["gap_seconds"].clone())).collect::<Vec<_>>();
        prop_assert_eq!(gaps(&forward), gaps(&whole));
        let counts = |summary: &LogSummary| summary.groups.iter().map(|group| (group.kind.clone(), group.signature.clone(), group.count)).collect::<Vec<_>>();
        prop_assert_eq!(counts(&forward), counts(&whole));
    }
}

#[test]
fn large_files_give_the_same_bytes_on_any_number_of_threads() {
    let bench = Bench::new();
    let mut text = String::new();
    for number in 0..30_000_i64 {
        let at = Stamp::from_seconds(1_736_121_600 + number * 7).unwrap();
        let level = if number % 1000 == 5 { "warning" } else { "info" };
        text.push_str(&format!(
            "{{\"timestamp\":\"{at}\",\"level\":\"{level}\",\"event\":\"e{}\",\"pad\":\"{}\"}}\n",
            number % 9,
            "x".repeat(60)
        ));
        if number % 5000 == 4 {
            text.push_str("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: boom\n");
        }
    }
    let plain = bench.write("a.jsonl", &text);
    let packed = bench.write("a.jsonl.gz", pack_gz(text.as_bytes()));
    let read = |path: &PathBuf, threads| {
        serde_json::to_string(&read(std::slice::from_ref(path), &ScanOptions { threads, ..ScanOptions::default() }))
            .unwrap()
    };
    let one = read(&plain, 1);
    assert_eq!(read(&plain, 2), one);
    assert_eq!(read(&plain, 8), one);
    let summary: LogSummary = serde_json::from_str(&one).unwrap();
    assert_eq!((summary.records, summary.totals.warnings, summary.totals.content_incidents), (30_000, 30, 6));
    let unpacked: LogSummary = serde_json::from_str(&read(&packed, 2)).unwrap();
    assert_eq!(
        (unpacked.level_counts, unpacked.histogram, unpacked.totals),
        (summary.level_counts, summary.histogram, summary.totals)
    );
}

/// A log of two ordinary records and these lines after them.
fn with_lines(bench: &Bench, name: &str, lines: &str) -> LogSummary {
    let text = format!("2025-01-06 00:00:00 INFO a\n2025-01-06 00:10:00 INFO b\n{lines}");
    read_one(&bench.write(name, text))
}

#[test]
fn a_record_of_text_does_not_swallow_what_follows_it() {
    let bench = Bench::new();
    let garbage = with_lines(&bench, "garbage.log", &"%$# garbage 12\n".repeat(5000));
    assert_eq!((garbage.status, garbage.ignored_lines, garbage.continued_lines), (Status::Fail, 5000, 0));
    assert!(garbage.findings.iter().any(|finding| finding.summary.contains("5000 of 5002 lines")), "{garbage:#?}");
    for line in [
        "ERROR db down",
        "E, [2025-01-06T00:10:00.123 #1] ERROR -- : db down",
        "12:00:01.123 [main] ERROR a.b - db down",
        "fail: App[0]\n      db down",
        "SEVERE: boom",
        "E20250106 00:10:00.123456 1 f.cc:1] boom",
    ] {
        let summary = with_lines(&bench, "errors.log", &format!("{line}\n").repeat(500));
        assert_eq!((summary.status, summary.totals.errors), (Status::Fail, 500), "{line}");
    }
    let message = "SELECT a,\n  b\nFROM c\n  WHERE d\n;\nINFO: as before\n    [a]\n]\n\n";
    let summary = with_lines(&bench, "message.log", message);
    assert_eq!((summary.status, summary.continued_lines), (Status::Pass, 8), "{summary:#?}");
}

#[test]
fn text_lines_that_end_in_a_carriage_return_are_lines() {
    let bench = Bench::new();
    let log = "2025-01-06 00:00:00 INFO a\r2025-01-06 00:00:01 ERROR b\r2025-01-06 00:00:02 INFO c\r";
    let summary = read_one(&bench.write("cr.log", log));
    assert_eq!((summary.records, summary.totals.errors), (3, 1));
    let summary = read_one(&bench.write("crlf.log", log.replace('\r', "\r\n")));
    assert_eq!((summary.records, summary.totals.errors), (3, 1));
    let pairs = "time=2025-01-06T00:00:00Z level=error msg=a\rtime=2025-01-06T00:00:01Z level=info msg=b\r";
    let summary = read_one(&bench.write("pairs.log", pairs));
    assert_eq!((summary.records, summary.totals.errors), (2, 1));
    let crash = "2025-01-06 00:00:00 INFO a\rboom\r\tat a.B.c(D.java:1)\r\tat a.B.d(D.java:2)\r";
    let summary = read_one(&bench.write("crash.log", crash));
    assert_eq!((summary.records, summary.totals.content_incidents), (1, 1));
    let progress = (0..100).fold(String::new(), |text, n| text + &format!("{n}%\r"));
    for lines in [format!("loading {progress}\n"), format!("2025-01-06 00:10:01 INFO loading {progress}\n")] {
        let summary = with_lines(&bench, "progress.log", &lines);
        assert_eq!((summary.status, summary.lines), (Status::Pass, 3), "{summary:#?}");
    }
    let after = format!("{progress}2025-01-06 00:10:01 ERROR c\n");
    let summary = with_lines(&bench, "after.log", &after);
    assert_eq!((summary.lines, summary.records, summary.totals.errors), (4, 3, 1), "{summary:#?}");
}

#[test]
fn joined_files_and_zeros_hide_no_record() {
    let bench = Bench::new();
    let good = "{\"timestamp\":\"2025-01-06T00:00:00Z\",\"level\":\"info\"}\n".repeat(200);
    let bad = "{\"timestamp\":\"2025-01-06T00:00:00Z\",\"level\":\"error\"}\n";
    for between in ["\u{feff}", "\0\0\0\0"] {
        let summary = read_one(&bench.write("joined.jsonl", format!("{good}{between}{bad}")));
        assert_eq!((summary.records, summary.totals.errors), (201, 1), "{between:?}");
    }
}

#[test]
fn each_record_of_a_batch_must_have_a_time() {
    let bench = Bench::new();
    let batch = |without: usize| {
        let with = "{\"timeUnixNano\":\"1736121600000000000\",\"severityNumber\":9,\"body\":{\"stringValue\":\"a\"}},"
            .repeat(100);
        let without = "{\"body\":{\"stringValue\":\"b\"},\"severityNumber\":9},".repeat(without);
        let records = with + &without;
        let records = records.trim_end_matches(',');
        let line = format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{records}]}}]}}]}}\n");
        read_one(&bench.write("otlp.jsonl", line))
    };
    for (without, expect) in [(0, Status::Pass), (1, Status::Pass), (5, Status::Warn), (500, Status::Fail)] {
        let summary = batch(without);
        assert_eq!((summary.status, summary.records), (expect, 100), "{without}: {:#?}", summary.findings);
    }
}

#[test]
fn a_crash_kept_line_by_line_is_seen() {
    let bench = Bench::new();
    let crash = "/app/index.js:3\n    throw new Error(\"boom\")\n    ^\n\nboom\n    at f (/app/index.js:3:7)\n";
    let wrappers: [fn(&str) -> String; 4] = [
        |line| {
            serde_json::json!({"log": format!("{line}\n"), "stream": "stderr", "time": "2025-01-06T00:00:00Z"})
                .to_string()
        },
        |line| format!("2025-01-06T00:00:00Z stderr F {line}"),
        |line| format!("<14>Jan  6 00:00:00 host app[1]: {line}"),
        |line| {
            let time = "1736121600000001";
            serde_json::json!({"__REALTIME_TIMESTAMP": time, "PRIORITY": "6", "MESSAGE": line}).to_string()
        },
    ];
    for (number, wrap) in wrappers.iter().enumerate() {
        let log: String = crash.lines().map(|line| wrap(line) + "\n").collect();
        let summary = read_one(&bench.write("wrapped.log", log));
        assert_eq!(summary.status, Status::Fail, "{number}: {summary:#?}");
        assert_eq!(summary.totals.content_incidents, 1, "{number}: {summary:#?}");
    }
}

#[test]
fn a_record_that_a_container_cut_is_joined_or_named() {
    let bench = Bench::new();
    let first = "2025-01-06T00:00:00Z stdout P {\"msg\":\"a long\n";
    let log = format!("{first}2025-01-06T00:00:00Z stdout F  one\",\"level\":\"error\"}}\n");
    let summary = read_one(&bench.write("cut.log", log));
    assert_eq!((summary.records, summary.totals.errors), (1, 1), "{summary:#?}");
    let summary = read_one(&bench.write("cut.log", first));
    assert_eq!(summary.status, Status::Warn);
    assert!(summary.findings.iter().any(|finding| finding.summary.contains("cut a record")), "{summary:#?}");
}

#[test]
fn frames_are_found_however_they_are_indented_and_wrapped() {
    let bench = Bench::new();
    let text = "2025-01-06 00:00:00,123 INFO ok\n";
    let json = "{\"timestamp\":\"2025-01-06T00:00:00Z\",\"level\":\"info\",\"message\":\"ok\"}\n";
    for trace in [
        "java.lang.OutOfMemoryError: Java heap space\n\tat a.B.c(D.java:1)\n\tat a.B.d(D.java:2)\n",
        "java.lang.StackOverflowError\n    at a.B.c(D.java:1)\n",
        "main.main()\n\t/app/main.go:8 +0x1d\n",
        "Error: boom\n\tat run (feed.js:1:2)\n",
        "feed: feed.c:3: main: Assertion `depth > 0' failed.\n",
    ] {
        for head in [text, json] {
            for lines in [format!("{head}{trace}"), format!("{head}{trace}").replace('\n', "\r\n")] {
                let summary = with_lines(&bench, "trace.log", &lines);
                assert_eq!(summary.totals.content_incidents, 1, "{lines:?}");
            }
        }
        let wrapped: String = trace.lines().map(|line| format!("2025-01-06T00:00:00Z stderr F {line}\n")).collect();
        assert_ne!(with_lines(&bench, "cri.log", &wrapped).totals.content_incidents, 0, "{wrapped:?}");
    }
    let calm = format!("{text}settings:\n  at: noon\n\tmeet at the gate (north)\n  - main.py\n");
    assert_eq!(with_lines(&bench, "calm.log", &calm).totals.content_incidents, 0);
}
