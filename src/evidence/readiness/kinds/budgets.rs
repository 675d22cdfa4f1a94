//! Budgets of figures: of a rehearsed session by name, of any document by JSON pointer.

use serde_json::Value;

use super::super::reader::Reader;
use super::super::values::{Figure, Object, at, figure, names, quoted, switch};
use super::limits::unknown;
use crate::finding::{Status, count};

/// What a budget of a session is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Budget {
    Latency,
    FailureRatio,
    Processing,
    Lag,
    Orders,
    Throttle,
    Incident,
    IncidentStatus,
}

/// The budgets by name, with their defaults.
const BUDGETS: [(&str, Budget); 8] = [
    ("max_latency_seconds", Budget::Latency),
    ("max_failure_ratio", Budget::FailureRatio),
    ("max_processing_ms", Budget::Processing),
    ("max_lag_ms", Budget::Lag),
    ("min_orders", Budget::Orders),
    ("require_trade_throttle", Budget::Throttle),
    ("require_incident_response", Budget::Incident),
    ("max_incident_status", Budget::IncidentStatus),
];

/// Budgets with a figure: where it is, what it is called, and its default.
const FIGURES: [(Budget, &str, &str, f64); 4] = [
    (Budget::Latency, "/paper_metrics/avg_latency_s", "the latency in seconds", 1.0),
    (Budget::FailureRatio, "/paper_metrics/failure_ratio", "the ratio of failures", 0.05),
    (Budget::Processing, "/performance_health/throughput/max_processing_ms", "the longest processing in ms", 250.0),
    (Budget::Lag, "/performance_health/throughput/max_lag_ms", "the longest lag in ms", 250.0),
];

/// A comparison that a figure must satisfy.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Comparison {
    operator: &'static str,
    limit: f64,
}

impl Comparison {
    /// Reads `<= 250`, `> 0.5`, `== 3`, `<= 5%`.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let operator =
            ["<=", ">=", "==", "!=", "<", ">", "="].into_iter().find(|operator| text.starts_with(operator))?;
        let number = text[operator.len()..].trim();
        let (number, scale) = number.strip_suffix('%').map_or((number, 1.0), |number| (number.trim(), 0.01));
        let limit = number.parse::<f64>().ok().filter(|limit| limit.is_finite())? * scale;
        Some(Self { operator, limit })
    }

    fn holds(self, figure: f64) -> bool {
        match self.operator {
            "<=" => figure <= self.limit,
            ">=" => figure >= self.limit,
            "<" => figure < self.limit,
            ">" => figure > self.limit,
            "!=" => figure != self.limit,
            _ => figure == self.limit,
        }
    }
}

/// What a named budget is about: its own name, or another tool's.
fn named(name: &str) -> Option<Budget> {
    let known = BUDGETS.iter().find(|(known, _)| *known == name).map(|(_, budget)| *budget);
    known.or_else(|| {
        Some(match name {
            "max_avg_latency_s"
            | "max_avg_latency_seconds"
            | "max_average_latency_seconds"
            | "max_latency_s"
            | "latency_budget_seconds"
            | "max_average_latency_s"
            | "latency_s"
            | "latency_seconds" => Budget::Latency,
            "failure_ratio" | "failure_ratio_budget" => Budget::FailureRatio,
            "max_throughput_processing_ms" | "processing_ms" | "max_processing_milliseconds" => Budget::Processing,
            "max_throughput_lag_ms" | "lag_ms" | "max_lag_milliseconds" => Budget::Lag,
            "minimum_orders" | "min_order_count" | "minimum_order_count" => Budget::Orders,
            "require_throttle" => Budget::Throttle,
            "require_incident_snapshot" | "require_incident_response_snapshot" => Budget::Incident,
            "max_incident_severity" | "max_incident_response_status" | "maximum_incident_status" => {
                Budget::IncidentStatus
            }
            _ => return None,
        })
    })
}

/// Whether a budget of a policy can be meant.
///
/// # Errors
/// It is no pointer and no known name, or not what such a budget is; the message says what to write.
pub(in super::super) fn check(name: &str, value: &Value) -> Result<(), String> {
    if name.starts_with('/') {
        let comparison = value.as_str().and_then(Comparison::parse);
        return match comparison {
            Some(_) => Ok(()),
            None => Err(format!("{name} is {}; write a comparison such as \"<= 250\"", quoted(value))),
        };
    }
    let Some(budget) = named(name) else {
        return Err(unknown(name, &BUDGETS.map(|(name, _)| name)));
    };
    let fits = match budget {
        Budget::Throttle | Budget::Incident => value.is_boolean(),
        Budget::IncidentStatus => value.as_str().is_some_and(|word| Status::of_state(word).is_some()),
        _ => matches!(figure(Some(value)), Figure::Real(limit) if limit >= 0.0),
    };
    if fits { Ok(()) } else { Err(format!("{name} is {}, which is no such budget", quoted(value))) }
}

/// What the policy says of a budget.
fn written<'r>(budget: Budget, reader: &Reader<'r>) -> Option<&'r Value> {
    let limits = &reader.rules.budgets.as_ref()?.limits;
    limits.iter().find(|(name, _)| named(name) == Some(budget)).map(|(_, value)| value)
}

/// Holds the figures of a document against the budgets by pointer; gives those of them that it has.
pub(in super::super) fn pointers(document: &Value, reader: &mut Reader<'_>) -> Vec<String> {
    let limits = reader.rules.budgets.as_ref().map(|budgets| &budgets.limits);
    let mut found = Vec::new();
    for (pointer, limit) in limits.into_iter().flatten().filter(|(name, _)| name.starts_with('/')) {
        let Some(value) = document.pointer(pointer) else { continue };
        let Some(text) = limit.as_str() else { continue };
        let Some(comparison) = Comparison::parse(text) else { continue };
        found.push(pointer.clone());
        match figure(Some(value)) {
            Figure::Real(number) if comparison.holds(number) => {}
            Figure::Real(number) => {
                reader.fail("budget", pointer, &format!("{pointer} is {number}, asked for {}", text.trim()));
            }
            Figure::Absent => reader.fail("budget", pointer, &format!("{pointer} was not measured")),
            Figure::Unreal(said) => reader.contradiction(pointer, &format!("{pointer} is no real number: {said}")),
        }
    }
    found
}

/// Judges the report of a rehearsed session. Gives the summary.
pub(in super::super) fn judge(document: &Object, reader: &mut Reader<'_>) -> String {
    let whole = Value::Object(document.clone());
    for (budget, pointer, what, default) in FIGURES {
        let limit = match figure(written(budget, reader)) {
            Figure::Real(limit) => limit,
            _ => default,
        };
        let before = reader.issues.len();
        match reader.figure(whole.pointer(pointer), what, pointer) {
            Some(number) if number > limit => {
                reader.fail("budget", pointer, &format!("{what} is {number}, at most {limit} are accepted"));
            }
            None if reader.issues.len() == before => {
                reader.fail("budget", pointer, &format!("{what} was not measured"));
            }
            _ => {}
        }
    }
    for pointer in ["/performance_health/healthy", "/performance_health/throughput/healthy"] {
        if whole.pointer(pointer).is_some_and(|healthy| reader.word(healthy) != Some(Status::Pass)) {
            reader.warn("health", pointer, "it says that its throughput is not healthy");
            break;
        }
    }
    for (pointer, what) in [
        ("/paper_metrics/latency_samples", "the latency"),
        ("/performance_health/throughput/samples", "the throughput"),
    ] {
        if reader.count(whole.pointer(pointer), pointer, pointer) == Some(0) {
            reader.fail("budget", pointer, &format!("{what} rests on no sample"));
        }
    }
    let orders = document.get("orders").and_then(Value::as_array).map_or(0, |orders| orders.len() as u64);
    let least = match figure(written(Budget::Orders, reader)) {
        Figure::Real(least) => least,
        _ => 1.0,
    };
    if (orders as f64) < least {
        reader.fail("budget", "/orders", &format!("{}, at least {least} are asked for", count(orders, "order")));
    }
    let wanted = |budget: Budget, reader: &Reader<'_>| written(budget, reader).and_then(switch).unwrap_or(true);
    if wanted(Budget::Throttle, reader) && document.get("trade_throttle").is_none_or(Value::is_null) {
        reader.fail("throttle", "/trade_throttle", "the throttle was not seen, which is asked for");
    }
    incident(&whole, wanted(Budget::Incident, reader), reader);
    if let Some(stated) = reader.stated(document, &["status"], "").filter(|stated| *stated > reader.status()) {
        reader.add(stated, "status", "/status", &format!("it says {} of itself", stated.label()));
    }
    reader.samples = orders;
    let errors = document.get("errors").and_then(names).map_or(0, |errors| errors.len() as u64);
    format!("a session of {} with {}", count(orders, "order"), count(errors, "error"))
}

/// How the incident response was during the session.
fn incident(whole: &Value, wanted: bool, reader: &mut Reader<'_>) {
    const PLACE: &str = "/incident_response/snapshot";
    let Some(snapshot) = whole.pointer(PLACE).and_then(Value::as_object) else {
        if wanted {
            reader.fail("incident", "/incident_response", "the incident response was not seen, which is asked for");
        }
        return;
    };
    let most =
        written(Budget::IncidentStatus, reader).and_then(Value::as_str).and_then(Status::of_state).unwrap_or_default();
    match reader.stated(snapshot, &["status"], PLACE) {
        Some(status) if status > most => {
            let message = format!("the incident response is {}, at most {} is accepted", status.label(), most.label());
            reader.fail("incident", &at(PLACE, "status"), &message);
        }
        Some(_) => {}
        None if wanted => reader.not_understood(PLACE, "the incident response states no verdict"),
        None => {}
    }
}
