//! The course of a run, from its timeline and from the snapshots that a reader saw: curves for a row of columns.

use serde::Deserialize;
use serde_json::Value;

use super::progress_reader::View;
use crate::json::lenient;
use crate::time::Stamp;

/// Above this the samples are thinned, so that watching for weeks costs no more than watching for a day.
const MOST: usize = 4096;

/// What one snapshot says about the course of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Seconds since the start.
    pub elapsed: f64,
    /// Lines captured up to here.
    pub lines: Option<f64>,
    /// CPU in percent of one core.
    pub cpu: Option<f64>,
    /// Resident memory in bytes.
    pub rss: Option<f64>,
}

impl Sample {
    /// Reads only what a curve needs from a snapshot of the timeline; `None` for what is no snapshot, or one of
    /// another run than the one that began at `started_at`.
    pub(crate) fn parse(bytes: &[u8], started_at: Option<Stamp>) -> Option<Self> {
        // Other keys are skipped without being built: a timeline may hold thousands of long incident lists.
        #[derive(Deserialize)]
        struct Lean {
            elapsed_seconds: Option<Value>,
            total_lines: Option<Value>,
            now: Option<Value>,
            started_at: Option<Value>,
            resources: Option<LeanResources>,
        }
        #[derive(Deserialize)]
        struct LeanResources {
            cpu_percent: Option<Value>,
            rss_bytes: Option<Value>,
        }
        let lean: Lean = serde_json::from_slice(bytes).ok()?;
        let stamp = |value: Option<Value>| Stamp::parse(value?.as_str()?);
        let began = stamp(lean.started_at);
        if began.is_some() && started_at.is_some() && began != started_at {
            return None;
        }
        let elapsed =
            lenient::real(lean.elapsed_seconds.as_ref()).or_else(|| Some(stamp(lean.now)?.seconds_since(began?)))?;
        Some(Self {
            elapsed,
            lines: lenient::real(lean.total_lines.as_ref()),
            cpu: lean.resources.as_ref().and_then(|used| lenient::real(used.cpu_percent.as_ref())),
            rss: lean.resources.as_ref().and_then(|used| lenient::real(used.rss_bytes.as_ref())),
        })
    }

    /// The sample of a snapshot; `None` if it does not say how long the run has lasted.
    pub(crate) fn of(view: &View) -> Option<Self> {
        let elapsed = view.elapsed_seconds.or_else(|| Some(view.now?.seconds_since(view.started_at?)))?;
        let resources = view.resources.as_ref();
        Some(Self {
            elapsed,
            lines: view.total_lines.map(|lines| lines as f64),
            cpu: resources.and_then(|used| used.cpu_percent),
            rss: resources.and_then(|used| used.rss_bytes).map(|bytes| bytes as f64),
        })
    }
}

/// The samples of one run in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct History {
    samples: Vec<Sample>,
}

impl History {
    /// Adds a sample; one of the same instant replaces the earlier.
    pub(crate) fn add(&mut self, sample: Sample) {
        let at = self.samples.partition_point(|other| other.elapsed < sample.elapsed);
        match self.samples.get_mut(at) {
            Some(same) if same.elapsed == sample.elapsed => *same = sample,
            _ => self.samples.insert(at, sample),
        }
        if self.samples.len() > MOST {
            let mut keep = false;
            self.samples.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }

    /// Lines per second in each of `columns` equal parts of `span` seconds. `None` if nothing is known;
    /// exactly zero only where no line came.
    pub(crate) fn rates(&self, columns: usize, span: f64) -> Vec<Option<f64>> {
        let known: Vec<(f64, f64)> = self.samples.iter().filter_map(|s| Some((s.elapsed, s.lines?))).collect();
        let (Some(first), Some(last)) = (known.first(), known.last()) else { return vec![None; columns] };
        let mut next = 0;
        let mut lines_at = |t: f64| {
            while next + 1 < known.len() && known[next + 1].0 < t {
                next += 1;
            }
            let (t0, l0) = known[next];
            match known.get(next + 1) {
                Some((t1, l1)) if t > t0 => l0 + (l1 - l0) * ((t - t0) / (t1 - t0)),
                _ => l0,
            }
        };
        let width = span / columns.max(1) as f64;
        (0..columns)
            .map(|column| {
                let from = (width * column as f64).max(first.0);
                let to = (width * (column + 1) as f64).min(last.0);
                // A sliver of a column says too little to draw.
                if to - from < width * 0.05 || width <= 0.0 {
                    return None;
                }
                let lines = lines_at(from);
                let more = lines_at(to) - lines;
                // Interpolation leaves dust where nothing came.
                Some(if more < 1e-9 * lines.max(1.0) { 0.0 } else { more / (to - from) })
            })
            .collect()
    }

    /// The highest value of `pick` in each of `columns` equal parts of `span` seconds; the value before holds
    /// until the next sample. `None` before the first.
    pub(crate) fn highest(&self, columns: usize, span: f64, pick: fn(&Sample) -> Option<f64>) -> Vec<Option<f64>> {
        let mut peaks: Vec<Option<f64>> = vec![None; columns];
        let end = self.samples.last().map_or(0.0, |last| last.elapsed);
        let column_of = |elapsed: f64| ((elapsed / span * columns as f64) as usize).min(columns.saturating_sub(1));
        if columns == 0 || span <= 0.0 {
            return peaks;
        }
        let mut last_of = peaks.clone();
        for sample in &self.samples {
            if let Some(value) = pick(sample) {
                let column = column_of(sample.elapsed);
                peaks[column] = Some(peaks[column].map_or(value, |peak| peak.max(value)));
                last_of[column] = Some(value);
            }
        }
        let mut held = None;
        for column in 0..=column_of(end) {
            peaks[column] = peaks[column].or(held);
            held = last_of[column].or(held);
        }
        peaks
    }

    /// Lines per second between the last two samples that differ in time, but over no less than a minute where
    /// there is one.
    pub(crate) fn rate_now(&self) -> Option<f64> {
        let mut known = self.samples.iter().rev().filter_map(|s| Some((s.elapsed, s.lines?)));
        let last = known.next()?;
        let mut first = None;
        for sample in known {
            first = Some(sample);
            if last.0 - sample.0 >= 60.0 {
                break;
            }
        }
        let (elapsed, lines) = first?;
        Some(((last.1 - lines) / (last.0 - elapsed)).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(points: &[(f64, f64)]) -> History {
        let mut history = History::default();
        for &(elapsed, lines) in points {
            history.add(Sample { elapsed, lines: Some(lines), cpu: Some(lines), rss: None });
        }
        history
    }

    #[test]
    fn a_silence_is_zero_and_the_unknown_is_nothing() {
        let history = history(&[(10.0, 5.0), (20.0, 15.0), (30.0, 15.0), (40.0, 35.0)]);
        assert_eq!(history.rates(5, 50.0), [None, Some(1.0), Some(0.0), Some(2.0), None]);
        assert_eq!(history.highest(5, 50.0, |s| s.cpu), [None, Some(5.0), Some(15.0), Some(15.0), Some(35.0)]);
        assert_eq!(history.highest(5, 50.0, |s| s.rss), [None; 5]);
    }

    #[test]
    fn curves_hold_together_at_the_edges() {
        assert_eq!(History::default().rates(3, 9.0), [None; 3]);
        assert_eq!(history(&[(0.0, 0.0)]).rates(3, 0.0), [None; 3]);
        assert!(history(&[(0.0, 0.0), (9.0, 9.0)]).rates(0, 9.0).is_empty());
        assert_eq!(history(&[(5.0, 9.0), (6.0, 3.0)]).rates(1, 6.0), [Some(0.0)], "a counter that fell");
        assert_eq!(history(&[(0.0, 0.0), (10.0, 50.0)]).rate_now(), Some(5.0));
        assert_eq!(history(&[(0.0, 0.0)]).rate_now(), None);
    }

    #[test]
    fn a_long_run_is_thinned_but_keeps_its_curve() {
        let points: Vec<(f64, f64)> = (0..20_000).map(|i| (f64::from(i), f64::from(i) * 2.0)).collect();
        let history = history(&points);
        assert!(history.samples.len() <= MOST);
        assert!(history.rates(10, 19_000.0).iter().all(|rate| rate.is_some_and(|rate| (rate - 2.0).abs() < 1e-6)));
    }

    #[test]
    fn timelines_of_other_writers_are_read() {
        let text = br#"{"now":"2025-01-06T00:01:00Z","started_at":"2025-01-06T00:00:00Z","total_lines":7,
            "incidents":[{"a":[1,2,{}]}]}"#;
        let sample = Sample { elapsed: 60.0, lines: Some(7.0), cpu: None, rss: None };
        assert_eq!(Sample::parse(text, None), Some(sample));
        assert_eq!(Sample::parse(text, Stamp::parse("2025-01-06T00:00:00Z")), Some(sample));
        assert_eq!(Sample::parse(text, Stamp::parse("2025-01-07T00:00:00Z")), None, "another run");
        assert_eq!(Sample::parse(b"{\"half\":", None), None);
        assert_eq!(Sample::parse(b"[]", None), None);
    }
}
