//! The options of `final-dry-run`.

// A help text shows `[table]`s of TOML as they are written.
#![allow(rustdoc::broken_intra_doc_links)]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::command::export::ExportArgs;
use crate::command::limits::LimitArgs;
use crate::command::signing::SignArgs;
use crate::command::{SeverityArg, component, duration, key_value, positive_duration, size};
use crate::io::capture::Compression;
use crate::simulate::runtime::Scenario;
use crate::supervise::objective::Objective;

/// Supervise a rehearsal, keep its evidence and judge it
#[derive(Clone, Debug, Args)]
#[command(after_help = "Try it: emp-ops final-dry-run --simulate")]
pub(crate) struct FinalDryRun {
    /// The command to supervise, after `--`
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "simulate", required_unless_present_any = ["simulate", "workloads", "init", "config_schema"])]
    pub command: Vec<String>,
    /// Supervise several commands in one rehearsal: a TOML file of [[workload]] tables, or a Procfile
    #[arg(long, value_name = "FILE", help_heading = "Workloads", conflicts_with_all = ["command", "simulate", "init", "config_schema"])]
    pub workloads: Option<PathBuf>,
    /// Go on to the end of the duration although a required workload has ended for good; the run FAILs all the same
    #[arg(long, help_heading = "Workloads", conflicts_with_all = ["command", "simulate"])]
    pub keep_going: bool,
    /// Do not start this workload: a waiver, so that the verdict is at best WARN
    #[arg(long, value_name = "NAME", help_heading = "Workloads", conflicts_with_all = ["command", "simulate"])]
    pub skip_workload: Vec<String>,
    /// Supervise the built-in simulated runtime instead of a command, for 20s unless --duration says otherwise; never a
    /// PASS: a clean simulation is WARN, exit code 0
    #[arg(long, value_name = "SCENARIO", num_args = 0..=1, default_missing_value = "clean")]
    pub simulate: Option<Scenario>,
    /// Start nothing: show every limit with its source, and whether command, keys, paths and disk are as a run needs
    /// them; exit code 0 or 2
    #[arg(long, help_heading = "Configuration", conflicts_with_all = ["init", "config_schema"])]
    pub check: bool,
    /// Write a commented emp-ops.toml into the working directory, and do nothing else
    #[arg(long, help_heading = "Configuration", conflicts_with_all = ["config_schema", "command", "simulate"])]
    pub init: bool,
    /// Print the JSON Schema of emp-ops.toml for editors, and do nothing else
    #[arg(long, help_heading = "Configuration", conflicts_with_all = ["command", "simulate"])]
    pub config_schema: bool,

    /// A new directory <output-root>/<run-name>/ is made here
    #[arg(long, value_name = "DIR", default_value = "runs", help_heading = "Run")]
    pub output_root: PathBuf,
    /// The name of the run [default: the start as 20251012T090000Z]
    #[arg(long, value_name = "NAME", help_heading = "Run")]
    pub run_name: Option<String>,
    /// What the run is called in reports
    #[arg(long, value_name = "TEXT", help_heading = "Run")]
    pub label: Option<String>,
    /// Stop the command politely after this [default: 72h]
    #[arg(long, value_name = "D", value_parser = positive_duration, help_heading = "Run")]
    pub duration: Option<Duration>,
    /// Set a variable for the command; its value never appears in evidence. NAME alone takes the value from the
    /// environment of emp-ops, which keeps a secret off the command line
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = variable, help_heading = "Run")]
    pub env: Vec<(String, String)>,
    /// Attach a remark to all documents
    #[arg(long, value_name = "K=V", value_parser = key_value, help_heading = "Run")]
    pub metadata: Vec<(String, String)>,
    /// Between the polite signal and the kill of the group
    #[arg(long, value_name = "D", value_parser = duration, default_value = "60s", help_heading = "Run")]
    pub shutdown_grace: Duration,
    /// Whether a command that ends before its time is started again
    #[arg(long, value_enum, default_value_t, help_heading = "Run")]
    pub restart: RestartArg,
    /// More restarts than this FAIL the run [default: 3]
    #[arg(long, value_name = "N", help_heading = "Run")]
    pub max_restarts: Option<u64>,
    /// The pause before the first restart; doubled for each further one [default: 1s]
    #[arg(long, value_name = "D", value_parser = duration, help_heading = "Run")]
    pub backoff: Option<Duration>,
    /// The longest pause before a restart [default: 60s]
    #[arg(long, value_name = "D", value_parser = duration, help_heading = "Run")]
    pub backoff_max: Option<Duration>,
    /// No output for this long: stop the command, then do as --restart says
    #[arg(long, value_name = "D", value_parser = positive_duration, help_heading = "Run")]
    pub hang_timeout: Option<Duration>,

    /// What the run is judged by.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Who signs the packet.
    #[command(flatten)]
    pub signatures: SignArgs,

    /// The decision diary that the command writes [default: decision_diary.json in the run directory]
    #[arg(long, value_name = "PATH", help_heading = "Evidence", conflicts_with = "no_diary")]
    pub diary: Option<PathBuf>,
    /// Waive the decision diary: none is looked for
    #[arg(long, help_heading = "Evidence")]
    pub no_diary: bool,
    /// The performance report that the command writes [default: performance_metrics.json in the run directory]
    #[arg(long, value_name = "PATH", help_heading = "Evidence", conflicts_with = "no_performance")]
    pub performance: Option<PathBuf>,
    /// Waive the performance report: none is looked for
    #[arg(long, help_heading = "Evidence")]
    pub no_performance: bool,
    /// A Markdown list of tasks: copied into the run directory as checklist.md, ticked there by those who do them, and
    /// judged at the end
    #[arg(long, value_name = "FILE", help_heading = "Evidence")]
    pub checklist: Option<PathBuf>,
    /// A document of another system, such as a validation report, that is a component of the release: copied when the run
    /// has ended, and judged with it
    #[arg(long, value_name = "[NAME=]PATH", value_parser = component, help_heading = "Evidence")]
    pub component: Vec<(Option<String>, PathBuf)>,
    /// Rehearse the failures that this file describes: each fault is injected at its time, and must be detected, restored
    /// and recovered in time. See runbooks/drills.md
    #[arg(long, value_name = "FILE", alias = "drills", help_heading = "Drills")]
    pub drill: Option<PathBuf>,
    /// Leave this drill out: a WARN
    #[arg(long, value_name = "NAME", help_heading = "Drills")]
    pub skip_drill: Vec<String>,
    /// Try the drills without a fault: nothing is injected and restored, every condition is looked at; a WARN
    #[arg(long, help_heading = "Drills")]
    pub dry_drills: bool,

    /// Watch the figures that this file names, each against its limits: a figure that stays beyond one is a WARN or a FAIL.
    /// See runbooks/guards.md
    #[arg(long, value_name = "FILE", alias = "guards", help_heading = "Guards")]
    pub guard: Option<PathBuf>,

    /// Tell people of incidents, drills and the end of the run, as this policy of notifications says: TOML with a table `notify`,
    /// or JSON. Rehearse it with stage-alerts --notify
    #[arg(long, value_name = "FILE", help_heading = "Notifications")]
    pub notify: Option<PathBuf>,

    /// A diary not refreshed for this long is a WARN
    #[arg(long, value_name = "D", value_parser = positive_duration, help_heading = "Evidence", conflicts_with = "no_diary")]
    pub diary_stale_warn: Option<Duration>,
    /// A diary not refreshed for this long is a FAIL
    #[arg(long, value_name = "D", value_parser = positive_duration, help_heading = "Evidence", conflicts_with = "no_diary")]
    pub diary_stale_fail: Option<Duration>,
    /// A performance report not refreshed for this long is a WARN
    #[arg(long, value_name = "D", value_parser = positive_duration, help_heading = "Evidence", conflicts_with = "no_performance")]
    pub performance_stale_warn: Option<Duration>,
    /// A performance report not refreshed for this long is a FAIL
    #[arg(long, value_name = "D", value_parser = positive_duration, help_heading = "Evidence", conflicts_with = "no_performance")]
    pub performance_stale_fail: Option<Duration>,
    /// Between looks at the evidence files [default: a quarter of the smallest limit]
    #[arg(long, value_name = "D", value_parser = positive_duration, help_heading = "Evidence")]
    pub evidence_check_interval: Option<Duration>,
    /// How long after the start evidence may be missing [default: 15m]
    #[arg(long, value_name = "D", value_parser = duration, help_heading = "Evidence")]
    pub evidence_grace: Option<Duration>,

    /// Silence longer than this is an incident while it happens
    #[arg(long, value_name = "D", value_parser = positive_duration, help_heading = "Monitors")]
    pub live_gap: Option<Duration>,
    /// What such a silence is [default: warn]
    #[arg(long, value_enum, value_name = "SEVERITY", help_heading = "Monitors")]
    pub live_gap_severity: Option<SeverityArg>,
    /// Between samples of CPU and memory of the whole process tree; 0s is off [default: 1m]
    #[arg(long, value_name = "D", value_parser = duration, help_heading = "Monitors")]
    pub sample_interval: Option<Duration>,
    /// CPU above this percentage of one core is a breach
    #[arg(long, value_name = "PERCENT", value_parser = percent, help_heading = "Monitors")]
    pub max_cpu: Option<f64>,
    /// Resident memory above this size is a breach
    #[arg(long, value_name = "BYTES", value_parser = size, help_heading = "Monitors")]
    pub max_rss: Option<u64>,
    /// Resident memory above this percentage of the machine's is a breach
    #[arg(long, value_name = "P", value_parser = percent, help_heading = "Monitors")]
    pub max_memory_percent: Option<f64>,
    /// What a breach is
    #[arg(long, value_enum, default_value = "fail", help_heading = "Monitors")]
    pub resource_severity: SeverityArg,
    /// Judge error lines only at the end
    #[arg(long, help_heading = "Monitors")]
    pub no_log_monitor: bool,

    /// Between progress snapshots; 0s: only at the start, at incidents and at the end [default: 5m]
    #[arg(long, value_name = "D", value_parser = duration, help_heading = "Files")]
    pub progress_interval: Option<Duration>,
    /// Do not keep progress_timeline/
    #[arg(long, help_heading = "Files")]
    pub no_timeline: bool,
    /// How the logs are compressed
    #[arg(long, value_enum, default_value_t, help_heading = "Files")]
    pub compress: Compression,
    /// Begin a new part of the logs after this time
    #[arg(long, value_name = "D", value_parser = positive_duration, help_heading = "Files")]
    pub rotate_every: Option<Duration>,
    /// Begin a new part of the logs at this size on disk
    #[arg(long, value_name = "BYTES", value_parser = size, help_heading = "Files")]
    pub rotate_size: Option<u64>,
    /// The level of a line on standard error that states none itself
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL", help_heading = "Files")]
    pub stderr_level: StderrLevel,
    /// Write no review brief
    #[arg(long, help_heading = "Files", conflicts_with_all = ["attendee", "note", "notes_file"])]
    pub no_review: bool,
    /// Write no page for reviewers (report.html)
    #[arg(long, help_heading = "Files")]
    pub no_report: bool,
    /// Write no backlog and no wrap-up
    #[arg(long, help_heading = "Files")]
    pub no_wrap_up: bool,
    /// Write no packet
    #[arg(long, help_heading = "Files")]
    pub no_packet: bool,
    /// Leave the logs and other evidence out of the packet
    #[arg(long, help_heading = "Files", conflicts_with = "no_packet")]
    pub packet_skip_raw: bool,

    /// An objective of the rehearsal and whether it was reached: a gate of the verdict
    #[arg(long, value_name = "NAME=STATUS[:NOTE]", value_parser = Objective::parse, help_heading = "Review")]
    pub objective: Vec<Objective>,
    /// Somebody who takes part in the review
    #[arg(long, value_name = "NAME", help_heading = "Review")]
    pub attendee: Vec<String>,
    /// A remark for the reviewers
    #[arg(long, value_name = "TEXT", help_heading = "Review")]
    pub note: Vec<String>,
    /// Remarks for the reviewers, one to a line
    #[arg(long, value_name = "PATH", help_heading = "Review")]
    pub notes_file: Vec<PathBuf>,

    #[command(flatten)]
    pub export: ExportArgs,
}

impl FinalDryRun {
    /// The directory of the run, where it has a name already.
    pub(crate) fn named_folder(&self) -> Option<PathBuf> {
        let root = std::path::absolute(&self.output_root).ok()?;
        self.run_name.as_ref().map(|name| root.join(name))
    }
}

/// Whether a command that ends before its time is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RestartArg {
    /// No: the run ends with it
    #[default]
    Never,
    /// When it failed
    OnFailure,
    /// Always
    Always,
}

/// The level of a line on standard error that states none itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StderrLevel {
    /// A FAIL
    #[default]
    Error,
    /// A WARN
    Warning,
    /// Nothing special
    Info,
}

/// `NAME=VALUE`, or `NAME` for a variable of this process.
fn variable(text: &str) -> Result<(String, String), String> {
    if text.contains('=') {
        return key_value(text);
    }
    let name = text.trim();
    match std::env::var(name) {
        Ok(value) if !name.is_empty() => Ok((name.to_owned(), value)),
        _ => Err(format!("write NAME=VALUE, or set {name:?} (in UTF-8) in the environment of emp-ops")),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim().trim_end_matches('%').parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("write a percentage above zero, such as 150".to_owned()),
    }
}
