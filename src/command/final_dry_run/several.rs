//! A rehearsal of several workloads: from the options and a file to a validated plan.

use std::path::Path;

use super::args::{FinalDryRun, RestartArg};
use super::beside::{self, Beside};
use super::components;
use super::planning::{self, live_gap};
use super::prepare::{self, Prepared};
use super::scale::length;
use crate::command::Error;
use crate::command::config::Config;
use crate::command::signing::Signers;
use crate::command::workloads::{self, Asked, Terms, Workloads};
use crate::finding::count;
use crate::io::clock;
use crate::io::files::{self, FileError};
use crate::io::process::child::Launch;
use crate::io::process::supervisor::{Setup, UnitSetup};
use crate::simulate::runtime::Scenario;
use crate::simulate::services;
use crate::supervise::plan::NOTIFICATIONS;
use crate::supervise::plan::{Plan, Restart};
use crate::supervise::record::{CHECKLIST, EvidencePaths, RunRecord};
use crate::supervise::workloads::document::WORKLOADS;
use crate::supervise::workloads::plan::WorkloadPlan;
use crate::supervise::workloads::runtime::runtime_path;
use crate::supervise::workloads::state::STATES;
use crate::time::duration_text;
use crate::verdict::policy::Policy;
use crate::verdict::workloads::criteria as criteria_of;

/// What the file of the built-in workloads is called.
const SIMULATED: &str = "--simulate workloads";

/// The workloads that the operator names; none if a command was given.
pub(super) fn asked(args: &FinalDryRun, config: &Config) -> Result<Option<Asked>, Error> {
    if args.simulate == Some(Scenario::Workloads) {
        let exe = std::env::current_exe().map_err(|e| Error::NoVerdict(format!("cannot find emp-ops itself: {e}")))?;
        let (_, scale) = length(args);
        let content = services::file(&exe.display().to_string(), &duration_text(scale.tick));
        return workloads::of_config(SIMULATED, &content, Path::new(""));
    }
    let Some(path) = &args.workloads else { return Ok(None) };
    if config.place_of("workloads") == "--workloads" {
        return workloads::load(path).map(Some);
    }
    // The configuration itself, which holds other tables too.
    let bytes = files::read_within(path, files::REPORT_LIMIT).map_err(|error| Error::Usage(error.to_string()))?;
    let content = String::from_utf8_lossy(&bytes);
    match workloads::of_config(&path.display().to_string(), &content, path.parent().unwrap_or(Path::new("")))? {
        Some(asked) => Ok(Some(asked)),
        None => workloads::load(path).map(Some),
    }
}

/// The workloads as they would be supervised below `folder`.
pub(super) fn resolve(args: &FinalDryRun, policy: &Policy, asked: &Asked, folder: &Path) -> Result<Workloads, Error> {
    let (_, scale) = length(args);
    let source = args.workloads.as_deref().map(|path| path.display().to_string());
    let source = source.unwrap_or_else(|| SIMULATED.to_owned());
    let terms = Terms {
        restart: Some(planning::restart(args)).filter(|_| args.restart != RestartArg::Never),
        max_restarts: args.max_restarts,
        backoff: args.backoff,
        backoff_max: args.backoff_max,
        hang_timeout: args.hang_timeout,
        stderr_level: planning::stderr_level(args),
        env: &args.env,
        shutdown_grace: args.shutdown_grace,
        gaps: [policy.warn_gap(), policy.fail_gap()],
        live_gap: live_gap(args, &scale),
        min_uptime: policy.sign_off.as_ref().and_then(|criteria| criteria.minimum_uptime_ratio).unwrap_or_default(),
        keep_going: args.keep_going,
        skipped: &args.skip_workload,
        folder,
        source,
    };
    let all = Workloads::resolve(asked, &terms)?;
    check(args, policy, &all)?;
    Ok(all)
}

/// Refuses what no run could pass, and options that belong to a single command.
fn check(args: &FinalDryRun, policy: &Policy, all: &Workloads) -> Result<(), Error> {
    let criteria = policy.sign_off.as_ref();
    for (at, name, given, needed) in [
        (0, "diary", &args.diary, criteria.is_some_and(|criteria| criteria.require_diary)),
        (1, "performance", &args.performance, criteria.is_some_and(|criteria| criteria.require_performance)),
    ] {
        if given.is_some() {
            let text = format!("--{name} names the file of a single command; write {name} = \"PATH\" for the workload");
            return Err(Error::Usage(text));
        }
        if needed && all.starts.iter().all(|start| start.evidence[at].is_none()) {
            let text = format!(
                "no workload writes the {name} that the verdict needs; write {name} = true for the one that does, or \
                 waive it with --no-{name}"
            );
            return Err(Error::Usage(text));
        }
    }
    Ok(())
}

/// Checks everything, makes the run directory and plans the run.
pub(super) fn prepare(
    args: &FinalDryRun,
    config: &Config,
    signers: &Signers,
    asked: &Asked,
) -> Result<Prepared, Error> {
    let (target, scale) = length(args);
    let root = std::path::absolute(&args.output_root).map_err(|e| FileError::new("create", &args.output_root, e))?;
    let policy = prepare::policy_of(args, config, &scale, target)?;
    let criteria = policy.sign_off.as_ref().ok_or_else(|| Error::Usage("a rehearsal needs criteria".to_owned()))?;
    prepare::check_for(args, &policy, target, false)?;
    let checklist = args.checklist.as_deref().map(prepare::checklist_of).transpose()?;
    let name = prepare::run_name(args, &root, clock::now())?;
    let folder = root.join(&name);
    let all = resolve(args, &policy, asked, &folder)?;
    all.check_programs()?;
    enough_files(all.plans.len())?;
    let always = all.plans.iter().all(|plan| plan.restart == Restart::Always);
    let names: Vec<String> = all.plans.iter().map(|plan| plan.name.clone()).collect();
    let required = planning::required(criteria);
    let terms = beside::Terms { target, required, scale: &scale, workloads: &names, restarts: always };
    let beside = Beside::read(args, config, terms)?;
    let provenance = planning::provenance(args, signers, &all.starts[0].command[0], &all.plans[0].command);
    let started_at = clock::now();
    let folder =
        prepare::make_folders(&root, &folder, all.starts.iter().flat_map(|start| start.evidence.iter().flatten()))?;
    if let Some(list) = &checklist {
        folder.replace(CHECKLIST, list)?;
    }
    let digest = planning::keep_plan(&folder, &all.document)?;
    let interval = prepare::look_interval(args, &all.watches, target);
    let plans = all.plans.clone();
    let plan = Plan {
        single: false,
        sha256: Some(digest),
        keep_going: args.keep_going,
        duration_is_written: policy.source_of("min_duration") != "default",
        ..planning::plan(args, &scale, &policy, criteria, target, plans, (all.watches.clone(), interval))
    };
    let reports = all.starts.iter().map(|start| start.evidence[1].clone()).collect();
    let (plan, drills, guards) = beside.plan(plan, &name, &all.redactor, reports);
    let paths = evidence_of(args, &all.plans, (checklist.is_some(), components::paths(args, &policy)?));
    let mut judged_by = policy.rows.clone();
    judged_by.extend(criteria_of(&all.document, &policy));
    let record = RunRecord {
        provenance: Some(provenance),
        criteria: judged_by,
        ..planning::record_of(args, name, started_at, &plan, &policy, criteria, paths)
    };
    let shown_folder = args.output_root.join(&record.name).display().to_string();
    let what = format!("{} of {}", count(all.plans.len() as u64, "workload"), all.document.source);
    let evidence = all.watches.iter().map(|watch| (watch.name.clone(), folder.path().join(&watch.path))).collect();
    let slug = started_at.slug();
    let units = all.plans.iter().zip(all.starts).map(|(plan, start)| {
        let files = [0, 1].map(|at| start.evidence[at].as_deref());
        let environment = planning::environment(args, &folder, &plan.name, files, &start.environment);
        UnitSetup {
            launch: Launch {
                command: absolute(start.command, start.cwd.as_deref()),
                environment,
                hidden: signers.variables.clone(),
                folder: start.cwd,
                stdin: start.stdin,
                tty: plan.tty,
            },
            sink: planning::sink(args, &folder, &format!("{}_{slug}", plan.name)),
            stderr_level: start.stderr_level,
            source: Some(plan.name.clone()),
            ready: start.ready,
            actions: start.actions,
        }
    });
    let units = units.collect();
    let setup = Setup {
        units,
        drills,
        guards,
        evidence,
        timeline: !args.no_timeline,
        redactor: all.redactor,
        record,
        folder: folder.clone(),
    };
    Ok(Prepared { plan, setup, what, shown_folder })
}

/// The evidence of a run: as that of the run itself the files of the first workload that declares them, rather of a
/// required one; further ones with the workloads.
fn evidence_of(
    args: &FinalDryRun,
    plans: &[WorkloadPlan],
    (checklist, others): (bool, EvidencePaths),
) -> EvidencePaths {
    let of = |name: &str, required: bool| {
        plans.iter().filter(|plan| plan.required == required).find_map(|plan| plan.evidence.get(name).cloned())
    };
    let first = |name: &str| of(name, true).or_else(|| of(name, false));
    let diary = first("diary").filter(|_| !args.no_diary);
    let performance = first("performance").filter(|_| !args.no_performance);
    let named: Vec<&String> = diary.iter().chain(&performance).collect();
    let further = plans.iter().flat_map(|plan| plan.evidence.values()).filter(|path| !named.contains(path)).cloned();
    let told = plans.iter().map(|plan| runtime_path(&plan.name));
    let own = [WORKLOADS, STATES].into_iter().map(str::to_owned);
    EvidencePaths {
        logs: vec!["logs".to_owned()],
        workload_files: own.chain(further).chain(told).collect(),
        diary,
        performance,
        checklist: checklist.then(|| CHECKLIST.to_owned()),
        notifications: args.notify.as_ref().map(|_| NOTIFICATIONS.to_owned()),
        ..others
    }
}

/// A program that is named by a path is meant from the folder in which it runs.
fn absolute(mut command: Vec<String>, folder: Option<&Path>) -> Vec<String> {
    if let Some(folder) = folder.filter(|_| command[0].contains('/')) {
        let path = std::path::absolute(folder.join(&command[0])).unwrap_or_default();
        command[0] = path.display().to_string();
    }
    command
}

/// Each workload needs its pipes and logs, and room for probes.
fn enough_files(workloads: usize) -> Result<(), Error> {
    let needed = 64 + 12 * workloads as u64;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    match limit.filter(|limit| *limit < needed) {
        Some(limit) => Err(Error::NoVerdict(format!(
            "{} need {needed} open files, and {limit} are allowed: raise the limit (ulimit -n)",
            count(workloads as u64, "workload")
        ))),
        None => Ok(()),
    }
}
