//! The ratios that were recorded last, and what is slower now.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::Outcome;

/// A ratio worse by more than this part is named.
const WORSE: f64 = 0.15;

/// Ratios by name: what a measured command costs in terms of its reference.
#[derive(Default)]
pub(super) struct Ratios(BTreeMap<String, f64>);

impl Ratios {
    pub(super) fn add(&mut self, name: &str, ratio: f64) {
        self.0.insert(name.to_owned(), (ratio * 100.0).round() / 100.0);
    }

    /// Names what is slower than recorded in `xtask/baseline.json`; with `BENCH_RECORD` set, records again.
    pub(super) fn compare(&self) -> Outcome {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("baseline.json");
        if std::env::var_os("BENCH_RECORD").is_some() {
            let text = serde_json::to_string_pretty(&self.0).map_err(|e| e.to_string())?;
            fs::write(&path, text + "\n").map_err(|e| format!("cannot write {}: {e}", path.display()))?;
            println!("  recorded in {}", path.display());
            return Ok(());
        }
        // What was never recorded is said below.
        let text = fs::read(&path).unwrap_or_else(|_| b"{}".to_vec());
        let recorded: BTreeMap<String, f64> = serde_json::from_slice(&text).map_err(|e| e.to_string())?;
        for (name, ratio) in &self.0 {
            match recorded.get(name) {
                Some(before) if *ratio > before * (1.0 + WORSE) => {
                    println!("  SLOWER: {name} costs {ratio:.2} x its reference, {before:.2} when it was recorded");
                }
                Some(_) => {}
                None => println!("  {name} has no recorded ratio: run again with BENCH_RECORD=1"),
            }
        }
        Ok(())
    }
}
