//! From a line to its record, whichever form it has. A line may hold another one, so this and the readers of the forms
//! call each other.

use super::dialect::{self, Dialect, bit};
use super::json_record::Fields;
use super::key_cache::Shape;
use super::record::{Record, member, trim};
use super::text_record;
use crate::json::pull::{Members, Raw, Text};
use crate::time::Stamp;

/// [`parse_inside`] for a line on its own that was written at an unknown time.
pub fn parse(line: &[u8]) -> Option<Record<'_>> {
    parse_inside(line, None, 0)
}

/// Reads one line, inside `depth` others; none when it is neither a JSON object nor text that states a time or a level.
///
/// The line may still lack a usable time ([`Record::at`]). Times without a year (syslog, klog) get the last year in
/// which they are before `written`, such as the time of their file; without it they count as none.
pub fn parse_inside(line: &[u8], written: Option<Stamp>, depth: u8) -> Option<Record<'_>> {
    parse_shaped(line, written, depth, &mut Shape::default())
}

/// [`parse_inside`] for a line that follows others like it.
pub(crate) fn parse_shaped<'a>(
    line: &'a [u8],
    written: Option<Stamp>,
    depth: u8,
    shape: &mut Shape,
) -> Option<Record<'a>> {
    /// Nobody wraps lines more often than this.
    const DEEPEST: u8 = 4;
    let line = trim(line);
    match line.first().filter(|_| depth <= DEEPEST)? {
        b'{' => Record::of_json(line, shape),
        _ => text_record::parse(line, written, depth),
    }
}

impl<'a> Record<'a> {
    /// Reads a line that is one JSON object; none when it is not.
    #[inline]
    pub fn of_json(line: &'a [u8], shape: &mut Shape) -> Option<Self> {
        let mut fields = Fields::default();
        let mut members = Members::new(line)?;
        let mut place = 0;
        while let Some(key) = shape.key(place, &mut members) {
            let value = members.value()?;
            if let Some(key) = key {
                fields.add(key, value);
            }
            place += 1;
        }
        if !members.ended() {
            return None;
        }
        fields.record(line, shape)
    }

    /// A record of `key=value` pairs; `at` where another key than the known ones states the time. None if they state neither
    /// a time nor a level.
    pub(crate) fn of_pairs(
        line: &'a [u8],
        pairs: impl Iterator<Item = (Text<'a>, Raw<'a>)>,
        at: Option<Stamp>,
    ) -> Option<Self> {
        let mut fields = Fields::default();
        for (key, value) in pairs {
            if let Some(key) = dialect::find(key.bytes) {
                fields.add(key, value);
            }
        }
        if !fields.says_something() && at.is_none() {
            return None;
        }
        let mut record = fields.record(line, &mut Shape::default())?;
        record.dialect = Dialect::Logfmt;
        record.at = record.at.or(at);
        Some(record)
    }

    /// Reads the members that are whole of an object whose end is missing.
    pub(crate) fn of_start(line: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::default();
        for (key, value) in Members::new(line)?.map_while(Result::ok) {
            if let Some(key) = dialect::find(key.bytes) {
                fields.add(key, value);
            }
        }
        fields.record(line, &mut Shape::default())
    }

    /// The records inside a line that holds many, as OpenTelemetry exports them; none for all other lines.
    pub fn batch(&self) -> Option<Vec<Record<'a>>> {
        if self.keys & const { bit("resourceLogs") } == 0 {
            return None;
        }
        let mut records = Vec::new();
        for resource in list(self.body, b"resourceLogs") {
            for scope in list(resource, b"scopeLogs") {
                records
                    .extend(list(scope, b"logRecords").filter_map(|line| Record::of_json(line, &mut Shape::default())));
            }
        }
        Some(records)
    }
}

/// The objects in the array under `key`.
fn list<'a>(object: &'a [u8], key: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    member(object, key).into_iter().flat_map(Raw::elements).filter_map(|element| match element {
        Raw::Object(bytes) => Some(bytes),
        _ => None,
    })
}
