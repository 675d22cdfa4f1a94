//! The drift of an infrastructure plan: the output of `terraform show -json PLAN`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::finding::{Finding, Status};
use crate::json::lenient;
use crate::log::summary::{PlanChange, PlanSummary};

/// The summary of a plan that cannot be read: a FAIL that says why.
pub fn unreadable(path: &str, reason: &str) -> PlanSummary {
    let findings = vec![Finding::fail(reason).in_file(path, None)];
    PlanSummary { status: Status::Fail, path: path.to_owned(), findings, ..PlanSummary::default() }
}

const HINT: &str = "give the output of `terraform show -json PLAN`";

/// Judges the plan in `bytes`: any change that it would make is a FAIL; a resource that was changed behind its back is
/// at least a WARN. `path` is what the user calls it.
pub fn summarise(path: &str, bytes: &[u8]) -> PlanSummary {
    let plan = match lenient::parse(&lenient::text(bytes)) {
        Ok(Value::Object(plan)) => plan,
        Ok(_) => return unreadable(path, &format!("this is not a plan; {HINT}")),
        Err(error) => return unreadable(path, &format!("this is not one JSON document ({error}); {HINT}")),
    };
    if let Some(reason) = foreign(&plan) {
        return unreadable(path, &reason);
    }
    let mut summary = PlanSummary { path: path.to_owned(), ..PlanSummary::default() };
    let mut finding = |severity, text: String, address: &str| {
        let finding = Finding::new(severity, text).in_file(path, None);
        summary.findings.push(if address.is_empty() { finding } else { finding.with("address", address) });
    };
    for resource in list(&plan, "resource_changes") {
        summary.resources += 1;
        let Some(resource) = resource.as_object() else {
            finding(Status::Fail, "an item of `resource_changes` is not an object".to_owned(), "");
            continue;
        };
        if let Some(change) = pending(resource) {
            finding(Status::Fail, format!("{} would be {}", change.address, change.words()), &change.address);
            summary.changes.push(change);
        }
    }
    for (name, change) in plan.get("output_changes").and_then(Value::as_object).into_iter().flatten() {
        let actions = actions(change);
        if actions != ["no-op"] {
            let change = PlanChange { address: format!("output.{name}"), kind: "output".to_owned(), actions };
            finding(Status::Fail, format!("{} would be {}", change.address, change.words()), &change.address);
            summary.changes.push(change);
        }
    }
    for invocation in list(&plan, "action_invocations") {
        let address = invocation.as_object().map_or_else(nameless, address);
        finding(Status::Fail, format!("{address} would be invoked"), &address);
    }
    for deferred in list(&plan, "deferred_changes").iter().chain(list(&plan, "deferred_action_invocations")) {
        let address = ["resource_change", "action_invocation"].iter().find_map(|key| deferred.get(key)?.as_object());
        let address = address.map_or_else(nameless, self::address);
        finding(Status::Fail, format!("the change of {address} is deferred: the plan is not complete"), &address);
    }
    for drifted in list(&plan, "resource_drift") {
        match drifted.as_object().map(address) {
            Some(address) => finding(Status::Warn, format!("{address} was changed outside the plan"), &address),
            None => finding(Status::Fail, "an item of `resource_drift` is not an object".to_owned(), ""),
        }
    }
    for check in list(&plan, "checks") {
        failed_checks(check, &mut finding);
    }
    for address in unlisted(&plan) {
        finding(Status::Fail, format!("the plan does not say what becomes of {address}"), &address);
    }
    let errors = list(&plan, "diagnostics").iter().filter(|told| told["severity"] == "error");
    for told in errors.filter_map(|told| told["summary"].as_str()).chain(plan.get("error").and_then(Value::as_str)) {
        finding(Status::Fail, format!("planning told of an error: {told}"), "");
    }
    let says = |name: &str, value: bool| plan.get(name).and_then(Value::as_bool) == Some(value);
    if says("errored", true) {
        finding(Status::Fail, "planning ended with an error".to_owned(), "");
    }
    if says("complete", false) {
        finding(Status::Fail, "the plan is not complete: it leaves out a part of what is configured".to_owned(), "");
    }
    // A plan that only takes over what drifted is applyable too, and its drift is listed above.
    if says("applyable", true) && summary.findings.is_empty() {
        let text = "the plan says that there is something to apply, but not what".to_owned();
        summary.findings.push(Finding::fail(text).in_file(path, None));
    }
    summary.status = Status::roll_up(summary.findings.iter().map(|finding| finding.severity));
    summary
}

/// What a check says of itself and its instances, where it does not hold.
fn failed_checks(check: &Value, finding: &mut impl FnMut(Status, String, &str)) {
    let name_of = |value: &Value| value.pointer("/address/to_display").and_then(Value::as_str).map(str::to_owned);
    let name = name_of(check).unwrap_or_else(|| "a check".to_owned());
    match check.get("status").and_then(Value::as_str) {
        Some("pass") => {
            let instances = check.get("instances").and_then(Value::as_array).into_iter().flatten();
            for instance in instances.filter(|instance| matches!(instance["status"].as_str(), Some("fail" | "error"))) {
                let name = name_of(instance).unwrap_or_else(|| name.clone());
                finding(Status::Fail, format!("{name} does not hold, although its check says so"), &name);
            }
        }
        Some("unknown") => finding(Status::Warn, format!("whether {name} holds is not known yet"), &name),
        Some("fail") => finding(Status::Fail, format!("{name} does not hold"), &name),
        Some("error") => finding(Status::Fail, format!("{name} could not be checked"), &name),
        _ => finding(Status::Fail, format!("{name} does not say whether it holds"), &name),
    }
}

/// Why a document cannot be judged as a plan; none if it can. A part that says nothing is left out by its writer, so
/// one of a wrong type is no plan, and neither is a state or an object that says nothing of its format.
fn foreign(plan: &Map<String, Value>) -> Option<String> {
    let wrong = |name: &str, expected: &str| Some(format!("`{name}` is not {expected}; {HINT}"));
    for (name, value) in plan {
        let (fits, expected) = match name.as_str() {
            "resource_changes"
            | "resource_drift"
            | "deferred_changes"
            | "checks"
            | "action_invocations"
            | "deferred_action_invocations" => (value.is_array(), "a list"),
            "output_changes" | "planned_values" => (value.is_object(), "an object"),
            "errored" | "complete" | "applyable" => (value.is_boolean(), "true or false"),
            "format_version" => (value.is_string(), "text"),
            _ => (true, ""),
        };
        if !fits {
            return wrong(name, expected);
        }
    }
    match plan.get("format_version").and_then(Value::as_str).map(|version| version.split('.').next()) {
        Some(Some("0" | "1")) => {}
        Some(_) => return Some(format!("the format of this plan is not known (`format_version`); {HINT}")),
        // Cut by a filter such as `jq`: fine as long as the changes themselves are there.
        None if plan.contains_key("resource_changes") || plan.contains_key("output_changes") => {}
        None => return Some(format!("this holds no planned changes; {HINT}")),
    }
    let planned = ["resource_changes", "planned_values", "output_changes"].iter().any(|key| plan.contains_key(*key));
    if !planned {
        return Some(format!("this holds no planned changes; {HINT}"));
    }
    // Each planned resource has its entry among the changes, if only to say that nothing changes.
    let root = plan.get("planned_values").and_then(|planned| planned.get("root_module"));
    let resources = root.is_some_and(holds_resources);
    (resources && !plan.contains_key("resource_changes"))
        .then(|| format!("this lists planned resources but not their changes; {HINT}"))
}

/// Managed resources that are in the state or planned, and not among the changes: of each it is said there, if only that
/// nothing changes.
fn unlisted(plan: &Map<String, Value>) -> Vec<String> {
    if !plan.contains_key("resource_changes") {
        return Vec::new();
    }
    let root =
        |values: Option<&Value>| values.and_then(|values| values.get("root_module")).cloned().unwrap_or_default();
    let mut known = BTreeSet::new();
    managed(&root(plan.get("planned_values")), &mut known);
    managed(&root(plan.get("prior_state").and_then(|state| state.get("values"))), &mut known);
    for change in list(plan, "resource_changes") {
        for key in ["address", "previous_address"] {
            known.remove(change.get(key).and_then(Value::as_str).unwrap_or_default());
        }
    }
    known.into_iter().collect()
}

fn managed(module: &Value, known: &mut BTreeSet<String>) {
    let some = |key: &str| module.get(key).and_then(Value::as_array).into_iter().flatten();
    let resources = some("resources").filter(|resource| resource.get("mode").is_none_or(|mode| mode == "managed"));
    known.extend(resources.filter_map(|resource| resource.get("address")?.as_str().map(str::to_owned)));
    some("child_modules").for_each(|module| managed(module, known));
}

fn holds_resources(module: &Value) -> bool {
    let some = |key: &str| module.get(key).and_then(Value::as_array).into_iter().flatten();
    some("resources").next().is_some() || some("child_modules").any(holds_resources)
}

fn list<'a>(plan: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    plan.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn nameless() -> String {
    "something without address".to_owned()
}

fn address(resource: &Map<String, Value>) -> String {
    resource.get("address").and_then(Value::as_str).map_or_else(nameless, str::to_owned)
}

/// The change that is planned for a resource; none if it stays as it is or is only read.
fn pending(resource: &Map<String, Value>) -> Option<PlanChange> {
    let change = resource.get("change").unwrap_or(&Value::Null);
    let mut actions = actions(change);
    if matches!(actions.as_slice(), [only] if only == "no-op" || only == "read") {
        actions.clear();
        // What is read has no state before.
        let differs = |now: &Value| change.get("before").is_some_and(|before| !before.is_null() && before != now);
        let reads = resource.get("mode").is_some_and(|mode| mode == "data");
        if !reads && change.get("after").is_some_and(differs) {
            actions.push("no-op, but what is before and after it differs".to_owned());
        }
    }
    if change.get("importing").is_some_and(|importing| !importing.is_null()) {
        actions.push("import".to_owned());
    }
    if resource.get("previous_address").is_some_and(|previous| Some(previous) != resource.get("address")) {
        actions.push("move".to_owned());
    }
    let kind = resource.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    (!actions.is_empty()).then(|| PlanChange { address: address(resource), kind, actions })
}

/// The actions of a change; `unknown` where it does not say, because silence is no proof of "nothing to do".
fn actions(change: &Value) -> Vec<String> {
    let stated = change.get("actions").and_then(Value::as_array);
    let actions: Option<Vec<String>> =
        stated.and_then(|stated| stated.iter().map(|action| action.as_str().map(str::to_owned)).collect());
    actions.filter(|actions| !actions.is_empty()).unwrap_or_else(|| vec!["unknown".to_owned()])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resource(address: &str, actions: &[&str]) -> Value {
        json!({"address": address, "type": "null_resource", "change": {"actions": actions}})
    }

    #[test]
    fn every_pending_change_is_drift() {
        let mut moved = resource("a.moved", &["no-op"]);
        moved["previous_address"] = json!("a.old");
        let mut imported = resource("a.imported", &["no-op"]);
        imported["change"]["importing"] = json!({"id": "i-1"});
        for (plan, status, expect) in [
            (
                json!({"resource_changes": [resource("a.x", &["no-op"]), resource("data.y", &["read"])]}),
                Status::Pass,
                "",
            ),
            (
                json!({"planned_values": {"root_module": {"resources": [{"address": "a.x"}]}}, "resource_changes": [
                    {"address": "a.x", "change": {"actions": ["no-op"], "before": {"n": 1}, "after": {"n": 1}}},
                    {"address": "data.y", "mode": "data", "change": {"actions": ["no-op"], "before": {}, "after": {"n": 1}}}
                ], "prior_state": {"values": {"root_module": {"resources": [{"address": "data.y", "mode": "data"}]}}}}),
                Status::Pass,
                "",
            ),
            (json!({"format_version": "1.2", "planned_values": {"root_module": {}}}), Status::Pass, ""),
            (json!({"format_version": "0.1", "planned_values": {}, "resource_changes": []}), Status::Pass, ""),
            (
                json!({"format_version": "1.2", "resource_changes": [resource("a.x", &["no-op"])], "applyable": false,
                    "complete": true, "errored": false, "checks": [{"status": "pass"}]}),
                Status::Pass,
                "",
            ),
            (
                json!({"resource_changes": [resource("a.x", &["update"])]}),
                Status::Fail,
                "a.x would be updated in place",
            ),
            (
                json!({"resource_changes": [resource("a.x", &["delete", "create"])]}),
                Status::Fail,
                "a.x would be replaced",
            ),
            (json!({"resource_changes": [resource("a.x", &[])]}), Status::Fail, "does not state"),
            (json!({"resource_changes": [5]}), Status::Fail, "not an object"),
            (json!({"resource_changes": [moved]}), Status::Fail, "a.moved would be moved"),
            (json!({"resource_changes": [imported]}), Status::Fail, "a.imported would be imported"),
            (json!({"output_changes": {"url": {"actions": ["create"]}}}), Status::Fail, "output.url would be created"),
            (
                json!({"format_version": "1.2", "planned_values": {}, "resource_drift": [resource("a.x", &["update"])]}),
                Status::Warn,
                "outside",
            ),
            (json!({"format_version": "1.2", "planned_values": {}, "errored": true}), Status::Fail, "error"),
            (
                json!({"format_version": "1.2", "planned_values": {}, "deferred_changes": [{"resource_change": resource("a.x", &["create"])}]}),
                Status::Fail,
                "deferred",
            ),
            (json!({"format_version": "1.0", "values": {}}), Status::Fail, "no planned changes"),
            (json!([]), Status::Fail, "not a plan"),
            // What is no plan, or not all of one, proves nothing.
            (json!({"planned_values": {}}), Status::Fail, "no planned changes"),
            (
                json!({"resource_changes": {"a": resource("a.b", &["delete"])}}),
                Status::Fail,
                "`resource_changes` is not a list",
            ),
            (json!({"resource_changes": null}), Status::Fail, "not a list"),
            (json!({"resource_changes": "x"}), Status::Fail, "not a list"),
            (json!({"resource_changes": [], "output_changes": []}), Status::Fail, "`output_changes` is not an object"),
            (json!({"resource_changes": [], "resource_drift": [null]}), Status::Fail, "not an object"),
            (json!({"resource_changes": [], "errored": "true"}), Status::Fail, "`errored` is not true or false"),
            (json!({"resource_changes": [], "complete": false}), Status::Fail, "not complete"),
            (json!({"resource_changes": [], "applyable": true}), Status::Fail, "something to apply"),
            (
                json!({"resource_changes": [], "applyable": true, "resource_drift": [resource("a.x", &["update"])]}),
                Status::Warn,
                "outside",
            ),
            (
                json!({"resource_changes": [], "checks": [{"status": "fail", "address": {"to_display": "check.up"}}]}),
                Status::Fail,
                "check.up does not hold",
            ),
            (json!({"resource_changes": [], "checks": [{"status": "unknown"}]}), Status::Warn, "not known yet"),
            (json!({"resource_changes": [], "checks": [5]}), Status::Fail, "does not say"),
            (
                json!({"resource_changes": [], "checks": [{"status": "pass", "instances": [{"status": "fail"}]}]}),
                Status::Fail,
                "although its check says so",
            ),
            (
                json!({"resource_changes": [], "planned_values": {"root_module": {"child_modules": [
                    {"resources": [{"address": "module.a.b"}]}]}}}),
                Status::Fail,
                "does not say what becomes of module.a.b",
            ),
            (
                json!({"resource_changes": [], "prior_state": {"values": {"root_module": {"resources": [
                    {"address": "a.gone"}, {"address": "data.a", "mode": "data"}]}}}}),
                Status::Fail,
                "becomes of a.gone",
            ),
            (
                json!({"resource_changes": [{"address": "a.x", "change": {"actions": ["no-op"], "before": {"n": 1},
                    "after": {"n": 2}}}]}),
                Status::Fail,
                "what is before and after it differs",
            ),
            (
                json!({"resource_changes": [], "diagnostics": [{"severity": "error", "summary": "no credentials"}]}),
                Status::Fail,
                "no credentials",
            ),
            (
                json!({"resource_changes": [], "action_invocations": [{"address": "action.x"}]}),
                Status::Fail,
                "action.x would be invoked",
            ),
            (
                json!({"resource_changes": [resource("a.x", &["no-op"])], "format_version": "2.0"}),
                Status::Fail,
                "format",
            ),
            (
                json!({"format_version": "1.2", "planned_values": {"root_module": {"resources": [{"address": "a.x"}]}}}),
                Status::Fail,
                "not their changes",
            ),
            (
                json!({"resource_changes": [{"address": "a.x", "change": {"actions": ["no-op", 5]}}]}),
                Status::Fail,
                "does not state",
            ),
        ] {
            let summary = summarise("plan.json", plan.to_string().as_bytes());
            assert_eq!(summary.status, status, "{plan}");
            let messages: Vec<&str> = summary.findings.iter().map(|f| f.summary.as_str()).collect();
            assert!(
                expect.is_empty() == messages.is_empty() && messages.join("\n").contains(expect),
                "{plan}: {messages:?}"
            );
        }
        assert!(summarise("plan.json", b"{}\n{}\n").findings[0].summary.contains("terraform show -json"));
    }
}
