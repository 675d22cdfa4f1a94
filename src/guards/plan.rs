//! What guards are to be, as the run record keeps it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::growth::SLOPED;
use super::source::Source;
use super::unit;
use crate::time::human_seconds;

/// The guards of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GuardsPlan {
    /// The SHA-256 of the file that describes them, in hex.
    pub sha256: String,
    /// In the order of the file.
    pub list: Vec<Guard>,
}

impl GuardsPlan {
    /// Those that are no fields of the log: somebody looks at their sources.
    pub(crate) fn polled(&self) -> impl Iterator<Item = &Guard> {
        self.list.iter().filter(|guard| !Source::parse(&guard.source).is_ok_and(|source| source.is_of_log()))
    }
}

/// One guard. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// Its name.
    pub name: String,
    /// Where its figure comes from, as it was written; without secrets.
    pub source: String,
    /// The workload that it is about, where it is one of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// The unit of the figure; empty for plain numbers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// What is made of the figures.
    pub stat: Stat,
    /// Of which last time; none for all of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_seconds: Option<f64>,
    /// Beyond this it is a WARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<Limit>,
    /// Beyond this it is a FAIL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<Limit>,
    /// How long that must last.
    #[serde(default)]
    pub for_seconds: f64,
    /// Samples before this are passed over.
    #[serde(default)]
    pub warmup_seconds: f64,
    /// So many samples are needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_samples: Option<u64>,
    /// Whether a FAIL ends the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop: bool,
    /// Whether it is a FAIL that nothing was ever measured.
    pub expected: bool,
    /// Between two looks.
    pub every_seconds: f64,
    /// How long after the start nothing need be there.
    #[serde(default)]
    pub grace_seconds: f64,
    /// For how long growth is reckoned ahead.
    pub ahead_seconds: f64,
}

/// What is made of the figures of a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Stat {
    Last,
    Min,
    Max,
    Mean,
    P50,
    P90,
    P95,
    P99,
    Rate,
    Delta,
    Slope,
    Count,
}

/// All of them, by the words that people write.
pub(crate) const STATS: [(&str, Stat); 12] = [
    ("last", Stat::Last),
    ("min", Stat::Min),
    ("max", Stat::Max),
    ("mean", Stat::Mean),
    ("p50", Stat::P50),
    ("p90", Stat::P90),
    ("p95", Stat::P95),
    ("p99", Stat::P99),
    ("rate", Stat::Rate),
    ("delta", Stat::Delta),
    ("slope", Stat::Slope),
    ("count", Stat::Count),
];

impl Stat {
    /// How many looks its figure needs at least.
    pub(crate) fn looks(self) -> usize {
        if self == Self::Slope { SLOPED } else { 0 }
    }

    pub(crate) fn word(self) -> &'static str {
        STATS.iter().find(|(_, stat)| *stat == self).map_or("", |(word, _)| word)
    }

    /// The share of a percentile.
    pub(crate) fn share(self) -> Option<f64> {
        Some(match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
            _ => return None,
        })
    }

    /// What its figure is by.
    pub(crate) fn per(self) -> &'static str {
        match self {
            Self::Rate => "s",
            Self::Slope => "h",
            _ => "",
        }
    }

    /// Whether it is about where the figure goes.
    pub(crate) fn grows(self) -> bool {
        matches!(self, Self::Delta | Self::Slope)
    }

    /// Whether its figure has the unit of what it is made of.
    pub(crate) fn has_unit(self) -> bool {
        self != Self::Count
    }
}

/// A limit; equality satisfies it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// Whether what is above is beyond, and not what is below.
    pub above: bool,
    /// In the unit of the figure.
    pub value: f64,
}

impl Limit {
    /// Whether a figure is beyond it.
    pub(crate) fn is_passed(&self, figure: f64) -> bool {
        if self.above { figure > self.value } else { figure < self.value }
    }
}

/// How a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Nothing was to be seen.
    Blind,
    /// It is too early, or there is not enough.
    Waiting,
    /// Within its limits.
    Ok,
    /// Beyond the limit of a WARN.
    Warn,
    /// Beyond the limit of a FAIL.
    Fail,
}

impl Guard {
    /// How this figure is.
    pub(crate) fn level(&self, figure: f64) -> Level {
        let beyond = |limit: &Option<Limit>| limit.as_ref().is_some_and(|limit| limit.is_passed(figure));
        match (beyond(&self.fail), beyond(&self.warn)) {
            (true, _) => Level::Fail,
            (_, true) => Level::Warn,
            _ => Level::Ok,
        }
    }

    /// Whether its figures cannot be negative.
    pub(crate) fn is_positive(&self) -> bool {
        let counts = |source: Source| matches!(source, Source::Process(_) | Source::Count { .. });
        unit::is_positive(&self.unit) || Source::parse(&self.source).is_ok_and(counts)
    }

    /// Whether large figures are the bad ones.
    pub(crate) fn above(&self) -> bool {
        self.fail.as_ref().or(self.warn.as_ref()).is_none_or(|limit| limit.above)
    }

    /// The worse of two figures.
    pub(crate) fn worse(&self, one: f64, other: f64) -> f64 {
        if self.above() { one.max(other) } else { one.min(other) }
    }

    pub(crate) fn every(&self) -> Duration {
        Duration::try_from_secs_f64(self.every_seconds).unwrap_or_default().max(Duration::from_millis(100))
    }

    /// A figure of it, for people.
    pub(crate) fn text(&self, figure: f64) -> String {
        let unit = if self.stat.has_unit() { self.unit.as_str() } else { "" };
        unit::text(figure, unit, self.stat.per())
    }

    /// `p99 over 10m`.
    pub(crate) fn what(&self) -> String {
        let over = self.window_seconds.map(|window| format!(" over {}", human_seconds(window)));
        format!("{}{}", self.stat.word(), over.unwrap_or_default())
    }

    /// `at most 50ms, a WARN above 40ms`.
    pub(crate) fn asked(&self) -> String {
        let side = if self.above() { ["at most", "above"] } else { ["at least", "below"] };
        let fail = self.fail.as_ref().map(|limit| format!("{} {}", side[0], self.text(limit.value)));
        let warn = self.warn.as_ref().map(|limit| format!("a WARN {} {}", side[1], self.text(limit.value)));
        let held = (self.for_seconds > 0.0).then(|| format!("for {}", human_seconds(self.for_seconds)));
        fail.into_iter().chain(warn).chain(held).collect::<Vec<_>>().join(", ")
    }
}
