//! Instants as the session documents write them.

use serde::{Serialize, Serializer};

use crate::time::Stamp;

/// An instant, written as `2025-01-06T00:00:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Stamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.millis_z())
    }
}
