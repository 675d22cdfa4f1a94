//! The page for reviewers: one HTML file that asks for nothing, works without script, and prints.
//!
//! [`run::page`] is the page of a run; the other commands have pages of their documents, with pictures.

mod bars;
mod comparison;
mod document;
mod evidence;
mod findings;
mod follow_ups;
mod gates;
mod latency;
mod markup;
mod offline;
mod review;
pub(crate) mod run;
mod series;
mod stage;
mod svg;
mod timeline;

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

pub(crate) use self::evidence::commands;
pub(crate) use self::findings::Excerpts;
pub(crate) use self::follow_ups::{backlog, wrap_up};
use self::markup::{Safe, badge, class};
pub(crate) use self::offline::offline_qa;
pub(crate) use self::stage::{stage_alerts, stage_smoke};
use crate::finding::Status;
use crate::time::Stamp;

/// The style of every page.
const STYLE: &str = include_str!("style.css");
/// The filter of the findings; everything is readable without it.
const SCRIPT: &str = include_str!("filter.js");

/// What every page has.
struct Page<'a> {
    /// The verdict; none for a page that gives none.
    status: Option<Status>,
    title: &'a str,
    /// One sentence under the title.
    sentence: String,
    /// What decided it.
    because: Vec<Markup>,
    /// Between the verdict and the sections.
    facts: Markup,
    /// Each with its id and its title.
    sections: Vec<(String, String, Markup)>,
    /// The last line.
    footer: String,
}

/// The last line of a page that was made at this time.
fn footer(made_at: Stamp) -> String {
    format!("Made by emp-ops {} at {}.", env!("CARGO_PKG_VERSION"), made_at.human())
}

/// The page of a command without a verdict, and why there is none.
pub(crate) fn unfinished(command: &str, why: &str) -> String {
    Page {
        status: None,
        title: &format!("emp-ops {command}: no verdict"),
        sentence: format!("Not finished: {why}."),
        because: Vec::new(),
        facts: html! {},
        sections: Vec::new(),
        footer: format!("Made by emp-ops {}.", env!("CARGO_PKG_VERSION")),
    }
    .render()
}

/// `'sha256-…'`: the source that a content security policy allows.
fn source(text: &str) -> String {
    format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text)))
}

impl Page<'_> {
    fn render(&self) -> String {
        let policy = format!(
            "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
            source(STYLE),
            source(SCRIPT)
        );
        let word = self.status.map(Status::label);
        let head = word.map_or_else(|| self.title.to_owned(), |word| format!("{word} – {}", self.title));
        let look = self.status.map_or("", class);
        let first = self.sections.first().map_or("", |(id, _, _)| id.as_str());
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width,initial-scale=1";
                    meta name="referrer" content="no-referrer";
                    meta name="robots" content="noindex";
                    title { (Safe(&head)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    (markup::shapes())
                    @if !first.is_empty() { a.skip href={ "#" (first) } { "Skip to the first section" } }
                    header {
                        section class={ "verdict " (look) } aria-labelledby="verdict" {
                            h1 id="verdict" {
                                @if let Some(status) = self.status { (badge(status)) " " }
                                span { (Safe(self.title)) }
                            }
                            @if !self.sentence.is_empty() { p { (Safe(&self.sentence)) } }
                            @if !self.because.is_empty() { ul { @for reason in &self.because { li { (reason) } } } }
                        }
                        (self.facts)
                        @if self.sections.len() > 1 { nav aria-label="Sections" { ul {
                            @for (id, title, _) in &self.sections { li { a href={ "#" (id) } { (Safe(title)) } } }
                        } } }
                    }
                    main {
                        @for (id, title, content) in &self.sections {
                            section aria-labelledby=(id) { h2 id=(id) { (Safe(title)) } (content) }
                        }
                    }
                    footer { (Safe(&self.footer)) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.0
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod rules {
    use super::*;

    fn hostile() -> String {
        let evil = "<script>alert(1)</script>\u{1b}[2J\u{202e}\" onload=x &amp; '";
        let page = Page {
            status: Some(Status::Fail),
            title: evil,
            sentence: evil.to_owned(),
            because: vec![html! { (Safe(evil)) }],
            facts: html! {},
            sections: vec![("one".to_owned(), evil.to_owned(), html! { p title=(Safe(evil)) {} })],
            footer: evil.to_owned(),
        };
        page.render()
    }

    #[test]
    fn hostile_text_stays_text() {
        let page = hostile();
        assert_eq!(page.matches("<script>").count(), 1, "only our own");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u{1b}[2J\\u{202e}"));
        assert!(!page.contains(['\u{1b}', '\u{202e}']));
        assert!(!page.contains("style=\"") && !page.contains("\" onload"), "{page}");
    }

    #[test]
    fn the_policy_names_the_style_and_the_script_that_are_there() {
        let page = hostile();
        for (tag, text) in [("style", STYLE), ("script", SCRIPT)] {
            assert!(page.contains(&format!("<{tag}>{text}</{tag}>")));
            assert!(page.contains(&source(text)), "{tag}");
        }
    }
}
