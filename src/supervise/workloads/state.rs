//! The states of a workload, and how one follows the other.

use serde::{Deserialize, Serialize};

use crate::time::Stamp;

/// The name of the file in the run directory that holds each [`Change`], one to a line.
pub const STATES: &str = "states.jsonl";

/// What a workload is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not looked at yet.
    #[default]
    Pending,
    /// A condition is not met.
    Waiting,
    /// Started; its probe has not passed yet.
    Starting,
    /// Started; it has no probe.
    Running,
    /// Its probe has passed in this attempt.
    Ready,
    /// It was ready, and its probe fails now; the process is left alone.
    Unready,
    /// It is being stopped because of a timeout.
    Hung,
    /// Down; it will be started again.
    Restarting,
    /// Asked to stop.
    Stopping,
    /// A job that has ended well.
    Completed,
    /// Ended because it was asked to.
    Stopped,
    /// Ended for good otherwise.
    Failed,
    /// Never started, or never again: what it depends on is gone, or the run has ended.
    Skipped,
}

impl State {
    /// Its name in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Unready => "unready",
            Self::Hung => "hung",
            Self::Restarting => "restarting",
            Self::Stopping => "stopping",
            Self::Completed => "completed",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Stopped | Self::Failed | Self::Skipped)
    }

    /// Whether a process of it should be there.
    pub fn is_started(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Ready | Self::Unready | Self::Hung | Self::Stopping)
    }

    /// Whether a service in this state does its work. A job is never up.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Ready | Self::Running)
    }

    /// Whether `next` can come right after this state.
    pub fn leads_to(self, next: Self) -> bool {
        use State::{
            Completed, Failed, Hung, Pending, Ready, Restarting, Running, Skipped, Starting, Stopped, Stopping,
            Unready, Waiting,
        };
        match self {
            Pending => matches!(next, Waiting | Starting | Running | Skipped | Failed | Restarting),
            Waiting => matches!(next, Starting | Running | Skipped | Failed | Restarting),
            Starting | Unready => matches!(next, Ready | Restarting | Failed | Hung | Stopping),
            Running => matches!(next, Completed | Restarting | Failed | Hung | Stopping),
            Ready => matches!(next, Unready | Restarting | Failed | Hung | Stopping),
            Hung => matches!(next, Restarting | Failed | Stopping),
            Restarting => matches!(next, Waiting | Starting | Running | Stopped | Failed),
            // It goes on after a stop where what it depends on was lost.
            Stopping => matches!(next, Stopped | Failed | Restarting),
            Completed | Stopped | Failed | Skipped => false,
        }
    }
}

/// A workload went from one state to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// When, by the wall clock.
    pub at: Stamp,
    /// When, in seconds of the monotonic clock since the start of the run.
    pub mono_seconds: f64,
    /// The workload.
    pub workload: String,
    /// The state before.
    pub from: State,
    /// The state from now on.
    pub to: State,
    /// The number of its last start; 0 before the first.
    pub attempt: u64,
    /// Its process, where one runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Why, in words.
    pub because: String,
}
