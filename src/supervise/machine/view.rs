//! What can be seen of a run: its snapshot at an instant, and its parts for the record.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Identity, Machine};
use crate::finding::Status;
use crate::supervise::attempts::Attempts;
use crate::supervise::event::{Exit, Now};
use crate::supervise::incidents::Incidents;
use crate::supervise::monitors::ResourceState;
use crate::supervise::progress::{self, Phase, Snapshot};
use crate::supervise::record::{Capture, EndReason, ProgressChain, Stalls};
use crate::time::Stamp;

/// Incidents shown in a snapshot.
const SHOWN_INCIDENTS: usize = 50;

impl Machine {
    /// The state at this instant, after the snapshots of `chain`.
    pub(crate) fn snapshot_now(&self, now: Now, chain: ProgressChain, supervisor: Identity) -> Snapshot {
        let worst = self.incidents.worst();
        let running = if self.phase == Phase::Startup { "starting" } else { "running" };
        let elapsed = self.elapsed(now).as_secs_f64();
        let open_silence = match self.ended.is_some() || self.stopped.is_some() {
            true => Duration::ZERO,
            false => self.open_downtime(now),
        };
        Snapshot {
            schema: progress::SCHEMA.to_owned(),
            sequence: chain.snapshots,
            previous_sha256: chain.head_sha256,
            status: if worst > Status::Pass { worst.word().to_owned() } else { running.to_owned() },
            verdict: None,
            headline: None,
            evidence_status: None,
            simulated: self.plan.simulated,
            criteria: Vec::new(),
            phase: self.phase,
            now: now.wall,
            started_at: self.started_at,
            elapsed_seconds: elapsed,
            target_duration_seconds: self.plan.target.as_secs_f64(),
            required_duration_seconds: self.plan.required.as_secs_f64(),
            progress_interval_seconds: self.plan.progress_interval.unwrap_or_default().as_secs_f64(),
            total_lines: self.capture.total_lines,
            line_counts: self.capture.line_counts.clone(),
            level_counts: self.capture.level_counts.clone(),
            first_line_at: self.capture.first_line_at,
            last_line_at: self.capture.last_line_at,
            uptime_ratio: (elapsed > 0.0)
                .then(|| (1.0 - (self.lost_uptime + open_silence).as_secs_f64() / elapsed).clamp(0.0, 1.0)),
            command: self.plan.command.clone(),
            minimum_uptime_ratio: self.plan.minimum_uptime,
            require_diary_evidence: self.plan.require_diary,
            require_performance_evidence: self.plan.require_performance,
            supervisor_pid: supervisor.pid,
            supervisor_host: supervisor.host,
            child_pid: self.attempts.running_pid(),
            restarts: self.attempts.restarts(),
            incident_counts: self.incidents.counts().clone(),
            incidents: self.incidents.head(SHOWN_INCIDENTS),
            evidence: self.evidence.shown().clone(),
            resources: self.resources.shown.clone(),
            exit_code: None,
            summary: None,
            sign_off: None,
            record: None,
            config_metadata: self.plan.metadata.clone(),
        }
    }

    /// Supervised time so far, or altogether. It ends when the command is asked to stop.
    pub(crate) fn elapsed(&self, now: Now) -> Duration {
        self.stopped.or(self.ended.map(|(_, at)| at)).unwrap_or(now).mono
    }

    /// Why and when the supervised time ended.
    pub(crate) fn ended(&self) -> Option<(EndReason, Now)> {
        self.ended.map(|(why, at)| (why, self.stopped.unwrap_or(at)))
    }

    /// How long the command took to end after it was asked to stop; none where it ended before.
    pub(crate) fn drain(&self) -> Option<Duration> {
        let ((_, ended), stopped) = self.ended.zip(self.stopped)?;
        Some(ended.mono.saturating_sub(stopped.mono))
    }

    /// How the command ended the last time.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// When the supervisor itself did not run, from and to in seconds of the monotonic clock.
    pub(crate) fn held_up(&self) -> &[(f64, f64)] {
        &self.held_up
    }

    /// The same by the wall clock, and when the machine was suspended.
    pub(crate) fn paused(&self) -> &[(Stamp, Stamp)] {
        &self.paused
    }

    /// Each start of the command.
    pub(crate) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// All incidents.
    pub(crate) fn incidents(&self) -> &Incidents {
        &self.incidents
    }

    /// What was captured.
    pub(crate) fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Notes that the incidents of a snapshot could be seen from `at` on, where they could not before.
    pub(crate) fn shown(&mut self, at: Stamp) {
        self.incidents.shown(SHOWN_INCIDENTS, at);
    }

    /// The age of each evidence file over the whole run, by name.
    pub(crate) fn evidence_age(&self) -> BTreeMap<String, Vec<(Stamp, f64)>> {
        self.evidence.ages()
    }

    /// How often and how long each evidence file was not refreshed in time, by name.
    pub(crate) fn evidence_stalls(&self) -> BTreeMap<String, Stalls> {
        self.evidence.stalls()
    }

    /// What was sampled.
    pub(crate) fn resources(&self) -> &ResourceState {
        &self.resources
    }

    /// Incidents by severity.
    pub(crate) fn incident_counts(&self) -> BTreeMap<Status, u64> {
        self.incidents.counts().clone()
    }
}
