//! The end of the log of a run, and the lines around one of its incidents.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::io::files;
use crate::io::read::decode;
use crate::supervise::log_lines::{LogLine, LogView};

/// How much of the end of a log is read.
const TAIL: u64 = 128 << 10;
/// How much of the logs is searched for an incident.
const SEARCHED: u64 = 512 << 20;
/// Lines before and behind an incident.
const AROUND: usize = 5;
/// The longest line that is read, in bytes.
const LINE: u64 = 64 << 10;

/// The end of the newest structured log of the run whose progress file this is.
pub(crate) fn tail(progress: &Path) -> LogView {
    let Some(path) = logs(progress).pop() else {
        return LogView { problem: Some("the run has no log yet".to_owned()), ..LogView::default() };
    };
    let view = LogView { file: shown(&path), ..LogView::default() };
    if path.extension().is_none_or(|extension| extension != "jsonl") {
        let problem = Some("the log is compressed; only one that is not can be followed".to_owned());
        return LogView { problem, ..view };
    }
    let read = files::open_found(&path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok((bytes, length > TAIL))
    });
    match read {
        Ok((bytes, cut)) => {
            // What a cut begins with is the rest of a line, and what does not end yet is still being written.
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &bytes[..end]);
            let lines = whole.split(|byte| *byte == b'\n').skip(usize::from(cut));
            LogView {
                lines: lines.filter(|line| !line.is_empty()).map(|line| LogLine::parse(line, None)).collect(),
                ..view
            }
        }
        Err(error) => LogView { problem: Some(format!("cannot read {}: {error}", path.display())), ..view },
    }
}

/// The lines around the first one that says `message`; none where no log says it.
pub(crate) fn around(progress: &Path, message: &str) -> Option<LogView> {
    let first = message.lines().next().unwrap_or_default();
    let quoted = serde_json::to_string(first).ok()?;
    let needle: String = quoted.trim_matches('"').chars().take(120).collect();
    if needle.is_empty() {
        return None;
    }
    let mut left = SEARCHED;
    for path in logs(progress) {
        let Ok(file) = files::open_found(&path) else { continue };
        let (head, text) = decode::peek(file, decode::HEAD);
        let Some(text) = decode::packing(&head).ok().and_then(|packing| decode::unpack(text, packing).ok()) else {
            continue;
        };
        if let Some(found) = search(BufReader::with_capacity(256 << 10, text), needle.as_bytes(), &mut left) {
            return Some(LogView { file: shown(&path), ..found });
        }
    }
    None
}

fn search(mut text: impl std::io::BufRead, needle: &[u8], left: &mut u64) -> Option<LogView> {
    let mut before: VecDeque<LogLine> = VecDeque::new();
    let mut found: Option<(u64, Vec<LogLine>)> = None;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = text.by_ref().take(LINE).read_until(b'\n', &mut line).ok()? as u64;
        if read == LINE && !line.ends_with(b"\n") {
            text.skip_until(b'\n').ok()?;
        }
        *left = left.saturating_sub(read);
        if read == 0 || (*left == 0 && found.is_none()) {
            break;
        }
        if let Some((hit, lines)) = &mut found {
            lines.push(LogLine::parse(&line, Some(number)));
            if number >= *hit + AROUND as u64 {
                break;
            }
        } else if memchr::memmem::find(&line, needle).is_some() {
            let mut lines: Vec<LogLine> = std::mem::take(&mut before).into();
            lines.push(LogLine::parse(&line, Some(number)));
            found = Some((number, lines));
        } else {
            // Kept as they are until they are known to be wanted would cost as much.
            if before.len() == AROUND {
                before.pop_front();
            }
            before.push_back(LogLine {
                number: Some(number),
                text: String::from_utf8_lossy(&line).into_owned(),
                ..LogLine::default()
            });
        }
    }
    let (hit, lines) = found?;
    let reread =
        |line: LogLine| if line.time.is_empty() { LogLine::parse(line.text.as_bytes(), line.number) } else { line };
    Some(LogView { hit: Some(hit), lines: lines.into_iter().map(reread).collect(), ..LogView::default() })
}

/// The structured logs beside a progress file, in their order.
fn logs(progress: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(progress.with_file_name("logs")).into_iter().flatten().filter_map(Result::ok);
    let mut logs: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    logs.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(".jsonl")));
    logs.sort();
    logs
}

fn shown(path: &Path) -> String {
    format!("logs/{}", path.file_name().unwrap_or_default().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_and_the_lines_around_an_incident() {
        let folder = tempfile::tempdir().unwrap();
        let progress = folder.path().join("progress.json");
        assert!(tail(&progress).problem.is_some());
        fs::create_dir(folder.path().join("logs")).unwrap();
        let line = |n: u32| {
            let text = if n == 9 { "say \\\"boom\\\"" } else { "tick" };
            format!("{{\"timestamp\":\"2025-03-03T08:00:{n:02}Z\",\"level\":\"info\",\"message\":\"{text}\"}}\n")
        };
        let text: String = (1..=20).map(line).collect();
        fs::write(folder.path().join("logs/a.jsonl"), text + "{\"half").unwrap();
        let end = tail(&progress);
        assert_eq!((end.file.as_str(), end.lines.len(), end.lines[19].time.as_str()), ("logs/a.jsonl", 20, "08:00:20"));
        let near = around(&progress, "say \"boom\"").unwrap();
        let numbers: Vec<u64> = near.lines.iter().filter_map(|line| line.number).collect();
        assert_eq!((near.hit, numbers), (Some(9), (4..=14).collect()));
        assert_eq!((near.lines[5].text.as_str(), near.lines[0].time.as_str()), ("say \"boom\"", "08:00:04"));
        assert!(around(&progress, "nobody said this").is_none());
    }
}
