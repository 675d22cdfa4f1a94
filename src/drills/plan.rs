//! What drills are to be, as the run record keeps it. Who carries them out holds the commands themselves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::step::Stage;
use crate::time::human_seconds;

/// The drills of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DrillsPlan {
    /// The SHA-256 of the drill file, in hex.
    pub sha256: String,
    /// Whether nothing is injected and restored: the file is tried.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry: bool,
    /// In the order of their start.
    pub list: Vec<Drill>,
    /// The names of drills that must be among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// Those that took place longer ago, when they are judged, are worth nothing; in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<f64>,
}

/// One drill. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    /// Its name: that of its timeline too.
    pub name: String,
    /// Whether something is broken.
    pub kind: Kind,
    /// What is expected of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypothesis: Option<String>,
    /// When it begins, since the start of the run.
    pub at_seconds: f64,
    /// Between two looks at a condition.
    pub poll_seconds: f64,
    /// Whether others may run at the same time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parallel: bool,
    /// Whether it is left out because somebody asked for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
    /// Whether the run ends when it fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop_on_failure: bool,
    /// What must hold before and after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steady: Vec<Condition>,
    /// What breaks it; in an exercise its steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inject: Vec<ActionPlan>,
    /// What shows that the fault was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detect: Vec<Condition>,
    /// How soon after the injection.
    pub detect_within_seconds: f64,
    /// How soon after the first notification somebody must answer for it; none if that is not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge_within_seconds: Option<f64>,
    /// What restores it; the last is done first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restore: Vec<ActionPlan>,
    /// What shows that it works again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recover: Vec<Condition>,
    /// How soon after the injection.
    pub recover_within_seconds: f64,
    /// How long that must last.
    pub hold_seconds: f64,
    /// What must hold at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verify: Vec<Condition>,
    /// Incidents that it may cause, by kind or message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excuses: Vec<String>,
}

/// What kind of drill it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something is broken.
    #[default]
    Fault,
    /// Nothing is broken: steps are gone through.
    Exercise,
}

/// An action.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionPlan {
    /// What is done, for people; without secrets.
    pub what: String,
    /// How long it may take.
    pub timeout_seconds: f64,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// How it is known.
    pub kind: Known,
    /// What it is, for people; without secrets.
    pub what: String,
    /// A pattern of incidents, the name of a channel, or that of a guard with how it is (`NAME=fail`); empty for others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// How long it may take to hold where it must hold before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_seconds: Option<f64>,
}

/// How a condition is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// By a line of the log.
    Log,
    /// By an incident of the run.
    Incident,
    /// By an answer over HTTP.
    Http,
    /// By a program.
    Exec,
    /// By a file.
    File,
    /// By the end of the command.
    Exit,
    /// By how a guard on a figure is.
    Guard,
    /// By a notification that arrived.
    Notified,
    /// By somebody who looks after what the drill caused.
    Acknowledged,
}

impl Known {
    /// Whether it is something that happens, and is not asked for again and again.
    pub(crate) fn happens(self) -> bool {
        !matches!(self, Self::Http | Self::Exec | Self::File | Self::Guard)
    }
}

/// Where nobody says how long a condition may take that only a line can show.
const LINE: f64 = 30.0;

impl Condition {
    /// How long it may take to hold, in seconds, where it must hold before and after.
    pub(crate) fn within(&self) -> f64 {
        self.within_seconds.unwrap_or(if self.kind.happens() { LINE } else { 0.0 })
    }
}

impl Drill {
    /// The conditions of a stage.
    pub(crate) fn conditions(&self, stage: Stage) -> &[Condition] {
        match stage {
            Stage::Steady | Stage::Again => &self.steady,
            Stage::Before | Stage::Detect => &self.detect,
            Stage::Recover => &self.recover,
            Stage::Verify => &self.verify,
            _ => &[],
        }
    }

    /// What shows that it is over: each condition with its list and its place in that.
    pub(super) fn shown(&self) -> impl Iterator<Item = (Stage, usize, &Condition)> + Clone {
        let of = |stage: Stage| self.conditions(stage).iter().enumerate().map(move |(number, of)| (stage, number, of));
        of(Stage::Recover).chain(of(Stage::Verify))
    }

    /// The actions of a stage.
    pub(crate) fn actions(&self, stage: Stage) -> &[ActionPlan] {
        match stage {
            Stage::Inject => &self.inject,
            Stage::Restore => &self.restore,
            _ => &[],
        }
    }

    /// How long it takes at most from its start until it should have recovered, in seconds.
    pub(crate) fn longest(&self) -> f64 {
        let steady = self.steady.iter().map(Condition::within).fold(0.0, f64::max);
        let detect = if self.detect.is_empty() { 0.0 } else { self.detect_within_seconds };
        let recover = if self.recover.is_empty() { 0.0 } else { self.recover_within_seconds + self.hold_seconds };
        steady + detect.max(recover)
    }

    pub(crate) fn at(&self) -> Duration {
        seconds(self.at_seconds)
    }

    pub(crate) fn poll(&self) -> Duration {
        seconds(self.poll_seconds)
    }
}

/// A length of time from seconds; none of what is no length is longer than nothing.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Whether two drills may run at the same time, in words where they may not.
pub(crate) fn overlap(list: &[Drill]) -> Option<String> {
    let counted: Vec<&Drill> = list.iter().filter(|drill| !drill.skipped).collect();
    for (at, drill) in counted.iter().enumerate() {
        let end = drill.at_seconds + drill.longest();
        let other =
            counted[at + 1..].iter().find(|other| other.at_seconds < end && !(drill.parallel && other.parallel));
        if let Some(other) = other {
            return Some(format!(
                "{} may last until {}, and {} begins at {}; begin it later, or say parallel = true in both",
                drill.name,
                human_seconds(end),
                other.name,
                human_seconds(other.at_seconds)
            ));
        }
    }
    None
}
