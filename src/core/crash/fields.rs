//! Where exceptions and stack traces hide in a record: in fields named after them, at any depth, and as text anywhere.

use std::borrow::Cow;

use super::classify::{self, Kind, Named};
use super::frames;
use crate::json::pull::{Raw, Text};

/// How deep they are looked for.
const DEPTH: u8 = 8;

/// What the name of a field says about its text.
#[derive(Clone, Copy)]
enum Name {
    Exception,
    Stack,
    Text,
}

/// The texts of all such fields among these members.
pub(crate) fn of<'a>(members: impl Iterator<Item = (Text<'a>, Raw<'a>)> + Clone) -> Vec<Named<'a>> {
    let mut found = Vec::new();
    search(&mut found, members, DEPTH);
    found
}

/// Reads the members twice rather than to keep them, since there may be a million.
fn search<'a>(found: &mut Vec<Named<'a>>, members: impl Iterator<Item = (Text<'a>, Raw<'a>)> + Clone, depth: u8) {
    // OpenTelemetry writes members as `{"key": "exception.stacktrace", "value": …}`.
    let pair = members.clone().find(|(key, _)| key.bytes == b"key").and_then(|(_, name)| named(&name.string()?));
    for (key, value) in members {
        match named(&key.decode()).or(pair.filter(|_| key.bytes == b"value")) {
            Some(name) => found.extend(field(name, value, depth)),
            None => found.extend(any_trace(value)),
        }
        if depth > 0 {
            within(found, value, depth - 1);
        }
    }
}

/// Looks into an object, or into the objects and texts of a list.
fn within<'a>(found: &mut Vec<Named<'a>>, value: Raw<'a>, depth: u8) {
    if let Some(members) = value.members() {
        search(found, members.flatten(), depth);
    }
    for element in value.elements() {
        found.extend(any_trace(element));
        if depth > 0 {
            within(found, element, depth - 1);
        }
    }
}

/// A stack trace in a field whose name says nothing.
fn any_trace(value: Raw<'_>) -> Option<Named<'_>> {
    let Raw::Text(text) = value else { return None };
    classify::suspect(text.bytes, 0)?;
    Some(text.decode()).filter(|text| classify::text(text) == Some(Kind::StackTrace)).map(Named::Stack)
}

/// Whether a field with another text than the `message` tells of a crash in a fixed form, by itself or with its key:
/// `"output": "Segmentation fault (core dumped)"`, `"exit_code": 137`.
pub(crate) fn tell_of_crash<'a>(mut members: impl Iterator<Item = (Text<'a>, Raw<'a>)>, message: &str) -> bool {
    members.any(|(key, value)| tells(&key.decode(), value, message, DEPTH))
}

fn tells(key: &str, value: Raw<'_>, message: &str, depth: u8) -> bool {
    /// Longer words mean something without their key.
    const SHORT: usize = 40;
    let text = match value {
        Raw::Object(_) | Raw::Array(_) if depth == 0 => return false,
        Raw::Object(_) => {
            let mut members = value.members().into_iter().flatten().flatten();
            return members.any(|(key, value)| tells(&key.decode(), value, message, depth - 1));
        }
        Raw::Array(_) => return value.elements().any(|element| tells(key, element, message, depth - 1)),
        Raw::Text(_) | Raw::Number(_) => value.to_text(),
        Raw::Null | Raw::Bool(_) => return false,
    };
    text.trim() != message
        && (if tells_why(key) { classify::text(&text).is_some() } else { classify::is_sure(&text) }
            || text.len() < SHORT && classify::is_sure(&format!("{key}={text}")))
}

/// Whether what is under a key says what went wrong, so that every way of telling of a crash counts.
fn tells_why(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["cause", "err", "error", "errors", "failure", "panic", "reason", "stderr"].iter().any(|end| key.ends_with(end))
}

fn named(key: &str) -> Option<Name> {
    let ends = |word: &str| {
        let start = key.len().checked_sub(word.len());
        start.and_then(|start| key.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    let is = |words: &[&str]| words.iter().any(|word| key.eq_ignore_ascii_case(word));
    if ends("exception") {
        (!is_setting(&key[..key.len() - "exception".len()])).then_some(Name::Exception)
    } else if is(&["@x", "exc_info", "exc_text"]) {
        Some(Name::Exception)
    } else if ["traceback", "stacktrace", "stack_trace", "backtrace", ".stack"].into_iter().any(ends)
        || is(&["stack", "errorverbose", "steparray"])
    {
        Some(Name::Stack)
    } else {
        is(&["full_message"]).then_some(Name::Text)
    }
}

/// Whether what is before "exception" in a key makes it a setting: `throw_on_exception`, `retryOnException`.
fn is_setting(before: &str) -> bool {
    let before = before.trim_end_matches(['_', '.', '-', ' ']);
    let word = before.rsplit(['_', '.', '-', ' ']).next().unwrap_or(before);
    let camel =
        word.rfind(|c: char| c.is_ascii_uppercase()).filter(|_| word.contains(|c: char| c.is_ascii_lowercase()));
    let word = word[camel.unwrap_or(0)..].to_ascii_lowercase();
    ["on", "for", "per", "if", "no", "without", "allow", "throw", "raise", "rethrow", "ignore", "handled"]
        .contains(&word.as_str())
}

/// What a field with a telling name holds. An exception may be an object or a list; one with nothing in it is none.
fn field(name: Name, value: Raw<'_>, depth: u8) -> Option<Named<'_>> {
    let text = match value {
        Raw::Text(text) => text.decode(),
        Raw::Array(_) | Raw::Object(_) if is_empty(value, depth) => return None,
        Raw::Array(_) | Raw::Object(_) if matches!(name, Name::Stack) && holds_frames(value, depth) => {
            return Some(Named::Frames);
        }
        Raw::Array(bytes) | Raw::Object(bytes) => {
            let mut lines = Vec::new();
            texts(&mut lines, value, depth);
            if lines.is_empty() { String::from_utf8_lossy(bytes) } else { Cow::Owned(lines.join("\n")) }
        }
        // `exc_info: true` only asks a logger for a trace.
        _ => return None,
    };
    Some(match (name, value) {
        (Name::Exception, _) => Named::Exception(text),
        (Name::Stack, Raw::Text(_)) => Named::Stack(text),
        // A list of names, such as the parts of a technical stack, is no trace.
        (Name::Stack | Name::Text, _) => Named::Text(text),
    })
}

/// Whether there is nothing in a value, at any depth: `[null, null, null]`.
fn is_empty(value: Raw<'_>, depth: u8) -> bool {
    match value {
        Raw::Array(_) if depth > 0 => value.elements().all(|element| is_empty(element, depth - 1)),
        Raw::Object(_) if depth > 0 => {
            value.members().into_iter().flatten().flatten().all(|(_, member)| is_empty(member, depth - 1))
        }
        other => !other.is_truthy(),
    }
}

/// Whether a value holds frames: texts that name a line of a source file, or objects with the number of a line.
fn holds_frames(value: Raw<'_>, depth: u8) -> bool {
    match value {
        Raw::Text(text) => text.decode().lines().any(|line| frames::is_frame(&format!(" {line}")) || is_place(line)),
        Raw::Array(_) if depth > 0 => value.elements().any(|element| holds_frames(element, depth - 1)),
        Raw::Object(_) if depth > 0 => value.members().into_iter().flatten().flatten().any(|(key, member)| {
            let key = key.decode().to_ascii_lowercase();
            matches!(key.as_str(), "line" | "lineno" | "linenumber" | "line_number") && member.is_truthy()
                || holds_frames(member, depth - 1)
        }),
        _ => false,
    }
}

/// Whether a text names a line of a source file: `main.go:12`, `D.java(12)`.
fn is_place(text: &str) -> bool {
    const SOURCES: [&str; 22] = [
        "c", "cc", "cjs", "clj", "cpp", "cs", "ex", "exs", "go", "java", "js", "jsx", "kt", "lua", "mjs", "php", "py",
        "rb", "rs", "scala", "swift", "ts",
    ];
    text.match_indices([':', '(']).any(|(at, _)| {
        let extension = text[..at].rsplit_once('.').map_or("", |(_, extension)| extension);
        SOURCES.contains(&extension) && text[at + 1..].starts_with(|c: char| c.is_ascii_digit())
    })
}

fn texts<'a>(lines: &mut Vec<Cow<'a, str>>, value: Raw<'a>, depth: u8) {
    match value {
        Raw::Text(text) => lines.push(text.decode()),
        Raw::Array(_) | Raw::Object(_) if depth > 0 => {
            value.elements().for_each(|element| texts(lines, element, depth - 1));
            value.members().into_iter().flatten().flatten().for_each(|(_, member)| texts(lines, member, depth - 1));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::crash::classify::Kind;
    use crate::log::parse;

    #[test]
    fn a_trace_is_found_in_whichever_field_it_is() {
        const TRACE: &str = r#"Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: x"#;
        for key in ["error", "err", "detail", "trace", "exc", "cause", "throwable", "thrown", "errStack", "callstack"] {
            for value in [
                format!(r#""{key}":"{TRACE}""#),
                format!(r#""payload":{{"{key}":{{"message":"{TRACE}"}}}}"#),
                format!(r#""{key}":["x","{TRACE}"]"#),
            ] {
                let line = format!(r#"{{"timestamp":"2025-01-06T00:00:00Z","level":"info","message":"done",{value}}}"#);
                let crash = parse::parse(line.as_bytes()).and_then(|record| record.crash());
                assert_eq!(crash, Some(Kind::StackTrace), "{line}");
            }
        }
        let line = format!(r#"time=2025-01-06T00:00:00Z level=info msg=done err="{TRACE}""#);
        assert_eq!(parse::parse(line.as_bytes()).and_then(|record| record.crash()), Some(Kind::StackTrace), "{line}");
    }

    #[test]
    fn fields_are_judged_by_what_they_hold() {
        for (fields, expect) in [
            (r#""msg":"panic: x\n\ngoroutine 1 [running]:""#, Some(Kind::StackTrace)),
            (
                r#""throwable":{"className":"a.E","stepArray":[{"className":"a.B","lineNumber":3}]}"#,
                Some(Kind::StackTrace),
            ),
            (r#""stack":[{"func":"main","line":"12","source":"main.go"}]"#, Some(Kind::StackTrace)),
            (r#""stack":["main.main","main.go:12"]"#, Some(Kind::StackTrace)),
            (r#""stacktrace":"main.main\n\t/app/main.go:12""#, Some(Kind::StackTrace)),
            (r#""note":"boom\nmain.main\n\t/app/main.go:12""#, Some(Kind::StackTrace)),
            (r#""exception":{"type":"ValueError"}"#, Some(Kind::Exception)),
            (r#""last_exception":"Timeout""#, Some(Kind::Exception)),
            (r#""unhandled_exception":"Timeout""#, Some(Kind::Exception)),
            (r#""throw_on_exception":"never""#, None),
            (r#""retry_on_exception":"3 times""#, None),
            (r#""retryOnException":"3 times""#, None),
            (r#""exception":"no exception""#, None),
            (r#""exception":{"type":null,"message":null}"#, None),
            (r#""exc_info":[null,null,null]"#, None),
            (r#""stack":["web","db"]"#, None),
            (r#""tech":{"stack":["rust","postgres"]}"#, None),
            (r#""stack":["cache.local:6379","10.0.0.1:80"]"#, None),
            (r#""note":"all is well\nand stays so""#, None),
        ] {
            let line = format!(r#"{{"timestamp":"2025-01-06T00:00:00Z","level":"info","message":"done",{fields}}}"#);
            let crash = parse::parse(line.as_bytes()).and_then(|record| record.crash());
            assert_eq!(crash, expect, "{line}");
            assert!(expect.is_none() || super::classify::suspect(line.as_bytes(), 0).is_some(), "{line}");
        }
    }

    #[test]
    fn a_field_beside_the_message_tells_of_a_crash_by_itself_or_with_its_key() {
        for (fields, expect) in [
            (r#""reason":"OOMKilled""#, true),
            (r#""exit_code":137"#, true),
            (r#""exitCode":"139""#, true),
            (r#""signal":"SIGSEGV""#, true),
            (r#""error":"panic: boom""#, true),
            (r#""output":"Segmentation fault (core dumped)""#, true),
            (r#""state":{"last":{"exitCode":137}}"#, true),
            (r#""errors":["timeout","panic: boom"]"#, true),
            (r#""exit_codes":[0,0]"#, false),
            (r#""signal":"SIGTERM""#, false),
            (r#""exit_code":1"#, false),
            (r#""error":"connection refused""#, false),
            (r#""query":"how to handle panic""#, false),
            (r#""module":"crash_reporter","path":"/usr/lib/crash/exit.so""#, false),
            (r#""panics":0,"oom_kills":0,"crashes":0"#, false),
            (r#""text":"done""#, false),
        ] {
            let line = format!(r#"{{"timestamp":"2025-01-06T00:00:00Z","level":"info","message":"done",{fields}}}"#);
            let record = parse::parse(line.as_bytes()).expect("a record");
            let seen = super::classify::suspect(line.as_bytes(), 0).is_some() && record.crash_beside();
            assert_eq!(seen, expect, "{line}");
        }
    }
}
