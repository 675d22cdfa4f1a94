//! Runs of several workloads in simulated time.

use super::*;
use crate::supervise::plan::Limits;
use crate::supervise::workloads::plan::{Condition, OnLoss, ReadyPlan};
use crate::supervise::workloads::probe::Answer;
use crate::supervise::workloads::state::{Change, State};

/// A plan of these workloads.
fn several(target: Duration, workloads: Vec<WorkloadPlan>) -> Plan {
    Plan { workloads, single: false, required: Duration::ZERO, ..plan(target) }
}

fn service(name: &str, depends_on: &[(usize, Condition)]) -> WorkloadPlan {
    WorkloadPlan {
        depends_on: depends_on.to_vec(),
        shutdown_grace: 4 * SECOND,
        limits: Limits::default(),
        ..WorkloadPlan::service(name)
    }
}

fn job(name: &str, depends_on: &[(usize, Condition)]) -> WorkloadPlan {
    WorkloadPlan { job: true, ..service(name, depends_on) }
}

fn probed(workload: WorkloadPlan) -> WorkloadPlan {
    let ready = ReadyPlan {
        by_log: false,
        shown: "probe".to_owned(),
        interval: SECOND,
        successes: 1,
        failures: 2,
        initial_delay: Duration::ZERO,
        within: 10 * SECOND,
        may_precede: false,
    };
    WorkloadPlan { ready: Some(ready), ..workload }
}

/// Several commands in simulated time.
struct Fleet {
    machine: Machine,
    now: Now,
    alive: Vec<bool>,
    /// Whether each answers its probe, and whether it ignores polite signals.
    answers: Vec<bool>,
    stubborn: Vec<bool>,
    /// Whether somebody else answers in its place.
    foreign: Vec<bool>,
    changes: Vec<Change>,
    signals: Vec<(usize, StopSignal)>,
    finished: bool,
    todo: std::collections::VecDeque<Action>,
    acting: bool,
}

impl Fleet {
    fn new(plan: Plan) -> Self {
        let start = Stamp::parse("2025-01-06T00:00:00Z").unwrap();
        let count = plan.workloads.len();
        Self {
            machine: Machine::new(plan, start),
            now: Now { wall: start, mono: Duration::ZERO, boot: Duration::ZERO },
            alive: vec![false; count],
            answers: vec![true; count],
            stubborn: vec![false; count],
            foreign: vec![false; count],
            changes: Vec::new(),
            signals: Vec::new(),
            finished: false,
            todo: Default::default(),
            acting: false,
        }
    }

    fn started(plan: Plan) -> Self {
        let mut fleet = Self::new(plan);
        fleet.feed(Event::Start);
        fleet
    }

    fn feed(&mut self, event: Event) {
        self.todo.extend(self.machine.step(self.now, event));
        if std::mem::replace(&mut self.acting, true) {
            return;
        }
        while let Some(action) = self.todo.pop_front() {
            match action {
                Action::Spawn(number) => {
                    self.alive[number] = true;
                    self.of(number, Happened::Spawned { pid: 100 + u32::try_from(number).unwrap() });
                }
                Action::Signal(number, signal) => {
                    self.signals.push((number, signal));
                    if self.alive[number] && (signal == StopSignal::Kill || !self.stubborn[number]) {
                        self.exit(number, None);
                    }
                }
                Action::Probe { workload, attempt, before } => {
                    let ok = if before { self.foreign[workload] } else { self.answers[workload] };
                    let answer = Answer { ok, own: None, message: "seen".to_owned() };
                    self.of(workload, Happened::Probed { attempt, before, answer });
                }
                Action::Act(number, stage) => self.of(number, Happened::Acted { stage, faults: Vec::new() }),
                Action::Changed(change) => self.changes.push(change),
                Action::Finish => self.finished = true,
                _ => {}
            }
        }
        self.acting = false;
    }

    fn of(&mut self, number: usize, happened: Happened) {
        self.feed(Event::Of(number, happened));
    }

    fn exit(&mut self, number: usize, code: Option<i32>) {
        if std::mem::replace(&mut self.alive[number], false) {
            self.of(number, Happened::Exited(Exit { code, signal: code.is_none().then_some(2) }));
        }
    }

    fn line(&mut self, number: usize) {
        if self.alive[number] {
            let at = Some(self.now.wall);
            let lines = BTreeMap::from([("stdout", 1)]);
            self.of(
                number,
                Happened::Output(Box::new(Batch { lines, bytes: 9, first_at: at, last_at: at, ..Batch::default() })),
            );
        }
    }

    fn tick(&mut self, time: Duration) {
        self.now.wall = self.now.wall.plus(time);
        self.now.mono += time;
        self.now.boot += time;
        self.feed(Event::Tick);
    }

    fn run(&mut self) {
        let mut steps = 0;
        while !self.finished {
            (0..self.alive.len()).for_each(|number| self.line(number));
            self.tick(SECOND / 4);
            steps += 1;
            assert!(steps < 100_000, "the run ends");
        }
    }

    fn states(&self) -> Vec<State> {
        self.machine.records(&[]).iter().map(|record| record.state).collect()
    }

    fn messages(&self) -> Vec<String> {
        self.machine.incidents().all().iter().map(|i| format!("{} {}", i.severity, i.message)).collect()
    }

    fn uptime(&self) -> f64 {
        let snapshot = self.machine.snapshot_now(self.now, Default::default(), Identity::default());
        snapshot.uptime_ratio.unwrap()
    }
}

#[test]
fn conditions_decide_the_order_of_starts_and_in_reverse_that_of_stops() {
    let all = vec![
        service("trade", &[(1, Condition::Ready), (2, Condition::Completed)]),
        probed(service("feed", &[(2, Condition::Completed)])),
        job("migrate", &[]),
        service("alone", &[]),
    ];
    let mut fleet = Fleet::started(several(20 * SECOND, all));
    assert_eq!(fleet.states(), [State::Waiting, State::Waiting, State::Running, State::Running]);
    fleet.tick(SECOND);
    fleet.exit(2, Some(0));
    fleet.tick(SECOND);
    assert_eq!(fleet.states(), [State::Running, State::Ready, State::Completed, State::Running]);
    fleet.stubborn[0] = true;
    fleet.run();
    assert_eq!(fleet.machine.ended().map(|(why, _)| why), Some(EndReason::DurationReached));
    let first = |number: usize| fleet.signals.iter().position(|(n, _)| *n == number).unwrap();
    assert!(first(3) < 2 && first(0) < 2, "what nothing depends on goes at once: {:?}", fleet.signals);
    assert_eq!(fleet.signals.last().map(|(number, _)| *number), Some(1), "the feed waits for the trade");
    assert_eq!(
        fleet.states(),
        [State::Failed, State::Stopped, State::Completed, State::Stopped],
        "the trade was killed"
    );
}

#[test]
fn what_depends_on_a_failure_is_skipped_at_once_and_the_chain_has_one_root() {
    let all = vec![
        service("a", &[]),
        service("b", &[(0, Condition::Started)]),
        probed(service("c", &[])),
        service("d", &[(2, Condition::Ready)]),
        service("e", &[(3, Condition::Started)]),
    ];
    let mut fleet = Fleet::new(Plan { keep_going: true, ..several(20 * SECOND, all) });
    fleet.foreign[2] = true;
    fleet.feed(Event::Start);
    assert_eq!(
        fleet.states(),
        [State::Running, State::Running, State::Failed, State::Skipped, State::Skipped],
        "somebody else answers for c, so it is not started"
    );
    let messages = fleet.messages();
    assert!(messages[0].contains("somebody else answers"), "{messages:?}");
    let root = &fleet.machine.incidents().all()[0];
    assert_eq!(root.metadata["consequences"], json!(["d was skipped", "e was skipped"]));
    fleet.run();
    assert_eq!(fleet.machine.ended().map(|(why, _)| why), Some(EndReason::DurationReached), "it was to go on");

    let mut ends = Fleet::new(several(20 * SECOND, vec![job("m", &[]), service("s", &[(0, Condition::Completed)])]));
    ends.feed(Event::Start);
    ends.exit(0, Some(3));
    assert_eq!(ends.states(), [State::Failed, State::Skipped]);
    assert_eq!(ends.machine.ended().map(|(why, _)| why), Some(EndReason::WorkloadFailed));
    assert_eq!(ends.machine.ended_by().map(|by| by.workload), Some("m".to_owned()));
}

#[test]
fn one_that_is_never_ready_is_stopped_and_one_that_becomes_unready_is_left_alone() {
    let mut fleet = Fleet::started(several(60 * SECOND, vec![service("x", &[]), probed(service("y", &[]))]));
    fleet.tick(SECOND);
    fleet.answers[1] = false;
    (0..3).for_each(|_| fleet.tick(SECOND));
    assert_eq!(fleet.states(), [State::Running, State::Unready]);
    assert_eq!(fleet.signals, [], "its process is untouched");
    fleet.answers[1] = true;
    fleet.tick(SECOND);
    assert_eq!(fleet.states()[1], State::Ready);

    let never = WorkloadPlan { restart: Restart::OnFailure, max_restarts: 1, ..probed(service("y", &[])) };
    let mut fleet = Fleet::started(several(60 * SECOND, vec![service("x", &[]), never]));
    fleet.answers[1] = false;
    // Its first answer came with the start already.
    fleet.machine.workloads[1].state = State::Starting;
    fleet.run();
    let last = fleet.messages();
    assert!(last.iter().any(|text| text.contains("FAIL y: restarts used up (1)")), "{last:?}");
    assert_eq!(fleet.states(), [State::Stopped, State::Failed]);
    assert!(fleet.signals.iter().filter(|(number, _)| *number == 0).count() == 1, "only at the end of the run");
}

#[test]
fn the_uptime_of_the_rehearsal_is_that_of_all_at_once() {
    let quick = |name: &str| WorkloadPlan {
        restart: Restart::OnFailure,
        max_restarts: 9,
        backoff: 10 * SECOND,
        ..service(name, &[])
    };
    let optional = WorkloadPlan { required: false, ..quick("o") };
    let mut fleet = Fleet::started(several(1000 * SECOND, vec![quick("a"), quick("b"), quick("c"), optional]));
    for second in 0..1000 {
        for (number, at) in [(0, 100), (1, 300), (2, 500), (3, 700)] {
            if second == at {
                fleet.exit(number, Some(1));
            }
        }
        (0..4).for_each(|number| fleet.line(number));
        fleet.tick(SECOND);
    }
    assert!((fleet.uptime() - 0.97).abs() < 1e-9, "{}", fleet.uptime());
    let records = fleet.machine.records(&[]);
    let own: Vec<f64> = records.iter().map(|record| (record.uptime_ratio.unwrap() * 1000.0).round()).collect();
    assert_eq!(own, [990.0; 4]);
    assert!(fleet.signals.iter().all(|(_, signal)| *signal == StopSignal::Interrupt));
    assert!(fleet.messages().iter().all(|text| text.starts_with("WARN")), "{:?}", fleet.messages());
}

#[test]
fn an_optional_one_never_ends_a_run_and_jobs_that_are_all_done_do() {
    let optional = WorkloadPlan { required: false, ..service("o", &[]) };
    let mut fleet = Fleet::started(several(10 * SECOND, vec![service("a", &[]), optional]));
    fleet.exit(1, Some(1));
    fleet.tick(SECOND);
    assert!(!fleet.machine.is_ending());
    fleet.run();
    assert_eq!(fleet.states(), [State::Stopped, State::Failed]);
    assert_eq!(fleet.machine.incidents().worst(), Status::Warn);

    let mut jobs = Fleet::started(several(HOUR, vec![job("a", &[]), job("b", &[(0, Condition::Completed)])]));
    jobs.exit(0, Some(0));
    jobs.exit(1, Some(0));
    assert!(jobs.finished);
    assert_eq!(jobs.machine.ended().map(|(why, _)| why), Some(EndReason::AllCompleted));

    // A service should have gone on, also one that the rehearsal does not fail with; what was left out did nothing.
    let optional = || WorkloadPlan { required: false, ..service("o", &[]) };
    let left_out = || WorkloadPlan { left_out: true, ..service("l", &[]) };
    for (beside, code) in [(job("j", &[]), 0), (left_out(), 0), (WorkloadPlan { required: false, ..job("j", &[]) }, 1)]
    {
        let hour = Plan { required: HOUR, ..several(HOUR, vec![beside.clone(), optional()]) };
        let mut over = Fleet::started(hour);
        if !beside.left_out {
            over.exit(0, Some(code));
        }
        over.exit(1, Some(1));
        assert!(over.finished);
        assert_eq!(over.machine.ended().map(|(why, _)| why), Some(EndReason::WorkloadFailed), "{beside:?}");
        assert_eq!(over.machine.incidents().worst(), Status::Fail, "{beside:?}");
    }

    let mut early = Fleet::started(several(HOUR, vec![service("a", &[]), service("b", &[])]));
    early.exit(0, Some(0));
    assert_eq!(early.states()[0], State::Failed, "a service that ends has ended early, also with code 0");
    assert_eq!(early.machine.incidents().worst(), Status::Fail);
}

#[test]
fn an_interrupted_start_starts_nothing_more_and_the_second_signal_kills() {
    let all = vec![job("m", &[]), service("s", &[(0, Condition::Completed)]), service("t", &[])];
    let mut fleet = Fleet::started(several(HOUR, all));
    fleet.stubborn = vec![true; 3];
    fleet.feed(Event::Stop { signal: "SIGINT" });
    assert_eq!(fleet.states(), [State::Stopping, State::Skipped, State::Stopping]);
    fleet.feed(Event::Stop { signal: "SIGINT" });
    assert!(fleet.finished);
    assert_eq!(fleet.machine.ended().map(|(why, _)| why), Some(EndReason::Interrupted));
}

#[test]
fn restarts_are_counted_in_any_stretch_and_a_loss_does_as_the_plan_says() {
    let windowed = WorkloadPlan {
        restart: Restart::Always,
        max_restarts: 2,
        restart_window: Some(60 * SECOND),
        backoff: SECOND,
        backoff_max: SECOND,
        ..service("w", &[])
    };
    let mut fleet = Fleet::started(several(HOUR, vec![windowed]));
    // Twice a minute is allowed, for ever; the total goes on.
    for _ in 0..20 {
        (0..31).for_each(|_| fleet.tick(SECOND));
        fleet.exit(0, Some(1));
    }
    assert_eq!(fleet.machine.records(&[])[0].restarts, 19);
    for _ in 0..3 {
        (0..2).for_each(|_| fleet.tick(SECOND));
        fleet.exit(0, Some(1));
    }
    assert_eq!(fleet.states(), [State::Failed]);

    for (policy, expect) in
        [(OnLoss::Continue, State::Running), (OnLoss::Restart, State::Waiting), (OnLoss::Stop, State::Stopped)]
    {
        let base = WorkloadPlan { restart: Restart::Always, backoff: 20 * SECOND, ..service("base", &[]) };
        let top =
            WorkloadPlan { on_dependency_loss: policy, backoff: SECOND, ..service("top", &[(0, Condition::Started)]) };
        let mut fleet = Fleet::started(several(HOUR, vec![base, top]));
        fleet.tick(SECOND);
        fleet.exit(0, Some(1));
        (0..5).for_each(|_| fleet.tick(SECOND));
        assert_eq!(fleet.states()[1], expect, "{policy:?}");
    }
}

#[test]
fn seventy_two_hours_of_eight_with_crashes() {
    let flaky = |number: usize| WorkloadPlan {
        restart: Restart::OnFailure,
        max_restarts: u64::MAX,
        hang_timeout: Some(600 * SECOND),
        ..service(&format!("s{number}"), if number > 0 { &[(0, Condition::Started)] } else { &[] })
    };
    let mut fleet = Fleet::started(several(72 * HOUR, (0..8).map(flaky).collect()));
    let mut random = 88_172_645_463_325_252_u64;
    while !fleet.finished {
        for number in 0..8 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            match random % 4000 {
                0 => fleet.exit(number, Some(1)),
                _ => fleet.line(number),
            }
        }
        fleet.tick(5 * SECOND);
    }
    let records = fleet.machine.records(&[]);
    assert_eq!(fleet.states(), [State::Stopped; 8]);
    assert!(
        records.iter().all(|record| record.restarts > 5),
        "{:?}",
        records.iter().map(|r| r.restarts).collect::<Vec<_>>()
    );
    let worst = records.iter().filter_map(|record| record.uptime_ratio).fold(1.0, f64::min);
    assert!(fleet.uptime() < worst, "all at once is less than each");
}

/// Something that happens to one of several.
#[derive(Clone, Copy, Debug)]
enum Befalls {
    Time(u16),
    Line(usize),
    Exit(usize, i32),
    Answers(usize, bool),
    Stop,
}

fn befalls() -> impl proptest::strategy::Strategy<Value = Befalls> {
    use proptest::prelude::*;
    prop_oneof![
        8 => (1..4000_u16).prop_map(Befalls::Time),
        6 => (0..5_usize).prop_map(Befalls::Line),
        3 => (0..5_usize, 0..3_i32).prop_map(|(number, code)| Befalls::Exit(number, code)),
        2 => (0..5_usize, proptest::bool::ANY).prop_map(|(number, ok)| Befalls::Answers(number, ok)),
        1 => Just(Befalls::Stop),
    ]
}

proptest::proptest! {
    /// Whatever happens, the run ends, no workload is left out of what is recorded, and what is wrong with a required one
    /// is said.
    #[test]
    fn no_sequence_of_events_leaves_a_workload_out(
        events in proptest::collection::vec(befalls(), 0..80),
        keep_going in proptest::bool::ANY,
        stubborn in proptest::collection::vec(proptest::bool::ANY, 5),
    ) {
        let all = vec![
            job("m", &[]),
            WorkloadPlan { restart: Restart::OnFailure, ..probed(service("f", &[(0, Condition::Completed)])) },
            WorkloadPlan { on_dependency_loss: OnLoss::Restart, ..service("t", &[(1, Condition::Ready)]) },
            WorkloadPlan { required: false, hang_timeout: Some(5 * SECOND), ..service("o", &[]) },
            WorkloadPlan { actions: [1, 1], ..service("a", &[(3, Condition::Started)]) },
        ];
        let mut fleet = Fleet::started(Plan { keep_going, ..several(60 * SECOND, all) });
        fleet.stubborn = stubborn;
        let rest = std::iter::repeat_n(Befalls::Time(1000), 200);
        for event in events.into_iter().chain(rest) {
            if fleet.finished {
                break;
            }
            match event {
                Befalls::Time(millis) => fleet.tick(Duration::from_millis(millis.into())),
                Befalls::Line(number) => fleet.line(number),
                Befalls::Exit(number, code) => fleet.exit(number, Some(code)),
                Befalls::Answers(number, ok) => fleet.answers[number] = ok,
                Befalls::Stop => fleet.feed(Event::Stop { signal: "SIGINT" }),
            }
        }
        proptest::prop_assert!(fleet.finished, "the run ends: {:?}", fleet.states());
        let records = fleet.machine.records(&[]);
        proptest::prop_assert_eq!(records.len(), 5);
        for record in &records {
            proptest::prop_assert!(record.state.is_final(), "{} is {:?}", record.name, record.state);
            let mut state = State::Pending;
            for change in fleet.changes.iter().filter(|change| change.workload == record.name) {
                proptest::prop_assert!(change.from == state && state.leads_to(change.to));
                state = change.to;
            }
            proptest::prop_assert_eq!(state, record.state);
            let bad = matches!(record.state, State::Failed | State::Skipped);
            if bad && record.required {
                proptest::prop_assert_eq!(fleet.machine.incidents().worst(), Status::Fail, "{}", record.name);
            }
        }
    }
}
