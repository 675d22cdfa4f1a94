//! What people sign about a packet: the verdict and the decisions of reviewers, as in-toto statements in DSSE
//! envelopes, one a line in the bundle of the packet; and what an audit makes of them.

pub mod decisions;
pub mod envelope;
pub mod judge;
pub mod sign;
pub mod statement;
pub mod timestamp;

/// The bundle of a packet. It signs the other files, so that no list of them names it.
pub const BUNDLE: &str = "attestations.intoto.jsonl";
