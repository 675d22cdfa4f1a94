//! A run held against earlier ones: what was measured of each, and whether it got worse.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Status};
use crate::time::Stamp;

/// The name of the gate of a comparison with accepted runs.
pub const BASELINE: &str = "baseline";
/// The name of the gate of a trend.
pub const TREND: &str = "trend";

/// A run compared with accepted ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Baseline {
    /// The highest severity of the findings below.
    pub status: Status,
    /// With how many runs it was compared.
    pub compared: u64,
    /// Every run and document that was named or found, in the order of time.
    pub baselines: Vec<Earlier>,
    /// Every figure that both sides have, by name.
    pub metrics: Vec<Compared>,
    /// What got worse, and what could not be compared.
    pub findings: Vec<Finding>,
}

/// An earlier run, or a document of another tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Earlier {
    /// Where it is, as given.
    pub path: String,
    /// `run` or `document`.
    pub kind: String,
    /// When the run started, or the document was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Stamp>,
    /// Its own verdict; none if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Status>,
    /// Whether its figures are held against those of the run.
    pub compared: bool,
    /// Why not, and what else there is to say of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// What it measured, by name.
    pub figures: BTreeMap<String, f64>,
}

/// One figure of the run beside those of the accepted ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compared {
    /// Its name.
    pub name: String,
    /// Its unit; empty where nobody said.
    pub unit: String,
    /// `lower` or `higher`; `neither` where a change says only that something is different.
    pub better: Better,
    /// That of the run.
    pub value: f64,
    /// Those of the accepted runs, in their order.
    pub baseline: Vec<f64>,
    /// What was expected: the geometric mean of these, or their median where one is not positive.
    pub expected: f64,
    /// What it may be before the noise of earlier runs no longer explains it; none if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// How far it is from what was expected, as a share of that; none if nothing was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<f64>,
    /// By which rule it was judged.
    pub method: Method,
    /// How many figures within the run the verdict rests on; 1 where it is one figure of each run.
    pub samples: u64,
    /// Whether it got worse.
    pub status: Status,
    /// The same in words.
    pub says: String,
}

/// Which way a figure gets better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Less is better.
    #[default]
    Lower,
    /// More is better.
    Higher,
    /// Neither: a change is worth a look.
    Neither,
}

/// How a figure was judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Fewer than five runs, one figure each: their noise is not known.
    #[default]
    Difference,
    /// Fewer than five runs, with a bootstrap interval of the ratio of medians of windows within the runs.
    Windows,
    /// Five runs or more: a one-sided 99 % prediction interval on logarithms.
    Interval,
    /// Five runs or more with figures that have no logarithm: beyond the worst of them by more than the floor.
    Range,
}

/// Runs in the order of time, and how each figure moved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trend {
    /// The highest severity of the findings below.
    pub status: Status,
    /// The runs, in the order in which they were named.
    pub runs: Vec<TrendRun>,
    /// Every figure that two runs have, by name.
    pub metrics: Vec<TrendMetric>,
    /// What gets worse and worse.
    pub findings: Vec<Finding>,
}

/// A run of a trend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrendRun {
    /// Where it is, as given.
    pub path: String,
    /// When it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Stamp>,
    /// Its own verdict.
    pub verdict: Status,
    /// Whether it was judged by another policy than the last one.
    pub other_policy: bool,
}

/// A figure over the runs of a trend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrendMetric {
    /// Its name.
    pub name: String,
    /// Its unit; empty where nobody said.
    pub unit: String,
    /// Which way it gets better.
    pub better: Better,
    /// That of each run; none if it was not measured.
    pub values: Vec<Option<f64>>,
    /// How much it changes from run to run: the median of the slopes between any two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slope_per_run: Option<f64>,
    /// The last one, where it is among the others: the share of them that are lower, 0 to 1, those equal to it by half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_rank: Option<f64>,
    /// How many times in a row it got worse, up to the last run.
    pub worse_in_a_row: u64,
    /// Whether that is a WARN.
    pub status: Status,
}
