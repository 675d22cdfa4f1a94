//! The rules of each kind of document.

pub(super) mod budgets;
pub(super) mod drift;
pub(super) mod drills;
pub(super) mod generic;
pub(super) mod guardian;
pub(super) mod incident;
mod limits;
pub(super) mod ours;
pub(super) mod runtime;
pub(super) mod slo;
pub(super) mod timeline;
pub(super) mod validation;
