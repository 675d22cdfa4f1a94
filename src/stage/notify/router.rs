//! Decides what goes where, by a clock that it is given: the same for a live run and for one that is played back.

use std::collections::BTreeMap;
use std::ops::Deref;

use super::policy::{Policy, Rule};
use super::{Event, Severity};
use crate::prose::glob_matches;

/// What is decided about an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Routed {
    /// Where it goes: the channel, the rule that says so, and how many equal ones were held back before it.
    pub deliver: Vec<(usize, usize, u64)>,
    /// Where it is held back: the channel and the rule.
    pub suppressed: Vec<(usize, usize)>,
}

impl Routed {
    /// Whether some rule brings it to some channel.
    pub(crate) fn is_matched(&self) -> bool {
        !self.deliver.is_empty() || !self.suppressed.is_empty()
    }
}

#[derive(Debug)]
struct Sent {
    at: f64,
    severity: Severity,
    held_back: u64,
}

/// Routes events by a policy.
#[derive(Debug)]
pub(crate) struct Router<P> {
    policy: P,
    /// The present, on a clock that never goes back.
    now: f64,
    /// By how much that is ahead of the times that are given, which may have been set back.
    ahead: f64,
    sent: BTreeMap<(usize, usize, String), Sent>,
    /// What is to be escalated: when, the rule, and the event.
    waiting: Vec<(f64, usize, Event)>,
}

impl<P: Deref<Target = Policy>> Router<P> {
    pub(crate) fn new(policy: P) -> Self {
        Self { policy, now: f64::NEG_INFINITY, ahead: 0.0, sent: BTreeMap::new(), waiting: Vec::new() }
    }

    /// What is to be escalated until `at`: each event with the rule that asks for it.
    pub(crate) fn due(&mut self, at: f64) -> Vec<(usize, Event)> {
        self.pass(at);
        let now = self.now;
        let (due, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|(when, _, _)| *when <= now);
        self.waiting = waiting;
        due.into_iter().map(|(_, rule, event): (f64, usize, Event)| (rule, event)).collect()
    }

    /// When something is escalated next, unless somebody looks after it.
    pub(crate) fn next(&self) -> Option<f64> {
        self.waiting.iter().map(|(when, ..)| *when).reduce(f64::min)
    }

    /// Time has passed. A clock that is set back stands still for that moment, and goes on from there.
    pub(crate) fn pass(&mut self, at: f64) {
        if at + self.ahead < self.now {
            self.ahead = self.now - at;
        }
        self.now = at + self.ahead;
    }

    /// The channels that heard of what has this fingerprint, each with the rule by which.
    pub(crate) fn heard(&self, fingerprint: &str) -> Vec<(usize, usize)> {
        let all = self.sent.keys().filter(|(.., known)| known == fingerprint);
        all.map(|(rule, channel, _)| (*channel, *rule)).collect()
    }

    /// Where an event goes now.
    pub(crate) fn route(&mut self, event: &Event) -> Routed {
        self.pass(event.at);
        let mut routed = Routed::default();
        let mut decided = Vec::new();
        for (number, rule) in self.policy.rules.iter().enumerate().filter(|(_, rule)| matches(rule, event)) {
            for channel in &rule.channels {
                // A channel hears of an event once: the first rule decides.
                if decided.contains(channel) {
                    continue;
                }
                decided.push(*channel);
                if event.severity < self.policy.channels[*channel].min_severity {
                    continue;
                }
                let key = (number, *channel, event.fingerprint.clone());
                match self.sent.get_mut(&key) {
                    Some(sent) if event.severity <= sent.severity && self.now - sent.at < rule.suppress => {
                        sent.held_back += 1;
                        routed.suppressed.push((*channel, number));
                    }
                    sent => routed.deliver.push((*channel, number, sent.map_or(0, |sent| sent.held_back))),
                }
            }
        }
        routed
    }

    /// An event was delivered: what is equal is held back from now on, and somebody has to acknowledge it.
    pub(crate) fn delivered(&mut self, event: &Event, channel: usize, rule: usize) {
        let sent = Sent { at: self.now, severity: event.severity, held_back: 0 };
        self.sent.insert((rule, channel, event.fingerprint.clone()), sent);
        let waits = self.waiting.iter().any(|(_, by, other)| *by == rule && other.fingerprint == event.fingerprint);
        if let (Some((after, _)), false) = (&self.policy.rules[rule].escalate, waits) {
            self.waiting.push((self.now + after, rule, event.clone()));
        }
    }

    /// Somebody looks after it: it is not escalated.
    pub(crate) fn acknowledged(&mut self, fingerprint: Option<&str>) {
        self.waiting.retain(|(_, _, event)| fingerprint.is_some_and(|acked| event.fingerprint != acked));
    }
}

fn matches(rule: &Rule, event: &Event) -> bool {
    event.severity >= rule.min_severity
        && (rule.categories.is_empty() || rule.categories.iter().any(|glob| glob_matches(glob, &event.category)))
        && rule.tags.iter().all(|tag| event.tags.contains(tag))
}
