//! JSON of others: quickly for log lines, tolerantly for documents.

pub mod cursor;
pub mod lenient;
pub mod pull;
pub mod python_repr;
