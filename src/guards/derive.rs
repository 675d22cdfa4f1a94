//! Reads the verdict on a guard off the stretches that were noted of it.

use serde::{Deserialize, Serialize};

use super::growth::{self, SLOPED, Slope};
use super::plan::{Guard, Level, Stat};
use crate::finding::{Status, count};
use crate::time::{Stamp, human_seconds};

/// Looks that come late by so much are no blindness, in seconds: the machine may be busy.
const LATE: f64 = 5.0;
/// So many looks in a row may see nothing.
const BLIND_LOOKS: u64 = 3;
/// A larger share of bad samples is a FAIL.
const BAD_SHARE: f64 = 0.01;

/// Looks that found a figure at the same level, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stretch {
    pub level: Level,
    /// The first look and the last one.
    pub from: Stamp,
    pub to: Stamp,
    /// The same in seconds since the start of the run.
    pub from_seconds: f64,
    pub to_seconds: f64,
    /// How many looks.
    pub looks: u64,
    /// The worst figure among them.
    #[serde(default)]
    pub worst: Option<f64>,
    /// The last one.
    #[serde(default)]
    pub last: Option<f64>,
    /// The most samples on which one of them rests.
    #[serde(default)]
    pub samples: u64,
}

/// What was noted of a guard: the evidence from which its verdict is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// Samples after the warm-up.
    pub samples: u64,
    /// What was no sample: no number, or an impossible one.
    pub bad_samples: u64,
    pub stretches: Vec<Stretch>,
    /// Of one that is about growth: times in seconds and figures, thinned out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<(f64, f64)>,
    /// Why nothing was to be seen, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind_because: Option<String>,
}

/// A figure was beyond its limit for as long as that must last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Episode {
    pub severity: Status,
    pub from: Stamp,
    pub from_seconds: f64,
    /// When it was within its limits again; none if it was not.
    #[serde(default)]
    pub to: Option<Stamp>,
    #[serde(default)]
    pub to_seconds: Option<f64>,
    pub worst: f64,
    /// The most samples on which a figure of it rests.
    pub samples: u64,
    /// The drill that may have caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
}

/// What a look changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// An episode has begun, or become worse.
    Raised(Status),
    /// It is over.
    Over,
}

/// Episodes as looks make them, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Fold {
    /// Since when the figure is beyond a limit, and since when beyond that of a FAIL.
    warn_since: Option<(f64, Stamp)>,
    fail_since: Option<f64>,
    worst: Option<f64>,
    samples: u64,
    pub(super) episodes: Vec<Episode>,
    pub(super) open: bool,
    /// Whether the last change made a WARN a FAIL.
    pub(super) was_warn: bool,
}

impl Fold {
    /// A look found this.
    pub(super) fn look(
        &mut self,
        guard: &Guard,
        (seconds, at): (f64, Stamp),
        level: Level,
        (figure, samples): (Option<f64>, u64),
    ) -> Option<Change> {
        match level {
            // What is not seen is neither over nor goes on.
            Level::Blind | Level::Waiting => None,
            Level::Ok => {
                let over = std::mem::take(&mut self.open).then_some(Change::Over);
                if let (Some(_), Some(last)) = (over, self.episodes.last_mut()) {
                    (last.to, last.to_seconds) = (Some(at), Some(seconds));
                }
                (self.warn_since, self.fail_since, self.worst, self.samples) = (None, None, None, 0);
                over
            }
            Level::Warn | Level::Fail => {
                let since = *self.warn_since.get_or_insert((seconds, at));
                if level == Level::Fail {
                    self.fail_since.get_or_insert(seconds);
                } else {
                    self.fail_since = None;
                }
                let worst = [self.worst, figure].into_iter().flatten().reduce(|a, b| guard.worse(a, b));
                self.worst = worst;
                self.samples = self.samples.max(samples);
                // Times are noted to the millisecond.
                let held = |since: f64| seconds - since + 0.0005 >= guard.for_seconds;
                let severity = match self.fail_since {
                    Some(fail) if held(fail) => Status::Fail,
                    _ if held(since.0) && guard.warn.is_some() => Status::Warn,
                    _ => Status::Pass,
                };
                self.goes_on(since, severity)
            }
        }
    }

    fn goes_on(&mut self, (seconds, at): (f64, Stamp), severity: Status) -> Option<Change> {
        let (worst, samples) = (self.worst?, self.samples);
        if let Some(last) = self.episodes.last_mut().filter(|_| self.open) {
            (last.worst, last.samples) = (worst, samples);
            let worse = severity > last.severity;
            self.was_warn = worse;
            last.severity = last.severity.max(severity);
            return worse.then_some(Change::Raised(severity));
        }
        if severity == Status::Pass {
            return None;
        }
        (self.open, self.was_warn) = (true, false);
        self.episodes.push(Episode {
            severity,
            from: at,
            from_seconds: seconds,
            to: None,
            to_seconds: None,
            worst,
            samples,
            drill: None,
        });
        Some(Change::Raised(severity))
    }
}

/// The verdict on a guard.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judged {
    /// What was measured last.
    pub figure: Option<f64>,
    pub worst: Option<f64>,
    pub episodes: Vec<Episode>,
    /// When nothing was to be seen: from and to, in seconds since the start.
    pub blind: Vec<(f64, f64)>,
    pub slope: Option<Slope>,
    /// What is wrong, each as bad as it is.
    pub findings: Vec<(Status, String)>,
    /// On how few samples its figure rests, where that is too few to trust.
    pub remark: Option<String>,
}

impl Judged {
    pub(crate) fn status(&self) -> Status {
        Status::roll_up(self.findings.iter().map(|(status, _)| *status))
    }
}

/// Reads the verdict on a guard. `end` is when the run ended, in seconds since its start; `drill` names the one to which
/// an episode belongs.
pub(crate) fn derive(
    guard: &Guard,
    noted: &Noted,
    end: Option<f64>,
    drill: impl Fn(&Episode) -> Option<String>,
) -> Judged {
    let mut fold = Fold::default();
    for stretch in &noted.stretches {
        let seen = (stretch.worst, stretch.samples);
        fold.look(guard, (stretch.from_seconds, stretch.from), stretch.level, seen);
        fold.look(guard, (stretch.to_seconds, stretch.to), stretch.level, seen);
    }
    let mut judged = Judged { episodes: fold.episodes, ..Judged::default() };
    for episode in &mut judged.episodes {
        episode.drill = drill(episode);
    }
    let measured = || noted.stretches.iter().filter(|stretch| stretch.level >= Level::Ok);
    judged.figure = measured().next_back().and_then(|stretch| stretch.last);
    judged.worst = measured().filter_map(|stretch| stretch.worst).reduce(|a, b| guard.worse(a, b));
    breaches(guard, &mut judged);
    samples(guard, noted, &mut judged);
    if judged.figure.is_some() {
        blindness(guard, noted, end, &mut judged);
    }
    ahead(guard, noted, &mut judged);
    judged
}

fn breaches(guard: &Guard, judged: &mut Judged) {
    let own: Vec<&Episode> = judged.episodes.iter().filter(|episode| episode.drill.is_none()).collect();
    for severity in [Status::Fail, Status::Warn] {
        let list: Vec<&&Episode> = own.iter().filter(|episode| episode.severity == severity).collect();
        let Some(worst) = list.iter().map(|episode| episode.worst).reduce(|a, b| guard.worse(a, b)) else { continue };
        let limit = if severity == Status::Fail { &guard.fail } else { &guard.warn };
        let limit = limit.as_ref().map(|limit| format!(" (limit {})", guard.text(limit.value))).unwrap_or_default();
        let first = list[0];
        let lasted = match first.to_seconds {
            Some(to) => format!("for {}", human_seconds(to - first.from_seconds)),
            None => "to the end".to_owned(),
        };
        let often = match list.len() {
            1 => format!(
                "from {} on, {lasted}, of {}",
                human_seconds(first.from_seconds),
                count(first.samples, "sample")
            ),
            many => format!("{many} times, first after {}", human_seconds(first.from_seconds)),
        };
        let text = format!("{} was {}{limit}, {often}", guard.what(), guard.text(worst));
        judged.findings.push((severity, text));
    }
}

fn samples(guard: &Guard, noted: &Noted, judged: &mut Judged) {
    let all = noted.samples + noted.bad_samples;
    if noted.bad_samples > 0 && noted.bad_samples as f64 > BAD_SHARE * all as f64 {
        let text = format!("{} of {} were no figures that can be", noted.bad_samples, count(all, "sample"));
        judged.findings.push((Status::Fail, text));
    }
    let most = noted.stretches.iter().map(|stretch| stretch.samples).max().unwrap_or_default();
    if judged.figure.is_none() {
        let status = if guard.expected { Status::Fail } else { Status::Warn };
        let early = noted.stretches.last().is_none_or(|last| last.to_seconds < guard.warmup_seconds);
        let text = match (guard.min_samples, &noted.blind_because) {
            _ if early && guard.warmup_seconds > 0.0 => {
                format!("never measured: the run ended before its warm-up of {}", human_seconds(guard.warmup_seconds))
            }
            (Some(least), _) if noted.samples > 0 => {
                format!("never judged: {} in a window at most, {least} are asked for", count(most, "sample"))
            }
            _ if noted.samples > 0 => format!("never judged: {} are too few", count(noted.samples, "sample")),
            _ if noted.bad_samples > 0 => "never measured: none of its samples was a figure".to_owned(),
            (_, Some(why)) => format!("never measured: {why}"),
            _ => format!("never measured: {} told nothing", guard.source),
        };
        judged.findings.push((if noted.samples > 0 { Status::Fail } else { status }, text));
        return;
    }
    if let Some(share) = guard.stat.share().filter(|_| guard.min_samples.is_none()) {
        let least = (1.0 / (1.0 - share)).round() as u64;
        if most < least {
            judged.remark = Some(format!("{} rests on {} only", guard.stat.word(), count(most, "sample")));
        }
    }
}

fn blindness(guard: &Guard, noted: &Noted, end: Option<f64>, judged: &mut Judged) {
    let longest = guard.every_seconds * (BLIND_LOOKS + 1) as f64 + LATE;
    let (mut seen, mut looks) = (guard.warmup_seconds.max(guard.grace_seconds), 0);
    let mut note = |from: f64, to: f64, looks: u64| {
        if looks > BLIND_LOOKS || to - from > longest {
            judged.blind.push((from, to));
        }
    };
    for stretch in &noted.stretches {
        if stretch.level == Level::Blind {
            looks += stretch.looks;
        } else {
            note(seen, stretch.from_seconds, looks);
            (seen, looks) = (stretch.to_seconds, 0);
        }
    }
    let last = noted.stretches.last().map_or(seen, |last| last.to_seconds);
    note(seen, end.unwrap_or(last).max(last), looks);
    let total: f64 = judged.blind.iter().map(|(from, to)| to - from).sum();
    if let Some((from, to)) = judged.blind.first() {
        let often = match judged.blind.len() {
            1 => format!("after {} for {}", human_seconds(*from), human_seconds(to - from)),
            many => format!("{many} times, first after {}, for {} in all", human_seconds(*from), human_seconds(total)),
        };
        let why = noted.blind_because.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        judged.findings.push((Status::Warn, format!("blind {often}{why}")));
    }
}

/// Growth that stays within its limit so far, and will not.
fn ahead(guard: &Guard, noted: &Noted, judged: &mut Judged) {
    if !guard.stat.grows() || noted.points.len() < SLOPED {
        return;
    }
    judged.slope = growth::slope(&noted.points);
    let limit = guard.fail.as_ref().filter(|limit| limit.above && guard.stat == Stat::Delta);
    let breached = judged.episodes.iter().any(|episode| episode.severity == Status::Fail);
    let (Some(slope), Some(limit)) = (judged.slope, limit.filter(|_| !breached)) else { return };
    let grown = slope.low * guard.ahead_seconds / 3600.0;
    if grown > limit.value {
        let text = format!(
            "it grows by at least {}/h: within {} it passes the limit of {}",
            guard.text(slope.low),
            human_seconds(guard.ahead_seconds),
            guard.text(limit.value)
        );
        judged.findings.push((Status::Warn, text));
    }
}
