//! What the records of one or many files come to: counts, groups, gaps, findings.

pub(crate) mod counts;
pub(crate) mod faults;
pub(crate) mod first_n;
pub(crate) mod gaps;
pub(crate) mod groups;
pub(crate) mod histogram;
pub(crate) mod signature;
pub mod summarise;
pub mod tally;
