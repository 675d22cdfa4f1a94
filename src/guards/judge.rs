//! Judges the guards of a run again: by the plan in its record, what its file noted, and its incidents.

use serde_json::{Map, Value, json};

use super::derive::{Episode, Judged, Noted, derive};
use super::document::{self, Document, FILE_NAME, Of, Row, SCHEMA, When, document};
use super::plan::{Guard, GuardsPlan, Level};
use super::samples;
use crate::finding::{Finding, Status};
use crate::json::strict;
use crate::log::summary::guards::{GuardRow, GuardsSummary};
use crate::sanitize::shorten;
use crate::time::human_seconds;

/// The end of an episode may come so many looks after that of the drill that caused it.
const LOOKS_AFTER: f64 = 4.0;
/// Times that are noted may be so much later than the end of the run, in seconds.
const AFTER: f64 = 60.0;

/// An incident of the run that a guard raised.
#[derive(Clone, Debug)]
pub(crate) struct Raised<'a> {
    pub guard: &'a str,
    pub from_seconds: f64,
    pub severity: Status,
    /// The drill that could have caused it, and until when, in seconds since the start.
    pub drill: Option<(&'a str, f64)>,
}

/// What else is known of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub of: Of<'a>,
    /// How the file is called.
    pub path: &'a str,
    /// How long the run lasted, in seconds; none if that is not known.
    pub seconds: Option<f64>,
    pub raised: &'a [Raised<'a>],
    /// What each look gave, or why that cannot be read.
    pub samples: Result<&'a [u8], &'a str>,
}

/// Judges the guards of a run by its file, which may be missing.
pub(crate) fn judge(plan: &GuardsPlan, file: Result<&[u8], String>, about: About<'_>) -> GuardsSummary {
    let fail = |text: String| Finding::fail(text).in_file(about.path, None);
    let mut summary = GuardsSummary { total: plan.list.len() as u64, ..GuardsSummary::default() };
    if plan.list.is_empty() {
        summary.findings.push(fail("there is no guard: nothing was watched".to_owned()));
    }
    match strict::stated(file, (FILE_NAME, SCHEMA), "guards") {
        Err(why) => summary.findings.push(fail(why)),
        Ok(stated) => by_document(plan, &stated, about, &mut summary),
    }
    summary.status = Status::roll_up(summary.findings.iter().map(|finding| finding.severity));
    summary
}

fn by_document(plan: &GuardsPlan, stated: &Document, about: About<'_>, summary: &mut GuardsSummary) {
    let fail = |text: String| Finding::fail(text).in_file(about.path, None);
    let own = |guard: &Guard| -> Vec<&Row> { stated.guards.iter().filter(|row| row.name == guard.name).collect() };
    let end = about.seconds.unwrap_or(stated.runtime_seconds).max(stated.runtime_seconds);
    let mut judged: Vec<(Noted, Judged)> = Vec::new();
    for guard in &plan.list {
        let noted = match own(guard)[..] {
            [row] => row.noted.clone(),
            [] => {
                summary.findings.push(fail(format!("{FILE_NAME} does not tell of the guard {}", guard.name)));
                Noted::default()
            }
            _ => {
                summary.findings.push(fail(format!("{FILE_NAME} tells twice of the guard {}", guard.name)));
                Noted::default()
            }
        };
        // By the drills that the run itself named, so that what differs is a change.
        let named = own(guard).first().map(|row| row.episodes.clone()).unwrap_or_default();
        let drill = |episode: &Episode| {
            named.iter().find(|known| known.from_seconds == episode.from_seconds).and_then(|known| known.drill.clone())
        };
        let derived = derive(guard, &noted, Some(stated.runtime_seconds), drill);
        judged.push((noted, derived));
    }
    let over = stated.finished_at.is_some();
    let stopped: Vec<String> =
        stated.stop_reasons.iter().filter_map(|reason| Some(reason.strip_prefix("guard:")?.to_owned())).collect();
    let at =
        When { generated_at: stated.generated_at, finished_at: stated.finished_at, seconds: stated.runtime_seconds };
    let derived = document(plan, &judged, &stated.samples, about.of, at, &stopped);
    summary.findings.extend(differences(stated, &derived).into_iter().map(fail));
    summary.findings.extend(unlike_samples(plan, &judged, about, (stated.runtime_seconds, over)));
    if !over && about.seconds.is_some() {
        let text = format!("{FILE_NAME} was not written when the run ended: what it tells is not all");
        summary.findings.push(fail(text));
    }
    for (guard, (noted, known)) in plan.list.iter().zip(&judged) {
        let of = |finding: Finding| finding.in_file(about.path, None).with("guard", guard.name.as_str());
        let wrong = contradictions(guard, noted, &about).into_iter().chain(unraised(guard, known, &about));
        let wrong: Vec<Finding> = wrong.map(|text| of(Finding::fail(text))).collect();
        // An episode belongs to a drill only where that could cause it, and it ended with that.
        let may = |episode: &Episode| excuse(guard, episode, &about);
        let finally = derive(guard, noted, Some(end), may);
        let found = finally.findings.iter().map(|(status, text)| {
            let at = finally.episodes.iter().find(|episode| episode.severity == *status).map(|episode| episode.from);
            of(Finding::new(*status, format!("{}: {text}", guard.name))).at(at)
        });
        let findings: Vec<Finding> = wrong.into_iter().chain(found).collect();
        let status = Status::roll_up(findings.iter().map(|finding| finding.severity));
        summary.guards.push(short(guard, &finally, noted, (status, end)));
        summary.findings.extend(findings);
    }
}

/// Where what was noted is not what the looks at the sources gave.
fn unlike_samples(
    plan: &GuardsPlan,
    judged: &[(Noted, Judged)],
    about: About<'_>,
    (until, over): (f64, bool),
) -> Vec<Finding> {
    if plan.polled().next().is_none() {
        return Vec::new();
    }
    let path = about.path.replace(FILE_NAME, samples::FILE_NAME);
    let fail = |text: String| Finding::fail(text).in_file(path.as_str(), None);
    // While the run goes on, there may be later ones than the document knows; when it has ended, there are none, though
    // that may have been a moment before the last look.
    let known = if over { f64::INFINITY } else { until };
    let read = about.samples.map_err(str::to_owned).and_then(|bytes| samples::read(bytes, known));
    let looks = match read {
        Ok(looks) => looks,
        Err(why) => {
            let text =
                format!("{} shows no figures from which the guards could be judged again: {why}", samples::FILE_NAME);
            return vec![fail(text)];
        }
    };
    if looks.full {
        return Vec::new();
    }
    let polled = |guard: &Guard| plan.polled().any(|polled| polled.name == guard.name);
    let all = plan.list.iter().zip(judged).filter(|(guard, _)| polled(guard));
    let differs = all.filter_map(|(guard, (noted, _))| {
        let own = looks.list.iter().filter(|look| look.guard == guard.name);
        let made = samples::noted(guard, own, over.then_some(until));
        let told = samples::difference(noted, &made)?;
        let text = format!("{FILE_NAME} notes of {} what its samples do not show: {told}", guard.name);
        Some(fail(text).with("guard", guard.name.as_str()))
    });
    let known = |look: &&samples::Look| plan.polled().any(|guard| guard.name == look.guard);
    let foreign = looks.list.iter().find(|look| !known(look));
    let foreign = foreign.map(|look| {
        fail(format!("{} tells of a guard {}, which looks at no source", samples::FILE_NAME, shorten(&look.guard, 80)))
    });
    differs.chain(foreign).collect()
}

fn short(guard: &Guard, judged: &Judged, noted: &Noted, (status, end): (Status, f64)) -> GuardRow {
    let lasted = |episode: &Episode| (episode.to_seconds.unwrap_or(end) - episode.from_seconds).max(0.0);
    GuardRow {
        name: guard.name.clone(),
        status,
        source: guard.source.clone(),
        workload: guard.workload.clone(),
        stat: guard.what(),
        measured: document::told(guard, judged),
        limits: guard.asked(),
        figure: judged.figure,
        worst: judged.worst,
        samples: noted.samples,
        figure_text: judged.figure.map(|figure| guard.text(figure)),
        worst_text: judged.worst.map(|worst| guard.text(worst)),
        episodes: judged.episodes.len() as u64,
        excused_episodes: judged.episodes.iter().filter(|episode| episode.drill.is_some()).count() as u64,
        breached_seconds: (judged.episodes.iter().map(lasted).sum::<f64>() * 1e3).round() / 1e3,
        remark: judged.remark.clone(),
    }
}

/// The drill that an episode belongs to, where one could cause it and it was over soon after.
fn excuse(guard: &Guard, episode: &Episode, about: &About<'_>) -> Option<String> {
    let (drill, until) = about.raised.iter().find(|raised| is_of(raised, guard, episode))?.drill?;
    let tail = guard.window_seconds.unwrap_or_default() + LOOKS_AFTER * guard.every_seconds;
    let ended = episode.to_seconds.is_some_and(|to| to <= until + tail);
    ended.then(|| drill.to_owned())
}

fn is_of(raised: &Raised<'_>, guard: &Guard, episode: &Episode) -> bool {
    raised.guard == guard.name && (raised.from_seconds - episode.from_seconds).abs() < 0.0015
}

/// Episodes without an incident in the run, and incidents without an episode.
fn unraised(guard: &Guard, judged: &Judged, about: &About<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    // The record of a run that was cut short holds no incidents.
    if about.seconds.is_none() {
        return wrong;
    }
    for episode in &judged.episodes {
        let known = about.raised.iter().find(|raised| is_of(raised, guard, episode));
        let after = human_seconds(episode.from_seconds);
        match known {
            None => wrong.push(format!("{}: the run record has no incident of its breach after {after}", guard.name)),
            Some(known) if known.severity < episode.severity => {
                let (says, is) = (known.severity.label(), episode.severity.label());
                wrong.push(format!("{}: its breach after {after} was a {is}, its incident says {says}", guard.name));
            }
            Some(_) => {}
        }
    }
    for raised in about.raised.iter().filter(|raised| raised.guard == guard.name) {
        if !judged.episodes.iter().any(|episode| is_of(raised, guard, episode)) {
            let after = human_seconds(raised.from_seconds);
            wrong.push(format!("{}: {FILE_NAME} does not tell of its breach after {after}, an incident", guard.name));
        }
    }
    wrong
}

/// Where what was noted cannot be.
fn contradictions(guard: &Guard, noted: &Noted, about: &About<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut add = |what: String| wrong.push(format!("{} cannot be as it is told: {what}", guard.name));
    let mut before = 0.0;
    for stretch in &noted.stretches {
        let place = format!("the stretch after {}", human_seconds(stretch.from_seconds));
        if stretch.from_seconds < before || stretch.to_seconds < stretch.from_seconds {
            add(format!("{place} is out of order"));
        }
        before = stretch.to_seconds;
        let figures = [stretch.worst, stretch.last];
        if stretch.level >= Level::Ok {
            // Where many stretches were made one, its level is that of the worst.
            let worst = stretch.worst.map(|worst| guard.level(worst));
            if worst != Some(stretch.level) || stretch.last.is_none() {
                add(format!("{place} is said to be {}, its figures say otherwise", word(stretch.level)));
            }
            if stretch.samples == 0 && guard.stat.share().is_some() {
                add(format!("{place} has figures of no sample"));
            }
        } else if figures.iter().any(Option::is_some) {
            add(format!("{place} has figures, though there were none"));
        }
    }
    if let Some(seconds) = about.seconds
        && before > seconds + AFTER
    {
        add(format!("its last look is {} later than the end of the run", human_seconds(before - seconds)));
    }
    wrong
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Fail => "a FAIL",
        Level::Warn => "a WARN",
        _ => "within its limits",
    }
}

/// Where the file says otherwise than what was noted in it.
fn differences(stated: &Document, derived: &Document) -> Vec<String> {
    let mut differs = Vec::new();
    let keys = |document: &Document| match json!(document) {
        Value::Object(keys) => keys,
        _ => Map::new(),
    };
    let (mut says, mut is) = (keys(stated), keys(derived));
    says.remove("guards");
    is.remove("guards");
    compare("", &says, &is, &mut differs);
    for row in &derived.guards {
        let own = stated.guards.iter().find(|known| known.name == row.name);
        if let (Some(Value::Object(says)), Value::Object(is)) = (own.map(|own| json!(own)), json!(row)) {
            compare(&format!("{}: ", row.name), &says, &is, &mut differs);
        }
    }
    for row in &stated.guards {
        if !derived.guards.iter().any(|known| known.name == row.name) {
            differs.push(format!("{FILE_NAME} tells of a guard {}, which was not planned", row.name));
        }
    }
    differs
}

fn compare(of: &str, says: &Map<String, Value>, is: &Map<String, Value>, differs: &mut Vec<String>) {
    for (key, derived) in is {
        let stated = says.get(key).unwrap_or(&Value::Null);
        if !is_close(stated, derived) {
            let brief = |value: &Value| shorten(&value.to_string(), 80);
            let (stated, derived) = (brief(stated), brief(derived));
            differs.push(format!("{FILE_NAME} says {of}{key} {stated}, what it noted and its run say {derived}"));
        }
    }
}

/// Whether two values are the same; a number that was written and read may differ in its last digit.
fn is_close(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (x.as_f64(), y.as_f64()) {
            (Some(x), Some(y)) => (x - y).abs() <= 1e-12 * x.abs().max(y.abs()),
            _ => x == y,
        },
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(a, b)| is_close(a, b)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, a)| y.get(key).is_some_and(|b| is_close(a, b)))
        }
        _ => a == b,
    }
}
