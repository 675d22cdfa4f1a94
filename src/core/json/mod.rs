//! JSON of others: quickly for log lines, tolerantly for documents, strictly for what is signed. And our own, made inert.

pub(crate) mod cursor;
pub mod inert;
pub mod lenient;
pub mod pull;
pub(crate) mod python_repr;
pub(crate) mod stored;
pub mod strict;
