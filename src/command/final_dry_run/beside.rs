//! What a run has beside what it supervises: drills, guards on figures, people who hear of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::args::{FinalDryRun, RestartArg};
use super::scale::Scale;
use crate::command::config::Config;
use crate::command::notify::read_policy;
use crate::command::{Error, drills, guards};
use crate::io::process::supervisor::GuardSources;
use crate::stage::notify::policy::Policy;
use crate::supervise::plan::Plan;
use crate::supervise::redact::Redactor;
use crate::supervise::workloads::drill::DrillActs;
use crate::time::human_duration;

/// What the run is to be, as far as that depends on it.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// How long it is, and must be.
    pub(super) target: Duration,
    pub(super) required: Duration,
    pub(super) scale: &'a Scale,
    /// The names of its workloads; none if it is a single command.
    pub(super) workloads: &'a [String],
    /// Whether what ends is always started again.
    pub(super) restarts: bool,
}

impl<'a> Terms<'a> {
    /// Those of a single command, for a run that is to take so long, and must.
    pub(super) fn of_command(args: &FinalDryRun, scale: &'a Scale, (target, required): (Duration, Duration)) -> Self {
        Self { target, required, scale, workloads: &[], restarts: args.restart == RestartArg::Always }
    }
}

/// What was asked for.
pub(super) struct Beside {
    notify: Option<Policy>,
    guards: Option<guards::Asked>,
    drills: Option<drills::Asked>,
}

impl Beside {
    /// Reads what the options name.
    ///
    /// # Errors
    /// A file cannot be read, or something in it cannot be.
    pub(super) fn read(args: &FinalDryRun, config: &Config, terms: Terms<'_>) -> Result<Self, Error> {
        let notify = notify(args)?;
        let guards = guards(args, config, terms)?;
        let drills = drills(args, config, terms, (notify.as_ref(), guards.as_ref()))?;
        Ok(Self { notify, guards, drills })
    }

    /// Plans it for a run of this name, without secrets where that is shown; `reports` are the performance reports by the
    /// number of the workload. Gives what carries it out too.
    pub(super) fn plan(
        self,
        plan: Plan,
        name: &str,
        redactor: &Redactor,
        reports: Vec<Option<PathBuf>>,
    ) -> (Plan, Vec<DrillActs>, GuardSources) {
        let drills = self.drills.map(|asked| asked.hide(redactor));
        let (drills, acts) = drills.map_or((None, Vec::new()), |asked| (Some(asked.plan), asked.acts));
        let guards = self.guards.map(|asked| asked.split(redactor, reports));
        let (guards, sources) = guards.map_or((None, GuardSources::default()), |(plan, from)| (Some(plan), from));
        let notify = self.notify.map(|policy| (Arc::new(policy), name.to_owned()));
        (Plan { drills, guards, notify, ..plan }, acts, sources)
    }
}

/// What each would be, in words, or why it cannot.
pub(super) fn checks(
    args: &FinalDryRun,
    config: &Config,
    terms: Terms<'_>,
) -> Vec<(&'static str, Result<String, Error>)> {
    let (notify, guards) = (notify(args), guards(args, config, terms));
    let mut checks = Vec::new();
    if args.drill.is_some() || args.dry_drills || !args.skip_drill.is_empty() {
        let known = notify.as_ref().ok().and_then(Option::as_ref);
        let watched = guards.as_ref().ok().and_then(Option::as_ref);
        let drills = drills(args, config, terms, (known, watched));
        checks.push(("drills", drills.map(|asked| told(asked.as_ref()))));
    }
    if args.notify.is_some() {
        checks.insert(0, ("notifications", notify.map(|policy| policy.as_ref().map(routes).unwrap_or_default())));
    }
    if args.guard.is_some() {
        checks.push(("guards", guards.map(|asked| asked.as_ref().map(guards::told).unwrap_or_default())));
    }
    checks
}

fn notify(args: &FinalDryRun) -> Result<Option<Policy>, Error> {
    args.notify.as_deref().map(read_policy).transpose()
}

fn guards(args: &FinalDryRun, config: &Config, terms: Terms<'_>) -> Result<Option<guards::Asked>, Error> {
    let terms = guards::Terms {
        target: terms.target,
        required: terms.required,
        grace: args.evidence_grace.unwrap_or(terms.scale.evidence_grace),
        workloads: terms.workloads,
        in_config: config.place_of("guard") != "--guard",
    };
    guards::load(args.guard.as_ref(), terms)
}

fn drills(
    args: &FinalDryRun,
    config: &Config,
    terms: Terms<'_>,
    (notify, guards): (Option<&Policy>, Option<&guards::Asked>),
) -> Result<Option<drills::Asked>, Error> {
    let channels: Vec<String> =
        notify.iter().flat_map(|policy| &policy.channels).map(|channel| channel.name.clone()).collect();
    let guards: Vec<String> =
        guards.iter().flat_map(|asked| &asked.plan.list).map(|guard| guard.name.clone()).collect();
    let terms = drills::Terms {
        target: terms.target,
        restarts: terms.restarts,
        skipped: &args.skip_drill,
        dry: args.dry_drills,
        channels: &channels,
        guards: &guards,
        in_config: config.place_of("drill") != "--drill",
    };
    drills::load(args.drill.as_ref(), terms)
}

/// Each rule with its channels.
fn routes(policy: &Policy) -> String {
    let told = policy.rules.iter().map(|rule| {
        let channels: Vec<&str> = rule.channels.iter().map(|channel| policy.channels[*channel].name.as_str()).collect();
        let what = if rule.categories.is_empty() { "*".to_owned() } else { rule.categories.join(", ") };
        format!("{what} from {} to {}", rule.min_severity.word(), channels.join(", "))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { "no rule: nobody hears of anything".to_owned() } else { told.join("; ") }
}

/// Each drill with the time at which it begins.
fn told(asked: Option<&drills::Asked>) -> String {
    let list = asked.iter().flat_map(|asked| &asked.plan.list);
    let told = list.map(|drill| {
        let when = if drill.skipped { "left out".to_owned() } else { human_duration(drill.at()) };
        format!("{} ({when})", drill.name)
    });
    told.collect::<Vec<_>>().join(", ")
}
