//! What people sign about a packet: the verdict and the decisions of reviewers, as in-toto statements in DSSE
//! envelopes, one a line in the bundle of the packet; and what an audit makes of them.

pub(crate) mod decisions;
pub mod envelope;
pub(crate) mod judge;
pub(crate) mod sign;
pub(crate) mod statement;
pub(crate) mod timestamp;

/// The bundle of a packet. It signs the other files, so that no list of them names it.
pub const BUNDLE: &str = "attestations.intoto.jsonl";
