//! The wall clock.

use std::env;
use std::time::SystemTime;

use crate::time::Stamp;

/// The present instant.
pub(crate) fn now() -> Stamp {
    SystemTime::now().into()
}

/// `SOURCE_DATE_EPOCH` (seconds since the Unix epoch) where it is set and usable.
pub(crate) fn source_date() -> Option<Stamp> {
    env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.trim().parse().ok()).and_then(Stamp::from_seconds)
}

/// The instant for every "generated at": [`source_date`], so that the same evidence gives the same bytes; else
/// the present.
pub(crate) fn generated_at() -> Stamp {
    source_date().unwrap_or_else(now)
}
