//! `emp-ops offline-qa`: files to sessions to documents, several at a time, written in the order of the files.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::export::{ExportArgs, Exports};
use super::{Common, Error, Format, Outcome};
use crate::finding::Finding;
use crate::io::clock;
use crate::io::files::{self, FileError};
use crate::io::read::parallel;
use crate::offline::document::{self, Document, Settings};
use crate::offline::id::file_stem;
use crate::offline::reading::lexicon::Lexicon;
use crate::offline::reading::matcher::Matcher;
use crate::offline::rollup::{BUILT_IN, Rollup, Row, Skipped};
use crate::offline::search::Drill;
use crate::offline::session::{self, Artefact, Other, Session};
use crate::report;

/// Run closed sessions through story, mentions, deltas, moderation and publishing, before players see any of it
#[derive(Debug, Args)]
#[command(after_help = "\
Verdict: FAIL for a file that cannot be used in full, where no name of the lexicon occurs, and for search jobs that \
stay failed; WARN for a session \
that awaits moderation and for a drill that met no job.\n\
With --out: <session>-offline-qa.json for each session, offline-qa-rollup.json and offline-qa.md.")]
pub(crate) struct OfflineQa {
    /// A session artefact, or a directory of them (walked for *.json); repeatable
    #[arg(short, long, required = true, value_name = "PATH")]
    input: Vec<PathBuf>,
    /// The session's id, instead of the one in the file (for one file only)
    #[arg(short, long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    session: Option<String>,
    /// Names, words and capabilities to look for, TOML or JSON [default: a small invented one, for demonstrations]
    #[arg(short, long, value_name = "FILE")]
    lexicon: Option<PathBuf>,
    /// Have the search index refuse this share of the jobs, and drain the retry queue [default share: 1]
    #[arg(long, value_name = "RATE", num_args = 0..=1, require_equals = true, default_missing_value = "1", value_parser = super::ratio)]
    simulate_search_drift: Option<f64>,
    /// How often in a row a drifting job is refused; the queue tries three times, so 4 lets jobs stay failed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100), requires = "simulate_search_drift")]
    drift_attempts: u32,
    /// Chooses which jobs drift
    #[arg(long, value_name = "N", default_value_t = 0, requires = "simulate_search_drift")]
    drift_seed: u64,
    /// Sessions worked on at once [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    #[command(flatten)]
    pub export: ExportArgs,
}

/// What became of one file.
enum Done {
    Row(Box<Row>),
    Skipped(Skipped),
    Finding(Finding),
}

/// Runs the command.
///
/// # Errors
/// An input or the lexicon cannot be read, the lexicon is wrong, `--session` meets several files, or `--out`
/// cannot be written.
pub(crate) fn run(common: &Common, args: &OfflineQa, exports: &Exports) -> Result<ExitCode, Error> {
    let matcher = Matcher::new(lexicon(args.lexicon.as_deref())?).map_err(Error::Usage)?;
    let Inputs { files, mut skipped, mut findings, .. } = Inputs::of(&args.input)?;
    if args.session.is_some() && files.len() > 1 {
        return Err(Error::Usage(format!(
            "--session names one session, but there are {} files; name one file with --input",
            files.len()
        )));
    }
    if let Some(folder) = &common.out {
        files::create_dir(folder)?;
    }
    let now = clock::source_date();
    let drill =
        args.simulate_search_drift.map(|rate| Drill { rate, refusals: args.drift_attempts, seed: args.drift_seed });
    let work = Work { out: common.out.as_deref(), matcher: &matcher, settings: Settings { now, drill } };
    let threads = parallel::threads(args.threads.map_or(0, usize::from));

    let (mut rows, mut taken) = (Vec::new(), HashMap::new());
    // A few files at a time: what is held in memory does not grow with the directory.
    for files in files.chunks(threads * 4) {
        let read = parallel::map(threads, files.iter().collect(), |file| read(file, args.session.as_deref()));
        let claimed: Vec<Result<(&Input, Session), Done>> = files
            .iter()
            .zip(read)
            .map(|(file, artefact)| claim(file, artefact, &mut taken).map(|session| (file, session)))
            .collect();
        for done in parallel::map(threads, claimed, |file| match file {
            Ok((file, session)) => work.on(file, &session),
            Err(done) => Ok(done),
        }) {
            match done? {
                Done::Row(row) => rows.push(*row),
                Done::Skipped(file) => skipped.push(file),
                Done::Finding(finding) => findings.push(finding),
            }
        }
    }
    let source = args.lexicon.as_deref().map_or_else(|| BUILT_IN.to_owned(), |path| path.display().to_string());
    let rollup = Rollup::of(rows, skipped, findings, (source, matcher.lexicon().entries()), now);
    emit(common, &rollup, exports)
}

fn lexicon(path: Option<&Path>) -> Result<Lexicon, Error> {
    let Some(path) = path else { return Ok(Lexicon::built_in()) };
    Lexicon::read(&files::read(path)?).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| format!("{}: {error}", path.display())).collect();
        Error::Usage(lines.join("\n"))
    })
}

/// A file to look at.
struct Input {
    path: PathBuf,
    /// Named by the user, not met in a directory: it must be a session then.
    named: bool,
}

impl Input {
    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Whether `other` is known to be beside sessions; a list only under the name that exporters give it.
    fn is_companion(&self, other: Other) -> bool {
        match other {
            Other::List => self.path.to_string_lossy().ends_with("-transcript.json"),
            Other::Summary | Other::Result => true,
            Other::Unknown => false,
        }
    }
}

/// What the `--input`s come to.
#[derive(Default)]
struct Inputs {
    files: Vec<Input>,
    skipped: Vec<Skipped>,
    findings: Vec<Finding>,
    known: HashMap<PathBuf, String>,
}

impl Inputs {
    /// Walks the directories, sorted by name.
    ///
    /// # Errors
    /// One of the paths that the user named is missing or cannot be read.
    fn of(paths: &[PathBuf]) -> Result<Self, FileError> {
        let mut inputs = Self::default();
        for path in paths {
            let fail = |source| FileError::new("read", path, source);
            let metadata = fs::metadata(path).map_err(fail)?;
            if metadata.is_dir() {
                fs::read_dir(path).map_err(fail)?;
                inputs.walk(path);
            } else {
                if metadata.is_file() {
                    files::open(path).map_err(fail)?;
                }
                inputs.add(path.clone(), true);
            }
        }
        Ok(inputs)
    }

    fn walk(&mut self, folder: &Path) {
        let before = self.files.len() + self.skipped.len() + self.findings.len();
        for entry in walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name() {
            match entry {
                Ok(entry) => {
                    let is_json = entry.path().extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
                    if is_json && !entry.file_type().is_dir() {
                        self.add(entry.into_path(), false);
                    }
                }
                Err(error) => {
                    let path = error.path().unwrap_or(folder).display().to_string();
                    self.findings.push(Finding::fail(format!("cannot be read: {error}")).in_file(path, None));
                }
            }
        }
        if before == self.files.len() + self.skipped.len() + self.findings.len() {
            let finding = Finding::fail("no *.json file was found in this directory");
            self.findings.push(finding.in_file(folder.display().to_string(), None));
        }
    }

    fn add(&mut self, path: PathBuf, named: bool) {
        let input = Input { path, named };
        let same = fs::canonicalize(&input.path).unwrap_or_else(|_| input.path.clone());
        if let Some(first) = self.known.get(&same) {
            self.skipped.push(Skipped { input: input.shown(), reason: format!("the same file as {first}") });
            return;
        }
        self.known.insert(same, input.shown());
        self.files.push(input);
    }
}

fn read(file: &Input, session: Option<&str>) -> Artefact {
    let read = if file.named { files::read(&file.path) } else { files::read_found(&file.path) };
    match read {
        Ok(bytes) => session::read(&bytes, session),
        Err(error) => Artefact::Broken(format!("cannot be read: {}", error.source)),
    }
}

/// Takes the session's id for this file; what is no session, or has an id that is taken, is done with.
fn claim(file: &Input, artefact: Artefact, taken: &mut HashMap<String, String>) -> Result<Session, Done> {
    let fail = |what: String| Done::Finding(Finding::fail(what).in_file(file.shown(), None));
    let session = match artefact {
        Artefact::Session(session) => session,
        Artefact::Broken(why) => return Err(fail(why)),
        Artefact::Other(other) if file.named => return Err(fail(format!("this is {}", other.text()))),
        Artefact::Other(other) if file.is_companion(other) => {
            return Err(Done::Skipped(Skipped { input: file.shown(), reason: other.text().to_owned() }));
        }
        Artefact::Other(other) => {
            let finding = Finding::warn(format!("was skipped; it is {}", other.text()));
            return Err(Done::Finding(finding.in_file(file.shown(), None)));
        }
    };
    // By file name rather than by id: `3` and "3" would overwrite each other.
    match taken.get(&file_stem(&session.id)) {
        Some(first) => {
            Err(fail(format!("its session id `{}` is that of {first} already; it was left out", session.id)))
        }
        None => {
            taken.insert(file_stem(&session.id), file.shown());
            Ok(*session)
        }
    }
}

/// What the workers share.
struct Work<'a> {
    out: Option<&'a Path>,
    matcher: &'a Matcher,
    settings: Settings,
}

impl Work<'_> {
    /// Runs the stages on one session and writes its document.
    fn on(&self, file: &Input, session: &Session) -> Result<Done, FileError> {
        document::rehearse(session, self.matcher, &self.settings, |document| {
            let name = format!("{}-offline-qa.json", file_stem(&session.id));
            if let Some(folder) = self.out {
                files::replace_many_with(&folder.join(&name), |file| write(document, file))?;
            }
            Ok(Done::Row(Box::new(Row::of(document, file.shown(), name))))
        })
    }
}

fn write(document: &Document<'_>, file: &mut File) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 18, file);
    files::write_json(&mut out, document)?;
    out.flush()
}

fn emit(common: &Common, rollup: &Rollup, exports: &Exports) -> Result<ExitCode, Error> {
    if let Some(folder) = &common.out {
        files::replace_json(&folder.join("offline-qa-rollup.json"), rollup)?;
        let page = report::to_markdown(&report::offline_qa::doc(rollup, true));
        files::replace(&folder.join("offline-qa.md"), page.as_bytes())?;
    }
    let details = common.format == Format::Markdown || common.verbose || rollup.sessions.len() == 1;
    let doc = report::offline_qa::doc(rollup, details);
    // The pack is written already, under names of its own.
    let print_only = Common { out: None, ..common.clone() };
    let view = report::offline_qa::view(rollup);
    let outcome = Outcome { name: "offline_qa", view: &view, json: rollup, doc: &doc };
    let code = print_only.emit(&outcome)?;
    let page = |_: &Path| report::page::offline_qa(&report::offline_qa::doc(rollup, true), rollup);
    exports.finish(common.fail_on, &outcome, page)?;
    Ok(code)
}
