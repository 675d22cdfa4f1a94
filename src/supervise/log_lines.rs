//! Lines of a structured log, as people look at them while a run lasts.

use serde::Deserialize;

use crate::finding::Status;
use crate::level::Level;

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// Its number in its file, from 1, where that is known.
    pub number: Option<u64>,
    /// Its time as the log states it, to the second; empty where it states none.
    pub time: String,
    /// Its level as the log states it; empty where it states none.
    pub level: String,
    /// What it says.
    pub text: String,
    /// The workload that printed it, where there are several.
    pub source: String,
    /// When it was received, in microseconds since the start of the run; 0 where that is not stated.
    pub received: u64,
}

/// The end of a log, or the lines around an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogView {
    /// The file, or what else is shown, as it is called.
    pub file: String,
    /// The line that the incident is at.
    pub hit: Option<u64>,
    /// In the order of the file; of several files in that of receipt.
    pub lines: Vec<LogLine>,
    /// Why there are none.
    pub problem: Option<String>,
}

impl LogLine {
    /// Reads a line of our own captures; of other logs the whole line is the text.
    pub(crate) fn parse(line: &[u8], number: Option<u64>) -> Self {
        #[derive(Deserialize)]
        struct Lean {
            timestamp: Option<String>,
            level: Option<String>,
            message: Option<String>,
            source: Option<String>,
            received: Option<f64>,
        }
        match serde_json::from_slice::<Lean>(line) {
            Ok(Lean { timestamp, level, message: Some(text), source, received }) => Self {
                number,
                source: source.unwrap_or_default(),
                received: (received.unwrap_or_default() * 1e6) as u64,
                time: timestamp.and_then(|time| Some(time.get(11..19)?.to_owned())).unwrap_or_default(),
                level: level.unwrap_or_default(),
                text,
            },
            _ => Self { number, text: String::from_utf8_lossy(line).trim_end().to_owned(), ..Self::default() },
        }
    }

    /// How bad its level is.
    pub(crate) fn status(&self) -> Status {
        if self.level.is_empty() { Status::Pass } else { Level::from_word(&self.level).status() }
    }

    /// Whether it holds a text, whatever the case.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        [&self.text, &self.level, &self.source].iter().any(|part| part.to_lowercase().contains(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_our_captures_and_others_are_read() {
        let line = br#"{"timestamp":"2025-03-03T08:00:01.5Z","level":"error","message":"DB gone","payload":{}}"#;
        let read = LogLine::parse(line, Some(7));
        assert_eq!((read.time.as_str(), read.status(), read.number), ("08:00:01", Status::Fail, Some(7)));
        assert!(read.holds("db") && read.holds("ERR") && !read.holds("x"));
        assert_eq!(LogLine::parse(b"plain text\n", None).text, "plain text");
    }
}
