//! What is awaited: satisfied by an event, or over when its time is up.

use std::time::Duration;

use serde_json::json;

use super::super::Step;
use super::super::report::{AlertOutcome, StepState, ms};
use super::super::waits::Seen;
use super::{Machine, Phase, Stream, Wait};
use crate::finding::Finding;
use crate::time::human_duration;

impl Machine {
    /// Gives an event to the waits that it satisfies.
    pub(super) fn offer(&mut self, seen: &Seen) {
        self.doubt_ending(seen);
        let mut open = Vec::new();
        for wait in std::mem::take(&mut self.waits) {
            if seen.at >= wait.base && self.correlation.satisfies(wait.step, seen) {
                self.satisfied(&wait, seen);
            } else {
                open.push(wait);
            }
        }
        self.waits = open;
    }

    pub(super) fn satisfied(&mut self, wait: &Wait, seen: &Seen) {
        let latency = ms(seen.at.saturating_sub(wait.base));
        let field = |path: &str| seen.payload.pointer(path).cloned().unwrap_or_default();
        let mut detail = String::new();
        match wait.step {
            Step::Resolve => {
                let tier = field("/tier");
                detail = tier.as_str().unwrap_or_default().to_owned();
                let metric = json!({ "id": self.correlation.check, "tier": tier, "latencyMs": latency });
                self.metrics.insert("checkResolution", metric);
            }
            Step::Overlay => {
                self.metrics.insert("overlaySync", json!({ "observed": true, "latencyMs": latency }));
            }
            Step::Veto => {
                self.metrics.insert("safetyVeto", json!({ "observed": true, "latencyMs": latency }));
            }
            Step::Alert | Step::SeededAlert => {
                let seeded = wait.step == Step::SeededAlert;
                let at = self.stamp(seen.at);
                let (severity, reason) = (field("/severity"), field("/reason"));
                detail = format!("{} {}", severity.as_str().unwrap_or("?"), reason.as_str().unwrap_or("?"));
                self.metrics.insert(
                    "adminAlert",
                    json!({
                        "observed": true, "latencyMs": latency, "severity": severity, "reason": reason,
                        "seeded": seeded, "checkId": field("/data/checkId"), "observedAt": at.millis_z(),
                    }),
                );
                self.alert = Some(AlertOutcome::Seen { seeded, at, latency_ms: latency, severity, reason });
            }
            Step::Closed => {
                self.metrics.insert("sessionClosure", json!({ "latencyMs": latency }));
            }
            Step::Queue => {
                let job = field("/jobId");
                self.metrics.insert("offlineQueue", json!({ "observed": true, "latencyMs": latency, "jobId": job }));
            }
            _ => {}
        }
        self.doubt_event(wait.step, seen);
        let detail = self.secrets.mask(&detail);
        self.pass(seen.at, wait.base, wait.step, detail);
    }

    /// Ends requests and waits whose time is up.
    pub(super) fn expire(&mut self, now: Duration) {
        if self.phase == Phase::Done {
            return;
        }
        if now >= self.settings.deadline {
            let step = self.pending.as_ref().map(|pending| pending.step);
            let why = format!("the deadline of {} was reached", human_duration(self.settings.deadline));
            if let Some(step) = step {
                self.mark_failed(step, &why);
            }
            self.error.get_or_insert(why);
            self.enter(now, Phase::Done);
            return;
        }
        if self.phase < Phase::Cleanup && now >= self.work_deadline() {
            let why = format!("the deadline of {} was near", human_duration(self.settings.deadline));
            for wait in std::mem::take(&mut self.waits) {
                self.mark_failed(wait.step, &why);
            }
            let step = self.pending.as_ref().map(|pending| pending.step);
            self.fail(now, step, &why);
            return;
        }
        let timeout = self.settings.timeout;
        if let Some(pending) = &self.pending
            && let Some((_, sent)) = pending.sent
            && now >= sent + timeout
        {
            let why = format!("no complete answer within {}", human_duration(timeout));
            self.try_again_or_fail(now, pending.step, None, &why);
        }
        if let Some(pending) = &self.pending
            && pending.sent.is_none()
            && now >= pending.due + timeout
        {
            let why = format!("the stream was lost and not open again within {}", human_duration(timeout));
            self.fail(now, Some(pending.step), &why);
        }
        let dead = match &self.stream {
            Stream::Dead(why) => Some(why.clone()),
            _ => None,
        };
        let (over, open): (Vec<Wait>, Vec<Wait>) =
            std::mem::take(&mut self.waits).into_iter().partition(|wait| dead.is_some() || now >= wait.until);
        self.waits = open;
        for wait in over {
            let awaited = self.correlation.describe(wait.step);
            let why = match &dead {
                Some(why) => format!("{awaited} was not seen: {why}"),
                None => format!("{awaited} was not seen within {}{}", human_duration(timeout), self.gap_note()),
            };
            self.missed(now, wait.step, why);
        }
    }

    /// What a timeout may owe to a loss of the stream.
    pub(super) fn gap_note(&self) -> &'static str {
        match (&self.stream, self.facts.losses.is_empty()) {
            (Stream::Reopening(_), _) => "; the stream is lost",
            (_, false) => "; the stream was lost in between, so it may have been missed",
            _ => "",
        }
    }

    /// A wait that was in vain: some are vital, an alert may still be seeded.
    pub(super) fn missed(&mut self, now: Duration, step: Step, why: String) {
        match step {
            Step::Overlay => self.metrics.insert("overlaySync", json!({ "observed": false })),
            Step::Veto => self.metrics.insert("safetyVeto", json!({ "observed": false })),
            Step::Queue => self.metrics.insert("offlineQueue", json!({ "observed": false })),
            Step::SeededAlert => self.metrics.insert("adminAlert", json!({ "observed": false, "seeded": true })),
            _ => None,
        };
        self.mark_failed(step, &why);
        match step {
            Step::Alert if self.settings.seed_alert => {
                self.findings.push(Finding::warn(format!("no live alert: {why}; a seed was sent instead")));
            }
            _ if step.is_vital() => self.fail(now, Some(step), &why),
            _ => self.findings.push(Finding::warn(why)),
        }
    }

    pub(super) fn mark_failed(&mut self, step: Step, why: &str) {
        let why = self.secrets.mask(why);
        let entry = self.report(step);
        entry.state = StepState::Failed;
        entry.detail = why;
    }
}
