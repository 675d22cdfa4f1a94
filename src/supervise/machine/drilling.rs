//! Drills within a run: what happens in it is what they wait for, and its end restores what they broke.

use std::time::Duration;

use super::Machine;
use crate::drills::document::{Document, Of};
use crate::drills::machine::{Drills, Moment, Order, Told};
use crate::drills::step::Stage;
use crate::finding::Status;
use crate::stage::notify::Severity;
use crate::supervise::event::{Action, Exit, Now};
use crate::supervise::incidents::incident;
use crate::supervise::progress::Incident;
use crate::supervise::record::EndReason;
use crate::time::Stamp;

/// An instant as drills and guards know it.
pub(super) fn moment(now: Now) -> Moment {
    Moment { wall: now.wall, at: now.mono }
}

impl Machine {
    pub(super) fn of_drill(&mut self, now: Now, told: Told) {
        if let Some(drills) = &mut self.drills {
            drills.told(moment(now), told);
        }
    }

    /// Lines of the log came that drills wait for.
    pub(super) fn met(&mut self, now: Now, (drill, list, number): (usize, Stage, usize), at: Stamp) {
        if let Some(drills) = &mut self.drills {
            drills.line(moment(now), drill, list, number, at);
        }
    }

    /// The command ended, or one of them.
    pub(super) fn drills_exit(&mut self, now: Now, exit: Exit) {
        if let Some(drills) = &mut self.drills {
            drills.exited(moment(now), exit.code, &format!("it {}", exit.text()));
        }
    }

    /// What is due for drills.
    pub(super) fn drill(&mut self, now: Now, fresh: &[Incident], todo: &mut Vec<Action>) {
        let Some(drills) = &mut self.drills else { return };
        for found in fresh {
            let at = found.last_at.unwrap_or(found.occurred_at);
            let seen = (found.kind.as_str(), found.message.as_str(), found.workload.as_deref());
            drills.incident(moment(now), seen, found.drill.as_deref(), at);
        }
        let orders = drills.tick(moment(now));
        self.incidents.open(drills.open(now.mono));
        for order in orders {
            match order {
                Order::Begun { drill } => {
                    let name = self.drills.as_ref().map_or("", |drills| drills.name(drill)).to_owned();
                    let message = format!("the drill {name} begins");
                    self.announce(now, ("drill.begun", Severity::Info, &message), Some(&name), todo);
                }
                Order::Over { drill, stop } => {
                    self.announce_drill(now, drill, todo);
                    if stop && self.ending.is_none() {
                        self.stop_for_drill(now, drill, todo);
                    }
                }
                order if self.answers(now, order) => {}
                order => todo.push(Action::Drill(order)),
            }
        }
    }

    fn stop_for_drill(&mut self, now: Now, drill: usize, todo: &mut Vec<Action>) {
        let name = self.drills.as_ref().map_or("", |drills| drills.name(drill)).to_owned();
        let message = format!("the drill {name} failed, and the run ends then (on_failure = \"stop\")");
        self.raise(&name, incident(Status::Fail, "drill", now.wall, message));
        self.end(now, EndReason::Interrupted, None, todo);
    }

    /// A notification of an incident arrived, which happened so many seconds after the start and belongs to a drill where
    /// it names one.
    pub(super) fn notified(&mut self, now: Now, channel: &str, drill: Option<&str>, at: f64) {
        if let Some(drills) = &mut self.drills {
            drills.notified(moment(now), channel, drill, at);
        }
    }

    /// Somebody looks after what a drill caused.
    pub(super) fn drill_acknowledged(&mut self, now: Now, drill: &str) {
        if let Some(drills) = &mut self.drills {
            drills.acknowledged(moment(now), drill);
        }
    }

    /// The run ends: what was injected is restored first, unless an operator will not wait.
    pub(super) fn end_drills(&mut self, now: Now) {
        if let Some(drills) = &mut self.drills {
            drills.end(moment(now));
        }
    }

    /// Whether the way down must wait for something that a drill broke.
    pub(super) fn restores(&self) -> bool {
        let forced = self.ending.as_ref().is_some_and(|ending| ending.forced);
        !forced && self.drills.as_ref().is_some_and(Drills::is_broken)
    }

    /// An operator does not wait: what is broken stays so, and must be told.
    pub(super) fn give_up_drills(&mut self, now: Now) {
        let Some(drills) = &self.drills else { return };
        for (name, restore) in drills.unmended() {
            let message = format!("the drill {name} was not restored; do by hand: {restore}");
            self.raise(&name, incident(Status::Fail, "drill", now.wall, message));
        }
    }

    /// When something of a drill is due at the latest.
    pub(super) fn drill_deadline(&self) -> Option<Duration> {
        self.drills.as_ref().and_then(Drills::deadline)
    }

    /// Whether lines of the log matter to a drill now.
    pub(crate) fn listens(&self, now: Now) -> bool {
        self.drills.as_ref().is_some_and(|drills| drills.listens(now.mono))
    }

    /// The drills that have injected something that is not restored.
    pub(crate) fn owed(&self) -> Vec<usize> {
        self.drills.as_ref().map_or(Vec::new(), Drills::owed)
    }

    /// What is known of the drills; none if there are none.
    pub(crate) fn drills_document(&self, run: &str, now: Stamp) -> Option<Document> {
        let incidents = self.incidents.all().iter();
        let ids: Vec<(String, String)> =
            incidents.filter_map(|found| Some((found.drill.clone()?, found.id.clone()))).collect();
        self.drills.as_ref().map(|drills| drills.document(Of { run, started: self.started_at }, now, &ids))
    }
}
