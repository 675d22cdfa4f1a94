//! A Markdown document as an outline: sections with their paragraphs, lists and tables, each with its line.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::adverse;

/// Lists nested deeper than this are read as text of the entry that holds them.
const DEEPEST: usize = 24;

/// What is under one heading; the first section of a document may have none.
#[derive(Debug, Default)]
pub(crate) struct Section {
    /// 1 to 6; 0 for what is before the first heading.
    pub(crate) level: u8,
    pub(crate) title: String,
    pub(crate) line: u64,
    pub(crate) blocks: Vec<Block>,
}

/// One block of a section.
#[derive(Debug)]
pub(crate) enum Block {
    Paragraph(Vec<Text>),
    List(Vec<Entry>),
    Table(Table),
    Code(Vec<Text>),
}

/// One line of text without its markup.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// How many bytes at the start are strongly emphasised (`usize::MAX` while that part is being read).
    pub(crate) strong: usize,
    pub(crate) line: u64,
}

/// An entry of a list.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// Whether it is ticked, for entries of task lists; struck-out entries count as ticked.
    pub(crate) checked: Option<bool>,
    pub(crate) blocks: Vec<Block>,
}

/// A table, its header apart.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) line: u64,
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<(u64, Vec<String>)>,
}

/// Reads the outline of `source`, with the lines of its front matter as the blocks of the first section.
pub(crate) fn outline(source: &str) -> Vec<Section> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut builder = Builder::new(source);
    for (event, range) in Parser::new_ext(source, options).into_offset_iter() {
        builder.take(event, &range);
    }
    builder.flush();
    builder.sections
}

/// An open list with the entry that is being read.
type Open = (Vec<Entry>, Option<Entry>);

struct Builder {
    /// Offsets at which lines start.
    starts: Vec<usize>,
    sections: Vec<Section>,
    lists: Vec<Open>,
    /// Lists below [`DEEPEST`] that are open.
    deep: usize,
    lines: Vec<Text>,
    current: Option<Text>,
    table: Option<Table>,
    cells: Vec<String>,
    heading: bool,
    code: bool,
    struck: Struck,
}

/// What is struck out: the start of an entry, which is done where nothing follows it, or a part of a text, which is no
/// longer said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Struck {
    #[default]
    Nothing,
    /// The start of an entry is open, or closed; with what its box said.
    Entry {
        open: bool,
        checked: Option<bool>,
    },
    Part,
}

impl Builder {
    fn new(source: &str) -> Self {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at + 1)).collect();
        Self {
            starts,
            sections: vec![Section::default()],
            lists: Vec::new(),
            deep: 0,
            lines: Vec::new(),
            current: None,
            table: None,
            cells: Vec::new(),
            heading: false,
            code: false,
            struck: Struck::Nothing,
        }
    }

    fn line(&self, offset: usize) -> u64 {
        self.starts.partition_point(|start| *start <= offset) as u64
    }

    fn take(&mut self, event: Event<'_>, range: &Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.code => {
                for (i, part) in text.lines().enumerate() {
                    let line = self.line(range.start) + i as u64;
                    self.lines.push(Text { text: part.to_owned(), strong: 0, line });
                }
            }
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.push(&text, range);
            }
            Event::InlineHtml(html) => {
                let html = html.trim();
                if html.starts_with("<br") {
                    self.push(" ", range);
                } else if !html.starts_with("<!--") {
                    self.push(html, range);
                }
            }
            Event::Html(html) if !html.trim_start().starts_with("<!--") => self.push(html.trim_end(), range),
            Event::SoftBreak | Event::HardBreak if self.table.is_none() && !self.heading => self.end_line(),
            Event::SoftBreak | Event::HardBreak => self.push(" ", range),
            Event::TaskListMarker(checked) => {
                if let Some((_, Some(entry))) = self.lists.last_mut() {
                    entry.checked = Some(checked);
                }
            }
            Event::Html(_) | Event::Rule | Event::FootnoteReference(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: &Range<usize>) {
        match tag {
            Tag::Strong if self.current.is_none() => {
                let line = self.line(range.start);
                self.current = Some(Text { line, strong: usize::MAX, ..Text::default() });
            }
            Tag::Image { dest_url, .. } => {
                if let Some(said) = adverse::badge(dest_url) {
                    self.push(&format!("{said} "), range);
                }
            }
            Tag::Strong | Tag::Emphasis | Tag::Link { .. } => {}
            Tag::Strikethrough => {
                let line_is_empty = self.current.is_none() && self.lines.is_empty();
                self.struck = match (line_is_empty, self.lists.last_mut()) {
                    (true, Some((_, Some(entry)))) => {
                        let checked = entry.checked.replace(true);
                        Struck::Entry { open: true, checked }
                    }
                    _ => Struck::Part,
                };
            }
            Tag::Heading { level, .. } => {
                self.flush();
                self.heading = true;
                self.sections.push(Section { level: *level as u8, line: self.line(range.start), ..Section::default() });
            }
            Tag::List(_) if self.lists.len() >= DEEPEST => {
                self.end_line();
                self.deep += 1;
            }
            Tag::List(_) => {
                self.flush();
                self.lists.push((Vec::new(), None));
            }
            Tag::Item if self.deep > 0 => self.end_line(),
            Tag::Item => {
                if let Some((_, entry)) = self.lists.last_mut() {
                    *entry = Some(Entry::default());
                }
            }
            Tag::Table(_) => {
                self.flush();
                self.table = Some(Table { line: self.line(range.start), ..Table::default() });
            }
            Tag::TableHead | Tag::TableRow => self.cells.clear(),
            Tag::TableCell => self.current = None,
            Tag::CodeBlock(_) | Tag::MetadataBlock(_) => {
                self.flush();
                self.code = true;
            }
            _ if self.deep > 0 => self.end_line(),
            _ => self.flush(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => {
                if let Some(text) = &mut self.current
                    && text.strong == usize::MAX
                {
                    text.strong = text.text.len();
                }
            }
            TagEnd::Strikethrough => {
                self.struck = match self.struck {
                    Struck::Entry { checked, .. } => Struck::Entry { open: false, checked },
                    _ => Struck::Nothing,
                };
            }
            TagEnd::Emphasis | TagEnd::Link | TagEnd::Image => {}
            TagEnd::Heading(_) => {
                self.end_line();
                let title = std::mem::take(&mut self.lines).into_iter().map(|t| t.text).collect::<Vec<_>>().join(" ");
                if let Some(section) = self.sections.last_mut() {
                    section.title = title.trim().to_owned();
                }
                self.heading = false;
            }
            TagEnd::List(_) if self.deep > 0 => self.deep -= 1,
            TagEnd::List(_) => {
                if let Some((entries, _)) = self.lists.pop()
                    && !entries.is_empty()
                {
                    self.add(Block::List(entries));
                }
            }
            TagEnd::Item if self.deep > 0 => self.end_line(),
            TagEnd::Item => {
                self.flush();
                if let Some((entries, entry)) = self.lists.last_mut() {
                    entries.extend(entry.take());
                }
            }
            TagEnd::TableCell => {
                let text = self.current.take().unwrap_or_default();
                self.cells.push(text.text.trim().to_owned());
                if let Some(table) = &mut self.table
                    && self.cells.len() == 1
                {
                    // Empty cells have no text to take a line from.
                    let line =
                        if text.line > 0 { text.line } else { table.rows.last().map_or(table.line, |r| r.0) + 1 };
                    table.rows.push((line, Vec::new()));
                }
            }
            TagEnd::TableHead => {
                if let Some(table) = &mut self.table {
                    table.rows.clear();
                    table.header = std::mem::take(&mut self.cells);
                }
            }
            TagEnd::TableRow => {
                if let Some(table) = &mut self.table
                    && let Some(row) = table.rows.last_mut()
                {
                    row.1 = std::mem::take(&mut self.cells);
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.add(Block::Table(table));
                }
            }
            TagEnd::CodeBlock | TagEnd::MetadataBlock(_) => {
                self.code = false;
                let lines = std::mem::take(&mut self.lines);
                let metadata = matches!(tag, TagEnd::MetadataBlock(_));
                self.add(if metadata { Block::Paragraph(lines) } else { Block::Code(lines) });
            }
            _ if self.deep > 0 => self.end_line(),
            _ => self.flush(),
        }
    }

    fn push(&mut self, text: &str, range: &Range<usize>) {
        match self.struck {
            Struck::Part => return,
            // What is struck was replaced by what follows it.
            Struck::Entry { open: false, checked } if says_more(text) => {
                self.struck = Struck::Nothing;
                self.current = None;
                if let Some((_, Some(entry))) = self.lists.last_mut() {
                    entry.checked = checked;
                }
            }
            _ => {}
        }
        let line = self.line(range.start);
        let current = self.current.get_or_insert_with(|| Text { line, ..Text::default() });
        current.text.push_str(text);
    }

    fn end_line(&mut self) {
        self.struck = Struck::Nothing;
        if let Some(mut text) = self.current.take() {
            if text.strong == usize::MAX {
                text.strong = text.text.len();
            }
            self.lines.push(text);
        }
    }

    /// Ends the paragraph that is open.
    fn flush(&mut self) {
        self.end_line();
        let lines = std::mem::take(&mut self.lines);
        if lines.iter().any(|line| !line.text.trim().is_empty()) {
            self.add(Block::Paragraph(lines));
        }
    }

    fn add(&mut self, block: Block) {
        if let Some((_, Some(entry))) = self.lists.last_mut() {
            entry.blocks.push(block);
        } else if let Some(section) = self.sections.last_mut() {
            section.blocks.push(block);
        }
    }
}
/// Whether a text behind a part that is struck out says more than why it was.
fn says_more(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(char::is_alphanumeric) && text.split_whitespace().count() > 2
}
