//! How far the probe of a workload has got: pure counters, which begin again with each attempt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::ReadyPlan;
use crate::time::Stamp;

/// An answer to a probe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Whether it is the one that is hoped for.
    pub ok: bool,
    /// Whether a process of the workload itself listens there; none if that cannot be told.
    pub own: Option<bool>,
    /// What was seen, without secrets.
    pub message: String,
}

/// The last probe of a workload, as snapshots show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeSeen {
    /// When it came back.
    pub at: Stamp,
    /// Whether it passed.
    pub ok: bool,
    /// Failures in a row.
    pub failures: u64,
    /// What was seen.
    pub message: String,
}

/// The look at a workload before it is started: an answer then comes from somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Before {
    /// Not taken yet.
    #[default]
    Open,
    /// On its way.
    Asked,
    /// Taken.
    Done,
}

/// The probe of a workload.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    /// The look before the start that comes next.
    pub before: Before,
    /// Whether an answer is awaited.
    pub in_flight: bool,
    /// When the next one is due, on the monotonic clock.
    pub next: Duration,
    successes: u64,
    failures: u64,
    /// Whether somebody else answered while the workload was down: only a failure, or an answer of its own, tells that
    /// what answers is the workload.
    suspicious: bool,
    /// The last answer, and the last of each kind.
    pub last: Option<ProbeSeen>,
    pub last_failure: Option<ProbeSeen>,
    pub last_success: Option<ProbeSeen>,
    /// Answers over all attempts.
    pub answers: u64,
    /// How many times it was unready.
    pub episodes: u64,
}

/// What an answer changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Same,
    /// It is ready.
    Ready,
    /// It is not ready any more.
    Unready,
}

impl Probe {
    /// A new attempt began at `now`.
    pub(crate) fn begin(&mut self, plan: &ReadyPlan, now: Duration) {
        (self.successes, self.failures, self.in_flight) = (0, 0, false);
        self.before = Before::Open;
        self.next = now + plan.initial_delay;
    }

    /// Somebody answered while the workload was down.
    pub(crate) fn suspect(&mut self) {
        self.suspicious = true;
    }

    /// Whether it matters whose the next answer is.
    pub(crate) fn is_suspicious(&self) -> bool {
        self.suspicious
    }

    /// Takes the answer to a probe of the attempt that runs.
    pub(crate) fn answered(&mut self, plan: &ReadyPlan, answer: &Answer, at: Stamp) -> Verdict {
        let foreign = answer.ok && self.suspicious && answer.own != Some(true);
        let ok = answer.ok && !foreign;
        self.answers += 1;
        if ok {
            (self.successes, self.failures, self.suspicious) = (self.successes + 1, 0, false);
        } else {
            (self.successes, self.failures) = (0, self.failures + 1);
            self.suspicious &= foreign;
        }
        let message = match foreign {
            true => format!("{}, but so it did while the workload was down", answer.message),
            false => answer.message.clone(),
        };
        let seen = ProbeSeen { at, ok, failures: self.failures, message };
        *(if ok { &mut self.last_success } else { &mut self.last_failure }) = Some(seen.clone());
        self.last = Some(seen);
        match ok {
            true if self.successes >= plan.successes => Verdict::Ready,
            false if self.failures >= plan.failures => Verdict::Unready,
            _ => Verdict::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_counts_in_a_row_and_anew_with_each_attempt() {
        let plan = ReadyPlan {
            by_log: false,
            shown: "x".to_owned(),
            interval: Duration::from_secs(1),
            successes: 2,
            failures: 3,
            initial_delay: Duration::ZERO,
            within: Duration::from_secs(60),
            may_precede: false,
        };
        let at = Stamp::from_seconds(0).unwrap();
        let answer = |ok, own| Answer { ok, own, message: "m".to_owned() };
        let mut probe = Probe::default();
        let take = |probe: &mut Probe, ok, own| probe.answered(&plan, &answer(ok, own), at);
        let (ready, same, unready) = (Verdict::Ready, Verdict::Same, Verdict::Unready);
        for (ok, expect) in [(true, same), (false, same), (true, same), (true, ready), (true, ready)] {
            assert_eq!(take(&mut probe, ok, None), expect);
        }
        for (ok, expect) in [(false, same), (false, same), (true, same), (false, same), (false, same), (false, unready)]
        {
            assert_eq!(take(&mut probe, ok, None), expect);
        }
        probe.begin(&plan, Duration::ZERO);
        assert_eq!(take(&mut probe, true, None), same, "one success is not two, whatever was before");
        // Somebody else answers: only a failure, or the own socket, shows who it is.
        probe.begin(&plan, Duration::ZERO);
        probe.suspect();
        for (ok, own, expect) in
            [(true, Some(false), same), (false, None, same), (true, None, same), (true, None, ready)]
        {
            assert_eq!(take(&mut probe, ok, own), expect);
        }
        probe.begin(&plan, Duration::ZERO);
        probe.suspect();
        assert_eq!([take(&mut probe, true, Some(true)), take(&mut probe, true, None)], [same, ready]);
    }
}
