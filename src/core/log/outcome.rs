//! Whether the fields of a record state that something failed, whatever its level says: `"success": false`.

use crate::json::pull::{Raw, Text};
use crate::prose;

/// How deep fields are looked at.
const DEPTH: u8 = 3;
/// Fields that say what is asked for, not how it ended.
const ASIDE: [&str; 8] = ["config", "expected", "filter", "filters", "params", "query", "request", "where"];

/// Whether the members of a record state a failure.
pub(super) fn states_failure<'a>(members: impl Iterator<Item = (Text<'a>, Raw<'a>)> + Clone) -> bool {
    look(members, DEPTH)
}

fn look<'a>(mut members: impl Iterator<Item = (Text<'a>, Raw<'a>)> + Clone, depth: u8) -> bool {
    let counts = |(key, value): (Text<'a>, Raw<'a>)| {
        let word = ["passed", "ok", "succeeded", "success", "total", "tests", "skipped"].map(str::as_bytes);
        word.contains(&key.bytes) && value.number().is_some()
    };
    let all = members.clone();
    members.any(|(key, value)| {
        let key = key.decode();
        match value {
            Raw::Bool(false) => prose::is_success_key(&key),
            Raw::Bool(true) => key.eq_ignore_ascii_case("failed"),
            Raw::Text(text) if !text.escaped && text.bytes.len() < 16 => {
                let word = text.decode();
                let ends =
                    prose::is_end_key(&key) || ["action", "event"].iter().any(|end| key.eq_ignore_ascii_case(end));
                ends && prose::is_failed(&word)
                    || prose::is_success_key(&key) && prose::is_no(&word)
                    || is_exit(&key) && word.parse().is_ok_and(prose::is_failed_exit)
            }
            Raw::Number(_) => {
                let number = value.number().unwrap_or_default();
                let counted = ["failed", "failures"].iter().any(|count| key.eq_ignore_ascii_case(count));
                is_exit(&key) && prose::is_failed_exit(number as i64)
                    || counted && number > 0.0 && all.clone().any(counts)
            }
            Raw::Object(_) | Raw::Array(_) if ASIDE.iter().any(|aside| key.eq_ignore_ascii_case(aside)) => false,
            Raw::Object(_) | Raw::Array(_) if depth > 0 => within(value, depth - 1),
            _ => false,
        }
    })
}

/// Whether a key is that of an exit code.
fn is_exit(key: &str) -> bool {
    const EXITS: [&str; 6] = ["exit_code", "exitcode", "exit_status", "exitstatus", "returncode", "return_code"];
    EXITS.iter().any(|exit| key.eq_ignore_ascii_case(exit))
}

fn within(value: Raw<'_>, depth: u8) -> bool {
    value.members().is_some_and(|members| look(members.flatten(), depth))
        || value.elements().any(|element| within(element, depth))
}

#[cfg(test)]
mod tests {
    use crate::crash::prefilter;
    use crate::log::parse;

    #[test]
    fn records_that_state_a_failure_are_told_from_others() {
        for (fields, expect) in [
            (r#""success":false"#, true),
            (r#""ok": false"#, true),
            (r#""isSuccess":false"#, true),
            (r#""success":"false""#, true),
            (r#""result":"failed""#, true),
            (r#""event":{"outcome":"failure"}"#, true),
            (r#""test_status":"FAILED""#, true),
            (r#""data":{"results":[{"passed":false}]}"#, true),
            (r#""failed":true"#, true),
            (r#""passed":97,"failed":3"#, true),
            (r#""exit_code":1"#, true),
            (r#""returncode": 2"#, true),
            (r#""return_code":2"#, true),
            (r#""success": "false""#, true),
            (r#""verdict": "fail""#, true),
            (r#""status":"unsuccessful""#, true),
            (r#""msg":"3 failed, 97 passed""#, true),
            (r#""lastResult":"Failed""#, true),
            (r#""event":"failed""#, true),
            (r#""exit_status":"1""#, true),
            (r#""filter":{"status":"failed"}"#, false),
            (r#""verified":false,"msg":"nothing failed""#, false),
            (r#""success":true"#, false),
            (r#""status":200"#, false),
            (r#""passed":97,"failed":0"#, false),
            (r#""consecutive":1,"failed":3"#, false),
            (r#""enabled":false,"retry":false"#, false),
            (r#""exit_code":0"#, false),
            (r#""state":"filled""#, false),
            (r#""success":null"#, false),
        ] {
            let line = format!(r#"{{"timestamp":"2025-01-06T00:00:00Z","level":"info",{fields}}}"#);
            let record = parse::parse(line.as_bytes()).expect("a record");
            assert_eq!(record.states_failure(), expect, "{line}");
            assert!(!expect || prefilter::failure(line.as_bytes()), "no mark in {line}");
        }
        for (line, expect) in [
            ("time=2025-01-06T00:00:00Z level=info msg=done success=false", true),
            ("time=2025-01-06T00:00:00Z level=info msg=done status=failed", true),
            ("time=2025-01-06T00:00:00Z level=info msg=done verdict=fail", true),
            ("time=2025-01-06T00:00:00Z level=info msg=done ok=true", false),
            (r#"2025-01-06T00:00:00Z stdout F {"level":"info","msg":"done","success":false}"#, true),
            (r#"2025-01-06T00:00:00Z stdout F {"level":"info","msg":"done","success":true}"#, false),
            (
                r#"{"log":"{\"msg\":\"done\",\"success\":false}\n","stream":"stdout","time":"2025-01-06T00:00:00Z"}"#,
                true,
            ),
        ] {
            let record = parse::parse(line.as_bytes()).expect("a record");
            assert_eq!(record.states_failure(), expect, "{line}");
            assert!(!expect || prefilter::failure(line.as_bytes()), "no mark in {line}");
        }
    }
}
