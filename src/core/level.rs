//! The severity of a log record, whatever vocabulary it was written in.

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

/// The number that a text for a level is. `inf` is a number to others, and short for information here.
pub fn number(text: &str) -> Option<f64> {
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic()) || !text.bytes().any(|b| b.is_ascii_digit());
    if word { None } else { text.parse().ok() }
}

impl Level {
    /// Reads a number that comes with nothing to tell its scale, by its size: of pino and bunyan (10 to 60), Monolog (100 to
    /// 600), `java.util.logging` (700 to 1000) or log4j (5000 to 50000).
    pub fn from_size(number: f64) -> Self {
        const SIZES: [(f64, Level); 15] = [
            (100.0, Level::Debug),
            (200.0, Level::Info),
            (250.0, Level::Notice),
            (300.0, Level::Warning),
            (400.0, Level::Error),
            (500.0, Level::Critical),
            (550.0, Level::Alert),
            (600.0, Level::Emergency),
            (700.0, Level::Debug),
            (800.0, Level::Info),
            (900.0, Level::Warning),
            (1000.0, Level::Error),
            (5000.0, Level::Trace),
            (10_000.0, Level::Debug),
            (20_000.0, Level::Info),
        ];
        match number {
            30_000.0 => Self::Warning,
            40_000.0 => Self::Error,
            50_000.0 => Self::Critical,
            number if number < 100.0 => Self::from_scale(number),
            number => SIZES.iter().find(|(size, _)| *size == number).map_or(Self::Unknown, |(_, level)| *level),
        }
    }

    /// Reads a number of a short scale: `levels` from 0 upwards.
    fn from_list(number: f64, levels: &[Self]) -> Self {
        let index = levels.iter().zip(0_u8..).find(|(_, index)| f64::from(*index) == number);
        index.map_or(Self::Unknown, |(level, _)| *level)
    }

    /// Reads the numbers of tslog: 0 silly to 6 fatal.
    pub fn from_tslog(number: f64) -> Self {
        use Level::{Critical, Debug, Error, Info, Trace, Warning};
        Self::from_list(number, &[Trace, Trace, Debug, Info, Warning, Error, Critical])
    }

    /// Reads the numbers of .NET: 0 trace to 5 critical.
    pub fn from_dot_net(number: f64) -> Self {
        use Level::{Critical, Debug, Error, Info, Trace, Warning};
        Self::from_list(number, &[Trace, Debug, Info, Warning, Error, Critical])
    }

    /// Reads the numbers of Windows events: 1 critical to 5 verbose, 0 always.
    pub fn from_windows(number: f64) -> Self {
        use Level::{Critical, Error, Info, Trace, Warning};
        Self::from_list(number, &[Info, Critical, Error, Warning, Info, Trace])
    }

    /// Reads the numbers of MySQL's log: 0 system, 1 error, 2 warning, 3 information.
    pub fn from_mysql(number: f64) -> Self {
        Self::from_list(number, &[Self::Notice, Self::Error, Self::Warning, Self::Info])
    }

    /// Reads the numbers of glog: 0 information to 3 fatal.
    pub fn from_glog(number: f64) -> Self {
        Self::from_list(number, &[Self::Info, Self::Warning, Self::Error, Self::Critical])
    }

    /// Reads the numbers of lager, the logger of Cloud Foundry: 0 debug to 3 fatal.
    pub fn from_lager(number: f64) -> Self {
        Self::from_list(number, &[Self::Debug, Self::Info, Self::Error, Self::Critical])
    }

    /// Reads the numbers of Nextcloud: 0 debug to 4 fatal.
    pub fn from_nextcloud(number: f64) -> Self {
        use Level::{Critical, Debug, Error, Info, Warning};
        Self::from_list(number, &[Debug, Info, Warning, Error, Critical])
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
        use Level::{Alert, Critical, Debug, Emergency, Error, Info, Notice, Warning};
        Self::from_list(number, &[Emergency, Alert, Critical, Error, Warning, Notice, Info, Debug])
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
            ("info INFORMATION i inf [INF] success http default INFO+2 30 35.5", Level::Info),
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
