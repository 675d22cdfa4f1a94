//! A [`Doc`] as GitHub-flavoured Markdown.

use std::fmt::Write as _;

use super::{Block, Cell, Doc, Table, Tone, inert};

/// Renders `doc`; ends with a newline.
pub fn render(doc: &Doc) -> String {
    let mut out = String::new();
    let title = inert::markdown(&doc.title);
    match &doc.verdict {
        None => line(&mut out, &format!("# {title}")),
        Some(verdict) => {
            line(&mut out, &format!("# {title}: {}", verdict.status.label()));
            let because: Vec<String> = verdict.because.iter().map(|b| format!("- {}", inert::markdown(b))).collect();
            if !because.is_empty() {
                line(&mut out, &format!("\n**{}** because:\n\n{}", verdict.status.label(), because.join("\n")));
            }
        }
    }
    for block in &doc.blocks {
        out.push('\n');
        match block {
            Block::Heading(text) => line(&mut out, &format!("## {}", inert::markdown(text))),
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
        Tone::Code => inert::markdown_code(&cell.text),
        Tone::Status(_) | Tone::Strong if !cell.text.trim().is_empty() => {
            format!("**{}**", inert::markdown(cell.text.trim()))
        }
        _ => inert::markdown(&cell.text),
    }
}

fn fence(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(inert::line).collect();
    let body = lines.join("\n");
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2);
    let ticks = "`".repeat(longest + 1);
    format!("{ticks}text\n{body}\n{ticks}")
}

fn table(out: &mut String, table: &Table) {
    let _ = writeln!(out, "| {} |", table.header.join(" | "));
    let rules: Vec<&str> =
        (0..table.header.len()).map(|i| if table.right.contains(&i) { "---:" } else { "---" }).collect();
    let _ = writeln!(out, "| {} |", rules.join(" | "));
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(span).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}
