//! Lists of checksums: `SHA256SUMS` files and the manifests of packets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde_json::Value;

use crate::finding::Finding;
use crate::json::lenient;
use crate::log::summary::ChecksumSummary;

/// What a list says of the files beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct List {
    /// The listed files by their path relative to the folder of the list; each path is safe to open there.
    pub files: BTreeMap<String, Listed>,
    /// What is wrong with the list.
    pub findings: Vec<Finding>,
}

/// What is known of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The SHA-256 in lower-case hex; none if the list names the file without one.
    pub sha256: Option<String>,
    /// The size in bytes, where the list says.
    pub bytes: Option<u64>,
    /// The line of the list, where it has lines.
    pub line: Option<u64>,
}

/// What was found at the place of a listed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file with this SHA-256 and size.
    File {
        /// The SHA-256 in lower-case hex.
        sha256: String,
        /// The size in bytes.
        bytes: u64,
    },
    /// Nothing, or nothing that could be read; with the reason.
    Unreadable(String),
}

/// The form of the manifests that emp-ops writes.
const SCHEMA: &str = "emp-ops/packet/v1";

/// Whether `path` names a file below the folder of the list, and nothing else.
pub fn is_safe(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// Reads a list: JSON is a manifest, all else the lines of `sha256sum`. `path` is what the user calls it.
pub fn read(path: &str, bytes: &[u8]) -> List {
    let text = lenient::text(bytes);
    if text.trim_start().starts_with('{') { manifest(path, &text) } else { sums(path, &text) }
}

/// A manifest: `files: [{path, sha256, bytes}]`. One of another writer names its files without digests.
fn manifest(path: &str, text: &str) -> List {
    let mut list = List::default();
    let manifest = match lenient::parse(text) {
        Ok(manifest) => manifest,
        Err(error) => {
            list.findings.push(Finding::fail(format!("the manifest is not JSON: {error}")).in_file(path, None));
            return list;
        }
    };
    let own = manifest.get("files").and_then(Value::as_array);
    for item in own.into_iter().flatten() {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let digest = text("sha256").and_then(digest);
        match (text("path"), digest) {
            (Some(name), Some(sha256)) => {
                let bytes = item.get("bytes").and_then(Value::as_u64);
                if let Some(size) = item.get("bytes").filter(|size| bytes.is_none() && !size.is_null()) {
                    let finding = Finding::fail(format!("{name} cannot have this size: {size}"));
                    list.findings.push(finding.in_file(path, None));
                }
                list.add(path, name, Listed { sha256: Some(sha256), bytes, line: None });
            }
            _ => {
                let finding = Finding::fail(format!("an item of `files` lacks a path or a SHA-256: {item}"));
                list.findings.push(finding.in_file(path, None));
            }
        }
    }
    let named = ["summary_json", "summary_markdown", "sign_off_json"].map(|key| &manifest[key]);
    let raw = manifest["raw_artifacts"].as_array().into_iter().flatten();
    let named: BTreeSet<&str> = named.into_iter().chain(raw).filter_map(Value::as_str).collect();
    if own.is_none() {
        for name in &named {
            list.add(path, name, Listed { sha256: None, bytes: None, line: None });
        }
    } else if let Some(schema) = manifest["schema"].as_str() {
        if schema != SCHEMA {
            let text =
                format!("the manifest is of another form than {SCHEMA}: {schema}; judge it with its own emp-ops");
            list.findings.push(Finding::fail(text).in_file(path, None));
        }
        // Other tools take what is raw from the one list, and their digests from the other.
        let raw = list.files.keys().map(String::as_str).filter(|name| name.starts_with("raw/"));
        let listed = manifest["raw_artifacts"].is_array();
        let unnamed = raw.filter(|name| listed && !named.contains(name)).map(|name| (name, "`raw_artifacts`"));
        let undigested = named.iter().filter(|name| !list.files.contains_key(**name)).map(|name| (*name, "`files`"));
        if let Some((name, lacking)) = unnamed.chain(undigested).next() {
            let text = format!("the manifest contradicts itself: {name} is not in its {lacking}");
            list.findings.push(Finding::fail(text).in_file(path, None));
        }
    }
    list.nothing_listed(path);
    list
}

/// The lines of `sha256sum`, in its usual and its BSD form.
fn sums(path: &str, text: &str) -> List {
    let mut list = List::default();
    for (line, number) in text.lines().zip(1..) {
        if line.trim().is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            if let Some((name, _)) = sums_line(comment.trim_start()) {
                let finding = Finding::warn(format!("the line of {name} is a comment: it is not verified"));
                list.findings.push(finding.in_file(path, number));
            }
            continue;
        }
        match sums_line(line) {
            Some((name, sha256)) => {
                list.add(path, &name, Listed { sha256: Some(sha256), bytes: None, line: Some(number) });
            }
            None => {
                let finding = Finding::fail("this line is not `SHA256  PATH`, as sha256sum writes it");
                list.findings.push(finding.in_file(path, number));
            }
        }
    }
    list.nothing_listed(path);
    list
}

fn sums_line(line: &str) -> Option<(String, String)> {
    // A leading backslash says that the name is escaped, in either form.
    let (escaped, line) = line.strip_prefix('\\').map_or((false, line), |rest| (true, rest));
    let (name, hex) = match line.strip_prefix("SHA256 (").and_then(|rest| rest.rsplit_once(") = ")) {
        Some(tagged) => tagged,
        None => {
            let (hex, name) = line.split_at_checked(64)?;
            (name.strip_prefix("  ").or_else(|| name.strip_prefix(" *"))?, hex)
        }
    };
    let name = if escaped {
        name.replace("\\\\", "\u{0}").replace("\\n", "\n").replace("\\r", "\r").replace('\u{0}', "\\")
    } else {
        name.to_owned()
    };
    (!name.is_empty()).then_some((name, digest(hex)?))
}

/// A SHA-256 in lower-case hex, if `text` is one.
fn digest(text: &str) -> Option<String> {
    let text = text.trim();
    (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

impl List {
    fn add(&mut self, path: &str, name: &str, listed: Listed) {
        let plain = name.strip_prefix("./").unwrap_or(name);
        let line = listed.line;
        let mut fail = |why: &str| self.findings.push(Finding::fail(format!("{name} {why}")).in_file(path, line));
        match self.files.get(plain) {
            _ if !is_safe(plain) => return fail("is outside the folder of the list and was not read"),
            Some(earlier) if earlier.sha256 != listed.sha256 => fail("is listed twice with different digests"),
            _ => {}
        }
        self.files.insert(plain.to_owned(), listed);
    }

    fn nothing_listed(&mut self, path: &str) {
        if self.files.is_empty() && self.findings.is_empty() {
            self.findings.push(Finding::fail("the list names no file, so nothing was verified").in_file(path, None));
        }
    }
}

/// Compares a list with what `look` finds at each path. `path` is what the user calls the list.
pub fn verify(path: &str, list: &List, mut look: impl FnMut(&str) -> Found) -> ChecksumSummary {
    let mut summary = ChecksumSummary {
        lists: vec![path.to_owned()],
        listed: list.files.len() as u64,
        findings: list.findings.clone(),
        ..ChecksumSummary::default()
    };
    let mut unproven = 0_u64;
    for (name, listed) in &list.files {
        let fail = |text: String| Finding::fail(text).in_file(path, listed.line).with("path", name.as_str());
        match (look(name), &listed.sha256) {
            (Found::Unreadable(reason), _) => summary.findings.push(fail(format!("{name}: {reason}"))),
            (Found::File { sha256, bytes }, Some(expected)) if sha256 != *expected => {
                let size = match listed.bytes {
                    Some(size) if size != bytes => format!(" ({bytes} bytes instead of {size})"),
                    _ => String::new(),
                };
                let text = format!("{name} was changed after the list was made{size}");
                let finding = fail(text).with("expected_sha256", expected.as_str()).with("actual_sha256", sha256);
                summary.findings.push(finding);
            }
            (Found::File { bytes, .. }, Some(_)) if listed.bytes.is_some_and(|size| size != bytes) => {
                let size = listed.bytes.unwrap_or_default();
                summary.findings.push(fail(format!("{name} has {bytes} bytes, not {size} as the list says")));
            }
            (Found::File { .. }, Some(_)) => summary.verified += 1,
            (Found::File { .. }, None) => unproven += 1,
        }
    }
    if unproven > 0 {
        let text = format!("the list holds no digests: {unproven} files are there, but nothing could be verified");
        summary.findings.push(Finding::warn(text).in_file(path, None));
    }
    summary.settle();
    summary
}

/// A list that cannot be read, and why.
pub fn unreadable_list(path: &str, why: &str) -> ChecksumSummary {
    let finding = Finding::fail(format!("the list of checksums cannot be read: {why}")).in_file(path, None);
    let mut summary = ChecksumSummary { lists: vec![path.to_owned()], ..ChecksumSummary::default() };
    summary.findings.push(finding);
    summary.settle();
    summary
}

/// Files of a packet that its manifest does not name.
pub fn unlisted(paths: impl Iterator<Item = String>) -> ChecksumSummary {
    let mut summary = ChecksumSummary::default();
    summary.findings.extend(paths.map(|path| {
        Finding::fail(format!("{path} is in the packet but not in its manifest"))
            .in_file(path.as_str(), None)
            .with("path", path)
    }));
    summary.settle();
    summary
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    /// Every file that is there has the digest A.
    fn judge(text: &str) -> ChecksumSummary {
        let list = read("LIST", text.as_bytes());
        verify("LIST", &list, |path| match path {
            "gone" => Found::Unreadable("is missing".to_owned()),
            _ => Found::File { sha256: A.to_owned(), bytes: 1 },
        })
    }

    #[test]
    fn lists_in_every_form_are_verified() {
        for (text, verified, expect) in [
            (format!("{A}  a/x.json\n{}  b\n", A.to_uppercase()), 2, vec![]),
            (format!("{A} *./a\n# comment\n\nSHA256 (b c) = {A}\n\\{A}  d\\ne\n"), 3, vec![]),
            (format!("\\SHA256 (b\\\\c) = {A}\n\\SHA256 (d\\ne) = {A}\n"), 2, vec![]),
            (format!("{A}  a\n{B}  b\n"), 1, vec!["FAIL b was changed after the list was made"]),
            (format!("{A}  gone\n"), 0, vec!["FAIL gone: is missing"]),
            (format!("{A}  ../a\n{A}  /etc/passwd\n"), 0, vec!["FAIL ../a is outside", "FAIL /etc/passwd is outside"]),
            (format!("{A}  a\nnot a sum\n"), 1, vec!["FAIL this line is not"]),
            (format!("{A}  a\n{B}  a\n"), 0, vec!["FAIL a is listed twice", "FAIL a was changed"]),
            (
                format!("{A}  a\n#{B}  b\n# {B} *c\n"),
                1,
                vec!["WARN the line of b is a comment", "WARN the line of c is"],
            ),
            (String::new(), 0, vec!["FAIL the list names no file"]),
            (format!(r#"{{"files": [{{"path": "a", "sha256": "{A}", "bytes": 1}}]}}"#), 1, vec![]),
            (
                format!(r#"{{"files": [{{"path": "a", "sha256": "{B}", "bytes": 2}}]}}"#),
                0,
                vec!["FAIL a was changed after the list was made (1 bytes instead of 2)"],
            ),
            (
                format!(r#"{{"files": [{{"path": "a", "sha256": "{A}", "bytes": 2}}]}}"#),
                0,
                vec!["FAIL a has 1 bytes, not 2"],
            ),
            (
                format!(r#"{{"files": [{{"path": "a", "sha256": "{A}", "bytes": -1}}]}}"#),
                1,
                vec!["FAIL a cannot have this size: -1"],
            ),
            (
                format!(r#"{{"schema": "emp-ops/packet/v9", "files": [{{"path": "a", "sha256": "{A}"}}]}}"#),
                1,
                vec!["FAIL the manifest is of another form"],
            ),
            (
                format!(
                    r#"{{"schema": "{SCHEMA}", "raw_artifacts": [], "files": [{{"path": "raw/a", "sha256": "{A}"}}]}}"#
                ),
                1,
                vec!["FAIL the manifest contradicts itself: raw/a is not in its `raw_artifacts`"],
            ),
            (
                format!(
                    r#"{{"schema": "{SCHEMA}", "sign_off_json": "s", "files": [{{"path": "a", "sha256": "{A}"}}]}}"#
                ),
                1,
                vec!["FAIL the manifest contradicts itself: s is not in its `files`"],
            ),
            (r#"{"files": [{"path": "a"}]}"#.to_owned(), 0, vec!["FAIL an item of `files` lacks"]),
            (r#"{"files": []}"#.to_owned(), 0, vec!["FAIL the list names no file"]),
            (
                r#"{"summary_json": "a", "raw_artifacts": ["b"]}"#.to_owned(),
                0,
                vec!["WARN the list holds no digests: 2"],
            ),
            ("{\"files\": [".to_owned(), 0, vec!["FAIL the manifest is not JSON"]),
        ] {
            let summary = judge(&text);
            assert_eq!(summary.verified, verified, "{text}");
            let found: Vec<String> = summary.findings.iter().map(|f| format!("{} {}", f.severity, f.summary)).collect();
            assert_eq!(found.len(), expect.len(), "{text}: {found:?}");
            for (found, expect) in found.iter().zip(expect) {
                assert!(found.starts_with(expect), "{text}: {found} / {expect}");
            }
        }
    }
}
