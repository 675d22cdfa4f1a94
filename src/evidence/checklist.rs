//! A checklist as evidence: a Markdown task list whose items people tick, with their name, the time and what shows it.
//!
//! `- [x] Backups restored (@ada, 2031-05-04T10:30Z, evidence: restore.log)`

use crate::finding::{Finding, Status, count};
use crate::log::summary::{ChecklistItem, ChecklistSummary};
use crate::prose::{Phrase, is_unfinished};
use crate::sanitize::shorten;
use crate::time::Stamp;

/// The longest text of an item, in characters.
const TEXT: usize = 300;
/// The most items that are read.
const ITEMS: usize = 10_000;
/// How far a clock may be ahead of the end of the run, in seconds.
const SKEW: f64 = 60.0;

/// Reads the items of a task list, without what is in code blocks. A block that never ends hides nothing.
pub fn items(text: &str) -> Vec<ChecklistItem> {
    let mut items: Vec<ChecklistItem> = Vec::new();
    let mut fence: Option<&str> = None;
    let (mut optional, mut open) = (false, false);
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    let lines = if text.contains('\n') { text.lines().collect() } else { lines };
    for (n, line) in lines.iter().enumerate() {
        let body = line.trim_start_matches([' ', '\t', '>']);
        let mark = ["```", "~~~"].into_iter().find(|mark| body.starts_with(mark));
        match (fence, mark) {
            (Some(inside), Some(mark)) if inside == mark => fence = None,
            (None, Some(mark)) if lines[n + 1..].iter().any(|line| line.trim_start().starts_with(mark)) => {
                fence = Some(mark);
            }
            _ => {}
        }
        if fence.is_some() || mark.is_some() {
            open = false;
            continue;
        }
        if let Some(heading) = body.strip_prefix('#') {
            optional = says_optional(heading);
            open = false;
        } else if let Some((ticked, rest)) = task(body) {
            let item = ChecklistItem {
                line: n as u64 + 1,
                ticked,
                text: rest.to_owned(),
                required: !optional,
                ..ChecklistItem::default()
            };
            items.push(item);
            open = true;
        } else if body.is_empty() || !line.starts_with([' ', '\t']) {
            open = false;
        } else if let Some(item) = items.last_mut().filter(|_| open && !is_item(body)) {
            item.text.push(' ');
            item.text.push_str(body.trim_end());
        } else {
            open = false;
        }
        if items.len() > ITEMS {
            break;
        }
    }
    items.into_iter().map(details).collect()
}

/// Whether a heading says that what is below it is optional; "not optional" does not.
fn says_optional(heading: &str) -> bool {
    let words = Phrase::of(heading);
    let denied = |at: usize| words.is_not(at) || matches!(words.lower(at), "non" | "no");
    (0..words.len()).any(|at| words.lower(at) == "optional" && !(at.saturating_sub(2)..at).any(denied))
}

/// The text of a task, and whether it is ticked; none for a line that is no task. Whatever is in a box but an x is no tick,
/// and neither is what was struck out.
fn task(line: &str) -> Option<(bool, &str)> {
    const EMPTY: [char; 8] = ['☐', '⬜', '⬛', '□', '▢', '❏', '❑', '❒'];
    const TICKED: [char; 4] = ['☑', '✅', '✔', '✓'];
    let rest = match after_mark(line) {
        Some(rest) => rest,
        // A cell of a table, and a box without a list.
        None => line.find("[ ]").map(|at| &line[at..]).or_else(|| line.starts_with(EMPTY).then_some(line))?,
    };
    let rest = rest.strip_prefix('\\').unwrap_or(rest);
    let (ticked, text) = if let Some(text) = rest.strip_prefix(TICKED) {
        (true, text)
    } else if let Some(text) = rest.strip_prefix(EMPTY) {
        (false, text)
    } else {
        let (inside, text) = rest.strip_prefix('[')?.split_once(']')?;
        // What is longer is a link.
        let inside = inside.trim_matches(|c: char| c.is_whitespace() || c == '\\');
        if inside.chars().count() > 1 || text.starts_with(['(', '[', ':']) {
            return None;
        }
        (matches!(inside, "x" | "X" | "✓" | "✔" | "☑" | "✅"), text)
    };
    let text = text.trim_start_matches('\u{fe0f}').trim();
    Some((ticked && !text.starts_with("~~"), text))
}

fn is_item(line: &str) -> bool {
    after_mark(line).is_some()
}

/// What follows the mark of a list item.
fn after_mark(line: &str) -> Option<&str> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = match digits {
        0 => line.strip_prefix(['-', '*', '+'])?,
        _ => line[digits..].strip_prefix(['.', ')'])?,
    };
    rest.starts_with([' ', '\t']).then(|| rest.trim_start())
}

/// Reads the remark at the end of an item: who, when, and what shows it.
fn details(mut item: ChecklistItem) -> ChecklistItem {
    let text = std::mem::take(&mut item.text);
    let text = text.trim();
    let remark = text.strip_suffix(')').and_then(|text| text.rfind('(').map(|at| (&text[..at], &text[at + 1..])));
    let mut kept = text;
    if let Some((before, remark)) = remark {
        let mut known = false;
        for part in remark.split([',', ';']).map(str::trim) {
            if let Some(name) = part.strip_prefix('@').filter(|name| !name.is_empty()) {
                item.owner = Some(shorten(name, 80));
            } else if let Some(path) = part.strip_prefix("evidence:").map(str::trim).filter(|path| !path.is_empty()) {
                item.evidence.push(path.trim_matches(['`', '<', '>']).to_owned());
            } else if let Some(at) = Stamp::parse(part) {
                item.at = Some(at);
            } else if part.eq_ignore_ascii_case("optional") {
                item.required = false;
            } else {
                continue;
            }
            known = true;
        }
        if known {
            kept = before.trim();
        }
    }
    item.text = shorten(kept, TEXT);
    item
}

/// Whether what shows an item is a link, and not a file.
pub fn is_link(evidence: &str) -> bool {
    evidence.contains("://")
}

/// Judges the list in `text` at the end of the run; `digest` gives the SHA-256 of a file that an item names.
pub fn judge(
    path: &str,
    text: &str,
    ended_at: Option<Stamp>,
    digest: impl Fn(&str) -> Option<String>,
) -> ChecklistSummary {
    let mut items = items(text);
    let mut findings = Vec::new();
    for item in &mut items {
        let mut find = |severity: Status, message: String| {
            findings.push(Finding::new(severity, format!("{}: {message}", item.text)).in_file(path, item.line));
        };
        if !item.ticked {
            if item.required {
                find(Status::Fail, "it is open".to_owned());
            }
            continue;
        }
        if is_unfinished(&item.text) {
            find(Status::Fail, "it is ticked, and its text says that it is not done".to_owned());
        }
        if item.owner.is_none() {
            find(Status::Fail, "it is ticked, but by nobody: add (@name, time) at its end".to_owned());
        }
        match (item.at, ended_at) {
            (None, _) => {
                find(Status::Fail, "it is ticked, but without a time: add (@name, time) at its end".to_owned());
            }
            (Some(at), Some(end)) if at.seconds_since(end) > SKEW => {
                find(Status::Fail, format!("it was ticked at {}, after the end of the run", at.human()));
            }
            _ => {}
        }
        for evidence in item.evidence.iter().filter(|evidence| !is_link(evidence)) {
            match digest(evidence) {
                Some(sha256) => drop(item.sha256.insert(evidence.clone(), sha256)),
                None => find(
                    Status::Fail,
                    format!(
                        "what shows it, {}, was not in the run directory, where paths of a checklist start, when the run was sealed",
                        shorten(evidence, 100)
                    ),
                ),
            }
        }
    }
    if items.is_empty() {
        findings.push(Finding::fail("the checklist holds no task: nothing was checked").in_file(path, None));
    }
    let done = items.iter().filter(|item| item.ticked).count() as u64;
    ChecklistSummary {
        status: Status::roll_up(findings.iter().map(|finding| finding.severity)),
        path: path.to_owned(),
        total: items.len() as u64,
        done,
        summary: format!("{done} of {} done", count(items.len() as u64, "task")),
        items,
        findings,
    }
}

/// The summary of a list that cannot be read: a FAIL that says why.
pub fn unreadable(path: &str, why: &str) -> ChecklistSummary {
    ChecklistSummary {
        status: Status::Fail,
        path: path.to_owned(),
        summary: "it cannot be read".to_owned(),
        findings: vec![Finding::fail(why).in_file(path, None)],
        ..ChecklistSummary::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticked_items_need_a_name_a_time_and_what_they_name() {
        let end = Stamp::parse("2031-05-04T12:00:00Z");
        let digest = |path: &str| (path == "restore.log").then(|| "ab".repeat(32));
        for (line, status, expect) in [
            ("- [x] Restored (@ada, 2031-05-04T10:30Z, evidence: restore.log)", Status::Pass, ""),
            ("* [X] Restored (@ada, 2031-05-04T10:30Z, evidence: https://x.example/1)", Status::Pass, ""),
            ("1. [x] Restored (twice) (@ada; 2031-05-04T10:30Z)", Status::Pass, ""),
            (
                "- [x] Restored (@ada, 2031-05-04T10:30Z, evidence: gone.log)",
                Status::Fail,
                "gone.log, was not in the run directory",
            ),
            ("- [x] Restored", Status::Fail, "by nobody"),
            ("- [x] Restored (@ada)", Status::Fail, "without a time"),
            ("- [x] Restored (2031-05-04)", Status::Fail, "by nobody"),
            ("- [x] Restored (@ada, 2031-05-04T13:30Z)", Status::Fail, "after the end"),
            ("- [ ] Restored", Status::Fail, "it is open"),
            ("- [x] A (@ada, 2031-05-04)\n- [ ] Restored (optional)", Status::Pass, ""),
            ("- [x] A (@ada, 2031-05-04)\n## Optional\n- [ ] Restored", Status::Pass, ""),
            ("```\n- [x] A (@ada, 2031-05-04)\n```", Status::Fail, "no task"),
            ("- [x] A long\n  story (@ada,\n  2031-05-04)", Status::Pass, ""),
            ("all is well", Status::Fail, "no task"),
            ("- [x] A (@ada, 2031-05-04)\n- [~] B", Status::Fail, "B: it is open"),
            ("- [x] A (@ada, 2031-05-04)\n- [] B", Status::Fail, "B: it is open"),
            ("- [x] A (@ada, 2031-05-04)\n- ☐ B", Status::Fail, "B: it is open"),
            ("- [x] A (@ada, 2031-05-04)\n> - [ ] B", Status::Fail, "B: it is open"),
            ("- [x] A (@ada, 2031-05-04)\n| B | [ ] |", Status::Fail, "it is open"),
            ("- [x] A (@ada, 2031-05-04)\n```\n- [ ] B", Status::Fail, "B: it is open"),
            ("- [x] A (@ada, 2031-05-04)\r- [ ] B", Status::Fail, "B: it is open"),
            ("- [x] A (@ada, 2031-05-04)\n# Non-optional\n- [ ] B", Status::Fail, "B: it is open"),
            ("- [x] A (@ada, 2031-05-04)\n# These are not optional\n- [ ] B", Status::Fail, "B: it is open"),
            ("- [x] ~~A~~ (@ada, 2031-05-04)", Status::Fail, "it is open"),
            ("- [x] A: not done (@ada, 2031-05-04)", Status::Fail, "says that it is not done"),
            ("- [x] A is still failing (@ada, 2031-05-04)", Status::Fail, "says that it is not done"),
            ("- [x] Nothing is pending (@ada, 2031-05-04)\n- see [A](https://x.example)", Status::Pass, ""),
            ("- ☑ A (@ada, 2031-05-04)\n- [✓] B (@ada, 2031-05-04)", Status::Pass, ""),
            ("", Status::Fail, "no task"),
        ] {
            let summary = judge("checklist.md", line, end, digest);
            let said: Vec<&str> = summary.findings.iter().map(|finding| finding.summary.as_str()).collect();
            assert_eq!(summary.status, status, "{line}: {said:?}");
            assert!(said.join("|").contains(expect), "{line}: {said:?}");
        }
        let summary = judge(
            "c.md",
            "# List\n\n- [x] Restored (@ada, 2031-05-04T10:30Z, evidence: restore.log)\n- [ ] B\n",
            end,
            digest,
        );
        assert_eq!((summary.done, summary.total, summary.items[0].line), (1, 2, 3));
        assert_eq!(summary.items[0].owner.as_deref(), Some("ada"));
        assert_eq!(summary.items[0].sha256["restore.log"].len(), 64);
    }
}
