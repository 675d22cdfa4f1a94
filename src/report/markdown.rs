//! A [`Doc`] as GitHub-flavoured Markdown.

use std::fmt::Write as _;

use super::{Block, Cell, Doc, Table, Tone};
use crate::sanitize;

/// Renders `doc`; ends with a newline.
pub fn render(doc: &Doc) -> String {
    let mut out = String::new();
    let title = sanitize::markdown(&doc.title);
    match &doc.verdict {
        None => line(&mut out, &format!("# {title}")),
        Some(verdict) => {
            line(&mut out, &format!("# {title}: {}{}", verdict.status.label(), sanitize::markdown(&verdict.remark)));
            let because: Vec<String> = verdict.because.iter().map(|b| format!("- {}", sanitize::markdown(b))).collect();
            if !because.is_empty() {
                line(&mut out, &format!("\n**{}** because:\n\n{}", verdict.status.label(), because.join("\n")));
            }
        }
    }
    for block in &doc.blocks {
        out.push('\n');
        match block {
            Block::Heading(text) => line(&mut out, &format!("## {}", sanitize::markdown(text))),
            Block::Text(cell) => line(&mut out, &span(cell)),
            Block::List(items) => {
                for item in items {
                    line(&mut out, &format!("- {}", span(item)));
                }
            }
            Block::Code(text) => line(&mut out, &fence(text)),
            Block::Facts(facts) => {
                let mut rows = Table::new(&["", ""]);
                for (name, value) in facts {
                    rows.row([Cell::new(name.as_str(), Tone::Plain), value.clone()]);
                }
                table(&mut out, &rows);
            }
            Block::Table(rows) => table(&mut out, rows),
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn span(cell: &Cell) -> String {
    match cell.tone {
        Tone::Code | Tone::Path => sanitize::markdown_code(&cell.text),
        Tone::Place => link(&cell.text),
        Tone::Status(_) | Tone::Strong if !cell.text.trim().is_empty() => {
            format!("**{}**", sanitize::markdown(cell.text.trim()))
        }
        _ => sanitize::markdown(&cell.text),
    }
}

/// A link to `file:line`. The target holds nothing but letters, digits, `-._~/` and percent escapes, so that it can
/// neither leave the link nor name another scheme.
fn link(place: &str) -> String {
    let (path, line) = match place.rsplit_once(':') {
        Some((path, line)) if !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit()) => (path, Some(line)),
        _ => (place, None),
    };
    let mut target = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => target.push(char::from(byte)),
            _ => target.push_str(&format!("%{byte:02X}")),
        }
    }
    // Two slashes at the start would name a host.
    let target = if target.starts_with("//") { format!("/.{}", &target[1..]) } else { target };
    let anchor = line.map(|line| format!("#L{line}")).unwrap_or_default();
    format!("[{}]({target}{anchor})", sanitize::markdown(place))
}

fn fence(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(sanitize::line).collect();
    let body = lines.join("\n");
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2);
    let ticks = "`".repeat(longest + 1);
    format!("{ticks}text\n{body}\n{ticks}")
}

/// Adds a table.
pub(super) fn table(out: &mut String, table: &Table) {
    let _ = writeln!(out, "| {} |", table.header.join(" | "));
    let rules: Vec<&str> =
        (0..table.header.len()).map(|i| if table.right.contains(&i) { "---:" } else { "---" }).collect();
    let _ = writeln!(out, "| {} |", rules.join(" | "));
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(span).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}
