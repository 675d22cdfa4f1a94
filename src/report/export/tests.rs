//! What every format makes of the same results.

use super::*;
use crate::finding::Place;
use crate::report::view::sorted;

const EVIL: &str = "a]]><x y=\"1\">&amp; \u{1b}[31m\u{202e}\u{ffff}\n::error::b # SKIP ##[error]c | `d` @e\\";

fn gate(name: &str, status: Status) -> Gate {
    Gate {
        name: name.to_owned(),
        status,
        measured: "97%".to_owned(),
        threshold: "at least 98%".to_owned(),
        ..Gate::default()
    }
}

fn waived() -> Waived {
    Waived { from: Status::Fail, owner: "Kim".to_owned(), reason: "known".to_owned(), expires: "2026-12-31".to_owned() }
}

fn row(id: &str, severity: Status, text: &str) -> Row {
    Row { id: id.to_owned(), severity, kind: "error".to_owned(), text: text.to_owned(), count: 1, ..Row::default() }
}

fn view(gates: Vec<Gate>, rows: Vec<Row>) -> View<'static> {
    let status = Status::roll_up(gates.iter().map(|gate| gate.status).chain(rows.iter().map(|row| row.severity)));
    View {
        subject: "r1".to_owned(),
        status,
        headline: status.label().to_owned(),
        gates: gates.into(),
        rows: sorted(rows),
        ..View::default()
    }
}

/// Whether a format shows that the command failed: in the way in which its readers decide that.
fn fails(export: &Export<'_>) -> [bool; 3] {
    let junit = junit(export);
    [
        junit.contains("<failure ") || junit.contains("<error "),
        tap(export).contains("\nnot ok "),
        export.gates().iter().any(|gate| matches!(gate.state, State::Failed | State::Missing)),
    ]
}

#[test]
fn a_test_fails_exactly_where_the_exit_code_is_one() {
    let (pass, warn, fail) = (Status::Pass, Status::Warn, Status::Fail);
    for gates in [vec![], vec![gate("a", pass)], vec![gate("a", warn)], vec![gate("a", fail), gate("b", pass)]] {
        for rows in [vec![], vec![row("1", warn, "x")], vec![row("1", fail, "x"), row("2", warn, "y")]] {
            for fails_from in [Some(warn), Some(fail), None] {
                let view = view(gates.clone(), rows.clone());
                let export = Export::new(&view, fails_from);
                let wanted = fails_from.is_some_and(|from| view.status >= from);
                assert_eq!(fails(&export), [wanted; 3], "{view:?} {fails_from:?}");
            }
        }
    }
}

#[test]
fn no_verdict_is_a_failure_whatever_is_accepted() {
    let at = crate::time::Stamp::from_seconds(1_736_121_600).unwrap();
    let view = View::unfinished("audit", EVIL, at);
    let export = Export::new(&view, None);
    assert_eq!(fails(&export), [true; 3]);
    assert!(junit(&export).contains("errors=\"1\"") && junit(&export).contains("<error "));
    assert!(metrics(&export).contains("emp_ops_verdict{run=\"audit\"} 2\n"));
    assert!(metrics(&export).contains("emp_ops_finished{run=\"audit\"} 0\n"));
    let sarif = sarif(&export);
    assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], false);
    assert_eq!(sarif["runs"][0]["results"][0]["level"], "error");
    assert!(summary(&export).starts_with("## ❌ No verdict: audit\n"));
    assert!(github(&export).starts_with("::error title=gate verdict::not finished: "));
}

#[test]
fn what_is_waived_is_skipped_unless_warnings_fail() {
    let gate = Gate { waived: Some(waived()), ..gate("logs", Status::Warn) };
    let rows = vec![Row { waived: Some(waived()), ..row("1", Status::Warn, "lost") }];
    let view = view(vec![gate], rows);
    let accepted = Export::new(&view, Some(Status::Fail));
    assert_eq!(junit(&accepted).matches("<skipped message=\"waived by Kim until 2026-12-31: known\"/>").count(), 2);
    assert!(tap(&accepted).contains("ok 1 - logs # SKIP waived by Kim until 2026-12-31: known\n"));
    assert!(github(&accepted).contains("::warning title=gate logs::waived by Kim"));
    assert!(summary(&accepted).contains("(waived by Kim until 2026-12-31: known)"));
    let refused = Export::new(&view, Some(Status::Warn));
    assert_eq!(junit(&refused).matches("<failure ").count(), 2);
    assert!(tap(&refused).contains("not ok 1 - logs\n"));
    assert!(github(&refused).contains("::error title=gate logs::"));
}

#[test]
fn a_finding_is_no_worse_than_the_verdict() {
    let gate = Gate { waived: Some(waived()), ..gate("logs", Status::Warn) };
    let mut view = view(vec![gate], vec![row("1", Status::Fail, "lost")]);
    view.status = Status::Warn;
    let export = Export::new(&view, Some(Status::Fail));
    assert_eq!(fails(&export), [false; 3]);
    assert_eq!(sarif(&export)["runs"][0]["results"][0]["level"], "warning");
    assert!(metrics(&export).contains("severity=\"warn\"} 1\n"));
}

#[test]
fn hostile_text_stays_text_everywhere() {
    let mut bad = gate(EVIL, Status::Fail);
    (bad.measured, bad.threshold) = (EVIL.to_owned(), EVIL.to_owned());
    let place = Some(Place { path: format!("/../{EVIL}"), line: Some(0) });
    let evil = Row { place, kind: EVIL.to_owned(), signature: EVIL.to_owned(), ..row("1", Status::Fail, EVIL) };
    let mut view = view(vec![bad], vec![evil]);
    view.subject = EVIL.to_owned();
    let export = Export::new(&view, Some(Status::Fail));
    for text in [junit(&export), tap(&export), metrics(&export), summary(&export), github(&export)] {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{ffff}']), "{text}");
    }
    let junit = junit(&export);
    assert!(junit.contains("a]]&gt;&lt;x y=&quot;1&quot;&gt;&amp;amp; \\x1b[31m\\u{202e}\\u{ffff}"), "{junit}");
    for line in tap(&export).lines() {
        assert!(line.starts_with("  ") || !line.contains(" # "), "{line}");
        assert!(
            line.starts_with("TAP ")
                || line.starts_with("1..")
                || line.starts_with("not ok ")
                || line.starts_with("  ")
        );
    }
    for line in metrics(&export).lines() {
        assert!(line.starts_with("# ") || line.starts_with("emp_ops_"), "{line}");
        assert_eq!(line.replace("\\\\", "").replace("\\\"", "").matches('"').count() % 2, 0, "{line}");
    }
    let github = github(&export);
    assert_eq!(github.lines().filter(|line| line.starts_with("::")).count(), 2, "{github}");
    assert!(!github.contains("##["), "{github}");
    assert!(github.contains("file=/../a]]><x y=\"1\">"), "{github}");
    let sarif = &sarif(&export)["runs"][0]["results"][0];
    let uri = sarif["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.starts_with("a%5D%5D%3E%3Cx%20y") && !uri.contains(".."), "{uri}");
    assert_eq!(sarif["locations"][0]["physicalLocation"]["region"]["startLine"], 1);
    let summary = summary(&export);
    assert!(!summary.contains("<x") && !summary.contains(" @e") && !summary.contains("| `d`"), "{summary}");
}

#[test]
fn names_are_unique_and_equal_findings_are_one() {
    let rows = vec![row("1", Status::Warn, "x"), row("2", Status::Warn, "y"), row("1", Status::Fail, "x")];
    let view = view(vec![gate("a", Status::Pass), gate("a", Status::Pass), gate("", Status::Pass)], rows);
    let export = Export::new(&view, Some(Status::Fail));
    let text = junit(&export);
    let mut names: Vec<&str> =
        text.split("<testcase name=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(names[..3], ["a", "a (2)", "unnamed"]);
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(text.contains("2 times") && all == 3 + 1 + 2, "{text}");
}

#[test]
fn files_are_bounded_and_say_what_they_leave_out() {
    let long = "x".repeat(100_000);
    let rows: Vec<Row> = (0..1500).map(|n| row(&n.to_string(), Status::Fail, &long)).collect();
    let view = view((0..9000).map(|n| gate(&format!("{n} {}", &long[..200]), Status::Pass)).collect(), rows);
    let export = Export::new(&view, Some(Status::Fail));
    let junit = junit(&export);
    assert!(junit.len() < 11 << 20, "{}", junit.len());
    assert!(junit.contains("more kinds not listed"));
    let summary = summary(&export);
    assert!(summary.len() < 900 << 10 && summary.contains("The table of gates is too long for a summary"));
    assert!(summary.contains("1,450 more kinds in the report"));
    let github = github(&export);
    assert!(github.contains("::error title=emp-ops::1,492 more: see the report"), "{}", github.lines().count());
    assert_eq!(github.lines().count(), 11);
}
