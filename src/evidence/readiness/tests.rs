//! Tables of documents with the verdict that each must get.

mod incidents;
mod levels;
mod pitfalls;
mod sessions;
mod timelines;
mod validations;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: &str = "2031-05-04T12:00:00Z";

fn now() -> Stamp {
    Stamp::parse(NOW).expect("a time")
}

/// A policy of these tables.
fn rules(text: &str) -> Rules {
    crate::verdict::policy::parse("p.toml", text).expect(text).components.unwrap_or_default()
}

/// Why a policy of these tables is refused.
fn refused(text: &str) -> String {
    crate::verdict::policy::parse("p.toml", text).expect_err(text)
}

fn file(name: &str, document: &Value) -> Given {
    Given {
        name: Some(name.to_owned()),
        path: format!("{name}.json"),
        content: Ok(document.to_string().into_bytes()),
        own: false,
    }
}

/// The verdict on documents by their names.
fn all(documents: &[(&str, Value)], policy: &str) -> Readiness {
    let given: Vec<Given> = documents.iter().map(|(name, document)| file(name, document)).collect();
    let mut readiness = judge(&given, &[], &rules(policy), now()).expect("nothing is refused");
    let gates = readiness.gates.clone();
    readiness.settle(&gates);
    readiness
}

/// The verdict on one document, and all that is said about it.
fn one(document: &Value, policy: &str) -> (Status, String) {
    let readiness = all(&[("it", document.clone())], policy);
    let said: Vec<&str> = readiness.findings.iter().map(|finding| finding.summary.as_str()).collect();
    (readiness.status, said.join(" | "))
}

/// Holds each document against its verdict, and against a piece of what must be said.
fn table(rows: &[(Value, &str, Status, &str)]) {
    for (document, policy, status, expect) in rows {
        let (found, said) = one(document, policy);
        assert_eq!(found, *status, "{document} under {policy}: {said}");
        assert!(said.contains(expect), "{document}: {said}, not {expect}");
    }
}

#[test]
fn a_document_of_no_kind_is_judged_by_its_word_and_those_of_its_parts() {
    let at = |status: Value| json!({"generated_at": NOW, "status": status});
    let parts = |word: &str, part: &str| json!({"generated_at": NOW, "status": word, "stores": [{"name": "cold", "status": part, "message": "slow"}]});
    table(&[
        (at(json!("Healthy")), "", Status::Pass, ""),
        (at(json!(true)), "", Status::Pass, ""),
        (at(json!("at-risk")), "", Status::Warn, "WARN of itself"),
        (at(json!("timed out")), "", Status::Fail, "FAIL of itself"),
        (at(json!("purple")), "", Status::Fail, "no verdict that anybody knows"),
        (at(json!("purple")), "[readiness]\naccept_status = [\"purple\"]", Status::Pass, ""),
        (at(json!(1)), "", Status::Fail, "no verdict"),
        (at(json!(null)), "", Status::Fail, "no verdict"),
        (json!({"generated_at": NOW}), "", Status::Fail, "states no verdict"),
        (parts("ok", "partial"), "", Status::Warn, "cold is WARN: slow"),
        (parts("ok", "down"), "", Status::Fail, "a part of it failed"),
        (json!([1, 2]), "", Status::Fail, "not an object"),
        (json!("ok"), "", Status::Fail, "not an object"),
    ]);
}

#[test]
fn age_is_judged_and_its_limits_can_be_set() {
    let of = |time: Value| json!({"timestamp": time, "status": "ok"});
    let named = |limit: &str| format!("[readiness.components.it]\nmax_age_fail = \"{limit}\"");
    table(&[
        (of(json!("2031-05-03T12:00:00Z")), "", Status::Pass, ""),
        (of(json!("2031-05-03T11:59:59Z")), "", Status::Warn, "old"),
        (of(json!("2031-05-02T11:59:59Z")), "", Status::Fail, "old"),
        (
            of(json!("2024-05-02T11:59:59Z")),
            "[readiness]\nmax_age_warn = \"none\"\nmax_age_fail = \"none\"",
            Status::Pass,
            "",
        ),
        (of(json!("2031-05-04T11:00:00Z")), &named("30m"), Status::Fail, "at most 30m"),
        (of(json!("2031-05-04T11:00:00Z")), &named("2h"), Status::Pass, ""),
        (of(json!("2031-04-24T11:00:00Z")), "[readiness]\nmax_age_warn = \"20d\"", Status::Pass, ""),
        (of(json!("2031-05-04T12:00:59Z")), "", Status::Pass, ""),
        (of(json!("2031-05-04T12:01:01Z")), "", Status::Fail, "ahead of the present"),
        (of(json!(1_577_836_800)), "", Status::Fail, "old"),
        (of(json!("yesterday")), "", Status::Fail, "which is no time"),
        (of(json!(null)), "", Status::Fail, "does not say when"),
        (json!({"status": "ok", "generated_at": "soon", "ended_at": NOW}), "", Status::Pass, ""),
    ]);
}

#[test]
fn the_policy_decides_what_must_be_there_and_what_holds_up_the_release() {
    let doc = |status: &str| json!({"generated_at": NOW, "status": status});
    let two = |a: &str, b: &str| [("Feed", doc(a)), ("drift", doc(b))];
    for (documents, policy, status, code) in [
        (two("ok", "ok").to_vec(), "required = [\"FEED\", \"drift\"]", Status::Pass, ""),
        (two("ok", "ok").to_vec(), "required = [\"pager\"]", Status::Fail, "component_pager_missing"),
        (two("ok", "fail").to_vec(), "", Status::Fail, "component_drift_fail"),
        (two("ok", "fail").to_vec(), "optional = [\"drift\"]", Status::Warn, "component_drift_fail"),
        (two("warn", "ok").to_vec(), "", Status::Warn, "component_feed_warn"),
        (two("warn", "ok").to_vec(), "warn_blocks = [\"feed\"]", Status::Fail, "component_feed_warn_blocked"),
        (two("warn", "ok").to_vec(), "warn_blocks = [\"drift\"]", Status::Warn, "status_warn"),
        (two("warn", "ok").to_vec(), "fail_on_warn = true", Status::Fail, "status_warn_blocked"),
        (two("warn", "ok").to_vec(), "max_warn = 1", Status::Warn, "status_warn"),
        (two("warn", "ok").to_vec(), "max_warn = 0", Status::Fail, "max_warn_components_exceeded"),
        (two("ok", "purple").to_vec(), "", Status::Fail, "component_drift_not_understood"),
        (vec![], "", Status::Fail, "no_components"),
    ] {
        let readiness = all(&documents, &format!("[readiness]\n{policy}"));
        let codes = [&readiness.gate.blocking_reason_codes, &readiness.gate.warning_reason_codes];
        assert_eq!(readiness.status, status, "{policy}: {codes:?}");
        assert_eq!(readiness.gate.status, status, "{policy}");
        assert_eq!(readiness.gate.should_block, status == Status::Fail, "{policy}");
        let mut codes = codes.into_iter().flatten();
        assert!(code.is_empty() || codes.any(|found| found == code), "{policy}: {readiness:?}");
        let least = readiness.findings.iter().filter(|finding| finding.severity == Status::Fail).count();
        assert!(least > 0 || status < Status::Fail, "{policy}: every FAIL is a finding");
    }
    for (policy, expect) in [
        ("optional = [\"drfit\"]", "did you mean `drift`?"),
        ("warn_blocks = [\"pager\"]", "there are"),
        ("[readiness.components.feeds]\nmax_age_fail = \"1h\"", "did you mean `Feed`?"),
    ] {
        let given: Vec<Given> = two("ok", "ok").iter().map(|(name, document)| file(name, document)).collect();
        let text = format!("[readiness]\n{policy}");
        let refused = judge(&given, &[], &rules(&text), now()).expect_err(policy);
        assert!(refused.why.contains(expect), "{policy}: {}", refused.why);
    }
}

#[test]
fn a_policy_that_contradicts_itself_is_refused_at_its_place() {
    for (text, expect) in [
        ("[readiness]\nrequird = [\"a\"]", "unknown field `requird`; did you mean `required`?"),
        ("[readiness]\nmax_age_warn = \"3h\"\nmax_age_fail = \"2h\"", "max_age_warn is longer"),
        ("[readiness]\nmax_age_warn = 3", "expected a string"),
        ("[readiness]\nmax_warn = -1", "expected a whole number"),
        ("[readiness]\naccept_status = [\"down\"]", "cannot be accepted"),
        ("[readiness]\nrequired = [\"a\"]\noptional = [\"A\"]", "both required and optional"),
        ("[validation]\nmin_success_rate = 140", "write a ratio"),
        ("[incident]\nmtta_warn_minutes = 90\nmtta_fail_minutes = 60", "so it never warns"),
        ("[incident]\nmax_open_incidents = -1", "is negative"),
        ("[incident]\ntraining_intervall_days = 3", "did you mean `training_interval_days`?"),
        ("[incident]\nwarn_block_categories = [\"pager\"]", "is no category"),
    ] {
        let error = refused(text);
        assert!(error.starts_with("p.toml:") && error.contains(expect) && error.contains('^'), "{text}: {error}");
    }
}

#[test]
fn a_document_that_lists_components_is_taken_apart() {
    let list = |status: &str, part: &str| {
        json!({"generated_at": NOW, "status": status, "components": [
            {"name": "feed", "status": "ok", "summary": "fresh"}, {"name": "books", "status": part}]})
    };
    let judged = |document: &Value| {
        let given = Given { name: None, ..file("whole", document) };
        judge(&[given], &[], &Rules::default(), now()).expect("judged")
    };
    for (document, status, names) in [
        (list("warn", "warn"), Status::Warn, vec!["books", "feed"]),
        (list("ok", "failed"), Status::Fail, vec!["books", "feed", "whole"]),
        (list("fail", "ok"), Status::Fail, vec!["books", "feed", "whole"]),
        (json!({"generated_at": NOW, "status": "ok", "components": []}), Status::Fail, vec!["whole"]),
        (
            json!({"snapshots": {"feed": {"status": "ok", "generated_at": NOW}}, "missing_sections": ["books"]}),
            Status::Fail,
            vec!["feed", "whole"],
        ),
    ] {
        let readiness = judged(&document);
        let found: Vec<&str> = readiness.components.iter().map(|component| component.name.as_str()).collect();
        assert_eq!((readiness.status, found), (status, names), "{document}");
    }
}

#[test]
fn what_cannot_be_read_is_a_fail_with_its_place() {
    for (content, expect, line) in [
        (Ok(b"".to_vec()), "it is empty", None),
        (Ok(b"{\"status\": \"ok\",\n}".to_vec()), "not JSON", Some(2)),
        (Ok("[".repeat(1 << 20).into_bytes()), "recursion limit", Some(1)),
        (Err("cannot read it.json: no such file".to_owned()), "no such file", None),
    ] {
        let given = Given { name: Some("it".to_owned()), path: "it.json".to_owned(), content, own: false };
        let readiness = judge(&[given], &[], &Rules::default(), now()).expect("judged");
        let finding = &readiness.findings[0];
        assert_eq!(readiness.status, Status::Fail);
        assert!(finding.summary.contains(expect), "{}", finding.summary);
        let place = finding.place.as_ref().expect("a place");
        assert_eq!((place.path.as_str(), place.line), ("it.json", line), "{expect}");
        assert!(readiness.reasons.iter().any(|reason| reason.code == "component_it_unreadable"));
    }
}

#[test]
fn documents_in_any_order_give_the_same_verdict_and_equal_names_are_no_pass() {
    let doc = |status: &str| json!({"generated_at": NOW, "status": status});
    let documents = [("b", doc("ok")), ("A", doc("warn")), ("c", doc("fail")), ("B2", doc("purple"))];
    let mut turned = documents.clone();
    turned.reverse();
    let json = |documents: &[(&str, Value)]| serde_json::to_string(&all(documents, "")).expect("JSON");
    assert_eq!(json(&documents), json(&turned));
    let twice = all(&[("a", doc("ok")), ("A", doc("ok"))], "");
    assert_eq!(twice.status, Status::Fail);
    assert!(twice.findings[0].summary.contains("2 documents bear the name"));
}

proptest! {
    #[test]
    fn any_order_of_any_documents_gives_the_same_bytes(
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
        words in prop::collection::vec("pass|warn|fail|purple|", 6),
        names in prop::collection::vec("[abA]{1,2}", 6),
    ) {
        let given: Vec<(&str, Value)> = names
            .iter()
            .zip(&words)
            .enumerate()
            .map(|(n, (name, word))| (name.as_str(), json!({"generated_at": NOW, "status": word, "n": n})))
            .collect();
        // Files have names of their own, whatever they are called as components.
        let judged = |order: &mut dyn Iterator<Item = usize>| {
            let files: Vec<Given> = order
                .map(|n| Given { path: format!("{n}.json"), ..file(given[n].0, &given[n].1) })
                .collect();
            serde_json::to_string(&judge(&files, &[], &rules(""), now()).expect("nothing is refused")).expect("JSON")
        };
        prop_assert_eq!(judged(&mut (0..6)), judged(&mut order.into_iter()));
    }
}

#[test]
fn what_a_document_says_of_others_in_its_metadata_is_no_evidence() {
    let doc = |ghost: &str| json!({"generated_at": NOW, "status": "ok", "metadata": {"component_statuses": {"ghost": ghost}}});
    for ghost in ["fail", "FAILED", "ok"] {
        let readiness = all(&[("feed", doc(ghost))], "");
        assert_eq!(readiness.status, Status::Pass, "{ghost}");
        assert_eq!(readiness.metadata.component_statuses.keys().collect::<Vec<_>>(), ["feed"]);
    }
}

#[test]
fn issues_of_all_components_are_counted() {
    let warned = json!({"generated_at": NOW, "status": "warn"});
    let checks = json!({"generated_at": NOW, "checks": [
        {"name": "a", "passed": true}, {"name": "b", "passed": false}, {"name": "c", "passed": false}]});
    let readiness = all(&[("feed", warned), ("checks", checks)], "");
    let counts = &readiness.metadata.issue_counts;
    assert_eq!((counts.get("warn"), counts.get("fail")), (Some(&1), Some(&3)), "{counts:?}");
    let issues = &readiness.metadata.component_issue_details["checks"];
    assert_eq!(issues.issue_category_severity["check"], Status::Fail);
    assert_eq!(issues.issue_catalog["check"].len(), 2);
    assert_eq!(issues.issue_details[1].detail, "/checks/1");
    // Each issue is told with its own severity.
    let told: Vec<(&str, &str)> =
        readiness.alerts.iter().map(|alert| (alert.category.as_str(), alert.severity.as_str())).collect();
    let count = |category: &str| told.iter().filter(|(told, _)| *told == category).count();
    assert_eq!((count("operational.checks"), count("operational.feed")), (3, 1), "{told:?}");
    assert!(
        told.contains(&("operational.feed", "warning")) && told.contains(&("operational.readiness.gate", "critical"))
    );
}
