//! Incident response: runbooks, rosters, training, drills, open incidents, times to acknowledge and to resolve.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::reader::Reader;
use super::super::values::{Figure, Object, at, figure, is_placeholder, length, names, quoted, switch};
use super::limits::{self, DAY, HOUR, Limits, MINUTE, PREFIX};
use crate::finding::{Status, count};

pub(in super::super) use super::limits::check;

/// What issues of incident response are about.
pub(in super::super) const CATEGORIES: [&str; 12] = [
    "missing_runbooks",
    "training",
    "drill",
    "primary_roster",
    "secondary_roster",
    "open_incidents",
    "postmortem_backlog",
    "chatops",
    "major_incident_review",
    "metrics_mtta",
    "metrics_mttr",
    "metrics_staleness",
];

/// The categories whose WARN holds up the release, where no policy says.
const BLOCKING: [&str; 6] =
    ["missing_runbooks", "primary_roster", "open_incidents", "postmortem_backlog", "metrics_mtta", "metrics_mttr"];

/// The same limits under other names, in the snapshots of other tools.
const OTHER_NAMES: [(&str, &str); 6] = [
    ("minimum_primary_responders", "min_primary_responders"),
    ("minimum_secondary_responders", "min_secondary_responders"),
    ("maximum_open_incidents", "max_open_incidents"),
    ("require_major_incident_history", "require_major_history"),
    ("major_incident_review_interval_days", "major_review_interval_days"),
    ("major_incident_fail_multiplier", "major_review_fail_multiplier"),
];

/// A limit in a document that cannot be meant: its key there, and why.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Refusal {
    pub key: String,
    pub why: String,
}

/// Limits and states of a document, whatever its form.
struct Facts {
    limits: Limits,
    states: BTreeMap<String, (String, Value)>,
    /// Whether it is a snapshot of another tool, whose limits may all be defaults.
    is_snapshot: bool,
}

impl Facts {
    /// A state that is there, with its place.
    fn state(&self, name: &str) -> (Option<&Value>, String) {
        match self.states.get(name) {
            Some((pointer, value)) => (Some(value).filter(|value| !value.is_null()), pointer.clone()),
            None => (None, String::new()),
        }
    }

    /// Whether a limit was asked for: written in a policy, or in a document of limits and states.
    fn asks(&self, name: &str, reader: &Reader<'_>) -> bool {
        let policy = reader.rules.incident.as_ref().is_some_and(|rules| rules.limits.contains_key(name));
        policy || (!self.is_snapshot && self.limits.is_written(name))
    }
}

/// Judges a document about incident response. Gives the summary.
///
/// # Errors
/// It holds limits, and one of them cannot be meant.
pub(in super::super) fn judge(document: &Object, reader: &mut Reader<'_>) -> Result<String, Refusal> {
    let facts = if is_flat(document) { flat(document, reader)? } else { snapshot(document, reader) };
    let blocking = reader.rules.incident.as_ref().and_then(|rules| rules.warn_block_categories.clone());
    reader.blocking = blocking.unwrap_or_else(|| BLOCKING.map(str::to_owned).to_vec());
    runbooks(&facts, reader);
    for (name, what) in [("training", "the last training"), ("drill", "the last drill")] {
        interval(&facts, name, what, reader);
    }
    rosters(&facts, reader);
    let open = open_incidents(&facts, reader);
    postmortems(&facts, reader);
    chatops(&facts, reader);
    major_review(&facts, reader);
    metrics(&facts, reader);
    if facts.is_snapshot {
        let found = reader.status();
        // It is judged by its rules, but what it says of itself is worth a look where they find less.
        if reader.stated(document, &["status"], "").is_some_and(|stated| stated > found)
            && reader.status() <= found.max(Status::Warn)
        {
            reader.warn("status", "/status", "it says worse of itself than its figures do");
        }
    }
    reader.samples = CATEGORIES.len() as u64;
    let open = open.map_or_else(|| "open incidents not known".to_owned(), |open| count(open, "open incident"));
    Ok(format!("{open}, {} found", count(reader.issues.len() as u64, "issue")))
}

/// Whether a document holds the keys of a flat map, or readable ones under `incident`.
pub(in super::super) fn is_flat(document: &Object) -> bool {
    let table = document.get("incident").and_then(Value::as_object);
    let known = |key: &String| limits::known().any(|known| known.eq_ignore_ascii_case(key));
    document.keys().any(|key| key.starts_with(PREFIX)) || table.is_some_and(|table| table.keys().any(known))
}

/// Limits and states of a flat map.
fn flat(document: &Object, reader: &Reader<'_>) -> Result<Facts, Refusal> {
    let mut limits = BTreeMap::new();
    let mut states = BTreeMap::new();
    let table = document.get("incident").and_then(Value::as_object);
    let own = document.iter().filter_map(|(key, value)| {
        let name = key.strip_prefix(PREFIX)?.to_lowercase();
        Some((key.clone(), name, at("", key), value))
    });
    let inner = table.into_iter().flatten().map(|(key, value)| {
        let name = key.to_lowercase();
        (key.clone(), name, at("/incident", key), value)
    });
    let mut keys = BTreeMap::new();
    for (key, name, pointer, value) in own.chain(inner) {
        // What is on this machine is for a policy to say.
        if limits::is_limit(&name) && name != "runbook_dir" {
            if !value.is_null() && value.as_str() != Some("") {
                limits.insert(name.clone(), value.clone());
            }
        } else if limits::STATES.contains(&name.as_str()) {
            states.insert(name.clone(), (pointer, value.clone()));
        } else {
            let why = format!("is no limit or state of incident response that anybody knows{}", suggestion(&name));
            return Err(Refusal { key, why });
        }
        keys.insert(name, key);
    }
    limits::check(&limits).map_err(|(name, why)| Refusal { key: keys.remove(&name).unwrap_or(name), why })?;
    let policy = reader.rules.incident.as_ref().map(|rules| rules.limits.clone()).unwrap_or_default();
    Ok(Facts { limits: Limits::new(limits, &policy), states, is_snapshot: false })
}

fn suggestion(name: &str) -> String {
    let near = limits::known().map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    match near.filter(|(far, _)| *far <= (name.len() / 3).max(1)) {
        Some((_, near)) => format!("; did you mean {}{}?", PREFIX, near.to_uppercase()),
        None => String::new(),
    }
}

/// Limits and states of the snapshot of another tool.
fn snapshot(document: &Object, reader: &mut Reader<'_>) -> Facts {
    let metadata = document.get("metadata").and_then(Value::as_object);
    let inner = |key: &str| Some((at("/metadata", key), metadata?.get(key)?.clone()));
    let own = |key: &str| Some((at("", key), document.get(key)?.clone()));
    let metric = |key: &str| {
        let metrics = document.get("metrics").and_then(Value::as_object)?;
        Some((at("/metrics", key), metrics.get(key)?.clone()))
    };
    let mut limits = BTreeMap::new();
    for (key, value) in metadata.and_then(|metadata| metadata.get("policy")?.as_object()).into_iter().flatten() {
        let name = OTHER_NAMES.iter().find(|(other, _)| other == key).map_or(key.as_str(), |(_, name)| *name);
        if limits::is_limit(name) && !value.is_null() {
            limits.insert(name.to_owned(), value.clone());
        }
    }
    if let Err((name, why)) = check(&limits) {
        reader.contradiction("/metadata/policy", &format!("its limit {name} {why}"));
        limits.clear();
    }
    let states: BTreeMap<String, (String, Value)> = [
        ("missing_runbooks", own("missing_runbooks")),
        ("training_age_days", own("training_age_days")),
        ("drill_age_days", own("drill_age_days")),
        ("primary_responders", own("primary_oncall")),
        ("secondary_responders", own("secondary_oncall")),
        ("open_incidents", own("open_incidents")),
        ("open_incident_count", inner("open_incident_count")),
        ("postmortem_backlog_hours", inner("postmortem_backlog_hours")),
        ("chatops_ready", inner("chatops_ready")),
        ("last_major_age_days", inner("last_major_incident_age_days").or_else(|| inner("last_major_age_days"))),
        ("metrics_mtta_minutes", metric("mtta_minutes")),
        ("metrics_mttr_minutes", metric("mttr_minutes")),
        ("metrics_data_age_hours", metric("data_age_hours")),
    ]
    .into_iter()
    .filter_map(|(name, found)| Some((name.to_owned(), found?)))
    .collect();
    let policy = reader.rules.incident.as_ref().map(|rules| rules.limits.clone()).unwrap_or_default();
    Facts { limits: Limits::new(limits, &policy), states, is_snapshot: true }
}

/// A length of time among the states, in units of `unit` seconds; one that cannot be is found, and none.
fn age(facts: &Facts, name: &str, unit: f64, reader: &mut Reader<'_>) -> Option<f64> {
    let (value, pointer) = facts.state(name);
    let value = value?;
    if figure(Some(value)) == Figure::Absent {
        return None;
    }
    match length(value, unit) {
        Ok(number) if number >= 0.0 => Some(number),
        Ok(number) => {
            reader.contradiction(&pointer, &format!("{name} is negative: {number}"));
            None
        }
        Err(said) => {
            reader.contradiction(&pointer, &format!("{name} is no length of time: {said}"));
            None
        }
    }
}

/// Whether something is where a state should be, readable or not: what is not was found already.
fn is_there(facts: &Facts, name: &str) -> bool {
    facts.state(name).0.is_some_and(|value| figure(Some(value)) != Figure::Absent)
}

fn runbooks(facts: &Facts, reader: &mut Reader<'_>) {
    let (missing, pointer) = facts.state("missing_runbooks");
    let mut missing: Vec<String> = missing.and_then(names).unwrap_or_default();
    missing.retain(|name| !is_placeholder(name));
    let stem = |name: &str| {
        let name = name.trim().to_lowercase();
        let file = name.rsplit('/').next().unwrap_or_default().to_owned();
        file.rsplit_once('.').map_or(file.clone(), |(stem, _)| stem.to_owned())
    };
    let (available, available_at) = facts.state("available_runbooks");
    let found = reader.rules.incident.as_ref().and_then(|rules| rules.runbooks.clone());
    let available = found.or_else(|| available.and_then(names)).unwrap_or_default();
    let available: BTreeSet<String> = available.iter().map(|name| stem(name)).collect();
    let pointer = if facts.is_snapshot { pointer } else { available_at };
    if !facts.is_snapshot
        || reader.rules.incident.as_ref().is_some_and(|rules| rules.limits.contains_key("required_runbooks"))
    {
        missing.extend(
            facts.limits.names("required_runbooks").into_iter().filter(|name| !available.contains(&stem(name))),
        );
    }
    for name in missing {
        reader.fail("missing_runbooks", &pointer, &format!("the runbook {name} is missing"));
    }
}

fn interval(facts: &Facts, name: &str, what: &str, reader: &mut Reader<'_>) {
    let limit = facts.limits.number(&format!("{name}_interval_days"));
    if limit == 0.0 {
        return;
    }
    let state = format!("{name}_age_days");
    let (_, pointer) = facts.state(&state);
    match age(facts, &state, DAY, reader) {
        Some(age) if age > 2.0 * limit => {
            reader.fail(
                name,
                &pointer,
                &format!("{what} was {age} days ago, more than twice the {limit} days between two"),
            );
        }
        Some(age) if age > limit => {
            reader.warn(name, &pointer, &format!("{what} was {age} days ago, {limit} days are between two"));
        }
        Some(_) => {}
        None if is_there(facts, &state) => {}
        None => reader.warn(name, &pointer, &format!("{what} is not known: no {name} is recorded")),
    }
}

/// The people of a roster, each once.
fn people(facts: &Facts, name: &str) -> BTreeSet<String> {
    let (value, _) = facts.state(name);
    let listed = value.and_then(names).unwrap_or_default();
    let named =
        listed.iter().filter(|name| !is_placeholder(name) && !matches!(name.to_lowercase().as_str(), "unknown"));
    named.map(|name| name.to_lowercase()).collect()
}

fn rosters(facts: &Facts, reader: &mut Reader<'_>) {
    let (primary, secondary) = (people(facts, "primary_responders"), people(facts, "secondary_responders"));
    for (duty, found, severity) in [("primary", &primary, Status::Fail), ("secondary", &secondary, Status::Warn)] {
        let least = facts.limits.number(&format!("min_{duty}_responders"));
        let (_, pointer) = facts.state(&format!("{duty}_responders"));
        if (found.len() as f64) < least {
            let people =
                if found.len() == 1 { "1 person is".to_owned() } else { format!("{} people are", found.len()) };
            let message = format!("{people} on the {duty} roster, at least {least} are asked for");
            reader.add(severity, &format!("{duty}_roster"), &pointer, &message);
        }
    }
    if primary == secondary && primary.len() == 1 {
        let (_, pointer) = facts.state("secondary_responders");
        let message = "one person alone is on both rosters: nobody can take over";
        reader.warn("secondary_roster", &pointer, message);
    }
}

fn open_incidents(facts: &Facts, reader: &mut Reader<'_>) -> Option<u64> {
    let most = facts.limits.number("max_open_incidents");
    let (value, pointer) = facts.state("open_incidents");
    let counted = match value {
        None => None,
        Some(value @ Value::Number(_)) => Some(reader.count(Some(value), "open_incidents", &pointer)?),
        Some(Value::String(text)) if text.trim().parse::<f64>().is_ok() => {
            let number = Value::from(text.trim());
            Some(reader.count(Some(&number), "open_incidents", &pointer)?)
        }
        Some(value) => match names(value) {
            Some(names) if names.iter().any(|name| ["?", "tbd", "unknown"].contains(&name.to_lowercase().as_str())) => {
                reader.contradiction(&pointer, "open_incidents does not say how many there are");
                return None;
            }
            Some(names) => Some(names.iter().filter(|name| !is_placeholder(name)).count() as u64),
            None => {
                reader.contradiction(&pointer, &format!("open_incidents is {}, no list and no number", quoted(value)));
                return None;
            }
        },
    };
    let (stated, stated_at) = facts.state("open_incident_count");
    let stated = reader.count(stated, "open_incident_count", &stated_at);
    if let (Some(stated), Some(counted)) = (stated, counted)
        && stated != counted
    {
        reader.contradiction(&stated_at, &format!("open_incident_count is {stated}, but {counted} are listed"));
    }
    let Some(open) = counted.max(stated) else {
        if facts.asks("max_open_incidents", reader) {
            reader.fail("open_incidents", "", "the number of open incidents is limited, and not known");
        }
        return None;
    };
    let found = format!("{}, at most {most} accepted", count(open, "open incident"));
    if open as f64 > most {
        reader.fail("open_incidents", &pointer, &found);
    } else if open as f64 == most && open > 0 {
        reader.warn("open_incidents", &pointer, &format!("{found}: the next one is too many"));
    }
    Some(open)
}

fn postmortems(facts: &Facts, reader: &mut Reader<'_>) {
    let limit = facts.limits.number("postmortem_sla_hours");
    let (_, pointer) = facts.state("postmortem_backlog_hours");
    match age(facts, "postmortem_backlog_hours", HOUR, reader) {
        Some(age) if age > 2.0 * limit => {
            let message =
                format!("a postmortem is due for {age} hours, more than twice the {limit} hours that it may take");
            reader.fail("postmortem_backlog", &pointer, &message);
        }
        Some(age) if age > limit => {
            let message = format!("a postmortem is due for {age} hours, it may take {limit} hours");
            reader.warn("postmortem_backlog", &pointer, &message);
        }
        None if !is_there(facts, "postmortem_backlog_hours") && facts.asks("postmortem_sla_hours", reader) => {
            reader.fail(
                "postmortem_backlog",
                "",
                "the time for postmortems is limited, and their backlog is not known",
            );
        }
        _ => {}
    }
}

fn chatops(facts: &Facts, reader: &mut Reader<'_>) {
    let (value, pointer) = facts.state("chatops_ready");
    if facts.limits.number("require_chatops") > 0.0 && value.and_then(switch) != Some(true) {
        reader.warn("chatops", &pointer, "the automation in the chat is not ready, or nobody says so");
    }
}

fn major_review(facts: &Facts, reader: &mut Reader<'_>) {
    let (_, pointer) = facts.state("last_major_age_days");
    let age = age(facts, "last_major_age_days", DAY, reader);
    if facts.limits.number("require_major_history") == 0.0 {
        return;
    }
    let limit = facts.limits.number("major_review_interval_days");
    let factor = facts.limits.number("major_review_fail_multiplier");
    let category = "major_incident_review";
    match age {
        Some(age) if age >= limit * factor => {
            let message = format!("the last review of a major incident was {age} days ago, {limit} are between two");
            reader.fail(category, &pointer, &message);
        }
        Some(age) if age > limit => {
            let message = format!("the last review of a major incident was {age} days ago, {limit} are between two");
            reader.warn(category, &pointer, &message);
        }
        None if !is_there(facts, "last_major_age_days") => {
            reader.fail(category, "", "reviews of major incidents are asked for, and none is recorded");
        }
        _ => {}
    }
}

fn metrics(facts: &Facts, reader: &mut Reader<'_>) {
    for (state, category, warn, fail, unit, what) in [
        (
            "metrics_mtta_minutes",
            "metrics_mtta",
            "mtta_warn_minutes",
            "mtta_fail_minutes",
            MINUTE,
            "minutes to acknowledge",
        ),
        (
            "metrics_mttr_minutes",
            "metrics_mttr",
            "mttr_warn_minutes",
            "mttr_fail_minutes",
            MINUTE,
            "minutes to resolve",
        ),
        (
            "metrics_data_age_hours",
            "metrics_staleness",
            "metrics_stale_warn_hours",
            "metrics_stale_fail_hours",
            HOUR,
            "hours since the figures were measured",
        ),
    ] {
        let (warn_limit, fail_limit) = (facts.limits.number(warn), facts.limits.number(fail));
        let (_, pointer) = facts.state(state);
        match age(facts, state, unit, reader) {
            Some(figure) if figure >= fail_limit => {
                reader.fail(category, &pointer, &format!("{figure} {what}, fewer than {fail_limit} are asked for"));
            }
            Some(figure) if figure >= warn_limit => {
                reader.warn(category, &pointer, &format!("{figure} {what}, fewer than {warn_limit} are hoped for"));
            }
            None if !is_there(facts, state) && (facts.asks(warn, reader) || facts.asks(fail, reader)) => {
                reader.fail(category, "", &format!("a limit is set on the {what}, and nothing was measured"));
            }
            _ => {}
        }
    }
}
