//! Records behind their length in bytes, as syslog sends them over TCP: `34 <13>1 2025-…`.

use super::Step;

/// Where the record at the start of a text begins, and its length.
pub(super) fn length(text: &[u8]) -> Option<(usize, usize)> {
    let digits = text.iter().take(9).take_while(|b| b.is_ascii_digit()).count();
    let length = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    (text.get(digits) == Some(&b' ')).then_some((digits + 1, length))
}

pub(super) fn next(text: &[u8], end: bool) -> Option<Step<'_>> {
    let blanks = text.iter().take_while(|b| b.is_ascii_whitespace()).count();
    if blanks > 0 {
        return Some(Step::skip(blanks));
    }
    let Some((start, length)) = length(text) else {
        // Something else: up to the end of the line.
        let len = memchr::memchr(b'\n', text).or_else(|| end.then_some(text.len()))?;
        return Some(Step { start: 0, end: (len + 1).min(text.len()), line: Some(text[..len].into()) });
    };
    let record = match text.get(start..start + length) {
        Some(record) => record,
        None if end => &text[start..],
        None => return None,
    };
    Some(Step { start: 0, end: start + record.len(), line: Some(record.trim_ascii_end().into()) })
}
