//! The page of `offline-qa`.

use super::document;
use crate::offline::rollup::Rollup;
use crate::report::Doc;

/// The page of a batch of sessions.
pub(crate) fn offline_qa(doc: &Doc, rollup: &Rollup) -> String {
    document::page(doc, Vec::new(), rollup.generated_at.0)
}
