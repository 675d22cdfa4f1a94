//! What the page for reviewers costs: an audit of three days of logs with hundreds of kinds of findings, with the page and
//! without it.

use std::fmt::Write as _;
use std::fs;

use crate::measure::{self, Cost};
use crate::{Outcome, Tool};

const HOURS: u64 = 72;
/// Seconds between two lines.
const STEP: u64 = 3;
/// Every so many lines one is a finding, of so many kinds.
const FINDINGS: (u64, u64) = (97, 330);
/// What the page may cost beyond the audit: seconds of CPU, and bytes.
const MOST: (f64, u64) = (0.2, 32 << 20);

pub(crate) fn bench(tool: &Tool) -> Outcome {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (log, page) = (folder.path().join("72h.jsonl"), folder.path().join("page.html"));
    fs::write(&log, text()).map_err(|error| error.to_string())?;
    let (tool, log) = (tool.path.display().to_string(), log.display().to_string());
    let export = format!("html={}", page.display());
    let audit = [tool.as_str(), "audit", "--log", &log];
    let without = measure::median(|| measure::run(&audit))?;
    let with = measure::median(|| measure::run(&[&audit[..], &["--export", &export]].concat()))?;
    let bytes = fs::metadata(&page).map_err(|error| error.to_string())?.len();
    let seconds = |cost: &Cost| cost.cpu.as_secs_f64();
    let (time, memory) = (seconds(&with) - seconds(&without), with.peak.saturating_sub(without.peak));
    println!("  without the page   {}", without.text());
    println!("  with the page      {}", with.text());
    println!("  the page           {:.0} ms CPU, {} KiB more at the peak, {bytes} bytes", time * 1e3, memory >> 10);
    if time > MOST.0 || memory > MOST.1 { Err("the page costs more than it may".to_owned()) } else { Ok(()) }
}

/// The log: every finding has a kind of its own by its words, since numbers make none.
fn text() -> String {
    const WORDS: [&str; 10] =
        ["alpha", "bravo", "cargo", "delta", "eagle", "frost", "gamma", "hotel", "india", "joker"];
    let mut text = String::new();
    for n in 0..HOURS * 3600 / STEP {
        let (day, second) = (3 + n * STEP / 86_400, n * STEP % 86_400);
        let time = format!("2025-03-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60);
        let kind = n / FINDINGS.0 % FINDINGS.1;
        let (level, message) = if n % FINDINGS.0 == 0 {
            let word = |by: u64| WORDS[(kind / by % 10) as usize];
            let name = format!("{}-{}-{}", word(1), word(10), word(100));
            let level = if kind < 60 { "error" } else { "warning" };
            (level, format!("component {name} said: {}", "a rather long message <b> of nothing ".repeat(12)))
        } else {
            ("info", format!("order {n} filled at {}.5", n % 89))
        };
        let _ = writeln!(text, r#"{{"timestamp":"{time}","level":"{level}","message":"{message}"}}"#);
    }
    text
}
