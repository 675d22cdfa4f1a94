//! The end of the log of a run, and the lines around one of its incidents.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::io::files;
use crate::io::read::decode;
use crate::supervise::log_lines::{LogLine, LogView};

/// How much of the end of a log is read.
const TAIL: u64 = 128 << 10;
/// How much of that each of many logs has at least.
const SHARE: u64 = 8 << 10;
/// The largest compressed log whose end is looked for, in bytes: that takes half a second.
const PACKED: u64 = 16 << 20;
/// How much of the logs is searched for an incident.
const SEARCHED: u64 = 512 << 20;
/// Lines before and behind an incident.
const AROUND: usize = 5;
/// The longest line that is read, in bytes.
const LINE: u64 = 64 << 10;

/// The ends of the newest structured logs of a run, which are read again only where they have changed.
#[derive(Default)]
pub(crate) struct Tail {
    /// The logs with their sizes as they were read, and their ends.
    seen: BTreeMap<PathBuf, (u64, LogView)>,
    view: LogView,
}

impl Tail {
    /// What was read last.
    pub(crate) fn view(&self) -> &LogView {
        &self.view
    }

    /// Reads the log of the run whose progress file this is: of several workloads that of `workload`, or those of all, in
    /// the order in which their lines were received.
    pub(crate) fn look(&mut self, progress: &Path, workload: Option<&str>) -> &LogView {
        // The last part of each log.
        let mut newest: BTreeMap<String, PathBuf> = BTreeMap::new();
        for path in logs(progress) {
            newest.insert(stem(&path), path);
        }
        let wanted = |stem: &str| workload.is_none_or(|name| stem == name);
        let newest: Vec<PathBuf> = newest.into_iter().filter(|(stem, _)| wanted(stem)).map(|(_, path)| path).collect();
        let size = |path: &PathBuf| fs::metadata(path).map_or(0, |about| about.len());
        let share = (TAIL / newest.len().max(1) as u64).max(SHARE);
        let mut seen = BTreeMap::new();
        let mut changed = newest.len() != self.seen.len();
        for path in newest {
            let now = size(&path);
            let known = self.seen.remove(&path).filter(|(before, _)| *before == now);
            changed |= known.is_none();
            let end = known.unwrap_or_else(|| (now, tail(&path, share)));
            seen.insert(path, end);
        }
        self.seen = seen;
        if changed || self.seen.is_empty() {
            self.view = self.merged();
        }
        &self.view
    }

    fn merged(&self) -> LogView {
        let mut ends = self.seen.values().map(|(_, view)| view);
        let (Some(first), more) = (ends.next(), self.seen.len()) else {
            return LogView { problem: Some("the run has no log yet".to_owned()), ..LogView::default() };
        };
        if more == 1 {
            return first.clone();
        }
        let mut lines: Vec<LogLine> = self.seen.values().flat_map(|(_, view)| view.lines.iter().cloned()).collect();
        lines.sort_by_key(|line| line.received);
        let problem = self.seen.values().find_map(|(_, view)| view.problem.clone());
        LogView { file: format!("of {more} workloads"), lines, problem, hit: None }
    }
}

/// The end of a log.
fn tail(path: &Path, share: u64) -> LogView {
    let view = LogView { file: shown(path), ..LogView::default() };
    match end(path, share) {
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

/// The last bytes of a log, `share` or a little more, and whether there are others before them.
fn end(path: &Path, share: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut file = files::open_found(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|extension| extension == "jsonl") {
        file.seek(SeekFrom::Start(length.saturating_sub(share)))?;
        file.take(share).read_to_end(&mut bytes)?;
        return Ok((bytes, length > share));
    }
    if length > PACKED {
        let text = format!(
            "it is compressed and larger than {} MiB, so its end takes long to find; --rotate-size keeps logs smaller",
            PACKED >> 20
        );
        return Err(io::Error::other(text));
    }
    let (head, text) = decode::peek(file, decode::HEAD);
    let mut text = decode::unpack(text, decode::packing(&head).map_err(io::Error::other)?).map_err(io::Error::other)?;
    let (mut chunk, mut cut) = (vec![0; TAIL as usize], false);
    // While it is written it has no end, so whatever stops the reading, what came before is true.
    while let Ok(read @ 1..) = text.read(&mut chunk) {
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(more) = bytes.len().checked_sub(2 * TAIL as usize) {
            bytes.drain(..more + TAIL as usize);
            cut = true;
        }
    }
    Ok((bytes, cut))
}

/// The lines around the first one that says `message`; none if no log says it.
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

/// What the name of a log begins with: that of a workload, or what those of one command begin with.
fn stem(log: &Path) -> String {
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    let stamp = |at: usize| name[at + 1..].starts_with(|digit: char| digit.is_ascii_digit());
    name.match_indices('_').map(|(at, _)| at).rfind(|at| stamp(*at)).map_or("", |at| &name[..at]).to_owned()
}

fn shown(path: &Path) -> String {
    format!("logs/{}", path.file_name().unwrap_or_default().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn the_end_of_a_log_and_the_lines_around_an_incident() {
        let folder = tempfile::tempdir().unwrap();
        let progress = folder.path().join("progress.json");
        assert!(Tail::default().look(&progress, None).problem.is_some());
        fs::create_dir(folder.path().join("logs")).unwrap();
        let line = |n: u32| {
            let text = if n == 9 { "say \\\"boom\\\"" } else { "tick" };
            format!("{{\"timestamp\":\"2025-03-03T08:00:{n:02}Z\",\"level\":\"info\",\"message\":\"{text}\"}}\n")
        };
        let text: String = (1..=20).map(line).collect();
        fs::write(folder.path().join("logs/a.jsonl"), text + "{\"half").unwrap();
        let end = Tail::default().look(&progress, None).clone();
        assert_eq!((end.file.as_str(), end.lines.len(), end.lines[19].time.as_str()), ("logs/a.jsonl", 20, "08:00:20"));
        let near = around(&progress, "say \"boom\"").unwrap();
        let numbers: Vec<u64> = near.lines.iter().filter_map(|line| line.number).collect();
        assert_eq!((near.hit, numbers), (Some(9), (4..=14).collect()));
        assert_eq!((near.lines[5].text.as_str(), near.lines[0].time.as_str()), ("say \"boom\"", "08:00:04"));
        assert!(around(&progress, "nobody said this").is_none());
    }

    #[test]
    fn logs_of_workloads_are_one_by_the_time_of_receipt() {
        let folder = tempfile::tempdir().unwrap();
        let progress = folder.path().join("progress.json");
        fs::create_dir(folder.path().join("logs")).unwrap();
        let write = |file: &str, name: &str, lines: &[f64]| {
            let line = |at: &f64| format!("{{\"received\":{at},\"message\":\"m\",\"source\":\"{name}\"}}\n");
            fs::write(folder.path().join("logs").join(file), lines.iter().map(line).collect::<String>()).unwrap();
        };
        write("a_1_20250303T080000Z.jsonl", "a_1", &[0.1, 0.5]);
        write("b_20250303T080000Z.jsonl", "b", &[0.0]);
        write("b_20250303T080000Z_p001.jsonl", "b", &[0.3, 0.7]);
        let mut tail = Tail::default();
        let seen = |view: &LogView| view.lines.iter().map(|line| line.source.clone()).collect::<String>();
        assert_eq!(seen(tail.look(&progress, None)), "a_1ba_1b");
        assert_eq!(seen(tail.look(&progress, Some("b"))), "bb");
        assert_eq!(seen(tail.look(&progress, Some("a_1"))), "a_1a_1");
    }

    #[test]
    fn a_compressed_log_is_followed_up_to_its_last_flush() {
        use std::io::Write as _;
        let folder = tempfile::tempdir().unwrap();
        let progress = folder.path().join("progress.json");
        fs::create_dir(folder.path().join("logs")).unwrap();
        let path = folder.path().join("logs/a.jsonl.zst");
        let mut packed = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        let mut write = |from: u32, to: u32| {
            for n in from..to {
                writeln!(packed, "{{\"level\":\"info\",\"message\":\"line {n} {}\"}}", "x".repeat(100)).unwrap();
            }
            packed.flush().unwrap();
            fs::write(&path, packed.get_ref()).unwrap();
        };
        let mut tail = Tail::default();
        write(0, 3);
        let texts = |view: &LogView| view.lines.iter().map(|line| line.text[..7].to_owned()).collect::<Vec<_>>();
        assert_eq!(texts(tail.look(&progress, None)), ["line 0 ", "line 1 ", "line 2 "]);
        write(3, 5000);
        let end = texts(tail.look(&progress, None));
        assert_eq!((end.last().map(String::as_str), end.len() > 500, end.len() < 4000), (Some("line 49"), true, true));
        File::options().write(true).open(&path).unwrap().set_len(PACKED + 1).unwrap();
        let refused = tail.look(&progress, None);
        assert!(refused.problem.as_ref().is_some_and(|why| why.contains("--rotate-size")), "{refused:?}");
        fs::write(&path, "not packed at all").unwrap();
        assert!(tail.look(&progress, None).lines.is_empty());
    }
}
