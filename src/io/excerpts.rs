//! The lines around places in logs, for people who want to see what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read};

use super::read::decode;
use crate::finding::Place;
use crate::verdict::run::Excerpts;

/// Lines before and behind a place.
const AROUND: u64 = 2;
/// The longest line that is kept, in bytes; the rest of it is passed over.
const LINE: usize = 4096;

/// The lines around `places`: the number of each, and its text. `open` opens the file of a place. Best effort: what
/// cannot be read has no lines.
pub(crate) fn around<R: Read + Send + 'static>(places: &[Place], open: impl Fn(&str) -> Option<R>) -> Excerpts {
    let mut by_file: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for place in places {
        if let Some(line) = place.line {
            by_file.entry(&place.path).or_default().insert(line);
        }
    }
    let lines: BTreeMap<&str, BTreeMap<u64, String>> =
        by_file.iter().filter_map(|(path, wanted)| Some((*path, read(open(path)?, wanted)?))).collect();
    let mut excerpts = BTreeMap::new();
    for place in places {
        if let (Some(line), Some(found)) = (place.line, lines.get(place.path.as_str())) {
            let near = found.range(line.saturating_sub(AROUND)..=line + AROUND);
            excerpts.insert(place.clone(), near.map(|(number, text)| (*number, text.clone())).collect());
        }
    }
    excerpts
}

/// The wanted lines of one file with their neighbours.
fn read(file: impl Read + Send + 'static, wanted: &BTreeSet<u64>) -> Option<BTreeMap<u64, String>> {
    let (head, reader) = decode::peek(file, decode::HEAD);
    let mut reader = BufReader::new(decode::unpack(reader, decode::packing(&head).ok()?).ok()?);
    let last = wanted.last()? + AROUND;
    let mut found = BTreeMap::new();
    let mut line = Vec::new();
    for number in 1..=last {
        line.clear();
        if reader.by_ref().take(LINE as u64).read_until(b'\n', &mut line).ok()? == 0 {
            break;
        }
        if line.len() == LINE && !line.ends_with(b"\n") {
            reader.skip_until(b'\n').ok()?;
        }
        if wanted.range(number.saturating_sub(AROUND)..=number + AROUND).next().is_some() {
            found.insert(number, String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::io::files::Folder;

    #[test]
    fn a_line_comes_with_its_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        let text: String = (1..=9).map(|n| format!("line {n}\n")).collect();
        fs::write(folder.path().join("a.log"), text).unwrap();
        let place = |path: &str, line| Place { path: path.to_owned(), line: Some(line) };
        let places = [place("raw/a.log", 1), place("a.log", 9), place("gone.log", 1), place("../etc/passwd", 1)];
        let run = Folder::open(folder.path()).unwrap();
        let all = around(&places, |path| run.open_file(path.strip_prefix("raw/").unwrap_or(path)).ok());
        let numbers = |place: &Place| all[place].iter().map(|(number, _)| *number).collect::<Vec<_>>();
        assert_eq!((numbers(&places[0]), numbers(&places[1])), (vec![1, 2, 3], vec![7, 8, 9]));
        assert_eq!(all[&places[1]][2].1, "line 9");
        assert_eq!(all.len(), 2);
    }
}
