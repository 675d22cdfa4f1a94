//! What is noted of a drill while it runs: the evidence from which its verdict is read.

use serde::{Deserialize, Serialize};

use crate::time::Stamp;

/// A part of a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// What must hold before holds.
    Steady,
    /// What would show the fault does not hold yet.
    Before,
    /// The fault is injected.
    Inject,
    /// It is seen.
    Detect,
    /// Somebody answers for it.
    Acknowledge,
    /// It is restored.
    Restore,
    /// It works again, and goes on to.
    Recover,
    /// What must hold at the end holds.
    Verify,
    /// What must hold before holds again.
    Again,
}

impl Stage {
    /// The word of the documents, which know fewer.
    pub(crate) fn told(self) -> Self {
        match self {
            Self::Before => Self::Steady,
            Self::Again => Self::Verify,
            other => other,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self.told() {
            Self::Inject => "inject",
            Self::Detect => "detect",
            Self::Acknowledge => "acknowledge",
            Self::Restore => "restore",
            Self::Recover => "recover",
            Self::Verify | Self::Again => "verify",
            Self::Steady | Self::Before => "steady",
        }
    }
}

/// Something that was done or learnt. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When it was begun (an action) or learnt, by the wall clock.
    pub at: Stamp,
    /// The same in seconds since the start of the run by the monotonic clock.
    pub seconds: f64,
    /// The part of the drill.
    pub stage: Stage,
    /// What kind of step it is.
    pub kind: StepKind,
    /// Its place in the list of the drill, from 0.
    pub number: usize,
    /// What it is, for people.
    pub what: String,
    /// Whether the action succeeded, the condition holds.
    pub ok: bool,
    /// How long an action took, in seconds; of a condition before the injection of a drill without `detect`, how long ago
    /// it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// What came of it, in words, with the last of the output of a program.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// What kind of step it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// An action was begun; noted before anything is done.
    Begun,
    /// An action is over.
    Action,
    /// A condition was looked at, and holds or not; noted where that changed.
    Condition,
    /// A stage is over: ok where everything in it held, or went well, in time.
    Over,
    /// The run ended.
    Ended,
}
