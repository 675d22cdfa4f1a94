//! `emp-ops` supervises rehearsals, keeps their evidence, judges it and packs it for sign-off.
//!
//! # Map
//!
//! Each room may use the rooms below it and never those above; `tests/it/rooms.rs` checks that.
//!
//! ```text
//! cli -> command -> report  -> verdict, supervise, stage, offline -> evidence -> finding, digest, time
//!               \-> io      -> report (to make text inert), verdict, supervise, stage, offline, evidence
//! ```
//!
//! | room | holds | never |
//! |---|---|---|
//! | [`finding`], [`digest`], [`time`] | the vocabulary: status, finding, digests, instants, durations | anything else |
//! | [`evidence`] | bytes, JSON, Markdown to summaries: log records, classifier, gaps, diary, performance, checksums | opens a file, reads the clock |
//! | [`verdict`] | policy, sign-off, review brief, backlog, wrap-up, packet manifest | the same |
//! | [`supervise`] | the live run as a pure state machine; its progress snapshot and run record | threads, children, clock |
//! | [`stage`] | SSE decoding, smoke scenario, alert freshness, alert rehearsal | network, files |
//! | [`offline`] | session artefact to story, mentions, deltas, moderation, publishing, retry queue | files |
//! | [`report`] | one document model, rendered as terminal text and Markdown; the dashboard | I/O, decisions |
//! | [`io`] | clock, files, terminal, log decoding and scanning, children, signals, HTTP, packets | words, decisions |
//! | [`command`] | one file per subcommand: its arguments and the glue | another command |
//!
//! # Ideas
//!
//! - Everything learnt is a [`finding::Finding`]; a verdict is the highest [`finding::Status`] among them.
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

pub mod cli;
pub mod command;
pub mod digest;
pub mod evidence;
pub mod finding;
pub mod io;
pub mod offline;
pub mod report;
pub mod stage;
pub mod supervise;
pub mod time;
pub mod verdict;
