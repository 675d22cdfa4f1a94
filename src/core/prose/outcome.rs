//! Whether a text states that something failed, in a form in which tools and people state how things ended: the summary
//! of a test tool, a verdict behind a colon, a check that "failed".

use super::Phrase;

/// What a tool counts or judges that can fail.
const CHECKS: [&str; 61] = [
    "assertion",
    "assertions",
    "audit",
    "backup",
    "build",
    "builds",
    "case",
    "cases",
    "check",
    "checks",
    "criteria",
    "criterion",
    "deploy",
    "deployment",
    "deployments",
    "drill",
    "drills",
    "example",
    "examples",
    "exercise",
    "gate",
    "gates",
    "job",
    "jobs",
    "migration",
    "migrations",
    "pipeline",
    "pipelines",
    "probe",
    "probes",
    "program",
    "programs",
    "rehearsal",
    "rehearsals",
    "release",
    "restore",
    "review",
    "rollback",
    "rollout",
    "rule",
    "rules",
    "run",
    "scenario",
    "scenarios",
    "self-test",
    "spec",
    "specs",
    "stage",
    "step",
    "steps",
    "subtests",
    "suite",
    "suites",
    "target",
    "targets",
    "task",
    "tasks",
    "test",
    "tests",
    "validation",
    "verification",
];
/// What is counted beside failures in a summary.
const COUNTED: [&str; 25] = [
    "assertions",
    "changed",
    "checks",
    "copied",
    "errors",
    "examples",
    "ok",
    "passed",
    "passes",
    "passing",
    "pass",
    "pending",
    "run",
    "scenarios",
    "skipped",
    "specs",
    "succeeded",
    "success",
    "successful",
    "suites",
    "tests",
    "test",
    "total",
    "unreachable",
    "warnings",
];
/// Keys behind which a word says how something ended.
const ENDS: [&str; 9] = ["conclusion", "outcome", "phase", "result", "results", "state", "status", "verdict", "gate"];
/// Words around a failure that say that it is over, meant to be, only possible or not the end.
const SETTLED: [&str; 47] = [
    "again",
    "allowed",
    "another",
    "any",
    "attempt",
    "attempts",
    "case",
    "could",
    "discussed",
    "each",
    "expected",
    "fallback",
    "fixed",
    "handled",
    "how",
    "if",
    "ignored",
    "ignoring",
    "injected",
    "last",
    "max",
    "may",
    "might",
    "never",
    "previous",
    "previously",
    "recovered",
    "repaired",
    "replaced",
    "resolved",
    "retried",
    "retries",
    "retry",
    "retrying",
    "should",
    "simulated",
    "since",
    "solved",
    "threshold",
    "unless",
    "until",
    "what",
    "when",
    "whenever",
    "whether",
    "will",
    "would",
];

/// Whether one of the lines states that something failed: "3 failed, 97 passed", "not ok 3", "test result: FAILED",
/// "the smoke test failed". Denials are heard ("0 failed", "no check failed"), and so is what says that it is over
/// ("failed last week and was fixed"), meant to be or only possible.
pub fn states_failure(text: &str) -> bool {
    text.lines().any(line_states)
}

/// Whether an exit code tells of a failure: not those of a command that was asked to stop by a signal.
pub fn is_failed_exit(code: i64) -> bool {
    !matches!(code, 0 | 130 | 143)
}

/// Whether a key says by a truth value that what it is about succeeded: `success`, `isOk`, `all_passed`.
pub fn is_success_key(key: &str) -> bool {
    ["ok", "passed", "succeeded", "success", "successful"].contains(&without_front(&plain(key)))
}

/// Whether a key says by a truth value that what it is about is accepted or fit: `approved`, `isValid`.
pub fn is_consent_key(key: &str) -> bool {
    const CONSENT: [&str; 7] = ["accepted", "approved", "go", "healthy", "signedoff", "valid", "verified"];
    CONSENT.contains(&without_front(&plain(key)))
}

fn plain(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).flat_map(char::to_lowercase).collect()
}

fn without_front(key: &str) -> &str {
    ["is", "all", "was", "has"].iter().find_map(|front| key.strip_prefix(front)).unwrap_or(key)
}

/// Whether a value under such a key denies it.
pub fn is_no(word: &str) -> bool {
    matches!(word.trim().to_ascii_lowercase().as_str(), "no" | "false" | "0")
}

/// Whether a key says by a word how something ended: `status`, `test_result`, `event.outcome`, `lastResult`.
pub fn is_end_key(key: &str) -> bool {
    let last = key.rsplit(['.', '_', '-', ' ']).next().unwrap_or(key);
    let camel = last.rfind(char::is_uppercase).filter(|_| last.contains(char::is_lowercase));
    let last = &last[camel.unwrap_or(0)..];
    ENDS.iter().any(|end| last.eq_ignore_ascii_case(end))
}

/// Whether a word says that something failed.
pub fn is_failed(word: &str) -> bool {
    matches!(
        word.trim().to_ascii_lowercase().as_str(),
        "fail" | "failed" | "failing" | "failure" | "failures" | "fails" | "unsuccessful"
    )
}

fn line_states(line: &str) -> bool {
    let line = line.trim();
    if line.len() > 4096 {
        return false;
    }
    if let Some(rest) = line.strip_prefix(['✗', '✖', '✕', '✘', '❌', '❎']) {
        return !rest.trim_start_matches('\u{fe0f}').trim_start().starts_with("0 ");
    }
    if ["::error", "##[error]", "Bail out!"].iter().any(|front| line.starts_with(front)) || is_tap_count(line) {
        return true;
    }
    // TAP; a test that is known to fail or was left out is none.
    if let Some(rest) = line.strip_prefix("not ok") {
        let marked = rest.to_ascii_lowercase();
        return rest.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && !marked.contains("# todo")
            && !marked.contains("# skip");
    }
    let words = Phrase::of(line);
    (0..words.len()).any(|at| match words.lower(at) {
        "failed" | "fails" | "failing" | "fail" | "failure" | "failures" => fails_at(&words, at),
        "errors" | "error" | "unreachable" => counted(&words, at, true).is_some_and(|some| some),
        "pass" => words.lower(at.wrapping_sub(1)) == "not" && words.lower(at.wrapping_sub(2)) == "did",
        "status" | "code" => exits(&words, at),
        _ => false,
    })
}

/// "# fail 1", "# tests 10 # pass 9 # fail 1"
fn is_tap_count(line: &str) -> bool {
    let count = |part: &str| part.trim().strip_prefix("fail ")?.trim().parse::<u64>().ok();
    line.starts_with('#') && line.split('#').filter_map(count).any(|failed| failed > 0)
}

/// Whether the word at `at`, of the family of "fail", states a failure.
fn fails_at(words: &Phrase<'_>, at: usize) -> bool {
    if let Some(some) = counted(words, at, false) {
        return some;
    }
    if is_settled(words, at) || denied(words, at) {
        return false;
    }
    is_loud(words, at) || is_verdict(words, at) || is_said_of_a_check(words, at)
}

/// Whether there are some or none by a number: "3 failed", "failed=3", "Failures: 0". None where nothing is counted, or
/// what is counted need be no summary: "3 failed logins", "up to 3 failures".
fn counted(words: &Phrase<'_>, at: usize, error: bool) -> Option<bool> {
    let zero = |at: usize| words.lower(at).parse::<f64>().is_ok_and(|number| number == 0.0);
    let whole = |at: usize| words.lower(at).bytes().all(|b| b.is_ascii_digit()) && !words.lower(at).is_empty();
    if words.has_counter(at) && words.is_number(at + 2) {
        return Some(false);
    }
    // "Failed tests: 3".
    if CHECKS.contains(&words.lower(at + 1)) && words.mark(at).is_empty() && whole(at + 2) {
        let assigned = words.mark(at + 1).starts_with([':', '=']);
        return assigned.then(|| !zero(at + 2) && !is_settled(words, at));
    }
    let marked = words.mark(at);
    if (marked.starts_with([':', '=']) || marked.is_empty() && words.lower(at).ends_with('s'))
        && words.is_number(at + 1)
    {
        if zero(at + 1) || !whole(at + 1) {
            return Some(false);
        }
        return match marked.is_empty() || marked.starts_with(':') && !has_sibling(words, at) {
            true => None,
            false => Some(has_sibling(words, at)),
        };
    }
    if words.mark(at).starts_with([':', '='])
        && matches!(words.lower(at + 1), "none" | "no" | "false" | "never" | "nothing")
    {
        return Some(false);
    }
    let before = at.checked_sub(1)?;
    // "2 of 12 checks failed", "1 test failed".
    let them = words.lower(before) == "them" && words.lower(before.wrapping_sub(1)) == "of";
    let noun = them || CHECKS.contains(&words.lower(before)) && !words.ends_clause(before);
    let number = before.checked_sub(if them { 2 } else { usize::from(noun) })?;
    if !whole(number)
        || words.ends_clause(number)
        || words.mark(number).contains([':', '='])
        || is_part_of_a_name(words, number)
    {
        return None;
    }
    let of = number
        .checked_sub(2)
        .filter(|first| words.lower(first + 1) == "of" && (whole(*first) || words.lower(*first) == "none"));
    let number = of.unwrap_or(number);
    if zero(number) || words.lower(number) == "none" {
        return Some(false);
    }
    if noun {
        return Some(!is_settled(words, at));
    }
    let ends = words.ends_clause(at)
        || CHECKS.contains(&words.lower(at + 1))
        || matches!(words.lower(at + 1), "in" | "out" | "locally" | "and");
    let front = number.checked_sub(1).is_none_or(|before| words.mark(before).ends_with(':'));
    let alone = front && at + 1 == words.len() && !error && !words.lower(at).starts_with("failure");
    let found = error && words.lower(number.wrapping_sub(1)) == "found";
    Some(alone || found || ends && (has_sibling(words, at) || is_loud(words, at)))
}

/// Whether a number is the end of a name: "node-3 failed", "shard 3 failed", "#3".
fn is_part_of_a_name(words: &Phrase<'_>, number: usize) -> bool {
    let Some(before) = number.checked_sub(1) else { return false };
    words.hyphened(before)
        || words.mark(before).contains('#')
        || words.mark(before).is_empty()
            && words.lower(before).chars().all(char::is_alphabetic)
            && !matches!(
                words.lower(before),
                "and" | "with" | "but" | "has" | "had" | "summary" | "executed" | "found" | "of" | "run"
            )
            && !COUNTED.contains(&words.lower(before))
}

/// Whether something else is counted in the same line, as in a summary: "97 passed", "998 files copied", "Tests run: 10",
/// "9 out of 10".
fn has_sibling(words: &Phrase<'_>, at: usize) -> bool {
    let number =
        |place: Option<usize>| place.is_some_and(|place| words.is_number(place) && words.mark(place).is_empty());
    (0..words.len()).any(|other| {
        let near = |back: usize| number(other.checked_sub(back));
        let before = near(1) || near(2) && words.mark(other - 1).is_empty();
        let behind = words.is_number(other + 1) && words.mark(other).starts_with([':', '=']);
        let out_of =
            words.lower(other) == "of" && words.is_number(other + 1) && near(2) && words.lower(other - 1) == "out";
        other != at && (COUNTED.contains(&words.lower(other)) && (before || behind) || out_of)
    })
}

/// A word in capitals is a status: "--- FAIL: TestOrders", `[  FAILED  ]`, "BUILD FAILED", "E2E: FAIL".
fn is_loud(words: &Phrase<'_>, at: usize) -> bool {
    let capital = words.text(at).chars().all(char::is_uppercase);
    // "PASS/FAIL", "FAIL-FAST", "FAILED|OK" list what can be.
    let listed = |at: usize| words.mark(at).contains('/') || words.mark(at) == "|" || words.hyphened(at);
    // "changed from FAILED to RUNNING" tells of what was.
    let was = at.checked_sub(1).is_some_and(|before| words.lower(before) == "from");
    capital && !was && !listed(at) && !at.checked_sub(1).is_some_and(listed)
}

/// "test result: failed", "job result=failure", "status failed", "self test: failed".
fn is_verdict(words: &Phrase<'_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(1).filter(|_| words.lower(at).starts_with("fail")) else { return false };
    let mark = words.mark(before);
    let assigned = mark.ends_with([':', '=']);
    let key = words.lower(before);
    let key = key.rsplit(['_', '.']).next().unwrap_or(key);
    ENDS.contains(&key) && (assigned || mark.is_empty() && words.ends_clause(at))
        || assigned && CHECKS.contains(&key) && words.ends_clause(at)
}

/// "the smoke test failed", "migration 0042 failed", "the rehearsal has failed".
fn is_said_of_a_check(words: &Phrase<'_>, at: usize) -> bool {
    if !matches!(words.lower(at), "failed" | "fails" | "failing") || words.hyphened(at) {
        return false;
    }
    // "app.service: Failed with result", "Scenario: transfer ... failed".
    if words.lower(at + 1) == "with" && matches!(words.lower(at + 2), "code" | "exit" | "result" | "status")
        || at.checked_sub(1).is_some_and(|before| words.mark(before) == "...")
    {
        return true;
    }
    let of = |back: usize| at.checked_sub(back).map_or("", |at| words.lower(at));
    if of(2) == "of" && CHECKS.contains(&of(3)) {
        return true;
    }
    let mut noun = at;
    for _ in 0..2 {
        let Some(before) =
            noun.checked_sub(1).filter(|before| !words.ends_clause(*before) && matches!(words.mark(*before), "" | "#"))
        else {
            return false;
        };
        noun = before;
        let skipped = matches!(words.lower(noun), "has" | "have" | "is" | "are") || words.is_number(noun);
        if !skipped {
            break;
        }
    }
    CHECKS.contains(&words.lower(noun)) && !words.lower(at + 1).ends_with("over")
}

/// "exit status 1", "exited with code 3"; the word at `at` is "status" or "code".
fn exits(words: &Phrase<'_>, at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map_or("", |at| words.lower(at));
    let exited = matches!(before(1), "exit")
        || before(1) == "with" && matches!(before(2), "exited" | "finished" | "ended" | "terminated");
    let exited = exited || before(1) == "a" && before(2) == "with" && before(3) == "exited";
    let value = at + 1;
    let failed = words.is_number(value) && words.lower(value).parse::<i64>().is_ok_and(is_failed_exit)
        || is_failed(words.lower(value));
    exited && failed && !is_settled(words, at) && !denied(words, at)
}

/// Whether the words of the same sentence say that the failure is over, meant to be, or only possible.
fn is_settled(words: &Phrase<'_>, at: usize) -> bool {
    let ends = |at: usize| words.mark(at).contains(['.', ';']) || words.mark(at).contains('!');
    let start = (0..at).rfind(|at| ends(*at)).map_or(0, |end| end + 1);
    let end = (at..words.len()).find(|at| ends(*at)).unwrap_or(words.len().saturating_sub(1));
    (start..=end).any(|word| word != at && SETTLED.contains(&words.lower(word)))
}

/// "no check failed", "nothing failed", "did not fail".
fn denied(words: &Phrase<'_>, at: usize) -> bool {
    (at.saturating_sub(4)..at).any(|before| {
        let denies = words.is_not(before)
            || matches!(words.lower(before), "no" | "none" | "nothing" | "nobody" | "neither" | "without" | "zero");
        denies && (before..at).all(|at| !words.ends_clause(at))
    })
}

#[cfg(test)]
pub(crate) mod tests;
