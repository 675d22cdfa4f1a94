//! A snapshot as a block of lines, for pipes, logs and `--once`.
//!
//! The lines hold no ages, so that an unchanged snapshot gives an unchanged block.

use serde_json::Value;

use super::{Block, Cell, Doc, Look, Tone, text};
use crate::finding::{Metadata, Status};
use crate::sanitize;
use crate::supervise::acks::Ack;
use crate::supervise::progress_reader::{Event, View, Worker};
use crate::supervise::staleness::{Health, Judgement};
use crate::supervise::workloads::seen::before;
use crate::time::human_seconds;

/// What a block shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    /// How many incidents are listed at most; the newest are kept.
    pub incidents: usize,
    /// Whether the status of the summary is shown.
    pub summary: bool,
    /// Whether the status of the sign-off is shown.
    pub sign_off: bool,
}

/// `Waits for`.
pub(super) fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// A workload with its state.
fn worker(worker: &Worker) -> (String, Cell) {
    let tone = match worker.status() {
        Status::Pass => Tone::Plain,
        worse => Tone::Status(worse),
    };
    let because = if worker.because.is_empty() { String::new() } else { format!(" ({})", worker.because) };
    let figures: String = worker.figures().iter().map(|figure| format!(", {figure}")).collect();
    (format!("Workload {}", worker.name), Cell::new(format!("{}{because}{figures}", worker.state), tone))
}

/// A line for each workload; of one that is looked at alone more.
fn workers(view: &View) -> impl Iterator<Item = (String, Cell)> + '_ {
    let alone = if let [alone] = &view.workloads[..] { alone.details() } else { Vec::new() };
    let details = alone.into_iter().skip(1).map(|(name, text)| (capitalised(name), text.into()));
    view.workloads.iter().map(worker).chain(details)
}

/// Names and values of a block, each only where it is known.
pub(crate) fn facts(
    title: &str,
    view: &View,
    health: &Health,
    judgement: &Judgement,
    parts: Parts,
) -> Vec<(String, Cell)> {
    let view = &*judgement.correct(view);
    let mut facts: Vec<(String, Cell)> = Vec::new();
    let mut fact = |name: &str, value: Cell| facts.push((name.to_owned(), value));
    let status = view.status.as_deref().unwrap_or("unknown").to_uppercase();
    let observed = view.now.map_or_else(|| "unknown".to_owned(), |at| at.to_string());
    let phase = view.phase.as_deref().unwrap_or("n/a");
    let tone = judgement.verdict.map_or(Tone::Strong, Tone::Status);
    fact("Status", Cell::new(format!("{status} (phase: {phase}, observed at {observed})"), tone));
    let verdict = judgement.label(health);
    if !judgement.because.is_empty() {
        fact("Verdict", Cell::new(format!("{verdict}, because {}", judgement.because.join("; ")), tone));
    } else if view.status.as_deref() != Some(verdict.to_lowercase().as_str()) {
        fact("Verdict", Cell::new(verdict, tone));
    }
    if let Some(headline) = &view.headline {
        fact("Headline", headline.as_str().into());
    }
    fact("Run", title.into());
    for (name, text) in times(view) {
        fact(name, text.into());
    }
    if let Some(ratio) = view.uptime_ratio {
        let below = view.minimum_uptime_ratio.is_some_and(|target| ratio < target);
        let tone = if below { Tone::Status(Status::Fail) } else { Tone::Plain };
        fact("Uptime so far", Cell::new(percent(ratio), tone));
    }
    if let Some(target) = view.minimum_uptime_ratio {
        fact("Uptime target", percent(target).into());
    }
    if let Some(lines) = view.total_lines {
        fact("Total log lines", lines.to_string().into());
    }
    for (name, counts) in [("Streams", &view.line_counts), ("Levels", &view.level_counts)] {
        if !counts.is_empty() {
            let all: Vec<String> = counts.iter().map(|(key, count)| format!("{key}={count}")).collect();
            fact(name, all.join(", ").into());
        }
    }
    for (name, at) in [("First log", view.first_line_at), ("Last log", view.last_line_at)] {
        if let Some(at) = at {
            fact(name, at.to_string().into());
        }
    }
    let required = view.required_evidence();
    if !required.is_empty() {
        fact("Required evidence", required.join(", ").into());
    }
    for (name, fresh) in &view.evidence {
        let age = fresh.age_seconds.map(|age| format!(", {} old", human_seconds(age))).unwrap_or_default();
        let tone = match fresh.status() {
            Status::Pass => Tone::Plain,
            worse => Tone::Status(worse),
        };
        fact(&format!("Evidence {name}"), Cell::new(format!("{}{age}", fresh.state), tone));
    }
    facts.extend(workers(view));
    let mut fact = |name: &str, value: Cell| facts.push((name.to_owned(), value));
    if let Some(text) = resources(view) {
        fact("Resources", text.into());
    }
    for (name, value) in restarts(view) {
        fact(&name, value);
    }
    if let Some(code) = view.exit_code {
        fact("Exit code", code.to_string().into());
    }
    if !view.config_metadata.is_empty() {
        fact("Config metadata", metadata_text(&view.config_metadata).into());
    }
    for (name, word, shown) in [
        ("Summary status", &view.summary_status, parts.summary),
        ("Sign-off status", &view.sign_off_status, parts.sign_off),
    ] {
        if let (Some(word), true) = (word, shown) {
            let tone = Status::from_word(word).map_or(Tone::Plain, Tone::Status);
            fact(name, Cell::new(word.to_uppercase(), tone));
        }
    }
    facts
}

/// How often the command was started again, and how its earlier attempts ended.
fn restarts(view: &View) -> Vec<(String, Cell)> {
    let times = view.restarts.unwrap_or_default();
    let restarts = Cell::new(times.to_string(), Tone::Status(Status::Warn));
    let restarts = (times > 0).then(|| ("Restarts".to_owned(), restarts));
    let earlier = before(&view.earlier, times + 1).map(|(name, text)| (capitalised(name), text.into()));
    restarts.into_iter().chain(earlier).collect()
}

/// What the command uses; none if nothing was sampled.
fn resources(view: &View) -> Option<String> {
    let used = view.resources.as_ref()?;
    let cpu = used.cpu_percent.map(|cpu| format!("CPU {cpu:.0}%"));
    let memory = used.rss_bytes.map(|bytes| format!("memory {}", super::bytes_text(bytes)));
    let text = [cpu, memory].into_iter().flatten().collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then_some(text)
}

/// How long the run goes on, and how long it has to.
fn times(view: &View) -> Vec<(&'static str, String)> {
    let elapsed = view.elapsed_seconds.map(|elapsed| {
        let target = view.target_duration_seconds.map(|target| format!(" / {}", human_seconds(target)));
        let share = view.share().map(|share| format!(" ({:.1}%)", share * 100.0));
        ("Elapsed", [Some(human_seconds(elapsed)), target, share].into_iter().flatten().collect())
    });
    let left = view.remaining_seconds().map(|left| ("Time remaining", human_seconds(left)));
    let required = view.required_duration_seconds.map(|required| ("Required minimum", human_seconds(required)));
    [elapsed, left, required].into_iter().flatten().collect()
}

/// The newest incidents that `parts` asks for, in the order of the snapshot.
fn newest(view: &View, parts: Parts) -> &[Event] {
    let all = view.events();
    &all[all.len().saturating_sub(parts.incidents)..]
}

fn heading(view: &View, shown: usize) -> String {
    match view.events().len() {
        all if all > shown => format!("Incidents (the newest {shown} of {all})"),
        _ => "Incidents".to_owned(),
    }
}

fn incident(event: &Event) -> String {
    let at = event.occurred_at.map_or_else(|| "no time".to_owned(), |at| at.to_string());
    let count = match event.last_at {
        Some(last) if event.count > 1 => format!(" (×{}, last {})", event.count, last.human()),
        _ if event.count > 1 => format!(" (×{})", event.count),
        _ => String::new(),
    };
    let seen = event.acknowledged.as_ref().map(|ack| format!("; acknowledged {}", acknowledged(event, ack)));
    format!("{at} — {}{count}{}", event.told(), seen.unwrap_or_default())
}

/// `by alice 2025-01-06 11:59:00Z, again since: looking into it`.
pub(crate) fn acknowledged(event: &Event, ack: &Ack) -> String {
    let again = if event.is_acknowledged() { "" } else { ", again since" };
    let note = ack.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    format!("by {} {}{again}{note}", ack.by, ack.at.human())
}

/// The block as text; ends with a newline.
pub(crate) fn to_text(facts: &[(String, Cell)], view: &View, parts: Parts, look: Look) -> String {
    let mut out = String::new();
    for (name, value) in facts {
        let value = text::paint(&sanitize::line(&value.text), value.tone, look);
        out.push_str(&format!("{}: {value}\n", sanitize::line(name)));
    }
    let shown = newest(view, parts);
    if !shown.is_empty() {
        out.push_str(&format!("{}:\n", heading(view, shown.len())));
        for event in shown {
            let tone = if event.severity == Status::Pass { Tone::Plain } else { Tone::Status(event.severity) };
            let label = text::paint(event.label(), tone, look);
            out.push_str(&format!("  - [{label}] {}\n", sanitize::line(&incident(event))));
        }
    }
    out
}

/// The block as a document, for Markdown.
pub(crate) fn to_doc(title: &str, facts: Vec<(String, Cell)>, view: &View, judgement: &Judgement, parts: Parts) -> Doc {
    let mut doc = Doc::new(format!("Run {title}"));
    if let Some(status) = judgement.verdict.filter(|_| judgement.settled) {
        doc = doc.verdict(status, judgement.because.clone());
    }
    doc.push(Block::Facts(facts));
    let shown = newest(view, parts);
    let list = shown.iter().map(|event| format!("{} {}", event.label(), incident(event)).into()).collect();
    doc.section(heading(view, shown.len()), Block::List(list));
    doc
}

/// `99.12%`; never rounded up to what was not reached.
pub(crate) fn percent(ratio: f64) -> String {
    let percent = (ratio * 10_000.0 + 1e-6).floor() / 100.0;
    format!("{percent:.2}%")
}

/// `a=[1,"z"], b=true, run=x`: sorted by name.
pub(crate) fn metadata_text(metadata: &Metadata) -> String {
    let pairs = metadata.iter().map(|(key, value)| match value {
        Value::String(text) => format!("{key}={text}"),
        other => format!("{key}={other}"),
    });
    pairs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: Parts = Parts { incidents: 2, summary: true, sign_off: true };

    fn block(text: &str, parts: Parts) -> String {
        let view = View::parse(text.as_bytes()).expect(text);
        let health = if view.is_complete() { Health::Complete } else { Health::Live };
        let judgement = Judgement::of(&view, &health);
        let facts = facts("runs/r1", &view, &health, &judgement, parts);
        to_text(&facts, &view, parts, Look { width: Some(100), color: false })
    }

    #[test]
    fn a_block_says_what_is_known_and_nothing_else() {
        insta::assert_snapshot!(block(r#"{"status":"x","elapsed_seconds":59.9}"#, PARTS), @r"
        Status: X (phase: n/a, observed at unknown)
        Verdict: WARN so far, because the status `x` is not known
        Run: runs/r1
        Elapsed: 59.9s
        ");
    }

    #[test]
    fn a_block_of_a_complete_run_is_whole() {
        let text = r#"{"status":"Fail","phase":"complete","now":"2025-01-06T01:00:00Z","elapsed_seconds":259260,
            "target_duration_seconds":259200.0,"required_duration_seconds":"259200","total_lines":1234,
            "line_counts":{"stdout":1200,"stderr":34},"level_counts":{"info":1234},"uptime_ratio":0.97999,
            "minimum_uptime_ratio":0.98,"require_diary_evidence":true,"require_performance_evidence":1,
            "config_metadata":{"run":"x","b":true,"a":[1,"z"],"n":null},"exit_code":1,
            "summary":{"status":"warn"},"sign_off":{"status":"fail","findings":[{"severity":"fail","message":"too short"}]},
            "incidents":[{"severity":"warn","message":"one"},{"severity":"fail","occurred_at":"2025-01-06T00:30:00Z",
            "message":"two\nthree \u001b[2J","count":4},{"severity":"warn","message":"four"}]}"#;
        insta::assert_snapshot!(block(text, PARTS));
        let fewer = block(text, Parts { incidents: 0, summary: false, sign_off: false });
        assert!(!fewer.contains("Incidents:") && !fewer.contains("Sign-off status"), "{fewer}");
    }

    #[test]
    fn percentages_are_not_rounded_up_to_their_target() {
        for (ratio, text) in [(0.98, "98.00%"), (0.979999, "97.99%"), (1.0, "100.00%"), (0.29, "29.00%")] {
            assert_eq!(percent(ratio), text);
        }
    }
}
