//! Is a run as good as the accepted ones before it?
//!
//! No verdict comes from one noisy run: fewer than five accepted runs with one figure each can only make somebody look.
//! A FAIL takes five of them, whose spread says what noise explains, or figures within the runs that say the same.

pub(crate) mod documents;
mod judge;
mod measured;
mod rules;
pub(crate) mod statistics;
pub(crate) mod trend;

use std::collections::BTreeSet;

pub(crate) use self::judge::text as shown;
pub(crate) use self::measured::{Asked, Beside, Measured};
use self::measured::{BUILT_IN, Reading};
pub use self::rules::{Metric, Rules};
use crate::finding::{Finding, Status, count};
use crate::log::summary::comparison::{Baseline, Compared, Earlier};
use crate::sanitize::shorten;
use crate::time::human_seconds;

/// Runs whose length differs by a larger share are not compared.
const LENGTH: f64 = 0.1;

/// Something that a run is to be held against.
#[derive(Debug)]
pub(crate) enum Candidate {
    /// A run with what it measured.
    Run(Box<Measured>),
    /// A document of another tool, with what speaks against it.
    Document(Earlier, Vec<(Status, String)>),
    /// What cannot be read, and why.
    Unreadable(String, String),
}

/// How to compare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options<'a> {
    /// Whether somebody named what to compare with, rather than asked to look for it.
    pub named: bool,
    /// Whether runs that were not accepted do as well.
    pub any: bool,
    /// `[baseline]`.
    pub rules: &'a Rules,
}

/// Whether the policy names only figures that there can be.
///
/// # Errors
/// Names the figure and the nearest one.
pub(crate) fn check(asked: Asked<'_>) -> Result<(), String> {
    let known = |name: &str| {
        BUILT_IN.contains(&name)
            || asked.figures.contains_key(name)
            || ["drill_", "drills_", "guard_"].iter().any(|kind| name.starts_with(kind))
            || name.contains('.')
    };
    let unknown = asked.rules.metrics.iter().find(|(name, metric)| metric.pointer.is_none() && !known(name));
    let Some((name, _)) = unknown else { return Ok(()) };
    let all = BUILT_IN.iter().copied().chain(asked.figures.keys().map(String::as_str));
    let near = all.min_by_key(|known| strsim::damerau_levenshtein(name, known)).unwrap_or_default();
    Err(format!(
        "[baseline.metrics]: no figure is called `{name}`; say where the performance report has it (pointer = \"/…\"), or \
         did you mean `{near}`?"
    ))
}

/// Holds a run against earlier ones; none if only documents are to be judged.
pub(crate) fn compare(run: Option<&Measured>, candidates: Vec<Candidate>, options: &Options<'_>) -> Baseline {
    let mut baseline = Baseline::default();
    let mut accepted: Vec<Measured> = Vec::new();
    let mut documents = Vec::new();
    let mut seen = BTreeSet::new();
    let mut none_accepted = true;
    for candidate in in_order(candidates) {
        let (mut earlier, measured) = match candidate {
            Candidate::Unreadable(path, why) => {
                baseline
                    .findings
                    .push(Finding::fail(format!("it cannot be compared with: {why}")).in_file(path.clone(), None));
                baseline.baselines.push(Earlier {
                    path,
                    kind: "unreadable".to_owned(),
                    remarks: vec![why],
                    ..Earlier::default()
                });
                continue;
            }
            Candidate::Document(mut earlier, against) => {
                none_accepted &= earlier.verdict.is_some_and(|verdict| verdict > Status::Pass);
                for (status, text) in against {
                    baseline.findings.push(Finding::new(status, text.clone()).in_file(earlier.path.clone(), None));
                    earlier.remarks.push(text);
                }
                documents.push(baseline.baselines.len());
                baseline.baselines.push(earlier);
                continue;
            }
            Candidate::Run(measured) => (listed(&measured), measured),
        };
        let path = earlier.path.clone();
        let accepts = measured.is_accepted();
        let told = |text: &str| Finding::warn(text.to_owned()).in_file(path.clone(), None);
        if !seen.insert((measured.at, measured.command.clone(), measured.at.is_none().then(|| path.clone()))) {
            earlier.remarks.push("the same run is there twice: it counts once".to_owned());
        } else if run.is_some_and(|run| run.at == measured.at && run.at.is_some() && run.command == measured.command) {
            earlier.remarks.push("this is the run itself".to_owned());
        } else if !accepts && !options.any {
            let text =
                format!("its verdict is {}: only accepted runs are baselines (--baseline-any)", measured.verdict);
            baseline.findings.extend(options.named.then(|| told(&text)));
            earlier.remarks.push(text);
        } else {
            none_accepted = false;
            if !accepts {
                earlier.remarks.push(format!("its verdict is {}; compared by --baseline-any", measured.verdict));
            }
            let (hindrances, remarks) = comparable(run, &measured);
            earlier.remarks.extend(remarks);
            if hindrances.is_empty() {
                earlier.compared = run.is_some();
                accepted.push(*measured);
            } else {
                let text = format!("not comparable: {}", hindrances.join("; "));
                baseline.findings.extend(options.named.then(|| told(&text)));
                earlier.remarks.push(text);
            }
        }
        baseline.baselines.push(earlier);
    }
    if let Some(run) = run {
        figures(run, &accepted, &documents, options, &mut baseline);
    }
    nothing(run, none_accepted, options, &mut baseline);
    baseline.status = Status::roll_up(baseline.findings.iter().map(|finding| finding.severity));
    baseline.findings.sort_by(|a, b| (b.severity, &a.place, &a.summary).cmp(&(a.severity, &b.place, &b.summary)));
    baseline
}

/// The candidates by the time of their start, then by their path: the same in whatever order they are named.
fn in_order(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by_cached_key(|candidate| match candidate {
        Candidate::Run(measured) => (measured.at, measured.path.clone()),
        Candidate::Document(earlier, _) => (earlier.at, earlier.path.clone()),
        Candidate::Unreadable(path, _) => (None, path.clone()),
    });
    candidates
}

fn listed(measured: &Measured) -> Earlier {
    Earlier {
        path: measured.path.clone(),
        kind: "run".to_owned(),
        at: measured.at,
        verdict: Some(measured.verdict),
        figures: measured.figures.iter().map(|(name, reading)| (name.clone(), reading.value)).collect(),
        ..Earlier::default()
    }
}

/// Why the figures of a run say nothing about another one; and what else differs.
fn comparable(run: Option<&Measured>, other: &Measured) -> (Vec<String>, Vec<String>) {
    let (mut hindrances, mut remarks) = (Vec::new(), Vec::new());
    let Some(run) = run else { return (hindrances, remarks) };
    if run.command != other.command || run.simulated != other.simulated {
        let command = match other.command.is_empty() {
            true => "its command is not known".to_owned(),
            false => format!("another command, {}", shorten(&other.command.join(" "), 80)),
        };
        hindrances.push(command);
    }
    match (run.cpus, other.cpus) {
        (Some(one), Some(two)) if one != two => hindrances.push(format!("{two} processors, not {one}")),
        (Some(_), None) | (None, Some(_)) => remarks.push("how many processors it had is not known of both".to_owned()),
        _ => {}
    }
    match (run.duration, other.duration) {
        (Some(one), Some(two)) if (one - two).abs() <= LENGTH * one => {}
        (Some(one), Some(two)) => {
            hindrances.push(format!("it lasted {}, not {}", human_seconds(two), human_seconds(one)));
        }
        _ => hindrances.push("how long it lasted is not known of both".to_owned()),
    }
    if run.build_profile != other.build_profile {
        let said = |profile: &Option<String>| profile.clone().unwrap_or_else(|| "not stated".to_owned());
        let (one, two) = (said(&run.build_profile), said(&other.build_profile));
        hindrances.push(format!("its build_profile is {two}, not {one}"));
    }
    (hindrances, remarks)
}

/// Judges every figure that the run shares with what it is compared with.
fn figures(run: &Measured, accepted: &[Measured], documents: &[usize], options: &Options<'_>, baseline: &mut Baseline) {
    for (name, reading) in &run.figures {
        let mut base: Vec<Reading> =
            accepted.iter().filter_map(|measured| measured.figures.get(name).cloned()).collect();
        for at in documents {
            let document = &mut baseline.baselines[*at];
            if let Some(value) = document.figures.get(name).copied() {
                document.compared = true;
                base.push(Reading { value, ..Reading::default() });
            }
        }
        if base.is_empty() {
            continue;
        }
        let compared = judge::judge(name, reading, &base, options.rules.confirm.unwrap_or(1));
        if compared.status > Status::Pass {
            baseline.findings.push(told(&compared));
        }
        baseline.metrics.push(compared);
    }
    for (name, metric) in options.rules.metrics.iter().filter(|(_, metric)| metric.pointer.is_some()) {
        let pointer = metric.pointer.as_deref().unwrap_or_default();
        if !run.figures.contains_key(name) {
            let text = format!("{name} was not measured: the performance report has no number at {pointer}");
            baseline.findings.push(Finding::fail(text));
        } else if !baseline.metrics.iter().any(|compared| compared.name == *name) && !accepted.is_empty() {
            baseline.findings.push(Finding::warn(format!("{name}: no accepted run has it at {pointer}")));
        }
    }
    baseline.compared = baseline.baselines.iter().filter(|earlier| earlier.compared).count() as u64;
}

fn told(compared: &Compared) -> Finding {
    Finding::new(compared.status, compared.says.clone()).with("figure", compared.name.clone())
}

/// Says so where there is nothing to compare: with nothing, or nothing itself.
fn nothing(run: Option<&Measured>, none_accepted: bool, options: &Options<'_>, baseline: &mut Baseline) {
    let runs = baseline.baselines.iter().any(|earlier| earlier.kind == "run");
    let all_lost =
        !baseline.baselines.is_empty() && baseline.baselines.iter().all(|earlier| earlier.kind == "unreadable");
    let judged = baseline.baselines.iter().any(|earlier| earlier.kind == "document" && earlier.verdict.is_some());
    let finding = if all_lost {
        None
    } else if run.is_none() && (runs || !judged) {
        Some(Finding::fail("there is no run to hold against the baselines: name one, emp-ops audit RUN --baseline …"))
    } else if run.is_none() {
        None
    } else if baseline.compared == 0 && !options.named {
        Some(Finding::warn(
            "there is nothing to compare with: no accepted run of the same command and length was found",
        ))
    } else if none_accepted {
        let number = count(baseline.baselines.len() as u64, "baseline");
        Some(Finding::fail(format!("there is nothing to compare with: of {number} none was accepted")))
    } else if baseline.compared == 0 && baseline.findings.is_empty() {
        Some(Finding::fail("nothing was compared: the run has no figure in common with its baselines"))
    } else if baseline.compared > 0 && baseline.metrics.is_empty() {
        Some(Finding::fail("nothing was compared: the run measured no figure"))
    } else {
        None
    };
    baseline.findings.extend(finding);
}

#[cfg(test)]
mod tests;
