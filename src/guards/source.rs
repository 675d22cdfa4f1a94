//! Where the figure of a guard comes from, and how it is read there.

use serde_json::Value;

pub(crate) use super::pile::Reading;
use super::prometheus::Selector;
use crate::json::lenient;

/// Where a figure comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// A place in the performance report, as a JSON pointer.
    Performance { pointer: String },
    /// A field of the records of the log; inner ones after a dot.
    Log { field: String },
    /// Records of the log whose field says this.
    Count { field: String, value: String },
    /// The processes of the command.
    Process(OfProcess),
    /// A server that tells its figures in the text form of Prometheus.
    Prometheus { url: String, selector: Selector },
    /// What a program prints.
    Exec { command: Vec<String> },
}

/// What of the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OfProcess {
    /// Resident memory in bytes.
    Rss,
    /// CPU time in percent of one core.
    Cpu,
    /// Open files.
    Fds,
}

/// The kinds, as they are written.
pub(crate) const KINDS: &str = "performance:/POINTER, log:FIELD, count:FIELD=VALUE, process:rss|cpu|fds, prometheus:URL#metric{label=\"x\"}, \
     exec:PROGRAM ARGUMENTS";

impl Source {
    /// Reads a source.
    ///
    /// # Errors
    /// Says what is wrong and what can be written.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some((kind, rest)) = text.trim().split_once(':') else {
            return Err(format!("`{text}` is no source; write one of {KINDS}"));
        };
        let rest = rest.trim();
        if rest.is_empty() {
            return Err(format!("nothing follows `{kind}:`; write one of {KINDS}"));
        }
        Ok(match kind.trim() {
            "performance" if rest.starts_with('/') => Self::Performance { pointer: rest.to_owned() },
            "performance" => return Err("write a JSON pointer, such as performance:/latency/p99_s".to_owned()),
            "log" => Self::Log { field: rest.to_owned() },
            "count" => match rest.split_once('=') {
                Some((field, value)) if !field.trim().is_empty() && !value.trim().is_empty() => {
                    Self::Count { field: field.trim().to_owned(), value: value.trim().to_owned() }
                }
                _ => return Err("write count:FIELD=VALUE, such as count:event=invariant_breach".to_owned()),
            },
            "process" => Self::Process(match rest {
                "rss" => OfProcess::Rss,
                "cpu" => OfProcess::Cpu,
                "fds" => OfProcess::Fds,
                _ => return Err(format!("`{rest}` is not measured of processes; write rss, cpu or fds")),
            }),
            "prometheus" => {
                let Some((url, selector)) = rest.split_once('#') else {
                    return Err("write the metric after a #: prometheus:http://127.0.0.1:9090/metrics#up".to_owned());
                };
                if !url.starts_with("http://") && !url.starts_with("https://") {
                    return Err(format!("`{url}` is no URL of HTTP"));
                }
                Self::Prometheus { url: url.to_owned(), selector: Selector::parse(selector)? }
            }
            "exec" => Self::Exec { command: rest.split_whitespace().map(str::to_owned).collect() },
            _ => return Err(format!("unknown source `{kind}`; write one of {KINDS}")),
        })
    }

    /// What the figure is called there, which may tell its unit.
    pub(crate) fn named(&self) -> &str {
        match self {
            Self::Performance { pointer } => pointer,
            Self::Log { field } => field,
            Self::Prometheus { selector, .. } => &selector.metric,
            Self::Count { .. } | Self::Process(_) | Self::Exec { .. } => "",
        }
    }

    /// Whether lines of the log tell it, and nobody need be asked.
    pub(crate) fn is_of_log(&self) -> bool {
        matches!(self, Self::Log { .. } | Self::Count { .. })
    }
}

/// What a performance report says at a place; with the samples that the same object states.
///
/// # Errors
/// Says why there is no figure.
pub(crate) fn in_report(report: &Value, pointer: &str) -> Result<Reading, String> {
    let found = report.pointer(pointer).ok_or_else(|| format!("the report has no {pointer}"))?;
    let number = match found {
        Value::Null => return Err(format!("{pointer} is null")),
        // A sample that is none is a bad one.
        other => lenient::number(other).filter(|_| !other.is_boolean()).unwrap_or(f64::NAN),
    };
    let holder = pointer.rfind('/').and_then(|end| report.pointer(&pointer[..end]));
    let stated = |key: &&str| lenient::natural(holder?.get(*key)).filter(|samples| *samples > 0);
    let samples = ["samples", "latency_samples", "sample_count", "count"].iter().find_map(stated);
    Ok(Reading::Value(number, samples.unwrap_or(1)))
}

/// What a program printed: its last line is a number.
///
/// # Errors
/// It is none.
pub(crate) fn printed(said: &str) -> Result<Reading, String> {
    let line = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let line = line.ok_or("it printed nothing")?;
    let number = line.parse::<f64>().map_err(|_| format!("its last line is no number: {line}"))?;
    Ok(Reading::Value(number, 1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sources_are_read_or_refused() {
        for text in [
            "performance:/latency/p99_s",
            "log:latency.ms",
            "count:event=invariant_breach",
            "process:fds",
            "prometheus:http://127.0.0.1:9090/metrics#up{job=\"x\"}",
            "exec:tools/depth --json",
        ] {
            assert!(Source::parse(text).is_ok(), "{text}");
        }
        for (text, why) in [
            ("latency", "is no source"),
            ("performance:latency", "JSON pointer"),
            ("count:event", "count:FIELD=VALUE"),
            ("process:threads", "rss, cpu or fds"),
            ("prometheus:http://h/metrics", "after a #"),
            ("prometheus:h#up", "no URL"),
            ("magic:1", "unknown source"),
            ("log:", "nothing follows"),
        ] {
            let said = Source::parse(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn reports_and_programs_tell_figures() {
        let report = json!({"latency": {"p99_s": 0.04, "samples": 250, "worst": null, "text": "fast"}, "alone": 3});
        for (pointer, expect) in [
            ("/latency/p99_s", Some((0.04, 250))),
            ("/alone", Some((3.0, 1))),
            ("/latency/worst", None),
            ("/latency/p50_s", None),
        ] {
            let read = in_report(&report, pointer).ok();
            assert_eq!(read, expect.map(|(value, samples)| Reading::Value(value, samples)), "{pointer}");
        }
        assert!(matches!(in_report(&report, "/latency/text"), Ok(Reading::Value(value, _)) if value.is_nan()));
        assert_eq!(printed("depth:\n42\n\n"), Ok(Reading::Value(42.0, 1)));
        assert!(printed("none").is_err() && printed("").is_err());
    }
}
