//! The supervised command and everything around it: children, signals, samples, the watchdog.

pub mod alive;
pub mod child;
pub mod interrupt;
pub mod orphans;
pub mod sampler;
pub mod supervisor;
pub mod watchdog;
