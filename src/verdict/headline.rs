//! The verdict in one line, with what it does not rest on: whoever reads a PASS must see what was given up for it.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::finding::{Criterion, Gate, Status, count};
use crate::verdict::policy::is_loosened;

/// The gate of all workloads, which quotes the first that failed.
pub(crate) const WORKLOADS: &str = "workloads";
/// With this begins the name of the gate of each.
pub(crate) const WORKLOAD: &str = "workload/";

/// `PASS with 2 waivers, 1 limit relaxed`.
pub(crate) fn headline(status: Status, remark: &str) -> String {
    format!("{}{remark}", status.label())
}

/// What follows the word of the verdict: ` (simulated) with 2 waivers, 1 limit relaxed: feed: exited with code 3`; empty
/// where there is nothing to say.
pub(crate) fn remark(simulated: bool, gates: &[Gate], criteria: &[Criterion]) -> String {
    let waivers = gates.iter().filter(|gate| gate.is_given_up()).count() as u64;
    let relaxed = criteria.iter().filter(|row| is_loosened(row)).count() as u64;
    let mut parts = Vec::new();
    if waivers > 0 {
        parts.push(count(waivers, "waiver"));
    }
    if relaxed > 0 {
        parts.push(format!("{} relaxed", count(relaxed, "limit")));
    }
    let simulated = if simulated { " (simulated)" } else { "" };
    let given_up = if parts.is_empty() { String::new() } else { format!(" with {}", parts.join(", ")) };
    let culprit = culprit(gates).map(|culprit| format!(": {culprit}")).unwrap_or_default();
    format!("{simulated}{given_up}{culprit}")
}

/// What the first workload did that failed; none if none did.
fn culprit(gates: &[Gate]) -> Option<&str> {
    let gate = gates.iter().find(|gate| gate.name == WORKLOADS && gate.status == Status::Fail)?;
    Some(gate.measured.as_str())
}

/// The same by name: which gates were given up and which limits relaxed, and by whom.
pub(crate) fn reasons(gates: &[Gate], criteria: &[Criterion]) -> Vec<String> {
    let waived = gates.iter().filter(|gate| gate.is_given_up()).map(|gate| match (&gate.waived, &gate.not_required) {
        (Some(waived), _) => format!("{} (by {} until {}: {})", gate.name, waived.owner, waived.expires, waived.reason),
        (None, not_required) => {
            let by = not_required.as_ref().map_or("nobody", |not| not.by.as_str());
            format!("{} ({by})", gate.name)
        }
    });
    let relaxed = criteria.iter().filter(|row| is_loosened(row)).map(|row| {
        let from = row.relaxed_from.as_deref().unwrap_or("a stricter limit");
        format!("{} {} ({}) instead of {from}", row.limit, row.value, row.source)
    });
    let told = [("waived: ", waived.collect::<Vec<_>>()), ("relaxed: ", relaxed.collect())];
    told.into_iter()
        .filter(|(_, parts)| !parts.is_empty())
        .map(|(lead, parts)| lead.to_owned() + &parts.join(", "))
        .collect()
}

/// What the documents of a run say of all this, for those that are made of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Terms {
    /// Whether the built-in simulator ran, and not a system of the operator.
    pub simulated: bool,
    /// The gates.
    pub gates: Vec<Gate>,
    /// Every limit with its value and its source.
    pub criteria: Vec<Criterion>,
}

impl Terms {
    /// Reads a summary bundle, an audit, a sign-off or a review; what one of another writer does not say is left empty.
    pub(crate) fn of(document: &Value) -> Self {
        let holders = [Some(document), document.get("summary"), document.get("sign_off"), document.get("review")];
        let holders = || holders.into_iter().flatten();
        Self {
            simulated: holders().any(|holder| holder.get("simulated") == Some(&Value::Bool(true))),
            gates: holders().find_map(|holder| list(holder.get("gates"))).unwrap_or_default(),
            criteria: holders()
                .find_map(|holder| list(holder.get("criteria")).or_else(|| list(holder.get("criteria_sources"))))
                .unwrap_or_default(),
        }
    }

    /// Adds what another run says.
    pub(crate) fn add(&mut self, other: Self) {
        self.simulated |= other.simulated;
        self.gates.extend(other.gates);
        self.criteria.extend(other.criteria);
    }

    /// As [`headline`].
    pub(crate) fn headline(&self, status: Status) -> String {
        headline(status, &remark(self.simulated, &self.gates, &self.criteria))
    }
}

/// A list that holds something.
fn list<T: DeserializeOwned>(value: Option<&Value>) -> Option<Vec<T>> {
    let list = value.filter(|value| value.is_array())?;
    serde_json::from_value(list.clone()).ok().filter(|list: &Vec<T>| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::NotRequired;

    #[test]
    fn what_was_given_up_is_counted_and_named() {
        let gate = |name: &str, by: Option<&str>| Gate {
            name: name.to_owned(),
            not_required: by.map(|by| NotRequired { by: by.to_owned() }),
            ..Gate::default()
        };
        let row = |limit: &str, value: &str, from: Option<&str>| Criterion {
            limit: limit.to_owned(),
            value: value.to_owned(),
            source: "--x".to_owned(),
            relaxed: from.is_some(),
            relaxed_from: from.map(str::to_owned),
            ..Criterion::default()
        };
        let untouched = [gate("logs", None), gate("sharpe", Some(NotRequired::DEFAULT))];
        for (simulated, gates, rows, expect) in [
            (false, untouched.to_vec(), vec![row("min_uptime", "98%", None)], "PASS"),
            (true, untouched.to_vec(), vec![], "PASS (simulated)"),
            (false, vec![gate("diary", Some("--no-diary"))], vec![], "PASS with 1 waiver"),
            (
                false,
                vec![Gate {
                    status: Status::Fail,
                    measured: "feed: exited with code 3".to_owned(),
                    ..gate(WORKLOADS, None)
                }],
                vec![],
                "PASS: feed: exited with code 3",
            ),
            (
                false,
                vec![gate("diary", Some("--no-diary")), gate("performance", Some("p.toml:3"))],
                vec![
                    row("optional_diary", "yes", Some("no (default)")),
                    row("min_uptime", "0%", Some("98% (default)")),
                ],
                "PASS with 2 waivers, 1 limit relaxed",
            ),
            (
                true,
                vec![gate("duration", Some("--required-duration"))],
                vec![row("min_duration", "none", Some("3d (p.toml:2)")), row("warn_gap", "9d", Some("1h (default)"))],
                "PASS (simulated) with 1 waiver, 1 limit relaxed",
            ),
        ] {
            assert_eq!(headline(Status::Pass, &remark(simulated, &gates, &rows)), expect);
        }
        let gates = [gate("diary", Some("--no-diary"))];
        let rows = [row("min_uptime", "0%", Some("98% (default)"))];
        assert_eq!(
            reasons(&gates, &rows),
            ["waived: diary (--no-diary)", "relaxed: min_uptime 0% (--x) instead of 98% (default)"]
        );
    }

    #[test]
    fn the_terms_of_a_run_are_found_in_each_of_its_documents() {
        let gates = serde_json::json!([Gate { name: "logs".to_owned(), ..Gate::default() }]);
        let document = |holder: &str, inner: Value| serde_json::json!({ holder: inner });
        for holder in ["summary", "sign_off", "review"] {
            let terms = Terms::of(&document(holder, serde_json::json!({"gates": gates, "simulated": true})));
            assert_eq!((terms.gates.len(), terms.simulated), (1, true), "{holder}");
        }
        for odd in [serde_json::json!(null), serde_json::json!({"gates": "none", "simulated": "yes", "criteria": [5]})]
        {
            assert_eq!(Terms::of(&odd), Terms::default(), "{odd}");
        }
    }

    #[test]
    fn of_several_runs_one_that_was_simulated_makes_the_whole_so() {
        let mut all = Terms::default();
        assert_eq!(all.headline(Status::Warn), "WARN");
        all.add(Terms { simulated: true, ..Terms::default() });
        all.add(Terms::default());
        assert_eq!(all.headline(Status::Fail), "FAIL (simulated)");
    }
}
