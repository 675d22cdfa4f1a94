//! `emp-ops watch`: follows a rehearsal live, or many.

mod ack;
mod board;
mod rows;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use super::{ACCEPTED, Common, Error, Format, positive_duration};
use crate::finding::Status;
use crate::io::process::interrupt::Interrupts;
use crate::io::runs::all::AllRuns;
use crate::io::runs::changes::Changes;
use crate::io::runs::follow::Follower;
use crate::io::tty::keyboard::Input;
use crate::io::tty::screen::{self, Screen};
use crate::io::tty::terminal;
use crate::io::{clock, files};
use crate::report::dashboard::Palette;
use crate::report::live_line;
use crate::report::runs_table;
use crate::report::watch_lines::{self, Parts};
use crate::report::{to_markdown, to_text};
use crate::supervise::progress_reader::View;
use crate::supervise::staleness::{Health, Judgement, REPORT_SCHEMA, Report};
use crate::time::Stamp;

/// How often the dashboard looks for keys and for a new snapshot; a look costs one `stat`.
const LOOK: Duration = Duration::from_millis(100);

/// Follow a rehearsal live
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// A progress file, a run directory, or an output root (its newest run)
    path: PathBuf,
    /// Show one snapshot and end: exit 1 when it is a FAIL or stale, 3 when there is none
    #[arg(long)]
    once: bool,
    /// Print blocks of lines even on a terminal
    #[arg(long)]
    plain: bool,
    /// Show one row for each run of an output root
    #[arg(long)]
    all: bool,
    /// How often to look (plain) and to refresh ages and clock (dashboard)
    #[arg(long, value_name = "D", default_value = "1s", value_parser = positive_duration)]
    interval: Duration,
    /// How many incidents a block of lines lists, the newest first to be kept
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    max_incidents: u16,
    /// List no incidents
    #[arg(long)]
    no_incidents: bool,
    /// Leave out the status of the summary
    #[arg(long)]
    skip_summary: bool,
    /// Leave out the status of the sign-off
    #[arg(long)]
    skip_sign_off: bool,
    /// End when the run is complete or its harness has died; the exit code follows the verdict
    #[arg(long)]
    exit_when_complete: bool,
    /// How long to wait for a run that has not started yet; then exit code 3 [default: for ever, with --once not at all]
    #[arg(long, value_name = "D", value_parser = super::duration)]
    wait: Option<Duration>,
    /// Play the timeline of a finished run back, as it was seen
    #[arg(long, conflicts_with_all = ["all", "wait"])]
    replay: bool,
    /// How many seconds of the run pass in one second of a replay
    #[arg(long, value_name = "X", default_value_t = 60.0, value_parser = speed, requires = "replay")]
    speed: f64,
    /// Show one moment of the run, from its timeline
    #[arg(long, value_name = "TIME", value_parser = super::stamp, conflicts_with_all = ["all", "wait", "replay"])]
    at: Option<Stamp>,
    /// Show one workload of the run alone: its state, its incidents and its log
    #[arg(long, value_name = "NAME", conflicts_with_all = ["all", "ack"])]
    workload: Option<String>,
    /// Say that somebody has seen an incident, by its id (or its first digits), or all that nobody has seen yet
    #[arg(long, value_name = "ID|all", conflicts_with_all = ["all", "once", "replay", "at", "exit_when_complete"])]
    ack: Option<String>,
    /// Who has seen it, for --ack and the key `a` [default: the user]
    #[arg(long, value_name = "NAME", value_parser = ack::name)]
    by: Option<String>,
    /// What that person says of it
    #[arg(long, value_name = "TEXT", value_parser = ack::note, requires = "ack")]
    note: Option<String>,
}

/// clap parser for a factor of time.
fn speed(text: &str) -> Result<f64, String> {
    match super::number(text)? {
        factor if (0.01..=1e6).contains(&factor) => Ok(factor),
        _ => Err("write a factor from 0.01 to 1000000, such as 60".to_owned()),
    }
}

/// How watching came to its end.
enum End {
    /// The run is complete, or was left by its supervisor.
    Settled,
    /// The user had enough.
    Quit,
    /// The user went back to the list of runs.
    Back,
    /// A signal asked for it.
    Signal(u8),
}

/// Runs the command.
///
/// # Errors
/// With `--once`: there is no snapshot to show. Otherwise only when output fails.
pub(crate) fn run(common: &Common, args: &WatchArgs) -> Result<ExitCode, Error> {
    let interrupts = Interrupts::catch()?;
    let mut watch = Watch { common, args, interrupts, noted: BTreeSet::new(), started: Instant::now() };
    if let Some(ids) = &args.ack {
        return watch.acknowledge(ids);
    }
    let screen = common.format == Format::Text && !args.plain && !args.once && args.at.is_none() && screen::available();
    match (args.all, screen) {
        (false, false) => watch.lines(),
        (false, true) => watch.dashboard(),
        (true, false) => watch.table(),
        (true, true) => watch.runs(),
    }
}

struct Watch<'a> {
    common: &'a Common,
    args: &'a WatchArgs,
    interrupts: Interrupts,
    noted: BTreeSet<String>,
    started: Instant,
}

impl Watch<'_> {
    /// What is followed: a run as it is, or its past.
    fn follower(&self) -> Result<Follower, Error> {
        let run = Follower::new(&self.args.path);
        if self.args.replay || self.args.at.is_some() {
            return run.replaying(self.args.speed, self.args.at).map_err(Error::NoVerdict);
        }
        Ok(run)
    }

    /// Whether nobody waits any longer for a run that has not started.
    fn in_vain(&self) -> bool {
        let default = self.args.once.then_some(Duration::ZERO);
        self.args.wait.or(default).is_some_and(|wait| self.started.elapsed() >= wait)
    }

    /// What is shown of a snapshot: all, or one workload.
    fn shown(&self, view: &View) -> Result<View, Error> {
        let Some(name) = &self.args.workload else { return Ok(view.clone()) };
        view.clone().only(name).ok_or_else(|| {
            let names: Vec<&str> = view.workloads.iter().map(|worker| worker.name.as_str()).collect();
            let known = if names.is_empty() {
                "it is of one command".to_owned()
            } else {
                format!("it has {}", names.join(", "))
            };
            Error::Usage(format!("the run has no workload {name}; {known}"))
        })
    }

    fn parts(&self) -> Parts {
        Parts {
            incidents: if self.args.no_incidents { 0 } else { self.args.max_incidents.into() },
            summary: !self.args.skip_summary,
            sign_off: !self.args.skip_sign_off,
        }
    }

    /// Says each problem once.
    fn note(&mut self, problem: Option<&String>) {
        if let Some(problem) = problem.filter(|problem| !self.noted.contains(*problem)) {
            terminal::note(&format!("watch: {problem}; waiting"));
            self.noted.insert(problem.clone());
        }
    }

    /// One run as blocks of lines.
    fn lines(&mut self) -> Result<ExitCode, Error> {
        let mut run = self.follower()?;
        let once = self.args.once || self.args.at.is_some();
        // The past has no changes to come.
        let live = self.common.format == Format::Text && !once && !self.args.replay;
        let mut changes = live.then(Changes::default);
        let mut last = String::new();
        loop {
            run.look();
            if run.view.is_none() && (self.in_vain() || run.is_over()) {
                let early = self.args.at.zip(run.first()).map(|(at, first)| {
                    format!("the run had no snapshot by {}; its first is of {}", at.human(), first.human())
                });
                return Err(none(run.problem.or(early)));
            }
            self.note(run.problem.as_ref());
            if let (Some(view), Some((health, judgement))) = (&run.view, run.judge(run.now())) {
                let view = &self.shown(view)?;
                if let Some(changes) = &mut changes {
                    self.tell_changes(changes, &run, view)?;
                }
                let text = self.block(&run, view, &health, &judgement);
                if text != last {
                    let gap = if last.is_empty() || self.common.format == Format::Json { "" } else { "\n" };
                    terminal::print(&format!("{gap}{text}"))?;
                    last = text;
                }
                if once || run.is_over() || (self.args.exit_when_complete && judgement.settled) {
                    self.pack(&run, view, &health, &judgement)?;
                    return Ok(self.code(judgement.verdict));
                }
            }
            if let Some(end) = self.pause() {
                return Ok(end);
            }
        }
    }

    /// One line for each change of state of the workloads that are shown.
    fn tell_changes(&self, changes: &mut Changes, run: &Follower, view: &View) -> Result<(), Error> {
        let shown = |name: &str| view.workloads.iter().any(|worker| worker.name == name);
        for change in changes.look(run.path()).iter().filter(|change| shown(&change.workload)) {
            let told = live_line::change(&change.workload, change.to.word(), &change.because);
            terminal::print(&format!("{} {told}\n", change.at.human()))?;
        }
        Ok(())
    }

    /// Waits for the next look; the exit code when there is none.
    fn pause(&self) -> Option<ExitCode> {
        // Who waits for a verdict gets it, even if nobody reads the lines any more.
        if !self.args.exit_when_complete && terminal::reader_gone() {
            return Some(ACCEPTED.into());
        }
        self.interrupts.wait(self.args.interval).map(|signal| (128 + signal).into())
    }

    fn code(&self, verdict: Option<Status>) -> ExitCode {
        verdict.map_or(ACCEPTED, |status| self.common.fail_on.code(status)).into()
    }

    /// One snapshot in the chosen format.
    fn block(&self, run: &Follower, view: &View, health: &Health, judgement: &Judgement) -> String {
        let (title, parts) = (run.title(), self.parts());
        if self.common.format == Format::Json {
            return self.json(run, view, health.word(), judgement);
        }
        let facts = watch_lines::facts(&title, view, health, judgement, parts);
        match self.common.format {
            Format::Markdown => to_markdown(&watch_lines::to_doc(&title, facts, view, judgement, parts)),
            _ => watch_lines::to_text(&facts, view, parts, self.common.look()),
        }
    }

    /// One snapshot as a line of JSON.
    fn json(&self, run: &Follower, view: &View, state: &'static str, judgement: &Judgement) -> String {
        let mut snapshot = judgement.correct(view).into_owned();
        if self.args.no_incidents {
            snapshot.incidents = None;
        }
        if self.args.skip_summary {
            snapshot.summary_status = None;
        }
        if self.args.skip_sign_off {
            (snapshot.sign_off_status, snapshot.sign_off_findings) = (None, Vec::new());
        }
        let report = Report {
            schema: REPORT_SCHEMA,
            path: &run.path().display().to_string(),
            run: &run.name(),
            state,
            verdict: judgement.verdict,
            settled: judgement.settled,
            because: &judgement.because,
            snapshot: &snapshot,
        };
        // Keys are strings and numbers are finite, so this cannot fail.
        files::json_line(&report)
    }

    /// Writes the last snapshot under `--out`.
    fn pack(&self, run: &Follower, view: &View, health: &Health, judgement: &Judgement) -> Result<(), Error> {
        let Some(folder) = &self.common.out else { return Ok(()) };
        files::create_dir(folder)?;
        let json = self.json(run, view, health.word(), judgement);
        files::replace(&folder.join("watch.json"), json.as_bytes())?;
        let (title, parts) = (run.title(), self.parts());
        let facts = watch_lines::facts(&title, view, health, judgement, parts);
        let markdown = to_markdown(&watch_lines::to_doc(&title, facts, view, judgement, parts));
        files::replace(&folder.join("watch.md"), markdown.as_bytes())?;
        Ok(())
    }

    /// All runs as tables or lines.
    fn table(&mut self) -> Result<ExitCode, Error> {
        let mut runs = AllRuns::new(&self.args.path);
        let mut printed = BTreeSet::new();
        loop {
            runs.look();
            let rows = rows::all(&runs, clock::now());
            if rows.is_empty() && self.in_vain() {
                return Err(none(runs.problem));
            }
            self.note(runs.problem.as_ref());
            for run in &runs.runs {
                self.note(run.problem.as_ref());
            }
            if !rows.is_empty() {
                self.print_table(&runs, &rows, &mut printed)?;
                if self.args.once || (self.args.exit_when_complete && rows.iter().all(|row| row.settled)) {
                    return Ok(self.code(runs_table::worst(&rows)));
                }
            }
            if let Some(end) = self.pause() {
                return Ok(end);
            }
        }
    }

    fn print_table(
        &self,
        runs: &AllRuns,
        rows: &[runs_table::RunRow],
        printed: &mut BTreeSet<String>,
    ) -> Result<(), Error> {
        let doc = || runs_table::to_doc(&self.args.path.display().to_string(), rows);
        let texts = match self.common.format {
            Format::Json => runs.runs.iter().map(|run| self.run_json(run)).collect(),
            Format::Markdown => vec![to_markdown(&doc())],
            _ => vec![to_text(&doc(), self.common.look())],
        };
        let gap = if printed.is_empty() || self.common.format == Format::Json { "" } else { "\n" };
        let fresh: String = texts.iter().filter(|text| !printed.contains(*text)).map(String::as_str).collect();
        if !fresh.is_empty() {
            terminal::print(&format!("{gap}{fresh}"))?;
        }
        *printed = texts.into_iter().collect();
        Ok(())
    }

    /// One of many runs as a line of JSON, also where it has no usable snapshot.
    fn run_json(&self, run: &Follower) -> String {
        let now = clock::now();
        if let (Some(view), Some((health, judgement))) = (&run.view, run.judge(now)) {
            return self.json(run, view, health.word(), &judgement);
        }
        let row = rows::of(run, now);
        let because = run.problem.iter().cloned().collect();
        let judgement = Judgement { verdict: row.verdict, settled: row.settled, because };
        self.json(run, &View::default(), "unreadable", &judgement)
    }

    /// All runs on the whole screen; Enter opens one.
    fn runs(&mut self) -> Result<ExitCode, Error> {
        let mut runs = AllRuns::new(&self.args.path);
        let mut screen = Screen::open(self.common.look().color)?;
        let end = self.list(&mut screen, &mut runs);
        drop(screen);
        let rows = rows::all(&runs, clock::now());
        match end? {
            End::Signal(signal) => Ok((128 + signal).into()),
            End::Settled => {
                self.print_table(&runs, &rows, &mut BTreeSet::new())?;
                Ok(self.code(runs_table::worst(&rows)))
            }
            End::Quit | End::Back if self.args.exit_when_complete => {
                terminal::note("watch: left before all runs were complete, so there is no verdict");
                Ok(130.into())
            }
            End::Quit | End::Back => Ok(ACCEPTED.into()),
        }
    }

    fn list(&mut self, screen: &mut Screen, runs: &mut AllRuns) -> Result<End, Error> {
        use ratatui::crossterm::event::KeyCode::{Char, Down, End as Last, Enter, Home, Up};
        let palette = Palette { color: self.common.look().color };
        let root = self.args.path.display().to_string();
        let mut selected: Option<PathBuf> = None;
        let mut drawn: Option<Instant> = None;
        loop {
            if let Some(signal) = self.interrupts.pending() {
                return Ok(End::Signal(signal));
            }
            let changed = runs.look();
            let place = |path: &Path| runs.runs.iter().position(|run| run.path() == path);
            let at = selected.as_deref().and_then(place).unwrap_or(0);
            if changed || screen.resized() || drawn.is_none_or(|at| at.elapsed() >= self.args.interval) {
                drawn = Some(Instant::now());
                let now = clock::now();
                let rows = rows::all(runs, now);
                screen.draw(|frame| runs_table::draw(frame, &root, &rows, at, now, palette))?;
                if self.args.exit_when_complete && !rows.is_empty() && rows.iter().all(|row| row.settled) {
                    return Ok(End::Settled);
                }
            }
            let key = match screen.wait(LOOK)? {
                None => continue,
                Some(Input::Interrupt) => return Ok(End::Signal(2)),
                Some(Input::Hangup) => return Ok(End::Signal(1)),
                Some(Input::Key(key)) => key,
            };
            drawn = None;
            let to = match key {
                Char('q') => return Ok(End::Quit),
                Down | Char('j') => at + 1,
                Up | Char('k') => at.saturating_sub(1),
                Home | Char('g') => 0,
                Last | Char('G') => usize::MAX,
                Enter => {
                    if let Some(run) = runs.runs.get(at) {
                        let mut opened = Follower::new(run.path()).with_history();
                        match self.board(screen, &mut opened, true)? {
                            End::Back | End::Settled => {}
                            end => return Ok(end),
                        }
                    }
                    at
                }
                _ => at,
            };
            selected = runs.runs.get(to.min(runs.runs.len().saturating_sub(1))).map(|run| run.path().to_owned());
        }
    }
}

/// There is nothing to show.
fn none(problem: Option<String>) -> Error {
    Error::NoVerdict(problem.unwrap_or_else(|| "there is no snapshot".to_owned()))
}
