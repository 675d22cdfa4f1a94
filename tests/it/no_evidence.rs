//! Evidence that says nothing, or another thing than it seems to: never a PASS.

use serde_json::Value;

use crate::harness::Bench;

/// What the audit of the file or folder `log` says: exit code, the gate of the logs, and the document.
fn audit(bench: &Bench, log: &str) -> (i32, String, Value) {
    let out = bench.run(&["audit", "--log", log, "--format", "json", "--fail-on", "warn"]);
    let code = out.code;
    let json = out.json();
    (code, format!("{} {}", json["gates"][0]["status"].as_str().unwrap(), json["gates"][0]["measured"]), json)
}

/// Two hundred lines of JSON without an error, and `line` in the middle of them.
fn amid(line: &str) -> String {
    let record = |i: u32| {
        format!("{{\"time\":\"2025-03-03T08:{:02}:{:02}Z\",\"level\":\"info\",\"msg\":\"t\"}}\n", i / 60, i % 60)
    };
    let half = |from: u32| (from..from + 100).map(record).collect::<String>();
    format!("{}{line}\n{}", half(0), half(100))
}

#[test]
fn a_level_counts_wherever_and_however_it_is_stated() {
    let bench = Bench::new();
    for (member, expect) in [
        (r#""level":{"name":"ERROR"}"#, "5 errors"),
        (r#""Level":{"severity":"fatal"}"#, "5 errors"),
        (r#""level":["error"]"#, "5 errors"),
        (r#""LEVEL":"ERROR""#, "5 errors"),
        (r#""Severity":"Critical""#, "5 errors"),
        (r#""level":"info","severity":"ERROR""#, "5 errors"),
        (r#""severity":"debug","levelname":"CRITICAL""#, "5 errors"),
        (r#""note":1,"message":"ERROR: no quorum""#, "5 errors"),
        (r#""note":1,"message":"[fatal] no quorum""#, "5 errors"),
        (r#""level":"erreur""#, "5 errors"),
        (r#""level":"kaputt""#, "5 records of an unknown level"),
    ] {
        let message = if member.contains("message") { "" } else { r#","message":"no quorum""# };
        let lines = (0..5).map(|i| format!("{{\"time\":\"2025-03-03T08:00:0{i}Z\",{member}{message}}}\n"));
        bench.write("in.log", lines.collect::<String>());
        let (code, logs, _) = audit(&bench, "in.log");
        assert!(code == 1 && logs.starts_with("fail") && logs.contains(expect), "{member}: exit {code}, {logs}");
    }
    // A few that nobody understands are a warning.
    bench.write("in.log", amid(r#"{"time":"2025-03-03T08:01:40Z","level":"malheur","msg":"t"}"#));
    let (code, logs, _) = audit(&bench, "in.log");
    assert!(code == 1 && logs.starts_with("warn") && logs.contains("unknown level"), "{logs}");
}

#[test]
fn an_ignored_line_that_tells_of_an_error_is_quoted() {
    let bench = Bench::new();
    for (line, status) in [
        ("connection error while the index was written", "warn"),
        ("connect: connection refused", "warn"),
        (r#"{"time":"2025-03-03T08:01:40Z","level":"fatal","msg":"no quo"#, "fail"),
        (r#"um lost","level":"error"}"#, "fail"),
        (">> {\"level\":\"error\",\"msg\":\"no quorum\"} <<", "fail"),
    ] {
        bench.write("in.log", amid(line));
        let (code, logs, json) = audit(&bench, "in.log");
        assert!(code == 1 && logs.starts_with(status), "{line}: exit {code}, {logs}");
        let quoted = json["logs"].to_string();
        let words = line.split(['"', '{', ':']).max_by_key(|part| part.len()).unwrap();
        assert!(quoted.contains(words), "{words} is not quoted: {quoted}");
    }
    // Words that deny it, or that only contain it, are no reason to look.
    for line in ["0 errors so far", "the terror of the seas is in port"] {
        bench.write("in.log", amid(line));
        assert_eq!(audit(&bench, "in.log").0, 0, "{line}");
    }
}

#[test]
fn output_that_is_no_text_or_hides_an_error_is_no_pass() {
    let bench = Bench::new();
    let options = ["final-dry-run", "-q", "--output-root", ".", "--no-diary", "--no-performance", "--min-uptime", "0"];
    let ended = ["--duration", "1h", "--required-duration", "0s", "--no-packet", "--format", "json", "--run-name"];
    for (at, (script, expect)) in [
        (r"printf 'E\000R\000R\000O\000R\000 \000b\000o\000o\000m\000\n\000'", "1 error"),
        (r"printf '\376\377\000F\000A\000T\000A\000L\000 \000b\000o\000o\000m\000\n'", "1 error"),
        (r"printf '50%%\rERROR: boom\r100%%\n'", "1 error"),
        (r"printf 'ok\rcopying\rfatal: no space left\n'", "1 error"),
        ("echo", "the only record is blank"),
        ("for i in 1 2 3; do echo; echo '  '; done", "6 of 6 records are blank"),
        // Equal lines are folded into one record, and count as many.
        ("yes '' | head -1000", "1000 of 1000 records are blank"),
        ("head -c 1000 /dev/zero", "the only record is blank"),
        (
            r"i=0; while [ $i -lt 50 ]; do i=$((i+1)); printf '\000\377\376\n'; done",
            "50 of 50 records could not be decoded",
        ),
        (
            r"for i in 1 2 3 4; do printf '\001\377\376\n\n'; done; echo ok",
            "8 of 9 records are blank or could not be decoded",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("r{at}");
        let out = bench.run(&[&options[..], &ended, &[&name, "--", "sh", "-c", script]].concat());
        let (code, json) = (out.code, out.json());
        let gate = json["summary"]["gates"].as_array().unwrap().iter().find(|gate| gate["name"] == "logs").unwrap();
        assert_eq!((code, &gate["status"]), (1, &"fail".into()), "{script}: {gate}");
        let told = format!("{} {}", gate["measured"], json["summary"]["logs"]["findings"]);
        assert!(told.contains(expect), "{script}: {told}");
    }
}

#[test]
fn a_folder_names_what_it_leaves_out() {
    let bench = Bench::new();
    let names =
        ["err.txt", "messages", "x.log.bak", "app.out", "app.log.old", "y.lz4", "error_log", "app.20250303", "old.tgz"];
    for name in names {
        let folder = format!("with-{name}");
        bench.write(&format!("{folder}/a.log"), amid(r#"{"time":"2025-03-03T08:01:40Z","level":"info","msg":"t"}"#));
        bench.write(&format!("{folder}/{name}"), "2025-03-03T08:00:00Z ERROR no quorum\n");
        let (code, logs, json) = audit(&bench, &folder);
        assert_eq!(code, 1, "{name}: {logs}");
        assert!(json.to_string().contains(name), "{name}: {logs}");
    }
}

/// A program that dies has no time to write a date.
#[test]
fn an_undated_line_of_a_crash_fails_among_dated_ones() {
    let bench = Bench::new();
    for line in [
        "FATAL",
        "Killed",
        "feed[412]: segfault at 0 ip 000055d1 sp 00007ffd error 4 in feed[55d1+1000]",
        "Out of memory: Killed process 812 (feed) total-vm:91234kB",
        "Bus error (core dumped)",
        "Illegal instruction",
        "** (RuntimeError) the book is closed",
        "=CRASH REPORT==== 3-Mar-2025::08:01:40 ===",
        "kernel BUG at mm/slub.c:412!",
        "book.c:41:9: runtime error: signed integer overflow",
        "java.lang.OutOfMemoryError: Java heap space",
        "npm ERR! code ELIFECYCLE",
        "make: *** [Makefile:4: sell] Error 2",
        "the worker exited with exit code 137",
        "exit status 139",
        "child terminated by signal 11",
        // A date behind the text hides none of it.
        "panic: the book is closed at 2025-03-03T08:01:40Z",
        "Out of memory: Killed process 812 at 2025-03-03 08:01:40",
    ] {
        bench.write("in.log", amid(line));
        let (code, logs, json) = audit(&bench, "in.log");
        assert!(code == 1 && logs.starts_with("fail"), "{line}: exit {code}, {logs}");
        let word = line.split(['*', '=', ' ']).max_by_key(|part| part.len()).unwrap();
        assert!(json["logs"].to_string().contains(word), "{line} is not quoted: {}", json["logs"]);
    }
    for line in ["0 fatal events so far", "the process was not killed", "exit code 0", "the bus is late"] {
        bench.write("in.log", amid(line));
        assert_ne!(audit(&bench, "in.log").2["verdict"], "fail", "{line}");
    }
}

/// What was written when a log was cut off is told, however small its share is.
#[test]
fn a_last_record_that_was_cut_off_is_a_finding_whatever_its_share() {
    let bench = Bench::new();
    for (form, cut) in [
        (r#"{"time":"AT","level":"info","msg":"t"}"#, 40),
        ("AT INFO tick", 17),
        (r#"time=AT level=info msg="tick tock""#, 44),
        ("AT stdout F INFO tick", 24),
    ] {
        let line = |minute: u32, second: u32| form.replace("AT", &format!("2025-03-03T08:{minute:02}:{second:02}Z"));
        let lines: String = (0..300).map(|s| line(s / 60, s % 60) + "\n").collect();
        let last = line(6, 0);
        for (end, expect) in [(cut, "warn"), (last.len(), "pass")] {
            bench.write("in.log", lines.clone() + &last[..end]);
            let (_, logs, json) = audit(&bench, "in.log");
            assert!(logs.starts_with(expect), "{}: {logs}", &last[..end]);
            let place = &json["logs"]["findings"][0]["place"]["line"];
            assert_eq!(*place, if expect == "warn" { 301.into() } else { Value::Null }, "{}", &last[..end]);
        }
    }
}

/// One fault is one, in whichever form it is written down.
#[test]
fn a_crash_has_one_headline_and_one_signature_in_every_form() {
    let bench = Bench::new();
    let groups = |json: &Value| -> Vec<(String, u64)> {
        let groups = json["groups"].as_array().unwrap().iter();
        let count = |group: &Value| (group["signature"].as_str().unwrap().to_owned(), group["count"].as_u64().unwrap());
        groups.filter(|group| group["kind"] != "gap").map(count).collect()
    };
    for (trace, headline) in [
        (
            "Traceback (most recent call last):\n  File \"feed.py\", line 14, in pull\n    book[key]\nValueError: no book",
            "ValueError: no book",
        ),
        (
            "java.lang.IllegalStateException: no book\n\tat shop.Book.sell(Book.java:41)\n\tat shop.Main.main(Main.java:9)",
            "java.lang.IllegalStateException: no book",
        ),
        ("TypeError: no book\n    at sell (/srv/book.js:41:7)\n    at main (/srv/main.js:9:3)", "TypeError: no book"),
    ] {
        let ticks =
            |from: u32| (from..from + 20).map(|s| format!("2025-03-03 08:00:{s:02} INFO tick\n")).collect::<String>();
        let records = |second: u32, level: &str, more: &Value| {
            let mut record = serde_json::json!({"time": format!("2025-03-03T08:00:{second:02}Z"), "level": level});
            record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            format!("{record}\n")
        };
        let in_json = |more: Value| {
            let tick = |second| records(second, "info", &serde_json::json!({"msg": "tick"}));
            (0..20).map(tick).chain([records(20, "error", &more)]).chain((21..30).map(tick)).collect::<String>()
        };
        bench.write("text.log", format!("{}{trace}\n{}", ticks(0), ticks(20)));
        bench.write("message.log", in_json(serde_json::json!({"msg": trace})));
        bench.write("field.log", in_json(serde_json::json!({"msg": "cannot sell", "exception": trace})));
        let mut signatures = Vec::new();
        for log in ["text.log", "message.log", "field.log"] {
            let logs = audit(&bench, log).2["logs"].clone();
            assert_eq!(logs["content_incidents"][0]["summary"], headline, "{log}: {logs}");
            signatures.push(groups(&logs));
        }
        bench.write("trace.txt", format!("{trace}\n"));
        let options = ["final-dry-run", "-q", "--no-diary", "--no-performance", "--duration", "1s", "--format", "json"];
        let name = format!("r{}", trace.len());
        let script = "cat trace.txt >&2; while :; do echo INFO tick; sleep 0.1; done";
        let live = bench.run(&[&options[..], &["--run-name", &name, "--", "sh", "-c", script]].concat()).json();
        assert_eq!(live["summary"]["logs"]["content_incidents"][0]["summary"], headline);
        signatures.push(groups(&live["summary"]["logs"]));
        let record = std::fs::read(bench.path().join(format!("runs/{name}/run.json"))).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        assert_eq!(record["incidents"][0]["message"], headline, "{}", record["incidents"]);
        assert_eq!(record["incidents"].as_array().unwrap().len(), 1, "{}", record["incidents"]);
        for found in &signatures {
            assert!(found.len() == 1 && found[0].1 == 1, "one group of one: {signatures:?}");
            assert_eq!(found, &signatures[0], "{signatures:?}");
        }
    }
    // Three faults are three.
    let traces = ["ValueError: no book", "KeyError: 'ETH'", "OSError: disk gone"].map(|last| {
        format!("Traceback (most recent call last):\n  File \"feed.py\", line 14, in pull\n    book[key]\n{last}")
    });
    let record = |(trace, second): (&String, u32)| {
        serde_json::json!({"time": format!("2025-03-03T08:00:{second:02}Z"), "level": "error", "msg": trace})
            .to_string()
            + "\n"
    };
    bench.write("three.log", traces.iter().zip(0..).map(record).collect::<String>());
    assert_eq!(groups(&audit(&bench, "three.log").2["logs"]).len(), 3);
}

/// Zero bytes, as a power loss or a log cut while it is written leaves them, are a hole: what is around it counts.
#[test]
fn a_hole_of_zeros_is_a_warning_that_names_its_place_and_hides_nothing() {
    let bench = Bench::new();
    let lines = |from: u32, to: u32| -> Vec<u8> {
        (from..to)
            .flat_map(|s| format!("2025-03-03T08:{:02}:{:02}Z INFO tick\n", s / 60, s % 60).into_bytes())
            .collect()
    };
    let zeros = vec![0; 4096];
    let error = b"2025-03-03T08:01:14Z ERROR no quorum\n".to_vec();
    for (parts, records, size, line) in [
        (vec![lines(0, 40), b"2025-03-03T08:00:40Z INFO a\0\0b\n".to_vec(), lines(41, 74)], 74, "2 zero bytes", 41),
        (vec![zeros.clone(), lines(0, 74)], 74, "4096 zero bytes", 1),
        (vec![lines(0, 74), zeros.clone()], 74, "4096 zero bytes", 75),
        (vec![lines(0, 30), zeros, lines(30, 74)], 74, "4096 zero bytes", 31),
    ] {
        bench.write("in.log", parts.concat());
        let (code, logs, json) = audit(&bench, "in.log");
        assert!(code == 1 && logs.starts_with("warn"), "{size} at line {line}: exit {code}, {logs}");
        assert_eq!(json["logs"]["records"], records, "{size} at line {line}: {json}");
        let finding = &json["logs"]["findings"][0];
        assert!(finding["summary"].as_str().unwrap().contains(size), "{finding}");
        assert_eq!(finding["place"]["line"], line, "{finding}");
        bench.write("in.log", [parts.concat(), error.clone()].concat());
        let (_, logs, _) = audit(&bench, "in.log");
        assert!(logs.contains("1 error"), "{size} at line {line}, and an error behind it: {logs}");
    }
}

/// A line that is set in belongs to the record before it, unless it states a level of its own.
#[test]
fn an_error_that_is_set_in_behind_a_record_of_text_is_quoted() {
    let bench = Bench::new();
    let amid = |lines: &str| {
        let line = |second: u32| format!("2025-03-03 08:00:{second:02} INFO tick\n");
        format!("{}{lines}\n{}", (0..30).map(line).collect::<String>(), (30..60).map(line).collect::<String>())
    };
    for (lines, quoted) in [
        ("  failed: ERROR boom", "failed: ERROR boom"),
        ("  all is well\n  [error] boom", "[error] boom"),
        ("\terror: boom", "error: boom"),
        ("    12:00:01 [worker] FATAL boom", "FATAL boom"),
        ("  error[E0308]: mismatched types", "mismatched types"),
    ] {
        bench.write("in.log", amid(lines));
        let (code, logs, json) = audit(&bench, "in.log");
        assert!(code == 1 && !logs.starts_with("pass"), "{lines}: exit {code}, {logs}");
        assert!(json["logs"]["findings"].to_string().contains(quoted), "{lines}: {}", json["logs"]["findings"]);
    }
    // The same while the command runs.
    let options = ["final-dry-run", "-q", "--no-diary", "--no-performance", "--duration", "1s", "--format", "json"];
    let script = r#"tick() { echo "$(date -u +%FT%TZ) INFO tick"; }; tick; echo '  failed: ERROR boom'; while :; do tick; sleep 0.1; done"#;
    let live = bench.run(&[&options[..], &["--run-name", "r", "--", "sh", "-c", script]].concat()).exits(1).json();
    assert!(
        live["summary"]["logs"]["errors"].to_string().contains("failed: ERROR boom"),
        "{}",
        live["summary"]["logs"]
    );
    for lines in [
        "  on_error: retry\n  log_level: ERROR",
        "  SELECT a\n    FROM b\n   WHERE state = 'ERROR'",
        "  levels: DEBUG, INFO, WARN, ERROR",
        "  errors: 0\n  last error: none",
    ] {
        bench.write("in.log", amid(lines));
        assert_eq!(audit(&bench, "in.log").0, 0, "{lines}");
    }
}

/// A record may carry another one as its message: what that states is not lost.
#[test]
fn an_error_in_the_message_of_a_record_of_a_lower_level_is_told() {
    let bench = Bench::new();
    let text = |message: &str| {
        let line = |second: u32| format!("2025-03-03 08:00:{second:02} INFO tick\n");
        format!("{}2025-03-03 08:00:30 INFO {message}\n", (0..30).map(line).collect::<String>())
    };
    for (log, expect) in [
        (
            amid(r#"{"time":"2025-03-03T08:01:40Z","level":"info","msg":"{\"level\":\"error\",\"msg\":\"boom\"}"}"#),
            "warn",
        ),
        (text(r#"{"level":"error","msg":"boom"}"#), "warn"),
        (text("level=error msg=boom"), "warn"),
        (amid(r#"{"time":"2025-03-03T08:01:40Z","level":"info","msg":"{\"level\":\"info\",\"msg\":\"up\"}"}"#), "pass"),
        (text("the level=error of the pump"), "pass"),
    ] {
        bench.write("in.log", &log);
        let (_, said, json) = audit(&bench, "in.log");
        assert!(said.starts_with(expect), "{said}: {}", json["logs"]["findings"]);
        let told = json["logs"]["findings"].to_string().contains("another record, which states an error");
        assert_eq!(told, expect == "warn", "{}", json["logs"]["findings"]);
    }
}

#[test]
fn a_log_that_holds_nothing_is_named_beside_one_that_does() {
    let bench = Bench::new();
    bench.write("logs/a.log", amid("{}"));
    for nothing in ["", "\n", "\n  \n\t\n", "\r\n\r\n"] {
        bench.write("logs/b.log", nothing);
        let (code, said, json) = audit(&bench, "logs");
        assert!(code == 1 && said.starts_with("warn"), "{nothing:?}: {said}");
        let findings = json["logs"]["findings"].to_string();
        assert!(findings.contains("the file is empty") || findings.contains("blank lines alone"), "{findings}");
    }
}

/// A captured record may say that the one before it shows its crash. That is believed only where one does.
#[test]
fn a_crash_that_is_said_to_be_told_elsewhere_is_told_somewhere() {
    let bench = Bench::new();
    let trace = r#"Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    x()\nValueError: boom"#;
    let record = |second: u32, more: &str, message: &str| {
        format!(
            "{{\"timestamp\":\"2025-03-03T08:00:{second:02}.000000+00:00\",\"received\":{second},\"level\":\"info\",\
             \"event\":null,\"message\":\"{message}\",\"stream\":\"stderr\",{more}\
             \"payload\":{{\"stream\":\"stderr\",\"ingested_at\":\"2025-03-03T08:00:{second:02}.000000+00:00\"}}}}\n"
        )
    };
    let frame = r#"  File \"b.py\", line 9, in g"#;
    for (first, more, second, expect) in [
        ("tick", r#""continues":true,"#, trace, "fail \"1 fault of the files"),
        ("tick", r#""continues":true,"#, frame, "fail \"1 fault of the files"),
        ("tick", r#""continues":false,"#, trace, "fail \"1 stack trace"),
        ("tick", r#""continues":"yes","#, trace, "fail \"1 stack trace"),
        (trace, r#""continues":true,"#, frame, "fail \"1 stack trace"),
    ] {
        let text: String = (0..30)
            .map(|at| match at {
                10 => record(at, "", first),
                11 => record(at, more, second),
                _ => record(at, "", "tick"),
            })
            .collect();
        bench.write("r.jsonl", &text);
        let (code, said, json) = audit(&bench, "r.jsonl");
        assert!(code == 1 && said.starts_with(expect), "{more} {first}: {said} {json}");
    }
}

/// Containers keep each line by itself, so what is set in may be a record of its own as well as go on with the one before.
#[test]
fn an_error_that_is_set_in_is_seen_in_the_lines_of_containers() {
    let bench = Bench::new();
    for lines in [
        &["  failed: ERROR boom"][..],
        &["  all is well", "  failed: ERROR boom"],
        &["    ERROR boom"],
        &["\tdetail: level=error msg=boom"],
        &["  [error] boom"],
        &["ValueError: boom"],
    ] {
        let mut texts: Vec<String> = (0..40).map(|second| format!("2025-01-06 00:00:{second:02} INFO tick")).collect();
        texts.splice(20..20, lines.iter().map(|line| (*line).to_owned()));
        let docker = |(at, text): (usize, &String)| {
            let text = Value::from(format!("{text}\n"));
            format!("{{\"log\":{text},\"stream\":\"stdout\",\"time\":\"2025-01-06T00:00:{at:02}.000000001Z\"}}\n")
        };
        let cri = |(at, text): (usize, &String)| format!("2025-01-06T00:00:{at:02}.000000001Z stdout F {text}\n");
        let kept: [String; 2] =
            [texts.iter().enumerate().map(docker).collect(), texts.iter().enumerate().map(cri).collect()];
        for text in kept {
            bench.write("c.log", &text);
            let (_, said, _) = audit(&bench, "c.log");
            assert!(said.starts_with("fail"), "{lines:?}: {said}\n{text}");
        }
    }
}

/// Whatever its level: with a date, without one, as JSON and in a field.
#[test]
fn a_failure_that_a_line_states_is_no_plain_pass() {
    let bench = Bench::new();
    let at = |second: u64| format!("2025-01-06T00:00:{second:02}Z");
    for (line, code) in [
        ("T INFO 3 failed, 97 passed in 12.3s", 1),
        ("T INFO Tests run: 10, Failures: 0, Errors: 1, Skipped: 0", 1),
        ("FAILED (errors=1)", 1),
        ("not ok 3 - the balance of orders", 1),
        ("  1 failing", 1),
        (r#"{"time":"T","level":"info","msg":"restored","success":false}"#, 1),
        (r#"{"time":"T","level":"info","msg":"restored","result": "failed"}"#, 1),
        ("T INFO 0 failed, 97 passed in 12.3s", 0),
        ("T INFO job 7 failed, retrying", 0),
        ("  0 failing", 0),
        (r#"{"time":"T","level":"info","msg":"restored","success":true,"failed":0}"#, 0),
    ] {
        let mut lines: Vec<String> = (0..30).map(|second| format!("{} INFO tick", at(second))).collect();
        lines.insert(20, line.replacen('T', &at(19), 1));
        bench.write("in.log", lines.join("\n") + "\n");
        let (seen, gate, json) = audit(&bench, "in.log");
        assert_eq!(seen, code, "{line}: {gate}");
        // What its message does not show is told.
        let hidden = code == 1 && line.contains("restored");
        assert_eq!(json.to_string().contains("one of its fields states a failure"), hidden, "{line}: {json}");
    }
}
