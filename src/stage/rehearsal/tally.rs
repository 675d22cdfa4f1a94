//! Counting: what each alert was, in total, by tier and by rule.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use serde::Serialize;

use super::figures::{Spread, densest, spread};
use super::{Expected, Fired, Labels};
use crate::time::Stamp;

/// How many missed incidents and how many rules of a storm are listed; counts stay exact.
pub(super) const LISTED: usize = 100;
/// How many examples a noise driver shows.
const EXAMPLES: usize = 3;
/// How long a storm is.
const STORM: Duration = Duration::from_secs(300);

/// What happened to one group of incidents and alerts.
///
/// `fired` = `true_positives` + `false_positives` + `duplicates` + `flaps`; `expected` = `true_positives` + `misses`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    /// Incidents expected.
    pub expected: u64,
    /// Alerts fired.
    pub fired: u64,
    /// Alerts that were the first of their incident, and so incidents detected.
    pub true_positives: u64,
    /// Alerts without an incident.
    pub false_positives: u64,
    /// Incidents without an alert.
    pub misses: u64,
    /// Further alerts of an incident that are no flaps.
    pub duplicates: u64,
    /// Further alerts of an incident after the same rule with the same labels was resolved.
    pub flaps: u64,
    /// False positives / fired; none if nothing fired.
    pub noise: Option<f64>,
    /// Alerts that differ in rule, labels or incident.
    pub distinct: u64,
    /// Those of them without an incident.
    pub distinct_false_positives: u64,
    /// Distinct false positives / distinct alerts; none if nothing fired.
    pub distinct_noise: Option<f64>,
    /// Incidents detected / expected; none if none was expected.
    pub recall: Option<f64>,
    /// Seconds from the start of an incident to its first alert.
    pub latency_seconds: Option<Spread>,
    #[serde(skip)]
    latencies: Vec<f64>,
}

/// A rule that made noise.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Driver {
    /// The rule.
    pub rule: String,
    /// Its false positives.
    pub false_positives: u64,
    /// Their share of all false positives, 0 to 1.
    pub share: f64,
    /// The labels that all of them carry.
    pub common_labels: Labels,
    /// The first few.
    pub examples: Vec<Example>,
}

/// One alert or incident, to look at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Example {
    /// The rule.
    pub rule: String,
    /// When it fired or began.
    pub at: Stamp,
    /// The incident's id, or the one that an alert names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// Its labels.
    pub labels: Labels,
}

/// The five minutes with the most alerts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Storm {
    /// The first alert in it.
    pub at: Stamp,
    /// How many alerts.
    pub alerts: u64,
    /// How long the stretch is.
    pub seconds: u64,
    /// Alerts by rule, the most frequent first.
    pub rules: Vec<(String, u64)>,
}

/// Everything that was counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) total: Counts,
    pub(super) tiers: BTreeMap<String, Counts>,
    pub(super) rules: BTreeMap<String, Counts>,
    pub(super) drivers: Vec<Driver>,
    pub(super) missed: Vec<Example>,
    pub(super) storm: Option<Storm>,
    pub(super) acknowledge: Option<Spread>,
    pub(super) resolve: Option<Spread>,
    /// Alerts dated before their incident; their latency counts as zero.
    pub(super) early: u64,
}

/// What an alert was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    First,
    Duplicate,
    Flap,
    False,
}

/// Counts alerts whose incidents are known (`owner`, one entry per alert).
pub(super) fn count(expected: &[Expected], fired: &[Fired], owner: &[Option<usize>]) -> Tally {
    let mut order: Vec<usize> = (0..fired.len()).collect();
    order.sort_by_key(|i| (fired[*i].at, *i));
    let mut tally = Tally::default();
    let mut detected = vec![false; expected.len()];
    let mut seen: HashSet<(Option<usize>, &str, &Labels)> = HashSet::new();
    // The alert before, of the same series in the same incident, tells flaps from duplicates.
    let mut before: HashMap<(usize, &str, &Labels), Option<Stamp>> = HashMap::new();
    let (mut acknowledge, mut resolve) = (Vec::new(), Vec::new());
    let mut noise: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for &i in &order {
        let alert = &fired[i];
        let kind = match owner[i] {
            None => Kind::False,
            Some(incident) => {
                let resolved = before.insert((incident, &alert.rule, &alert.labels), alert.resolved_at);
                match resolved {
                    _ if !std::mem::replace(&mut detected[incident], true) => Kind::First,
                    Some(Some(end)) if end <= alert.at => Kind::Flap,
                    _ => Kind::Duplicate,
                }
            }
        };
        let incident = owner[i].map(|incident| &expected[incident]);
        if let Some(incident) = incident {
            let since = |at: Option<Stamp>| at.filter(|at| *at >= alert.at).map(|at| at.seconds_since(alert.at));
            acknowledge.extend(since(alert.acked_at));
            resolve.extend(since(alert.resolved_at));
            tally.early += u64::from(kind == Kind::First && alert.at < incident.at);
        } else {
            noise.entry(&alert.rule).or_default().push(i);
        }
        let latency =
            incident.filter(|_| kind == Kind::First).map(|incident| alert.at.since(incident.at).as_secs_f64());
        // Incidents and their alerts must meet in one row, so the incident's tier and rule come first.
        let tier = incident.and_then(|incident| incident.tier.clone()).or_else(|| alert.tier.clone());
        let rule = incident.map_or(&alert.rule, |incident| &incident.rule);
        let new = seen.insert((owner[i], &alert.rule, &alert.labels));
        for counts in tally.rows(tier, rule) {
            counts.add(kind, latency);
            counts.distinct += u64::from(new);
            counts.distinct_false_positives += u64::from(new && kind == Kind::False);
        }
    }
    for (incident, detected) in expected.iter().zip(&detected) {
        for counts in tally.rows(incident.tier.clone(), &incident.rule) {
            counts.expected += 1;
            counts.misses += u64::from(!detected);
        }
        if !detected && tally.missed.len() < LISTED {
            tally.missed.push(Example {
                rule: incident.rule.clone(),
                at: incident.at,
                incident: Some(incident.id.clone()),
                labels: incident.labels.clone(),
            });
        }
    }
    tally.missed.sort_by(|a, b| (a.at, &a.incident).cmp(&(b.at, &b.incident)));
    tally.acknowledge = spread(&mut acknowledge);
    tally.resolve = spread(&mut resolve);
    tally.drivers = drivers(fired, &noise, tally.total.false_positives);
    tally.storm = storm(fired, &order);
    let Tally { total, tiers, rules, .. } = &mut tally;
    for counts in tiers.values_mut().chain(rules.values_mut()).chain([total]) {
        counts.finish();
    }
    tally
}

impl Tally {
    fn rows(&mut self, tier: Option<String>, rule: &str) -> [&mut Counts; 3] {
        if !self.rules.contains_key(rule) {
            self.rules.insert(rule.to_owned(), Counts::default());
        }
        let tier = self.tiers.entry(tier.unwrap_or_else(|| "none".to_owned())).or_default();
        let rule = self.rules.entry(rule.to_owned()).or_default();
        [&mut self.total, tier, rule]
    }
}

impl Counts {
    fn add(&mut self, kind: Kind, latency: Option<f64>) {
        self.fired += 1;
        *match kind {
            Kind::First => &mut self.true_positives,
            Kind::Duplicate => &mut self.duplicates,
            Kind::Flap => &mut self.flaps,
            Kind::False => &mut self.false_positives,
        } += 1;
        self.latencies.extend(latency);
    }

    fn finish(&mut self) {
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        self.noise = share(self.false_positives, self.fired);
        self.distinct_noise = share(self.distinct_false_positives, self.distinct);
        self.recall = share(self.true_positives, self.expected);
        self.latency_seconds = spread(&mut std::mem::take(&mut self.latencies));
    }
}

fn drivers(fired: &[Fired], noise: &BTreeMap<&str, Vec<usize>>, all: u64) -> Vec<Driver> {
    let mut drivers: Vec<Driver> = noise
        .iter()
        .map(|(rule, alerts)| {
            let mut common = fired[alerts[0]].labels.clone();
            for i in alerts {
                common.retain(|name, value| fired[*i].labels.get(name) == Some(value));
            }
            Driver {
                rule: (*rule).to_owned(),
                false_positives: alerts.len() as u64,
                share: alerts.len() as f64 / all as f64,
                common_labels: common,
                examples: alerts.iter().take(EXAMPLES).map(|i| example(&fired[*i])).collect(),
            }
        })
        .collect();
    drivers.sort_by(|a, b| b.false_positives.cmp(&a.false_positives).then_with(|| a.rule.cmp(&b.rule)));
    drivers
}

fn example(alert: &Fired) -> Example {
    Example { rule: alert.rule.clone(), at: alert.at, incident: alert.incident.clone(), labels: alert.labels.clone() }
}

fn storm(fired: &[Fired], order: &[usize]) -> Option<Storm> {
    let times: Vec<Stamp> = order.iter().map(|i| fired[*i].at).collect();
    let (first, count) = densest(&times, STORM)?;
    let mut by_rule: BTreeMap<&str, u64> = BTreeMap::new();
    for i in &order[first..first + count] {
        *by_rule.entry(&fired[*i].rule).or_default() += 1;
    }
    let ranked: BTreeSet<_> = by_rule.into_iter().map(|(rule, n)| (std::cmp::Reverse(n), rule)).collect();
    Some(Storm {
        at: times[first],
        alerts: count as u64,
        seconds: STORM.as_secs(),
        rules: ranked.into_iter().take(LISTED).map(|(n, rule)| (rule.to_owned(), n.0)).collect(),
    })
}
