//! What is left when the run is over: the report, and what was learnt about alerts.

use serde_json::{Value, json};

use super::super::report::{AlertOutcome, Config, Report, SCHEMA, StepState, ms};
use super::super::{Settings, Step};
use super::{Machine, Stream};
use crate::finding::{Finding, Status};

impl Machine {
    /// What is left when the run is over, with what was learnt about alerts.
    pub fn finish(mut self, mut config: Config) -> (Report, AlertOutcome, Settings) {
        let ended = self.ended.unwrap_or_default();
        if self.settings.skip_alert {
            for step in [Step::Safety, Step::Veto, Step::Alert] {
                self.report(step).state = StepState::Skipped;
            }
            self.metrics.insert("adminAlert", json!({ "observed": false, "skipped": true }));
        }
        if !self.settings.seed_alert || matches!(self.alert, Some(AlertOutcome::Seen { seeded: false, .. })) {
            for step in [Step::Seed, Step::SeededAlert] {
                self.report(step).state = StepState::Skipped;
            }
        }
        let alert = self.alert.take().unwrap_or_else(|| self.no_alert());
        if let Some(session) = self.session.as_mut().and_then(Value::as_object_mut) {
            session.insert("closed".to_owned(), self.closed.into());
        }
        self.findings.extend(self.stream_findings());
        self.doubt_stream();
        if let Some(error) = &self.error {
            self.findings.push(Finding::fail(error));
        }
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let status = Status::roll_up(self.findings.iter().map(|finding| finding.severity));
        config.slo_ms = self.settings.slos.iter().map(|(step, slo)| (*step, ms(*slo))).collect();
        // An answer may repeat what it was sent; nothing of that may get out.
        for value in self.metrics.values_mut().chain(&mut self.account).chain(&mut self.session) {
            self.secrets.mask_json(value);
        }
        let report = Report {
            schema: SCHEMA,
            status,
            verdict: status,
            run_id: self.settings.run_id.clone(),
            started_at: self.settings.started_at.millis_z(),
            base_url: self.settings.base_url.clone(),
            config,
            metrics: self.metrics,
            event_counts: self.event_counts,
            account: self.account,
            session: self.session,
            stream: (self.stream != Stream::Unopened).then_some(self.facts),
            success: status != Status::Fail,
            error: self.error.map(|message| json!({ "message": message })),
            completed_at: self.settings.started_at.plus(ended).millis_z(),
            duration_ms: ms(ended),
            steps: self.steps.into_values().collect(),
            findings: self.findings,
            answered: self.answered,
            simulated: false,
            percentiles: Vec::new(),
        };
        (report, alert, self.settings)
    }

    fn no_alert(&self) -> AlertOutcome {
        let last = [Step::SeededAlert, Step::Seed, Step::Alert, Step::Safety].map(|step| &self.steps[&step]);
        let failed = last.iter().find(|entry| entry.state == StepState::Failed);
        match failed {
            Some(entry) => AlertOutcome::None { step: "failed", detail: entry.detail.clone() },
            None if self.settings.skip_alert => {
                AlertOutcome::None { step: "skipped", detail: "the alert steps were left out".to_owned() }
            }
            None => AlertOutcome::None { step: "not-reached", detail: self.error.clone().unwrap_or_default() },
        }
    }

    fn stream_findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for loss in &self.facts.losses {
            let until = loss
                .reopened_at
                .as_deref()
                .map_or("and was not open again".to_owned(), |at| format!("and open again at {at}"));
            let missed = if loss.resumable {
                "the server was told the last event id"
            } else {
                "the server sends no event ids, so what it sent in between was missed"
            };
            findings
                .push(Finding::warn(format!("the stream was lost at {} ({}) {until}; {missed}", loss.at, loss.reason)));
        }
        if self.facts.unparsable > 0 {
            let shown =
                self.facts.unparsable_samples.first().map_or(String::new(), |text| format!(", such as {text:?}"));
            let count = self.facts.unparsable;
            findings.push(Finding::warn(format!("{count} events of the stream could not be read{shown}")));
        }
        if self.facts.named_events > 0 {
            let count = self.facts.named_events;
            findings.push(Finding::warn(format!(
                "{count} events carried an `event:` name: clients that listen for unnamed messages do not see them"
            )));
        }
        findings
    }
}
