//! The end of a workload, and that of the run: leftovers, last output, the record.

use std::thread;
use std::time::{Duration, Instant};

use super::keep::Logs;
use super::{Driver, LOOK, Member, Orphans, RunError, Supervised};
use crate::io::read::parallel::lock;
use crate::sanitize::shorten;
use crate::supervise::event::{CaptureFault, Event, Happened, Process, Trouble};

/// How long a pump may wait for more when nobody that we know holds its pipe any more: then somebody else does.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a pump that works may take then: a machine may be busy, but a disk may hang too.
const DRAIN_AT_WORK: Duration = Duration::from_secs(300);

/// Whether pumps that have not finished never will: nobody that we know has held their pipes for the time `alone`.
/// `waits` are the times for which each has waited for output; none for one that works on what it has read.
fn are_stuck(alone: Duration, waits: impl IntoIterator<Item = Option<Duration>>) -> bool {
    let waits = waits.into_iter().all(|wait| wait.is_some_and(|wait| wait >= DRAIN));
    alone >= DRAIN && waits || alone >= DRAIN_AT_WORK
}

impl Driver {
    /// Where a workload has ended: ends what it left behind, empties its pipes, then tells the machine. Looks once.
    pub(super) fn collect_ends(&mut self) -> Result<(), RunError> {
        if self.units.iter().all(|unit| unit.leaving.is_none()) {
            return Ok(());
        }
        let members = self.table.look();
        self.table.collect(&members);
        for number in 0..self.units.len() {
            self.collect_end(number, &members)?;
        }
        Ok(())
    }

    fn collect_end(&mut self, number: usize, members: &[Member]) -> Result<(), RunError> {
        let stopping = self.machine.is_stopping(number);
        let unit = &mut self.units[number];
        let Some(leaving) = &mut unit.leaving else { return Ok(()) };
        let exit = leaving.exit;
        let Some(orphans) = &mut leaving.orphans else {
            // The machine goes on with its signals to those that are still in the group.
            let in_group = |member: &Member| {
                unit.pid.is_some_and(|pid| i64::from(member.stat.pgrp) == i64::from(pid)) && member.is_alive()
            };
            if !(stopping && members.iter().any(in_group)) {
                leaving.orphans = Some(Orphans::new(Some(number)));
                self.feed(Event::Of(number, Happened::Gone(exit)))?;
            }
            return Ok(());
        };
        if orphans.look(members) {
            leaving.alone.get_or_insert_with(Instant::now);
        } else {
            leaving.alone = None;
        }
        let at_work = || unit.pumps.iter().filter(|pump| !pump.thread.is_finished());
        let waits = || at_work().map(|pump| pump.waiting.lasts(self.clocks.mono.elapsed()));
        if leaving.alone.is_none_or(|alone| at_work().count() > 0 && !are_stuck(alone.elapsed(), waits())) {
            return Ok(());
        }
        let orphans = unit.leaving.take().and_then(|leaving| leaving.orphans);
        let mut read = true;
        for pump in std::mem::take(&mut unit.pumps).into_iter().map(|pump| pump.thread) {
            let stream = pump.thread().name().unwrap_or_default();
            let stream = unit.source.as_ref().map_or_else(|| stream.to_owned(), |name| format!("{name}, {stream}"));
            match pump.is_finished().then(|| pump.join()) {
                Some(Ok(Ok(layout))) if layout.is_empty() => {}
                Some(Ok(Ok(layout))) => drop(self.layouts.insert(stream, layout)),
                _ => read = false,
            }
        }
        if !read {
            let called = if self.single { "the command" } else { self.machine.workload_name(number) };
            let path = format!("the output of {called}");
            let trouble = Trouble::Failed(format!("{path} could not be read to its end"));
            let fault = CaptureFault { path, trouble, lost: 0, lost_lines: self.machine.lost_lines(number) };
            self.feed(Event::Capture { workload: Some(number), fault })?;
        }
        self.collect_lines()?;
        let leaked = orphans.map_or(Vec::new(), |orphans| orphans.leaked(members));
        if !leaked.is_empty() {
            let leaked = self.without_secrets(leaked);
            self.feed(Event::Of(number, Happened::Leaked(leaked)))?;
        }
        if let Some(pid) = self.units[number].pid.take() {
            self.table.over(pid);
        }
        self.tell_watchdog();
        self.unsaved = true;
        self.feed(Event::Of(number, Happened::Exited(exit)))
    }

    /// Processes whose command lines may be shown.
    fn without_secrets(&self, processes: Vec<Process>) -> Vec<Process> {
        let shown = |process: Process| {
            let name = shorten(&self.redactor.text(process.name.into()), 120);
            Process { name, ..process }
        };
        processes.into_iter().map(shown).collect()
    }

    /// Ends what is left when all workloads are over: that of one that could not be stopped in time, and what belongs to
    /// none that could be named.
    fn abandon(&mut self) -> Result<(), RunError> {
        self.helpers.end(self.watchdog.pid());
        let mut orphans = Orphans::new(None);
        let members = loop {
            let members = self.table.look();
            self.table.collect(&members);
            if orphans.look(&members) {
                break members;
            }
            thread::sleep(LOOK);
        };
        let leaked = orphans.leaked(&members);
        if leaked.is_empty() || self.single {
            return Ok(());
        }
        let leaked = self.without_secrets(leaked);
        self.feed(Event::Leaked(leaked))
    }

    pub(super) fn seal(mut self) -> Result<Supervised, RunError> {
        if !self.single || self.units.iter().any(|unit| unit.pid.is_some()) {
            self.abandon()?;
        }
        for number in 0..self.units.len() {
            let faults = lock(&self.units[number].sink).close();
            for fault in faults {
                self.feed(Event::Capture { workload: Some(number), fault })?;
            }
        }
        self.keep.settle();
        self.tell_unsynced()?;
        let logs: Vec<Logs> = self.units.iter().map(|unit| lock(&unit.sink).parts()).collect();
        let now = self.clocks.now();
        Ok(self.keep.seal(self.machine, now, (logs, self.layouts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A busy machine may take long to read what has come; who waits in vain for more is stuck.
    #[test]
    fn output_is_given_up_only_where_none_will_come() {
        let seconds = Duration::from_secs;
        for (alone, waits, expect) in [
            (6, &[Some(6)][..], true),
            (6, &[Some(600), Some(6)], true),
            (6, &[Some(6), None], false),
            (6, &[None], false),
            (6, &[Some(1)], false),
            (4, &[Some(600)], false),
            (299, &[None], false),
            (300, &[None], true),
        ] {
            let waits = waits.iter().map(|wait| wait.map(seconds));
            assert_eq!(are_stuck(seconds(alone), waits.clone()), expect, "{alone} {waits:?}");
        }
    }
}
