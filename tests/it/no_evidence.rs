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
        ("echo", "1 of 1 records are blank"),
        ("for i in 1 2 3; do echo; echo '  '; done", "6 of 6 records are blank"),
        // Equal lines are folded into one record, and count as many.
        ("yes '' | head -1000", "1000 of 1000 records are blank"),
        ("head -c 1000 /dev/zero", "1 of 1 records are blank"),
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
