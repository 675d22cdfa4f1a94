//! Figures in the documents of a packet: whoever rewrites one, and all digests with it, contradicts the evidence.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::tampering::{Of, audit, edit, redo_sums, replace, touched};

/// What somebody does to a packet.
type Change = Box<dyn FnOnce(&Path)>;

/// Documents that are written again by an audit.
const DOCUMENTS: [&str; 5] = ["summary", "review", "backlog", "wrap_up", "dry_run_summary"];

/// The first, the middle and the last.
fn some<T: Clone>(all: &[T]) -> Vec<T> {
    let last = all.len().checked_sub(1).expect("a figure");
    let mut some: Vec<usize> = vec![0, last / 2, last];
    some.dedup();
    some.into_iter().map(|at| all[at].clone()).collect()
}

/// The lines of a text that hold a figure, but for its first.
fn lines(text: &str) -> Vec<usize> {
    let lines = text.lines().enumerate().skip(1);
    lines.filter(|(_, line)| line.bytes().any(|byte| byte.is_ascii_digit())).map(|(at, _)| at).collect()
}

/// Counts the first figure of a line up by one.
fn count_up(text: &str, at: usize) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let digit = lines[at].find(|c: char| c.is_ascii_digit()).unwrap();
    let next = (lines[at].as_bytes()[digit] - b'0' + 1) % 10;
    lines[at].replace_range(digit..=digit, &next.to_string());
    lines.join("\n") + "\n"
}

/// Where numbers are in a document.
fn numbers(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(place.to_owned()),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| numbers(value, &format!("{place}/{at}"), found));
        }
        Value::Object(keys) => {
            let keys = keys.iter().filter(|(key, _)| !key.contains(['/', '~']));
            keys.for_each(|(key, value)| numbers(value, &format!("{place}/{key}"), found));
        }
        _ => {}
    }
}

#[test]
fn a_figure_that_is_rewritten_with_all_digests_is_found_wherever_it_stands() {
    let honest = touched(Of::Packet("loud"), |_| {});
    let packet = honest.path().join("it");
    let mut changes: Vec<(String, Change)> = Vec::new();
    for name in DOCUMENTS {
        let markdown = format!("{name}.md");
        let text = fs::read_to_string(packet.join(&markdown)).unwrap();
        for at in some(&lines(&text)) {
            let (name, text) = (markdown.clone(), text.clone());
            changes.push((
                format!("{markdown} line {}", at + 1),
                Box::new(move |packet| fs::write(packet.join(name), count_up(&text, at)).unwrap()),
            ));
        }
        let document = format!("{name}.json");
        let mut places = Vec::new();
        numbers(&serde_json::from_slice(&fs::read(packet.join(&document)).unwrap()).unwrap(), "", &mut places);
        for place in some(&places) {
            let name = document.clone();
            changes.push((
                format!("{document} {place}"),
                Box::new(move |packet| {
                    edit(&packet.join(name), |document| {
                        let figure = document.pointer_mut(&place).unwrap();
                        *figure = json!(figure.as_f64().unwrap() + 1.0);
                    });
                }),
            ));
        }
    }
    let rewrite = |name: &'static str, from: &'static str, to: &'static str| -> (String, Change) {
        (name.to_owned(), Box::new(move |packet: &Path| replace(&packet.join(name), from, to)))
    };
    changes.push(rewrite("report.html", "ERROR db down", "INFO db is up"));
    changes.push(rewrite("report.html", "<footer", "<p>Approved by all.</p><footer"));
    changes.push(rewrite("report.html", "(--no-diary)", "(default)"));
    changes.push(rewrite("README.md", "Open report.html first", "Open nothing"));
    changes.push(rewrite("README.md", "the minutes", "the minutes of an accepted run"));
    assert!(changes.len() > 25, "{}", changes.len());
    for (what, change) in changes {
        let bench = touched(Of::Packet("loud"), |packet| {
            change(packet);
            redo_sums(packet);
        });
        let (code, said, json) = audit(&bench, "it");
        let name = what.split(' ').next().unwrap();
        assert!(code == 1 && json["record"]["status"] == "fail" && said.contains(name), "{what}: exit {code}: {said}");
    }
}
