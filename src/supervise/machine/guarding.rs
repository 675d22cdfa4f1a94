//! Guards on figures within a run: a breach is an incident, and may end the run.

use std::time::Duration;

use serde_json::json;

use super::Machine;
use super::drilling::moment;
use crate::drills::machine::{Order as DrillOrder, Told};
use crate::drills::plan::Known;
use crate::finding::Status;
use crate::guards::document::{Document, Of};
use crate::guards::machine::{Breach, Guards, Order};
use crate::guards::pile::Pile;
use crate::guards::samples::Look;
use crate::guards::source::Reading;
use crate::supervise::event::{Action, Now};
use crate::supervise::incidents::incident;
use crate::supervise::record::EndReason;

/// The kind of the incidents of guards.
const KIND: &str = "guard";

impl Machine {
    /// Lines of the log said something of a figure.
    pub(super) fn figures(&mut self, now: Now, guard: usize, came: &Pile) {
        if let Some(guards) = &mut self.guards {
            guards.lines(moment(now), guard, came);
        }
    }

    /// The source of a guard was looked at.
    pub(super) fn of_guard(
        &mut self,
        now: Now,
        guard: usize,
        reading: Result<Reading, String>,
        todo: &mut Vec<Action>,
    ) {
        let Some(guards) = &mut self.guards else { return };
        let orders = guards.told(moment(now), guard, reading);
        self.of_orders(now, orders, todo);
    }

    /// What looks at sources gave since the last call.
    pub(crate) fn take_looks(&mut self) -> Vec<Look> {
        self.guards.as_mut().map_or(Vec::new(), Guards::take_looks)
    }

    /// What is due for guards.
    pub(super) fn guard(&mut self, now: Now, todo: &mut Vec<Action>) {
        let Some(guards) = &mut self.guards else { return };
        let orders = guards.tick(moment(now));
        self.of_orders(now, orders, todo);
    }

    fn of_orders(&mut self, now: Now, orders: Vec<Order>, todo: &mut Vec<Action>) {
        for order in orders {
            match order {
                Order::Look(guard) => todo.push(Action::Look(guard)),
                Order::Write => todo.push(Action::KeepGuards),
                Order::Raised(breach) => self.breached(now, &breach, todo),
                Order::Over(breach) => {
                    let key = key_of(&breach);
                    self.incidents.amend(KIND, breach.severity, &key, |metadata| {
                        metadata.insert("recovered_at".to_owned(), json!(now.wall));
                        metadata.insert("worst".to_owned(), json!(breach.worst));
                        metadata.insert("samples".to_owned(), json!(breach.samples));
                    });
                    self.owe(true);
                }
            }
        }
    }

    fn breached(&mut self, now: Now, breach: &Breach, todo: &mut Vec<Action>) {
        let mut found = incident(breach.severity, KIND, now.wall, breach.message.as_str());
        found.workload.clone_from(&breach.workload);
        found.metadata.insert("guard".to_owned(), json!(breach.name));
        found.metadata.insert("from_seconds".to_owned(), json!(breach.from_seconds));
        found.metadata.insert("worst".to_owned(), json!(breach.worst));
        found.metadata.insert("samples".to_owned(), json!(breach.samples));
        let key = key_of(breach);
        if !breach.worse || !self.incidents.worsen(KIND, &key, &found) {
            self.incidents.add(&key, found);
        }
        self.owe(true);
        todo.push(Action::KeepGuards);
        let raised = |found: &&crate::supervise::progress::Incident| {
            found.kind == KIND
                && found.metadata.get("guard") == Some(&json!(breach.name))
                && found.metadata.get("from_seconds") == Some(&json!(breach.from_seconds))
        };
        let drill = self.incidents.all().iter().rev().find(raised).and_then(|found| found.drill.clone());
        match (drill, &mut self.guards) {
            // What a drill breaks is no reason to stop.
            (Some(drill), Some(guards)) => guards.excuse(breach, &drill),
            _ if breach.stop && breach.severity == Status::Fail && self.ending.is_none() => {
                self.stopped_by.push(breach.name.clone());
                self.end(now, EndReason::Guard, None, todo);
            }
            _ => {}
        }
    }

    /// The run ends: what happens on the way down is no figure of it.
    pub(super) fn end_guards(&mut self, at: Now, todo: &mut Vec<Action>) {
        let orders = self.guards.as_mut().map_or(Vec::new(), |guards| guards.end(moment(at)));
        self.of_orders(at, orders, todo);
    }

    /// Answers a drill that asks how a guard is; false where it asks for something else.
    pub(super) fn answers(&mut self, now: Now, order: DrillOrder) -> bool {
        let DrillOrder::Ask { drill, stage, number } = order else { return false };
        let plan = self.plan.drills.as_ref().and_then(|plan| plan.list.get(drill));
        let asked = plan.and_then(|plan| plan.conditions(stage).get(number));
        let Some(asked) = asked.filter(|asked| asked.kind == Known::Guard) else { return false };
        let (name, wanted) = asked.of.rsplit_once('=').unwrap_or((asked.of.as_str(), ""));
        let state = self.guards.as_ref().and_then(|guards| guards.state(name)).map(Status::word);
        let message = format!("{name} is {}", state.unwrap_or("not known"));
        self.of_drill(now, Told::Answered { drill, stage, number, ok: state == Some(wanted), message });
        true
    }

    /// When something of a guard is due at the latest.
    pub(super) fn guard_deadline(&self) -> Option<Duration> {
        self.guards.as_ref().and_then(Guards::deadline)
    }

    /// What is known of the guards; none if there are none.
    pub(crate) fn guards_document(&self, run: &str, now: Now) -> Option<Document> {
        let of = Of { run, started: self.started_at };
        self.guards.as_ref().map(|guards| guards.document(of, moment(now), &self.stopped_by))
    }
}

/// What makes an episode of a guard the same.
fn key_of(breach: &Breach) -> String {
    format!("{}/{}", breach.name, breach.number)
}
