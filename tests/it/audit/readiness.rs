//! Components of a release, judged by `emp-ops audit --component`.

use serde_json::json;

use crate::harness::Bench;

const NOW: &str = "2031-05-04T12:00:00Z";

const POLICY: &str = r#"
[readiness]
required = ["gatekeeper", "on-call", "pager"]
optional = ["colours"]
warn_blocks = ["ledger"]
[readiness.components.archive]
max_age_fail = "30d"
max_age_warn = "20d"
"#;

/// Eight documents of an invented release, with the options that name them.
fn release(bench: &Bench) -> Vec<String> {
    let write = |name: &str, document: serde_json::Value| bench.write(name, document.to_string());
    let checks: Vec<_> = (0..40).map(|n| json!({"name": format!("probe {n}"), "passed": n != 7})).collect();
    write("gatekeeper.json", json!({"timestamp": NOW, "checks": checks}));
    bench.write(
        "on-call.env",
        "INCIDENT_TRAINING_AGE_DAYS=10\nINCIDENT_DRILL_AGE_DAYS=70\nINCIDENT_PRIMARY_RESPONDERS=ada,grace\n\
         INCIDENT_SECONDARY_RESPONDERS=edsger\nINCIDENT_CHATOPS_READY=yes\n",
    );
    bench.write(
        "ledger.toml",
        "status = \"degraded\"\nsummary = \"two shards | <b>rebuild</b>\"\ngenerated_at = 2031-05-04T11:00:00Z\n",
    );
    write("colours.json", json!({"status": "purple", "generated_at": NOW}));
    write("archive.json", json!({"status": "ok", "generated_at": "2031-04-20T12:00:00Z"}));
    write(
        "lights.json",
        json!({"status": true, "timestamp": NOW, "rows": [{"name": "north", "status": "up to \u{1b}[31mdate"}]}),
    );
    bench.write("broken.json", "{\"status\": \"ok\",\n");
    bench.write("empty.json", "");
    let names =
        ["gatekeeper.json", "on-call.env", "ledger.toml", "colours.json", "archive.json", "lights.json", "broken.json"];
    names.iter().map(|name| (*name).to_owned()).chain(["void=empty.json".to_owned()]).collect()
}

fn audit(bench: &Bench, components: &[String], rest: &[&str]) -> crate::harness::Output {
    let mut args = vec!["audit", "--as-of", NOW];
    for component in components {
        args.extend(["--component", component.as_str()]);
    }
    args.extend(rest);
    bench.run(&args)
}

#[test]
fn eight_components_are_one_verdict_in_any_order_and_flow_into_the_follow_ups() {
    let bench = Bench::new();
    bench.write("policy.toml", POLICY);
    let mut components = release(&bench);
    let rest = ["--policy", "policy.toml", "--format", "json", "--out", "out"];
    let first = audit(&bench, &components, &rest).exits(1);
    components.reverse();
    let turned = audit(&bench, &components, &["--policy", "policy.toml", "--format", "json"]).exits(1);
    let without_time = |output: &crate::harness::Output| {
        let mut document = output.json();
        document["generated_at"].take();
        document
    };
    assert_eq!(without_time(&first), without_time(&turned));
    let document = first.json();
    let gates: Vec<(&str, &str)> = document["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| (gate["name"].as_str().unwrap(), gate["status"].as_str().unwrap()))
        .collect();
    assert_eq!(
        gates,
        [
            ("readiness/archive", "pass"),
            ("readiness/broken", "fail"),
            ("readiness/colours", "warn"),
            ("readiness/gatekeeper", "warn"),
            ("readiness/ledger", "fail"),
            ("readiness/lights", "fail"),
            ("readiness/on-call", "warn"),
            ("readiness/void", "fail"),
            ("readiness/pager", "fail"),
        ]
    );
    let readiness = &document["readiness"];
    assert_eq!((&readiness["status"], &readiness["gate"]["status"]), (&json!("fail"), &json!("fail")));
    assert_eq!(readiness["metadata"]["component_count"], 8);
    assert_eq!(readiness["metadata"]["component_statuses"]["ledger"], "warn");
    let codes = readiness["gate"]["blocking_reason_codes"].as_array().unwrap();
    for code in [
        "component_broken_unreadable",
        "component_ledger_warn_blocked",
        "component_lights_not_understood",
        "component_pager_missing",
    ] {
        assert!(codes.contains(&json!(code)), "{code}: {codes:?}");
    }
    for code in codes {
        assert!(code.as_str().unwrap().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
    }
    // What is wrong is work, by category and with the place of the document.
    let backlog = bench.run(&["backlog", "out/audit.json", "--format", "json"]).exits(1).json();
    let items = backlog["items"].as_array().unwrap();
    let broken = items.iter().find(|item| item["summary"].as_str().unwrap().contains("not JSON")).unwrap();
    assert_eq!((&broken["category"], &broken["sources"][0]["path"]), (&json!("readiness"), &json!("broken.json")));
    assert_eq!(broken["sources"][0]["line"], 2);
    assert!(items.iter().any(|item| item["summary"].as_str().unwrap().contains("pager is missing")));
}

#[test]
fn the_table_shows_every_component_and_foreign_text_stays_text() {
    let bench = Bench::new();
    let components = release(&bench);
    let markdown = audit(&bench, &components, &["--format", "markdown"]).exits(1).stdout;
    assert!(markdown.contains("| Component | Status | Age | Summary |"), "{markdown}");
    assert!(markdown.contains("| **archive** | **FAIL** | 14d |"), "{markdown}");
    assert!(!markdown.contains("<b>") && !markdown.contains('\u{1b}'), "{markdown}");
    assert!(!markdown.contains("## Logs"), "no log was asked for: {markdown}");
    let text = audit(&bench, &components, &[]).exits(1).stdout;
    assert!(text.contains("probe 7 failed") && !text.contains('\u{1b}'), "{text}");
    let _ = audit(&bench, &components, &["--export", "html=page.html"]).exits(1);
    let page = std::fs::read_to_string(bench.path().join("page.html")).unwrap();
    assert!(page.contains("readiness/broken") && !page.contains("<b>rebuild"));
}

#[test]
fn a_component_joins_the_verdict_on_logs_and_is_no_pass_without_a_document() {
    let bench = Bench::new();
    let line = |minute: u32| {
        format!("{{\"timestamp\":\"2031-05-04T11:{minute:02}:00Z\",\"level\":\"info\",\"message\":\"beat\"}}\n")
    };
    bench.write("log.jsonl", (0..60).map(line).collect::<String>());
    bench.write("good.json", json!({"status": "ok", "generated_at": NOW}).to_string());
    let logs = ["audit", "--log", "log.jsonl", "--as-of", NOW];
    let with = |component: &str| bench.run(&[logs.as_slice(), &["--component", component]].concat());
    let _ = bench.run(&logs).exits(0);
    let _ = with("good.json").exits(0);
    assert!(with("gone.json").exits(1).stdout.contains("readiness/gone"));
    // A policy that asks for components, and none is named.
    bench.write("policy.toml", "[readiness]\nrequired = [\"good\"]\n");
    let asked = [logs.as_slice(), &["--policy", "policy.toml"]].concat();
    assert!(bench.run(&asked).exits(1).stdout.contains("it is missing"));
    let alone = bench.run(&["audit", "--policy", "policy.toml"]).exits(1);
    assert!(alone.stdout.contains("readiness/good") && !alone.stdout.contains("logs "), "{}", alone.stdout);
    bench.write("typo.toml", "[readiness]\noptional = [\"goood\"]\n");
    let typo = [logs.as_slice(), &["--component", "good.json", "--policy", "typo.toml"]].concat();
    assert!(bench.run(&typo).exits(2).stderr.contains("did you mean `good`?"));
    bench.write("state.env", "INCIDENT_DRILL_INTERVALL_DAYS=3\n");
    let refused = bench.run(&[logs.as_slice(), &["--component", "state.env"]].concat()).exits(2).stderr;
    assert!(refused.contains("state.env:1:1:") && refused.contains('^'), "{refused}");
}

#[test]
fn a_gate_of_a_component_can_be_waived_and_the_documents_agree() {
    let bench = Bench::new();
    bench.write("bad.json", json!({"status": "down", "generated_at": NOW}).to_string());
    bench.write(
        "waivers.toml",
        "[[waiver]]\ngate = \"readiness/bad\"\nowner = \"ops\"\nreason = \"known\"\nexpires = 2031-05-30\n",
    );
    let document =
        bench.run(&["audit", "--component", "bad.json", "--as-of", NOW, "--policy", "p.toml", "--format", "json"]).code;
    assert_eq!(document, 2, "there is no such policy");
    bench.write("p.toml", "[waivers]\nmax_days = 4000\n");
    let args = ["audit", "--component", "bad.json", "--as-of", NOW, "--policy", "p.toml", "--waivers", "waivers.toml"];
    let document = bench.run(&[args.as_slice(), &["--format", "json"]].concat()).exits(0).json();
    assert_eq!(document["verdict"], "warn");
    assert_eq!(document["readiness"]["gate"]["should_block"], false);
    assert_eq!(document["readiness"]["gate"]["blocking_reason_codes"], json!([]));
}
