//! The text format of Prometheus, for the textfile collector of its node exporter.

use super::Export;
use crate::finding::Status;
use crate::report::view::Row;
use crate::sanitize;

/// The whole document. A figure that is not known is absent.
pub(crate) fn render(export: &Export<'_>) -> String {
    const STATUS: &str = "0 pass, 1 warn, 2 fail or no verdict.";
    let view = export.view;
    let run = label("run", &view.subject);
    let one = |value: Option<f64>| value.map(|value| (run.clone(), value)).into_iter().collect::<Vec<_>>();
    let gates = view.gates.iter().zip(&export.names);
    let gates = gates.map(|(gate, name)| (format!("{run},{}", label("gate", name)), number(gate.status)));
    let findings = [Status::Warn, Status::Fail].map(|severity| {
        let of = |row: &&Row| row.severity == severity;
        let count: u64 = export.rows.iter().filter(of).map(|row| row.count).sum();
        (format!("{run},{}", label("severity", severity.word())), count as f64)
    });
    let findings = if view.unfinished { Vec::new() } else { findings.to_vec() };
    let finished = f64::from(u8::from(!view.unfinished));
    let ended = view.ended_at.map(|at| at.micros() as f64 / 1e6);
    let mut out = String::new();
    for (name, help, samples) in [
        ("verdict", STATUS, one(Some(number(view.status)))),
        ("finished", "1 with a verdict, 0 while there is none.", one(Some(finished))),
        ("gate", STATUS, gates.collect()),
        ("findings", "Findings by severity.", findings),
        ("duration_seconds", "How long the evidence lasts.", one(view.duration_seconds)),
        ("uptime_ratio", "Share of that time without a long silence.", one(view.uptime_ratio)),
        ("ended_timestamp_seconds", "When the evidence ends.", one(ended)),
    ] {
        if !samples.is_empty() {
            out.push_str(&format!("# HELP emp_ops_{name} {help}\n# TYPE emp_ops_{name} gauge\n"));
        }
        for (labels, value) in samples {
            out.push_str(&format!("emp_ops_{name}{{{labels}}} {value}\n"));
        }
    }
    out
}

fn number(status: Status) -> f64 {
    match status {
        Status::Pass => 0.0,
        Status::Warn => 1.0,
        Status::Fail => 2.0,
    }
}

/// `name="value"`.
fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", sanitize::line(value).replace('\\', "\\\\").replace('"', "\\\""))
}
