//! The integration tests: one binary, one module per subject.

// A table of cases is better in one piece.
#![allow(clippy::too_many_lines)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::disallowed_methods, reason = "tests set up what they like")]

mod acks;
mod audit;
mod backlog;
mod cli;
mod config;
mod docs;
mod export;
mod final_dry_run;
mod harness;
mod hostile;
mod layouts;
mod limits;
mod logs;
mod no_evidence;
mod notify;
mod offline_qa;
mod page;
mod recipes;
mod rooms;
mod signing;
mod stage_alerts;
mod stage_machine;
mod stage_smoke;
mod verdicts;
mod watch;
mod wrap_up;
