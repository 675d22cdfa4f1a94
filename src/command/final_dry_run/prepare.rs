//! From options to a validated plan, before anything is started.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::{FinalDryRun, RestartArg};
use super::beside::{Beside, Terms};
use super::components;
use super::planning::{self, BACKOFF, BACKOFF_MAX, live_gap, main, plan, record_of, required, sink, stderr_level};
use super::scale::{Scale, length};
use crate::command::config::Config;
use crate::command::signing::Signers;
use crate::command::{Error, workloads};
use crate::evidence::checklist;
use crate::io::clock;
use crate::io::files::{self, FileError, Folder};
use crate::io::process::child::Launch;
use crate::io::process::supervisor::{Setup, UnitSetup};
use crate::json::lenient;
use crate::simulate::runtime::Scenario;
use crate::supervise::plan::NOTIFICATIONS;
use crate::supervise::plan::{EvidenceWatch, Plan};
use crate::supervise::record::{CHECKLIST, EvidencePaths, RunRecord};
use crate::supervise::redact::Redactor;
use crate::supervise::workloads::document::WORKLOADS;
use crate::supervise::workloads::plan::{MAIN, WorkloadPlan};
use crate::supervise::workloads::runtime::runtime_path;
use crate::supervise::workloads::state::STATES;
use crate::time::{Stamp, duration_text, human_duration};
use crate::verdict::policy::{self, Layer, Policy};

/// A run that can start.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    pub(super) setup: Setup,
    /// What is supervised, in words.
    pub(super) what: String,
    /// The run directory as the operator would type it.
    pub(super) shown_folder: String,
}

/// The limits that the drill sets.
const GAPS: [&str; 2] = ["warn_gap", "fail_gap"];

/// The uptime of the built-in workloads.
const SIMULATED_UPTIME: f64 = 0.8;

/// Checks the options, makes the run directory and plans the run.
pub(super) fn prepare(args: &FinalDryRun, config: &Config, signers: &Signers) -> Result<Prepared, Error> {
    let (target, scale) = length(args);
    let command = command_of(args, scale.tick)?;
    let (redactor, shown_command) = redacted(args, &command);
    // It takes its time over a large program, which is no time of the run.
    let provenance = planning::provenance(args, signers, &command[0], &shown_command);
    let started_at = clock::now();
    let root = std::path::absolute(&args.output_root).map_err(|e| FileError::new("create", &args.output_root, e))?;
    let name = run_name(args, &root, started_at)?;
    let policy = policy_of(args, config, &scale, target)?;
    let criteria = policy.sign_off.as_ref().ok_or_else(|| Error::Usage("a rehearsal needs criteria".to_owned()))?;
    check(args, &policy, target)?;

    let checklist = args.checklist.as_deref().map(checklist_of).transpose()?;
    let folder = root.join(&name);
    let evidence = |given: &Option<PathBuf>, waived: bool, name: &str| -> Result<Option<PathBuf>, Error> {
        let path = match given {
            _ if waived => return Ok(None),
            Some(path) => std::path::absolute(path).map_err(|e| FileError::new("read", path, e))?,
            None => folder.join(name),
        };
        Ok(Some(path))
    };
    let diary = evidence(&args.diary, args.no_diary, "decision_diary.json")?;
    let performance = evidence(&args.performance, args.no_performance, "performance_metrics.json")?;

    let shown = |path: &Option<PathBuf>| {
        path.as_ref().map(|path| path.strip_prefix(&folder).unwrap_or(path).display().to_string())
    };
    let watched = watches(args, (&scale, target), shown(&diary), shown(&performance))?;
    let files = [("diary", shown(&diary)), ("performance", shown(&performance))];
    let files = files.into_iter().filter_map(|(name, path)| Some((name.to_owned(), path?))).collect();
    let main = WorkloadPlan { evidence: files, ..main(args, &policy, shown_command, live_gap(args, &scale)) };
    let planned = planning::planned(args, config, &policy, &main);
    let beside = Beside::read(args, config, Terms::of_command(args, &scale, (target, required(criteria))))?;
    let plan = plan(args, &scale, &policy, criteria, target, vec![main], watched);
    let (mut plan, drills, guards) = beside.plan(plan, &name, &redactor, vec![performance.clone()]);
    let folder = make_folders(&root, &folder, diary.iter().chain(&performance))?;

    if let Some(list) = &checklist {
        folder.replace(CHECKLIST, list)?;
    }
    plan.sha256 = Some(planning::keep_plan(&folder, &planned)?);
    let relative = |path: &PathBuf| folder.relative(path).unwrap_or(path).display().to_string();
    let paths = EvidencePaths {
        logs: vec!["logs".to_owned()],
        workload_files: [WORKLOADS, STATES].into_iter().map(str::to_owned).chain([runtime_path(MAIN)]).collect(),
        diary: diary.as_ref().map(relative),
        performance: performance.as_ref().map(relative),
        checklist: checklist.map(|_| CHECKLIST.to_owned()),
        notifications: plan.notify.as_ref().map(|_| NOTIFICATIONS.to_owned()),
        ..components::paths(args, &policy)?
    };
    let record = RunRecord {
        provenance: Some(provenance),
        ..record_of(args, name, started_at, &plan, &policy, criteria, paths)
    };
    let setup = Setup {
        units: vec![unit(args, &folder, signers, (command, started_at), [diary.as_deref(), performance.as_deref()])],
        drills,
        guards,
        evidence: [("diary", diary), ("performance", performance)]
            .into_iter()
            .filter_map(|(name, path)| Some((name.to_owned(), path?)))
            .collect(),
        timeline: !args.no_timeline,
        redactor,
        record,
        folder,
    };
    let shown_folder = args.output_root.join(&setup.record.name).display().to_string();
    Ok(Prepared { what: plan.command().join(" "), plan, setup, shown_folder })
}

/// What is needed to supervise the command.
fn unit(
    args: &FinalDryRun,
    folder: &Folder,
    signers: &Signers,
    (command, started_at): (Vec<String>, Stamp),
    evidence: [Option<&Path>; 2],
) -> UnitSetup {
    UnitSetup {
        launch: Launch {
            command,
            environment: planning::environment(args, folder, MAIN, evidence, &args.env),
            hidden: signers.variables.clone(),
            folder: None,
            stdin: None,
            tty: false,
        },
        sink: sink(args, folder, &format!("final_dry_run_{}", started_at.slug())),
        stderr_level: stderr_level(args),
        source: None,
        ready: None,
        actions: [Vec::new(), Vec::new()],
    }
}

/// A checklist with something to do in it.
pub(super) fn checklist_of(path: &Path) -> Result<Vec<u8>, Error> {
    let list = files::read_within(path, files::REPORT_LIMIT).map_err(|error| Error::Usage(error.to_string()))?;
    if checklist::items(&lenient::text(&list)).is_empty() {
        let text = "--checklist: there is no task in it; write each as `- [ ] what is to be done`";
        return Err(Error::Usage(text.to_owned()));
    }
    Ok(list)
}

/// Refuses options that contradict each other, and remarks that cannot be read, before anything is started.
pub(super) fn check(args: &FinalDryRun, policy: &Policy, target: Duration) -> Result<(), Error> {
    check_for(args, policy, target, true)
}

/// The same; `single` says whether the options are those of one command, or defaults of workloads.
pub(super) fn check_for(args: &FinalDryRun, policy: &Policy, target: Duration, single: bool) -> Result<(), Error> {
    let required = policy.sign_off.as_ref().map(required).unwrap_or_default();
    if required > target {
        return Err(Error::Usage(format!(
            "the run takes {}, but min_duration is {} ({}): no run could pass; raise --duration, or lower --min-duration",
            human_duration(target),
            human_duration(required),
            policy.source_of("min_duration")
        )));
    }
    if args.no_packet && !args.signatures.sign_key.is_empty() {
        let text = "--sign-key signs the packet, and --no-packet makes none; drop one of them";
        return Err(Error::Usage(text.to_owned()));
    }
    let idle = args.max_restarts.is_some() || args.backoff.is_some() || args.backoff_max.is_some();
    if single && idle && args.restart == RestartArg::Never {
        let text =
            "--max-restarts, --backoff and --backoff-max have no effect without --restart; add --restart on-failure";
        return Err(Error::Usage(text.to_owned()));
    }
    if args.backoff.unwrap_or(BACKOFF) > args.backoff_max.unwrap_or(BACKOFF_MAX) {
        return Err(Error::Usage("--backoff is longer than --backoff-max; lower it or raise --backoff-max".to_owned()));
    }
    if args.live_gap_severity.is_some() && args.live_gap.is_none() && args.simulate.is_none() {
        return Err(Error::Usage("--live-gap-severity has no effect without --live-gap; add --live-gap D".to_owned()));
    }
    let limited = args.max_cpu.is_some() || args.max_rss.is_some() || args.max_memory_percent.is_some();
    if limited && args.sample_interval.is_some_and(|interval| interval.is_zero()) {
        return Err(Error::Usage("limits of CPU and memory need samples; drop --sample-interval 0s".to_owned()));
    }
    for path in &args.notes_file {
        files::read(path)?;
    }
    Ok(())
}

/// Makes the run directory, which must be new, and the folders of the evidence files.
pub(super) fn make_folders<'p>(
    root: &Path,
    folder: &Path,
    evidence: impl IntoIterator<Item = &'p PathBuf>,
) -> Result<Folder, Error> {
    files::create_dir(root)?;
    let folder = Folder::create(folder).map_err(|error| match error.source.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Error::Usage(format!("the run directory {} is there already; choose another --run-name", folder.display()))
        }
        _ => error.into(),
    })?;
    folder.make_folder("logs")?;
    for parent in evidence.into_iter().filter_map(|path| path.parent()) {
        files::create_dir(parent)?;
    }
    Ok(folder)
}

/// The policy of the run: the options, over the configuration and the policy file, over the defaults.
pub(super) fn policy_of(args: &FinalDryRun, config: &Config, scale: &Scale, target: Duration) -> Result<Policy, Error> {
    let mut layers = args.limits.layers(config)?;
    for (waived, option, limit) in
        [(args.no_diary, "no-diary", "optional_diary"), (args.no_performance, "no-performance", "optional_performance")]
    {
        if waived {
            layers[0].places.insert(limit.to_owned(), config.place_of(option));
        }
    }
    layers[0].optional_diary = args.no_diary.then_some(true).or(layers[0].optional_diary);
    layers[0].optional_performance = args.no_performance.then_some(true).or(layers[0].optional_performance);
    if let Some(severity) = planning::stderr_severity(args) {
        layers[0].stderr_severity = Some(severity);
        layers[0].places.insert("stderr_level".to_owned(), config.place_of("stderr-level"));
    }
    // So short a run hardly has time to start one after the other.
    let min_uptime = (args.simulate == Some(Scenario::Workloads)).then_some(SIMULATED_UPTIME);
    let gaps = scale.warn_gap.iter().flat_map(|_| GAPS);
    let simulated = gaps.chain(min_uptime.map(|_| "min_uptime"));
    layers.push(Layer {
        source: "the defaults".to_owned(),
        is_default: true,
        places: simulated.map(|limit| (limit.to_owned(), "--simulate".to_owned())).collect(),
        warn_gap: scale.warn_gap,
        fail_gap: scale.fail_gap,
        min_uptime,
        min_duration: Some(target),
        sign_off: true,
        ..Layer::default()
    });
    policy::resolve(&layers).map_err(Error::Usage)
}

/// What hides the values of the operator's variables, and the command without them.
fn redacted(args: &FinalDryRun, command: &[String]) -> (Redactor, Vec<String>) {
    let redactor = Redactor::new(args.env.iter().map(|(_, value)| value.as_str()));
    let shown = command.iter().map(|word| redactor.text(word.into()).into_owned()).collect();
    (redactor, shown)
}

/// The command that would be started, as it may be shown.
pub(super) fn shown_command(args: &FinalDryRun, scale: &Scale) -> Result<String, Error> {
    Ok(redacted(args, &command_of(args, scale.tick)?).1.join(" "))
}

/// Whether the limits of stale evidence fit together, in words.
pub(super) fn watch_limits(args: &FinalDryRun, scaled: (&Scale, Duration)) -> Result<String, Error> {
    let path = |waived: bool| (!waived).then(String::new);
    let (watched, _) = watches(args, scaled, path(args.no_diary), path(args.no_performance))?;
    let names: Vec<&str> = watched.iter().map(|watch| watch.name.as_str()).collect();
    Ok(if names.is_empty() { "the age of the evidence is not watched".to_owned() } else { names.join(", ") })
}

/// The command to start; the simulated runtime is this very program.
fn command_of(args: &FinalDryRun, tick: Duration) -> Result<Vec<String>, Error> {
    if let Some(scenario) = args.simulate {
        let program = env::current_exe().map_err(|e| Error::NoVerdict(format!("cannot find emp-ops itself: {e}")))?;
        let scenario = clap::ValueEnum::to_possible_value(&scenario).map(|v| v.get_name().to_owned());
        let words =
            ["simulate", "runtime", "--scenario", &scenario.unwrap_or_default(), "--tick", &duration_text(tick)];
        return Ok([program.display().to_string()].into_iter().chain(words.map(str::to_owned)).collect());
    }
    let program = &args.command[0];
    let Err(why) = workloads::program(program, None, env::var_os("PATH")) else { return Ok(args.command.clone()) };
    let there = program.contains('/') && Path::new(program).exists();
    let words = program.contains(char::is_whitespace) && args.command.len() == 1 && !there;
    Err(Error::NoVerdict(if words {
        let quoted = program.replace('\'', "'\\''");
        format!(
            "cannot start '{program}': the quotes make it the name of one program; write -- {program}, or -- sh -c '{quoted}'"
        )
    } else {
        why
    }))
}

/// The name of the run, which becomes the name of a directory below the output root and nothing else.
pub(super) fn run_name(args: &FinalDryRun, root: &Path, started_at: Stamp) -> Result<String, Error> {
    let Some(name) = &args.run_name else {
        let slug = started_at.slug();
        // Another run may have started within the same second.
        let mut names = (1..).map(|n| if n == 1 { slug.clone() } else { format!("{slug}-{n}") });
        return Ok(names.find(|name| root.join(name).symlink_metadata().is_err()).unwrap_or(slug.clone()));
    };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 128 || name.starts_with('.') || !name.chars().all(plain) {
        return Err(Error::Usage(
            "--run-name is the name of one directory: write letters, digits, `-`, `_` or `.` (not first), at most \
             128; a text with blanks is for --label"
                .to_owned(),
        ));
    }
    Ok(name.clone())
}

/// How often the evidence files are looked at.
pub(super) fn look_interval(args: &FinalDryRun, watches: &[EvidenceWatch], target: Duration) -> Duration {
    // Without limits the age is only drawn.
    let smallest = watches.iter().flat_map(|w| [w.warn, w.fail]).flatten().min();
    let often = smallest.map_or((target / 480).clamp(Duration::from_secs(1), Duration::from_secs(300)), |d| d / 4);
    args.evidence_check_interval.unwrap_or(often.max(Duration::from_millis(100)))
}

/// The evidence files to watch, and how often.
fn watches(
    args: &FinalDryRun,
    (scale, target): (&Scale, Duration),
    diary: Option<String>,
    performance: Option<String>,
) -> Result<(Vec<EvidenceWatch>, Duration), Error> {
    let (warn, fail) = scale.stale;
    let mut watches = Vec::new();
    for (name, path, given_warn, given_fail) in [
        ("diary", diary, args.diary_stale_warn, args.diary_stale_fail),
        ("performance", performance, args.performance_stale_warn, args.performance_stale_fail),
    ] {
        let Some(path) = path else { continue };
        check_order(&format!("--{name}-stale-warn"), given_warn, &format!("--{name}-stale-fail"), given_fail)?;
        let (warn, fail) = if given_warn.or(given_fail).is_some() { (given_warn, given_fail) } else { (warn, fail) };
        watches.push(EvidenceWatch { name: name.to_owned(), path, warn, fail });
    }
    let interval = look_interval(args, &watches, target);
    Ok((watches, interval))
}

fn check_order(small: &str, warn: Option<Duration>, large: &str, fail: Option<Duration>) -> Result<(), Error> {
    match (warn, fail) {
        (Some(warn), Some(fail)) if warn > fail => Err(Error::Usage(format!(
            "{small} {} is longer than {large} {}; a WARN must come before a FAIL",
            duration_text(warn),
            duration_text(fail)
        ))),
        _ => Ok(()),
    }
}
