//! Notifications of a run: what people hear of while it goes on. They decide nothing, and hold nothing up.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Machine;
use crate::drills::derive::State;
use crate::finding::{Status, of_workload};
use crate::stage::notify::live::{Delivery, Live, Order};
use crate::stage::notify::message::{ALL_OVER, OVER};
use crate::stage::notify::policy::Policy;
use crate::stage::notify::report::{Outcome, Receipt};
use crate::stage::notify::{Event, Severity};
use crate::supervise::event::{Action, Now};
use crate::supervise::incidents::incident;
use crate::supervise::progress::Incident;
use crate::supervise::record::EndReason;
use crate::time::human_duration;

/// What happens again and again is told again after so many seconds at the earliest; rules may ask for less.
const AGAIN: f64 = 60.0;

/// The notifications of a run.
#[derive(Debug)]
pub(super) struct Notices {
    live: Live,
    run: String,
    /// The incidents that were told: when, in seconds since the start, and whether it was told that they are over.
    told: BTreeMap<String, (f64, bool)>,
    looked: f64,
}

impl Notices {
    pub(super) fn new((policy, run): (Arc<Policy>, String)) -> Self {
        Self { live: Live::new(policy), run, told: BTreeMap::new(), looked: 0.0 }
    }

    fn event(&self, now: Now, category: &str, severity: Severity, message: &str, fingerprint: &str) -> Event {
        let mut context = Map::new();
        context.insert("run".to_owned(), self.run.as_str().into());
        Event {
            at: now.mono.as_secs_f64(),
            category: category.to_owned(),
            severity,
            message: message.to_owned(),
            occurred_at: now.wall.to_string(),
            tags: Vec::new(),
            context,
            fingerprint: fingerprint.to_owned(),
        }
    }

    fn of_incident(&self, now: Now, found: &Incident, over: bool) -> Event {
        let severity = match found.severity {
            _ if over => Severity::Info,
            Status::Pass => Severity::Info,
            Status::Warn => Severity::Warning,
            Status::Fail => Severity::Critical,
        };
        let text = of_workload(found.workload.as_deref(), &found.message);
        let text = if over { format!("over: {text}") } else { text };
        // Of several workloads each incident is routed by the one that it is of, and that of a guard by the guard.
        let category = if found.workload.is_some() { "workload" } else { found.kind.as_str() };
        let guard = found.metadata.get("guard").and_then(Value::as_str);
        let category = guard.map_or_else(|| format!("run.{category}"), |name| format!("guard.{name}"));
        let mut event = self.event(now, &category, severity, &text, &found.id);
        let mut add = |key: &str, value: Value| drop(event.context.insert(key.to_owned(), value));
        add("incident", found.id.as_str().into());
        add("count", found.count.into());
        if let Some(name) = &found.workload {
            add("workload", name.as_str().into());
            add("kind", found.kind.as_str().into());
            event.tags.push(name.clone());
        }
        if let Some(drill) = &found.drill {
            event.context.insert("drill".to_owned(), drill.as_str().into());
            event.tags.push("drill".to_owned());
        }
        event
    }

    /// Whether an incident is to be told now.
    fn tells(&mut self, found: &Incident, at: f64) -> bool {
        let known = self.told.get(&found.id).map(|(told, _)| *told);
        // That a channel is dead is not told to it for ever.
        let again = known.is_none_or(|told| found.kind != "notify" && at - told >= AGAIN);
        if again {
            self.told.insert(found.id.clone(), (at, false));
        }
        again
    }
}

impl Machine {
    /// Tells of what is new, and what is due by itself.
    pub(super) fn tell(&mut self, now: Now, fresh: &[Incident], todo: &mut Vec<Action>) {
        let Some(notices) = &mut self.notices else { return };
        let at = now.mono.as_secs_f64();
        let mut orders = Vec::new();
        for found in fresh {
            if notices.tells(found, at) {
                let event = notices.of_incident(now, found, false);
                orders.extend(notices.live.event(&event));
            }
        }
        if at - notices.looked >= 1.0 {
            notices.looked = at;
            let over: Vec<&Incident> = self
                .incidents
                .all()
                .iter()
                .filter(|found| found.metadata.contains_key("recovered_at"))
                .filter(|found| notices.told.get(&found.id).is_some_and(|(_, over)| !over))
                .collect();
            for found in over {
                notices.told.insert(found.id.clone(), (at, true));
                let mut event = notices.of_incident(now, found, true);
                event.context.insert(OVER.to_owned(), true.into());
                if notices.told.values().all(|(_, over)| *over) {
                    event.context.insert(ALL_OVER.to_owned(), true.into());
                }
                orders.extend(notices.live.resolved(&event));
            }
        }
        let elapsed = human_duration(now.mono);
        let worst = self.incidents.worst().label();
        let alive = notices.event(
            now,
            "run.heartbeat",
            Severity::Info,
            &format!("the run goes on after {elapsed}; worst so far {worst}"),
            "run.heartbeat",
        );
        orders.extend(notices.live.tick(at, || alive));
        self.pass_on(now, orders, todo);
    }

    /// Tells of something about the run as a whole.
    pub(super) fn announce(
        &mut self,
        now: Now,
        (category, severity, message): (&str, Severity, &str),
        drill: Option<&str>,
        todo: &mut Vec<Action>,
    ) {
        let Some(notices) = &mut self.notices else { return };
        let mut event = notices.event(now, category, severity, message, &format!("{category}: {message}"));
        if let Some(drill) = drill {
            event.context.insert("drill".to_owned(), json!(drill));
            event.tags.push("drill".to_owned());
        }
        let orders = notices.live.event(&event);
        self.pass_on(now, orders, todo);
    }

    /// Tells how a drill ended.
    pub(super) fn announce_drill(&mut self, now: Now, drill: usize, todo: &mut Vec<Action>) {
        let Some((name, state, told)) = self.drills.as_ref().and_then(|drills| drills.outcome(drill)) else { return };
        let (word, severity) = match state {
            State::Passed => ("drill.passed", Severity::Info),
            State::Skipped => ("drill.skipped", Severity::Warning),
            State::Failed | State::NotRun => ("drill.failed", Severity::Critical),
        };
        let message = format!("the drill {name} {}: {told}", state.word());
        self.announce(now, (word, severity, message.trim_end_matches([':', ' '])), Some(&name), todo);
    }

    /// The run is over: the last that is told while it is supervised.
    pub(super) fn announce_end(&mut self, now: Now, why: EndReason, todo: &mut Vec<Action>) {
        let fresh = self.incidents.fresh();
        self.tell(now, &fresh, todo);
        let (severity, how) = match why {
            EndReason::DurationReached => (Severity::Info, "reached its time"),
            EndReason::AllCompleted => (Severity::Info, "ended when all was done"),
            EndReason::CommandEnded => (Severity::Warning, "ended with its command"),
            EndReason::GaveUp => (Severity::Critical, "gave its command up"),
            EndReason::WorkloadFailed => (Severity::Critical, "ended with a workload that failed"),
            EndReason::Interrupted => (Severity::Critical, "was interrupted"),
            EndReason::Guard => (Severity::Critical, "was ended by a guard"),
        };
        let message = format!("the run {how} after {}", human_duration(self.elapsed(now)));
        self.announce(now, ("run.ended", severity, &message), None, todo);
        if let Some(notices) = &mut self.notices {
            notices.live.end();
        }
    }

    pub(super) fn sent(&mut self, now: Now, channel: usize, delivery: Delivery, todo: &mut Vec<Action>) {
        let Some(notices) = &mut self.notices else { return };
        let (orders, delivered) = notices.live.sent(now.mono.as_secs_f64(), channel, delivery);
        // Of what happened alone: that a drill begins, or the run goes on, shows nothing.
        if let Some(event) = delivered.filter(|event| event.context.contains_key("incident")) {
            let drill = event.context.get("drill").and_then(Value::as_str).map(str::to_owned);
            let name = self.plan.notify.as_ref().map(|(policy, _)| policy.channels[channel].name.clone());
            self.notified(now, name.as_deref().unwrap_or_default(), drill.as_deref(), event.at);
        }
        self.pass_on(now, orders, todo);
    }

    /// Somebody looks after an incident.
    pub(super) fn acknowledged(&mut self, now: Now, id: &str) {
        if let Some(notices) = &mut self.notices {
            notices.live.acknowledged(id);
        }
        let drill = self.incidents.all().iter().find(|found| found.id == id).and_then(|found| found.drill.clone());
        if let Some(drill) = drill {
            self.drill_acknowledged(now, &drill);
        }
    }

    /// Whether it matters that somebody acknowledges something.
    pub(crate) fn waits_for_people(&self) -> bool {
        self.notices.as_ref().is_some_and(|notices| notices.live.waits()) || self.drills.is_some()
    }

    fn pass_on(&mut self, now: Now, orders: Vec<Order>, todo: &mut Vec<Action>) {
        for order in orders {
            if let Order::Keep(receipt) = &order {
                self.not_told(now, receipt);
            }
            todo.push(Action::Notify(order));
        }
    }

    /// Notes that a notification did not arrive; how bad that is, its gate says.
    fn not_told(&mut self, now: Now, receipt: &Receipt) {
        let what = format!("{} ({})", receipt.category, receipt.severity.word());
        let channel = receipt.channel.as_deref().unwrap_or_default();
        let message = match receipt.outcome {
            Outcome::Failed => {
                let why = receipt.error.as_deref().unwrap_or("the service refused it");
                format!("{channel} did not get {what}: {why}")
            }
            Outcome::Dropped => format!("{channel} did not get {what}: too much was waiting"),
            Outcome::Unrouted => format!("nobody hears of {what}: no rule brings it to a channel"),
            _ => return,
        };
        let key = format!("{channel}/{}", receipt.category);
        self.raise(&key, incident(Status::Pass, "notify", now.wall, message));
    }

    /// Who hears of what; none if nobody does.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        self.plan.notify.as_ref().map(|(policy, _)| &**policy)
    }

    /// Whether notifications are on their way.
    pub(crate) fn has_notices(&self) -> bool {
        self.notices.as_ref().is_some_and(|notices| !notices.live.is_idle())
    }

    /// Nobody waits any more for what has not arrived.
    pub(crate) fn give_up_notices(&mut self) -> Vec<Order> {
        self.notices.as_mut().map_or(Vec::new(), |notices| notices.live.give_up())
    }

    /// When something of notifications is due by itself.
    pub(super) fn notice_deadline(&self) -> Option<std::time::Duration> {
        let due = self.notices.as_ref().and_then(|notices| notices.live.due())?;
        std::time::Duration::try_from_secs_f64(due).ok()
    }
}
