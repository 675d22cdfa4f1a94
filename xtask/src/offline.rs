//! How fast `offline-qa` checks one long session and many short ones.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::{Outcome, Tool, measure};

const TURNS: usize = 20_000;
const SESSIONS: usize = 1000;

pub(crate) fn bench(tool: &Tool) -> Outcome {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let folder = folder.path();
    let small = folder.join("small");
    fs::create_dir(&small).map_err(|e| e.to_string())?;
    write(&folder.join("long.json"), "long", TURNS)?;
    write(&folder.join("longer.json"), "longer", 4 * TURNS)?;
    for n in 0..SESSIONS {
        write(&small.join(format!("{n}.json")), &format!("small-{n}"), 12)?;
    }
    for (what, input) in [
        (format!("{TURNS} turns"), folder.join("long.json")),
        (format!("{} turns", 4 * TURNS), folder.join("longer.json")),
        (format!("{SESSIONS} sessions of 12 turns"), small),
    ] {
        for out in [None, Some(folder.join("out"))] {
            let (tool, input) = (tool.path.display().to_string(), input.display().to_string());
            let mut command = vec![tool, "offline-qa".to_owned(), "--input".to_owned(), input];
            if let Some(out) = &out {
                command.extend(["--out".to_owned(), out.display().to_string()]);
            }
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            let cost = measure::run(&command)?;
            if cost.code != 0 {
                return Err(format!("{command:?} ended with {}", cost.code));
            }
            let how = if out.is_some() { "written" } else { "checked" };
            println!("  {what:28} {how}  {}", cost.text());
        }
    }
    Ok(())
}

/// A session in which about every third sentence changes something.
fn write(path: &Path, id: &str, turns: usize) -> Outcome {
    const PLAIN: &str = "The night was long and the lamps burned low. Somebody argued about the price of rope.";
    let told = [
        "The Lamplighters seized Ochre Quay.",
        "The Low Fens were flooded.",
        "Rumours say the Grey Wardens lost Tern Island.",
    ];
    let mut text =
        format!(r#"{{"sessionId":"{id}","sessionState":{{"closedAt":"2025-01-06T20:00:00Z"}},"transcript":["#);
    for n in 0..turns {
        let comma = if n == 0 { "" } else { "," };
        let (change, scene, minute) = (told[n % told.len()], n / 20, n % 60);
        let _ = write!(
            text,
            r#"{comma}{{"turnId":"t{n}","sceneId":"s{scene}","speaker":"gm","text":"{change} {PLAIN}","timestamp":"2025-01-06T19:{minute:02}:00Z","metadata":{{"tags":["night"]}}}}"#
        );
    }
    text.push_str("]}");
    fs::write(path, text).map_err(|e| e.to_string())
}
