//! Keeps the direction of the imports: each room uses only the rooms below it, as the map in `src/lib.rs` says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the top down: each may use those of the rows below it, never those of its own row.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["command"],
    &["simulate"],
    &["io", "report"],
    &["verdict"],
    &["supervise", "evidence", "shards"],
    &["guards"],
    &["drills"],
    &["log", "stage", "offline", "status_report"],
    &["crash", "level"],
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
        let room = &room_of(path);
        if ["lib", "main"].contains(&room.as_str()) {
            continue;
        }
        let floor = floor_of(room).unwrap_or_else(|| panic!("no rule for {room}"));
        let text = fs::read_to_string(entry.path()).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (number, line) in code.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            for used in rooms_in(line) {
                let below = floor_of(&used).is_some_and(|used| used > floor);
                if used != *room && !below && !NEIGHBOURS.contains(&(room, used.as_str())) {
                    wrong.push(format!("src/{}:{}: {room} uses {used}", path.display(), number + 1));
                }
            }
            if !IMPURE_ROOMS.contains(&room.as_str()) {
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

/// A room that holds a large part of the code is several.
#[test]
fn no_room_holds_fifteen_percent_of_the_lines() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for entry in walkdir::WalkDir::new(&source) {
        let path = entry.unwrap().into_path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            *lines.entry(room_of(path.strip_prefix(&source).unwrap())).or_default() +=
                fs::read_to_string(&path).unwrap().lines().count();
        }
    }
    let all: usize = lines.values().sum();
    let large: Vec<_> = lines.iter().filter(|(_, held)| **held * 100 >= all * 15).collect();
    assert!(large.is_empty(), "of {all} lines: {large:?}");
}

/// The room of a file of `src`; `core`, the crate of the lowest ones, is none itself.
fn room_of(path: &Path) -> String {
    let path = path.strip_prefix("core").unwrap_or(path);
    path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned()
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

/// Small files and folders are found and read fast; two files that import each other are one in truth.
#[test]
fn files_and_folders_are_small_and_no_two_files_import_each_other() {
    /// Longer files are two.
    const LINES: usize = 500;
    /// A folder of more files is two.
    const FILES: usize = 20;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    let mut modules = BTreeMap::new();
    for folder in ["src", "tests/it", "xtask/src"] {
        let mut in_folder: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for entry in walkdir::WalkDir::new(root.join(folder)) {
            let path = entry.unwrap().into_path();
            if path.is_file() {
                *in_folder.entry(path.parent().unwrap().to_owned()).or_default() += 1;
            }
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            if text.lines().count() > LINES {
                wrong.push(format!("{} has {} lines", path.display(), text.lines().count()));
            }
            if folder == "src" && !path.ends_with("tests.rs") {
                let path = path.strip_prefix(root.join(folder)).unwrap();
                modules.insert(module_of(path.strip_prefix("core").unwrap_or(path)), text);
            }
        }
        let full = in_folder.into_iter().filter(|(_, files)| *files > FILES);
        wrong.extend(full.map(|(folder, files)| format!("{} has {files} files", folder.display())));
    }
    let imports: BTreeMap<_, BTreeSet<_>> =
        modules.iter().map(|(module, text)| (module, imports_of(module, text, &modules))).collect();
    for (module, used) in &imports {
        let back = used.iter().filter(|other| *module < *other && imports[other].contains(*module));
        wrong.extend(back.map(|other| format!("{} and {} import each other", module.join("::"), other.join("::"))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `log/scan/mod.rs` is the module `log::scan`.
fn module_of(path: &Path) -> Vec<String> {
    let mut parts: Vec<String> = path.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    parts.pop_if(|last| last == "mod");
    parts
}

/// The modules that the `use` lines of a module name, tests and what it only passes on apart.
fn imports_of(module: &[String], text: &str, all: &BTreeMap<Vec<String>, String>) -> BTreeSet<Vec<String>> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let mut found = BTreeSet::new();
    for statement in code.split("\nuse ").skip(1).map(|rest| rest.split(';').next().unwrap()) {
        for path in paths_of(statement) {
            let mut at = module.to_vec();
            let mut rest = path.as_slice();
            while let Some((first, more)) =
                rest.split_first().filter(|(first, _)| *first == "super" || *first == "crate")
            {
                if *first == "crate" {
                    at.clear();
                } else {
                    drop(at.pop());
                }
                rest = more;
            }
            at.extend(rest.iter().filter(|part| *part != "self").cloned());
            let named = (1..=at.len()).rev().map(|len| at[..len].to_vec()).find(|start| all.contains_key(start));
            found.extend(
                named.filter(|named| named != module && path.first().is_some_and(|p| p == "super" || p == "crate")),
            );
        }
    }
    found
}

/// `a::{b, c::d}` names `a::b` and `a::c::d`.
fn paths_of(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((head, list)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap();
        return vec![path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()];
    };
    let list = &list[..list.rfind('}').unwrap_or(list.len())];
    let mut depth = 0;
    let items = list.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let head: Vec<String> = paths_of(head).remove(0);
    items.filter(|item| !item.trim().is_empty()).flat_map(paths_of).map(|tail| [head.clone(), tail].concat()).collect()
}
