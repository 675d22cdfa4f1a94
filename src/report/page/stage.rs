//! The pages of `stage-smoke` and `stage-alerts`.

use super::document;
use crate::report::Doc;
use crate::stage::rehearsal::Rehearsal;
use crate::stage::smoke::Report;
use crate::time::Stamp;

/// The page of a smoke run.
pub(crate) fn stage_smoke(doc: &Doc, _report: &Report, made_at: Stamp) -> String {
    document::page(doc, Vec::new(), made_at)
}

/// The page of an observation, an alert rehearsal, or both.
pub(crate) fn stage_alerts(doc: &Doc, _rehearsal: Option<&Rehearsal>, made_at: Stamp) -> String {
    document::page(doc, Vec::new(), made_at)
}
