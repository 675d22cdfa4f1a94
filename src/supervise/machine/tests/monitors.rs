//! What is watched beside the command, and signals.

use super::*;

#[test]
fn stale_evidence_escalates_and_recovery_is_recorded() {
    let mut plan = plan(HOUR);
    let watch = EvidenceWatch {
        name: "diary".to_owned(),
        path: "d".to_owned(),
        warn: Some(5 * SECOND),
        fail: Some(20 * SECOND),
    };
    plan.evidence = vec![watch];
    let mut run = Run::new(plan);
    for age in [0, 6, 25, 1, 7] {
        run.evidence_age = age * SECOND;
        run.tick(2 * SECOND);
    }
    assert_eq!(run.incidents(), [(Status::Warn, "evidence", 2), (Status::Fail, "evidence", 1)]);
    let recovered = run.machine.incidents().all().iter().map(|i| i.metadata.contains_key("recovered_at"));
    assert_eq!(recovered.collect::<Vec<_>>(), [false, true], "the WARN came back");
    let stalls = &run.machine.evidence_stalls()["diary"];
    let reached: Vec<_> = stalls.episodes.iter().map(|episode| (episode.severity, episode.to.is_some())).collect();
    assert_eq!((stalls.count, reached), (2, vec![(Status::Fail, true), (Status::Warn, false)]));
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
    plan.workloads[0].live_gap = Some((10 * SECOND, Status::Fail));
    let mut run = Run::new(plan);
    run.tick(SECOND);
    run.now.wall = run.now.wall.plus(2 * HOUR);
    run.now.boot += 2 * HOUR;
    run.tick(SECOND);
    run.now.wall = run.now.wall.minus(HOUR);
    run.tick(SECOND);
    let texts: Vec<&str> = run.machine.incidents().all().iter().map(|i| i.message.as_str()).collect();
    assert_eq!(texts, ["the machine was suspended for 2h", "the system clock was set back by 1h"]);
    let paused: Vec<f64> = run.machine.paused().iter().map(|(from, to)| to.seconds_since(*from)).collect();
    assert_eq!(paused, [7201.0]);
}

#[test]
fn a_flood_of_incidents_costs_few_snapshots_and_severity_never_falls() {
    let mut run = Run::new(plan(HOUR));
    let mut worst = Status::Pass;
    for i in 0..10_000_u32 {
        run.pass(SECOND / 1000);
        let severity = if i % 7 == 0 { Status::Fail } else { Status::Warn };
        run.told(severity, &format!("error {i}"));
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
        let mut run = Run::new(with(plan(10 * SECOND), |command| command.restart = Restart::Always));
        run.missing = missing;
        run.of(Happened::Exited(Exit { code: Some(0), signal: None }));
        while !run.finished {
            run.tick(SECOND / 4);
        }
        assert_eq!(run.machine.ended().map(|(why, _)| why), Some(end));
        assert_eq!(run.machine.lost_uptime(), lost * SECOND, "1 + 2 + 4 seconds of back-off");
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
    let fault = |trouble, lost, lost_lines| CaptureFault { path: "log".to_owned(), trouble, lost, lost_lines };
    let full = || Trouble::LogFailed("no space left".to_owned());
    run.fault(fault(full(), 3, 3));
    run.fault(fault(Trouble::GoesOn, 10, 13));
    run.fault(fault(Trouble::GoesOn, 4, 17));
    run.fault(fault(Trouble::Over, 0, 17));
    run.of(Happened::Leaked(vec![Process { pid: 5, name: "sleep 100".to_owned(), survived: false }]));
    assert_eq!(
        run.incidents(),
        [(Status::Fail, "capture", 1), (Status::Warn, "leak", 1)],
        "one outage is one incident"
    );
    let metadata = |run: &Run| run.machine.incidents().all()[0].metadata.clone();
    assert_eq!(metadata(&run)["lost_lines"], json!(17));
    assert!(metadata(&run).contains_key("recovered_at"));
    run.fault(fault(full(), 5, 22));
    assert_eq!(run.incidents()[0].2, 2);
    assert_eq!(metadata(&run)["lost_lines"], json!(22));
    assert!(!metadata(&run).contains_key("recovered_at"), "it is broken again");
    assert_eq!(run.machine.capture().lost_lines, 22);
}

#[test]
fn faults_beside_the_logs_lose_no_lines() {
    let mut run = Run::new(plan(HOUR));
    let trouble = Trouble::Failed("cannot write progress.json: no space left".to_owned());
    run.fault(CaptureFault { path: "progress.json".to_owned(), trouble, lost: 0, lost_lines: 0 });
    let found = &run.machine.incidents().all()[0];
    assert_eq!(found.message, "cannot write progress.json: no space left");
    assert!(!found.metadata.contains_key("lost_lines"));
}

#[test]
fn a_file_that_is_gone_for_an_instant_is_as_old_as_before() {
    let watch = EvidenceWatch {
        name: "diary".to_owned(),
        path: "d".to_owned(),
        warn: Some(3 * SECOND),
        fail: Some(5 * SECOND),
    };
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

#[test]
fn what_is_new_is_shown_at_once_and_what_is_only_counted_once_a_second() {
    let mut run = Run::new(plan(HOUR));
    run.pass(5 * SECOND);
    let before = run.snapshots;
    run.told(Status::Warn, "slow");
    assert_eq!(run.snapshots, before + 1);
    for _ in 0..300 {
        run.pass(SECOND / 100);
        run.told(Status::Warn, "slow");
    }
    assert_eq!(run.snapshots, before + 4, "three seconds of the same");
    run.pass(SECOND / 10);
    run.told(Status::Fail, "gone");
    assert_eq!(run.snapshots, before + 5);
    assert!(run.machine.deadline(run.now) > run.now.mono + SECOND / 10, "nothing is owed but the next look");
}
