//! What the records of one or many files come to: counts, groups, gaps, findings.

pub(crate) mod counts;
pub mod faults;
pub(crate) mod first_n;
pub(crate) mod gaps;
pub(crate) mod groups;
pub mod histogram;
pub mod signature;
pub mod summarise;
pub mod tally;
