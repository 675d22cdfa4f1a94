//! `README.md` of a packet: what to open first, and what is where.

use super::{Block, Cell, Doc, Table, Tone};
use crate::verdict::packet_contents::CONTENTS;

/// The document about a packet whose files are `names`. `title` is what the run is called, `headline` its verdict.
pub(crate) fn document(title: &str, headline: &str, names: &[String], signed: bool) -> Doc {
    let mut doc = Doc::new(format!("{title}: {headline}"));
    let there = |file: &str| match file.strip_suffix('/') {
        Some(_) => names.iter().any(|name| name.starts_with(file)),
        None => names.iter().any(|name| name == file) || (signed && file == "attestations.intoto.jsonl"),
    };
    let first = if there("report.html") { "report.html" } else { "summary.md" };
    doc.push(Block::Text(
        format!("This is the evidence of a rehearsal, for those who sign it off. Open {first} first.").into(),
    ));
    let mut table = Table::new(&["file", "what it is"]);
    // The last ones are written after this document.
    let told = CONTENTS.iter().filter(|part| !part.what.is_empty());
    for part in told.filter(|part| matches!(part.path, "SHA256SUMS" | "manifest.json") || there(part.path)) {
        table.row([Cell::new(part.path, Tone::Place), part.what.into()]);
    }
    doc.push(Block::Table(table));
    if names.iter().any(|name| name.starts_with("raw/")) {
        let text = "Evidence is named by its place in the run directory, as logs/…: here it is below raw/.";
        doc.push(Block::Text(text.into()));
    }
    doc.section("Judge it again", Block::Code("emp-ops audit .".to_owned()));
    doc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::to_markdown;

    #[test]
    fn only_what_is_there_is_named() {
        let names = ["summary.md", "raw/logs/a.jsonl"].map(str::to_owned);
        let text = to_markdown(&document("Release 7", "PASS with 1 waiver", &names, false));
        assert!(text.starts_with("# Release 7: PASS with 1 waiver\n"), "{text}");
        assert!(text.contains("Open summary.md first") && text.contains("(raw/logs/)"), "{text}");
        assert!(
            !text.contains("report.html") && !text.contains("waivers.json") && !text.contains("attestations"),
            "{text}"
        );
    }
}
