//! Silence by the time at which lines came in, whatever times they state.

use super::rehearse;
use crate::harness::Bench;

/// Prints records that state times from `$1` seconds after `$2` on, a tenth of a second apart, over six seconds.
const BEATS: &str = r#"beats() { from=$(($2 + $1));
  seq -f '@%.1f' $from 0.1 $((from + 6)) | date -u -f - '+%FT%T.%1NZ INFO heartbeat'; };"#;

#[test]
fn times_that_records_state_hide_no_silence() {
    for (what, script) in [
        ("printed at once, for the time to come", "beats 0 $(date +%s); exec sleep 987"),
        (
            "printed late, for the time that is over",
            "start=$(date +%s); echo INFO up; sleep 5; beats 0 $start; exec sleep 987",
        ),
        // Its clock is far ahead from the first record on, and then nothing comes.
        ("by a clock that is ahead", "beats 3600 $(date +%s); exec sleep 987"),
        (
            "by a clock that jumps ahead",
            "beats 0 $(date +%s) | head -3; beats 4 $(date +%s) | head -20; exec sleep 987",
        ),
    ] {
        let bench = Bench::new();
        let options = ["--duration", "6s", "--warn-gap", "1s", "--fail-gap", "2s", "--format", "json"];
        let out = rehearse(&bench, &options, &format!("{BEATS} {script}")).output.exits(1);
        let summary = out.json();
        assert_eq!(summary["verdict"], "fail", "{what}");
        // Where all came at the start, none was measured.
        let uptime = summary["summary"]["logs"]["uptime_ratio"].as_f64();
        assert!(uptime.is_none_or(|uptime| uptime < 0.9), "{what}: {uptime:?}");
        let gaps = summary["summary"]["logs"]["gap_incidents"].to_string();
        assert!(gaps.contains("\"severity\":\"fail\""), "{what}: {gaps}");
    }
}
