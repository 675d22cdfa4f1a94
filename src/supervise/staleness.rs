//! Whether a run goes on, is complete, or was left by its supervisor; and the verdict so far.

use std::borrow::Cow;

use serde::Serialize;

use super::progress_reader::View;
use crate::finding::{Status, percent};
use crate::level::Level;
use crate::time::{self, Stamp};

/// Missing this many intervals makes a snapshot stale.
const INTERVALS: f64 = 3.0;
/// Shorter silences are never held against a supervisor, however short its interval: disks stall.
const PATIENCE: f64 = 5.0;
/// How long past its planned end a run without interval or process id may go unrefreshed.
const OVERTIME: f64 = 3600.0;
/// How long a snapshot that states neither interval nor plan may go unrefreshed.
const FORGOTTEN: f64 = 86_400.0;

/// What is known about the supervisor's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Supervisor {
    /// The snapshot names none, or one of another host.
    Unknown,
    /// It is there.
    Alive,
    /// There is no such process any more.
    Gone,
}

/// What the run record beside a progress file says; it is written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// There is none.
    Nothing,
    /// It cannot be read.
    Unreadable,
    /// The run goes on, or is being sealed.
    Open,
    /// Everything is written.
    Complete,
    /// Everything is written, and something is no longer as the record says: what, in words.
    Altered(String),
}

/// The state of a run, judged from its last snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It goes on, as far as can be told.
    Live,
    /// It has ended and everything is written.
    Complete,
    /// Nobody refreshes the snapshot any more: a FAIL, with the reason.
    Stale(String),
}

/// The verdict of a run, so far or for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The highest severity; `None` while a run goes on and nothing was found.
    pub verdict: Option<Status>,
    /// Whether it cannot change any more.
    pub settled: bool,
    /// What decided it.
    pub because: Vec<String>,
}

/// One normalised snapshot for machines: what `watch --format json` prints on a line.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    /// [`REPORT_SCHEMA`].
    pub schema: &'static str,
    /// The progress file.
    pub path: &'a str,
    /// The name of the run.
    pub run: &'a str,
    /// `live`, `complete` or `stale`.
    pub state: &'static str,
    /// The verdict; null while nothing was found.
    pub verdict: Option<Status>,
    /// Whether the verdict cannot change any more.
    pub settled: bool,
    /// What decided it.
    pub because: &'a [String],
    /// The snapshot, normalised.
    #[serde(flatten)]
    pub snapshot: &'a View,
}

/// The name of the document in [`Report::schema`].
pub(crate) const REPORT_SCHEMA: &str = "emp-ops/watch/v1";

impl Health {
    /// Judges `view`, last written at `modified` by the file's own time, at the instant `now`.
    pub(crate) fn of(
        view: &View,
        modified: Option<Stamp>,
        now: Stamp,
        supervisor: Supervisor,
        recorded: Recorded,
    ) -> Self {
        match recorded {
            Recorded::Nothing if view.is_complete() && view.repeats_record => {
                return Self::Stale("the run record (run.json) is missing, so nothing vouches for this run".to_owned());
            }
            Recorded::Nothing | Recorded::Complete if view.is_complete() => return Self::Complete,
            Recorded::Altered(what) if view.is_complete() => {
                return Self::Stale(format!("the run was altered since it was sealed: {what}; judge it with audit"));
            }
            Recorded::Unreadable if view.is_complete() => {
                return Self::Stale(
                    "the run record (run.json) cannot be read, so nothing vouches for this run".to_owned(),
                );
            }
            _ => {}
        }
        if supervisor == Supervisor::Gone {
            let pid = view.supervisor_pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            let when = if view.is_complete() { ": it ended while it sealed the evidence" } else { "" };
            return Self::Stale(format!("the supervisor{pid} is gone and the run is not complete{when}"));
        }
        let Some(last) = view.now.or(modified) else { return Self::Live };
        let silent = now.seconds_since(last);
        if let Some(interval) = view.progress_interval_seconds.filter(|interval| *interval > 0.0) {
            // A supervisor that reads back a large log refreshes nothing meanwhile.
            let sealing = view.is_complete() || view.phase.as_deref() == Some("sealing");
            let sealing = sealing && supervisor == Supervisor::Alive;
            if silent > (INTERVALS * interval).max(PATIENCE) && !sealing {
                return Self::Stale(format!(
                    "no new snapshot since {}, for more than three intervals of {}",
                    last.human(),
                    time::human_seconds(interval)
                ));
            }
            return Self::Live;
        }
        if supervisor == Supervisor::Alive {
            return Self::Live;
        }
        match (view.started_at, view.target_duration_seconds) {
            (Some(started), Some(target)) if now.seconds_since(started) <= target + OVERTIME => Self::Live,
            (Some(_), Some(target)) if silent > OVERTIME => Self::Stale(format!(
                "no new snapshot since {}, and the run should have ended after {}",
                last.human(),
                time::human_seconds(target)
            )),
            _ if silent > FORGOTTEN => Self::Stale(format!("no new snapshot since {}", last.human())),
            _ => Self::Live,
        }
    }

    /// `live`, `complete` or `stale`.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Complete => "complete",
            Self::Stale(_) => "stale",
        }
    }
}

/// What a complete run says against a PASS beside its words. A verdict of emp-ops itself was formed on all of it, and may
/// rest on a waiver.
fn contradictions(view: &View) -> impl Iterator<Item = String> {
    let others = !view.repeats_record;
    let errors =
        view.level_counts.iter().filter(|(level, count)| Level::from_word(level) >= Level::Error && **count > 0);
    let errors: i64 = errors.map(|(_, count)| *count).sum();
    let uptime = view.uptime_ratio.zip(view.minimum_uptime_ratio).filter(|(uptime, minimum)| uptime < minimum);
    let figures = [
        (view.total_lines == Some(0)).then(|| "no line was captured".to_owned()),
        (errors > 0).then(|| format!("{errors} lines of an error level were captured")),
        uptime.map(|(uptime, minimum)| format!("the uptime is {}, {} are required", percent(uptime), percent(minimum))),
        // Above are the signals by which a supervisor stops a command.
        view.exit_code
            .filter(|code| (1..=128).contains(code))
            .map(|code| format!("the command ended with code {code}")),
    ];
    let missing = view
        .required_evidence()
        .into_iter()
        .filter(|name| view.evidence.get(*name).is_some_and(|evidence| evidence.state.eq_ignore_ascii_case("missing")));
    let missing = missing.map(|name| format!("the {name} is required and was missing at the end"));
    let simulated = view.simulated.then(|| "the built-in simulator ran".to_owned());
    let more = figures.into_iter().flatten().chain(missing).chain(simulated).chain(view.doubts.iter().cloned());
    too_short(view).into_iter().chain(more.filter(move |_| others))
}

/// Why a complete run is shorter than it had to be: the tolerance is 5 minutes or 1 % of the requirement, whichever is
/// less.
fn too_short(view: &View) -> Option<String> {
    let required = view.required_duration_seconds.filter(|required| *required > 0.0)?;
    let asked = time::human_seconds(required);
    match view.elapsed_seconds {
        None => Some(format!("how long the run lasted is not stated, {asked} are required")),
        Some(elapsed) => (elapsed + (required * 0.01).min(300.0) < required)
            .then(|| format!("the run lasted {}, {asked} are required", time::human_seconds(elapsed))),
    }
}

impl Judgement {
    /// The verdict of `view`, given its health. The worst statement decides: a status that is better than the
    /// sign-off or than an incident is not believed.
    pub(crate) fn of(view: &View, health: &Health) -> Self {
        if let Health::Stale(reason) = health {
            return Self { verdict: Some(Status::Fail), settled: true, because: vec![reason.clone()] };
        }
        let settled = *health == Health::Complete;
        let mut said: Vec<(Status, String)> = Vec::new();
        for (name, word) in [
            ("status", &view.status),
            ("verdict", &view.stated_verdict),
            ("summary", &view.summary_status),
            ("sign-off", &view.sign_off_status),
        ] {
            match word.as_deref() {
                None | Some("starting" | "running" | "stopping" | "sealing") => {}
                Some(word) => match Status::from_word(word) {
                    Some(status) => said.push((status, format!("the {name} is {}", status.label()))),
                    None if settled => {
                        said.push((Status::Fail, format!("the {name} `{word}` is no verdict that anybody knows")));
                    }
                    None => said.push((Status::Warn, format!("the {name} `{word}` is not known"))),
                },
            }
        }
        // What the summary says is no verdict of the run.
        if settled
            && said.iter().all(|(_, reason)| !["the status ", "the verdict "].iter().any(|own| reason.starts_with(own)))
        {
            said.push((Status::Fail, "the run is complete but states no verdict".to_owned()));
        }
        if settled {
            said.extend(contradictions(view).map(|reason| (Status::Warn, reason)));
            let told = view.repeats_record || said.iter().any(|(status, _)| *status == Status::Fail);
            let failed = view.failed_part.as_ref().filter(|_| !told);
            said.extend(failed.map(|part| (Status::Fail, format!("a part of it failed: {part}"))));
        }
        // The verdict of emp-ops itself was formed on its incidents, of which a drill may have excused one, or a waiver.
        let judged = settled && view.repeats_record && view.stated_verdict.is_some();
        let counts = view.incident_counts.iter().rev().filter(|(_, count)| **count > 0 && !judged);
        for (severity, count) in counts {
            let plural = if *count == 1 { "" } else { "s" };
            said.push((*severity, format!("{count} {} incident{plural}", severity.label())));
        }
        let worst = Status::roll_up(said.iter().map(|(status, _)| *status));
        let verdict = (settled || worst > Status::Pass).then_some(worst);
        let mut because: Vec<String> = Vec::new();
        if worst > Status::Pass {
            if settled {
                because.extend(view.sign_off_findings.iter().take(10).cloned());
            }
            // The status only repeats what the others say in detail, unless nothing else says it; so do
            // verdict, summary and sign-off where the findings are named.
            let reasons = || said.iter().filter(|(status, _)| *status == worst).map(|(_, reason)| reason.clone());
            let repeats = |reason: &String| {
                let named = settled && !view.sign_off_findings.is_empty();
                let said = ["the verdict is ", "the summary is ", "the sign-off is "];
                reason.starts_with("the status is ") || (named && said.iter().any(|said| reason.starts_with(said)))
            };
            because.extend(reasons().filter(|reason| !repeats(reason)));
            if because.is_empty() {
                because.extend(reasons());
            }
        }
        Self { verdict, settled, because }
    }

    /// Whether the snapshot's own status, verdict and headline are not what came of the run: those of a run that is not
    /// complete, was altered, or is worse than it says.
    fn overrules(&self, view: &View) -> bool {
        let own = [&view.stated_verdict, &view.status].into_iter().filter_map(|word| word.as_deref());
        let mut said = own.map(Status::from_word);
        self.settled && self.verdict.is_some() && said.any(|said| said != self.verdict)
    }

    /// The snapshot as it may be shown: with this verdict where its own is another.
    pub(crate) fn correct<'a>(&self, view: &'a View) -> Cow<'a, View> {
        if !self.overrules(view) {
            return Cow::Borrowed(view);
        }
        let status = self.verdict.map(|verdict| verdict.word().to_owned());
        Cow::Owned(View { status, headline: None, ..view.clone() })
    }

    /// The word for people: `FAIL`, `WARN so far`, `RUNNING`.
    pub(crate) fn label(&self, health: &Health) -> String {
        match (health, self.verdict) {
            (Health::Stale(_), _) => "STALE HARNESS".to_owned(),
            (_, Some(status)) if self.settled => status.label().to_owned(),
            (_, Some(status)) => format!("{} so far", status.label()),
            (_, None) => "RUNNING".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "2025-01-06T00:00:00Z";

    fn view(text: &str) -> View {
        View::parse(text.as_bytes()).expect(text)
    }

    fn health(text: &str, seconds: u64, supervisor: Supervisor) -> Health {
        let start = Stamp::parse(START).expect("a time");
        let now = start.plus(std::time::Duration::from_secs(seconds));
        Health::of(&view(text), None, now, supervisor, Recorded::Nothing)
    }

    #[test]
    fn a_complete_snapshot_counts_only_with_a_complete_record() {
        use Supervisor::{Alive, Gone, Unknown};
        let text = format!(r#"{{"status":"pass","phase":"complete","now":"{START}","progress_interval_seconds":5}}"#);
        let start = Stamp::parse(START).expect("a time");
        for (recorded, supervisor, seconds, word) in [
            (Recorded::Complete, Gone, 900, "complete"),
            (Recorded::Open, Gone, 1, "stale"),
            (Recorded::Open, Alive, 900, "live"),
            (Recorded::Open, Unknown, 900, "stale"),
            (Recorded::Unreadable, Alive, 1, "stale"),
            (Recorded::Altered("x".into()), Gone, 1, "stale"),
            (Recorded::Nothing, Gone, 900, "complete"),
        ] {
            let now = start.plus(std::time::Duration::from_secs(seconds));
            let health = Health::of(&view(&text), None, now, supervisor, recorded);
            assert_eq!(health.word(), word, "{supervisor:?}");
        }
        // A record that the snapshot repeats was there once.
        let text = text.replace('{', r#"{"record":{},"#);
        assert_eq!(Health::of(&view(&text), None, start, Gone, Recorded::Nothing).word(), "stale");
    }

    #[test]
    fn a_snapshot_that_nobody_refreshes_is_stale() {
        use Supervisor::{Alive, Gone, Unknown};
        let running = |extra: &str| {
            format!(r#"{{"status":"running","phase":"running","now":"{START}","started_at":"{START}"{extra}}}"#)
        };
        let (interval, none) = (running(r#","progress_interval_seconds":300"#), running(""));
        let planned = running(r#","target_duration_seconds":7200,"progress_interval_seconds":0"#);
        let sealing = interval.replace(r#""phase":"running""#, r#""phase":"sealing""#);
        let complete = interval.replace(r#""phase":"running""#, r#""phase":"complete""#);
        for (text, seconds, supervisor, word) in [
            (&interval, 900, Unknown, "live"),
            (&interval, 901, Unknown, "stale"),
            (&interval, 901, Alive, "stale"),
            (&interval, 1, Gone, "stale"),
            (&sealing, 901, Alive, "live"),
            (&sealing, 901, Unknown, "stale"),
            (&complete, 9_000_000, Gone, "complete"),
            (&none, 86_400, Unknown, "live"),
            (&none, 86_401, Unknown, "stale"),
            (&planned, 10_000, Unknown, "live"),
            (&planned, 10_801, Unknown, "stale"),
            (&planned, 99_999_999, Alive, "live"),
        ] {
            assert_eq!(health(text, seconds, supervisor).word(), word, "{text} {seconds} {supervisor:?}");
        }
    }

    #[test]
    fn short_intervals_and_clocks_that_run_behind_raise_no_alarm() {
        let text = r#"{"status":"running","now":"2025-01-06T00:00:00Z","progress_interval_seconds":0.1}"#;
        assert_eq!(health(text, 4, Supervisor::Unknown), Health::Live);
        assert_eq!(health(&text.replace("06T", "07T"), 4, Supervisor::Unknown), Health::Live);
    }

    #[test]
    fn a_snapshot_that_is_overruled_does_not_show_its_own_verdict() {
        let good = r#"{"status":"pass","verdict":"pass","headline":"PASS with 1 waiver","phase":"complete"}"#;
        let stale = Health::Stale("the supervisor is gone".to_owned());
        for (text, health, status, headline) in [
            (good, &Health::Complete, "pass", Some("PASS with 1 waiver")),
            (good, &stale, "fail", None),
            (&*good.replace(r#""verdict":"pass""#, r#""verdict":"fail""#), &Health::Complete, "fail", None),
            (
                r#"{"status":"pass","phase":"complete","incidents":[{"severity":"fail"}]}"#,
                &Health::Complete,
                "fail",
                None,
            ),
            (r#"{"status":"running","phase":"running"}"#, &Health::Live, "running", None),
            (r#"{"status":"running","phase":"running"}"#, &stale, "fail", None),
        ] {
            let view = view(text);
            let judgement = Judgement::of(&view, health);
            let shown = judgement.correct(&view);
            assert_eq!((shown.status.as_deref(), shown.headline.as_deref()), (Some(status), headline), "{text}");
        }
    }

    #[test]
    fn the_worst_statement_is_the_verdict() {
        use Status::{Fail, Pass, Warn};
        for (text, verdict, because) in [
            (r#"{"status":"running","phase":"running"}"#, None, ""),
            (r#"{"status":"pass","phase":"running"}"#, None, ""),
            (r#"{"status":"fail","phase":"running"}"#, Some(Fail), "the status is FAIL"),
            (r#"{"status":"running","incidents":[{"severity":"fail"}]}"#, Some(Fail), "1 FAIL incident"),
            (r#"{"status":"PASS","phase":"complete"}"#, Some(Pass), ""),
            (
                r#"{"status":"pass","phase":"complete","sign_off":{"status":"FAIL"}}"#,
                Some(Fail),
                "the sign-off is FAIL",
            ),
            (r#"{"status":"running","phase":"complete"}"#, Some(Fail), "states no verdict"),
            (r#"{"phase":"complete"}"#, Some(Fail), "states no verdict"),
            (r#"{"status":"x","phase":"complete"}"#, Some(Fail), "`x`"),
            (r#"{"status":"x"}"#, Some(Warn), "`x`"),
            (
                r#"{"status":"pass","phase":"complete","elapsed_seconds":3600,"required_duration_seconds":7200}"#,
                Some(Warn),
                "the run lasted 1h, 2h are required",
            ),
            (
                r#"{"status":"pass","phase":"complete","required_duration_seconds":7200}"#,
                Some(Warn),
                "is not stated, 2h are required",
            ),
            (
                r#"{"status":"pass","phase":"complete","elapsed_seconds":7140,"required_duration_seconds":7200}"#,
                Some(Pass),
                "",
            ),
            (r#"{"status":"pass","phase":"running","elapsed_seconds":1,"required_duration_seconds":7200}"#, None, ""),
            (r#"{"status":"pass","phase":"complete","verdict":"fail"}"#, Some(Fail), "the verdict is FAIL"),
            (r#"{"status":"pass","phase":"complete","total_lines":0}"#, Some(Warn), "no line was captured"),
            (
                r#"{"status":"pass","phase":"complete","level_counts":{"Critical":2}}"#,
                Some(Warn),
                "2 lines of an error level",
            ),
            (r#"{"status":"pass","phase":"complete","exit_code":3}"#, Some(Warn), "ended with code 3"),
            (r#"{"status":"pass","phase":"complete","exit_code":143}"#, Some(Pass), ""),
            (
                r#"{"status":"pass","phase":"complete","uptime_ratio":0.5,"minimum_uptime_ratio":0.98}"#,
                Some(Warn),
                "the uptime is 50%, 98% are required",
            ),
            (r#"{"status":null,"phase":"complete","sign_off":{"status":"pass"}}"#, Some(Fail), "states no verdict"),
            (
                r#"{"status":"pass","phase":"complete","sign_off":{"gates":[{"status":"fail"}]}}"#,
                Some(Fail),
                "sign_off.gates[0].status is fail",
            ),
            (r#"{"status":"pass","phase":"complete","incidents":["boom"]}"#, Some(Warn), "could not be understood"),
            (r#"{"status":"pass","phase":"complete","uptime_ratio":99}"#, Some(Warn), "uptime_ratio is 99"),
            (r#"{"status":"pass","phase":"complete","total_lines":-5}"#, Some(Warn), "total_lines is -5"),
            (r#"{"status":"pass","phase":"complete","lost_lines":7}"#, Some(Warn), "7 lines of output were lost"),
            (r#"{"status":"pass","phase":"complete","simulated":true}"#, Some(Warn), "simulator"),
            // A verdict of emp-ops may rest on a waiver.
            (r#"{"status":"pass","phase":"complete","level_counts":{"error":2},"record":{}}"#, Some(Pass), ""),
            (
                r#"{"status":"warn","verdict":"warn","phase":"complete","incident_counts":{"fail":1},"record":{}}"#,
                Some(Warn),
                "the verdict is WARN",
            ),
        ] {
            let view = view(text);
            let recorded = if view.repeats_record { Recorded::Complete } else { Recorded::Nothing };
            let now = Stamp::parse(START).expect("a time");
            let health = Health::of(&view, None, now, Supervisor::Unknown, recorded);
            let judgement = Judgement::of(&view, &health);
            assert_eq!(judgement.verdict, verdict, "{text}");
            assert!(judgement.because.join("; ").contains(because), "{text}: {:?}", judgement.because);
            assert_eq!(judgement.settled, view.is_complete());
        }
    }

    #[test]
    fn a_complete_failure_names_what_the_sign_off_found_first() {
        let text = r#"{"status":"fail","phase":"complete","sign_off":{"status":"fail","findings":[
            {"severity":"warn","message":"later"},{"severity":"fail","message":"too short"}]}}"#;
        let judgement = Judgement::of(&view(text), &Health::Complete);
        assert_eq!(judgement.because, ["too short", "later"]);
    }
}
