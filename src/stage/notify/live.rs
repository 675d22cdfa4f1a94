//! Notifications of a live run: what goes out when, by a clock and deliveries that it is told of. One event at a time is on
//! its way to each channel, and what waits is bounded: an endpoint that is dead costs others nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use super::policy::Policy;
use super::report::{Outcome, Receipt};
use super::router::{Routed, Router};
use super::{Event, Severity};

/// So many events wait at most. The oldest of the least severity are dropped first; what is critical never is.
const MOST: usize = 256;

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    /// Send this event to the channel of this number; so many equal ones were held back before it.
    Send { channel: usize, event: Box<Event>, held_back: u64 },
    /// Keep what became of an event.
    Keep(Box<Receipt>),
}

/// What became of a try.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Delivery {
    /// Why it was not delivered; none if it was.
    pub error: Option<String>,
    pub attempts: u64,
    pub http_status: Option<u16>,
    pub duration_ms: u64,
}

/// The notifications of a run.
#[derive(Debug)]
pub(crate) struct Live {
    policy: Arc<Policy>,
    router: Router<Arc<Policy>>,
    lanes: Vec<Lane>,
    /// When the next sign of life is due.
    heartbeat: Option<f64>,
    over: bool,
}

/// What is on its way to a channel, and waits for that.
#[derive(Debug, Default)]
struct Lane {
    busy: Option<Job>,
    waiting: VecDeque<Job>,
}

#[derive(Clone, Debug)]
struct Job {
    event: Event,
    rule: Option<usize>,
    held_back: u64,
    /// Whether nobody had acknowledged it: it is not escalated again.
    escalated: bool,
}

impl Live {
    pub(crate) fn new(policy: Arc<Policy>) -> Self {
        Self {
            router: Router::new(Arc::clone(&policy)),
            lanes: policy.channels.iter().map(|_| Lane::default()).collect(),
            heartbeat: policy.heartbeat.as_ref().map(|heartbeat| heartbeat.every),
            policy,
            over: false,
        }
    }

    /// Something happened.
    pub(crate) fn event(&mut self, event: &Event) -> Vec<Order> {
        let mut orders = Vec::new();
        let Routed { deliver, suppressed } = self.router.route(event);
        let matched = !deliver.is_empty() || !suppressed.is_empty();
        for (channel, rule, held_back) in deliver {
            // What is on its way already need not go again.
            let same = |job: &Job| {
                job.rule == Some(rule)
                    && job.event.fingerprint == event.fingerprint
                    && job.event.severity >= event.severity
                    && self.policy.rules[rule].suppress > 0.0
            };
            let lane = &self.lanes[channel];
            if lane.busy.iter().chain(&lane.waiting).any(same) {
                orders.push(self.keep(event, Some((channel, Some(rule))), Outcome::Suppressed));
            } else {
                self.enqueue(
                    channel,
                    Job { event: event.clone(), rule: Some(rule), held_back, escalated: false },
                    &mut orders,
                );
            }
        }
        for (channel, rule) in suppressed {
            orders.push(self.keep(event, Some((channel, Some(rule))), Outcome::Suppressed));
        }
        if !matched && event.severity > Severity::Info {
            orders.push(self.keep(event, None, Outcome::Unrouted));
        }
        orders
    }

    /// Something is over of which channels heard: those whose rules ask for that hear of it.
    pub(crate) fn resolved(&mut self, event: &Event) -> Vec<Order> {
        let mut orders = Vec::new();
        for (channel, rule) in self.router.heard(&event.fingerprint) {
            if self.policy.rules[rule].resolve {
                self.enqueue(
                    channel,
                    Job { event: event.clone(), rule: None, held_back: 0, escalated: false },
                    &mut orders,
                );
            }
        }
        orders
    }

    /// What is due at `at`: escalations, and a sign of life with this message.
    pub(crate) fn tick(&mut self, at: f64, alive: impl FnOnce() -> Event) -> Vec<Order> {
        let mut orders = Vec::new();
        if self.over {
            return orders;
        }
        for (rule, event) in self.router.due(at) {
            let Some((_, to)) = self.policy.rules[rule].escalate.clone() else { continue };
            let mut event = Event { at, ..event };
            event.tags.push("escalated".to_owned());
            for channel in to {
                let job = Job { event: event.clone(), rule: Some(rule), held_back: 0, escalated: true };
                self.enqueue(channel, job, &mut orders);
            }
        }
        if let (Some(due), Some(heartbeat)) = (self.heartbeat, &self.policy.heartbeat)
            && at >= due
        {
            let channels = heartbeat.channels.clone();
            // What was missed while nothing ran is not made up for.
            self.heartbeat = Some((due + heartbeat.every).max(at + heartbeat.every / 2.0));
            let event = alive();
            for channel in channels {
                self.enqueue(
                    channel,
                    Job { event: event.clone(), rule: None, held_back: 0, escalated: false },
                    &mut orders,
                );
            }
        }
        orders
    }

    /// When something is due by itself at the latest.
    pub(crate) fn due(&self) -> Option<f64> {
        let escalation = self.router.next();
        self.heartbeat.filter(|_| !self.over).into_iter().chain(escalation).reduce(f64::min)
    }

    /// A channel is done with its event. Gives that event, where it was delivered.
    pub(crate) fn sent(&mut self, at: f64, channel: usize, delivery: Delivery) -> (Vec<Order>, Option<Event>) {
        let Some(job) = self.lanes.get_mut(channel).and_then(|lane| lane.busy.take()) else {
            return (Vec::new(), None);
        };
        let outcome = if delivery.error.is_none() { Outcome::Delivered } else { Outcome::Failed };
        let delivered = (outcome == Outcome::Delivered).then(|| job.event.clone());
        if let (Some(rule), true) = (job.rule, delivered.is_some() && !job.escalated) {
            self.router.pass(at);
            self.router.delivered(&job.event, channel, rule);
        }
        let receipt = Receipt {
            attempt: delivery.attempts,
            http_status: delivery.http_status,
            duration_ms: delivery.duration_ms,
            error: delivery.error,
            ..self.receipt(&job.event, Some((channel, job.rule)), outcome)
        };
        let mut orders = vec![Order::Keep(Box::new(receipt))];
        self.go_on(channel, &mut orders);
        (orders, delivered)
    }

    /// Somebody looks after the event with this fingerprint.
    pub(crate) fn acknowledged(&mut self, fingerprint: &str) {
        self.router.acknowledged(Some(fingerprint));
    }

    /// Whether somebody has still to acknowledge something, or it is escalated.
    pub(crate) fn waits(&self) -> bool {
        self.router.next().is_some()
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.lanes.iter().all(|lane| lane.busy.is_none() && lane.waiting.is_empty())
    }

    /// The run is over: what is on its way still may arrive, and nothing begins by itself.
    pub(crate) fn end(&mut self) {
        self.over = true;
    }

    /// Nobody waits any more for what has not arrived.
    pub(crate) fn give_up(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        for channel in 0..self.lanes.len() {
            let lane = std::mem::take(&mut self.lanes[channel]);
            for job in lane.busy.into_iter().chain(lane.waiting) {
                let error = Some("it had not arrived when the run was over".to_owned());
                let receipt = self.receipt(&job.event, Some((channel, job.rule)), Outcome::Failed);
                orders.push(Order::Keep(Box::new(Receipt { error, ..receipt })));
            }
        }
        orders
    }

    fn enqueue(&mut self, channel: usize, job: Job, orders: &mut Vec<Order>) {
        self.lanes[channel].waiting.push_back(job);
        self.go_on(channel, orders);
        if self.lanes.iter().map(|lane| lane.waiting.len()).sum::<usize>() > MOST {
            self.drop_one(orders);
        }
    }

    /// Drops the oldest of what matters least, unless that is critical.
    fn drop_one(&mut self, orders: &mut Vec<Order>) {
        for severity in [Severity::Info, Severity::Warning] {
            let of = |lane: &Lane| lane.waiting.iter().position(|job| job.event.severity == severity);
            let places = self.lanes.iter().enumerate().filter_map(|(channel, lane)| Some((channel, of(lane)?)));
            let oldest = places.min_by(|a, b| {
                let at = |(channel, place): &(usize, usize)| self.lanes[*channel].waiting[*place].event.at;
                at(a).total_cmp(&at(b))
            });
            if let Some((channel, place)) = oldest
                && let Some(job) = self.lanes[channel].waiting.remove(place)
            {
                return orders.push(self.keep(&job.event, Some((channel, job.rule)), Outcome::Dropped));
            }
        }
    }

    fn go_on(&mut self, channel: usize, orders: &mut Vec<Order>) {
        let lane = &mut self.lanes[channel];
        if lane.busy.is_some() {
            return;
        }
        if let Some(job) = lane.waiting.pop_front() {
            let event = Box::new(job.event.clone());
            orders.push(Order::Send { channel, event, held_back: job.held_back });
            lane.busy = Some(job);
        }
    }

    fn keep(&self, event: &Event, to: Option<(usize, Option<usize>)>, outcome: Outcome) -> Order {
        Order::Keep(Box::new(self.receipt(event, to, outcome)))
    }

    fn receipt(&self, event: &Event, to: Option<(usize, Option<usize>)>, outcome: Outcome) -> Receipt {
        Receipt::of(&self.policy, event, to, outcome)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stage::notify::policy;

    fn live(policy: &serde_json::Value) -> Live {
        Live::new(Arc::new(policy::read(policy, &|_| Err("none".to_owned())).unwrap()))
    }

    fn event(at: f64, severity: Severity, fingerprint: &str) -> Event {
        Event {
            at,
            category: "run.log_level".to_owned(),
            severity,
            message: fingerprint.to_owned(),
            fingerprint: fingerprint.to_owned(),
            ..Event::default()
        }
    }

    fn policy(rule: &serde_json::Value) -> serde_json::Value {
        let mut policy = json!({
            "channels": [
                {"name": "chat", "type": "exec", "argv": ["true"]},
                {"name": "pager", "type": "exec", "argv": ["true"]},
            ],
            "rules": [{"name": "run", "categories": ["run.*"], "channels": ["chat"]}],
        });
        for (key, value) in rule.as_object().unwrap() {
            policy["rules"][0][key] = value.clone();
        }
        policy
    }

    fn sends(orders: &[Order]) -> Vec<usize> {
        let sends = orders.iter().filter_map(|order| match order {
            Order::Send { channel, .. } => Some(*channel),
            Order::Keep(_) => None,
        });
        sends.collect()
    }

    fn outcomes(orders: &[Order]) -> Vec<Outcome> {
        let kept = orders.iter().filter_map(|order| match order {
            Order::Keep(receipt) => Some(receipt.outcome),
            Order::Send { .. } => None,
        });
        kept.collect()
    }

    const OK: Delivery = Delivery { error: None, attempts: 1, http_status: None, duration_ms: 1 };

    #[test]
    fn equal_events_wait_for_nothing_and_a_failure_suppresses_nothing() {
        let mut live = live(&policy(&json!({"suppress": "5m"})));
        assert_eq!(sends(&live.event(&event(0.0, Severity::Warning, "a"))), [0]);
        assert_eq!(outcomes(&live.event(&event(1.0, Severity::Warning, "a"))), [Outcome::Suppressed], "on its way");
        let failed = Delivery { error: Some("HTTP 500".to_owned()), ..OK };
        assert_eq!(outcomes(&live.sent(2.0, 0, failed).0), [Outcome::Failed]);
        assert_eq!(sends(&live.event(&event(3.0, Severity::Warning, "a"))), [0], "nobody has heard of it");
        let (orders, delivered) = live.sent(4.0, 0, OK);
        assert_eq!((outcomes(&orders), delivered.is_some()), (vec![Outcome::Delivered], true));
        assert_eq!(outcomes(&live.event(&event(5.0, Severity::Warning, "a"))), [Outcome::Suppressed]);
        assert_eq!(sends(&live.event(&event(6.0, Severity::Critical, "a"))), [0], "worse than what was told");
    }

    #[test]
    fn what_nobody_acknowledges_is_escalated_once_and_what_is_over_is_told() {
        let rule = json!({"escalate_after": "10s", "escalate_to": ["pager"], "resolve": true});
        for acknowledged in [false, true] {
            let mut live = live(&policy(&rule));
            live.event(&event(0.0, Severity::Critical, "a"));
            live.sent(1.0, 0, OK);
            assert_eq!(live.due(), Some(11.0));
            if acknowledged {
                live.acknowledged("a");
            }
            let due = live.tick(11.0, Event::default);
            assert_eq!(sends(&due), if acknowledged { vec![] } else { vec![1] });
            live.sent(12.0, 1, OK);
            assert_eq!(sends(&live.tick(30.0, Event::default)), [] as [usize; 0], "once");
            assert_eq!(sends(&live.resolved(&event(31.0, Severity::Info, "a"))), [0]);
            assert_eq!(sends(&live.resolved(&event(31.0, Severity::Info, "b"))), [] as [usize; 0]);
        }
    }

    #[test]
    fn a_dead_channel_holds_up_no_other_and_criticals_are_never_dropped() {
        let mut live = live(&policy(&json!({"channels": ["chat", "pager"]})));
        let mut dropped = 0;
        for n in 0..3000_u32 {
            let severity = if n % 100 == 0 { Severity::Critical } else { Severity::Warning };
            let orders = live.event(&event(f64::from(n), severity, &n.to_string()));
            let kept = outcomes(&orders);
            dropped += kept.iter().filter(|outcome| **outcome == Outcome::Dropped).count();
            // The pager answers at once, the chat never.
            for channel in sends(&orders) {
                if channel == 1 {
                    live.sent(f64::from(n), 1, OK);
                }
            }
        }
        assert!(dropped > 2000 && live.lanes[0].waiting.len() <= MOST, "{dropped}");
        let critical = live.lanes[0].waiting.iter().filter(|job| job.event.severity == Severity::Critical).count();
        assert_eq!(critical, 29, "but for the one that is on its way");
        assert!(live.lanes[1].waiting.is_empty());
        assert!(outcomes(&live.give_up()).iter().all(|outcome| *outcome == Outcome::Failed) && live.is_idle());
    }

    #[test]
    fn signs_of_life_come_at_their_times_and_what_nobody_hears_of_is_kept() {
        let mut with = policy(&json!({}));
        with["heartbeat"] = json!({"every": "1h", "channels": ["pager"]});
        let mut live = live(&with);
        assert_eq!(sends(&live.tick(3599.0, Event::default)), [] as [usize; 0]);
        assert_eq!(sends(&live.tick(3600.0, Event::default)), [1]);
        assert_eq!(live.due(), Some(7200.0));
        let mut other = event(0.0, Severity::Critical, "x");
        other.category = "drill.failed".to_owned();
        assert_eq!(outcomes(&live.event(&other)), [Outcome::Unrouted]);
    }
}
