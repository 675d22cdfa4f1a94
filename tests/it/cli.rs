//! What holds for the command line as a whole.

use crate::harness::Bench;

#[test]
fn a_wrong_word_is_a_usage_error() {
    let out = Bench::new().run(&["frobnicate"]).exits(2);
    assert!(out.stdout.is_empty());
    assert!(out.stderr.contains("frobnicate"));
}

#[test]
fn the_shell_files_are_generated() {
    let bench = Bench::new();
    assert!(bench.run(&["completions", "bash"]).exits(0).stdout.contains("emp-ops"));
    assert!(bench.run(&["man"]).exits(0).stdout.contains(".TH emp-ops"));
}
