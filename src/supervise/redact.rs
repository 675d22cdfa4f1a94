//! Keeps the values that were given to the command out of everything that is written.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use aho_corasick::AhoCorasick;

use crate::level::Level;
use crate::sanitize;

/// Puts stars in the place of secrets, one for each byte.
///
/// A secret is found in all its [spellings](sanitize::spellings), but not in names of fields, and one that may be a word only
/// where it is a whole one. Of one with several lines each is a secret of its own, because logs are written line by line. A
/// short one is hidden where it is a whole value, unless it is the word for a level.
#[derive(Default)]
pub(crate) struct Redactor {
    secrets: Vec<String>,
    /// Those as they were given.
    plain: HashSet<String>,
    /// Short ones.
    short: Vec<String>,
    /// Finds all of them in one pass.
    finder: Option<AhoCorasick>,
}

impl Redactor {
    /// A redactor for these values, as far as they are long enough.
    pub(crate) fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let lines = values.into_iter().flat_map(|value| std::iter::once(value).chain(value.lines()));
        let is_level = |line: &str| Level::from_word(line) != Level::Unknown;
        let lines = lines.filter(|line| !line.is_empty());
        let (plain, short): (HashSet<String>, HashSet<String>) =
            lines.map(str::to_owned).partition(|line| line.len() >= sanitize::SHORTEST_SECRET);
        let short: Vec<String> = short.into_iter().filter(|line| !is_level(line)).collect();
        let mut secrets: Vec<String> = plain
            .iter()
            .flat_map(|line| sanitize::spellings(line))
            .chain(short.iter().flat_map(|line| sanitize::quoted(line)))
            .collect();
        secrets.sort_unstable();
        secrets.dedup();
        let finder = if secrets.is_empty() { None } else { AhoCorasick::new(&secrets).ok() };
        Self { secrets, plain, short, finder }
    }

    /// Whether there is nothing to hide.
    pub(crate) fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// A line as it may be written. Where it was `cut`, its end may be the start of a secret.
    pub(crate) fn line<'a>(&self, line: &'a [u8], cut: bool) -> Cow<'a, [u8]> {
        if self.short.iter().any(|short| short.as_bytes() == line.trim_ascii()) {
            return Cow::Owned(vec![b'*'; line.len()]);
        }
        let mut found = self.find(line);
        if cut {
            let starts = |secret: &String| {
                let secret = secret.as_bytes();
                (1..secret.len()).rev().find(|&length| line.ends_with(&secret[..length]))
            };
            found.extend(self.secrets.iter().filter_map(starts).max().map(|length| line.len() - length..line.len()));
        }
        if found.is_empty() { Cow::Borrowed(line) } else { Cow::Owned(stars(line, &found)) }
    }

    /// A text as it may be written.
    pub(crate) fn text<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        if self.short.iter().any(|short| short == text.trim()) {
            return "*".repeat(text.len()).into();
        }
        let found = self.find(text.as_bytes());
        if found.is_empty() {
            return text;
        }
        // Secrets are text themselves, so no character is torn.
        Cow::Owned(String::from_utf8_lossy(&stars(text.as_bytes(), &found)).into_owned())
    }

    /// A JSON document as it may be written; it stays one. Names of fields are kept, and a number with a secret in it
    /// becomes text.
    pub(crate) fn json<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let bytes = text.as_bytes();
        let found = self.find(bytes);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let starred = stars(bytes, &found);
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let end = token_end(bytes, at);
            let (token, hidden) = (&bytes[at..end], &starred[at..end]);
            match token[0] {
                _ if token == hidden => out.extend_from_slice(token),
                b'"' => {
                    if bytes[end..].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':') {
                        out.extend_from_slice(token);
                    } else {
                        hide_in_string(token, hidden, &mut out);
                    }
                }
                b if is_structure(b) => out.extend_from_slice(token),
                _ => {
                    out.push(b'"');
                    out.resize(out.len() + token.len(), b'*');
                    out.push(b'"');
                }
            }
            at = end;
        }
        Cow::Owned(String::from_utf8_lossy(&out).into_owned())
    }

    /// Every place of every secret, overlapping ones too.
    fn find(&self, data: &[u8]) -> Vec<Range<usize>> {
        let found = self.finder.iter().flat_map(|finder| finder.find_overlapping_iter(data));
        let hidden = found.filter_map(|found| {
            let form = &self.secrets[found.pattern().as_usize()];
            let before = String::from_utf8_lossy(&data[found.start().saturating_sub(NEAR)..found.start()]);
            let after = String::from_utf8_lossy(&data[found.end()..data.len().min(found.end() + NEAR)]);
            // The quotes of a short one stay.
            let inner = form.trim_matches(['\\', '"']);
            let short = self.short.iter().find(|short| *short == inner);
            let quotes = short.map_or(0, |short| (form.len() - short.len()) / 2);
            let is_plain = self.plain.contains(form);
            let is_hidden = sanitize::is_hidden(&before, form, &after, is_plain);
            is_hidden.then_some(found.start() + quotes..found.end() - quotes)
        });
        hidden.collect()
    }
}

/// How far around a secret is looked, in bytes: further than names of fields are long.
const NEAR: usize = 256;

fn stars(data: &[u8], found: &[Range<usize>]) -> Vec<u8> {
    let mut out = data.to_vec();
    found.iter().for_each(|range| out[range.clone()].fill(b'*'));
    out
}

fn is_structure(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"{}[]:,".contains(&byte)
}

/// Where the token of a valid JSON document ends that starts at `at`.
fn token_end(bytes: &[u8], at: usize) -> usize {
    if is_structure(bytes[at]) {
        return at + 1;
    }
    if bytes[at] != b'"' {
        return bytes[at..].iter().position(|b| is_structure(*b)).map_or(bytes.len(), |length| at + length);
    }
    let mut end = at + 1;
    while let Some(next) = bytes.get(end..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        end += next;
        if bytes[end] == b'"' {
            return end + 1;
        }
        end += 2;
    }
    bytes.len()
}

/// Copies a string with its stars; an escape is hidden as a whole or not at all.
fn hide_in_string(token: &[u8], hidden: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let end = token.len() - 1;
    let mut at = 1;
    while at < end {
        let length = match token[at..end] {
            [b'\\', b'u', ..] => 6,
            [b'\\', ..] => 2,
            _ => 1,
        };
        let unit = at..(at + length).min(end);
        if token[unit.clone()] == hidden[unit.clone()] {
            out.extend_from_slice(&token[unit.clone()]);
        } else {
            out.resize(out.len() + unit.len(), b'*');
        }
        at = unit.end;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_secret_is_hidden_wherever_it_stands() {
        for (values, text, expect) in [
            (&["hunter2secret"][..], "a hunter2secret b", "a ************* b"),
            (&["abcdef", "abcdefSECRETTAIL"], "x abcdefSECRETTAIL", "x ****************"),
            (&["abcdefgh1", "gh1ijk99"], "abcdefgh1ijk99", "**************"),
            (&["ab1ab1"], "xab1ab1ab1x", "x*********x"),
            (&["letmein"], "letmein letmeinside letmein\n", "******* letmeinside *******\n"),
            (&["pin1"], " pin1\n", "******"),
            (&["pin1"], "a pin1", "a pin1"),
            (&["info"], "info", "info"),
            (&["BEGIN KEY\nMIIE1234\nAB"], "MIIE1234", "********"),
            (&["tab\there"], r"tab\there", "*********"),
            (&["short"], "a short one", "a short one"),
            (&["schlüssel"], "der schlüssel hier", "der ********** hier"),
        ] {
            let redactor = Redactor::new(values.iter().copied());
            assert_eq!(redactor.text(Cow::Borrowed(text)), expect, "{values:?}");
            assert_eq!(&*redactor.line(text.as_bytes(), false), expect.as_bytes(), "{values:?}");
        }
        assert!(Redactor::new(["info", ""]).is_empty());
    }

    #[test]
    fn a_cut_line_does_not_end_with_the_start_of_a_secret() {
        let redactor = Redactor::new(["hunter2secret"]);
        assert_eq!(&*redactor.line(b"key: hunter2", true), b"key: *******");
        assert_eq!(&*redactor.line(b"key: hunter2", false), b"key: hunter2");
    }

    #[test]
    fn json_stays_json_and_keeps_the_names_that_matter() {
        for (value, text, expect) in [
            ("500000", r#"{"value": 500000, "msg":"db gone"}"#, r#"{"value": "******", "msg":"db gone"}"#),
            ("500000", r#"{"value":[-1500000.5]}"#, r#"{"value":["**********"]}"#),
            ("timestamp", r#"{"timestamp":"timestamp"}"#, r#"{"timestamp":"*********"}"#),
            ("exception", r#"{"my_exception":"an exception"}"#, r#"{"my_exception":"an *********"}"#),
            (
                "hunter2secret",
                r#"{"hunter2secret":{"a":"hunter2secret"}}"#,
                r#"{"hunter2secret":{"a":"*************"}}"#,
            ),
            (
                "orange",
                r#"{"orange.alert":1,"orange":"orange","a b orange":2}"#,
                r#"{"orange.alert":1,"orange":"******","a b orange":2}"#,
            ),
            (
                "pin1",
                r#"{"pin1":"pin1","b":"{\"pin1\":\"pin1\"}","c":"a pin1"}"#,
                r#"{"pin1":"****","b":"{\"pin1\":\"****\"}","c":"a pin1"}"#,
            ),
            ("info", r#"{"level":"info"}"#, r#"{"level":"info"}"#),
            ("1,\"b\":2", r#"{"a":1,"b":2}"#, r#"{"a":"*","b":"*"}"#),
            ("nabcde", r#"{"a":"x\nabcde\n"}"#, r#"{"a":"x*******\n"}"#),
            ("abcdef\\", r#"{"a":"abcdef\\","b":1}"#, r#"{"a":"********","b":1}"#),
            ("9abcdef", r#"{"a":"\u00e9abcdef"}"#, r#"{"a":"************"}"#),
        ] {
            let redactor = Redactor::new([value]);
            assert_eq!(redactor.json(text), expect, "{value}");
            assert!(serde_json::from_str::<Value>(expect).is_ok(), "{expect}");
        }
    }
}
