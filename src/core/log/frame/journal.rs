//! The export format of the journal: fields line by line, a blank line between records, and texts of several lines behind
//! their length.

use serde_json::{Map, Value};

use super::Step;

/// Fields that tell time, level and text; others are kept too, but never take the place of one of these.
const MOST: usize = 200;

pub(super) fn next(text: &[u8], end: bool) -> Option<Step<'_>> {
    let blanks = text.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
    if blanks > 0 {
        return Some(Step::skip(blanks));
    }
    let mut fields = Map::new();
    let mut at = 0;
    loop {
        let line_end = memchr::memchr(b'\n', &text[at..]).map(|len| at + len).or_else(|| end.then_some(text.len()))?;
        let line = &text[at..line_end];
        if line.is_empty() {
            at = line_end;
            break;
        }
        match memchr::memchr(b'=', line) {
            Some(equals) => {
                add(&mut fields, &line[..equals], &line[equals + 1..]);
                at = (line_end + 1).min(text.len());
            }
            None => {
                // The length as 64 bits, the bytes, and a line end.
                let Some(length) = text.get(line_end + 1..line_end + 9) else {
                    return end.then(|| Step::skip(text.len()));
                };
                let length = length.try_into().map_or(0, u64::from_le_bytes);
                let start = line_end + 9;
                let stop = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
                match stop.and_then(|stop| Some((stop, text.get(start..stop)?))) {
                    Some((stop, value)) => {
                        add(&mut fields, line, value);
                        at = (stop + 1).min(text.len());
                    }
                    None if end => return Some(Step::skip(text.len())),
                    None => return None,
                }
            }
        }
        if at >= text.len() {
            if !end {
                return None;
            }
            break;
        }
    }
    let line = serde_json::to_vec(&Value::Object(fields)).ok()?;
    Some(Step { start: 0, end: at.max(1), line: Some(line.into()) })
}

fn add(fields: &mut Map<String, Value>, name: &[u8], value: &[u8]) {
    if fields.len() < MOST {
        let text = String::from_utf8_lossy(value).into_owned();
        fields.insert(String::from_utf8_lossy(name).into_owned(), Value::String(text));
    }
}
