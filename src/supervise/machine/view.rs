//! What can be seen of a run: its snapshot at an instant, and its parts for the record.

use std::collections::BTreeMap;
use std::time::Duration;

use super::workload::Workload;
use super::{Identity, Machine};
use crate::finding::Status;
use crate::supervise::event::{Exit, Now};
use crate::supervise::incidents::Incidents;
use crate::supervise::progress::{self, Phase, Snapshot, WorkloadSeen};
use crate::supervise::record::{
    Attempt, Capture, EndReason, EndedBy, ProbeRecord, ProgressChain, ResourceMonitor, Stalls, WorkloadRecord,
};
use crate::supervise::workloads::plan::Condition;
use crate::supervise::workloads::state::State;
use crate::time::Stamp;

/// Incidents shown in a snapshot.
const SHOWN_INCIDENTS: usize = 50;

impl Machine {
    /// The state at this instant, after the snapshots of `chain`.
    pub(crate) fn snapshot_now(&self, now: Now, chain: ProgressChain, supervisor: Identity) -> Snapshot {
        let worst = self.incidents.worst();
        let running = if self.phase == Phase::Startup { "starting" } else { "running" };
        let elapsed = self.elapsed(now).as_secs_f64();
        let capture = self.capture();
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
            total_lines: capture.total_lines,
            line_counts: capture.line_counts,
            level_counts: capture.level_counts,
            first_line_at: capture.first_line_at,
            last_line_at: capture.last_line_at,
            uptime_ratio: (elapsed > 0.0).then(|| (1.0 - self.lost_uptime().as_secs_f64() / elapsed).clamp(0.0, 1.0)),
            command: self.plan.command().to_vec(),
            minimum_uptime_ratio: self.plan.minimum_uptime,
            require_diary_evidence: self.plan.require_diary,
            require_performance_evidence: self.plan.require_performance,
            supervisor_pid: supervisor.pid,
            supervisor_host: supervisor.host,
            child_pid: self.child_pid(),
            restarts: self.workloads.iter().map(|workload| workload.attempts.restarts()).sum(),
            workloads: self.seen(now),
            workloads_sha256: self.plan.sha256.clone(),
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

    /// How long the command took to end after it was asked to stop; none if it ended before.
    pub(crate) fn drain(&self) -> Option<Duration> {
        let ((_, ended), stopped) = self.ended.zip(self.stopped)?;
        Some(ended.mono.saturating_sub(stopped.mono))
    }

    /// Which workload ended the run, where one did.
    pub(crate) fn ended_by(&self) -> Option<EndedBy> {
        self.ending.as_ref().and_then(|ending| ending.by.clone())
    }

    /// How the command ended the last time, where it is only one.
    pub(crate) fn exit(&self) -> Exit {
        if self.plan.single { self.workloads[0].exit } else { Exit::default() }
    }

    /// The process of the command, where it is only one.
    fn child_pid(&self) -> Option<u32> {
        self.workloads[0].attempts.running_pid().filter(|_| self.plan.single)
    }

    /// When the supervisor itself did not run, from and to in seconds of the monotonic clock.
    pub(crate) fn held_up(&self) -> &[(f64, f64)] {
        &self.held_up
    }

    /// The same by the wall clock, and when the machine was suspended.
    pub(crate) fn paused(&self) -> &[(Stamp, Stamp)] {
        &self.paused
    }

    /// Each start, by workload; with its name where there are several.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        let named = |workload: &Workload| {
            let name = (!self.plan.single).then(|| workload.plan.name.clone());
            let all = workload.attempts.all().to_vec();
            all.into_iter().map(move |attempt| Attempt { workload: name.clone(), ..attempt })
        };
        self.workloads.iter().flat_map(named).collect()
    }

    /// All incidents.
    pub(crate) fn incidents(&self) -> &Incidents {
        &self.incidents
    }

    /// What was captured of all.
    pub(crate) fn capture(&self) -> Capture {
        self.workloads.iter().fold(Capture::default(), |mut sum, workload| {
            sum.add_up(&workload.capture);
            sum
        })
    }

    /// Lines of one workload that are lost.
    pub(crate) fn lost_lines(&self, number: usize) -> u64 {
        self.workloads[number].capture.lost_lines
    }

    /// The name of each of several workloads, its state, and why it is in that.
    pub(crate) fn states(&self) -> impl Iterator<Item = (&str, State, &str)> {
        let all = self.workloads.iter().filter(|_| !self.plan.single);
        all.map(|workload| (workload.plan.name.as_str(), workload.state, workload.because.as_str()))
    }

    /// Whether it matters whose the next answer to the probe of a workload is.
    pub(crate) fn is_suspicious(&self, number: usize) -> bool {
        self.workloads[number].probe.is_suspicious()
    }

    /// The name of a workload.
    pub(crate) fn workload_name(&self, number: usize) -> &str {
        &self.plan.workloads[number].name
    }

    /// Each workload, as the record of the run has it; what is known of their logs stays.
    pub(crate) fn records(&self, known: &[WorkloadRecord]) -> Vec<WorkloadRecord> {
        let mut records: Vec<WorkloadRecord> = self.workloads.iter().map(|workload| self.record(workload)).collect();
        for (record, known) in records.iter_mut().zip(known) {
            record.logs.clone_from(&known.logs);
            record.evidence.clone_from(&known.evidence);
        }
        records
    }

    fn record(&self, workload: &Workload) -> WorkloadRecord {
        let plan = &workload.plan;
        let names = |(on, condition): &(usize, Condition)| (self.plan.workloads[*on].name.clone(), *condition);
        let end = self.stopped.or(self.ended.map(|(_, at)| at)).unwrap_or(self.last_step);
        let probe = &workload.probe;
        WorkloadRecord {
            name: plan.name.clone(),
            kind: plan.kind.clone(),
            required: plan.required,
            job: plan.job,
            command: plan.command.clone(),
            environment: plan.environment.clone(),
            tty: plan.tty,
            depends_on: plan.depends_on.iter().map(names).collect(),
            state: workload.state,
            because: workload.because.clone(),
            attempts: workload.attempts.all().to_vec(),
            restarts: workload.attempts.restarts(),
            startup_seconds: workload.startup.map(|startup| startup.as_secs_f64()),
            uptime_ratio: workload.uptime_ratio(end.mono),
            down: workload.downs.clone(),
            capture: workload.capture.clone(),
            resource_monitor: match self.plan.single {
                true => self.resource_monitor(),
                false => workload.resources.record(self.plan.sample_interval, &plan.limits),
            },
            probe: plan.ready.as_ref().map(|_| ProbeRecord {
                answers: probe.answers,
                episodes: probe.episodes,
                last_success: probe.last_success.clone(),
                last_failure: probe.last_failure.clone(),
            }),
            evidence: plan.evidence.clone(),
            logs: Vec::new(),
            stop: workload.stop.clone(),
        }
    }

    /// Each workload at this instant, by name.
    fn seen(&self, now: Now) -> BTreeMap<String, WorkloadSeen> {
        let counts = self.counts_by_workload();
        let numbers = 0..self.workloads.len();
        let one = |number: usize| {
            let workload = &self.workloads[number];
            let name = workload.plan.name.clone();
            let counts = counts.get(name.as_str()).cloned().unwrap_or_default();
            let waiting_for = self.waiting_for(number);
            let resources = if self.plan.single { &self.resources } else { &workload.resources };
            (name, workload.seen(now, (self.started_at, self.elapsed(now)), resources, waiting_for, counts))
        };
        numbers.map(one).collect()
    }

    /// Incidents of each workload by severity.
    fn counts_by_workload(&self) -> BTreeMap<&str, BTreeMap<Status, u64>> {
        let mut all: BTreeMap<&str, BTreeMap<Status, u64>> = BTreeMap::new();
        for incident in self.incidents.all() {
            let name = match &incident.workload {
                Some(name) => name.as_str(),
                None if self.plan.single => self.plan.workloads[0].name.as_str(),
                None => continue,
            };
            *all.entry(name).or_default().entry(incident.severity).or_default() += incident.count;
        }
        all
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

    /// What was sampled of all process trees together.
    pub(crate) fn resource_monitor(&self) -> ResourceMonitor {
        self.resources.record(self.plan.sample_interval, &self.plan.limits)
    }

    /// Incidents by severity.
    pub(crate) fn incident_counts(&self) -> BTreeMap<Status, u64> {
        self.incidents.counts().clone()
    }
}
