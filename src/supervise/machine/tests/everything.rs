//! A long run with drills, guards and notifications at once.

use serde_json::json;

use super::*;
use crate::drills::machine::{Order as DrillOrder, Outcome, Told};
use crate::drills::plan::{ActionPlan, Condition, Drill, DrillsPlan, Kind, Known};
use crate::guards::pile::Pile;
use crate::guards::plan::{Guard, GuardsPlan, Limit, Stat};
use crate::guards::source::Reading;
use crate::stage::notify::live::{Delivery, Order as NoticeOrder};
use crate::stage::notify::policy;

fn guard(name: &str, source: &str, stat: Stat, window: Option<f64>) -> Guard {
    Guard {
        name: name.to_owned(),
        source: source.to_owned(),
        workload: None,
        unit: String::new(),
        stat,
        window_seconds: window,
        warn: None,
        fail: Some(Limit { above: true, value: 1e6 }),
        for_seconds: 0.0,
        warmup_seconds: 60.0,
        min_samples: None,
        stop: false,
        expected: true,
        every_seconds: 15.0,
        grace_seconds: 0.0,
        ahead_seconds: 86_400.0,
    }
}

fn drill(number: u32, at: Duration) -> Drill {
    let condition =
        |kind: Known, of: &str| Condition { kind, what: of.to_owned(), of: of.to_owned(), within_seconds: None };
    Drill {
        name: format!("outage-{number}"),
        kind: Kind::Fault,
        hypothesis: None,
        at_seconds: at.as_secs_f64(),
        poll_seconds: 1.0,
        parallel: false,
        skipped: false,
        stop_on_failure: false,
        steady: Vec::new(),
        inject: vec![ActionPlan { what: "off".to_owned(), timeout_seconds: 1.0 }],
        detect: vec![condition(Known::Incident, "feed lost*")],
        detect_within_seconds: 60.0,
        acknowledge_within_seconds: None,
        restore: vec![ActionPlan { what: "on".to_owned(), timeout_seconds: 1.0 }],
        recover: vec![condition(Known::Http, "up")],
        recover_within_seconds: 600.0,
        hold_seconds: 5.0,
        verify: Vec::new(),
        excuses: vec!["feed lost*".to_owned()],
    }
}

/// A system with a feed that drills switch off, of which everybody hears.
struct Everything {
    machine: Machine,
    now: Now,
    off: bool,
    finished: bool,
    sent: u64,
}

impl Everything {
    fn new(hours: u32) -> Self {
        let target = hours * HOUR;
        let every = target / 13;
        let drills = (1..=12).map(|number| drill(number, every * number)).collect();
        let of = |name: &str, source: &str, stat: Stat, window: Option<f64>| guard(name, source, stat, window);
        let guards = vec![
            of("p99", "log:latency_ms", Stat::P99, Some(600.0)),
            of("p50", "log:latency_ms", Stat::P50, None),
            of("orders", "count:event=order", Stat::Rate, Some(3600.0)),
            of("breaches", "count:event=breach", Stat::Count, None),
            of("memory", "process:rss", Stat::Slope, None),
            of("growth", "process:rss", Stat::Delta, None),
            of("files", "process:fds", Stat::Last, None),
            of("cpu", "process:cpu", Stat::P95, Some(3600.0)),
            of("depth", "exec:depth", Stat::Max, Some(300.0)),
            of("roi", "performance:/roi", Stat::Mean, None),
        ];
        let channels = ["chat", "pager", "mail", "desk"];
        let document = json!({"notify": {
            "channel": channels.map(|name| json!({"name": name, "type": "exec", "command": ["true"]})),
            "rule": [{"name": "all", "categories": ["*"], "channels": channels, "suppress": "1m", "resolve": true}],
            "heartbeat": {"every": "1h", "channels": ["chat"]},
        }});
        let policy = policy::read(&document, &|_| Ok(String::new())).unwrap();
        let plan = Plan {
            drills: Some(DrillsPlan { list: drills, ..DrillsPlan::default() }),
            guards: Some(GuardsPlan { list: guards, ..GuardsPlan::default() }),
            notify: Some((policy.into(), "r".to_owned())),
            sample_interval: Some(60 * SECOND),
            ..plan(target)
        };
        let wall = Stamp::parse("2025-01-06T00:00:00Z").unwrap();
        let now = Now { wall, mono: Duration::ZERO, boot: Duration::ZERO };
        Self { machine: Machine::new(plan, wall), now, off: false, finished: false, sent: 0 }
    }

    fn feed(&mut self, event: Event) {
        let mut todo = self.machine.step(self.now, event);
        todo.reverse();
        while let Some(action) = todo.pop() {
            let answer = match action {
                Action::Spawn(_) => Event::Of(0, Happened::Spawned { pid: 100 }),
                Action::Signal(..) => Event::Of(0, Happened::Exited(Exit { code: Some(0), signal: None })),
                Action::Sample => Event::Sampled(vec![(0, Measure::default())]),
                Action::CheckDisk => Event::DiskSeen { available: 1 << 40, total: 1 << 41 },
                Action::Look(guard) => {
                    Event::Guard { guard, reading: Ok(Reading::Value(self.now.mono.as_secs_f64().sin() + 5.0, 1)) }
                }
                Action::Drill(DrillOrder::Do { drill, stage, number }) => {
                    self.off = !self.off;
                    let outcome = Outcome { ok: true, ..Outcome::default() };
                    Event::Drill(Told::Done { drill, stage, number, outcome })
                }
                Action::Drill(DrillOrder::Ask { drill, stage, number }) => {
                    Event::Drill(Told::Answered { drill, stage, number, ok: !self.off, message: String::new() })
                }
                Action::Notify(NoticeOrder::Send { channel, .. }) => {
                    self.sent += 1;
                    Event::Sent { channel, delivery: Delivery { attempts: 1, ..Delivery::default() } }
                }
                Action::Finish => {
                    self.finished = true;
                    continue;
                }
                _ => continue,
            };
            self.feed(answer);
        }
    }

    /// Ten orders in a second, and an error while the feed is off.
    fn second(&mut self) {
        let mut latencies = Pile::default();
        (0..10).for_each(|n| latencies.take(Some(f64::from(n)), true));
        let mut orders = Pile::default();
        (orders.seen, orders.count) = (10, 10);
        let breaches = {
            let mut none = Pile::default();
            none.seen = 10;
            none
        };
        let at = Some(self.now.wall);
        let mut batch = Batch {
            lines: BTreeMap::from([("stdout", 10)]),
            bytes: 100,
            first_at: at,
            last_at: at,
            figures: BTreeMap::from([(0, latencies.clone()), (1, latencies), (2, orders), (3, breaches)]),
            ..Batch::default()
        };
        if self.off {
            batch.incident(LineIncident {
                severity: Status::Fail,
                kind: "log_level",
                stream: "stdout",
                service: None,
                level: "error".to_owned(),
                event: None,
                message: "feed lost: no quotes".to_owned(),
                key: "feed lost".to_owned(),
                at: self.now.wall,
                count: 1,
            });
        }
        self.feed(Event::Of(0, Happened::Output(Box::new(batch))));
        for _ in 0..4 {
            self.now.wall = self.now.wall.plus(SECOND / 4);
            self.now.mono += SECOND / 4;
            self.now.boot += SECOND / 4;
            self.feed(Event::Tick);
        }
    }
}

/// The whole length is run where somebody asks for it; what each hour costs shows in few of them.
#[test]
fn drills_guards_and_channels_go_on_for_days() {
    let hours = option_env!("EVERYTHING_HOURS").and_then(|hours| hours.parse().ok()).unwrap_or(4);
    let mut run = Everything::new(hours);
    run.feed(Event::Start);
    while !run.finished {
        run.second();
    }
    let drills = run.machine.drills_document("r", run.now.wall).unwrap();
    assert!(drills.drills.iter().all(|row| row.time_to_recover_seconds.is_some()), "{:?}", drills.results);
    let guards = run.machine.guards_document("r", run.now).unwrap();
    assert_eq!(guards.verdict, Status::Pass, "{:?}", guards.guards.iter().map(|row| &row.findings).collect::<Vec<_>>());
    assert!(guards.guards.iter().all(|row| row.noted.stretches.len() < 10 && row.noted.points.len() <= 201));
    assert!(run.sent >= u64::from(hours) - 1 + 12 * 4, "{}", run.sent);
    assert_eq!(run.machine.incidents().worst(), Status::Pass, "what drills caused is not held against the run");
}
