//! Drills on a clock that the tests move.

use std::time::Duration;

use super::derive::State;
use super::document::{Document, Of};
use super::judge::{About, Seen, judge};
use super::machine::{Drills, Moment, Order, Outcome, Told};
use super::plan::{ActionPlan, Condition, Drill, DrillsPlan, Kind, Known, overlap};
use super::step::Stage;
use crate::finding::Status;
use crate::log::excuse::fits;
use crate::time::Stamp;

pub(super) fn start() -> Stamp {
    Stamp::from_seconds(1_767_225_600).unwrap()
}

pub(super) fn moment(at: f64) -> Moment {
    let at = Duration::from_secs_f64(at);
    Moment { wall: start().plus(at), at }
}

fn condition(kind: Known, of: &str) -> Condition {
    Condition { kind, what: format!("{kind:?} {of}"), of: of.to_owned(), within_seconds: None }
}

fn action(what: &str) -> ActionPlan {
    ActionPlan { what: what.to_owned(), timeout_seconds: 10.0 }
}

/// A feed that is switched off: seen by an incident, known to be up by an answer over HTTP.
fn feed(name: &str, at: f64) -> Drill {
    Drill {
        name: name.to_owned(),
        kind: Kind::Fault,
        hypothesis: None,
        at_seconds: at,
        poll_seconds: 1.0,
        parallel: false,
        skipped: false,
        stop_on_failure: false,
        steady: vec![condition(Known::Http, "")],
        inject: vec![action("feed off")],
        detect: vec![condition(Known::Incident, "feed*")],
        detect_within_seconds: 30.0,
        acknowledge_within_seconds: None,
        restore: vec![action("feed on")],
        recover: vec![condition(Known::Http, "")],
        recover_within_seconds: 120.0,
        hold_seconds: 10.0,
        verify: Vec::new(),
        excuses: vec!["feed*".to_owned()],
    }
}

/// A system with a feed, on a clock of its own.
struct World {
    drills: Drills,
    plan: DrillsPlan,
    now: f64,
    up: bool,
    /// How long after the outage an incident is raised, again and again; none if nobody sees it.
    seen_after: Option<f64>,
    /// How long after the restore it is up.
    up_after: f64,
    /// Whether injecting and restoring work.
    works: [bool; 2],
    off_since: Option<f64>,
    on_since: Option<f64>,
    raised: Vec<(String, f64, Option<String>)>,
    orders: Vec<Order>,
    told: f64,
}

impl World {
    fn new(list: Vec<Drill>) -> Self {
        let plan = DrillsPlan { list, ..DrillsPlan::default() };
        Self {
            drills: Drills::new(plan.clone()),
            plan,
            now: 0.0,
            up: true,
            seen_after: Some(5.0),
            up_after: 0.0,
            works: [true, true],
            off_since: None,
            on_since: None,
            raised: Vec::new(),
            orders: Vec::new(),
            told: 0.0,
        }
    }

    fn raise(&mut self, message: &str) {
        let now = moment(self.now);
        let open = self.drills.open(now.at);
        let owner = open.iter().find(|(.., globs)| globs.iter().any(|glob| fits(glob, "log_level", message, None)));
        let drill = owner.map(|(name, ..)| name.clone());
        self.drills.incident(now, ("log_level", message, None), drill.as_deref(), now.wall);
        self.raised.push((message.to_owned(), self.now, drill));
    }

    fn until(&mut self, end: f64) -> &mut Self {
        while self.now < end {
            self.step();
            self.now = ((self.now + 0.25) * 4.0).round() / 4.0;
        }
        self
    }

    fn step(&mut self) {
        let now = self.now;
        if let (Some(off), Some(after)) = (self.off_since, self.seen_after)
            && now >= off + after
            && self.told + 1.0 <= now
        {
            self.told = now;
            self.raise("feed lost");
        }
        if self.on_since.is_some_and(|on| now >= on + self.up_after) {
            self.up = true;
        }
        for order in self.drills.tick(moment(now)) {
            self.orders.push(order);
            match order {
                Order::Do { drill, stage, number } => {
                    let works = self.works[usize::from(stage == Stage::Restore)];
                    match (stage, works) {
                        (Stage::Inject, true) => (self.up, self.off_since, self.on_since) = (false, Some(now), None),
                        (Stage::Restore, true) => (self.off_since, self.on_since) = (None, Some(now)),
                        _ => {}
                    }
                    let outcome = Outcome { ok: works, message: String::new(), duration: Duration::from_millis(10) };
                    self.drills.told(moment(now), Told::Done { drill, stage, number, outcome });
                }
                Order::Ask { drill, stage, number } => {
                    let told =
                        Told::Answered { drill, stage, number, ok: self.up, message: format!("up: {}", self.up) };
                    self.drills.told(moment(now), told);
                }
                Order::Write | Order::Begun { .. } | Order::Over { .. } => {}
            }
        }
    }

    fn end(&mut self) {
        self.drills.end(moment(self.now));
        for _ in 0..4 {
            self.step();
        }
        assert!(!self.drills.is_broken());
    }

    fn document(&self) -> Document {
        let ids: Vec<(String, String)> = self
            .raised
            .iter()
            .enumerate()
            .filter_map(|(at, (.., drill))| Some((drill.clone()?, at.to_string())))
            .collect();
        self.drills.document(Of { run: "r", started: start() }, moment(self.now).wall, &ids)
    }

    fn judge(&self, document: &Document) -> super::judge::Read {
        let ids: Vec<String> = (0..self.raised.len()).map(|at| at.to_string()).collect();
        let seen: Vec<Seen<'_>> = self
            .raised
            .iter()
            .zip(&ids)
            .map(|((message, at, drill), id)| {
                let at = moment(*at).wall;
                Seen { id, kind: "log_level", message, workload: None, first: at, last: at, drill: drill.as_deref() }
            })
            .collect();
        let of = Of { run: "r", started: start() };
        let about = About { of, path: "drills.json", seconds: Some(self.now), incidents: &seen };
        let bytes = serde_json::to_vec(document).unwrap();
        judge(&self.plan, Ok(&bytes), about)
    }
}

#[test]
fn a_drill_that_is_seen_and_mended_in_time_passes_with_its_times() {
    let mut world = World::new(vec![feed("feed-outage", 60.0)]);
    world.up_after = 3.0;
    let document = world.until(200.0).document();
    let row = &document.drills[0];
    assert_eq!((row.status, document.status), (State::Passed, Status::Pass), "{:?}", row.findings);
    assert_eq!(row.time_to_detect_seconds, Some(5.0));
    assert!((8.0..9.5).contains(&row.time_to_recover_seconds.unwrap()), "{row:?}");
    assert_eq!(row.detected_by.as_deref(), Some("feed lost"));
    let read = world.judge(&document);
    assert_eq!(read.summary.status, Status::Pass, "{:?}", read.summary.findings);
    let window = &read.windows[0];
    assert!(window.holds((moment(66.0).wall, moment(66.0).wall), "log_level", "feed lost", None));
    for (at, message) in [(59.0, "feed lost"), (66.0, "order lost"), (72.0, "feed lost")] {
        let at = moment(at).wall;
        assert!(!window.holds((at, at), "log_level", message, None), "time alone excuses nothing: {message}");
    }
}

#[test]
fn each_way_to_fail_is_told_with_its_stage_and_what_was_injected_is_mended() {
    type Break = fn(&mut World);
    let cases: [(&str, Break, Option<Stage>, &str, bool); 8] = [
        ("nobody sees it", |w| w.seen_after = None, Some(Stage::Detect), "not detected within 30s", true),
        ("seen late", |w| w.seen_after = Some(31.0), Some(Stage::Detect), "not detected within", true),
        ("not up again", |w| w.up_after = 500.0, Some(Stage::Recover), "not recovered within 2m", true),
        ("up late", |w| w.up_after = 125.0, Some(Stage::Recover), "not recovered within 2m", true),
        ("no restore", |w| w.works = [true, false], Some(Stage::Restore), "the restore failed: feed on", true),
        ("no injection", |w| w.works = [false, true], Some(Stage::Inject), "the injection failed: feed off", true),
        ("down before", |w| w.up = false, Some(Stage::Steady), "before anything was done this did not hold", false),
        (
            "seen before",
            |w| w.off_since = Some(0.0),
            Some(Stage::Steady),
            "was true before anything was injected",
            false,
        ),
    ];
    for (name, breaks, stage, told, injected) in cases {
        let mut world = World::new(vec![feed("feed-outage", 60.0)]);
        breaks(&mut world);
        let document = world.until(400.0).document();
        let row = &document.drills[0];
        assert_eq!((row.status, row.stage), (State::Failed, stage), "{name}: {row:?}");
        assert!(row.findings.iter().any(|finding| finding.contains(told)), "{name}: {:?}", row.findings);
        let done =
            |stage| world.orders.iter().any(|order| matches!(order, Order::Do { stage: of, .. } if *of == stage));
        assert_eq!((done(Stage::Inject), done(Stage::Restore)), (injected, injected), "{name}");
        let read = world.judge(&document);
        assert_eq!(read.summary.status, Status::Fail, "{name}");
    }
}

#[test]
fn a_run_that_ends_early_mends_what_is_broken_and_fails_what_was_not_over() {
    for (end, state, stage, restored) in [
        (30.0, State::NotRun, None, false),
        (62.0, State::Failed, Some(Stage::Detect), true),
        (68.0, State::Failed, Some(Stage::Recover), true),
        (120.0, State::Passed, None, true),
    ] {
        let mut world = World::new(vec![feed("feed-outage", 60.0)]);
        world.until(end).end();
        let document = world.document();
        let row = &document.drills[0];
        assert_eq!((row.status, row.stage), (state, stage), "{end}: {row:?}");
        let done = world.orders.iter().any(|order| matches!(order, Order::Do { stage: Stage::Restore, .. }));
        assert_eq!(done, restored, "{end}");
        let read = world.judge(&document);
        assert_eq!(read.summary.status == Status::Pass, state == State::Passed, "{end}");
    }
}

#[test]
fn skipped_and_tried_drills_are_a_warning_and_inject_nothing() {
    for dry in [false, true] {
        let mut drill = feed("feed-outage", 60.0);
        drill.skipped = !dry;
        let mut world = World::new(vec![drill]);
        world.plan.dry = dry;
        world.drills = Drills::new(world.plan.clone());
        let document = world.until(200.0).document();
        assert_eq!((document.drills[0].status, document.status), (State::Skipped, Status::Warn), "{document:?}");
        assert!(!world.orders.iter().any(|order| matches!(order, Order::Do { .. })));
        let asked = world.orders.iter().any(|order| matches!(order, Order::Ask { stage: Stage::Recover, .. }));
        assert_eq!(asked, dry, "a try looks at its conditions");
        assert_eq!(world.judge(&document).summary.status, Status::Warn);
    }
}

#[test]
fn what_the_file_says_is_read_off_its_steps_again() {
    let mut world = World::new(vec![feed("feed-outage", 60.0)]);
    world.seen_after = None;
    let failed = world.until(400.0).document();
    let mut healthy = World::new(vec![feed("feed-outage", 60.0)]);
    let passed = healthy.until(200.0).document();
    type Forge = fn(&mut Document);
    let forged: [(&str, Forge, &str); 7] = [
        ("verdict", |d| d.drills[0].status = State::Passed, "says feed-outage: status"),
        ("whole", |d| d.status = Status::Pass, "says status"),
        ("gone", |d| d.drills.clear(), "does not tell of the drill feed-outage"),
        ("more", |d| d.drills.push(d.drills[0].clone()), "tells twice"),
        ("time", |d| d.drills[0].time_to_detect_seconds = Some(1.0), "time_to_detect_seconds"),
        (
            "seen",
            |d| {
                let mut step = d.drills[0].steps[0].clone();
                (step.stage, step.ok) = (Stage::Detect, true);
                step.seconds = d.drills[0].steps[3].seconds;
                step.at = d.drills[0].steps[3].at;
                d.drills[0].steps.insert(4, step);
            },
            "status",
        ),
        ("steps", |d| d.drills[0].steps.clear(), "status"),
    ];
    for (name, forge, told) in forged {
        let mut document = failed.clone();
        forge(&mut document);
        let read = world.judge(&document);
        assert_eq!(read.summary.status, Status::Fail, "{name}");
        let findings = &read.summary.findings;
        assert!(findings.iter().any(|finding| finding.summary.contains(told)), "{name}: {findings:?}");
    }
    // A detection that no incident of the run backs.
    healthy.raised.clear();
    let mut lonely = passed;
    lonely.drills[0].incidents.clear();
    let read = healthy.judge(&lonely);
    assert!(read.summary.findings.iter().any(|f| f.summary.contains("no incident of the run")), "{:?}", read.summary);
    for bytes in [&b"{}"[..], b"", b"[1]"] {
        let about = About { of: Of { run: "r", started: start() }, path: "drills.json", seconds: None, incidents: &[] };
        assert_eq!(judge(&world.plan, Ok(bytes), about).summary.status, Status::Fail);
        assert_eq!(judge(&world.plan, Err("gone".to_owned()), about).summary.status, Status::Fail);
    }
}

#[test]
fn drills_one_after_the_other_do_not_meet_unless_they_may() {
    let (first, mut second) = (feed("a", 60.0), feed("b", 100.0));
    assert!(overlap(&[first.clone(), second.clone()]).is_some_and(|told| told.contains("b begins at 1m")));
    second.at_seconds = 60.0 + first.longest();
    assert_eq!(overlap(&[first.clone(), second.clone()]), None);
    second.at_seconds = 61.0;
    (second.parallel, second.skipped) = (true, false);
    assert!(overlap(&[first.clone(), second.clone()]).is_some(), "both must say so");
    let both = [Drill { parallel: true, ..first }, second];
    assert_eq!(overlap(&both), None);
}

#[test]
fn twelve_drills_of_three_days_take_no_time() {
    let list: Vec<Drill> = (0..12).map(|n| feed(&format!("drill-{n}"), 3600.0 * 6.0 * f64::from(n) + 60.0)).collect();
    let mut world = World::new(list);
    let started = std::time::Instant::now();
    let document = world.until(72.0 * 3600.0).document();
    assert_eq!(document.status, Status::Pass, "{:?}", document.results);
    assert_eq!((document.samples.detected, document.samples.recovered), (12, 12));
    let limit = if cfg!(debug_assertions) { 30 } else { 3 };
    assert!(started.elapsed() < Duration::from_secs(limit), "{:?}", started.elapsed());
}
