//! The wall clock.

use std::env;
use std::time::SystemTime;

use crate::time::Stamp;

/// The present instant.
pub fn now() -> Stamp {
    SystemTime::now().into()
}

/// The instant for every "generated at": `SOURCE_DATE_EPOCH` (seconds since the Unix epoch) where it is set
/// and usable, so that the same evidence gives the same bytes; else the present.
pub fn generated_at() -> Stamp {
    env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .and_then(Stamp::from_seconds)
        .unwrap_or_else(now)
}
