//! Whole runs in simulated time.

use std::collections::BTreeMap;

use super::*;
use crate::finding::Metadata;
use crate::supervise::event::{Batch, CaptureFault, LineIncident, Measure, Process, Trouble};
use crate::supervise::plan::{EvidenceWatch, Limits, Restart};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn plan(target: Duration) -> Plan {
    Plan {
        command: vec!["app".to_owned()],
        simulated: false,
        target,
        required: target,
        minimum_uptime: 0.98,
        warn_gap: HOUR,
        require_diary: true,
        require_performance: true,
        progress_interval: Some(300 * SECOND),
        live_gap: None,
        evidence: Vec::new(),
        evidence_interval: SECOND,
        evidence_grace: Duration::ZERO,
        sample_interval: None,
        limits: Limits { severity: Status::Fail, ..Limits::default() },
        monitor_log: true,
        restart: Restart::Never,
        max_restarts: 3,
        backoff: SECOND,
        backoff_max: 60 * SECOND,
        hang_timeout: None,
        shutdown_grace: 10 * SECOND,
        metadata: Metadata::new(),
    }
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
                Action::Spawn if self.spawned > 0 && self.missing > 0 => {
                    self.missing -= 1;
                    self.feed(Event::SpawnFailed { error: "it is gone".to_owned() });
                }
                Action::Spawn => {
                    self.spawned += 1;
                    self.feed(Event::Spawned { pid: 100 });
                }
                Action::Signal(signal) => {
                    self.signals.push(signal);
                    if Some(signal) == self.ends_at || signal == StopSignal::Kill {
                        self.feed(Event::Exited(Exit { code: None, signal: Some(2) }));
                    }
                }
                Action::CheckEvidence => {
                    let modified = (!self.no_diary).then(|| self.now.wall.minus(self.evidence_age));
                    self.feed(Event::EvidenceSeen { name: "diary", modified });
                }
                Action::Sample => self.feed(Event::Sampled(self.measure)),
                Action::CheckDisk => self.feed(Event::DiskSeen { available: 1 << 40, total: 1 << 41 }),
                Action::Snapshot { timeline } => {
                    self.snapshots += 1;
                    self.timeline += u64::from(timeline);
                }
                Action::Finish => self.finished = true,
            }
        }
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
        self.feed(Event::Output(Batch { lines, bytes: 10, first_at: at, last_at: at, ..Batch::default() }));
    }

    fn incidents(&self) -> Vec<(Status, &str, u64)> {
        self.machine.incidents().all().iter().map(|i| (i.severity, i.kind.as_str(), i.count)).collect()
    }
}

#[test]
fn seventy_two_hours_with_all_monitors() {
    let mut plan = plan(72 * HOUR);
    plan.sample_interval = Some(60 * SECOND);
    plan.live_gap = Some((600 * SECOND, Status::Fail));
    plan.hang_timeout = Some(1200 * SECOND);
    plan.evidence = vec![EvidenceWatch { name: "diary", path: "d".to_owned(), warn: Some(HOUR), fail: None }];
    plan.evidence_interval = 60 * SECOND;
    let mut run = Run::new(plan);
    while !run.finished {
        run.line();
        run.tick(SECOND);
    }
    assert_eq!(run.incidents(), []);
    assert_eq!(run.machine.ended().map(|(why, _)| why), Some(EndReason::DurationReached));
    assert_eq!(run.machine.capture().total_lines, 72 * 3600);
    assert_eq!(run.machine.resources().record.samples, 72 * 60 + 1, "the first is taken at the start");
    assert!(run.machine.resources().record.series.len() < 720);
    assert!((72 * 12..72 * 12 + 10).contains(&run.timeline), "{}", run.timeline);
}

#[test]
fn a_command_that_ends_early_fails_and_says_why() {
    let mut run = Run::new(plan(HOUR));
    run.pass(SECOND);
    run.feed(Event::Exited(Exit { code: Some(7), signal: None }));
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
    plan.restart = Restart::OnFailure;
    let mut run = Run::new(plan);
    let mut pauses = Vec::new();
    while !run.finished {
        run.tick(SECOND);
        run.feed(Event::Exited(Exit { code: Some(1), signal: None }));
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
    plan.restart = Restart::Always;
    let mut run = Run::new(plan);
    run.line();
    run.pass(SECOND);
    run.feed(Event::Exited(Exit { code: Some(0), signal: None }));
    run.tick(SECOND);
    run.tick(4 * SECOND);
    run.line();
    let attempts = run.machine.attempts().all();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[1].recovery_seconds, Some(5.0));
    assert_eq!((attempts[0].lines, attempts[1].lines), (1, 1));
    let snapshot = run.machine.snapshot_now(run.now, Default::default(), Identity::default());
    assert_eq!(snapshot.uptime_ratio, Some(1.0 - 1.0 / 6.0), "the pause before the restart is downtime");
}

#[test]
fn silence_is_reported_once_each_time_even_before_the_first_line() {
    let mut plan = plan(HOUR);
    plan.live_gap = Some((10 * SECOND, Status::Warn));
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
    plan.hang_timeout = Some(10 * SECOND);
    plan.restart = Restart::OnFailure;
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
        let mut run = Run::new(Plan {
            restart,
            max_restarts,
            hang_timeout: Some(10 * SECOND),
            required: Duration::ZERO,
            ..plan(HOUR)
        });
        while !run.finished {
            run.tick(2 * SECOND);
        }
        assert_eq!(run.incidents()[0], (Status::Fail, "hang", 1));
        assert_eq!(run.machine.ended().map(|(why, _)| why), Some(EndReason::GaveUp));
    }
}

#[test]
fn a_command_that_is_down_at_the_end_of_the_run_fails() {
    let mut run = Run::new(Plan { restart: Restart::OnFailure, backoff: 60 * SECOND, ..plan(10 * SECOND) });
    run.tick(SECOND);
    run.feed(Event::Exited(Exit { code: Some(1), signal: None }));
    while !run.finished {
        run.tick(SECOND);
    }
    let last = run.machine.incidents().all().last().unwrap();
    assert_eq!(last.message, "the command exited with code 1, and was not back when the run ended");
    assert_eq!(last.severity, Status::Fail);
}

#[test]
fn the_supervised_time_ends_with_the_stop_and_the_drain_is_its_own_figure() {
    let mut run = Run::new(Plan { warn_gap: SECOND, ..plan(10 * SECOND) });
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
    itself.feed(Event::Exited(Exit { code: Some(0), signal: None }));
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
        let mut run = Run::new(Plan {
            restart: if restarts > 0 { Restart::OnFailure } else { Restart::Never },
            max_restarts: restarts,
            hang_timeout: hang.then_some(5 * SECOND),
            ..plan(60 * SECOND)
        });
        run.ends_at = (!stubborn).then_some(StopSignal::Interrupt);
        let rank = |status: &str| ["starting", "running", "warn", "fail"].iter().position(|known| *known == status);
        let mut before = None;
        let rest = std::iter::repeat_n(Happens::Time(1000), 300);
        for event in events.into_iter().chain(rest) {
            let (over, ended) = (run.finished, run.machine.ended());
            match event {
                Happens::Time(millis) => run.tick(Duration::from_millis(millis.into())),
                Happens::Line if !over => run.line(),
                Happens::Exit(code) if matches!(run.machine.child, Child::Running | Child::Stopping { .. }) => {
                    run.feed(Event::Exited(Exit { code: Some(code), signal: None }));
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

#[test]
fn stale_evidence_escalates_and_recovery_is_recorded() {
    let mut plan = plan(HOUR);
    let watch = EvidenceWatch { name: "diary", path: "d".to_owned(), warn: Some(5 * SECOND), fail: Some(20 * SECOND) };
    plan.evidence = vec![watch];
    let mut run = Run::new(plan);
    for age in [0, 6, 25, 1, 7] {
        run.evidence_age = age * SECOND;
        run.tick(2 * SECOND);
    }
    assert_eq!(run.incidents(), [(Status::Warn, "evidence", 2), (Status::Fail, "evidence", 1)]);
    let recovered = run.machine.incidents().all().iter().map(|i| i.metadata.contains_key("recovered_at"));
    assert_eq!(recovered.collect::<Vec<_>>(), [false, true], "the WARN came back");
}

#[test]
fn limits_of_the_process_tree_are_judged() {
    let mut plan = plan(HOUR);
    plan.sample_interval = Some(SECOND);
    plan.limits.rss_bytes = Some(100 << 20);
    let mut run = Run::new(plan);
    run.measure.rss_bytes = 300 << 20;
    run.tick(SECOND);
    run.tick(SECOND);
    let found = &run.machine.incidents().all()[0];
    assert_eq!((found.severity, found.kind.as_str()), (Status::Fail, "resource"));
    assert_eq!(found.metadata["observed_memory_mb"], json!(300.0));
}

#[test]
fn a_suspended_machine_is_no_silence_and_a_set_clock_is_named() {
    let mut plan = plan(HOUR);
    plan.live_gap = Some((10 * SECOND, Status::Fail));
    let mut run = Run::new(plan);
    run.tick(SECOND);
    run.now.wall = run.now.wall.plus(2 * HOUR);
    run.now.boot += 2 * HOUR;
    run.tick(SECOND);
    run.now.wall = run.now.wall.minus(HOUR);
    run.tick(SECOND);
    let texts: Vec<&str> = run.machine.incidents().all().iter().map(|i| i.message.as_str()).collect();
    assert_eq!(texts, ["the machine was suspended for 2h", "the system clock was set back by 1h"]);
}

#[test]
fn a_flood_of_incidents_costs_few_snapshots_and_severity_never_falls() {
    let mut run = Run::new(plan(HOUR));
    let mut worst = Status::Pass;
    for i in 0..10_000_u32 {
        run.pass(SECOND / 1000);
        let found = LineIncident {
            severity: if i % 7 == 0 { Status::Fail } else { Status::Warn },
            kind: "log_level",
            stream: "stderr",
            level: "error".to_owned(),
            event: None,
            message: format!("error {i}"),
            key: format!("error {i}"),
            at: run.now.wall,
            count: 1,
        };
        let lines = BTreeMap::from([("stderr", 1)]);
        run.feed(Event::Output(Batch { lines, bytes: 9, incidents: vec![found], ..Batch::default() }));
        assert!(run.machine.incidents().worst() >= worst);
        worst = run.machine.incidents().worst();
    }
    assert!(run.timeline <= 15, "{} files in ten seconds", run.timeline);
    assert!(run.snapshots <= 250, "{} refreshes in ten seconds", run.snapshots);
    assert_eq!(run.machine.incident_counts().values().sum::<u64>(), 10_000);
}

#[test]
fn the_first_signal_stops_politely_and_the_second_kills() {
    let mut run = Run::new(plan(HOUR));
    run.ends_at = None;
    run.tick(SECOND);
    run.feed(Event::Stop { signal: "SIGINT" });
    assert_eq!(run.signals, [StopSignal::Interrupt]);
    run.feed(Event::Stop { signal: "SIGINT" });
    assert_eq!(run.signals, [StopSignal::Interrupt, StopSignal::Kill]);
    assert!(run.finished);
    assert_eq!(run.machine.ended().map(|(why, _)| why), Some(EndReason::Interrupted));
    assert_eq!(run.incidents()[0], (Status::Fail, "signal", 1));
}

#[test]
fn a_signal_at_the_end_of_a_run_that_reached_its_time_only_hurries_it() {
    let mut run = Run::new(plan(SECOND));
    run.ends_at = None;
    run.tick(SECOND);
    assert_eq!(run.signals, [StopSignal::Interrupt]);
    run.feed(Event::Stop { signal: "SIGINT" });
    assert_eq!(run.signals, [StopSignal::Interrupt, StopSignal::Kill]);
    assert_eq!(run.machine.ended().map(|(why, _)| why), Some(EndReason::DurationReached));
    assert_eq!(run.incidents(), [(Status::Warn, "signal", 1)]);
}

#[test]
fn a_command_that_cannot_be_started_again_is_tried_again_and_down_all_the_while() {
    for (missing, end, lost) in [(2, EndReason::DurationReached, 7), (9, EndReason::GaveUp, 7)] {
        let mut run = Run::new(Plan { restart: Restart::Always, ..plan(10 * SECOND) });
        run.missing = missing;
        run.feed(Event::Exited(Exit { code: Some(0), signal: None }));
        while !run.finished {
            run.tick(SECOND / 4);
        }
        assert_eq!(run.machine.ended().map(|(why, _)| why), Some(end));
        assert_eq!(run.machine.lost_uptime, lost * SECOND, "1 + 2 + 4 seconds of back-off");
        assert!(run.incidents().contains(&(Status::Fail, "exit", missing.min(3))), "{:?}", run.incidents());
    }
}

#[test]
fn even_a_short_run_is_measured() {
    let limits = Limits { rss_bytes: Some(1), severity: Status::Fail, ..Limits::default() };
    let mut run = Run::new(Plan { sample_interval: Some(60 * SECOND), limits, ..plan(SECOND / 2) });
    while !run.finished {
        run.tick(SECOND / 4);
    }
    assert_eq!(run.incidents(), [(Status::Fail, "resource", 1)]);
}

#[test]
fn lost_lines_and_leaks_are_incidents() {
    let mut run = Run::new(plan(HOUR));
    let fault =
        |trouble, lost, lost_lines| Event::Capture(CaptureFault { path: "log".to_owned(), trouble, lost, lost_lines });
    let full = || Trouble::LogFailed("no space left".to_owned());
    run.feed(fault(full(), 3, 3));
    run.feed(fault(Trouble::GoesOn, 10, 13));
    run.feed(fault(Trouble::GoesOn, 4, 17));
    run.feed(fault(Trouble::Over, 0, 17));
    run.feed(Event::Leaked(vec![Process { pid: 5, name: "sleep 100".to_owned(), survived: false }]));
    assert_eq!(
        run.incidents(),
        [(Status::Fail, "capture", 1), (Status::Warn, "leak", 1)],
        "one outage is one incident"
    );
    let metadata = |run: &Run| run.machine.incidents().all()[0].metadata.clone();
    assert_eq!(metadata(&run)["lost_lines"], json!(17));
    assert!(metadata(&run).contains_key("recovered_at"));
    run.feed(fault(full(), 5, 22));
    assert_eq!(run.incidents()[0].2, 2);
    assert_eq!(metadata(&run)["lost_lines"], json!(22));
    assert!(!metadata(&run).contains_key("recovered_at"), "it is broken again");
    assert_eq!(run.machine.capture().lost_lines, 22);
}

#[test]
fn faults_beside_the_logs_lose_no_lines() {
    let mut run = Run::new(plan(HOUR));
    let trouble = Trouble::Failed("cannot write progress.json: no space left".to_owned());
    run.feed(Event::Capture(CaptureFault { path: "progress.json".to_owned(), trouble, lost: 0, lost_lines: 0 }));
    let found = &run.machine.incidents().all()[0];
    assert_eq!(found.message, "cannot write progress.json: no space left");
    assert!(!found.metadata.contains_key("lost_lines"));
}

#[test]
fn a_file_that_is_gone_for_an_instant_is_as_old_as_before() {
    let watch = EvidenceWatch { name: "diary", path: "d".to_owned(), warn: Some(3 * SECOND), fail: Some(5 * SECOND) };
    let mut plan = plan(HOUR);
    plan.evidence = vec![watch];
    let mut run = Run::new(plan);
    run.no_diary = true;
    run.tick(2 * SECOND);
    run.no_diary = false;
    for _ in 0..20 {
        run.evidence_age = Duration::ZERO;
        run.tick(SECOND);
        run.no_diary = true;
        run.tick(SECOND / 2);
        run.no_diary = false;
    }
    assert_eq!(run.incidents(), []);
    run.no_diary = true;
    run.tick(2 * SECOND);
    run.tick(2 * SECOND);
    run.tick(2 * SECOND);
    assert_eq!(run.incidents(), [(Status::Warn, "evidence", 1), (Status::Fail, "evidence", 1)]);
    let found = &run.machine.incidents().all()[1];
    assert!(found.message.starts_with("diary evidence is gone and was not written again after 6"), "{}", found.message);
    assert!(found.metadata.contains_key("last_observed_at"));
}
