//! `guard_samples.jsonl`: what each look at a source gave, as it came. What was noted of a guard can be made again from it.

use serde_json::{Value, json};

use super::derive::{Noted, Stretch};
use super::pile::Reading;
use super::plan::{Guard, Stat};
use super::watch::Watch;
use crate::json::pull::{Members, Raw};
use crate::time::{Stamp, human_seconds};

/// The name of the file in the run directory.
pub(crate) const FILE_NAME: &str = "guard_samples.jsonl";
/// What comes when the file holds so many bytes is not kept.
pub(crate) const MOST_BYTES: u64 = 12 << 20;
/// The last line of a file that is full is so long at most.
const LAST: u64 = 1 << 20;

/// A look at the source of a guard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Look {
    /// Since the start of the run, to the millisecond.
    pub seconds: f64,
    /// The name of the guard.
    pub guard: String,
    pub reading: Result<Reading, String>,
}

/// The line that ends a file in which not all is kept.
pub(crate) fn full(seconds: f64) -> Value {
    json!({"seconds": seconds, "full": true})
}

impl Look {
    /// The line of the file. Keys are documented in `runbooks/formats.md`.
    pub(crate) fn line(&self) -> Value {
        let mut line = json!({"seconds": self.seconds, "guard": self.guard});
        match &self.reading {
            // What JSON has no number for is null: a bad sample.
            Ok(Reading::Value(value, samples)) => {
                line["value"] = json!(value);
                if *samples != 1 {
                    line["samples"] = json!(samples);
                }
            }
            Ok(Reading::Same) => line["same"] = json!(true),
            // The last bound of a histogram is no number.
            Ok(Reading::Buckets(buckets)) => {
                line["buckets"] = buckets.iter().map(|(bound, count)| json!([bound, count])).collect();
            }
            Err(why) => line["blind"] = json!(why),
        }
        line
    }

    fn read(line: &[u8]) -> Option<Self> {
        let mut look = Self { seconds: f64::NAN, guard: String::new(), reading: Ok(Reading::Same) };
        let (mut value, mut samples, mut told) = (None, 1, 0);
        for member in Members::new(line)? {
            let (key, found) = member.ok()?;
            match key.bytes {
                b"seconds" => look.seconds = found.number()?,
                b"guard" => look.guard = found.string()?.into_owned(),
                b"value" => value = Some(found.number().unwrap_or(f64::NAN)),
                b"samples" => samples = found.to_text().parse().ok()?,
                b"same" => (look.reading, told) = (Ok(Reading::Same), told + 1),
                b"blind" => (look.reading, told) = (Err(found.string()?.into_owned()), told + 1),
                b"buckets" => (look.reading, told) = (Ok(Reading::Buckets(buckets(found)?)), told + 1),
                _ => return None,
            }
        }
        if let Some(value) = value {
            (look.reading, told) = (Ok(Reading::Value(value, samples)), told + 1);
        }
        (told == 1 && look.seconds.is_finite()).then_some(look)
    }
}

fn buckets(found: Raw<'_>) -> Option<Vec<(f64, f64)>> {
    let pair = |raw: Raw<'_>| {
        let mut numbers = raw.elements().map(|number| number.number().unwrap_or(f64::INFINITY));
        Some((numbers.next()?, numbers.next()?))
    };
    found.elements().map(pair).collect()
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Looks {
    pub list: Vec<Look>,
    /// Whether there was no room for what came later.
    pub full: bool,
}

/// Reads a file up to a time of the run, in seconds. A last line without an end was cut off.
///
/// # Errors
/// Names the line that is none of such a file.
pub(crate) fn read(bytes: &[u8], until: f64) -> Result<Looks, String> {
    let mut looks = Looks::default();
    let whole = memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1);
    let lines = bytes[..whole].split(|b| *b == b'\n').filter(|line| !line.is_empty());
    for (number, line) in (1_u64..).zip(lines) {
        if line.ends_with(b"\"full\":true}") && bytes.len() as u64 + LAST >= MOST_BYTES {
            looks.full = true;
            break;
        }
        let look = Look::read(line).ok_or_else(|| format!("line {number} is no look at the source of a guard"))?;
        // Times are noted to the millisecond.
        if look.seconds <= until + 0.0005 {
            looks.list.push(look);
        }
    }
    Ok(looks)
}

/// What is noted of a guard that looks found this of, in a run that ended after so many seconds, or goes on.
pub(crate) fn noted<'l>(guard: &Guard, looks: impl Iterator<Item = &'l Look>, end: Option<f64>) -> Noted {
    let positive = guard.is_positive();
    let mut watch = Watch::new(guard);
    // What is noted by the wall clock is not made again.
    let Some(at) = Stamp::from_seconds(0) else { return Noted::default() };
    for look in looks {
        watch.read(guard, positive, look.seconds, look.reading.clone());
        watch.look(guard, (false, false), (look.seconds, at));
    }
    if let Some(end) = end.filter(|_| guard.stat == Stat::Delta && guard.window_seconds.is_none()) {
        watch.look(guard, (false, true), (end, at));
    }
    watch.evidence()
}

/// Where what was noted is not what the samples give; none if it is.
pub(crate) fn difference(stated: &Noted, made: &Noted) -> Option<String> {
    let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
        // What was written and read may differ in its last digit.
        (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
        (a, b) => a == b,
    };
    let text = |figure: Option<f64>| figure.map_or_else(|| "nothing".to_owned(), |figure| figure.to_string());
    for (name, says, is) in
        [("samples", stated.samples, made.samples), ("bad samples", stated.bad_samples, made.bad_samples)]
    {
        if says != is {
            return Some(format!("{says} {name}, and they are {is}"));
        }
    }
    if stated.stretches.len() != made.stretches.len() {
        return Some(format!("{} stretches, and they give {}", stated.stretches.len(), made.stretches.len()));
    }
    let same = |a: &Stretch, b: &Stretch| {
        (a.level, a.looks, a.samples) == (b.level, b.looks, b.samples)
            && close(Some(a.from_seconds), Some(b.from_seconds))
            && close(Some(a.to_seconds), Some(b.to_seconds))
            && close(a.worst, b.worst)
            && close(a.last, b.last)
    };
    if let Some((says, is)) = stated.stretches.iter().zip(&made.stretches).find(|(a, b)| !same(a, b)) {
        let after = human_seconds(says.from_seconds);
        let of = |of: &Stretch| format!("{} looks, worst {}, last {}", of.looks, text(of.worst), text(of.last));
        return Some(format!("after {after} {}, and they give {}", of(says), of(is)));
    }
    let points = stated.points.len() == made.points.len()
        && stated
            .points
            .iter()
            .zip(&made.points)
            .all(|(a, b)| close(Some(a.0), Some(b.0)) && close(Some(a.1), Some(b.1)));
    if !points {
        return Some("other points of its growth than they give".to_owned());
    }
    (stated.blind_because != made.blind_because).then(|| "another reason why nothing was to be seen".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_read_as_it_was_written() {
        let look = |reading| Look { seconds: 12.345, guard: "a \"b\"".to_owned(), reading };
        for reading in [
            Ok(Reading::Value(0.1 + 0.2, 1)),
            Ok(Reading::Value(-0.0, 300)),
            Ok(Reading::Value(f64::MAX, 0)),
            Ok(Reading::Value(5.0, u64::MAX)),
            Ok(Reading::Same),
            Ok(Reading::Buckets(vec![(0.1, 4.0), (f64::INFINITY, 9.0)])),
            Ok(Reading::Buckets(Vec::new())),
            Err("it exited with code 1\n\u{1b}".to_owned()),
        ] {
            let kept = look(reading);
            assert_eq!(Look::read(kept.line().to_string().as_bytes()), Some(kept.clone()), "{kept:?}");
        }
        let bad = Look::read(look(Ok(Reading::Value(f64::NAN, 1))).line().to_string().as_bytes()).unwrap();
        assert!(matches!(bad.reading, Ok(Reading::Value(value, 1)) if value.is_nan()), "{bad:?}");
    }

    #[test]
    fn what_is_no_look_is_refused_at_its_line() {
        let fine = r#"{"seconds":1.5,"guard":"g","value":5.0}"#;
        for line in [
            "x",
            "{}",
            r#"{"seconds":1.5,"guard":"g"}"#,
            r#"{"seconds":1.5,"guard":"g","value":5,"same":true}"#,
            r#"{"seconds":"1","guard":"g","value":5}"#,
            r#"{"seconds":NaN,"guard":"g","value":5}"#,
            r#"{"seconds":1.5,"guard":"g","value":5,"more":1}"#,
            r#"{"seconds":1.5,"guard":"g","value":5,"samples":-1}"#,
            r#"{"seconds":1.5,"full":true}"#,
        ] {
            let told = read(format!("{fine}\n{line}\n").as_bytes(), 9.0).unwrap_err();
            assert!(told.starts_with("line 2 "), "{line}: {told}");
        }
        let cut = read(format!("{fine}\n{}", &fine[..20]).as_bytes(), 9.0).unwrap();
        assert_eq!(cut.list.len(), 1, "what was cut off is left");
        assert_eq!(read(format!("{fine}\n").as_bytes(), 1.0).unwrap().list.len(), 0, "what came later is left");
    }
}
