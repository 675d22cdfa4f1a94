//! The pages of follow-ups: the backlog and the minutes.

use super::document;
use crate::report::Doc;
use crate::verdict::backlog::Backlog;
use crate::verdict::wrap_up::WrapUp;

/// The page of a backlog.
pub(crate) fn backlog(doc: &Doc, backlog: &Backlog) -> String {
    document::page(doc, Vec::new(), backlog.generated_at)
}

/// The page of the minutes.
pub(crate) fn wrap_up(doc: &Doc, minutes: &WrapUp) -> String {
    document::page(doc, Vec::new(), minutes.generated_at)
}
