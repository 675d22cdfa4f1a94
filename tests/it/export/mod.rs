//! `--export`: files that never look like the result of an earlier job.

mod formats;

use std::fs;
use std::process::Stdio;

use crate::harness::{Bench, fixture, wait_for};

#[test]
fn every_verdict_has_a_page() {
    let bench = Bench::new();
    let log = bench.write("app.log", "2025-03-03T08:00:00Z INFO up\n2025-03-03T08:00:01Z ERROR <b>lost</b>\n");
    let status = bench.write("status.md", "# Status\n\n- [ ] Renew the certificate (owner: Kim, due 2025-03-04)\n");
    let sessions = fixture("offline-qa/railway.json");
    let (log, status) = (log.to_str().unwrap(), status.to_str().unwrap());
    let _ = bench.run(&["audit", "--log", log, "--export", "html=deep/er/audit.html"]).exits(1);
    let _ = bench.run(&["backlog", status, "--export", "html=backlog.html", "--fail-on", "never"]).exits(0);
    let _ = bench.run(&["stage-smoke", "--simulate", "--export", "html=smoke.html"]).exits(0);
    let _ = bench.run(&["stage-alerts", "--export", "html=alerts.html", "--fail-on", "never"]).exits(0);
    let input = sessions.to_str().unwrap();
    let _ = bench.run(&["offline-qa", "--input", input, "--export", "html=qa.html", "--fail-on", "never"]).exits(0);
    for (name, says) in [
        ("deep/er/audit.html", "&lt;b&gt;lost&lt;/b&gt;"),
        ("backlog.html", "Renew the certificate"),
        ("smoke.html", "seeded-alert"),
        ("alerts.html", "Fallback seeding"),
        ("qa.html", "Lexicon"),
    ] {
        let page = fs::read_to_string(bench.path().join(name)).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains(says), "{name}: {page}");
        assert!(!page.contains("Not finished"), "{name}");
    }
}

#[test]
fn what_has_no_verdict_does_not_look_like_one() {
    let bench = Bench::new();
    bench.write("page.html", "PASS of yesterday");
    let output = bench.run(&["audit", "nowhere", "--export", "html=page.html"]).exits(3);
    let page = fs::read_to_string(bench.path().join("page.html")).unwrap();
    assert!(page.contains("Not finished") && page.contains("nowhere"), "{output:?}\n{page}");

    // A job that is killed says nothing any more.
    bench.write("page.html", "PASS of yesterday");
    let mut command = bench.command(&["audit", "--log", "-", "--export", "html=page.html"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let page = || fs::read_to_string(bench.path().join("page.html")).ok();
    wait_for(|| page().filter(|page| page.contains("Not finished")));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(page().unwrap().contains("Not finished"));
}

#[test]
fn exports_that_cannot_be_meant_are_refused_before_any_work() {
    let bench = Bench::new();
    bench.write("sealed/SHA256SUMS", "");
    bench.write("sealed/manifest.json", "{}");
    for (exports, code, says) in [
        (&["pdf=a"][..], 2, "the formats are"),
        (&["html"], 2, "FORMAT=PATH"),
        (&["html=a", "html=./a"], 2, "named twice"),
        (&["html=/dev/null/a"], 3, "/dev/null"),
        (&["tap=/dev/null"], 3, "not a regular file"),
        (&["summary=/dev/null"], 3, "not a regular file"),
        (&["summary="], 2, "is a variable empty?"),
        (&["json=sealed/x.json"], 2, "would alter the sealed packet"),
    ] {
        let mut args = vec!["audit", "--log", "-"];
        exports.iter().for_each(|export| args.extend(["--export", export]));
        let output = bench.run(&args).exits(code);
        assert!(output.stderr.contains(says), "{output:?}");
    }
}
