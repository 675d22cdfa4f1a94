//! Logs of many programs, written out from the documentation of their formats: with one error among their lines, and
//! without any.

mod formats;

use chrono::Duration;
use emp_ops::finding::Status;
use emp_ops::io::read::scan::{ScanOptions, Source, scan};
use emp_ops::log::summary::LogSummary;
use emp_ops::time::Stamp;

use self::formats::{FORMATS, JAVA, LOWER, UPPER, Words};
use crate::harness::{Bench, fixture};

const MESSAGES: [&str; 7] = [
    "service started",
    "order 17 accepted",
    "cache filled with 12 entries",
    "listening on port 8080",
    "user anna logged in",
    "flush took 3 ms",
    "settings read again",
];

/// The lines of a format, of which one may state an error.
fn render(words: Words, line: &str, count: usize, error: Option<usize>) -> String {
    let start = Stamp::parse("2025-03-13T08:00:00").unwrap().utc();
    let mut text = String::new();
    for number in 0..count {
        let at = start + Duration::seconds(i64::try_from(number).unwrap() * 37);
        let failed = error == Some(number);
        let level = words[if failed { 3 } else { usize::from(number % 5 != 3) }];
        let message = if failed { "the database is out of reach" } else { MESSAGES[number % MESSAGES.len()] };
        let mut line = at.format(line).to_string().replace("{M}", message).replace("{E}", &at.timestamp().to_string());
        line = line.replace("{L}", level).replace("{L1}", level.get(..1).unwrap_or_default());
        for width in 2..=21 {
            line = line.replace(&format!("{{L{width}}}"), &format!("{level:width$}"));
            line = line.replace(&format!("{{R{width}}}"), &format!("{level:>width$}"));
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn read(bench: &Bench, text: &str) -> LogSummary {
    let path = bench.write("x.log", text);
    let written = std::time::SystemTime::from(Stamp::parse("2025-03-20").unwrap().utc());
    std::fs::File::options().append(true).open(&path).unwrap().set_modified(written).unwrap();
    scan(&[Source::file(&path)], &ScanOptions { threads: 1, ..ScanOptions::default() })
}

#[test]
fn one_error_is_found_in_the_logs_of_any_program() {
    let bench = Bench::new();
    let (mut files, mut wrong) = (0, Vec::new());
    for (name, words, line, dated) in FORMATS {
        for count in [1, 2, 5, 20, 256] {
            for error in [None, Some(count * 5 / 7)] {
                let summary = read(&bench, &render(*words, line, count, error));
                files += 1;
                assert!(error.is_none() || summary.status > Status::Pass, "{name}, {count} lines: {summary:#?}");
                let healthy = error.is_none() && *dated && count > 2;
                assert!(!healthy || summary.status < Status::Fail, "{name}, {count} lines: {summary:#?}");
                let started = summary.started_at.map(|at| at.to_string());
                let times = !dated || started.is_some_and(|at| at.starts_with("2025-03-13T08:00:00"));
                let records = !dated || summary.records == count as u64;
                // One or two lines may be too few to tell a level from prose; then nothing vouches for them.
                let errors = summary.totals.errors == u64::from(error.is_some()) || count <= 2;
                if !(times && records && errors) {
                    wrong.push(format!(
                        "{name}, {count} lines, error in {error:?}: {:?} {summary:?}",
                        summary.files[0].layout
                    ));
                }
            }
        }
    }
    assert!(FORMATS.len() >= 300);
    assert!(wrong.len() * 50 <= files, "{} of {files} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Each file tells of seven ordinary records and an error.
#[test]
fn the_logs_of_libraries_are_read_whatever_their_form() {
    let mut wrong = Vec::new();
    let logs = std::fs::read_dir(fixture("libraries")).unwrap().map(|entry| entry.unwrap().path());
    for path in logs.filter(|path| path.extension().is_some_and(|extension| extension == "log")) {
        let summary = scan(&[Source::file(&path)], &ScanOptions::default());
        let found = (summary.records, summary.totals.errors, summary.totals.warnings, summary.ignored_lines);
        if found != (8, 1, 0, 0) || summary.status != Status::Fail || summary.started_at.is_none() {
            wrong.push(format!("{}: {found:?} {:#?}", path.display(), summary.files[0].layout));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn two_writers_in_one_file_lose_no_error() {
    let bench = Bench::new();
    let error = Some(14);
    for (index, (name, words, line, dated)) in FORMATS.iter().enumerate() {
        let (other, other_words, other_line, other_dated) = FORMATS[(index * 7 + 3) % FORMATS.len()];
        if !(*dated && other_dated) {
            continue;
        }
        let (first, second) = (render(*words, line, 20, None), render(other_words, other_line, 20, error));
        let text: String = first.lines().zip(second.lines()).map(|(a, b)| format!("{a}\n{b}\n")).collect();
        let summary = read(&bench, &text);
        assert!(summary.status > Status::Pass, "{name} and {other}: {summary:#?}");
    }
}

#[test]
fn a_writer_that_comes_late_is_learnt_too() {
    let bench = Bench::new();
    let early = render(UPPER, "%Y-%m-%d %H:%M:%S,123 - app - {L} - {M}", 6000, None);
    for (words, line) in [
        (LOWER, "%Y-%m-%d %H:%M:%S,123 {L} app {M}"),
        (LOWER, "%y/%m/%d %H:%M:%S {L} Executor: {M}"),
        (UPPER, "%d/%b/%Y:%H:%M:%S +0000 [{L}] {M}"),
    ] {
        let text = format!("{early}{}", render(words, line, 200, Some(150)));
        let summary = read(&bench, &text);
        assert_eq!((summary.records, summary.totals.errors), (6200, 1), "{line}: {:#?}", summary.findings);
        // The same packed, and on any number of threads.
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packer, text.as_bytes()).unwrap();
        let packed = bench.write("y.log.gz", packer.finish().unwrap());
        for path in [bench.write("x.log", &text), packed] {
            for threads in [1, 3] {
                let options = ScanOptions { threads, ..ScanOptions::default() };
                let again = scan(&[Source::file(&path)], &options);
                assert_eq!(
                    (again.records, &again.totals, &again.level_counts),
                    (6200, &summary.totals, &summary.level_counts)
                );
            }
        }
    }
}

#[test]
fn the_level_on_the_second_line_belongs_to_its_record() {
    let bench = Bench::new();
    for count in [1, 2, 20] {
        let text =
            render(JAVA, "%b %d, %Y %-I:%M:%S %p a.b.App main|{L}: {M}", count, Some(count - 1)).replace('|', "\n");
        let summary = read(&bench, &text);
        let found = (summary.records, summary.totals.errors, summary.ignored_lines);
        assert_eq!(found, (count as u64, 1, 0), "{count} {summary:#?}");
        assert!(summary.started_at.unwrap().to_string().starts_with("2025-03-13T08:00:00"));
    }
}

#[test]
fn a_key_that_a_record_states_twice_is_said_and_its_worst_level_counts() {
    let bench = Bench::new();
    for levels in
        [r#""level":"error","level":"info""#, r#""level":"info","level":"error""#, r#""level":30,"msg":"x","level":50"#]
    {
        let good = r#"{"time":"2025-03-13T08:00:00Z","level":"info","msg":"up"}"#;
        let text = format!("{good}\n{{\"time\":\"2025-03-13T08:00:01Z\",{levels},\"msg\":\"x\"}}\n");
        let summary = read(&bench, &text);
        assert_eq!((summary.totals.errors, summary.status), (1, Status::Fail), "{levels}");
        let said = summary.findings.iter().find(|finding| finding.summary.contains("a key twice"));
        assert_eq!(said.and_then(|finding| finding.place.as_ref()?.line), Some(2), "{levels} {:#?}", summary.findings);
    }
    // Two keys that are spelt differently are not the same key.
    let two = r#"{"time":"2025-03-13T08:00:00Z","level":"info","Level":"info","msg":"up"}"#;
    let summary = read(&bench, &format!("{two}\n"));
    assert!(!summary.findings.iter().any(|finding| finding.summary.contains("a key twice")), "{:#?}", summary.findings);
}

#[test]
fn long_numbers_keep_their_digits() {
    let bench = Bench::new();
    let text = r#"{"time":"2025-03-13T08:00:00Z","level":"error","msg":"x","id":98765432109876543210,"of":[-98765432109876543211]}"#;
    let summary = read(&bench, &format!("{text}\n"));
    let shown = serde_json::to_string(&summary).unwrap();
    assert!(shown.contains("98765432109876543210") && shown.contains("-98765432109876543211"), "{shown}");
}

#[test]
fn guesses_about_times_are_said() {
    let bench = Bench::new();
    for (words, line, said) in [
        (UPPER, "03/04/2025 %H:%M:%S {L} app {M}", Some("ambiguous dates")),
        (UPPER, "13/04/2025 %H:%M:%S {L} app {M}", None),
        (UPPER, "{E} call {M}", Some("unconfirmed")),
        (UPPER, "{E} [{L}] {M}", None),
    ] {
        let summary = read(&bench, &render(words, line, 20, None));
        let found =
            summary.findings.iter().find(|f| f.summary.contains("ambiguous") || f.summary.contains("unconfirmed"));
        let severity =
            found.filter(|finding| said.is_some_and(|said| finding.summary.contains(said))).map(|f| f.severity);
        assert_eq!(severity, said.map(|_| Status::Warn), "{line}: {:#?}", summary.findings);
        assert_eq!(found.is_some(), said.is_some(), "{line}");
    }
}

/// Lines as a container keeps them, cut into pieces of `size` bytes.
fn contained(lines: &[String], size: usize, docker: bool) -> String {
    let mut text = String::new();
    let mut stream = "stdout";
    for (number, line) in lines.iter().enumerate() {
        if line.starts_with(['2', '{']) {
            stream = if number % 3 == 0 { "stderr" } else { "stdout" };
        }
        let time = format!("2025-03-13T08:{:02}:{:02}.000000000Z", number / 60, number % 60);
        let pieces: Vec<&[u8]> = line.as_bytes().chunks(size).collect();
        for (index, piece) in pieces.iter().enumerate() {
            let (piece, last) = (std::str::from_utf8(piece).unwrap(), index + 1 == pieces.len());
            if docker {
                let log = if last { format!("{piece}\n") } else { piece.to_owned() };
                let record = serde_json::json!({ "log": log, "stream": stream, "time": time });
                text.push_str(&format!("{record}\n"));
            } else {
                text.push_str(&format!("{time} {stream} {} {piece}\n", if last { "F" } else { "P" }));
            }
        }
    }
    text
}

#[test]
fn what_containers_cut_into_pieces_is_read_whole() {
    let bench = Bench::new();
    let text = render(LOWER, "%Y-%m-%d %H:%M:%S {L} app {M}", 40, Some(30));
    let json = render(LOWER, r#"{"msg":"{M}","time":"%Y-%m-%dT%H:%M:%SZ","level":"{L}"}"#, 40, Some(30));
    for (text, docker) in [(&text, true), (&text, false), (&json, true), (&json, false)] {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for size in [7, 22, 40, 1000] {
            let summary = read(&bench, &contained(&lines, size, docker));
            let found = (summary.records, summary.totals.errors, summary.status);
            assert_eq!(found, (40, 1, Status::Fail), "{size} {docker} {:#?}", summary.findings);
        }
    }
}

#[test]
fn a_stack_trace_in_a_container_belongs_to_its_record() {
    let bench = Bench::new();
    let mut lines: Vec<String> =
        render(UPPER, "%Y-%m-%d %H:%M:%S {L} app {M}", 20, Some(19)).lines().map(str::to_owned).collect();
    let trace = [
        "java.lang.IllegalStateException: no",
        "\tat a.B.c(D.java:1)",
        "Caused by: java.io.IOException: closed",
        "\t... 7 more",
    ];
    lines.extend(trace.map(str::to_owned));
    lines.push("2025-03-13 09:00:00 INFO app done".to_owned());
    for docker in [true, false] {
        let summary = read(&bench, &contained(&lines, 1000, docker));
        let found = (summary.records, summary.continued_lines, summary.ignored_lines, summary.totals.errors);
        assert_eq!(found, (21, 4, 0, 1), "{docker} {summary:#?}");
        let traces: Vec<u64> =
            summary.groups.iter().filter(|group| group.kind == "stack_trace").map(|group| group.count).collect();
        assert_eq!(traces, [1], "{docker} {summary:#?}");
    }
}

#[test]
fn what_is_no_log_gives_none() {
    let bench = Bench::new();
    for (name, text) in [
        (
            "novel",
            "It was a bright cold day in April, and the clocks were striking.\nHe had an error of judgement.\n"
                .repeat(40),
        ),
        ("table", "name,score,day\nanna,5,2\nben,7,3\n".repeat(40)),
        ("source", "fn main() {\n    let error = 1;\n    println!(\"{error}\");\n}\n".repeat(40)),
        ("page", "<html>\n<body>\n<p class=\"error\">x</p>\n</body>\n</html>\n".repeat(40)),
    ] {
        let summary = read(&bench, &text);
        assert_eq!((summary.status, summary.records), (Status::Fail, 0), "{name}: {summary:#?}");
    }
}

const TRACES: [&str; 6] = [
    "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in f\n    run()\n    ~~~^^\nValueError: no\n\n\
     During handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  \
     File \"/app/a.py\", line 9, in f\nKeyError: 'x'",
    "/app/index.js:3\n    throw new Error(\"boom\")\n    ^\n\nboom\n    at f (/app/index.js:3:7)\n    at g (/app/index.js:4:7)",
    "Exception in thread \"main\" a.b.NoException: no\n\tat a.B.c(D.java:1)\nCaused by: a.IOException: closed\n\t... 2 more",
    "panic: no\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:8 +0x1d\nmain.run(0x1)\n\t/app/main.go:9 +0x1d",
    "thread 'main' panicked at src/main.rs:4:5:\nboom went the door\nstack backtrace:\n   0: rust_begin_unwind\n             \
     at /rustc/abc/library/std/src/panicking.rs:645:5\nnote: run with a longer backtrace.",
    "PHP Fatal error:  Uncaught Exception: boom in /app/a.php:3\nStack trace:\n#0 /app/a.php(7): f()\n#1 {main}\n  thrown in x",
];

/// Each line of the trace on standard error of one service, with lines of the other one between them.
#[test]
fn what_another_stream_says_tears_no_trace_apart() {
    let bench = Bench::new();
    let stamp = |number: usize| format!("2025-03-13T08:{:02}:{:02}.000000000Z", number / 60, number % 60);
    type Wrap = fn(&str, usize, &str, String) -> String;
    let wraps: [(&str, Wrap); 4] = [
        ("docker", |line, _, stream, time| {
            serde_json::json!({ "log": format!("{line}\n"), "stream": stream, "time": time }).to_string()
        }),
        ("docker without line ends", |line, _, stream, time| {
            serde_json::json!({ "log": line, "stream": stream, "time": time }).to_string()
        }),
        ("cri", |line, _, stream, time| format!("{time} {stream} F {line}")),
        ("compose", |line, _, stream, _| format!("{}-1  | {line}", if stream == "stderr" { "api" } else { "web" })),
    ];
    for (name, wrap) in wraps {
        for (trace, between) in TRACES.iter().flat_map(|trace| [(trace, 0), (trace, 1), (trace, 2)]) {
            let mut lines: Vec<(String, &str)> = Vec::new();
            for number in 0..40 {
                let text = format!("2025-03-13 08:{:02}:00 INFO request {number} served", number % 60);
                lines.push((text, if number % 5 == 0 { "stderr" } else { "stdout" }));
            }
            let healthy = lines.clone();
            let mut other = healthy.iter().filter(|(_, stream)| *stream == "stdout").cycle();
            for line in trace.lines() {
                lines.push((line.to_owned(), "stderr"));
                lines.extend(other.by_ref().take(between).cloned());
            }
            lines.extend(healthy);
            let wrapped = lines
                .iter()
                .enumerate()
                .map(|(number, (line, stream))| wrap(line, number, stream, stamp(number)) + "\n");
            let text: String = wrapped.collect();
            let summary = read(&bench, &text);
            let found = (summary.totals.content_incidents, summary.ignored_lines, summary.status);
            assert_eq!(
                found,
                (1, summary.ignored_lines.min(2), Status::Fail),
                "{name} {between}: {trace}\n{summary:#?}"
            );
            // However the file is cut, and whoever reads it.
            let options = ScanOptions { threads: 3, ..ScanOptions::default() };
            let again = scan(&[Source::file(&bench.write("x.log", &text))], &options);
            assert_eq!(
                (again.records, again.continued_lines, &again.totals),
                (summary.records, summary.continued_lines, &summary.totals)
            );
        }
    }
}

/// A pipe is read once: what it tells must be what the file tells, or it must say that it does not know.
#[test]
fn what_a_pipe_brings_is_read_as_the_file_is() {
    let bench = Bench::new();
    let early = render(UPPER, "%Y-%m-%d %H:%M:%S,123 - app - {L} - {M}", 3000, None);
    let late = render(LOWER, "%y/%m/%d %H:%M:%S {L} Executor: {M}", 200, Some(150));
    let lines: Vec<String> = late.lines().map(str::to_owned).collect();
    for (name, text, same) in [
        ("levels", late.clone(), true),
        ("docker", contained(&lines, 40, true), true),
        ("cri", contained(&lines, 1000, false), true),
        ("late writer", early + &late, false),
    ] {
        let path = bench.write("x.log", &text);
        let file = bench.run(&["audit", "--log", "x.log", "--format", "json"]).json();
        let mut command = bench.command(&["audit", "--log", "-", "--format", "json"]);
        let output = command.stdin(std::fs::File::open(&path).unwrap()).output().unwrap();
        let pipe = crate::harness::Output::from(output).json();
        assert_eq!((&file["logs"]["totals"]["errors"], &file["status"]), (&1.into(), &"fail".into()), "{name}");
        assert_eq!(pipe["status"], "fail", "{name}");
        for key in ["records", "totals", "level_counts"] {
            assert!(!same || file["logs"][key] == pipe["logs"][key], "{name}: {key} {pipe:#}");
        }
    }
}
