//! The rows against their own examples, and all of them against a corpus.

use std::time::Duration;

use super::classify::{self, suspect};
use super::markers::{RULES, Rule};
use super::pattern::{Candidate, Search};
use crate::log::scan::chunk::{ChunkReport, Context};
use crate::log::totals::tally::Limits;
use crate::time::Stamp;

fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().flatten()
}

#[test]
fn rows_find_their_own_examples_and_acquit_the_others() {
    let search = Search::new(RULES);
    let mut wrong = Vec::new();
    for (at, rule) in rules().enumerate() {
        let holds = |text: &str| search.places(&Candidate::anywhere(at, rule), text).next().is_some();
        // The search for all rows in lower case may find too many of them, but none too few.
        for text in rules().flat_map(|rule| rule.hit.iter().chain(rule.miss)) {
            if holds(text) && search.candidates(text).iter().all(|found| found.row() != at) {
                wrong.push(format!("no candidate: {text:?} by {:.60}", rule.says));
            }
        }
        for hit in rule.hit {
            if !holds(hit) {
                wrong.push(format!("own row misses: {hit:?}  by {:.60}", rule.says));
            }
            if classify::text(hit).is_none() {
                wrong.push(format!("missed: {hit:?}"));
            }
            let escaped = serde_json::to_string(hit).expect("text");
            // A frame is indented in raw lines.
            let raw = hit.lines().any(|line| line.starts_with([' ', '\t']) || suspect(line.as_bytes(), 0).is_some());
            if !raw || suspect(escaped.as_bytes(), 0).is_none() {
                wrong.push(format!("no mark in {escaped}"));
            }
        }
        for miss in rule.miss {
            if let Some(kind) = classify::text(miss) {
                wrong.push(format!("accused of {kind:?}: {miss:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// In a text of many lines rows are looked for on a few of them, and found all the same.
#[test]
fn rows_are_found_on_lines_alone_as_in_all_of_a_text() {
    let search = Search::new(RULES);
    let all: Vec<&str> = rules().flat_map(|rule| rule.hit.iter().chain(rule.miss)).copied().collect();
    for text in [all.join("\n"), all.join("\n\n"), all.join(" and\n- ")] {
        for found in search.candidates(&text) {
            let anywhere = Candidate::anywhere(found.row(), found.rule);
            let count = |candidate: &Candidate| search.places(candidate, &text).count();
            let says = found.rule.says;
            assert!(count(&found) >= count(&anywhere), "{says}");
            assert_eq!(count(&found) > 0, count(&anywhere) > 0, "{says}");
            assert!(found.is_on_lines(), "{says}");
        }
    }
}

/// Texts that a row matches, as far as its language goes: each choice of each group is made in one of them at least.
fn samples(says: &str) -> Vec<String> {
    let mut rest = says;
    let found = choices(&mut rest);
    assert!(rest.is_empty(), "what is left of {says}: {rest}");
    found
}

/// The choices of a group, up to its closing bracket.
fn choices(rest: &mut &str) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        found.extend(sequence(rest));
        match rest.strip_prefix('|') {
            Some(more) => *rest = more,
            None => return found,
        }
    }
}

/// One element after the other.
fn sequence(rest: &mut &str) -> Vec<String> {
    const NAMES: [(&str, &str); 5] = [
        ("<Exception>", "FeedException"),
        ("<exception>", "FeedException"),
        ("<hex>", "0x7f00"),
        ("<signal>", "SIGSEGV"),
        ("<code>", "139"),
    ];
    let mut elements: Vec<Vec<String>> = Vec::new();
    while let Some(c) = rest.chars().next().filter(|c| !matches!(c, '|' | ')')) {
        if let Some((name, text)) = NAMES.iter().find(|(name, _)| rest.starts_with(name)) {
            *rest = &rest[name.len()..];
            elements.push(vec![(*text).to_owned()]);
            continue;
        }
        *rest = &rest[c.len_utf8()..];
        match c {
            '(' => {
                elements.push(choices(rest));
                *rest = rest.strip_prefix(')').expect("a group ends");
            }
            '?' => elements.last_mut().expect("something before it").push(String::new()),
            '+' | '^' | '$' => {}
            '#' => elements.push(vec!["7".to_owned()]),
            '*' => elements.push(vec!["x.Y".to_owned()]),
            '…' => elements.push(vec!["x y".to_owned()]),
            '[' => {
                let (class, more) = rest.split_once(']').expect("a class ends");
                *rest = more;
                let of = |c: char| class.starts_with(c).then(|| if c == '^' { "x" } else { "." }.to_owned());
                let first = class.trim_start_matches('\\').chars().next().map(String::from);
                elements.push(vec![of('^').or(first).unwrap_or_default()]);
            }
            '\\' => {
                let literal = rest.chars().next().expect("something behind it");
                *rest = &rest[literal.len_utf8()..];
                elements.push(vec![match literal {
                    'd' => "7".to_owned(),
                    'w' | 'S' => "x".to_owned(),
                    's' => " ".to_owned(),
                    't' => "\t".to_owned(),
                    'b' => String::new(),
                    literal => literal.to_string(),
                }]);
            }
            c => elements.push(vec![c.to_string()]),
        }
    }
    let most = elements.iter().map(Vec::len).max().unwrap_or(1);
    (0..most).map(|at| elements.iter().map(|options| options[at % options.len()].as_str()).collect()).collect()
}

/// What no mark is in is never looked at, and a way of telling in a row would be dead.
#[test]
fn every_way_of_telling_in_every_row_is_found_by_the_fast_search() {
    let mut dead = Vec::new();
    for rule in rules() {
        for way in super::pattern::alternatives(rule.says) {
            for sample in samples(way) {
                // Words may begin a sentence.
                let mut capital = sample.clone();
                if capital.contains(' ') && capital.is_char_boundary(1) {
                    capital[..1].make_ascii_uppercase();
                }
                for text in [sample, capital] {
                    if suspect(text.as_bytes(), 0).is_none() {
                        dead.push(format!("{text:60} of {way}"));
                    }
                }
            }
        }
    }
    assert!(dead.is_empty(), "{} have no mark:\n{}", dead.len(), dead.join("\n"));
}

/// How a message is written where it is found.
#[derive(Clone, Copy, Debug)]
enum Form {
    Text,
    Json,
}

/// Whether a log with this message among healthy records shows a crash or an error.
fn accused(message: &str, form: Form) -> bool {
    let healthy = r#"{"timestamp":"2025-01-06T00:00:00Z","level":"info","message":"tick"}"#;
    let record = match form {
        Form::Text => format!("2025-01-06T00:00:00Z INFO app: {message}"),
        Form::Json => {
            serde_json::json!({"timestamp": "2025-01-06T00:00:00Z", "level": "info", "message": message}).to_string()
        }
    };
    let healthy_text = "2025-01-06T00:00:01Z INFO app: tick";
    let frame = if matches!(form, Form::Text) { healthy_text } else { healthy };
    let log = format!("{frame}\n{record}\n{frame}\n");
    let context = Context {
        limits: Limits { silence: Duration::from_secs(3600), listed: 10, sources: false },
        file: 0,
        written: None,
        layout: std::sync::Arc::default(),
        ignore: std::sync::Arc::default(),
        statuses: std::sync::Arc::default(),
        years: std::sync::Arc::default(),
        bounds: std::sync::Arc::default(),
        offset: 0,
        latest: Stamp::parse("2030-01-01T00:00:00Z").expect("a time"),
    };
    let mut part = ChunkReport::read(log.as_bytes(), context);
    part.close_ends();
    part.tally.crashes.total() + part.tally.errors.total() > 0
}

/// `fixtures/crash/corpus.tsv`, or the file that `CRASH_CORPUS` names, for messages that nobody has seen yet.
#[test]
fn the_corpus_is_judged_rightly_in_every_form() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/crash/corpus.tsv");
    let path = std::env::var("CRASH_CORPUS").unwrap_or_else(|_| own.to_owned());
    let corpus = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    for form in [Form::Text, Form::Json] {
        let (mut found, mut missed, mut wrong, mut right) = (0_u32, 0_u32, 0_u32, 0_u32);
        for line in corpus.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut fields = line.splitn(3, '\t');
            let (label, source) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
            let message = unescape(fields.next().unwrap_or_default());
            let accused = accused(&message, form);
            match (label, accused) {
                ("crash", true) => found += 1,
                ("crash", false) => missed += 1,
                ("harmless", true) => wrong += 1,
                ("harmless", false) => right += 1,
                _ => continue,
            }
            if accused != (label == "crash") {
                println!("{form:?} {label} {source}: {}", message.lines().next().unwrap_or_default());
            }
        }
        let recall = f64::from(found) / f64::from(found + missed);
        let precision = f64::from(found) / f64::from(found + wrong);
        println!(
            "{form:?}          accused  acquitted\n  crash     {found:7}    {missed:7}\n  harmless  {wrong:7}    {right:7}"
        );
        println!("  recall {recall:.3}, precision {precision:.3}");
        assert!(recall >= 0.95 && precision >= 0.97, "{form:?}: recall {recall:.3}, precision {precision:.3}");
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

/// The table of `runbooks/crash-markers.md`: what the first example of each row is called.
fn table() -> String {
    let code = |text: &str| {
        let text = text.lines().next().unwrap_or_default().trim().replace('|', "\\|");
        if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
    };
    let rows = rules().filter_map(|rule| Some((rule, rule.hit.first()?))).map(|(rule, example)| {
        let counts = if rule.sure { "always" } else { "unless denied" };
        format!("| {} | {} | {counts} |\n", rule.kind.words(), code(example))
    });
    format!("| kind | example | counts |\n|---|---|---|\n{}", rows.collect::<String>())
}

#[test]
fn the_runbook_shows_the_rows() {
    let table = table();
    let runbook = include_str!("../../../runbooks/crash-markers.md");
    assert!(runbook.contains(&table), "the table of runbooks/crash-markers.md is to be:\n\n{table}");
}

#[test]
fn characters_of_many_bytes_stand_anywhere() {
    for text in [
        "kotlin.KotlinNullPointerException: boom",
        "app: segfault at 0 ip",
        "worker 3 was killed",
        "panic: a, no error",
    ] {
        for at in 0..=text.len() {
            for odd in ["\u{fffd}", "é", "漢"] {
                let _ = classify::text(&format!("{}{odd}{}", &text[..at], &text[at..]));
                let _ = classify::text(&format!("{}{odd}{}", &text[..at], text.get(at + 1..).unwrap_or_default()));
            }
        }
    }
}
