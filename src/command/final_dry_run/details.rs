//! What `-v` adds: how the run will be judged and watched, where its files go, and what was learnt of its output.

use crate::finding::Criterion;
use crate::io::capture::SinkPlan;
use crate::io::process::supervisor::{Setup, Supervised};
use crate::report::bytes_text;
use crate::supervise::plan::{EvidenceWatch, Limits, Plan, Restart};
use crate::supervise::workloads::plan::WorkloadPlan;
use crate::time::human_duration;

/// Each line says one thing; before the command starts.
pub(super) fn before(plan: &Plan, setup: &Setup) -> Vec<String> {
    let mut lines: Vec<String> = setup.record.criteria.iter().map(limit).collect();
    for workload in &plan.workloads {
        let told = supervision(workload);
        lines.extend(told.into_iter().map(
            |line| {
                if plan.single { line } else { format!("{}: {line}", workload.name) }
            },
        ));
    }
    lines.push(match plan.sample_interval {
        None => "samples of CPU and memory: none".to_owned(),
        Some(every) => {
            format!("samples of CPU and memory: every {}; {}", human_duration(every), resources(&plan.limits))
        }
    });
    lines.extend(plan.evidence.iter().map(|watch| evidence(watch, plan)));
    lines.extend(setup.units.iter().map(|unit| logs(&unit.sink)));
    let kept = if setup.timeline { ", kept in progress_timeline/" } else { "" };
    lines.push(match plan.progress_interval {
        Some(every) => format!("progress.json: every {}{kept}", human_duration(every)),
        None => format!("progress.json: at the start, at incidents and at the end{kept}"),
    });
    lines
}

/// How one command is supervised.
fn supervision(workload: &WorkloadPlan) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((silence, severity)) = workload.live_gap {
        lines.push(format!("silence: a {} from {} on, while it lasts", severity.label(), human_duration(silence)));
    }
    if let Some(silence) = workload.hang_timeout {
        lines.push(format!("hang: after {} without output the command is stopped", human_duration(silence)));
    }
    lines.push(match workload.restart {
        Restart::Never => "restarts: none".to_owned(),
        when => format!(
            "restarts: {}, at most {}, after {} to {}",
            if when == Restart::Always { "whenever it ends" } else { "when it failed" },
            workload.max_restarts,
            human_duration(workload.backoff),
            human_duration(workload.backoff_max)
        ),
    });
    lines
}

/// The same after the command has ended.
pub(super) fn after(supervised: &Supervised) -> Vec<String> {
    let layouts = supervised.layouts.iter().map(|(stream, layout)| format!("layout learnt of {stream}: {layout}"));
    let sealed = supervised.record.sealed_files.iter().flatten().map(|file| {
        let lines = file.lines.map(|lines| format!(", {lines} lines")).unwrap_or_default();
        format!("sealed {}: {}{lines}, SHA-256 {}", file.path, bytes_text(file.bytes), file.sha256)
    });
    layouts.chain(sealed).collect()
}

fn limit(row: &Criterion) -> String {
    let relaxed = match &row.relaxed_from {
        Some(from) => format!(", RELAXED from {from}"),
        None if row.relaxed => ", RELAXED".to_owned(),
        None => String::new(),
    };
    format!("limit {}: {} ({}){relaxed}", row.limit, row.value, row.source)
}

fn resources(limits: &Limits) -> String {
    let limits = [
        limits.cpu_percent.map(|percent| format!("CPU {percent}% of one core")),
        limits.rss_bytes.map(|bytes| format!("memory {}", bytes_text(bytes))),
        limits.memory_percent.map(|percent| format!("memory {percent}% of the machine's")),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    if limits.is_empty() { "no limits".to_owned() } else { format!("at most {}", limits.join(", ")) }
}

fn evidence(watch: &EvidenceWatch, plan: &Plan) -> String {
    let from =
        |age: Option<std::time::Duration>, what: &str| age.map(|age| format!(", {what} from {}", human_duration(age)));
    let limits = [from(watch.warn, "a WARN"), from(watch.fail, "a FAIL")].into_iter().flatten().collect::<String>();
    let (every, grace) = (human_duration(plan.evidence_interval), human_duration(plan.evidence_grace));
    format!("{}: {}{limits}; looked at every {every}, may be missing for {grace}", watch.name, watch.path)
}

fn logs(plan: &SinkPlan) -> String {
    let stem = plan.folder.path().join(&plan.stem);
    let rotation = [
        plan.rotate_every.map(|every| format!(", a new part every {}", human_duration(every))),
        plan.rotate_size.map(|size| format!(", a new part at {}", bytes_text(size))),
    ];
    let suffix = plan.compression.suffix();
    format!(
        "logs: {}.jsonl{suffix} and .log{suffix}{}",
        stem.display(),
        rotation.into_iter().flatten().collect::<String>()
    )
}
