//! Cuts the text of a diary into the JSON values that it holds, one at a time: a diary may be far larger than memory.

use std::io::{self, Read};

/// The longest value that is read whole, in bytes.
const VALUE_LIMIT: usize = 16 << 20;

/// Why the text could not be cut further.
pub(super) enum Broken {
    /// It is no JSON.
    Syntax(String),
    /// It cannot be read.
    Input(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Input(error)
    }
}

/// The text of a diary, from its start to its end.
pub(super) struct Document<R> {
    input: R,
    chunk: Vec<u8>,
    at: usize,
    /// The line of the next byte, from 1.
    pub(super) line: u64,
}

impl<R: Read> Document<R> {
    pub(super) fn new(input: R) -> Result<Self, Broken> {
        let mut document = Self { input, chunk: Vec::new(), at: 0, line: 1 };
        if document.peek()? == Some(0xef) {
            (0..3).try_for_each(|_| document.next().map(drop))?;
        }
        Ok(document)
    }

    /// The next byte, which stays where it is.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        if self.at == self.chunk.len() {
            self.chunk.clear();
            self.at = 0;
            // By hand, so that an interrupted call is repeated.
            (&mut self.input).take(64 << 10).read_to_end(&mut self.chunk)?;
        }
        Ok(self.chunk.get(self.at).copied())
    }

    fn next(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.at += 1;
            self.line += u64::from(byte == b'\n');
        }
        Ok(byte)
    }

    /// The next byte that is no blank, which stays where it is.
    pub(super) fn peek_word(&mut self) -> Result<Option<u8>, Broken> {
        while self.peek()?.is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.next()?;
        }
        Ok(self.peek()?)
    }

    /// Takes one of `expected`, after blanks.
    pub(super) fn take(&mut self, expected: &[u8]) -> Result<u8, Broken> {
        match self.peek_word()? {
            Some(byte) if expected.contains(&byte) => {
                self.next()?;
                Ok(byte)
            }
            found => {
                let expected: Vec<String> = expected.iter().map(|byte| format!("`{}`", char::from(*byte))).collect();
                let found = match found {
                    Some(byte) => format!("not `{}`", char::from(byte).escape_default()),
                    None => "but the text ends".to_owned(),
                };
                Err(Broken::Syntax(format!("expected {} at line {}, {found}", expected.join(" or "), self.line)))
            }
        }
    }

    /// Adds the next value to `text`, as it is written. Its brackets and quotes are paired; else nothing is checked.
    pub(super) fn value(&mut self, text: &mut Vec<u8>) -> Result<(), Broken> {
        let mut depth = 0_usize;
        self.peek_word()?;
        let start = text.len();
        while let Some(byte) = self.peek()? {
            match byte {
                b'"' => self.string(text)?,
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => depth -= 1,
                b',' | b'}' | b']' if depth == 0 => return Ok(()),
                byte if depth == 0 && byte.is_ascii_whitespace() => return Ok(()),
                _ => {}
            }
            if byte != b'"' {
                text.push(byte);
                self.next()?;
            }
            if depth == 0 && matches!(byte, b'"' | b'}' | b']') {
                return Ok(());
            }
            if text.len() - start > VALUE_LIMIT {
                return Err(too_long("a value", self.line));
            }
        }
        if depth == 0 {
            Ok(())
        } else {
            Err(Broken::Syntax(format!("the text ends within a value at line {}", self.line)))
        }
    }

    fn string(&mut self, text: &mut Vec<u8>) -> Result<(), Broken> {
        let line = self.line;
        let start = text.len();
        text.extend(self.next()?);
        let mut escaped = false;
        while let Some(byte) = self.next()? {
            text.push(byte);
            match byte {
                b'"' if !escaped => return Ok(()),
                // What follows could be anything.
                b'\n' => break,
                _ => escaped = byte == b'\\' && !escaped,
            }
            if text.len() - start > VALUE_LIMIT {
                return Err(too_long("a text", line));
            }
        }
        Err(Broken::Syntax(format!("a text that starts at line {line} does not end in it")))
    }

    /// The next line into `text`, without its end; false where there is none.
    pub(super) fn line(&mut self, text: &mut Vec<u8>) -> Result<bool, Broken> {
        text.clear();
        let line = self.line;
        let any = self.peek()?.is_some();
        while let Some(byte) = self.next()? {
            if byte == b'\n' {
                break;
            }
            text.push(byte);
            if text.len() > VALUE_LIMIT {
                return Err(too_long("a line", line));
            }
        }
        Ok(any)
    }
}

fn too_long(what: &str, line: u64) -> Broken {
    Broken::Syntax(format!("{what} at line {line} is longer than {} MiB", VALUE_LIMIT >> 20))
}
