//! What the records of one or many files come to: counts, groups, gaps, findings.

pub mod counts;
pub mod faults;
pub mod first_n;
pub mod gaps;
pub mod groups;
pub mod histogram;
pub mod signature;
pub mod summarise;
pub mod tally;
