//! The page of a document: what the text and the Markdown of a command say, with pictures.

use maud::{Markup, html};

use super::Page;
use super::markup::{Safe, badge};
use crate::report::{Block, Cell, Doc, Table, Tone};
use crate::time::Stamp;

/// A picture of a page, with the title of its section.
pub(super) type Picture = (&'static str, Markup);

/// The page of `doc`; the pictures come before its other sections.
pub(super) fn page(doc: &Doc, pictures: Vec<Picture>, made_at: Stamp) -> String {
    let verdict = doc.verdict.as_ref();
    let mut parts = parts(&doc.blocks).into_iter();
    let facts = parts.next().map(|(_, content)| content).unwrap_or_default();
    let pictures = pictures.into_iter().map(|(title, picture)| (title.to_owned(), picture));
    let sections = pictures.chain(parts).enumerate();
    Page {
        status: verdict.map(|verdict| verdict.status),
        title: &doc.title,
        sentence: verdict.map(|verdict| verdict.remark.trim().to_owned()).unwrap_or_default(),
        because: verdict.iter().flat_map(|verdict| &verdict.because).map(|text| html! { (Safe(text)) }).collect(),
        facts,
        sections: sections.map(|(number, (title, content))| (format!("part-{}", number + 1), title, content)).collect(),
        footer: super::footer(made_at),
    }
    .render()
}

/// The sections of a page that tell the same as these of a document.
pub(super) fn sections(doc: &Doc) -> Vec<(&'static str, String, Markup)> {
    let parts = parts(&doc.blocks).into_iter().skip(1);
    let known = |title: &str| ["drills", "guards"].into_iter().find(|id| title.eq_ignore_ascii_case(id));
    parts.filter_map(|(title, content)| Some((known(&title)?, title, content))).collect()
}

/// What comes before the first heading, then each heading with what follows it.
fn parts(blocks: &[Block]) -> Vec<(String, Markup)> {
    let mut parts = vec![(String::new(), html! {})];
    for block in blocks {
        match (block, parts.last_mut()) {
            (Block::Heading(title), _) => parts.push((title.clone(), html! {})),
            (block, Some((_, content))) => *content = html! { (content) (part(block)) },
            (_, None) => {}
        }
    }
    parts
}

fn part(block: &Block) -> Markup {
    match block {
        Block::Heading(_) => html! {},
        Block::Text(cell) => html! { p { (span(cell)) } },
        Block::List(items) => html! { ul { @for item in items { li { (span(item)) } } } },
        Block::Code(text) => html! { pre tabindex="0" { @for line in text.lines() { (Safe(line)) "\n" } } },
        Block::Facts(facts) => html! {
            dl { @for (name, value) in facts { div { dt { (Safe(name)) } dd { (span(value)) } } } }
        },
        Block::Table(rows) => table(rows),
    }
}

fn table(table: &Table) -> Markup {
    let look = |column: usize| if table.right.contains(&column) { "num" } else { "" };
    html! {
        table.cards {
            thead { tr { @for (column, title) in table.header.iter().enumerate() {
                th scope="col" class=(look(column)) { @if title.is_empty() { span.unseen { (if column == 0 { "state" } else { "bar" }) } } @else { (Safe(title)) } }
            } } }
            tbody { @for row in &table.rows { tr {
                @for (column, cell) in row.iter().enumerate() {
                    td class=(look(column)) data-l=[table.header.get(column).filter(|title| !title.is_empty())] { (span(cell)) }
                }
            } } }
        }
    }
}

fn span(cell: &Cell) -> Markup {
    match cell.tone {
        Tone::Status(status) if cell.text == status.label() => badge(status),
        Tone::Status(status) => html! { span class={ "badge " (status.word()) } { (Safe(&cell.text)) } },
        Tone::Strong => html! { strong { (Safe(&cell.text)) } },
        Tone::Code => html! { code { (Safe(&cell.text)) } },
        Tone::Place | Tone::Path => html! { span.file { (Safe(&cell.text)) } },
        Tone::Dim => html! { span.quiet { (Safe(&cell.text)) } },
        Tone::Plain => html! { (Safe(&cell.text)) },
    }
}
