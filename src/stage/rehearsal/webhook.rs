//! Captured webhooks of Prometheus Alertmanager: the same alert arrives again and again until it is resolved.

use std::collections::HashMap;

use serde_json::Value;

use super::record::Record;
use super::{Fired, Labels};
use crate::time::Stamp;

/// Whether a record is an alert in Alertmanager's form.
pub(super) fn is_alert(record: &Record) -> bool {
    record.0.contains_key("startsAt") && record.0.get("labels").is_some_and(Value::is_object)
}

/// Alerts so far; repeats of one are one.
#[derive(Default)]
pub(super) struct Webhooks {
    alerts: Vec<Fired>,
    seen: HashMap<(Labels, Stamp), usize>,
}

impl Webhooks {
    /// Adds an alert, or news of one that is known already.
    pub(super) fn add(&mut self, record: &Record) -> Result<(), String> {
        let labels = record.labels()?;
        let rule = labels.get("alertname").cloned().ok_or("the alert has no label `alertname`")?;
        let at = record.time("startsAt")?.ok_or("`startsAt` is missing")?;
        // While an alert fires, Alertmanager writes the year 1, or a guess in the future, as its end.
        let firing = record.text("status")?.is_some_and(|status| status == "firing");
        let end = record.time("endsAt")?.filter(|end| !firing && end.micros() > 0);
        if end.is_some_and(|end| end < at) {
            return Err("it ends (`endsAt`) before it fires (`startsAt`)".to_owned());
        }
        let resolved_at = record.time("endsAt")?.filter(|end| !firing && *end >= at);
        let any = |names: [&str; 2]| names.iter().find_map(|name| labels.get(*name)).cloned();
        let (tier, incident) = (any(["tier", "severity"]), any(["incident", "incident_id"]));
        let known = self.seen.entry((labels.clone(), at)).or_insert(self.alerts.len());
        match self.alerts.get_mut(*known) {
            Some(alert) => alert.resolved_at = alert.resolved_at.or(resolved_at),
            None => self.alerts.push(Fired { rule, tier, at, incident, acked_at: None, resolved_at, labels }),
        }
        Ok(())
    }

    /// The alerts, in the order of their first arrival.
    pub(super) fn finish(self) -> Vec<Fired> {
        self.alerts
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::fired;

    #[test]
    fn repeats_are_one_alert_and_the_end_is_learnt_from_the_last() {
        let alert = |status: &str, end: &str| {
            format!(
                r#"{{"status":"{status}","labels":{{"alertname":"disk","severity":"page","host":"a"}},
                "startsAt":"2025-01-06T09:00:00.123456789Z","endsAt":"{end}","fingerprint":"f"}}"#
            )
            .replace('\n', " ")
        };
        let text = format!(
            "{{\"version\":\"4\",\"alerts\":[{}]}}\n{{\"alerts\":[{}]}}\n",
            alert("firing", "0001-01-01T00:00:00Z"),
            alert("resolved", "2025-01-06T09:05:00Z")
        );
        let found = fired(text.as_bytes(), "f");
        assert!(found.faults.is_empty(), "{:?}", found.faults);
        assert_eq!(found.records.len(), 1);
        let only = &found.records[0];
        assert_eq!((only.rule.as_str(), only.tier.as_deref()), ("disk", Some("page")));
        assert_eq!(only.resolved_at.map(|at| at.human()).as_deref(), Some("2025-01-06 09:05:00Z"));
    }
}
