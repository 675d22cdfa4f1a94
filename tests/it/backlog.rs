//! `emp-ops backlog`, run as its users run it.

use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Bench, fixture};

const REPORT: &str = "# Day 3 report (2025-01-05)

## Action items
- **OPS-1 – Rotate the keys (backend team)**
  - Status: Done (100%)
- **OPS-2 – Move the alerts (platform team)**
  - Status: Blocked by the vault
- [ ] Write the runbook, due 2025-01-04

## Risks
- **R-1 – Disk space (Owner: operator) – Status: Yellow (↑ from Green)**

## Mood
All were cheerful.
";

#[test]
fn a_report_becomes_a_queue_with_owner_line_and_verdict() {
    let bench = Bench::new();
    bench.write("status.md", REPORT);
    let backlog = bench.run(&["backlog", "status.md", "--format", "json"]).exits(1).json();
    let items: Vec<(&str, &str, &str, u64)> = backlog["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let text = |key: &str| item[key].as_str().unwrap_or("-");
            (text("severity"), text("summary"), text("status"), item["sources"][0]["line"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(
        items,
        [
            ("fail", "Move the alerts", "blocked", 6),
            ("fail", "Write the runbook", "overdue", 8),
            ("warn", "Disk space", "yellow", 11),
        ]
    );
    assert_eq!(backlog["items"][0]["owner"], "platform team");
    assert_eq!(backlog["items"][2]["trend"], "up");
    assert_eq!(backlog["readiness"][0]["ready"], 1);
    assert_eq!(backlog["readiness"][0]["tracked"], 3);
    assert_eq!(backlog["not_understood"][0]["line"], 14);
}

#[test]
fn carried_over_items_keep_their_id_and_closed_ones_are_named() {
    let bench = Bench::new();
    bench.write("status.md", REPORT);
    let _ = bench.run(&["backlog", "status.md", "--out", "one", "--fail-on", "never"]).exits(0);
    bench.write(
        "status.md",
        REPORT.replace("Blocked by the vault", "Done").replace("- [ ] Write", "- [ ] Call the supplier\n- [ ] Write"),
    );
    let args = ["backlog", "status.md", "--previous", "one/backlog.json", "--format", "json", "--fail-on", "never"];
    let backlog = bench.run(&args).exits(0).json();
    assert_eq!(backlog["totals"]["new"], 1);
    assert_eq!(backlog["totals"]["carried_over"], 2);
    assert_eq!(backlog["closed"][0]["summary"], "Move the alerts");
    assert_eq!(backlog["closed"][0]["how"], "done");
    let carried = backlog["items"].as_array().unwrap().iter().find(|item| item["change"] == "carried_over").unwrap();
    assert_eq!(carried["runs"], 2);
    assert_eq!(carried["open_since"], "2025-01-05T00:00:00+00:00");
}

#[test]
fn only_the_marked_block_of_a_file_is_rewritten() {
    let bench = Bench::new();
    bench.write("status.md", REPORT);
    let page = bench.write("page.md", "before\n<!-- emp-ops:begin -->\n<!-- emp-ops:end -->\nafter");
    std::fs::set_permissions(&page, std::fs::Permissions::from_mode(0o664)).unwrap();
    let args = ["backlog", "status.md", "page.md", "--update", "page.md", "--fail-on", "never"];
    let _ = bench.run(&args[..2]).exits(1);
    let _ = bench.run(&args).exits(0);
    let once = std::fs::read_to_string(&page).unwrap();
    assert!(once.starts_with("before\n<!-- emp-ops:begin -->\n# Backlog: FAIL\n"), "{once}");
    assert!(once.ends_with("<!-- emp-ops:end -->\nafter"), "{once}");
    assert!(once.contains("[status.md:6](status.md#L6)"), "{once}");
    assert_eq!(std::fs::metadata(&page).unwrap().permissions().mode() & 0o777, 0o664);
    // The block is not read as input, so a second run changes nothing.
    let _ = bench.run(&args).exits(0);
    assert_eq!(std::fs::read_to_string(&page).unwrap(), once);

    bench.write("bare.md", "no marks");
    let refused = bench.run(&["backlog", "status.md", "--update", "bare.md"]).exits(2);
    assert!(refused.stderr.contains("<!-- emp-ops:begin -->"), "{}", refused.stderr);
}

#[test]
fn csv_is_for_trackers_and_for_the_backlog_alone() {
    let bench = Bench::new();
    bench.write("status.md", "# Actions\n- [ ] =HYPERLINK(\"http://evil\") @ops\n");
    let out = bench.run(&["backlog", "status.md", "--format", "csv"]).exits(0);
    let mut lines = out.stdout.lines();
    assert!(lines.next().unwrap().starts_with("id,severity,category"));
    assert!(lines.next().unwrap().contains("\"'=HYPERLINK(\"\"http://evil\"\")\",open,'@ops"), "{}", out.stdout);
    let _ = bench.run(&["man", "--format", "csv"]).exits(2);
}

#[test]
fn what_cannot_be_judged_never_passes() {
    let bench = Bench::new();
    bench.write("prose.md", "# Diary\n\nNothing happened.\n");
    bench.write("odd.json", "{\"hello\": 1}");
    bench.write("empty.json", "[]");
    bench.write("broken.json", "{");
    bench.write("killed/run.json", "{\"state\": \"running\"}");
    bench.write("other/readme.txt", "x");
    for input in ["prose.md", "odd.json", "killed"] {
        let _ = bench.run(&["backlog", input]).exits(1);
    }
    assert!(bench.run(&["backlog", "killed"]).stdout.contains("emp-ops audit killed"));
    for input in ["broken.json", "other", "missing.md"] {
        let out = bench.run(&["backlog", input]).exits(3);
        assert!(out.stderr.contains(input) && out.stderr.lines().count() == 1, "{}", out.stderr);
    }
}

#[test]
fn what_a_report_says_in_other_forms_is_understood() {
    let bench = Bench::new();
    for (body, expect) in [
        // Decisions that nobody has taken.
        (
            "## Open decisions\n\n| Decision | Deadline |\n|---|---|\n| Pick a region | 2025-05-01 |",
            "fail Pick a region overdue",
        ),
        ("## Awaiting decision\n- Buy or build (by 2025-07-01)", "warn Buy or build open"),
        ("## Decisions\n- Decide whether to ship\n", "warn Decide whether to ship open"),
        ("## Decisions\n- Ship on Friday\n", "pass Ship on Friday decided"),
        ("## Decisions\n\n| Decision | Status |\n|---|---|\n| Ship | Decided |", "pass Ship done"),
        ("Decision needed: which vendor to take\n", "warn which vendor to take open"),
        // The state of the whole.
        ("Project health: RED\n\n## Actions\n- [x] a", "fail Project health: RED red"),
        ("**Status:** 🟡 At risk\n\n## Actions\n- [x] a", "warn Status: 🟡 At risk at_risk"),
        ("## Overall status\n\n🔴 vendor is late\n\n## Actions\n- [x] a", "fail overall status: 🔴 vendor is late red"),
        ("## Overall status: off track\n\n## Actions\n- [x] a", "fail Overall status: off track red"),
        ("## Summary\n- Overall: 🔴\n\n## Actions\n- [x] a", "fail Overall: 🔴 red"),
        ("| Scope | Budget |\n|---|---|\n| 🟢 | 🔴 |\n\n## Actions\n- [x] a", "fail Budget: 🔴 red"),
        ("## Health\n\n| Area | RAG |\n|---|---|\n| Scope | Red |\n\n## Actions\n- [x] a", "fail Scope: Red red"),
        ("Overall status: 🟢 On track\n\n## Actions\n- [x] a", "pass a done"),
        ("Overall status: ~~Green~~ Red\n\n## Actions\n- [x] a", "fail Overall status: Red red"),
        ("Recommendation: NO-GO\n\n## Actions\n- [x] a", "fail Recommendation: NO-GO blocked"),
        ("Recommendation: do not release\n\n## Actions\n- [x] a", "fail Recommendation: do not release red"),
        ("## Decisions\n- We do not recommend sign-off\n", "warn We do not recommend sign-off open"),
        ("## Decisions\n- Not shipping on Fridays\n", "pass Not shipping on Fridays decided"),
        ("Overall status：RED\n\n## Actions\n- [x] a", "fail Overall status: RED red"),
        ("**Status** — RED\n\n## Actions\n- [x] a", "fail Status: RED red"),
        ("## Actions\n-[ ] a", "warn a open"),
        ("## Actions\n- [x] a, still failing", "warn a, still failing open"),
        ("| Area | Status |\n|---|---|\n| All | 🟥 |\n\n## Actions\n- [x] a", "fail All: 🟥 red"),
        // What is struck out is done, or was replaced by what follows it.
        ("## Actions\n- [ ] ~~Call the vendor~~", "pass Call the vendor done"),
        ("## Actions\n- [ ] ~~Call the vendor~~ Replace the vendor by May", "warn Replace the vendor by May open"),
        // What happened is no work to do.
        (
            "## Log\n\n| When | Action | Owner |\n|---|---|---|\n| 10:05 | Restart | Bo |\n\n## Actions\n- [x] a",
            "pass a done",
        ),
        ("## Timeline\n- 10:05 Action: restart\n\n## Actions\n- [x] a", "pass a done"),
        // Days.
        ("## Actions\n- [ ] a, due Mon, May 12th, 2025", "fail a overdue"),
        ("## Actions\n- [ ] a 🗓️ 2025-05-12", "fail a overdue"),
        ("## Actions\n- [ ] a [due:: 2025-05-12]", "fail a overdue"),
        ("## Actions\n- [ ] a *Deadline:* 12-May-2025", "fail a overdue"),
        ("## Actions\n- [ ] a @due(2025-05-12)", "fail a overdue"),
        // States within the text.
        ("## Actions\n- BLOCKED: a", "fail a blocked"),
        ("## Actions\n1. **DONE** a", "pass a done"),
        ("## Actions\n- a **(BLOCKED)**", "fail a blocked"),
        ("## Actions\n\n| Action | Link |\n|---|---|\n| a | BLOCKED |", "fail a blocked"),
        // The column of the items.
        (
            "## Risks\n\n| Story | Risk | Owner |\n|---|---|---|\n| All | Disk runs full | Bo |",
            "warn Disk runs full open",
        ),
        ("## Blockers\n\n| Item | Description | Status |\n|---|---|---|\n| x | No key | Open |", "fail No key blocked"),
    ] {
        bench.write("in.md", format!("# Weekly report 2025-05-05\n\n{body}\n"));
        let args = ["backlog", "in.md", "--as-of", "2025-06-01", "--min-severity", "pass", "--format", "json"];
        let backlog = bench.run(&args).json();
        let first = &backlog["items"][0];
        let text = |key: &str| first[key].as_str().unwrap_or("-").to_owned();
        assert_eq!(
            format!("{} {} {}", text("severity"), text("summary"), text("status")),
            expect,
            "{body}\n{backlog:#}"
        );
    }
}

/// What a report of ours reads as: one line per item, then readiness, then what was not understood.
fn reading(name: &str) -> String {
    let bench = Bench::new();
    bench.write(name, std::fs::read(fixture(&format!("backlog/{name}"))).unwrap());
    let args =
        ["backlog", name, "--min-severity", "pass", "--as-of", "2025-03-12", "--format", "json", "--fail-on", "never"];
    let backlog = bench.run(&args).exits(0).json();
    let mut text = String::new();
    for item in backlog["items"].as_array().unwrap() {
        let show = |key: &str| item[key].as_str().unwrap_or("-").to_owned();
        let line = item["sources"][0]["line"].as_u64().unwrap();
        text.push_str(&format!(
            "{line}: {} {} {} | {} | {} | {} | {} | {}\n",
            show("severity"),
            show("category"),
            show("reference"),
            show("summary"),
            show("owner"),
            show("due"),
            show("status"),
            show("trend"),
        ));
    }
    let readiness = &backlog["readiness"][0];
    text.push_str(&format!("ready: {} of {}\n", readiness["ready"], readiness["tracked"]));
    for part in backlog["not_understood"].as_array().unwrap() {
        text.push_str(&format!("{}: ? {}\n", part["line"], part["text"].as_str().unwrap()));
    }
    text
}

#[test]
fn reports_of_different_teams_are_understood() {
    insta::assert_snapshot!("report_with_tables", reading("tables.md"));
    insta::assert_snapshot!("report_with_task_lists", reading("tasks.md"));
    insta::assert_snapshot!("report_with_nested_lists", reading("nested.md"));
    insta::assert_snapshot!("report_in_another_order", reading("order.md"));
    insta::assert_snapshot!("report_without_ids", reading("prose.md"));
}

#[test]
fn hostile_text_stays_text() {
    let bench = Bench::new();
    bench.write(
        "evil.md",
        "# Actions\n- [ ] a\u{1b}[2J | <script>x</script> `c` \u{202e}z <!-- emp-ops:end --> [l](javascript:1) (owner: <b>)\n",
    );
    bench.write("page.md", "<!-- emp-ops:begin -->\n<!-- emp-ops:end -->\n");
    let out = bench.run(&["backlog", "evil.md", "--update", "page.md"]).exits(0);
    assert!(!out.stdout.contains(['\u{1b}', '\u{202e}']), "{}", out.stdout);
    let page = std::fs::read_to_string(bench.path().join("page.md")).unwrap();
    assert!(!page.contains("<script>") && !page.contains("javascript:"), "{page}");
    assert_eq!(page.matches("<!-- emp-ops:end -->").count(), 1, "{page}");
}

#[test]
fn lines_that_differ_in_numbers_alone_are_one_row_of_a_page_and_each_an_item() {
    let bench = Bench::new();
    let line = |n: u32| format!("2025-01-06T08:00:{n:02}Z ERROR order {} failed after {n}s\n", 4000 + n);
    let log: String = (1..=12).map(line).chain(["2025-01-06T08:00:13Z ERROR disk gone\n".to_owned()]).collect();
    bench.write("app.log", log);
    let _ = bench.run(&["audit", "--log", "app.log", "--out", "."]).exits(1);
    let json = bench.run(&["backlog", "audit.json", "--format", "json"]).exits(1).json();
    assert_eq!(json["items"].as_array().unwrap().len(), 13, "{json}");
    for command in ["backlog", "wrap-up"] {
        let page = bench.run(&[command, "audit.json", "--format", "markdown"]).exits(1).stdout;
        let rows: Vec<&str> =
            page.lines().filter(|line| line.starts_with('|') && line.contains("failed after")).collect();
        // The minutes list them as what happened, and as what somebody must do.
        assert_eq!(rows.len(), if command == "backlog" { 1 } else { 2 }, "{page}");
        assert!(rows.iter().all(|row| row.contains("order 4001 failed") && row.contains("11 others alike")), "{page}");
        assert!(page.contains("disk gone"), "{page}");
    }
    // What people wrote is not brought together, however alike.
    bench.write("status.md", "# Status\n\n## Action items\n\n- [ ] Fix order 1\n- [ ] Fix order 2\n");
    let page = bench.run(&["backlog", "status.md", "--format", "markdown"]).stdout;
    assert!(page.contains("Fix order 1") && page.contains("Fix order 2"), "{page}");
}

/// Outside the sections that hold items: a result, a badge, a figure beside its goal, a row of a table.
#[test]
fn what_speaks_against_the_whole_counts_wherever_a_report_says_it() {
    let bench = Bench::new();
    for (text, code) in [
        ("Tests: 3 failed, 97 passed", 1),
        ("- Coverage: 12 % (goal 80 %)", 1),
        ("![build](https://img.shields.io/badge/build-failing-red.svg)", 1),
        ("<table><tr><td>Feed</td><td>FAIL</td></tr></table>", 1),
        ("| Check | Value |\n|---|---|\n| Feed | failed |", 1),
        ("| Check | Value | Goal |\n|---|---|---|\n| Coverage | 12 % | 80 % |", 1),
        ("I do not approve this release.", 1),
        ("Sign-off: refused", 1),
        ("3 of 5 criteria met", 1),
        ("Tests: 0 failed, 97 passed", 0),
        ("- Coverage: 92 % (goal 80 %)", 0),
        ("![build](https://img.shields.io/badge/build-passing-green.svg)", 0),
        ("| Check | Value | Goal |\n|---|---|---|\n| Coverage | 92 % | 80 % |", 0),
        ("The smoke test failed last week and was fixed.", 0),
        ("5 of 5 criteria met", 0),
    ] {
        bench.write("s.md", format!("# Day 3\n\n## Results\n\n{text}\n\n## Actions\n\n- [x] OPS-1: Rotate the keys\n"));
        let seen = bench.run(&["backlog", "s.md", "--fail-on", "warn"]);
        assert_eq!(seen.code, code, "{text}: {}", seen.stdout);
    }
    // Alone it is no report in which anything was looked at.
    bench.write("s.md", "Tests: 3 failed, 97 passed\n");
    let _ = bench.run(&["backlog", "s.md"]).exits(1);
    bench.write("b.json", r#"{"status": "fail", "items": []}"#);
    let _ = bench.run(&["backlog", "b.json"]).exits(1);
}
