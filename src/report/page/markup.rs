//! Pieces of HTML that every page uses. All text of others passes [`Safe`].

use chrono::NaiveDate;
use maud::{Markup, Render, html};

use crate::finding::{Place, Status};
use crate::sanitize;
use crate::time::Stamp;

/// Text of any origin, shown as it is: no markup, no control and no bidirectional character can come of it.
pub(super) struct Safe<'a>(pub(super) &'a str);

impl Render for Safe<'_> {
    fn render_to(&self, buffer: &mut String) {
        buffer.push_str(&sanitize::html_text(self.0));
    }
}

/// [`Safe`] between tags, where quotes end nothing: a log of JSON would be half as long again with them escaped.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Render for Text<'_> {
    fn render_to(&self, buffer: &mut String) {
        buffer.push_str(&sanitize::html_text(self.0).replace("&quot;", "\""));
    }
}

/// The lower-case word of a status, as class and as value of the filter.
pub(super) fn class(status: Status) -> &'static str {
    status.word()
}

/// The shapes of the statuses, which every badge refers to; once on a page.
pub(super) fn shapes() -> Markup {
    let shape = |status: Status| match status {
        Status::Pass => "M4.2 8.4l2.6 2.6 5-5.6",
        Status::Warn => "M8 4v5M8 11v1.6",
        Status::Fail => "M5 5l6 6M11 5l-6 6",
    };
    html! {
        svg width="0" height="0" aria-hidden="true" {
            @for status in [Status::Pass, Status::Warn, Status::Fail] {
                symbol id={ "shape-" (class(status)) } viewBox="0 0 16 16" {
                    circle cx="8" cy="8" r="7.2" fill="none" stroke="currentColor" stroke-width="1.4" {}
                    path d=(shape(status)) fill="none" stroke="currentColor" stroke-width="2" {}
                }
            }
        }
    }
}

/// The word of a status with a shape, so that colour is never all that tells.
pub(super) fn badge(status: Status) -> Markup {
    html! {
        span class={ "badge " (class(status)) } {
            svg width="16" height="16" aria-hidden="true" { use href={ "#shape-" (class(status)) } {} }
            (status.label())
        }
    }
}

/// An instant, to the second.
pub(super) fn time(at: Stamp) -> Markup {
    html! { time datetime=(at) { (at.human()) } }
}

/// An instant of a table whose caption names the day, where `day` is that: its time alone.
pub(super) fn time_on(at: Stamp, day: Option<NaiveDate>) -> Markup {
    if day != Some(at.day()) {
        return html! { (at.human()) };
    }
    html! { (at.utc().format("%H:%M:%S").to_string()) }
}

/// Where files of the evidence are, as seen from the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links<'a> {
    /// The way from the page to the evidence; none if links would lead nowhere.
    pub(super) base: Option<&'a str>,
    /// What is before a path of the run: `raw/` in a packet, nothing in a run directory.
    pub(super) prefix: &'a str,
    /// The files that may be linked, by their path relative to the evidence.
    pub(super) files: &'a std::collections::BTreeSet<String>,
}

impl Links<'_> {
    /// A path of the run or of the packet; a link where such a file is there.
    pub(super) fn file(self, path: &str, line: Option<u64>) -> Markup {
        let name = path.rsplit('/').next().unwrap_or(path);
        let shown = match line {
            Some(line) => format!("{}, line\u{a0}{line}", middle(name)),
            None => middle(name),
        };
        self.link(path, &shown)
    }

    /// A path in full, as a link where such a file is there.
    pub(super) fn whole(self, path: &str) -> Markup {
        self.link(path, path)
    }

    fn link(self, path: &str, shown: &str) -> Markup {
        let bare = path.strip_prefix("raw/").unwrap_or(path);
        let candidates = [path.to_owned(), format!("{}{bare}", self.prefix)];
        let target = candidates.iter().find(|candidate| self.files.contains(*candidate));
        match (target, self.base) {
            (Some(target), Some(base)) => {
                html! { a.file href=(address(&format!("{base}{target}"))) { (Safe(shown)) } }
            }
            _ => html! { span.file title=(Safe(bare)) { (Safe(shown)) } },
        }
    }

    /// A place of a finding.
    pub(super) fn place(self, place: Option<&Place>) -> Markup {
        place.map_or_else(|| html! {}, |place| self.file(&place.path, place.line))
    }

    /// What a gate names as its evidence: `path`, `path:line`, or words.
    pub(super) fn evidence(self, text: &str) -> Markup {
        if let Some((path, line)) = text.rsplit_once(':')
            && let Ok(line) = line.parse()
        {
            return self.file(path, Some(line));
        }
        let words = text.contains(' ') || !text.contains(['.', '/']);
        if words {
            html! { (Safe(text)) }
        } else {
            self.file(text, None)
        }
    }
}

/// The start and the end of a long name.
fn middle(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    if chars.len() <= 26 {
        return name.to_owned();
    }
    let part = |range: std::ops::Range<usize>| chars[range].iter().collect::<String>();
    format!("{}…{}", part(0..10), part(chars.len() - 14..chars.len()))
}

/// A relative address: every byte that could mean something is percent-encoded, a colon too, so that no scheme can
/// come of it.
fn address(path: &str) -> String {
    let mut address = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    address
}
