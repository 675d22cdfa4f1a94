//! The states of a workload over a run: whether they can have followed each other, and when it was up.

use super::spans::Spans;
use crate::supervise::record::WorkloadRecord;
use crate::supervise::workloads::document::PlannedWorkload;
use crate::supervise::workloads::state::{Change, State};
use crate::time::Stamp;

/// The states of one workload.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    changes: Vec<Change>,
    /// When each attempt ended, in seconds since the start of the run.
    ends: Vec<Option<f64>>,
}

impl Course {
    pub(super) fn new(changes: Vec<Change>, record: &WorkloadRecord, started_at: Stamp) -> Self {
        // The wall clock may have been set: the change that came of an end says what the two clocks showed.
        let end = |(at, number): (Stamp, u64)| {
            let change = changes.iter().find(|change| change.attempt == number && change.at >= at && after(change.to));
            change.map_or_else(
                || at.seconds_since(started_at),
                |change| change.mono_seconds - change.at.seconds_since(at),
            )
        };
        let ends = record.attempts.iter().map(|attempt| attempt.ended_at.map(|at| end((at, attempt.number))));
        Self { ends: ends.collect(), changes }
    }

    /// The last state.
    pub(super) fn last(&self) -> State {
        self.changes.last().map_or(State::Pending, |change| change.to)
    }

    /// The change that led to the last state.
    pub(super) fn last_change(&self) -> Option<&Change> {
        self.changes.last()
    }

    /// Whether it was ever in a state.
    pub(super) fn was(&self, state: State) -> bool {
        self.changes.iter().any(|change| change.to == state)
    }

    /// When its conditions were met first: that of its first start.
    pub(super) fn met(&self) -> Option<f64> {
        self.changes.iter().find(|change| change.to.is_started()).map(|change| change.mono_seconds)
    }

    /// When it was asked to stop, where that was the last that it was asked.
    pub(super) fn stopping(&self) -> Option<f64> {
        self.changes.iter().rev().find(|change| change.to == State::Stopping).map(|change| change.mono_seconds)
    }

    /// When it was up.
    pub(super) fn up(&self, end: f64) -> Spans {
        let next = self.changes.iter().skip(1).map(Some).chain([None]);
        let spans = self.changes.iter().zip(next).filter(|(change, _)| change.to.is_up()).map(|(change, next)| {
            let ended = usize::try_from(change.attempt).ok().and_then(|number| number.checked_sub(1));
            let ended = ended.and_then(|at| self.ends.get(at).copied().flatten());
            let to = next.map_or(end, |next| next.mono_seconds).min(ended.unwrap_or(end)).min(end);
            (change.mono_seconds, to)
        });
        Spans::of(spans.collect())
    }

    /// Its states until the end of the run, in seconds since its start.
    pub(super) fn states(&self, end: f64) -> impl Iterator<Item = (f64, f64, State)> + '_ {
        let next = self.changes.iter().skip(1).map(|next| next.mono_seconds).chain([end]);
        let states = self.changes.iter().zip(next);
        states.map(|(change, next)| (change.mono_seconds, next, change.to)).filter(|(from, to, _)| to > from)
    }

    /// Why it was not up at an instant.
    pub(super) fn cause(&self, at: f64) -> String {
        let after = self.changes.iter().find(|change| change.mono_seconds >= at && !change.to.is_up());
        let before = self.changes.iter().rev().find(|change| change.mono_seconds <= at);
        match (before, after) {
            (Some(before), _) if !before.to.is_up() => said(before),
            (_, Some(after)) => said(after),
            _ => "not started".to_owned(),
        }
    }

    /// What cannot be true of it.
    pub(super) fn contradictions(&self, record: &WorkloadRecord, planned: &PlannedWorkload, over: bool) -> Vec<String> {
        let name = &planned.name;
        let mut wrong = Vec::new();
        let mut state = State::Pending;
        let mut mono = 0.0;
        for change in &self.changes {
            if change.from != state {
                let (from, was) = (change.from.word(), state.word());
                wrong.push(format!("{name} left the state {from}, but it was {was}: a change is missing"));
            } else if !state.leads_to(change.to) {
                wrong.push(format!("{name} cannot go from {} to {}", state.word(), change.to.word()));
            }
            if change.mono_seconds < mono {
                wrong.push(format!("the changes of {name} are not in order of time"));
            }
            (state, mono) = (change.to, change.mono_seconds.max(mono));
        }
        if over && state != record.state {
            let (said, last) = (record.state.word(), state.word());
            wrong.push(format!("{name} is {said} by the record, but {last} by its last change of state"));
        }
        let starts = self.changes.iter().filter(|change| {
            matches!(change.to, State::Starting | State::Running) && !matches!(change.from, State::Starting)
        });
        let (starts, attempts) = (starts.count(), record.attempts.len());
        if over && starts != attempts {
            wrong.push(format!("{name} was started {starts} times by its states, {attempts} times by the record"));
        }
        if over && record.restarts < (attempts as u64).saturating_sub(1) {
            let restarts = record.restarts;
            wrong.push(format!("{name} has {attempts} attempts by the record, but {restarts} restarts"));
        }
        let answers = record.probe.as_ref().map_or(0, |probe| probe.answers);
        if planned.ready.is_some() {
            if self.was(State::Running) {
                wrong.push(format!("{name} was up without a look at its probe"));
            } else if over && answers == 0 && self.was(State::Ready) {
                wrong.push(format!("{name} was ready, but no answer to its probe is recorded"));
            }
        }
        wrong
    }
}

/// Whether a state comes of the end of a process.
fn after(state: State) -> bool {
    state.is_final() || state == State::Restarting
}

fn said(change: &Change) -> String {
    match change.because.is_empty() {
        true => change.to.word().to_owned(),
        false => format!("{}: {}", change.to.word(), change.because),
    }
}
