//! Checklists: copied at the start, ticked while the run goes on, judged at its end.

use super::*;

const LIST: &str = "# Before the switch\n\n- [x] Backups (@ada, 2025-01-14T10:30Z, evidence: https://wiki.example/1)\n- [ ] Restore\n- [ ] Tea (optional)\n";

/// Ticks the second task, whose evidence is this file of the run directory.
fn tick(evidence: &str) -> String {
    format!(
        "echo up; sed -i 's|\\[ \\] Restore|[x] Restore (@ada, 2025-01-14T11:00Z, evidence: {evidence})|' runs/r/checklist.md"
    )
}

fn gate(audit: &Value) -> Value {
    let gates = audit["gates"].as_array().unwrap();
    gates.iter().find(|gate| gate["name"] == "checklist").unwrap()["status"].clone()
}

#[test]
fn a_checklist_is_judged_as_it_was_ticked_and_the_packet_says_the_same() {
    let bench = Bench::new();
    bench.write("list.md", LIST);
    let options = ["--output-root", "runs", "--duration", "2s", "--checklist", "list.md"];
    let run = rehearse(&bench, &options, &format!("{}; echo done > runs/r/restore.log", tick("restore.log")));
    assert_eq!(
        fs::read_to_string(bench.path().join("list.md")).unwrap(),
        LIST,
        "the list of the operator is left alone"
    );
    for place in ["runs/r", "runs/r/packet"] {
        let audit: Value = bench.run(&["audit", place, "--format", "json"]).json();
        assert_eq!(gate(&audit), "pass", "{place}: {}", audit["checklist"]);
        assert_eq!((&audit["checklist"]["done"], &audit["checklist"]["total"]), (&2.into(), &3.into()));
        assert_eq!(audit["checklist"]["items"][1]["sha256"]["restore.log"].as_str().unwrap().len(), 64);
        assert_eq!(audit["record"]["status"], "pass", "{place}: {}", audit["record"]);
    }
    assert!(run.record["sealed_files"].to_string().contains("restore.log"));
    // What shows a task is part of the evidence.
    fs::write(bench.path().join("runs/r/restore.log"), "other").unwrap();
    let audit: Value = bench.run(&["audit", "runs/r", "--format", "json"]).exits(1).json();
    assert!(audit["record"]["differs"].to_string().contains("restore.log was changed"), "{}", audit["record"]);
}

#[test]
fn open_tasks_and_ticks_that_show_nothing_fail() {
    let bench = Bench::new();
    bench.write("list.md", LIST);
    let options = ["--output-root", "runs", "--duration", "1s", "--checklist", "list.md"];
    let run = rehearse(&bench, &options, "echo up");
    assert!(run.output.stdout.contains("Restore: it is open"), "{}", run.output.stdout);
    let backlog = bench.run(&["backlog", "runs/r", "--format", "json"]).json();
    assert!(backlog["items"].to_string().contains("Restore: it is open"));
    let other = Bench::new();
    other.write("list.md", LIST);
    let run = rehearse(&other, &options, &tick("gone.log"));
    assert!(run.output.stdout.contains("gone.log, was not in the run directory"), "{}", run.output.stdout);
    other.write("none.md", "nothing to do\n");
    let none = other.run(&["final-dry-run", "--run-name", "n", "--checklist", "none.md", "--", "true"]).exits(2);
    assert!(none.stderr.contains("there is no task"), "{}", none.stderr);
}
