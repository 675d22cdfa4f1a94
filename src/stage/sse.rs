//! Server-sent events, decoded as the HTML standard says, however the bytes are cut into chunks.

use std::time::Duration;

/// The longest line and the largest event that are kept; what is larger is dropped and counted.
const LIMIT: usize = 4 << 20;

/// One dispatched event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The `event` field; `message` where there is none.
    pub name: String,
    /// The `data` lines, joined by line feeds.
    pub data: String,
}

/// Turns bytes into events.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    started: bool,
    after_cr: bool,
    too_long: bool,
    name: String,
    data: String,
    has_data: bool,
    id: String,
    last_id: String,
    retry: Option<Duration>,
    oversized: u64,
}

impl Decoder {
    /// A decoder for a stream that takes up another: it starts with the id that the other one ended with.
    pub fn after(last_id: &str) -> Self {
        Self { id: last_id.to_owned(), last_id: last_id.to_owned(), ..Self::default() }
    }

    /// Takes the next bytes and hands every event that they complete to `dispatch`.
    pub fn feed(&mut self, mut bytes: &[u8], mut dispatch: impl FnMut(Event)) {
        while let Some(&first) = bytes.first() {
            // CR ends a line at once; an LF right after it, in whatever chunk, belongs to the same line end.
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', bytes);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + part.len() > LIMIT {
                self.too_long = true;
            } else {
                self.line.extend_from_slice(part);
            }
            let Some(end) = end else { return };
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line(&mut dispatch);
        }
    }

    /// The id for `Last-Event-ID`; empty where the server sent none.
    pub fn last_id(&self) -> &str {
        &self.last_id
    }

    /// The server's wish for the delay before a stream is opened again.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Events that were dropped because they were too large.
    pub fn oversized(&self) -> u64 {
        self.oversized
    }

    fn end_line(&mut self, dispatch: &mut impl FnMut(Event)) {
        let bytes = std::mem::take(&mut self.line);
        let mut line = &bytes[..];
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            self.end_event(dispatch);
        } else {
            self.field(&String::from_utf8_lossy(line));
        }
        self.line = bytes;
        self.line.clear();
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => {
                if self.data.len() + value.len() > LIMIT {
                    self.too_long = true;
                    return;
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.name),
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry = value.parse().ok().map(Duration::from_millis);
            }
            // Comments (an empty name) and unknown fields.
            _ => {}
        }
    }

    fn end_event(&mut self, dispatch: &mut impl FnMut(Event)) {
        self.id.clone_into(&mut self.last_id);
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        let has_data = std::mem::take(&mut self.has_data);
        if std::mem::take(&mut self.too_long) {
            self.oversized += 1;
        } else if has_data {
            dispatch(Event { name: if name.is_empty() { "message".to_owned() } else { name }, data });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(chunks: &[&[u8]]) -> (Vec<(String, String)>, Decoder) {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for chunk in chunks {
            decoder.feed(chunk, |event| events.push((event.name, event.data)));
        }
        (events, decoder)
    }

    #[test]
    fn fields_and_line_ends() {
        for (text, expect) in [
            ("data: a\n\ndata:b\n\n", &[("message", "a"), ("message", "b")][..]),
            ("data: a\r\n\r\ndata: b\r\rdata: c\n\r", &[("message", "a"), ("message", "b"), ("message", "c")]),
            ("\u{feff}data: a\n\n\u{feff}data: b\n\n", &[("message", "a")]),
            (":note\ndata: {\ndata:  1\n: x\ndata: }\n\n", &[("message", "{\n 1\n}")]),
            ("event: alert\ndata: a\n\ndata: b\n\n", &[("alert", "a"), ("message", "b")]),
            ("event: alert\n\ndata: b\n\n", &[("message", "b")]),
            ("data\ndata\n\n", &[("message", "\n")]),
            ("data\n\nfoo: x\nbar\n\n", &[("message", "")]),
            ("data: unfinished\n", &[]),
        ] {
            let expect: Vec<_> = expect.iter().map(|(n, d)| ((*n).to_owned(), (*d).to_owned())).collect();
            assert_eq!(decode(&[text.as_bytes()]).0, expect, "{text:?}");
        }
        assert_eq!(decode(&[b"data: a\xff\xc3\n\n"]).0, [("message".to_owned(), "a\u{fffd}\u{fffd}".to_owned())]);
    }

    #[test]
    fn ids_and_delays() {
        let (_, decoder) = decode(&[b"id: 7\nretry: 1500\ndata: a\n\nid: 8\x00\nretry: 1s\nretry: -1\n\nid: 9\n"]);
        assert_eq!((decoder.last_id(), decoder.retry()), ("7", Some(Duration::from_millis(1500))));
        let mut again = Decoder::after("7");
        again.feed(b"data: x\n\n", |_| {});
        assert_eq!(again.last_id(), "7");
    }

    #[test]
    fn what_is_too_large_is_dropped_and_counted() {
        let huge = vec![b'x'; LIMIT + 1];
        let (events, decoder) = decode(&[b"data: ", &huge, b"\n\ndata: a\n\n"]);
        assert_eq!((events.len(), decoder.oversized()), (1, 1));
    }

    proptest::proptest! {
        #[test]
        fn chunks_make_no_difference(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "data: a", "data:ä\u{1f701}", "data", "id: 3", "event: e", "retry: 9", ":c", "\n", "\r", "\r\n", "\n\n", "\u{feff}",
            ]), 0..40),
            cuts in proptest::collection::vec(0..200_usize, 0..20),
        ) {
            let text = parts.concat().into_bytes();
            let (whole, one) = decode(&[&text]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let (cut, two) = decode(&chunks);
            proptest::prop_assert_eq!(whole, cut);
            proptest::prop_assert_eq!((one.last_id(), one.retry()), (two.last_id(), two.retry()));
        }
    }
}
