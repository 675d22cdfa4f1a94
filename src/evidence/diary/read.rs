//! From the text of a diary to its entries, whichever form it has.

use std::io::Read;

use serde_json::{Map, Value};

use super::document::{Broken, Document};
use super::judge::{Entry, Judge};
use crate::finding::Status;
use crate::json::lenient;

/// Reads a diary to its end; entries and faults go to `judge` as they come.
pub(super) fn read(input: impl Read, judge: &mut Judge<'_>) {
    let mut line = 1;
    let read = Document::new(input).and_then(|document| {
        let mut reader = Reader { document, judge: &mut *judge, position: 0, text: Vec::new() };
        let read = reader.read();
        line = reader.document.line;
        read
    });
    match read {
        Ok(()) => {}
        Err(Broken::Syntax(reason)) => {
            judge.fault(Status::Fail, format!("the diary is not JSON: {reason}"), Some(line));
        }
        Err(Broken::Input(error)) => judge.unreadable(format!("the decision diary cannot be read: {error}")),
    }
}

fn looks_like_entry(object: &Map<String, Value>) -> bool {
    ["entry_id", "recorded_at", "policy_id", "decision", "outcomes"].iter().any(|key| object.contains_key(*key))
}

struct Reader<'a, 'j, R> {
    document: Document<R>,
    judge: &'a mut Judge<'j>,
    position: u64,
    /// The text of the value that is read.
    text: Vec<u8>,
}

impl<R: Read> Reader<'_, '_, R> {
    fn read(&mut self) -> Result<(), Broken> {
        match self.document.peek_word()? {
            None => {
                self.judge.fault(Status::Fail, "the diary is empty".to_owned(), None);
                return Ok(());
            }
            Some(b'[') => self.list()?,
            Some(b'{') => return self.object(),
            Some(_) => {
                self.text.clear();
                self.document.value(&mut self.text)?;
                let value = lenient::parse(&lenient::text(&self.text)).map_err(|error| syntax(&error))?;
                let reason = format!("the diary is {}, not an object with `entries` or a list", lenient::kind(&value));
                self.judge.fault(Status::Fail, reason, None);
            }
        }
        self.end()
    }

    /// Nothing but blanks may follow a document.
    fn end(&mut self) -> Result<(), Broken> {
        match self.document.peek_word()? {
            None => Ok(()),
            Some(_) => Err(Broken::Syntax(format!("more follows its end at line {}", self.document.line))),
        }
    }

    /// A list of entries.
    fn list(&mut self) -> Result<(), Broken> {
        self.document.take(b"[")?;
        if self.document.peek_word()? == Some(b']') {
            self.document.take(b"]")?;
            return Ok(());
        }
        loop {
            self.document.peek_word()?;
            let line = self.document.line;
            self.text.clear();
            self.document.value(&mut self.text)?;
            let text = std::mem::take(&mut self.text);
            match lenient::parse(&lenient::text(&text)) {
                Ok(value) => self.entry(value, line, &text, true),
                Err(error) => {
                    self.position += 1;
                    let line = line + (error.line() as u64).saturating_sub(1);
                    let reason = format!("entry {} is not JSON: {} at line {line}", self.position, bare(&error));
                    self.judge.fault(Status::Fail, reason, Some(line));
                }
            }
            self.text = text;
            if self.document.take(b",]")? == b']' {
                return Ok(());
            }
        }
    }

    /// What starts with an object: a store, one entry, or JSON Lines.
    fn object(&mut self) -> Result<(), Broken> {
        let start = self.document.line;
        let (text, streamed) = self.store()?;
        let Value::Object(object) = lenient::parse(&lenient::text(&text)).map_err(|error| syntax(&error))? else {
            return Ok(());
        };
        let end = self.document.line;
        let more = self.document.peek_word()?.is_some();
        if more && (start != end || self.document.line == end) {
            return self.end();
        }
        // Entries under another name are not judged.
        let lists = object.iter().filter(|(key, _)| *key != "entries" && !looks_like_entry(&object));
        let entries = |list: &Value| {
            list.as_array().is_some_and(|list| list.iter().filter_map(Value::as_object).any(looks_like_entry))
        };
        for (key, _) in lists.filter(|(_, list)| entries(list)) {
            let reason = format!("`{key}` holds entries, which are not judged: only those of `entries` are");
            self.judge.fault(Status::Warn, reason, Some(start));
        }
        match object.get("entries") {
            _ if streamed => {}
            Some(other) if !more => {
                let reason = format!("`entries` is {}, not a list", lenient::kind(other));
                self.judge.fault(Status::Fail, reason, None);
            }
            // A store says what it is by its `entries`.
            None if !more && !looks_like_entry(&object) => {}
            _ => self.entry(Value::Object(object), start, &text, false),
        }
        if more { self.lines() } else { Ok(()) }
    }

    /// The text of an object, without a list of entries in it, which are read on the way, and whether there was one.
    fn store(&mut self) -> Result<(Vec<u8>, bool), Broken> {
        let mut text = vec![self.document.take(b"{")?];
        let mut streamed = false;
        if self.document.peek_word()? == Some(b'}') {
            text.push(self.document.take(b"}")?);
            return Ok((text, false));
        }
        loop {
            self.document.peek_word()?;
            let key = text.len();
            self.document.value(&mut text)?;
            let is_entries = &text[key..] == b"\"entries\"";
            text.push(self.document.take(b":")?);
            if self.document.peek_word()? == Some(b'[') && is_entries {
                self.list()?;
                text.extend(b"[]");
                streamed = true;
            } else {
                self.document.value(&mut text)?;
            }
            let next = self.document.take(b",}")?;
            text.push(next);
            if next == b'}' {
                return Ok((text, streamed));
            }
        }
    }

    /// The rest of JSON Lines.
    fn lines(&mut self) -> Result<(), Broken> {
        let mut text = Vec::new();
        loop {
            let number = self.document.line;
            if !self.document.line(&mut text)? {
                return Ok(());
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            match lenient::parse(&lenient::text(&text)) {
                Ok(Value::Object(mut store)) if store.get("entries").is_some_and(Value::is_array) => {
                    if let Some(Value::Array(entries)) = store.remove("entries") {
                        entries.into_iter().for_each(|entry| self.entry(entry, number, &[], false));
                    }
                }
                Ok(value) => self.entry(value, number, &[], false),
                Err(error) => {
                    let reason = format!("line {number} is not JSON: {error}");
                    self.judge.fault(Status::Fail, reason, Some(number));
                }
            }
        }
    }

    /// One entry, which starts at `line` and is written as `text`. Its id is to be `unique` in a store; in JSON Lines a
    /// later line is an update.
    fn entry(&mut self, value: Value, line: u64, text: &[u8], unique: bool) {
        self.position += 1;
        let position = self.position;
        let Value::Object(content) = value else {
            let reason = format!("entry {position} is {}, not an object", lenient::kind(&value));
            return self.judge.fault(Status::Warn, reason, Some(line));
        };
        let member = |name: &str| match content.get(name) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Null) => Some("None".to_owned()),
            Some(other) => Some(other.to_string()),
        };
        let id = member("entry_id").filter(|id| !id.trim().is_empty() && !content["entry_id"].is_null());
        let before = id.as_ref().and_then(|_| memchr::memmem::find(text, content["entry_id"].to_string().as_bytes()));
        let entry = Entry {
            has_id: id.is_some(),
            name: id.unwrap_or_else(|| format!("entry {position}")),
            policy: member("policy_id").unwrap_or_else(|| "unknown".to_owned()),
            recorded_at: content.get("recorded_at").and_then(lenient::stamp),
            line: line + memchr::memchr_iter(b'\n', &text[..before.unwrap_or(0)]).count() as u64,
            content,
        };
        self.judge.entry(&entry, unique);
    }
}

fn syntax(error: &serde_json::Error) -> Broken {
    Broken::Syntax(bare(error))
}

/// What is wrong, without its place in a text that is a part of the file.
fn bare(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned()
}
