//! The severity of a log record, whatever vocabulary it was written in.

use super::ansi;
use crate::finding::Status;

/// A severity, from the least to the most severe; [`Level::Unknown`] is a word or number that no vocabulary
/// defines. Such records are counted and shown, and nothing is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A word or number that no vocabulary defines.
    Unknown,
    /// Finer than debug.
    Trace,
    /// For developers.
    Debug,
    /// Ordinary operation.
    Info,
    /// Ordinary, but worth noting.
    Notice,
    /// Something may be wrong.
    Warning,
    /// Something failed.
    Error,
    /// A part of the system is unusable.
    Critical,
    /// Somebody must act at once.
    Alert,
    /// The whole system is unusable.
    Emergency,
}

impl Level {
    /// Reads a level word in any case, with brackets, a colon or colours around it, and numbers written as text.
    pub fn from_word(word: &str) -> Self {
        let word = ansi::strip(word);
        let word =
            word.trim_matches(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '<' | '>' | '(' | ')' | ':'));
        if let Ok(number) = word.parse::<f64>() {
            return Self::from_scale(number);
        }
        // Go's slog writes levels between the named ones as `INFO+2`.
        let word = match word.find(['+', '-']) {
            Some(at) if word[at + 1..].bytes().all(|b| b.is_ascii_digit()) && at + 1 < word.len() => &word[..at],
            _ => word,
        };
        let mut lower = [0_u8; 16];
        let Some(lower) = lower.get_mut(..word.len()) else { return Self::Unknown };
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        match &*lower {
            b"trace" | b"trc" | b"trce" | b"trac" | b"t" | b"verbose" | b"vrb" | b"v" | b"silly" | b"finest"
            | b"finer" | b"all" => Self::Trace,
            b"debug" | b"dbg" | b"dbug" | b"debu" | b"d" | b"fine" | b"config" => Self::Debug,
            b"info" | b"inf" | b"i" | b"information" | b"informational" | b"http" | b"success" | b"default"
            | b"log" => Self::Info,
            b"notice" | b"note" | b"n" | b"noti" => Self::Notice,
            b"warning" | b"warn" | b"w" | b"wrn" | b"warnings" => Self::Warning,
            b"error" | b"err" | b"e" | b"eror" | b"erro" | b"errors" | b"exception" | b"severe" | b"fail"
            | b"failure" | b"failed" | b"fault" => Self::Error,
            b"critical" | b"crit" | b"c" | b"crt" | b"fatal" | b"f" | b"ftl" | b"fata" | b"panic" | b"pnc"
            | b"dpanic" | b"pani" => Self::Critical,
            b"alert" | b"alrt" => Self::Alert,
            b"emergency" | b"emerg" => Self::Emergency,
            _ => Self::Unknown,
        }
    }

    /// Reads the scale of pino, bunyan and Python: 10 trace or debug, 20 debug, 30 information, 40 warning,
    /// 50 error, 60 fatal; numbers between two steps count as the lower one. Python's own 20 (information) and
    /// 30 (warning) mean something else and come with a `levelname`: any word wins over a number.
    pub fn from_scale(number: f64) -> Self {
        match number {
            n if !(10.0..70.0).contains(&n) => Self::Unknown,
            n if n < 20.0 => Self::Trace,
            n if n < 30.0 => Self::Debug,
            n if n < 40.0 => Self::Info,
            n if n < 50.0 => Self::Warning,
            n if n < 60.0 => Self::Error,
            _ => Self::Critical,
        }
    }

    /// Reads Python's `levelno`: 10 debug, 20 information, 30 warning, 40 error, 50 critical.
    pub fn from_python(number: f64) -> Self {
        match number {
            n if !(1.0..100.0).contains(&n) => Self::Unknown,
            n if n < 10.0 => Self::Trace,
            n if n < 20.0 => Self::Debug,
            n if n < 30.0 => Self::Info,
            n if n < 40.0 => Self::Warning,
            n if n < 50.0 => Self::Error,
            _ => Self::Critical,
        }
    }

    /// Reads the syslog severities 0 (emergency) to 7 (debug), as in GELF, journald and `<PRI>`.
    pub fn from_syslog(number: f64) -> Self {
        const SCALE: [Level; 8] = [
            Level::Emergency,
            Level::Alert,
            Level::Critical,
            Level::Error,
            Level::Warning,
            Level::Notice,
            Level::Info,
            Level::Debug,
        ];
        SCALE.iter().zip(0_u8..).find(|(_, n)| f64::from(*n) == number).map_or(Self::Unknown, |(level, _)| *level)
    }

    /// Reads the name of an OpenTelemetry severity, such as `SEVERITY_NUMBER_ERROR2`.
    pub fn from_otlp_name(name: &str) -> Self {
        let word = name.strip_prefix("SEVERITY_NUMBER_").unwrap_or(name);
        Self::from_word(word.trim_end_matches(|c: char| c.is_ascii_digit()))
    }

    /// Reads OpenTelemetry's `severityNumber`, 1 to 24, four for each level.
    pub fn from_otlp(number: f64) -> Self {
        match number {
            n if !(1.0..25.0).contains(&n) => Self::Unknown,
            n if n < 5.0 => Self::Trace,
            n if n < 9.0 => Self::Debug,
            n if n < 13.0 => Self::Info,
            n if n < 17.0 => Self::Warning,
            n if n < 21.0 => Self::Error,
            _ => Self::Critical,
        }
    }

    /// What a record of this level means for the verdict: errors and worse fail, warnings warn.
    pub fn status(self) -> Status {
        match self {
            Self::Error | Self::Critical | Self::Alert | Self::Emergency => Status::Fail,
            Self::Warning => Status::Warn,
            _ => Status::Pass,
        }
    }

    /// The lower-case word that we use for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_all_vocabularies_are_read() {
        for (words, expect) in [
            ("TRACE trce finest silly 10 19", Level::Trace),
            ("Debug DBUG fine 20", Level::Debug),
            ("info INFORMATION i success http default INFO+2 30 35.5", Level::Info),
            ("Notice", Level::Notice),
            ("WARNING warn W wrn [warn] 40", Level::Warning),
            ("error ERR E: exception SEVERE fail erro ERROR+1 50", Level::Error),
            ("Critical crit fatal F panic dpanic 60", Level::Critical),
            ("alert", Level::Alert),
            ("EMERG emergency", Level::Emergency),
            ("purple 5 0 70 -30 nan blocker x+y a-very-long-word-that-is-no-level", Level::Unknown),
        ] {
            for word in words.split(' ') {
                assert_eq!(Level::from_word(word), expect, "{word}");
            }
        }
        assert_eq!(Level::from_word(""), Level::Unknown);
    }

    #[test]
    fn scales_are_told_apart() {
        assert_eq!(Level::from_syslog(3.0), Level::Error);
        assert_eq!(Level::from_syslog(8.0), Level::Unknown);
        assert_eq!(Level::from_syslog(2.5), Level::Unknown);
        assert_eq!(Level::from_python(30.0), Level::Warning);
        assert_eq!(Level::from_python(f64::NAN), Level::Unknown);
        assert_eq!(Level::from_otlp(17.0), Level::Error);
        assert_eq!(Level::from_otlp(25.0), Level::Unknown);
        assert_eq!(Level::from_otlp_name("SEVERITY_NUMBER_WARN3"), Level::Warning);
        assert_eq!(Level::from_otlp_name("SEVERITY_NUMBER_UNSPECIFIED"), Level::Unknown);
    }
}
