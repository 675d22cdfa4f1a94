//! A [`Doc`] as terminal text.

use std::fmt::Write as _;

use comfy_table::{Attribute, CellAlignment, Color, ColumnConstraint, ContentArrangement, Width, presets};

use super::{Block, Cell, Doc, Table, Tone};
use crate::finding::Status;
use crate::sanitize::{self, shorten};

/// A terminal of fewer columns has no room for the spare columns of a table.
const ROOMY: u16 = 110;
/// Longer cells are cut on a terminal, in characters.
const LONGEST: usize = 200;
/// What a column has beside its text, and the least that one of long words gets.
const PADDING: usize = 2;
const NARROWEST: usize = 14;

/// What the terminal can show.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns available; none if nothing is to be cut or wrapped.
    pub width: Option<u16>,
    /// Whether to colour.
    pub color: bool,
}

/// Renders `doc`; ends with a newline.
pub fn render(doc: &Doc, look: Look) -> String {
    let mut out = String::new();
    if let Some(verdict) = &doc.verdict {
        let label = paint(verdict.status.label(), Tone::Status(verdict.status), look);
        let _ = writeln!(out, "{label}{}  {}", sanitize::line(&verdict.remark), sanitize::line(&doc.title));
        for because in &verdict.because {
            wrapped(&mut out, "  because ", &sanitize::line(because), look);
        }
    } else {
        let _ = writeln!(out, "{}", paint(&sanitize::line(&doc.title), Tone::Strong, look));
    }
    for block in &doc.blocks {
        match block {
            Block::Heading(text) => {
                let _ = writeln!(out, "\n{}", paint(&sanitize::line(text), Tone::Strong, look));
            }
            Block::Text(cell) => wrapped(&mut out, "", &sanitize::line(&cell.text), look),
            Block::List(items) => {
                for item in items {
                    wrapped(&mut out, "- ", &sanitize::line(&item.text), look);
                }
            }
            Block::Code(text) => {
                for line in text.lines() {
                    let _ = writeln!(out, "  {}", sanitize::line(line));
                }
            }
            Block::Facts(facts) => {
                let mut rows = Table::new(&["", ""]);
                for (name, value) in facts {
                    rows.row([Cell::dim(name.as_str()), value.clone()]);
                }
                grid(&mut out, &rows, false, look);
            }
            Block::Table(rows) => grid(&mut out, rows, true, look),
        }
    }
    out
}

/// Wraps `text` at blanks behind `lead`; following lines are under the first.
fn wrapped(out: &mut String, lead: &str, text: &str, look: Look) {
    let width = look.width.map_or(usize::MAX, |width| usize::from(width.max(40)).saturating_sub(lead.len()));
    let mut used = 0;
    out.push_str(lead);
    for (i, word) in text.split(' ').enumerate() {
        let len = unicode_width::UnicodeWidthStr::width(word);
        if i > 0 {
            if used + 1 + len > width {
                out.push('\n');
                out.push_str(&" ".repeat(lead.len()));
                used = 0;
            } else {
                out.push(' ');
                used += 1;
            }
        }
        out.push_str(word);
        used += len;
    }
    out.push('\n');
}

fn grid(out: &mut String, table: &Table, header: bool, look: Look) {
    let mut grid = comfy_table::Table::new();
    grid.load_style(presets::NOTHING);
    match look.width {
        Some(width) => grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => grid.set_content_arrangement(ContentArrangement::Disabled),
    };
    if look.color {
        grid.enforce_styling();
    } else {
        grid.force_no_tty();
    }
    let left_out = |column: usize| table.spare.contains(&column) && look.width.is_some_and(|width| width < ROOMY);
    let kept = |column: &usize| !left_out(*column);
    if header {
        let titles = (0..table.header.len()).filter(kept).map(|column| table.header[column]);
        grid.set_header(titles.map(|title| styled(&Cell::new(title, Tone::Dim))));
    }
    for row in &table.rows {
        grid.add_row((0..row.len()).filter(kept).map(|column| &row[column]).map(|cell| match cell.tone {
            Tone::Path => styled(&Cell::new(ending(&cell.text, look), cell.tone)),
            Tone::Plain if look.width.is_some() => styled(&Cell::new(shorten(&cell.text, LONGEST), cell.tone)),
            _ => styled(cell),
        }));
    }
    if let Some(width) = look.width {
        let shown: Vec<usize> = (0..table.header.len()).filter(kept).collect();
        let whole = grid.column_max_content_widths();
        for (column, least) in whole_words(table, &shown, look, usize::from(width)) {
            // A lower boundary alone is not kept where the table is full.
            let single = whole.get(column).is_some_and(|whole| usize::from(*whole) + PADDING <= usize::from(least));
            if let Some(column) = grid.column_mut(column) {
                column.set_constraint(match single {
                    true => ColumnConstraint::ContentWidth,
                    false => ColumnConstraint::LowerBoundary(Width::Fixed(least)),
                });
            }
        }
    }
    for column in table.right.iter().filter(|column| kept(column)) {
        if let Some(column) = grid.column_mut((0..*column).filter(kept).count()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for line in grid.lines() {
        let _ = writeln!(out, " {}", line.trim_end());
    }
}

/// The columns, of those that are shown, which are kept so wide that no word of theirs is broken: those of short words
/// first, as many as there is room for.
fn whole_words(table: &Table, shown: &[usize], look: Look, width: usize) -> Vec<(usize, u16)> {
    let longest = |column: usize| {
        let cell = |cell: &Cell| match cell.tone {
            Tone::Path => ending(&cell.text, look),
            _ => cell.text.clone(),
        };
        let cells = table.rows.iter().filter_map(|row| row.get(column)).map(cell);
        let texts: Vec<String> = cells.chain([table.header[column].to_owned()]).collect();
        let words = texts.iter().flat_map(|text| text.split_whitespace());
        words.map(unicode_width::UnicodeWidthStr::width).max().unwrap_or_default() + PADDING
    };
    let mut columns: Vec<(usize, usize)> = shown.iter().map(|column| longest(*column)).enumerate().collect();
    columns.sort_by_key(|(_, least)| *least);
    // Each gets at least so much; what is left over is given to one after the other.
    let mut free = width.saturating_sub(columns.iter().map(|(_, least)| (*least).min(NARROWEST)).sum());
    columns.retain(|(_, least)| {
        let more = least.saturating_sub(NARROWEST);
        let fits = more <= free;
        free -= if fits { more } else { 0 };
        fits
    });
    columns.into_iter().filter_map(|(column, least)| Some((column, u16::try_from(least).ok()?))).collect()
}

/// Of a long path on a terminal whole parts at its end; the reasons at the top of a document and JSON have it all.
fn ending(path: &str, look: Look) -> String {
    let Some(width) = look.width else { return path.to_owned() };
    let longest = usize::from(width / 4).max(20);
    if path.chars().count() <= longest {
        return path.to_owned();
    }
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |from: &usize| parts[*from..].join("/").chars().count() + 2 <= longest;
    let from = (1..parts.len()).find(fits).unwrap_or(parts.len() - 1);
    let end = parts[from..].join("/");
    let (len, room) = (end.chars().count(), longest - 1);
    match (from, len > room) {
        (_, true) => end.chars().skip(len - room).fold("…".to_owned(), |shown, c| shown + c.encode_utf8(&mut [0; 4])),
        (0, false) => path.to_owned(),
        (_, false) => format!("…/{end}"),
    }
}

fn styled(cell: &Cell) -> comfy_table::Cell {
    let shown = comfy_table::Cell::new(sanitize::line(&cell.text));
    match cell.tone {
        Tone::Plain | Tone::Code | Tone::Place | Tone::Path => shown,
        Tone::Dim => shown.add_attribute(Attribute::Dim),
        Tone::Strong => shown.add_attribute(Attribute::Bold),
        Tone::Status(status) => shown.add_attribute(Attribute::Bold).fg(match status {
            Status::Pass => Color::Green,
            Status::Warn => Color::Yellow,
            Status::Fail => Color::Red,
        }),
    }
}

/// `text` with the escape codes of its tone, or as it is where there is no colour.
pub(super) fn paint(text: &str, tone: Tone, look: Look) -> String {
    let code = match tone {
        _ if !look.color => return text.to_owned(),
        Tone::Plain | Tone::Code | Tone::Place | Tone::Path => return text.to_owned(),
        Tone::Dim => "2",
        Tone::Strong => "1",
        Tone::Status(Status::Pass) => "1;32",
        Tone::Status(Status::Warn) => "1;33",
        Tone::Status(Status::Fail) => "1;31",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_leaves_spare_columns_out_and_nothing_is_cut_elsewhere() {
        let long = "word ".repeat(80);
        let mut table = Table::new(&["gate", "measured", "samples", "evidence"]).right(&[2]).spare(&[2, 3]);
        table.row([Cell::from("logs"), long.as_str().into(), 3.into(), "logs/a.jsonl".into()]);
        for (width, shown, whole) in [(None, true, true), (Some(160), true, false), (Some(80), false, false)] {
            let mut out = String::new();
            grid(&mut out, &table, true, Look { width, color: false });
            assert_eq!(out.contains("samples") && out.contains("logs/a.jsonl"), shown, "{width:?}: {out}");
            assert_eq!(out.contains(long.trim()), whole, "{width:?}: {out}");
            assert!(
                width.is_none_or(|width| out.lines().all(|line| line.chars().count() <= usize::from(width) + 1)),
                "{out}"
            );
        }
    }

    #[test]
    fn words_are_broken_only_where_there_is_no_room_for_them() {
        let mut table = Table::new(&["", "count", "when", "example", "where", "id"]).right(&[1]);
        let example = "2025-01-06T00:00:00.123456+00:00 ERROR an order was refused";
        let place = Cell::new("logs/deeply/nested/final_dry_run_20250106T000000Z.jsonl:4", Tone::Path);
        let when = "2025-01-06 00:00:00Z to 00:00:09Z";
        table.row(["FAIL".into(), 3.into(), when.into(), Cell::from(example), place, "3a75af828ced".into()]);
        for width in [80, 100, 120, 200] {
            let mut out = String::new();
            grid(&mut out, &table, true, Look { width: Some(width), color: false });
            let words: Vec<&str> = out.split_whitespace().collect();
            for whole in ["count", "example", "2025-01-06", "00:00:00Z", "00:00:09Z", "refused", "3a75af828ced"] {
                assert!(words.contains(&whole), "{width}: {whole}: {out}");
            }
            assert!(out.contains('…') && out.contains(":4"), "{width}: {out}");
        }
    }
}
