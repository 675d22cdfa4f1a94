//! How a run is supervised, and the record that it begins with.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::args::{FinalDryRun, RestartArg, StderrLevel};
use super::components;
use super::scale::Scale;
use crate::command::config::Config;
use crate::command::signing::Signers;
use crate::command::{Error, metadata, notes};
use crate::digest::sha256;
use crate::finding::Status;
use crate::guards;
use crate::io::capture::SinkPlan;
use crate::io::files::{self, Folder};
use crate::io::process::table;
use crate::io::provenance;
use crate::level::Level;
use crate::sanitize;
use crate::supervise::monitors::ResourceState;
use crate::supervise::objective::Objective;
use crate::supervise::plan::NotifyRecord;
use crate::supervise::plan::{EvidenceWatch, Limits, Plan, Restart};
use crate::supervise::provenance::{Provenance, Subject};
use crate::supervise::record::{self, EvidencePaths, RunRecord, Settings, State};
use crate::supervise::workloads::document::{self, Planned, PlannedWorkload};
use crate::supervise::workloads::plan::{MAIN, WorkloadPlan};
use crate::supervise::workloads::runtime::{RUNTIME, runtime_path};
use crate::time::Stamp;
use crate::verdict::criteria::Criteria;
use crate::verdict::policy::Policy;

/// The pause before a restart, and the longest one, unless the operator says otherwise.
pub(super) const BACKOFF: Duration = Duration::from_secs(1);
pub(super) const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// How many restarts are tolerated, unless the operator says otherwise.
const MAX_RESTARTS: u64 = 3;

/// Who runs what, where.
pub(super) fn provenance(args: &FinalDryRun, signers: &Signers, program: &str, command: &[String]) -> Provenance {
    Provenance {
        subjects: args.signatures.subject.iter().cloned().map(|(name, sha256)| Subject { name, sha256 }).collect(),
        ..provenance::collect(program, command, &signers.variables)
    }
}

/// When silence is an incident at once.
pub(super) fn live_gap(args: &FinalDryRun, scale: &Scale) -> Option<(Duration, Status)> {
    match (args.live_gap, args.live_gap_severity) {
        (Some(limit), severity) => Some((limit, severity.map_or(Status::Warn, Status::from))),
        (None, severity) => scale.live_gap.map(|(limit, normal)| (limit, severity.map_or(normal, Status::from))),
    }
}

/// How the run of one command is supervised: the evidence as `watches` gives it.
pub(super) fn plan(
    args: &FinalDryRun,
    scale: &Scale,
    policy: &Policy,
    criteria: &Criteria,
    target: Duration,
    workloads: Vec<WorkloadPlan>,
    (evidence, evidence_interval): (Vec<EvidenceWatch>, Duration),
) -> Plan {
    let simulated = workloads.iter().any(|workload| record::is_simulator(&workload.command));
    Plan {
        workloads,
        drills: None,
        guards: None,
        notify: None,
        single: true,
        sha256: None,
        keep_going: false,
        duration_is_written: true,
        simulated: args.simulate.is_some() || simulated,
        target,
        required: required(criteria),
        minimum_uptime: criteria.minimum_uptime_ratio.unwrap_or_default(),
        warn_gap: policy.warn_gap(),
        require_diary: criteria.require_diary,
        require_performance: criteria.require_performance,
        progress_interval: Some(args.progress_interval.unwrap_or(scale.progress_interval)).filter(|d| !d.is_zero()),
        evidence,
        evidence_interval,
        evidence_grace: args.evidence_grace.unwrap_or(scale.evidence_grace),
        sample_interval: Some(args.sample_interval.unwrap_or(scale.sample_interval)).filter(|d| !d.is_zero()),
        limits: limits(args),
        monitor_log: !args.no_log_monitor,
        shutdown_grace: args.shutdown_grace,
        metadata: metadata(&args.metadata),
    }
}

/// The limits of the process tree.
fn limits(args: &FinalDryRun) -> Limits {
    Limits {
        cpu_percent: args.max_cpu,
        rss_bytes: args.max_rss,
        memory_percent: args.max_memory_percent,
        severity: args.resource_severity.into(),
    }
}

/// Whether what ends before its time is started again.
pub(super) fn restart(args: &FinalDryRun) -> Restart {
    match args.restart {
        RestartArg::Never => Restart::Never,
        RestartArg::OnFailure => Restart::OnFailure,
        RestartArg::Always => Restart::Always,
    }
}

/// The level of a line on standard error that states none itself.
pub(super) fn stderr_level(args: &FinalDryRun) -> Level {
    match args.stderr_level {
        StderrLevel::Error => Level::Error,
        StderrLevel::Warning => Level::Warning,
        StderrLevel::Info => Level::Info,
    }
}

/// What such a line is, where it is not a FAIL.
pub(super) fn stderr_severity(args: &FinalDryRun) -> Option<Status> {
    match args.stderr_level {
        StderrLevel::Error => None,
        StderrLevel::Warning => Some(Status::Warn),
        StderrLevel::Info => Some(Status::Pass),
    }
}

/// Where and how logs are kept, whose files begin with `stem`.
pub(super) fn sink(args: &FinalDryRun, folder: &Folder, stem: &str) -> SinkPlan {
    SinkPlan {
        folder: folder.clone(),
        stem: Path::new("logs").join(stem),
        compression: args.compress,
        rotate_every: args.rotate_every,
        rotate_size: args.rotate_size,
    }
}

/// The command after `--` as the only workload.
pub(super) fn main(
    args: &FinalDryRun,
    policy: &Policy,
    command: Vec<String>,
    live_gap: Option<(Duration, Status)>,
) -> WorkloadPlan {
    WorkloadPlan {
        called: "the command".to_owned(),
        command,
        environment: args.env.iter().map(|(key, _)| key.clone()).collect(),
        restart: restart(args),
        max_restarts: args.max_restarts.unwrap_or(MAX_RESTARTS),
        backoff: args.backoff.unwrap_or(BACKOFF),
        backoff_max: args.backoff_max.unwrap_or(BACKOFF_MAX),
        hang_timeout: args.hang_timeout,
        shutdown_grace: args.shutdown_grace,
        warn_gap: policy.warn_gap(),
        live_gap,
        limits: limits(args),
        ..WorkloadPlan::service(MAIN)
    }
}

/// The plan of the only workload as the run keeps it.
pub(super) fn planned(args: &FinalDryRun, config: &Config, policy: &Policy, main: &WorkloadPlan) -> Planned {
    let options = [
        ("restart", args.restart != RestartArg::Never),
        ("max_restarts", args.max_restarts.is_some()),
        ("backoff", args.backoff.is_some()),
        ("backoff_max", args.backoff_max.is_some()),
        ("hang_timeout", args.hang_timeout.is_some()),
    ];
    let options = options.into_iter().filter(|(_, given)| *given);
    let options = options.map(|(name, _)| (name.to_owned(), config.place_of(&name.replace('_', "-"))));
    let workload = PlannedWorkload {
        fail_gap_seconds: policy.fail_gap().as_secs_f64(),
        min_uptime: policy.sign_off.as_ref().and_then(|criteria| criteria.minimum_uptime_ratio).unwrap_or_default(),
        sources: options.collect(),
        ..PlannedWorkload::of(main, BTreeMap::new())
    };
    let source = if args.simulate.is_some() { "--simulate" } else { "-- COMMAND" };
    Planned {
        schema: document::SCHEMA.to_owned(),
        source: source.to_owned(),
        keep_going: false,
        workloads: vec![workload],
    }
}

/// Writes the plan of the workloads into the run directory, beside the folder in which they may tell of their own tasks.
/// Gives its digest.
///
/// # Errors
/// They cannot be written.
pub(super) fn keep_plan(folder: &Folder, planned: &Planned) -> Result<String, Error> {
    folder.make_folder(RUNTIME)?;
    let text = files::json_text(planned);
    folder.replace(document::WORKLOADS, text.as_bytes())?;
    Ok(sha256(text.as_bytes()))
}

/// The variables of a workload: what it is told of the run, with the paths of the diary and of the performance report that it
/// writes, then the operator's own.
pub(super) fn environment(
    args: &FinalDryRun,
    folder: &Folder,
    name: &str,
    files: [Option<&Path>; 2],
    own: &[(String, String)],
) -> Vec<(String, String)> {
    let text = |path: &Path| path.display().to_string();
    let folder = folder.path();
    let mut all = vec![
        ("FINAL_DRY_RUN_LOG_DIR".to_owned(), text(&folder.join("logs"))),
        (table::WORKLOAD.to_owned(), name.to_owned()),
        ("FINAL_DRY_RUN_RUNTIME_PATH".to_owned(), text(&folder.join(runtime_path(name)))),
    ];
    for (path, names) in files.into_iter().zip([
        ["FINAL_DRY_RUN_DIARY_PATH", "DECISION_DIARY_PATH"],
        ["FINAL_DRY_RUN_PERFORMANCE_PATH", "PERFORMANCE_METRICS_PATH"],
    ]) {
        all.extend(path.into_iter().flat_map(|path| names.map(|name| (name.to_owned(), text(path)))));
    }
    all.extend(args.label.iter().map(|label| ("FINAL_DRY_RUN_LABEL".to_owned(), label.clone())));
    all.extend(own.iter().filter(|(name, _)| name != table::WORKLOAD).cloned());
    all
}

/// The record of a run that is about to start, without its provenance.
pub(super) fn record_of(
    args: &FinalDryRun,
    name: String,
    started_at: Stamp,
    plan: &Plan,
    policy: &Policy,
    criteria: &Criteria,
    evidence: EvidencePaths,
) -> RunRecord {
    let polled = plan.guards.as_ref().is_some_and(|guards| guards.polled().next().is_some());
    RunRecord {
        schema: record::SCHEMA.to_owned(),
        name,
        label: args.label.as_deref().map(sanitize::collapse).filter(|label| !label.is_empty()),
        simulated: plan.simulated,
        state: State::Running,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        supervisor_pid: std::process::id(),
        command: plan.command().to_vec(),
        environment: args.env.iter().map(|(key, _)| key.clone()).collect(),
        started_at,
        ended_at: None,
        duration_seconds: None,
        drain_seconds: None,
        ended_because: None,
        ended_by: None,
        workloads: Vec::new(),
        workloads_sha256: plan.sha256.clone(),
        drills: plan.drills.clone(),
        guards: plan.guards.clone(),
        notify: plan.notify.as_ref().map(|(policy, _)| NotifyRecord {
            required: policy.required,
            events: policy.events.clone(),
            channels: policy.channels.iter().map(|channel| channel.name.clone()).collect(),
        }),
        settings: Settings {
            target_duration_seconds: plan.target.as_secs_f64(),
            required_duration_seconds: plan.required.as_secs_f64(),
            minimum_uptime_ratio: plan.minimum_uptime,
            warn_gap_seconds: plan.warn_gap.as_secs_f64(),
            fail_gap_seconds: policy.fail_gap().as_secs_f64(),
            require_diary: criteria.require_diary,
            require_performance: criteria.require_performance,
            allow_warnings: criteria.allow_warnings,
            minimum_sharpe_ratio: criteria.minimum_sharpe_ratio,
            diary_min_entries_per_day: policy.diary.min_entries_per_day,
            diary_daily_gap_severity: policy.diary.daily_gap_severity,
            diary_accept_status: policy.diary.accept_status.clone(),
            diary_explained: policy.diary.explained.clone(),
            performance_min_roi: Some(policy.performance.min_roi),
            stderr_severity: stderr_severity(args),
            performance_figures: policy.performance.figures.clone(),
            max_listed: Some(policy.logs.max_listed),
            log_ignore: policy.logs.ignore.clone(),
            log_statuses: policy.logs.statuses.clone(),
            components: components::asked(policy),
        },
        evidence: EvidencePaths {
            guards: plan.guards.as_ref().map(|_| guards::document::FILE_NAME.to_owned()),
            guard_samples: polled.then(|| guards::samples::FILE_NAME.to_owned()),
            ..evidence
        },
        objectives: objectives(args),
        attempts: Vec::new(),
        criteria: policy.rows.clone(),
        provenance: None,
        waivers: policy.waivers.clone(),
        incidents: Vec::new(),
        incident_counts: Default::default(),
        capture: Default::default(),
        resource_monitor: ResourceState::default().record(plan.sample_interval, &plan.limits),
        held_up: Vec::new(),
        paused: Vec::new(),
        evidence_age: Default::default(),
        evidence_limits: plan.evidence_limits(),
        evidence_stalls: Default::default(),
        sealed_files: None,
        progress: Default::default(),
        metadata: plan.metadata.clone(),
    }
}

/// What the operator says was or was not reached, and what of the remarks says that it was not.
fn objectives(args: &FinalDryRun) -> Vec<Objective> {
    let remarks = notes(&args.note, &args.notes_file).unwrap_or_default();
    let refused = remarks.iter().filter_map(|remark| Objective::of_remark(remark));
    args.objective.iter().cloned().chain(refused).collect()
}

/// The least time that a run must take.
pub(super) fn required(criteria: &Criteria) -> Duration {
    criteria.minimum_duration_seconds.map(Duration::from_secs_f64).unwrap_or_default()
}
