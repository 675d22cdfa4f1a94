//! Documents of other systems as components: copied when the run ends, judged with it, and part of its packet.

use super::*;

const POLICY: &str = r#"
[readiness]
required = ["validation", "on-call"]
max_age_fail = "1h"
[readiness.components.on-call]
max_age_warn = "none"
max_age_fail = "none"
[validation]
history = ["earlier.json"]
[incident]
runbook_dir = "runbooks"
"#;

/// A bench with a policy, its runbook and an earlier report, and a duty that names its people.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("policy.toml", POLICY);
    bench.write("runbooks/outage.md", "call somebody");
    bench.write("earlier.json", r#"{"timestamp":"2025-01-06T00:00:00Z","checks":[{"name":"db","passed":true}]}"#);
    bench.write(
        "duty.env",
        "INCIDENT_REQUIRED_RUNBOOKS=outage\nINCIDENT_PRIMARY_RESPONDERS=ada\nINCIDENT_SECONDARY_RESPONDERS=grace\n\
         INCIDENT_TRAINING_AGE_DAYS=3\nINCIDENT_DRILL_AGE_DAYS=3\nINCIDENT_CHATOPS_READY=yes\n",
    );
    bench
}

/// Writes the report while the command runs, in which the second check passes or not.
fn report(passed: bool) -> String {
    format!(
        r#"printf '{{"timestamp":"%s","checks":[{{"name":"db","passed":true}},{{"name":"api","passed":{passed}}}]}}' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" > report.json"#
    )
}

const OPTIONS: [&str; 10] = [
    "--output-root",
    "runs",
    "--duration",
    "2s",
    "--policy",
    "policy.toml",
    "--component",
    "validation=report.json",
    "--component",
    "on-call=duty.env",
];

fn audit(bench: &Bench) -> Value {
    bench.run(&["audit", "runs/r", "--format", "json"]).json()
}

fn gate(audit: &Value, name: &str) -> String {
    let gates = audit["gates"].as_array().unwrap();
    let gate = gates.iter().find(|gate| gate["name"] == name);
    gate.map_or("absent".to_owned(), |gate| gate["status"].as_str().unwrap().to_owned())
}

#[test]
fn documents_are_judged_at_the_end_of_the_run_and_go_with_its_packet() {
    for (passed, expect) in [(true, "pass"), (false, "fail")] {
        let bench = bench();
        let _ = rehearse(&bench, &OPTIONS, &report(passed));
        // What becomes of them later is another matter.
        for file in ["report.json", "duty.env", "earlier.json", "runbooks/outage.md", "policy.toml"] {
            fs::remove_file(bench.path().join(file)).unwrap();
        }
        for place in ["runs/r", "runs/r/packet"] {
            let audit: Value = bench.run(&["audit", place, "--format", "json"]).json();
            assert_eq!(gate(&audit, "readiness/validation"), expect, "{place}: {audit:#}");
            assert_eq!(gate(&audit, "readiness/on-call"), "pass", "{place}: {audit:#}");
            assert_eq!(gate(&audit, "record"), "pass", "{place}: {:#}", audit["record"]);
        }
        let copy = bench.path().join("runs/r/components/1/report.json");
        fs::write(&copy, fs::read_to_string(&copy).unwrap().replace("false", "true ")).unwrap();
        assert_eq!(gate(&audit(&bench), "record"), if passed { "pass" } else { "fail" });
    }
}

#[test]
fn a_component_that_is_not_there_or_too_old_is_no_pass() {
    let bench = bench();
    let _ = rehearse(&bench, &OPTIONS, "true");
    assert_eq!(gate(&audit(&bench), "readiness/validation"), "fail", "nobody wrote it");
    let bench = self::bench();
    bench.write("report.json", r#"{"timestamp":"2025-01-06T00:00:00Z","checks":[{"name":"db","passed":true}]}"#);
    let _ = rehearse(&bench, &OPTIONS, "true");
    assert_eq!(gate(&audit(&bench), "readiness/validation"), "fail", "it is of another year");
    let bench = self::bench();
    let _ = rehearse(&bench, &OPTIONS[..6], "true");
    assert_eq!(gate(&audit(&bench), "readiness/validation"), "fail", "the policy requires it");
}

#[test]
fn a_policy_that_names_what_there_is_not_is_a_finding_of_the_run_and_costs_no_verdict() {
    let bench = bench();
    bench.write("policy.toml", "[readiness]\noptional = [\"valdation\"]\n");
    let run = rehearse(&bench, &OPTIONS, &report(true));
    assert_eq!(run.record["state"], "complete");
    let audit = audit(&bench);
    assert!(audit.to_string().contains("did you mean `validation`?"), "{audit:#}");
    assert_eq!(gate(&audit, "record"), "pass", "{:#}", audit["record"]);
}
