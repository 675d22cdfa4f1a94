//! Delimits and checks JSON values without building them.

/// A value as it is in the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Raw<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written; also `NaN`, `Infinity` and `-Infinity`.
    Number(&'a [u8]),
    /// A string.
    Text(Text<'a>),
    /// `[…]`
    Array(&'a [u8]),
    /// `{…}`
    Object(&'a [u8]),
}

/// A string between its quotes, still escaped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Text<'a> {
    /// The bytes between the quotes.
    pub bytes: &'a [u8],
    /// Whether there is a backslash among them.
    pub escaped: bool,
}

/// A place in a line.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    /// The next byte.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes over a byte if it is the next one.
    #[inline(always)]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Passes over white space.
    #[inline(always)]
    pub(crate) fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Passes over a string, and gives it.
    #[inline(always)]
    pub(crate) fn text(&mut self) -> Option<Text<'a>> {
        self.eat(b'"').then_some(())?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = special(self.bytes, self.at)?;
            match self.bytes[self.at] {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += match *self.bytes.get(self.at + 1)? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                        b'u' if self.bytes.get(self.at + 2..self.at + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
                        _ => return None,
                    };
                }
                _ => return None,
            }
        }
        let bytes = &self.bytes[start..self.at];
        self.at += 1;
        Some(Text { bytes, escaped })
    }

    /// Passes over a value, and gives it.
    #[inline(always)]
    pub(crate) fn value(&mut self) -> Option<Raw<'a>> {
        let start = self.at;
        Some(match self.peek()? {
            b'"' => Raw::Text(self.text()?),
            b'{' => {
                self.skip_nested()?;
                Raw::Object(&self.bytes[start..self.at])
            }
            b'[' => {
                self.skip_nested()?;
                Raw::Array(&self.bytes[start..self.at])
            }
            _ => self.scalar()?,
        })
    }

    #[inline(always)]
    fn scalar(&mut self) -> Option<Raw<'a>> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let (value, len) = match rest.first()? {
            b't' if rest.starts_with(b"true") => (Raw::Bool(true), 4),
            b'f' if rest.starts_with(b"false") => (Raw::Bool(false), 5),
            b'n' if rest.starts_with(b"null") => (Raw::Null, 4),
            b'N' if rest.starts_with(b"NaN") => (Raw::Number(&rest[..3]), 3),
            b'I' if rest.starts_with(b"Infinity") => (Raw::Number(&rest[..8]), 8),
            b'-' if rest.starts_with(b"-Infinity") => (Raw::Number(&rest[..9]), 9),
            _ => {
                let len = number_len(rest)?;
                (Raw::Number(&rest[..len]), len)
            }
        };
        self.at += len;
        Some(value)
    }

    /// Passes over an object or array, checking its structure, with a stack of its own: no depth of nesting
    /// exhausts the thread's.
    fn skip_nested(&mut self) -> Option<()> {
        let mut open = Open::default();
        loop {
            // Here a value, or the end of an empty container, is due.
            self.blanks();
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    self.blanks();
                    if self.peek()? != b'}' {
                        open.push(true);
                        self.key()?;
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    self.blanks();
                    if self.peek()? != b']' {
                        open.push(false);
                        continue;
                    }
                    self.at += 1;
                }
                b'"' => {
                    self.text()?;
                }
                _ => {
                    self.scalar()?;
                }
            }
            // A value is complete: close what ends here, or go on to the next one.
            loop {
                let Some(object) = open.innermost() else { return Some(()) };
                self.blanks();
                if self.eat(if object { b'}' } else { b']' }) {
                    open.pop();
                    continue;
                }
                self.eat(b',').then_some(())?;
                if object {
                    self.blanks();
                    self.key()?;
                }
                break;
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.text()?;
        self.blanks();
        self.eat(b':').then_some(())
    }
}

/// The containers that are open, innermost last: one bit each, set for objects. Only deep nesting takes memory.
#[derive(Default)]
struct Open {
    bits: u64,
    depth: usize,
    outer: Vec<u64>,
}

impl Open {
    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }

    fn pop(&mut self) {
        self.bits >>= 1;
        self.depth = self.depth.saturating_sub(1);
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or(0);
        }
    }
}

/// The index of the next quote, backslash or control character, eight bytes at a time.
#[inline]
fn special(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    while let Some(word) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(word.try_into().ok()?);
        let quote = word ^ (ONES * 0x22);
        let slash = word ^ (ONES * 0x5c);
        // The usual test for a zero byte; the lowest hit is exact.
        let hit = (quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let hit = hit & (ONES * 0x80);
        if hit != 0 {
            return Some(at + (hit.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    bytes[at.min(bytes.len())..].iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f)).map(|i| at + i)
}

/// The length of the JSON number at the front.
#[inline]
fn number_len(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && bytes[at] == b'0') {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let part = digits(at + 1);
        if part == 0 {
            return None;
        }
        at += 1 + part;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let power = digits(at);
        if power == 0 {
            return None;
        }
        at += power;
    }
    Some(at)
}
