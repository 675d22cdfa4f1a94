//! `emp-ops` supervises rehearsals, keeps their evidence, judges it and packs it for sign-off.
//!
//! # Map
//!
//! Each room may use the rooms below it and never those above; `tests/it/rooms.rs` checks that. The rooms from `log` and
//! `crash` down, but `keys`, are the crate `emp-ops-core` in `src/core/`: they go over every byte of a log and are built
//! for speed, all others for size.
//!
//! ```text
//! cli
//! command
//! simulate
//! io, report
//! verdict
//! supervise -> evidence, shards
//! guards
//! drills
//! log, stage, offline, status_report
//! crash, level
//! json -> finding
//! digest, keys, prose, sanitize, time
//! ```
//!
//! | room | holds | never |
//! |---|---|---|
//! | [`time`], [`digest`], [`keys`], [`prose`], [`sanitize`] | instants and durations; digests; keys and signatures; what words say; text made inert | anything else |
//! | [`finding`] | the vocabulary: status, finding, place | anything else |
//! | [`json`] | JSON of others: `pull` (fast, for log lines), `lenient` (documents), `python_repr` | opens a file |
//! | [`crash`] | does a text tell of a crash, and what is its headline: the markers of all languages as rows | opens a file, knows a log format |
//! | [`level`] | the levels of log records, their names and numbers, how bad each is | anything else |
//! | [`log`] | a line of any program to a record; `layout/` learns where time and level are, `scan/` cuts bytes into records, `totals/` adds up | opens a file, reads the clock |
//! | [`shards`] | a log in pieces that many machines read: plan, partial results, merge | the same |
//! | [`evidence`] | what a run leaves beside its logs: diary, performance, checksums, plan, chain of snapshots; documents of other systems as components of readiness | the same |
//! | [`status_report`] | Markdown reports to items | the same |
//! | [`verdict`] | policy, gates, sign-off, review brief, backlog, wrap-up, packet manifest | the same |
//! | [`supervise`] | the live run as a pure state machine of one or more workloads; its progress snapshot and run record | threads, children, clock |
//! | [`drills`] | drills as a pure state machine, and the verdict that is read off their steps | threads, children, clock, files |
//! | [`guards`] | guards on figures as a pure state machine, and the verdict that is read off what they noted | the same |
//! | [`stage`] | SSE decoding, smoke scenario, alert freshness, alert rehearsal | network, files |
//! | [`offline`] | session artefact to story, mentions, deltas, moderation, publishing, retry queue | files |
//! | [`report`] | one document model, rendered as terminal text and Markdown; the dashboard | I/O, decisions |
//! | [`io`] | clock, files, terminal, log decoding and scanning, children, signals, HTTP, packets | words, decisions |
//! | [`simulate`] | the built-in systems to try a rehearsal on: a runtime, a staging server | decisions |
//! | [`command`] | one file per subcommand: its arguments and the glue | another command |
//!
//! # Ideas
//!
//! - Everything learnt is a [`finding::Finding`]; a verdict is the highest [`finding::Status`] among them. Three lists keep
//!   a shape of their own, because the keys of the documents that hold them are fixed: [`log::summary::DiaryIssue`],
//!   [`log::summary::Group`], and the action items of the review; their items are findings under other keys.
//! - The verdict is computed from the evidence on disk, never from memory.
//! - No data is never a pass.
//! - The live run is a pure state machine, fed by threads that own no state.
//! - Cost grows with what is reported, not with what is read.
//!
//! # Deliberately absent
//!
//! - An async runtime: a few threads and one bounded channel do.
//! - A database: a run is a directory of plain files.
//! - Global state and logging frameworks: diagnostics are findings, or lines on standard error.

// A table of cases is better in one piece.
#![cfg_attr(test, allow(clippy::too_many_lines))]
// Tests set up what they like.
#![cfg_attr(test, allow(clippy::disallowed_methods))]
// The documentation of an option is its help text, which is no Markdown.
#![allow(rustdoc::bare_urls, rustdoc::invalid_html_tags, rustdoc::private_intra_doc_links)]

pub mod cli;
mod command;
pub mod drills;
pub mod evidence;
pub mod guards;
pub mod io;
pub mod keys;
mod offline;
pub mod report;
pub mod shards;
mod simulate;
pub mod stage;
pub mod status_report;
pub mod supervise;
pub mod verdict;

use emp_ops_core::{crash, level, prose, sanitize};
pub use emp_ops_core::{digest, finding, json, log, time};
