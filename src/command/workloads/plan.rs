//! From what a file asks for to what the supervisor needs.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::read::{Asked, Common, Spec};
use crate::command::Error;
use crate::finding::Status;
use crate::level::Level;
use crate::supervise::event::StopSignal;
use crate::supervise::plan::{EvidenceWatch, Limits, Restart};
use crate::supervise::redact::Redactor;
use crate::supervise::workloads::check::{Act, Check};
use crate::supervise::workloads::document::{self, Planned, PlannedProbe, PlannedWorkload};
use crate::supervise::workloads::plan::{Condition, OnLoss, WorkloadPlan};
use crate::verdict::policy::expected;

/// What holds where the file says nothing: the options of the run.
pub(crate) struct Terms<'a> {
    pub(crate) restart: Option<Restart>,
    pub(crate) max_restarts: Option<u64>,
    pub(crate) backoff: Option<Duration>,
    pub(crate) backoff_max: Option<Duration>,
    pub(crate) hang_timeout: Option<Duration>,
    pub(crate) stderr_level: Level,
    pub(crate) env: &'a [(String, String)],
    pub(crate) shutdown_grace: Duration,
    pub(crate) gaps: [Duration; 2],
    pub(crate) live_gap: Option<(Duration, Status)>,
    pub(crate) min_uptime: f64,
    pub(crate) keep_going: bool,
    /// The workloads that the operator leaves out.
    pub(crate) skipped: &'a [String],
    /// The run directory.
    pub(crate) folder: &'a Path,
    /// The file, for people.
    pub(crate) source: String,
}

/// The workloads of a run, ready to be supervised.
pub(crate) struct Workloads {
    pub(crate) plans: Vec<WorkloadPlan>,
    pub(crate) starts: Vec<Start>,
    pub(crate) watches: Vec<EvidenceWatch>,
    pub(crate) document: Planned,
    pub(crate) redactor: Redactor,
}

/// What is needed to start a workload.
pub(crate) struct Start {
    pub(crate) command: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) stdin: Option<PathBuf>,
    pub(crate) stderr_level: Level,
    pub(crate) ready: Option<(Check, Duration)>,
    pub(crate) actions: [Vec<Act>; 2],
    /// Diary and performance report.
    pub(crate) evidence: [Option<PathBuf>; 2],
}

/// The names of the evidence files, with those of their files.
const EVIDENCE: [(&str, &str); 2] = [("diary", "decision_diary.json"), ("performance", "performance_metrics.json")];

impl Workloads {
    /// Resolves what a file asks for.
    ///
    /// # Errors
    /// A name that is left out, or a variable, is not there; or two write one file.
    pub(crate) fn resolve(asked: &Asked, terms: &Terms<'_>) -> Result<Self, Error> {
        let names: Vec<&str> = asked.workloads.iter().map(|spec| spec.name.as_str()).collect();
        if let Some(unknown) = terms.skipped.iter().find(|name| !names.contains(&name.as_str())) {
            let near = expected(unknown, &names);
            return Err(Error::Usage(format!("--skip-workload {unknown}: there is no such workload{near}")));
        }
        let mut values = Vec::new();
        let mut environments = Vec::new();
        for spec in &asked.workloads {
            let environment = environment(asked, spec, terms)?;
            values.extend(environment.iter().map(|(_, value)| value.clone()));
            environments.push(environment);
        }
        let redactor = Redactor::new(values.iter().map(String::as_str));
        let levels = levels(&asked.workloads);
        let mut all = Self {
            plans: Vec::new(),
            starts: Vec::new(),
            watches: Vec::new(),
            document: Planned {
                schema: document::SCHEMA.to_owned(),
                source: terms.source.clone(),
                keep_going: terms.keep_going,
                workloads: Vec::new(),
            },
            redactor,
        };
        for (number, (spec, environment)) in asked.workloads.iter().zip(environments).enumerate() {
            all.add(asked, spec, environment, levels[number], terms);
        }
        all.check_evidence()?;
        Ok(all)
    }

    fn add(&mut self, asked: &Asked, spec: &Spec, environment: Vec<(String, String)>, level: usize, terms: &Terms<'_>) {
        let common = merged(&spec.own, &asked.defaults);
        let required = asked.required(spec);
        let evidence = evidence(spec, terms.folder);
        let shown = |path: &Path| path.strip_prefix(terms.folder).unwrap_or(path).display().to_string();
        let named = EVIDENCE.iter().zip(&evidence);
        let named: BTreeMap<String, String> =
            named.filter_map(|((name, _), path)| Some(((*name).to_owned(), shown(path.as_ref()?)))).collect();
        for (at, (name, path)) in named.iter().enumerate() {
            let [warn, fail] = spec.stale[if name == "diary" { 0 } else { at.max(1) }];
            // What would be a FAIL of an optional one is a WARN.
            let (warn, fail) = if required { (warn, fail) } else { (warn.into_iter().chain(fail).min(), None) };
            let name = format!("{}/{name}", spec.name);
            self.watches.push(EvidenceWatch { name, path: path.clone(), warn, fail });
        }
        let ready = spec.ready.clone();
        let severity = |status: Status| if required { status } else { status.min(Status::Warn) };
        let depends_on = spec.depends_on.iter().filter_map(|on| {
            let at = asked.workloads.iter().position(|other| other.name == on.name)?;
            Some((at, on.condition.unwrap_or_else(|| strongest(&asked.workloads[at]))))
        });
        let mut names: Vec<String> = environment.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        let quiet = common.quiet.unwrap_or_default();
        let plan = WorkloadPlan {
            command: spec.command.iter().map(|word| self.redactor.text(word.into()).into_owned()).collect(),
            environment: names,
            evidence: named,
            kind: common.kind.clone().unwrap_or_else(|| spec.name.clone()),
            description: common.description.clone(),
            metadata: common.metadata.clone(),
            job: spec.job,
            success_codes: common.success_codes.clone().unwrap_or_else(|| vec![0]),
            required,
            left_out: terms.skipped.contains(&spec.name),
            depends_on: depends_on.collect(),
            ready: ready.as_ref().map(|(plan, ..)| plan.clone()),
            restart: common.restart.or(terms.restart.filter(|_| !spec.job)).unwrap_or_default(),
            max_restarts: common.max_restarts.or(terms.max_restarts).unwrap_or(3),
            restart_window: common.restart_window,
            backoff: common.backoff.or(terms.backoff).unwrap_or(Duration::from_secs(1)),
            backoff_max: common.backoff_max.or(terms.backoff_max).unwrap_or(Duration::from_secs(60)),
            backoff_reset: common.backoff_reset.unwrap_or(Duration::from_secs(300)),
            hang_timeout: common.hang_timeout.or(terms.hang_timeout),
            unready_timeout: common.unready_timeout,
            on_dependency_loss: common.on_dependency_loss.unwrap_or(OnLoss::Continue),
            stop_signal: common.stop_signal.unwrap_or(StopSignal::Interrupt),
            shutdown_grace: common.shutdown_grace.unwrap_or(terms.shutdown_grace),
            actions: [&common.before_stop, &common.after_stop].map(|acts| acts.as_ref().map_or(0, Vec::len)),
            warn_gap: common.warn_gap.unwrap_or(terms.gaps[0]),
            live_gap: terms.live_gap.map(|(gap, status)| (gap, severity(status))).filter(|_| !quiet && !spec.job),
            quiet,
            tty: common.tty.unwrap_or_default(),
            limits: Limits {
                cpu_percent: common.max_cpu,
                rss_bytes: common.max_rss,
                memory_percent: None,
                severity: severity(common.resource_severity.unwrap_or(Status::Fail)),
            },
            ..WorkloadPlan::service(&spec.name)
        };
        self.document.workloads.push(planned(&plan, &common, spec, (level, asked), terms));
        self.plans.push(plan);
        self.starts.push(Start {
            command: spec.command.clone(),
            environment,
            cwd: common.cwd.clone(),
            stdin: common.stdin.clone(),
            stderr_level: common.stderr_level.unwrap_or(terms.stderr_level),
            ready: ready.map(|(_, check, timeout)| (check, timeout)),
            actions: [common.before_stop.unwrap_or_default(), common.after_stop.unwrap_or_default()],
            evidence,
        });
    }

    /// Two that write one file destroy it.
    fn check_evidence(&self) -> Result<(), Error> {
        let mut seen: BTreeMap<&PathBuf, &str> = BTreeMap::new();
        for (plan, start) in self.plans.iter().zip(&self.starts) {
            for path in start.evidence.iter().flatten() {
                if let Some(other) = seen.insert(path, &plan.name) {
                    let text =
                        format!("{other} and {} would both write {}; give each its own", plan.name, path.display());
                    return Err(Error::Usage(text));
                }
            }
        }
        Ok(())
    }

    /// Whether every program and folder is there.
    ///
    /// # Errors
    /// Names the first that is not.
    pub(crate) fn check_programs(&self) -> Result<(), Error> {
        for (plan, start) in self.plans.iter().zip(&self.starts) {
            if let Some(cwd) = start.cwd.as_ref().filter(|cwd| !cwd.is_dir()) {
                let text = format!("{}: the folder {} is not there; check its cwd", plan.name, cwd.display());
                return Err(Error::NoVerdict(text));
            }
            let path = start.environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.into());
            program(&start.command[0], start.cwd.as_deref(), path.or_else(|| env::var_os("PATH")))
                .map_err(|why| Error::NoVerdict(format!("{}: {why}", plan.name)))?;
        }
        Ok(())
    }
}

/// Whether a program is there and can be started.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn program(name: &str, folder: Option<&Path>, paths: Option<std::ffi::OsString>) -> Result<(), String> {
    let executable = |path: &Path| fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    let own = folder.map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
    let found = if name.contains('/') {
        executable(&own)
    } else {
        paths.is_some_and(|paths| env::split_paths(&paths).any(|folder| executable(&folder.join(name))))
    };
    match found {
        true => Ok(()),
        false if name.contains('/') && own.exists() => {
            Err(format!("cannot start {name}: it is not executable; try `chmod +x {}`", own.display()))
        }
        false => Err(format!("cannot start {name}: command not found; check its name and PATH")),
    }
}

/// What a workload offers at best.
fn strongest(spec: &Spec) -> Condition {
    match (spec.job, &spec.ready) {
        (true, _) => Condition::Completed,
        (false, Some(_)) => Condition::Ready,
        (false, None) => Condition::Started,
    }
}

/// How far each is from the start.
fn levels(all: &[Spec]) -> Vec<usize> {
    let mut levels = vec![0; all.len()];
    // Without cycles so many rounds are enough.
    for _ in 0..all.len() {
        for (at, spec) in all.iter().enumerate() {
            let below = spec.depends_on.iter().filter_map(|on| all.iter().position(|other| other.name == on.name));
            levels[at] = below.map(|other| levels[other] + 1).max().unwrap_or(0);
        }
    }
    levels
}

fn evidence(spec: &Spec, folder: &Path) -> [Option<PathBuf>; 2] {
    let mut found = [None, None];
    for (at, (_, file)) in EVIDENCE.iter().enumerate() {
        found[at] = spec.evidence[at].as_ref().map(|path| match path.as_os_str().is_empty() {
            true => folder.join("evidence").join(&spec.name).join(file),
            false => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
        });
    }
    found
}

/// The operator's variables of a workload.
fn environment(asked: &Asked, spec: &Spec, terms: &Terms<'_>) -> Result<Vec<(String, String)>, Error> {
    let mut all: BTreeMap<String, String> = terms.env.iter().cloned().collect();
    for common in [&asked.defaults, &spec.own] {
        for name in &common.pass_env {
            let value = env::var(name).map_err(|_| {
                let text = format!("{}: {} passes on {name}, which is not set here (in UTF-8)", spec.place, spec.name);
                Error::Usage(text)
            })?;
            all.insert(name.clone(), value);
        }
        all.extend(common.env.iter().cloned());
    }
    Ok(all.into_iter().collect())
}

/// The keys of a workload over those of `[defaults]`.
fn merged(own: &Common, defaults: &Common) -> Common {
    let (own, defaults) = (own.clone(), defaults.clone());
    let mut metadata = defaults.metadata;
    metadata.extend(own.metadata);
    Common {
        success_codes: own.success_codes.or(defaults.success_codes),
        required: own.required.or(defaults.required),
        kind: own.kind.or(defaults.kind),
        description: own.description.or(defaults.description),
        metadata,
        cwd: own.cwd.or(defaults.cwd),
        env: Vec::new(),
        pass_env: Vec::new(),
        restart: own.restart.or(defaults.restart),
        max_restarts: own.max_restarts.or(defaults.max_restarts),
        restart_window: own.restart_window.or(defaults.restart_window),
        backoff: own.backoff.or(defaults.backoff),
        backoff_max: own.backoff_max.or(defaults.backoff_max),
        backoff_reset: own.backoff_reset.or(defaults.backoff_reset),
        hang_timeout: own.hang_timeout.or(defaults.hang_timeout),
        unready_timeout: own.unready_timeout.or(defaults.unready_timeout),
        on_dependency_loss: own.on_dependency_loss.or(defaults.on_dependency_loss),
        stop_signal: own.stop_signal.or(defaults.stop_signal),
        shutdown_grace: own.shutdown_grace.or(defaults.shutdown_grace),
        before_stop: own.before_stop.or(defaults.before_stop),
        after_stop: own.after_stop.or(defaults.after_stop),
        max_cpu: own.max_cpu.or(defaults.max_cpu),
        max_rss: own.max_rss.or(defaults.max_rss),
        resource_severity: own.resource_severity.or(defaults.resource_severity),
        warn_gap: own.warn_gap.or(defaults.warn_gap),
        fail_gap: own.fail_gap.or(defaults.fail_gap),
        min_uptime: own.min_uptime.or(defaults.min_uptime),
        quiet: own.quiet.or(defaults.quiet),
        stdin: own.stdin.or(defaults.stdin),
        tty: own.tty.or(defaults.tty),
        stderr_level: own.stderr_level.or(defaults.stderr_level),
    }
}

/// A workload as `workloads.json` has it.
fn planned(
    plan: &WorkloadPlan,
    common: &Common,
    spec: &Spec,
    (level, asked): (usize, &Asked),
    terms: &Terms<'_>,
) -> PlannedWorkload {
    let seconds = |time: Duration| time.as_secs_f64();
    let names = plan.depends_on.iter().map(|(on, condition)| (asked.workloads[*on].name.clone(), *condition));
    let shown = |acts: &Option<Vec<Act>>| acts.iter().flatten().map(|act| act.shown.clone()).collect();
    PlannedWorkload {
        cwd: common.cwd.as_ref().map(|cwd| cwd.display().to_string()),
        level,
        ready: spec.ready.as_ref().map(|(ready, _, timeout)| PlannedProbe {
            check: ready.shown.clone(),
            interval_seconds: seconds(ready.interval),
            timeout_seconds: seconds(*timeout),
            successes: ready.successes,
            failures: ready.failures,
            initial_delay_seconds: seconds(ready.initial_delay),
            within_seconds: seconds(ready.within),
            may_precede: ready.may_precede,
        }),
        before_stop: shown(&common.before_stop),
        after_stop: shown(&common.after_stop),
        fail_gap_seconds: seconds(common.fail_gap.unwrap_or(terms.gaps[1])),
        min_uptime: common.min_uptime.unwrap_or(terms.min_uptime),
        stderr_level: common.stderr_level.filter(|level| *level != Level::Error).map(|level| level.word().to_owned()),
        sources: sources(spec, asked, terms),
        ..PlannedWorkload::of(plan, names.collect())
    }
}

/// Who set the limits of a workload that somebody set.
fn sources(spec: &Spec, asked: &Asked, terms: &Terms<'_>) -> BTreeMap<String, String> {
    let (own, defaults) = (&spec.own, &asked.defaults);
    let rows = [
        ("restart", own.restart.is_some(), defaults.restart.is_some(), terms.restart.is_some()),
        ("max_restarts", own.max_restarts.is_some(), defaults.max_restarts.is_some(), terms.max_restarts.is_some()),
        ("backoff", own.backoff.is_some(), defaults.backoff.is_some(), terms.backoff.is_some()),
        ("backoff_max", own.backoff_max.is_some(), defaults.backoff_max.is_some(), terms.backoff_max.is_some()),
        ("hang_timeout", own.hang_timeout.is_some(), defaults.hang_timeout.is_some(), terms.hang_timeout.is_some()),
        ("warn_gap", own.warn_gap.is_some(), defaults.warn_gap.is_some(), false),
        ("fail_gap", own.fail_gap.is_some(), defaults.fail_gap.is_some(), false),
        ("min_uptime", own.min_uptime.is_some(), defaults.min_uptime.is_some(), false),
        ("stderr_level", own.stderr_level.is_some(), defaults.stderr_level.is_some(), false),
        ("shutdown_grace", own.shutdown_grace.is_some(), defaults.shutdown_grace.is_some(), false),
        ("max_cpu", own.max_cpu.is_some(), defaults.max_cpu.is_some(), false),
        ("max_rss", own.max_rss.is_some(), defaults.max_rss.is_some(), false),
        ("required", own.required.is_some(), defaults.required.is_some(), false),
        ("quiet", own.quiet.is_some(), defaults.quiet.is_some(), false),
        ("unready_timeout", own.unready_timeout.is_some(), defaults.unready_timeout.is_some(), false),
        ("may_precede", spec.ready.as_ref().is_some_and(|(ready, ..)| ready.may_precede), false, false),
        ("command", asked.procfile, false, false),
    ];
    let source = |(name, own, defaults, option): (&str, bool, bool, bool)| {
        let source = match (own, defaults, option) {
            (true, ..) => spec.place.clone(),
            (_, true, _) => format!("[defaults] of {}", terms.source),
            (_, _, true) => format!("--{}", name.replace('_', "-")),
            _ => return None,
        };
        Some((name.to_owned(), source))
    };
    rows.into_iter().filter_map(source).collect()
}
