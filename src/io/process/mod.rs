//! The supervised command and everything around it: children, signals, samples, the watchdog.

pub(crate) mod alive;
pub(crate) mod cgroup;
mod checks;
pub(crate) mod child;
mod clocks;
pub(crate) mod interrupt;
pub(crate) mod orphans;
mod pipe;
mod restore;
pub(crate) mod run_error;
pub(crate) mod sampler;
pub(crate) mod signals;
pub(crate) mod supervisor;
pub(crate) mod table;
pub(crate) mod watchdog;
