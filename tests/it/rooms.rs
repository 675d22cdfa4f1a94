//! Keeps the direction of the imports: each room uses only the rooms below it, as the map in `src/lib.rs` says.

use std::fs;
use std::path::Path;

/// The rooms from the top down: each may use those of the rows below it, never those of its own row.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["command"],
    &["simulate"],
    &["io", "report"],
    &["verdict"],
    &["supervise", "evidence"],
    &["log", "stage", "offline", "status_report"],
    &["json", "finding"],
    &["digest", "keys", "time", "prose", "sanitize"],
];

/// Rooms of one row that use each other all the same, in one direction.
const NEIGHBOURS: &[(&str, &str)] = &[("supervise", "evidence"), ("json", "finding")];

/// The rooms that touch files, clocks, threads, children, the network or the terminal; no other may.
const IMPURE_ROOMS: &[&str] = &["cli", "command", "simulate", "io"];
const IMPURE: &[&str] =
    &["std::fs", "std::net", "std::process", "std::thread", "std::env", "SystemTime::now", "Instant::now", "Utc::now"];

#[test]
fn rooms_use_only_the_rooms_below_them() {
    let mut wrong = Vec::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in walkdir::WalkDir::new(&source) {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(&source).unwrap();
        // Unit tests may set up what they like, in a file of their own too.
        if path.extension().is_none_or(|e| e != "rs") || path.ends_with("tests.rs") {
            continue;
        }
        let room = path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if ["lib", "main"].contains(&room) {
            continue;
        }
        let floor = floor_of(room).unwrap_or_else(|| panic!("no rule for {room}"));
        let text = fs::read_to_string(entry.path()).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (number, line) in code.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            for used in rooms_in(line) {
                let below = floor_of(&used).is_some_and(|used| used > floor);
                if used != room && !below && !NEIGHBOURS.contains(&(room, used.as_str())) {
                    wrong.push(format!("src/{}:{}: {room} uses {used}", path.display(), number + 1));
                }
            }
            if !IMPURE_ROOMS.contains(&room) {
                wrong.extend(
                    IMPURE
                        .iter()
                        .filter(|word| line.contains(*word))
                        .map(|word| format!("src/{}:{}: {room} uses {word}", path.display(), number + 1)),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `io` reports plain facts; what they mean, and in which words, is said by the rooms below it.
#[test]
fn io_makes_no_finding_and_no_status() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/io");
    let mut wrong = Vec::new();
    for entry in walkdir::WalkDir::new(&source) {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (number, line) in code.lines().enumerate() {
            // The status of a child is another thing.
            let line = line.replace("ExitStatus", "");
            let made = ["Finding::", "Finding {", "Status::"].iter().any(|word| line.contains(word));
            if made && !line.trim_start().starts_with("//") && !line.contains("-> Finding {") {
                wrong.push(format!("{}:{}: {}", entry.path().display(), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rooms that a line names after `crate::`, one or several in braces.
fn rooms_in(line: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let list = rest.strip_prefix('{').map_or(rest, |inner| inner.split('}').next().unwrap_or(inner));
        let names = if rest.starts_with('{') { list.split(',').collect() } else { vec![list] };
        for name in names {
            let name: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if floor_of(&name).is_some() {
                rooms.push(name);
            }
        }
    }
    rooms
}

/// The row of a room, counted from the top.
fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&room))
}
