//! Instants as the session documents write them.

use chrono::{Datelike as _, Timelike as _};
use serde::{Serialize, Serializer};

use crate::time::Stamp;

/// An instant, written as `2025-01-06T00:00:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub Stamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A long session has hundreds of thousands of them, so the general formatter would show in its time.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let at = self.0.utc();
        let mut put = |range: std::ops::Range<usize>, mut number: u32| {
            for place in text[range].iter_mut().rev() {
                *place = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0..4, at.year().unsigned_abs());
        put(5..7, at.month());
        put(8..10, at.day());
        put(11..13, at.hour());
        put(14..16, at.minute());
        put(17..19, at.second());
        put(20..23, at.timestamp_subsec_millis());
        serializer.serialize_str(str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_form_of_the_other_documents() {
        for text in ["0001-01-01T00:00:00Z", "2025-11-04T05:06:07.0895Z", "1969-12-31T23:59:59.999Z", "9999-12-31"] {
            let at = Stamp::parse(text).unwrap();
            assert_eq!(serde_json::json!(Moment(at)), at.millis_z());
        }
    }
}
