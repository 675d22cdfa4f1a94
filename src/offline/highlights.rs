//! What the player did, earned and said, and how the momentum went.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::id::Id;
use super::scenes::{default_act, items};
use super::turns::Turn;
use crate::json::lenient::is_truthy;

/// What the player did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Highlights<'a> {
    /// What was achieved.
    pub achievements: Vec<&'a Value>,
    /// What was earned.
    pub assets_earned: Vec<&'a Value>,
    /// What is owed.
    pub debts_incurred: Vec<&'a Value>,
    /// Who thinks differently now.
    pub reputation_shifts: Vec<&'a Value>,
    /// Quotes worth keeping.
    pub memorable_quotes: Vec<Quote<'a>>,
    /// Changes of momentum.
    pub momentum_changes: Vec<Momentum<'a>>,
}

/// A quote worth keeping.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Quote<'a> {
    /// The turn.
    pub turn_id: &'a Id,
    /// What was said.
    pub quote: &'a str,
    /// What it was about, where the turn says so.
    pub context: Option<&'a str>,
}

/// A change of momentum.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Momentum<'a> {
    /// The turn.
    pub turn_id: &'a Id,
    /// By how much.
    pub delta: Value,
    /// Why.
    pub reason: Value,
    /// What it came to.
    pub resulting_value: &'a Value,
}

/// How the momentum went within an act.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct MomentumArc<'a> {
    /// The first value.
    pub start: Option<&'a Value>,
    /// The last value.
    pub end: Option<&'a Value>,
    /// The changes.
    pub trajectory: Vec<Momentum<'a>>,
}

static NULL: Value = Value::Null;

fn momentum<'a>(turn: &'a Turn, momentum: &'a Map<String, Value>) -> Momentum<'a> {
    let truthy = |key: &str| momentum.get(key).filter(|value| is_truthy(value)).cloned();
    Momentum {
        turn_id: &turn.id,
        delta: truthy("delta").unwrap_or_else(|| 0.into()),
        reason: truthy("reason").unwrap_or_default(),
        resulting_value: momentum.get("value").unwrap_or(&NULL),
    }
}

impl<'a> Highlights<'a> {
    /// Collects them from the turns of the player.
    pub(crate) fn of(turns: &'a [Turn]) -> Self {
        let mut all = Self::default();
        for turn in turns.iter().filter(|turn| turn.speaker == "player") {
            let metadata = &turn.metadata;
            let titled = |key: &str| {
                items(metadata, key)
                    .iter()
                    .filter(|item| item.is_string() || item.get("title").is_some_and(Value::is_string))
            };
            all.achievements.extend(titled("achievements"));
            let assets = if metadata.contains_key("assetsGranted") { "assetsGranted" } else { "assetsEarned" };
            all.assets_earned.extend(titled(assets));
            all.debts_incurred.extend(titled("debtsIncurred"));
            all.reputation_shifts.extend(titled("reputationShifts"));
            if let Some(quote) = metadata.get("highlightQuote").filter(|quote| is_truthy(quote)) {
                let context = quote.as_str().or_else(|| quote.get("context").and_then(Value::as_str));
                all.memorable_quotes.push(Quote { turn_id: &turn.id, quote: &turn.text, context });
            }
            if let Some(change) = metadata.get("momentum").and_then(Value::as_object)
                && (change.get("delta").is_some_and(is_truthy) || change.contains_key("value"))
            {
                all.momentum_changes.push(momentum(turn, change));
            }
        }
        all
    }
}

impl<'a> MomentumArc<'a> {
    /// The arcs of the acts whose turns speak of momentum.
    pub(crate) fn by_act(turns: &'a [Turn]) -> HashMap<Id, Self> {
        let mut arcs: HashMap<Id, Self> = HashMap::new();
        for turn in turns {
            let Some(change) = turn.metadata.get("momentum").and_then(Value::as_object) else { continue };
            let arc = arcs.entry(turn.act.clone().unwrap_or_else(default_act)).or_default();
            if let Some(value) = change.get("value").filter(|value| value.is_number()) {
                arc.start = arc.start.or(Some(value));
                arc.end = Some(value);
            }
            let moved = change.get("delta").is_some_and(Value::is_number);
            if moved || change.get("reason").is_some_and(is_truthy) {
                arc.trajectory.push(momentum(turn, change));
            }
        }
        arcs
    }
}
