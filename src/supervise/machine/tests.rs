//! Whole runs in simulated time.

mod everything;
mod monitors;
mod several;

use std::collections::BTreeMap;

use super::*;
use crate::finding::Metadata;
use crate::supervise::event::{Batch, CaptureFault, LineIncident, Measure, Process, Trouble};
use crate::supervise::event::{Exit, StopSignal};
use crate::supervise::plan::{EvidenceWatch, Limits, Restart};
use crate::supervise::workloads::plan::WorkloadPlan;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn plan(target: Duration) -> Plan {
    Plan {
        drills: None,
        guards: None,
        notify: None,
        workloads: vec![WorkloadPlan {
            command: vec!["app".to_owned()],
            called: "the command".to_owned(),
            shutdown_grace: 10 * SECOND,
            ..WorkloadPlan::service("main")
        }],
        single: true,
        sha256: None,
        keep_going: false,
        duration_is_written: true,
        simulated: false,
        target,
        required: target,
        minimum_uptime: 0.98,
        warn_gap: HOUR,
        require_diary: true,
        require_performance: true,
        progress_interval: Some(300 * SECOND),
        evidence: Vec::new(),
        evidence_interval: SECOND,
        evidence_grace: Duration::ZERO,
        sample_interval: None,
        limits: Limits { severity: Status::Fail, ..Limits::default() },
        monitor_log: true,
        shutdown_grace: 10 * SECOND,
        metadata: Metadata::new(),
    }
}

/// The same with another command.
fn with(mut plan: Plan, change: impl FnOnce(&mut WorkloadPlan)) -> Plan {
    change(&mut plan.workloads[0]);
    plan
}

/// A run in simulated time: carries out what the machine asks for, as the given command would.
struct Run {
    machine: Machine,
    now: Now,
    signals: Vec<StopSignal>,
    spawned: u64,
    /// How many starts fail, after the first.
    missing: u64,
    snapshots: u64,
    timeline: u64,
    finished: bool,
    /// The signal at which the command ends.
    ends_at: Option<StopSignal>,
    /// What is answered to looks at evidence files and the process tree.
    evidence_age: Duration,
    no_diary: bool,
    measure: Measure,
}

impl Run {
    fn new(plan: Plan) -> Self {
        let start = Stamp::parse("2025-01-06T00:00:00Z").unwrap();
        let measure = Measure { processes: 1, cpu_percent: 1.0, rss_bytes: 1 << 20, memory_percent: 0.1 };
        let mut run = Self {
            machine: Machine::new(plan, start),
            now: Now { wall: start, mono: Duration::ZERO, boot: Duration::ZERO },
            signals: Vec::new(),
            spawned: 0,
            missing: 0,
            snapshots: 0,
            timeline: 0,
            finished: false,
            ends_at: Some(StopSignal::Interrupt),
            evidence_age: Duration::ZERO,
            no_diary: false,
            measure,
        };
        run.feed(Event::Start);
        run
    }

    fn feed(&mut self, event: Event) {
        for action in self.machine.step(self.now, event) {
            match action {
                Action::Drill(_) | Action::Notify(_) | Action::KeepGuards => {}
                Action::Spawn(_) if self.spawned > 0 && self.missing > 0 => {
                    self.missing -= 1;
                    self.of(Happened::SpawnFailed { error: "it is gone".to_owned() });
                }
                Action::Spawn(_) => {
                    self.spawned += 1;
                    self.of(Happened::Spawned { pid: 100 });
                }
                Action::Signal(_, signal) => {
                    self.signals.push(signal);
                    if Some(signal) == self.ends_at || signal == StopSignal::Kill {
                        self.of(Happened::Exited(Exit { code: None, signal: Some(2) }));
                    }
                }
                Action::CheckEvidence => {
                    let modified = (!self.no_diary).then(|| self.now.wall.minus(self.evidence_age));
                    self.feed(Event::EvidenceSeen { name: "diary".to_owned(), modified });
                }
                Action::Sample => self.feed(Event::Sampled(vec![(0, self.measure)])),
                Action::CheckDisk => self.feed(Event::DiskSeen { available: 1 << 40, total: 1 << 41 }),
                Action::Snapshot { timeline } => {
                    self.snapshots += 1;
                    self.timeline += u64::from(timeline);
                }
                Action::Finish => self.finished = true,
                Action::Changed(_) => {}
                Action::Probe { .. } | Action::Act(..) | Action::Look(_) => unreachable!("it has none"),
            }
        }
    }

    fn of(&mut self, happened: Happened) {
        self.feed(Event::Of(0, happened));
    }

    fn fault(&mut self, fault: CaptureFault) {
        self.feed(Event::Capture { workload: Some(0), fault });
    }

    fn pass(&mut self, time: Duration) {
        self.now.wall = self.now.wall.plus(time);
        self.now.mono += time;
        self.now.boot += time;
    }

    fn tick(&mut self, time: Duration) {
        self.pass(time);
        self.feed(Event::Tick);
    }

    fn line(&mut self) {
        let at = Some(self.now.wall);
        let lines = BTreeMap::from([("stdout", 1)]);
        self.of(Happened::Output(Box::new(Batch { lines, bytes: 10, first_at: at, last_at: at, ..Batch::default() })));
    }

    /// A line that needs a look.
    fn told(&mut self, severity: Status, message: &str) {
        let found = LineIncident {
            severity,
            kind: "log_level",
            stream: "stderr",
            service: None,
            level: "error".to_owned(),
            event: None,
            message: message.to_owned(),
            key: message.to_owned(),
            at: self.now.wall,
            count: 1,
        };
        let lines = BTreeMap::from([("stderr", 1)]);
        self.of(Happened::Output(Box::new(Batch { lines, bytes: 9, incidents: vec![found], ..Batch::default() })));
    }

    fn incidents(&self) -> Vec<(Status, &str, u64)> {
        self.machine.incidents().all().iter().map(|i| (i.severity, i.kind.as_str(), i.count)).collect()
    }
}

#[test]
fn seventy_two_hours_with_all_monitors() {
    let mut plan = plan(72 * HOUR);
    plan.sample_interval = Some(60 * SECOND);
    plan.workloads[0].live_gap = Some((600 * SECOND, Status::Fail));
    plan.workloads[0].hang_timeout = Some(1200 * SECOND);
    plan.evidence =
        vec![EvidenceWatch { name: "diary".to_owned(), path: "d".to_owned(), warn: Some(HOUR), fail: None }];
    plan.evidence_interval = 60 * SECOND;
    let mut run = Run::new(plan);
    while !run.finished {
        run.line();
        run.tick(SECOND);
    }
    assert_eq!(run.incidents(), []);
    assert_eq!(run.machine.ended().map(|(why, _)| why), Some(EndReason::DurationReached));
    assert_eq!(run.machine.capture().total_lines, 72 * 3600);
    assert_eq!(run.machine.resource_monitor().samples, 72 * 60 + 1, "the first is taken at the start");
    assert!(run.machine.resource_monitor().series.len() < 720);
    assert!((72 * 12..72 * 12 + 10).contains(&run.timeline), "{}", run.timeline);
}

#[test]
fn a_command_that_ends_early_fails_and_says_why() {
    let mut run = Run::new(plan(HOUR));
    run.pass(SECOND);
    run.of(Happened::Exited(Exit { code: Some(7), signal: None }));
    assert!(run.finished);
    assert_eq!(run.incidents(), [(Status::Fail, "exit", 1), (Status::Fail, "exit", 1)]);
    let texts: Vec<&str> = run.machine.incidents().all().iter().map(|i| i.message.as_str()).collect();
    assert_eq!(texts, ["the command exited with code 7", "the run ended early: 1s of the required 1h"]);
}

#[test]
fn the_way_down_is_interrupt_terminate_kill() {
    let mut run = Run::new(plan(10 * SECOND));
    run.ends_at = None;
    while !run.finished {
        run.line();
        run.tick(SECOND);
    }
    assert_eq!(run.signals, [StopSignal::Interrupt, StopSignal::Terminate, StopSignal::Kill]);
    assert_eq!(run.now.mono, 20 * SECOND, "half the grace between the first two, the rest before the kill");
    assert_eq!(run.incidents(), [(Status::Fail, "exit", 1)]);

    let mut polite = Run::new(plan(10 * SECOND));
    while !polite.finished {
        polite.tick(SECOND);
    }
    assert_eq!(polite.signals, [StopSignal::Interrupt]);
    assert_eq!(polite.incidents(), [], "a command that was stopped has not failed, whatever ended it");
}

#[test]
fn restarts_back_off_and_are_bounded() {
    let mut plan = plan(HOUR);
    plan.workloads[0].restart = Restart::OnFailure;
    let mut run = Run::new(plan);
    let mut pauses = Vec::new();
    while !run.finished {
        run.tick(SECOND);
        run.of(Happened::Exited(Exit { code: Some(1), signal: None }));
        let (down, spawned) = (run.now.mono, run.spawned);
        while !run.finished && run.spawned == spawned {
            run.tick(SECOND / 4);
        }
        pauses.push((run.now.mono - down).as_secs());
    }
    assert_eq!(pauses, [1, 2, 4, 0]);
    assert_eq!(run.machine.ended().map(|(why, _)| why), Some(EndReason::GaveUp));
    let told: Vec<(Status, &str)> =
        run.machine.incidents().all().iter().map(|i| (i.severity, i.message.as_str())).take(5).collect();
    assert_eq!(
        told,
        [
            (Status::Warn, "the command exited with code 1, back after 1s (restart 1 of 3)"),
            (Status::Warn, "the command exited with code 1, back after 2s (restart 2 of 3)"),
            (Status::Warn, "the command exited with code 1, back after 4s (restart 3 of 3)"),
            (Status::Fail, "the command exited with code 1"),
            (Status::Fail, "gave up after 3 restarts: the command ended again"),
        ]
    );
}

#[test]
fn recovery_is_timed_until_the_first_line() {
    let mut plan = plan(HOUR);
    plan.workloads[0].restart = Restart::Always;
    let mut run = Run::new(plan);
    run.line();
    run.pass(SECOND);
    run.of(Happened::Exited(Exit { code: Some(0), signal: None }));
    run.tick(SECOND);
    run.tick(4 * SECOND);
    run.line();
    let attempts = run.machine.attempts();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[1].recovery_seconds, Some(5.0));
    assert_eq!((attempts[0].lines, attempts[1].lines), (1, 1));
    let snapshot = run.machine.snapshot_now(run.now, Default::default(), Identity::default());
    assert_eq!(snapshot.uptime_ratio, Some(1.0 - 1.0 / 6.0), "the pause before the restart is downtime");
}

#[test]
fn silence_is_reported_once_each_time_even_before_the_first_line() {
    let mut plan = plan(HOUR);
    plan.workloads[0].live_gap = Some((10 * SECOND, Status::Warn));
    let mut run = Run::new(plan);
    for _ in 0..15 {
        run.tick(2 * SECOND);
    }
    assert_eq!(run.incidents(), [(Status::Warn, "silence", 1)]);
    run.line();
    for _ in 0..15 {
        run.tick(2 * SECOND);
    }
    assert_eq!(run.incidents().len(), 2);
}

#[test]
fn a_hanging_command_is_stopped_and_started_again() {
    let mut plan = plan(HOUR);
    plan.workloads[0].hang_timeout = Some(10 * SECOND);
    plan.workloads[0].restart = Restart::OnFailure;
    let mut run = Run::new(plan);
    for _ in 0..8 {
        run.tick(2 * SECOND);
    }
    assert_eq!(run.spawned, 2);
    let told: Vec<(Status, &str)> =
        run.machine.incidents().all().iter().map(|i| (i.severity, i.message.as_str())).collect();
    let message = "the command hung (no output for 12s), back after 2s (restart 1 of 3)";
    assert_eq!(told, [(Status::Warn, message)]);
}

#[test]
fn a_hang_that_nothing_answers_fails() {
    for (restart, max_restarts) in [(Restart::Never, 3), (Restart::OnFailure, 0)] {
        let mut run = Run::new(with(Plan { required: Duration::ZERO, ..plan(HOUR) }, |command| {
            (command.restart, command.max_restarts) = (restart, max_restarts);
            command.hang_timeout = Some(10 * SECOND);
        }));
        while !run.finished {
            run.tick(2 * SECOND);
        }
        assert_eq!(run.incidents()[0], (Status::Fail, "hang", 1));
        assert_eq!(run.machine.ended().map(|(why, _)| why), Some(EndReason::GaveUp));
    }
}

#[test]
fn a_command_that_is_down_at_the_end_of_the_run_fails() {
    let mut run = Run::new(with(plan(10 * SECOND), |command| {
        (command.restart, command.backoff) = (Restart::OnFailure, 60 * SECOND);
    }));
    run.tick(SECOND);
    run.of(Happened::Exited(Exit { code: Some(1), signal: None }));
    while !run.finished {
        run.tick(SECOND);
    }
    let last = run.machine.incidents().all().last().unwrap();
    assert_eq!(last.message, "the command exited with code 1, and was not back when the run ended");
    assert_eq!(last.severity, Status::Fail);
}

#[test]
fn the_supervised_time_ends_with_the_stop_and_the_drain_is_its_own_figure() {
    let mut run = Run::new(with(plan(10 * SECOND), |command| command.warn_gap = SECOND));
    run.ends_at = Some(StopSignal::Terminate);
    while !run.finished {
        run.line();
        run.tick(SECOND);
    }
    assert_eq!(run.machine.elapsed(run.now), 10 * SECOND);
    assert_eq!(run.machine.drain(), Some(5 * SECOND));
    assert_eq!(run.machine.ended().unwrap().1.mono, 10 * SECOND);
    let snapshot = run.machine.snapshot_now(run.now, Default::default(), Identity::default());
    assert_eq!((snapshot.elapsed_seconds, snapshot.uptime_ratio), (10.0, Some(1.0)));

    let mut itself = Run::new(plan(10 * SECOND));
    itself.tick(SECOND);
    itself.of(Happened::Exited(Exit { code: Some(0), signal: None }));
    assert_eq!((itself.machine.drain(), itself.machine.elapsed(itself.now)), (None, SECOND));
}

/// Something that happens to a run.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Time(u16),
    Line,
    Exit(i32),
    Stop,
}

fn happens() -> impl proptest::strategy::Strategy<Value = Happens> {
    use proptest::prelude::*;
    prop_oneof![
        8 => (1..4000_u16).prop_map(Happens::Time),
        6 => Just(Happens::Line),
        1 => (0..3_i32).prop_map(Happens::Exit),
        1 => Just(Happens::Stop),
    ]
}

proptest::proptest! {
    /// Whatever happens, the run ends once and for all, and its status never gets better.
    #[test]
    fn a_run_ends_in_one_terminal_phase_and_its_status_never_improves(
        events in proptest::collection::vec(happens(), 0..120),
        restarts in 0..3_u64,
        hang in proptest::bool::ANY,
        stubborn in proptest::bool::ANY,
    ) {
        let mut run = Run::new(with(plan(60 * SECOND), |command| {
            command.restart = if restarts > 0 { Restart::OnFailure } else { Restart::Never };
            command.max_restarts = restarts;
            command.hang_timeout = hang.then_some(5 * SECOND);
        }));
        run.ends_at = (!stubborn).then_some(StopSignal::Interrupt);
        let rank = |status: &str| ["starting", "running", "warn", "fail"].iter().position(|known| *known == status);
        let mut before = None;
        let rest = std::iter::repeat_n(Happens::Time(1000), 300);
        for event in events.into_iter().chain(rest) {
            let (over, ended) = (run.finished, run.machine.ended());
            match event {
                Happens::Time(millis) => run.tick(Duration::from_millis(millis.into())),
                Happens::Line if !over => run.line(),
                Happens::Exit(code) if matches!(run.machine.workloads[0].child, Child::Alive | Child::Stopping { .. }) => {
                    run.of(Happened::Exited(Exit { code: Some(code), signal: None }));
                }
                Happens::Stop => run.feed(Event::Stop { signal: "SIGINT" }),
                _ => {}
            }
            let snapshot = run.machine.snapshot_now(run.now, Default::default(), Identity::default());
            let now = rank(&snapshot.status);
            proptest::prop_assert!(now.is_some() && now >= before, "{}", snapshot.status);
            before = now;
            if over {
                proptest::prop_assert!(run.finished && snapshot.phase == Phase::Sealing);
                proptest::prop_assert_eq!(ended.map(|(why, at)| (why, at.mono)), run.machine.ended().map(|(w, a)| (w, a.mono)));
            }
        }
        proptest::prop_assert!(run.finished, "the run ends");
    }
}
