use super::*;

/// Texts that state a failure, each in another form.
pub(crate) const FAILED: &[&str] = &[
    "3 failed, 97 passed in 12.3s",
    "=== 3 failed, 97 passed in 12.30s ===",
    "97 passed, 3 failed",
    "Tests run: 10, Failures: 2, Errors: 0, Skipped: 0",
    "Tests run: 10, Failures: 0, Errors: 1, Skipped: 0",
    "FAILED (errors=1)",
    "not ok 3 - orders balance",
    "--- FAIL: TestOrders (0.02s)",
    "FAIL\tgithub.com/x/y\t0.123s",
    "FAIL",
    "test result: FAILED. 97 passed; 3 failed; 0 ignored",
    "test result: failed",
    "Tests:       1 failed, 9 passed, 10 total",
    "10 tests, 2 failures",
    "12 examples, 1 failure",
    "3 scenarios (1 failed, 2 passed)",
    "  1 failing",
    "Failed!  - Failed:     1, Passed:     9, Skipped:     0, Total:    10",
    "90% tests passed, 1 tests failed out of 10",
    "BUILD FAILED in 3s",
    "[INFO] BUILD FAILURE",
    "FAILURES!",
    "Tests: 10, Assertions: 30, Failures: 1.",
    "[  FAILED  ] Orders.Balance (3 ms)",
    "  2 FAILED TESTS",
    "Summary [   1.204s] 10 tests run: 9 passed, 1 failed, 0 skipped",
    "Executed 3 out of 3 tests: 2 tests pass and 1 fails locally.",
    "Result: FAIL",
    "localhost : ok=3 changed=1 unreachable=0 failed=1 skipped=0",
    "localhost : ok=3 changed=1 unreachable=1 failed=0 skipped=0",
    "✗ status is 200",
    "✖ 3 problems (2 errors, 1 warning)",
    "Found 2 errors in 1 file (checked 8 source files)",
    "make: 1 target failed",
    "smoke checks: 12 ok, 1 failed",
    "self-test FAILED",
    "self test: failed",
    "health check failed",
    "verification failed: 3 of 9 balances differ",
    "backup finished: 998 files copied, 2 failed",
    "migration 0042 failed",
    "job finished with status failed",
    "job result=failed",
    "batch done ok=998 failed=2",
    "exit status 1",
    "process exited with code 3",
    "E2E: FAIL",
    "❌ orders balance",
    "2 of 12 checks failed",
    "::error::balance differs",
    "Bail out! database gone",
    "# tests 10 # pass 9 # fail 1",
    "pass: 9, fail: 1",
    "Failed tests: 3",
    "Cypress: 3 failing",
    "app.service: Failed with result exit-code.",
    "Deployment of v1.2 failed",
    "pipeline #123 failed",
    "Phase: Failed",
    "  ✕ computes the balance (5 ms)",
    "12 checks, 2 of them failed",
    "checks: 90.00% 9 out of 10, 1 failed",
    "The smoke test failed.",
    "The rehearsal has failed.",
    "Rollback drill: did not pass",
];

#[test]
fn what_failed_is_told_from_what_did_not() {
    for text in FAILED {
        assert!(states_failure(text), "{text}");
    }
    for text in [
        "",
        "0 failed, 97 passed in 12.3s",
        "Tests run: 10, Failures: 0, Errors: 0, Skipped: 1",
        "test result: ok. 97 passed; 0 failed; 0 ignored",
        "ok 3 - handles failures",
        "not ok 3 - orders # TODO not written yet",
        "10 tests, 0 failures",
        "localhost : ok=3 changed=1 unreachable=0 failed=0",
        "no checks failed",
        "none of 12 checks failed",
        "0 of 12 checks failed",
        "# fail 0",
        "pass: 9, fail: 0",
        "Failed tests: 0",
        "state changed from FAILED to RUNNING",
        "100% tests passed, 0 tests failed out of 10",
        "PASS: 12 FAIL: 0",
        "--- PASS: TestFail (0.00s)",
        "PASSED tests/test_failed.py::test_failed",
        "3 failed logins blocked for 10.0.0.7",
        "login failed for user bob, attempt 1 of 3",
        "moved 2 failed jobs to the archive",
        "test failed: none",
        "give up after 3 failures",
        "allowed failures: 3",
        "threshold 5 failures per minute",
        "last failure: never",
        "failing over to replica 2",
        "failover done",
        "failure rate 0.0%",
        "FAIL-FAST mode is on",
        "prints PASS/FAIL per row",
        "exit status 0",
        "exit code 143",
        "exit code 137 will be treated as out of memory",
        "assertion failed count: 0",
        "errors=0 warnings=2",
        "The smoke test failed last week and was fixed.",
        "If a check fails, we roll back.",
        "The team discussed what to do when a deployment fails.",
        "failed_total 0",
        "connections=10 failed=3",
        "job 7 failed, retrying",
        "✖ 0 problems",
    ] {
        assert!(!states_failure(text), "{text}");
    }
}

#[test]
fn keys_and_words_of_outcomes_are_known_in_every_spelling() {
    for key in ["success", "isSuccess", "is_ok", "ALL_PASSED", "succeeded"] {
        assert!(is_success_key(key), "{key}");
    }
    for key in ["successor", "token", "enabled", "passed_by"] {
        assert!(!is_success_key(key), "{key}");
    }
    for key in ["status", "test_result", "event.outcome", "Verdict"] {
        assert!(is_end_key(key), "{key}");
    }
    assert!(!is_end_key("estate") && is_failed(" Failed ") && !is_failed("failover"));
}
