//! What became of events: receipts, and the verdict on them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::policy::Policy;
use super::{Event, Severity};
use crate::finding::{Finding, Gate, Status, count};
use crate::prose::glob_matches;

/// What became of one event at one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// When, in seconds of the events.
    pub at: f64,
    pub fingerprint: String,
    pub category: String,
    pub severity: Severity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How many tries it took.
    pub attempt: u64,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    pub duration_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Receipt {
    /// A receipt of an event that goes `to` a channel by a rule; nothing was tried yet.
    pub(crate) fn of(policy: &Policy, event: &Event, to: Option<(usize, Option<usize>)>, outcome: Outcome) -> Self {
        let channel = to.map(|(channel, _)| &policy.channels[channel]);
        Self {
            at: event.at,
            fingerprint: event.fingerprint.clone(),
            category: event.category.clone(),
            severity: event.severity,
            rule: to.and_then(|(_, rule)| Some(policy.rules[rule?].name.clone())),
            channel: channel.map(|channel| channel.name.clone()),
            kind: channel.map(|channel| channel.kind.word().to_owned()),
            attempt: 0,
            outcome,
            http_status: None,
            duration_ms: 0,
            error: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// The service took it.
    Delivered,
    /// It would go there: nothing was sent.
    Planned,
    /// It did not.
    Failed,
    /// Held back: an equal one was delivered a short while ago.
    Suppressed,
    /// Nobody hears of it.
    Unrouted,
    /// Given up for what matters more.
    Dropped,
}

/// An event with what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Told {
    pub at: f64,
    pub category: String,
    pub severity: Severity,
    pub message: String,
    /// Whether some rule brought it to some channel.
    pub matched: bool,
    /// The channels with the outcome, by name.
    pub actions: Vec<(String, Outcome)>,
}

/// The result of a rehearsal of notifications.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Notifications {
    pub status: Status,
    /// Whether anything was sent.
    pub sent: bool,
    pub delivered: u64,
    pub failed: u64,
    pub suppressed: u64,
    pub unrouted: u64,
    /// What did not arrive, in words.
    pub undelivered: Vec<String>,
    /// By severity, the channels of each category of the policy and of the events.
    pub matrix: BTreeMap<String, BTreeMap<&'static str, Vec<String>>>,
    pub events: Vec<Told>,
    pub receipts: Vec<Receipt>,
    pub findings: Vec<Finding>,
    #[serde(skip)]
    pub gates: Vec<Gate>,
}

/// The verdict on receipts; `problems` are lines of the events that cannot be read.
pub(crate) fn judge(
    policy: &Policy,
    events: Vec<Told>,
    receipts: Vec<Receipt>,
    problems: Vec<Finding>,
    sent: bool,
) -> Notifications {
    let number = |outcome| receipts.iter().filter(|receipt| receipt.outcome == outcome).count() as u64;
    let mut findings = problems;
    let mut undelivered = Vec::new();
    for receipt in receipts.iter().filter(|receipt| receipt.outcome == Outcome::Failed) {
        let channel = receipt.channel.as_deref().unwrap_or_default();
        let why = receipt.error.as_deref().unwrap_or("the service refused it");
        let tries = count(receipt.attempt, "try").replace("trys", "tries");
        let text = format!("{channel} did not get {} ({}): {why}, {tries}", receipt.category, receipt.severity.word());
        undelivered.push(text.clone());
        findings.push(Finding::fail(text));
    }
    for receipt in receipts.iter().filter(|receipt| receipt.outcome == Outcome::Unrouted) {
        let listed = policy.events.iter().any(|glob| glob_matches(glob, &receipt.category));
        let must = listed || (policy.required && receipt.severity == Severity::Critical);
        let text = format!(
            "nobody hears of {} ({}): no rule brings it to a channel",
            receipt.category,
            receipt.severity.word()
        );
        undelivered.push(text.clone());
        findings.push(Finding::new(if must { Status::Fail } else { Status::Warn }, text));
    }
    findings.extend(policy.remarks.iter().map(|remark| Finding::new(Status::Pass, remark.clone())));
    if events.is_empty() {
        findings.push(Finding::fail("there is no event: nothing was rehearsed"));
    } else if !sent {
        findings.push(Finding::warn("nothing was sent: --deliver shows whether the channels work"));
    }
    let status = Status::roll_up(findings.iter().map(|finding| finding.severity));
    let worst: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.severity == status && status > Status::Pass)
        .map(|finding| finding.summary.as_str())
        .take(3)
        .collect();
    let delivered = number(Outcome::Delivered);
    let gate = Gate {
        name: "notifications".to_owned(),
        threshold: "every event reaches its channels".to_owned(),
        measured: match worst.is_empty() {
            true => format!("{delivered} delivered, {} held back as repeated", number(Outcome::Suppressed)),
            false => worst.join("; "),
        },
        samples: events.len() as u64,
        status,
        ..Gate::default()
    };
    Notifications {
        status,
        sent,
        delivered,
        failed: number(Outcome::Failed),
        suppressed: number(Outcome::Suppressed),
        unrouted: number(Outcome::Unrouted),
        undelivered,
        matrix: matrix(policy, &events),
        gates: vec![gate.fixed_by("channels that answer, and rules that bring every warning and critical to one")],
        events,
        receipts,
        findings,
    }
}

/// By category and severity, where an event would go.
fn matrix(policy: &Policy, events: &[Told]) -> BTreeMap<String, BTreeMap<&'static str, Vec<String>>> {
    let written = policy.rules.iter().flat_map(|rule| &rule.categories).chain(&policy.events).cloned();
    let mut categories: Vec<String> = written.chain(events.iter().map(|event| event.category.clone())).collect();
    if policy.rules.iter().any(|rule| rule.categories.is_empty()) {
        categories.push("*".to_owned());
    }
    categories.sort();
    categories.dedup();
    categories.retain(|category| category != super::TEST);
    let mut all = BTreeMap::new();
    for category in categories {
        let row: BTreeMap<&'static str, Vec<String>> = [Severity::Info, Severity::Warning, Severity::Critical]
            .into_iter()
            .map(|severity| {
                let event = Event { category: category.clone(), severity, ..Event::default() };
                let routed = super::router::Router::new(policy).route(&event);
                let names = routed.deliver.iter().map(|(channel, _, _)| policy.channels[*channel].name.clone());
                (severity.word(), names.collect())
            })
            .collect();
        all.insert(category, row);
    }
    all
}
