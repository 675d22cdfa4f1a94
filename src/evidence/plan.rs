//! The drift of an infrastructure plan: the output of `terraform show -json PLAN`.

use serde_json::{Map, Value};

use crate::evidence::document;
use crate::evidence::summary::{PlanChange, PlanSummary};
use crate::finding::{Finding, Status};

/// The summary of a plan that cannot be read: a FAIL that says why.
pub fn unreadable(path: &str, reason: &str) -> PlanSummary {
    let findings = vec![Finding::fail(reason).in_file(path, None)];
    PlanSummary { status: Status::Fail, path: path.to_owned(), findings, ..PlanSummary::default() }
}

/// Judges the plan in `bytes`: any change that it would make is a FAIL; a resource that was changed behind its back is
/// at least a WARN. `path` is what the user calls it.
pub fn summarise(path: &str, bytes: &[u8]) -> PlanSummary {
    const HINT: &str = "give the output of `terraform show -json PLAN`";
    let plan = match document::parse(&document::text(bytes)) {
        Ok(Value::Object(plan)) => plan,
        Ok(_) => return unreadable(path, &format!("this is not a plan; {HINT}")),
        Err(error) => return unreadable(path, &format!("this is not one JSON document ({error}); {HINT}")),
    };
    // A plan without changes still says what it planned; a state or an empty object does not.
    if !["resource_changes", "planned_values", "output_changes"].iter().any(|key| plan.contains_key(*key)) {
        return unreadable(path, &format!("this holds no planned changes; {HINT}"));
    }
    let list = |name: &str| plan.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut summary = PlanSummary { path: path.to_owned(), ..PlanSummary::default() };
    let mut finding = |severity, text: String, address: &str| {
        let finding = Finding::new(severity, text).in_file(path, None);
        summary.findings.push(if address.is_empty() { finding } else { finding.with("address", address) });
    };
    for resource in list("resource_changes") {
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
    for deferred in list("deferred_changes") {
        let resource = deferred.get("resource_change").and_then(Value::as_object);
        let address = resource.map(address).unwrap_or_default();
        finding(Status::Fail, format!("the change of {address} is deferred: the plan is not complete"), &address);
    }
    for drifted in list("resource_drift").filter_map(Value::as_object) {
        let address = address(drifted);
        finding(Status::Warn, format!("{address} was changed outside the plan"), &address);
    }
    if plan.get("errored").and_then(Value::as_bool) == Some(true) {
        finding(Status::Fail, "planning ended with an error".to_owned(), "");
    }
    summary.status = Status::roll_up(summary.findings.iter().map(|finding| finding.severity));
    summary
}

fn address(resource: &Map<String, Value>) -> String {
    resource.get("address").and_then(Value::as_str).unwrap_or("a resource without address").to_owned()
}

/// The change that is planned for a resource; none where it stays as it is or is only read.
fn pending(resource: &Map<String, Value>) -> Option<PlanChange> {
    let change = resource.get("change").unwrap_or(&Value::Null);
    let mut actions = actions(change);
    if matches!(actions.as_slice(), [only] if only == "no-op" || only == "read") {
        actions.clear();
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
    let stated = change.get("actions").and_then(Value::as_array).into_iter().flatten();
    let actions: Vec<String> = stated.filter_map(Value::as_str).map(str::to_owned).collect();
    if actions.is_empty() { vec!["unknown".to_owned()] } else { actions }
}

impl PlanChange {
    /// What would happen, as a participle: `replaced`, `created and moved`.
    fn words(&self) -> String {
        let actions: Vec<&str> = self.actions.iter().map(String::as_str).collect();
        let (replaced, rest) = match actions.as_slice() {
            ["delete", "create", rest @ ..] | ["create", "delete", rest @ ..] => (Some("replaced"), rest),
            rest => (None, rest),
        };
        let word = |action: &&str| match *action {
            "create" => "created".to_owned(),
            "update" => "updated in place".to_owned(),
            "delete" => "destroyed".to_owned(),
            "import" => "imported".to_owned(),
            "move" => "moved".to_owned(),
            "forget" => "forgotten".to_owned(),
            "unknown" => "changed in a way that the plan does not state".to_owned(),
            other => format!("changed ({other})"),
        };
        replaced.map(str::to_owned).into_iter().chain(rest.iter().map(word)).collect::<Vec<_>>().join(" and ")
    }
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
            (json!({"planned_values": {}}), Status::Pass, ""),
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
            (json!({"planned_values": {}, "resource_drift": [resource("a.x", &["update"])]}), Status::Warn, "outside"),
            (json!({"planned_values": {}, "errored": true}), Status::Fail, "error"),
            (
                json!({"planned_values": {}, "deferred_changes": [{"resource_change": resource("a.x", &["create"])}]}),
                Status::Fail,
                "deferred",
            ),
            (json!({"format_version": "1.0", "values": {}}), Status::Fail, "no planned changes"),
            (json!([]), Status::Fail, "not a plan"),
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
