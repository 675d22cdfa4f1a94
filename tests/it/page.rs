//! The page for reviewers, in the run directory and in the packet.

use std::fs;

use crate::harness::Bench;

#[test]
fn a_run_and_its_packet_have_a_page_that_says_what_the_documents_say() {
    let bench = Bench::new();
    let script = "echo up; echo 'ERROR: <script>alert(1)</script> is gone'; while :; do echo beat; sleep 0.1; done";
    let options = ["--no-diary", "--no-performance", "--duration", "2s", "--run-name", "r", "--", "sh", "-c", script];
    let _ = bench.run(&[&["final-dry-run"], &options[..]].concat()).exits(1);
    let folder = bench.path().join("runs/r");
    let summary: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap();
    for (name, link) in [("report.html", "href=\"logs/"), ("packet/report.html", "href=\"raw/logs/")] {
        let page = fs::read_to_string(folder.join(name)).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>") && page.len() < 300_000, "{name}");
        assert!(page.contains("Not acceptable") && page.contains("--no-diary"), "{name}");
        for gate in summary["summary"]["gates"].as_array().unwrap() {
            assert!(
                page.contains(&format!("<th scope=\"row\">{}</th>", gate["name"].as_str().unwrap())),
                "{name}: {gate}"
            );
        }
        // Hostile text is shown, and asks for nothing.
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; is gone"), "{name}");
        assert_eq!(page.matches("<script>").count(), 1, "{name}: only the filter");
        assert!(!page.contains("src=") && !page.contains("http:") && !page.contains("https:"), "{name}");
        assert!(page.contains(link), "{name}: the log is linked where it lies");
        assert_eq!(page.contains("sha256sum --check --strict SHA256SUMS"), name.starts_with("packet"), "{name}");
    }
    let _ = bench.run(&["audit", "runs/r/packet", "--fail-on", "never"]).exits(0);
}

#[test]
fn no_page_is_made_where_none_is_wanted() {
    let bench = Bench::new();
    let options = ["--duration", "1s", "--run-name", "r", "--no-report", "--no-diary", "--no-performance"];
    let _ = bench.run(&[&["final-dry-run"], &options[..], &["--", "sh", "-c", "echo up; sleep 60"]].concat());
    assert!(!bench.path().join("runs/r/report.html").exists());
    assert!(!bench.path().join("runs/r/packet/report.html").exists());
}
