//! JSON values one after the other, however they are laid out; lists are opened, and so is an object around a list.

use super::{Step, one_line};
use crate::json::pull::{self, Members, Raw};
use crate::log::dialect::{self, KEYS, Role};

/// The keys under which an object may hold the list of records, in small letters.
const LISTS: [&str; 14] = [
    "events",
    "entries",
    "logevents",
    "records",
    "logs",
    "items",
    "value",
    "data",
    "results",
    "hits",
    "resourcelogs",
    "scopelogs",
    "logrecords",
    "messages",
];

/// How deep the place is in lists and the objects around them.
#[derive(Debug, Default)]
pub(super) struct State {
    depth: usize,
}

/// Whether an object holds a list of records and is none itself.
pub(super) fn holds_list(object: &[u8]) -> bool {
    opening(object).is_some_and(|len| object[len..].trim_ascii_start().starts_with(b"{"))
}

pub(super) fn next<'a>(text: &'a [u8], end: bool, state: &mut State) -> Option<Step<'a>> {
    let between = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | 0 | 0x1e);
    let blanks = text.iter().take_while(|b| between(b)).count();
    if blanks > 0 {
        return Some(Step::skip(blanks));
    }
    match text[0] {
        0xef if text.starts_with(b"\xef\xbb\xbf") => Some(Step::skip(3)),
        b'[' => {
            state.depth += 1;
            Some(Step::skip(1))
        }
        b']' | b'}' => {
            state.depth = state.depth.saturating_sub(1);
            Some(Step::skip(1))
        }
        // What follows the list in the object around it.
        b'"' if state.depth > 0 => {
            let len = member_len(text)?;
            let line = failure([b"{", &text[..len], b"}"].concat().as_slice());
            Some(Step { line: line.map(Into::into), ..Step::skip(len) })
        }
        b'{' => {
            if let Some(len) = opening(text) {
                state.depth += 2;
                return Some(Step { line: failure(&text[..len]).map(Into::into), ..Step::skip(len) });
            }
            if let Some(len) = pull::object_len(text) {
                return Some(Step { start: 0, end: len, line: Some(one_line(&text[..len]).into()) });
            }
            // Not whole yet, or damaged: then the line goes as it is.
            (end || is_malformed(text)).then(|| rest_of_line(text))
        }
        _ => {
            let whole = end || memchr::memchr(b'\n', text).is_some();
            whole.then(|| rest_of_line(text))
        }
    }
}

fn rest_of_line(text: &[u8]) -> Step<'_> {
    let len = memchr::memchr(b'\n', text).unwrap_or(text.len());
    Step { start: 0, end: (len + 1).min(text.len()), line: Some(text[..len].into()) }
}

/// Whether an object at the start of a text cannot become whole by what follows.
fn is_malformed(text: &[u8]) -> bool {
    // The next object of the same look starts at the start of a line.
    let again = memchr::memmem::find(text, b"\n{").is_some();
    again && text.len() > 64
}

/// The length of a member with its key: `"nextToken": "…"`.
fn member_len(text: &[u8]) -> Option<usize> {
    // As the only member of an object it can be delimited.
    let mut object = Vec::with_capacity(text.len() + 1);
    object.push(b'{');
    object.extend_from_slice(text);
    let mut members = Members::new(&object)?;
    members.next()?.ok()?;
    Some(members.place() - 1)
}

/// The first member of the object around a list of records, `"error": "the rest is lost"`, that says that something
/// failed, as an object of its own. A number is a count.
fn failure(object: &[u8]) -> Option<Vec<u8>> {
    let mut members = Members::new(object)?;
    while let Some((key, _)) = members.key() {
        let start = members.place();
        let value = members.value()?;
        let fails = dialect::find(key.bytes).is_some_and(|at| KEYS[at].1 == Role::Failure);
        if fails && value.is_truthy() && value.number().is_none() {
            return Some(one_line(&[b"{\"", key.bytes, b"\":", &object[start..members.place()], b"}"].concat()));
        }
    }
    None
}

/// The length of what is before the list of records in an object that is none itself, the bracket included.
fn opening(text: &[u8]) -> Option<usize> {
    let mut members = Members::new(text)?;
    while let Some((key, _)) = members.key() {
        let role = dialect::find(key.bytes).map(|at| KEYS[at].1);
        if matches!(role, Some(Role::Level(..) | Role::Message(_))) {
            return None;
        }
        let name = key.bytes.to_ascii_lowercase();
        let start = members.place();
        let list = LISTS.iter().any(|list| list.as_bytes() == name);
        match text.get(start..)?.trim_ascii_start().first() {
            Some(b'[') if list => {
                let inside = text[start..].trim_ascii_start()[1..].trim_ascii_start();
                if inside.starts_with(b"{") {
                    return Some(text.len() - inside.len());
                }
            }
            // `{"hits": {"hits": […]}}`
            Some(b'{') if list => {
                let len = opening(&text[start..])?;
                return Some(start + len);
            }
            _ => {}
        }
        let value = members.value()?;
        if matches!((role, value), (Some(Role::Time(..)), Raw::Text(_) | Raw::Number(_))) {
            return None;
        }
    }
    None
}
