//! Table tests of the queue: what each document becomes, what is one item, what the totals say.

use serde_json::json;

use super::*;
use crate::status_report::Report;

fn at(text: &str) -> Stamp {
    Stamp::parse(text).expect(text)
}

fn options() -> Options {
    Options::new(at("2025-01-10"))
}

fn of(document: &Value) -> Backlog {
    from_bundle(document, "summary.json", &options())
}

fn of_reports(texts: &[&str]) -> Backlog {
    let mut gathered = Gathered::default();
    for (number, text) in texts.iter().enumerate() {
        gathered.report(&Report::read(text), &format!("{number}.md"), options().as_of);
    }
    build(gathered, None, &Options { min_severity: Status::Pass, ..options() })
}

fn told(backlog: &Backlog) -> Vec<String> {
    backlog.items.iter().map(|item| format!("{} {}: {}", item.severity.word(), item.category, item.summary)).collect()
}

#[test]
fn each_part_of_a_run_becomes_items_of_its_category() {
    let error = json!({"severity": "fail", "summary": "no route"});
    for (document, expect) in [
        (json!({"logs": {"errors": [error]}}), "fail log_error: no route"),
        (json!({"logs": {"warnings": [{"severity": "warn", "summary": "slow"}]}}), "warn log_warning: slow"),
        (json!({"logs": {"errors": error}}), "fail log_error: no route"),
        (json!({"summary": {"logs": {"errors": [error]}}}), "fail log_error: no route"),
        (json!({"logs": {"errors": [{"severity": "fail"}]}}), "fail log_error: an error without a message"),
        (json!({"incidents": [{"severity": "fail", "message": "killed"}]}), "fail harness: killed"),
        (json!({"incidents": {"severity": "fail", "message": "killed"}}), "fail harness: killed"),
        (json!({"sign_off": {"findings": [{"severity": "fail", "message": "too short"}]}}), "fail sign_off: too short"),
    ] {
        assert!(told(&of(&document)).contains(&expect.to_owned()), "{document}: {:?}", told(&of(&document)));
    }
}

#[test]
fn what_holds_nothing_to_judge_is_a_fail() {
    for document in [json!({}), json!(null), json!("text"), json!(5), json!({"hello": 1})] {
        let backlog = of(&document);
        assert_eq!((backlog.status, backlog.items.len()), (Status::Fail, 1), "{document}");
        assert_eq!(backlog.items[0].category, "input", "{document}");
    }
}

#[test]
fn what_is_not_understood_is_named_and_keeps_the_verdict_from_pass() {
    for (document, named) in [
        (json!({"logs": {"errors": [], "records": 9}, "incidents": [5]}), "incidents[0]: 5"),
        (json!({"logs": {"errors": [], "records": 9}, "review": "fine"}), "review: \"fine\""),
        (json!({"summary": [1], "incidents": []}), "summary: [1]"),
    ] {
        let backlog = of(&document);
        assert!(backlog.status >= Status::Warn, "{document}");
        assert!(backlog.not_understood.iter().any(|part| part.text == named), "{:?}", backlog.not_understood);
    }
}

#[test]
fn a_word_of_severity_that_nobody_defined_is_a_warning_with_its_reason() {
    let backlog = of(&json!({"incidents": [{"severity": "catastrophic", "message": "gone"}]}));
    let item = backlog.items.iter().find(|item| item.summary == "gone").expect("the incident");
    assert_eq!(item.severity, Status::Warn);
    assert_eq!(item.reasons, ["the severity `catastrophic` is not a known word"]);
}

#[test]
fn one_fault_told_by_several_documents_is_one_item_with_all_its_sources() {
    let record = json!({"severity": "fail", "summary": "no route", "occurred_at": "2025-01-06T00:00:01Z"});
    let backlog = of(&json!({
        "logs": {"errors": [record], "content_incidents": [record]},
        "incidents": [{"severity": "fail", "message": "a line at level error: no route"}],
    }));
    assert_eq!(told(&backlog), ["fail log_error: no route"]);
    let parts: Vec<_> = backlog.items[0].sources.iter().filter_map(|source| source.part.as_deref()).collect();
    assert_eq!(parts, ["logs.errors", "logs.content_incidents", "incidents"]);
}

#[test]
fn a_gate_that_only_sums_up_its_cause_is_no_work_of_its_own() {
    let errors = json!({"errors": [{"severity": "fail", "summary": "no route"}]});
    for (message, expect) in [
        ("the logs: there are failures: 1 error", 1),
        ("the decision diary: there are failures: 1 entry", 2),
        ("the uptime is 50%, asked for 98%", 2),
    ] {
        let document = json!({"logs": errors, "sign_off": {"findings": [{"severity": "fail", "message": message}]}});
        assert_eq!(of(&document).items.len(), expect, "{message}");
    }
}

#[test]
fn occurrences_are_counted_and_keep_first_and_last_time_and_what_differs() {
    let record = |time: &str, host: &str| json!({"severity": "fail", "summary": "no route", "occurred_at": time, "metadata": {"host": host}});
    let errors =
        [record("2025-01-06T00:00:03Z", "b"), record("2025-01-06T00:00:01Z", "a"), record("2025-01-06T00:00:02Z", "b")];
    let backlog = of(&json!({"logs": {"errors": errors}}));
    let [item] = backlog.items.as_slice() else { panic!("{:?}", told(&backlog)) };
    assert_eq!(item.count, 3);
    assert_eq!((item.occurred_at, item.last_at), (Some(at("2025-01-06T00:00:01Z")), Some(at("2025-01-06T00:00:03Z"))));
    assert_eq!(item.varying["host"], [json!("b"), json!("a"), json!("b")]);
    assert_eq!(backlog.totals.occurrences, 3);
}

#[test]
fn what_is_below_the_chosen_severity_is_counted_and_not_listed() {
    let document = json!({"incidents": [
        {"severity": "fail", "message": "killed"}, {"severity": "warn", "message": "slow"}, {"severity": "pass", "message": "fine"},
    ]});
    for (least, items, left_out) in [(Status::Pass, 3, 0), (Status::Warn, 2, 1), (Status::Fail, 1, 2)] {
        let backlog = from_bundle(&document, "summary.json", &Options { min_severity: least, ..options() });
        assert_eq!((backlog.totals.items, backlog.totals.left_out), (items, left_out), "{least}");
        assert_eq!(backlog.totals.by_severity.values().sum::<u64>(), 3, "{least}");
        assert_eq!(backlog.status, Status::Fail, "{least}");
    }
}

#[test]
fn ids_do_not_depend_on_numbers_order_or_what_else_is_there() {
    let error = |text: &str| json!({"severity": "fail", "summary": text});
    let id = |errors: &[Value], summary: &str| {
        let backlog = of(&json!({"logs": {"errors": errors}}));
        backlog.items.iter().find(|item| item.summary == summary).expect(summary).id.clone()
    };
    let alone = id(&[error("feed 7 is stale")], "feed 7 is stale");
    assert_eq!(id(&[error("feed 8 is stale")], "feed 8 is stale"), alone);
    assert_eq!(id(&[error("no route"), error("feed 7 is stale")], "feed 7 is stale"), alone);
    assert_ne!(id(&[error("no route")], "no route"), alone);
}

#[test]
fn the_gravest_items_come_first_then_the_oldest() {
    let incident =
        |severity: &str, text: &str, time: &str| json!({"severity": severity, "message": text, "occurred_at": time});
    let backlog = of(&json!({"incidents": [
        incident("warn", "d", "2025-01-01T00:00:00Z"),
        incident("fail", "c", "2025-01-03T00:00:00Z"),
        incident("fail", "b", "2025-01-02T00:00:00Z"),
        {"severity": "fail", "message": "a"},
    ]}));
    let order: Vec<&str> = backlog.items.iter().map(|item| item.summary.as_str()).collect();
    assert_eq!(order, ["a", "b", "c", "d"]);
}

#[test]
fn work_that_is_late_is_a_fail_and_work_that_is_done_cannot_be_late() {
    for (line, severity, status) in [
        ("ACTION-1 – Rotate keys (Owner: ops, Due: 2025-01-09)", Status::Fail, "overdue"),
        ("ACTION-1 – Rotate keys (Owner: ops, Due: 2025-01-10)", Status::Warn, "open"),
        ("ACTION-1 – Rotate keys (Owner: ops, Due: 2025-01-01) – done", Status::Pass, "done"),
        ("ACTION-1 – Rotate keys (Owner: ops, Due: Friday)", Status::Warn, "open"),
    ] {
        let backlog = of_reports(&[&format!("# Report\n\n## Action items\n\n- {line}\n")]);
        let item = backlog.items.iter().find(|item| item.category == "action").expect(line);
        assert_eq!((item.severity, item.status.as_str()), (severity, status), "{line}");
    }
}

#[test]
fn of_the_same_work_in_two_reports_the_later_one_is_right_and_of_one_day_the_worse_one() {
    let report = |day: &str, state: &str| {
        format!("# Report\n\nDate: {day}\n\n## Action items\n\n- ACTION-1 – Rotate keys – {state}\n")
    };
    for (first, second, expect) in [
        (report("2025-01-01", "blocked"), report("2025-01-02", "done"), "done"),
        (report("2025-01-02", "done"), report("2025-01-01", "blocked"), "done"),
        (report("2025-01-02", "done"), report("2025-01-02", "blocked"), "blocked"),
    ] {
        for texts in [[first.as_str(), second.as_str()], [second.as_str(), first.as_str()]] {
            let backlog = of_reports(&texts);
            let actions: Vec<_> = backlog.items.iter().filter(|item| item.category == "action").collect();
            assert_eq!(actions.len(), 1, "{texts:?}");
            assert_eq!((actions[0].status.as_str(), actions[0].sources.len()), (expect, 2), "{texts:?}");
        }
    }
}

#[test]
fn a_report_in_which_nothing_is_understood_is_a_fail() {
    for text in ["", "Hello.", "# Report\n\nAll went well, we think.\n", "# List\n\n- [x]"] {
        let backlog = of_reports(&[text]);
        assert!(backlog.items.iter().any(|item| item.category == "input" && item.severity == Status::Fail), "{text:?}");
        assert_eq!(backlog.status, Status::Fail, "{text:?}");
    }
}

#[test]
fn a_claim_of_readiness_that_the_items_do_not_bear_out_is_a_warning() {
    let report = |claim: &str| {
        format!(
            "# Report\n\n## Summary\n\nReadiness: {claim} items\n\n## Action items\n\n- ACTION-1 – a – done\n- ACTION-2 – b – open\n"
        )
    };
    for (claim, wrong) in [("1/2", false), ("2/2", true), ("1/3", true)] {
        let backlog = of_reports(&[&report(claim)]);
        let readiness: Vec<_> = backlog.items.iter().filter(|item| item.category == "readiness").collect();
        assert_eq!(!readiness.is_empty(), wrong, "{claim}: {:?}", told(&backlog));
        assert_eq!(backlog.readiness[0].ratio, Some(0.5), "{claim}");
    }
}

#[test]
fn a_run_without_a_summary_is_a_fail_with_its_incidents() {
    let mut gathered = Gathered::default();
    let run =
        json!({"started_at": "2025-01-06T00:00:00Z", "incidents": [{"severity": "warn", "message": "restarted"}]});
    gathered.unfinished_run(Some(&run), "runs/a");
    let backlog = build(gathered, None, &options());
    assert_eq!(told(&backlog), ["fail run: the run was not completed: there is no summary", "warn harness: restarted"]);
    assert_eq!(backlog.items[0].open_since, Some(at("2025-01-06")));
}

#[test]
fn a_refusal_or_a_state_in_capitals_is_no_pass_wherever_it_is_written() {
    for (line, severity) in [
        ("Decision: NO-GO", Status::Fail),
        ("Decision: No-go until the disks are replaced", Status::Fail),
        ("Decision: rejected", Status::Fail),
        ("Decision: GO", Status::Pass),
        ("Decision: failed over to region B", Status::Pass),
        ("Billing: BLOCKED by the vendor", Status::Fail),
        ("Billing: PENDING a key", Status::Warn),
        ("Billing: DONE", Status::Pass),
        ("Billing: TLS everywhere", Status::Pass),
    ] {
        let backlog = of_reports(&[&format!("# Report\n\n{line}\n\n## Action items\n\n- ACTION-1 – a – done\n")]);
        assert_eq!(backlog.status, severity, "{line}: {:?}", told(&backlog));
    }
}
