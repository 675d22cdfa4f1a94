//! JSON of others: quickly for log lines, tolerantly for documents, strictly for what is signed.

pub mod cursor;
pub mod lenient;
pub mod pull;
pub mod python_repr;
pub mod strict;
