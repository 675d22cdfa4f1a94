//! Alert rehearsal: how many alerts were noise, how many incidents were missed, how fast the rest was detected.
//!
//! [`read`] understands the files, [`matching`] pairs alerts with incidents, [`tally`] counts, [`figures`] holds the
//! statistics, and [`judge`] puts them against the limits.

pub(crate) mod figures;
mod gates;
mod matching;
pub(crate) mod read;
mod record;
mod tally;
mod webhook;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::finding::{Finding, Gate, Status};
use crate::time::Stamp;

pub(crate) use gates::judge;
pub(crate) use tally::{Counts, Driver, Example, Storm};

/// Labels of an incident or an alert.
pub(crate) type Labels = BTreeMap<String, String>;

/// An incident that the rules were expected to detect.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expected {
    /// Unique name.
    pub id: String,
    /// The rule that must fire.
    pub rule: String,
    /// Its tier, where the file has one.
    pub tier: Option<String>,
    /// When it began.
    pub at: Stamp,
    /// When it ended, where known.
    pub until: Option<Stamp>,
    /// Labels that the alert must carry too.
    pub labels: Labels,
}

/// An alert that fired.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fired {
    /// The rule that fired.
    pub rule: String,
    /// Its tier, where the file has one.
    pub tier: Option<String>,
    /// When it fired.
    pub at: Stamp,
    /// The incident that it names.
    pub incident: Option<String>,
    /// When somebody acknowledged it.
    pub acked_at: Option<Stamp>,
    /// When it was resolved.
    pub resolved_at: Option<Stamp>,
    /// Its labels.
    pub labels: Labels,
}

/// The limits of a rehearsal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Limits {
    /// The highest acceptable share of false positives, 0 to 1.
    pub max_noise: f64,
    /// How many incidents may be missed.
    pub max_misses: u64,
    /// A slower mean detection is a WARN; none if there is no baseline.
    pub baseline_latency_seconds: Option<f64>,
    /// Slower on average is a FAIL: until detected, acknowledged, resolved; none if nobody asks.
    #[serde(flatten)]
    pub means: Means,
    /// How long after an incident an alert still belongs to it.
    #[serde(serialize_with = "seconds", rename = "matchWindowSeconds")]
    pub match_window: Duration,
    /// How much earlier than its incident an alert may be dated: the difference of two clocks.
    #[serde(serialize_with = "seconds", rename = "maxSkewSeconds")]
    pub max_skew: Duration,
}

/// How long the response may take on average, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Means {
    /// From an incident to its first alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_mttd_seconds: Option<f64>,
    /// From an alert to its acknowledgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_mtta_seconds: Option<f64>,
    /// From an alert to its resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_mttr_seconds: Option<f64>,
}

fn seconds<S: serde::Serializer>(length: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(length.as_secs_f64())
}

/// What a rehearsal showed. Keys are documented in `runbooks/formats.md`; times of latency are seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rehearsal {
    /// The highest status of the gates.
    pub status: Status,
    /// What was applied.
    pub limits: Limits,
    /// Every gate, the deciding ones first.
    pub gates: Vec<Gate>,
    /// Everything together.
    pub total: Counts,
    /// The 95 % Wilson interval of the noise; none if nothing fired.
    pub noise_interval: Option<figures::Interval>,
    /// How many more alerts at this rate would decide whether the noise is within the limit; none if it is decided.
    pub alerts_to_decide: Option<u64>,
    /// By tier; `none` for records without one.
    pub tiers: BTreeMap<String, Counts>,
    /// By rule.
    pub rules: BTreeMap<String, Counts>,
    /// The rules behind the noise, the loudest first.
    pub noise_drivers: Vec<Driver>,
    /// Incidents that nobody detected; at most [`tally::LISTED`], the count is in `total`.
    pub missed: Vec<Example>,
    /// The five minutes with the most alerts.
    pub storm: Option<Storm>,
    /// Time from alert to acknowledgement, of alerts that belong to an incident.
    pub time_to_acknowledge: Option<figures::Spread>,
    /// Time from alert to resolution, of alerts that belong to an incident.
    pub time_to_resolve: Option<figures::Spread>,
    /// What is wrong or odd about the files.
    pub findings: Vec<Finding>,
    /// The course of the rehearsal, for pictures.
    #[serde(skip)]
    pub course: Course,
}

/// When what happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Course {
    /// Each alert: when it fired, and whether it belongs to no incident.
    pub fired: Vec<(Stamp, bool)>,
    /// From each incident that was detected to its first alert, in seconds.
    pub latencies: Vec<f64>,
}
