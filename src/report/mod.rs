//! How things look. Every command fills one [`Doc`]; the renderers turn it into terminal text or Markdown.
//!
//! Callers put raw text in, whatever its origin: each renderer makes it inert for its own medium, in one
//! place ([`crate::sanitize`]). JSON is not a view: it is the serialised result itself.

pub(crate) mod audit;
pub(crate) mod backlog;
pub(crate) mod check;
mod criteria;
pub(crate) mod dashboard;
pub(crate) mod export;
pub(crate) mod live_line;
pub(crate) mod managed_block;
mod markdown;
mod notify;
pub(crate) mod offline_qa;
pub(crate) mod packet_readme;
pub(crate) mod page;
pub(crate) mod review;
pub(crate) mod run;
pub(crate) mod run_documents;
pub(crate) mod runs_table;
pub(crate) mod stage_alerts;
pub mod stage_smoke;
mod text;
pub(crate) mod view;
pub(crate) mod watch_lines;
pub(crate) mod wrap_up;

use crate::finding::Status;
pub use crate::finding::{count, thousands};

pub use markdown::render as to_markdown;
pub use text::{Look, render as to_text};

/// A document: what a command says to people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Doc {
    /// The subject, without the verdict: `Audit of runs/r1`.
    pub title: String,
    /// The verdict and what decided it; shown first.
    pub verdict: Option<Verdict>,
    /// The rest, in reading order.
    pub blocks: Vec<Block>,
}

/// The first thing that a reader sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The judgement.
    pub status: Status,
    /// What is behind its word: ` with 2 waivers`; empty where there is nothing to say.
    pub remark: String,
    /// What decided it: one short sentence each, the weightiest first.
    pub because: Vec<String>,
}

/// One part of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// The title of what follows.
    Heading(String),
    /// A paragraph.
    Text(Cell),
    /// Names and values, one to a line.
    Facts(Vec<(String, Cell)>),
    /// Rows under a header.
    Table(Table),
    /// Bullets.
    List(Vec<Cell>),
    /// Text to be copied as it is, such as a command.
    Code(String),
}

/// A table: every row has as many cells as the header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Column titles.
    pub header: Vec<&'static str>,
    /// The columns (from 0) whose cells are at the right edge: numbers.
    pub right: Vec<usize>,
    /// The columns (from 0) that a narrow terminal has no room for.
    pub spare: Vec<usize>,
    /// The cells.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table with these column titles.
    pub fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), ..Self::default() }
    }

    /// Aligns these columns (from 0) to the right.
    #[must_use]
    pub fn right(mut self, columns: &[usize]) -> Self {
        self.right = columns.to_vec();
        self
    }

    /// Leaves these columns (from 0) out on a narrow terminal.
    #[must_use]
    pub fn spare(mut self, columns: &[usize]) -> Self {
        self.spare = columns.to_vec();
        self
    }

    /// Adds a row.
    pub fn row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

/// A piece of text with its meaning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// The raw text.
    pub text: String,
    /// What it means.
    pub tone: Tone,
}

/// What a piece of text means; the renderers decide how that looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary text.
    #[default]
    Plain,
    /// Coloured by severity; the text itself must carry the meaning too.
    Status(Status),
    /// A path, command or other literal.
    Code,
    /// A path in a table, of which a narrow medium may show the end.
    Path,
    /// A file, or `file:line`; a link where the medium has links.
    Place,
    /// Of lesser weight.
    Dim,
    /// Of greater weight.
    Strong,
}

impl Cell {
    /// Text with a tone.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    /// A path, command or other literal.
    pub fn code(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Code)
    }

    /// Text of lesser weight.
    pub fn dim(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Dim)
    }
}

impl From<Status> for Cell {
    fn from(status: Status) -> Self {
        Self::new(status.label(), Tone::Status(status))
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(text, Tone::Plain)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        thousands(number).into()
    }
}

impl Doc {
    /// A document about `title`.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Sets the verdict and what decided it.
    #[must_use]
    pub fn verdict(mut self, status: Status, because: Vec<String>) -> Self {
        self.verdict = Some(Verdict { status, remark: String::new(), because });
        self
    }

    /// Says behind the word of the verdict what it does not rest on.
    #[must_use]
    pub fn remark(mut self, remark: impl Into<String>) -> Self {
        if let Some(verdict) = &mut self.verdict {
            verdict.remark = remark.into();
        }
        self
    }

    /// Adds a part; empty lists, facts and tables are left out.
    pub fn push(&mut self, block: Block) {
        let empty = match &block {
            Block::Facts(facts) => facts.is_empty(),
            Block::Table(table) => table.rows.is_empty(),
            Block::List(items) => items.is_empty(),
            Block::Text(cell) => cell.text.is_empty(),
            Block::Heading(_) | Block::Code(_) => false,
        };
        if !empty {
            self.blocks.push(block);
        }
    }

    /// The document without the section of this heading.
    #[must_use]
    pub fn without(mut self, heading: &str) -> Self {
        let is_heading = |block: &Block| matches!(block, Block::Heading(_));
        let this = |block: &Block| matches!(block, Block::Heading(text) if text == heading);
        if let Some(from) = self.blocks.iter().position(this) {
            let end = self.blocks[from + 1..].iter().position(is_heading).map_or(self.blocks.len(), |at| from + 1 + at);
            self.blocks.drain(from..end);
        }
        self
    }

    /// Adds a heading and the part under it, or neither when the part is empty.
    pub fn section(&mut self, heading: impl Into<String>, block: Block) {
        let before = self.blocks.len();
        self.push(block);
        if self.blocks.len() > before {
            self.blocks.insert(before, Block::Heading(heading.into()));
        }
    }
}

/// `1.5 GiB`: a size in bytes for people, in binary units.
pub fn bytes_text(bytes: u64) -> String {
    let mut size = bytes as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") }
}
